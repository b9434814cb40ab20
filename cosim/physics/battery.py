"""A battery between two instants: what it can do, and what a held power does to it.

Power is + when discharging and − when charging, on the side of the site (AC). Energy is inside
the battery. Between two instants the asked power is constant, so full and empty are reached at
instants known in closed form and nothing ticks: ``E' = p − σ E`` has the solution
``E(t) = E0 exp(−σ t) + p φ(t)`` with ``φ(t) = (1 − exp(−σ t)) / σ`` (``t`` where σ is 0).

Full, the battery takes only what self-discharge consumes; empty, it gives nothing. Both are the
limits of ever finer switching, so cutting an interval in parts does not change the result.

``ideal`` is the paper's lossless battery (JEMAS Eq. 9, arXiv 2605.02965); ``linear`` adds
efficiencies, self-discharge and a window of the state of charge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics import battery_row as b
from cosim.physics.ranges import Range, range_problems, refuse

ROOM_C = 25.0
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Battery:
    """A stationary battery with its converter.

    Attributes:
        kind: ``ideal`` (lossless, whole window) or ``linear``.
        capacity_kwh: energy between empty and full [kWh], above 0.
        charge_kw_max: highest charging power at the site [kW].
        discharge_kw_max: highest discharging power at the site [kW].
        charge_efficiency: stored per charged energy, in (0, 1].
        discharge_efficiency: delivered per withdrawn energy, in (0, 1].
        self_discharge_per_h: σ, share of the stored energy lost in an hour [1/h].
        soc_min: lowest state of charge that discharging may reach.
        soc_max: highest state of charge that charging may reach.
    """

    kind: Literal["ideal", "linear"]
    capacity_kwh: float
    charge_kw_max: float
    discharge_kw_max: float
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    self_discharge_per_h: float = 0.0
    soc_min: float = 0.0
    soc_max: float = 1.0

    RANGES: ClassVar[dict[str, Range]] = {
        "capacity_kwh": Range(0.0, 1e9, "kWh", above=True),
        "charge_kw_max": Range(0.0, 1e9, "kW"),
        "discharge_kw_max": Range(0.0, 1e9, "kW"),
        "charge_efficiency": Range(0.5, 1.0),
        "discharge_efficiency": Range(0.5, 1.0),
        "self_discharge_per_h": Range(0.0, 0.1, "per hour"),
        "soc_min": Range(0.0, 1.0),
        "soc_max": Range(0.0, 1.0),
    }

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if self.kind not in ("ideal", "linear"):
            problems.append(f"Battery.kind = {self.kind!r}: must be 'ideal' or 'linear'")
        if not self.soc_min < self.soc_max:
            problems.append(
                f"Battery.soc_min = {self.soc_min!r}: must be below soc_max = {self.soc_max!r}"
            )
        lossless = (1.0, 1.0, 0.0, 0.0, 1.0)
        if self.kind == "ideal" and lossless != (
            self.charge_efficiency,
            self.discharge_efficiency,
            self.self_discharge_per_h,
            self.soc_min,
            self.soc_max,
        ):
            problems.append("Battery.kind = 'ideal': has no losses and no window; use 'linear'")
        refuse(problems)


def ideal(capacity_kwh: float, charge_kw_max: float, discharge_kw_max: float) -> Battery:
    """Return the paper's lossless battery (JEMAS Eq. 9, arXiv 2605.02965)."""
    return Battery("ideal", capacity_kwh, charge_kw_max, discharge_kw_max)


def linear(
    capacity_kwh: float,
    charge_kw_max: float,
    discharge_kw_max: float,
    *,
    round_trip: float = 0.88,
    self_discharge_per_h: float = 4e-5,
    soc_min: float = 0.1,
    soc_max: float = 0.9,
) -> Battery:
    """Return a battery whose losses split evenly between charging and discharging.

    Args:
        capacity_kwh: energy between empty and full [kWh].
        charge_kw_max: highest charging power [kW].
        discharge_kw_max: highest discharging power [kW].
        round_trip: delivered per charged energy; η = √round_trip each way.
        self_discharge_per_h: share lost in an hour; 4e-5 is about 3 % in a month.
        soc_min: lowest state of charge in use.
        soc_max: highest state of charge in use.
    """
    refuse([] if 0.25 <= round_trip <= 1 else [f"round_trip = {round_trip!r}: must be .25 to 1"])
    one_way = math.sqrt(round_trip)
    return Battery(
        "linear",
        capacity_kwh,
        charge_kw_max,
        discharge_kw_max,
        one_way,
        one_way,
        self_discharge_per_h,
        soc_min,
        soc_max,
    )


def row(battery: Battery) -> NDArray[np.float64]:
    """Return the battery as the numbers that compiled code reads (``battery_row``)."""
    numbers = np.zeros(b.WIDTH)
    numbers[b.KIND] = b.LINEAR
    numbers[b.CAPACITY_KWH] = numbers[b.NOMINAL_KWH] = battery.capacity_kwh
    numbers[b.CHARGE_KW_MAX] = battery.charge_kw_max
    numbers[b.DISCHARGE_KW_MAX] = battery.discharge_kw_max
    numbers[b.CHARGE_EFFICIENCY] = battery.charge_efficiency
    numbers[b.DISCHARGE_EFFICIENCY] = battery.discharge_efficiency
    numbers[b.SELF_DISCHARGE_PER_H] = battery.self_discharge_per_h
    numbers[b.SOC_MIN] = numbers[b.DISCHARGE_KNEE_SOC] = battery.soc_min
    numbers[b.SOC_MAX] = numbers[b.CHARGE_KNEE_SOC] = battery.soc_max
    numbers[[b.CHARGE_COLD_STOP_C, b.CHARGE_COLD_FULL_C]] = -273.15
    numbers[[b.DISCHARGE_COLD_STOP_C, b.DISCHARGE_COLD_FULL_C]] = -273.15
    numbers[[b.HOT_FULL_C, b.HOT_STOP_C]] = np.inf
    return numbers


@lru_cache(maxsize=256)
def _numbers(battery: Battery) -> list[float]:
    """Return the row as Python floats, which Python adds faster and without warnings."""
    return [float(x) for x in row(battery)]


def round_trip_efficiency(battery: Battery) -> float:
    """Return delivered over charged energy of an immediate round trip, η_c η_d."""
    return battery.charge_efficiency * battery.discharge_efficiency


class BatteryStep(NamedTuple):
    """What an interval did; ``charged − discharged − loss`` is the change of the store.

    Attributes:
        stored_kwh: energy inside at the end [kWh].
        power_kw: mean power delivered over the interval [kW], + discharging, − charging.
        charged_kwh: energy taken from the site [kWh].
        discharged_kwh: energy given to the site [kWh].
        loss_kwh: conversion and self-discharge [kWh], at least 0.
        limited: True if less than the asked power was delivered.
    """

    stored_kwh: float
    power_kw: float
    charged_kwh: float
    discharged_kwh: float
    loss_kwh: float
    limited: bool


def feasible_range_kw(
    battery: Battery, stored_kwh: float, duration_h: float
) -> tuple[float, float]:
    """Return the powers that can be held over a whole interval [kW].

    JEMAS Eq. 9 (arXiv 2605.02965), −min{D_min, (E_max − E)/τ} ≤ D ≤ min{D_max, E/τ}, extended by
    efficiencies, self-discharge and the window of the state of charge; equal to it for ``ideal``.

    Args:
        battery: the battery.
        stored_kwh: energy inside at the start [kWh].
        duration_h: length τ of the interval [h], above 0.

    Returns:
        (lowest, highest): most charging (at most 0) and most discharging (at least 0).
    """
    _check_state(battery, stored_kwh, duration_h)
    from cosim.physics.battery_scalar import range_kw

    return range_kw(_numbers(battery), stored_kwh, ROOM_C, duration_h)


def advance(
    battery: Battery, stored_kwh: float, power_kw: float, duration_h: float
) -> BatteryStep:
    """Hold an asked power until the battery is full or empty, then the most it allows.

    Args:
        battery: the battery.
        stored_kwh: energy inside at the start [kWh], from 0 to the upper end of the window.
        power_kw: asked power [kW], + discharging, − charging; clipped to the converter's limits.
        duration_h: length of the interval [h], above 0.

    Returns:
        The end state and the energies moved; never both directions in one call.
    """
    _check_state(battery, stored_kwh, duration_h)
    if not math.isfinite(power_kw):
        raise ValueError(f"power_kw = {power_kw!r}: must be finite")
    from cosim.physics import battery_scalar

    stored_kwh, charged_kwh, discharged_kwh, loss_kwh, _ = battery_scalar.advance(
        _numbers(battery), stored_kwh, ROOM_C, power_kw, duration_h
    )
    mean_kw = (discharged_kwh - charged_kwh) / duration_h
    limited = abs(power_kw) - abs(mean_kw) > _TOLERANCE * abs(power_kw)
    return BatteryStep(stored_kwh, mean_kw, charged_kwh, discharged_kwh, loss_kwh, limited)


def _check_state(battery: Battery, stored_kwh: float, duration_h: float) -> None:
    top_kwh = battery.soc_max * battery.capacity_kwh
    if not -_TOLERANCE * top_kwh <= stored_kwh <= top_kwh * (1.0 + _TOLERANCE):
        raise ValueError(f"stored_kwh = {stored_kwh!r}: must be from 0 to {top_kwh:g} kWh")
    if not (duration_h > 0.0 and math.isfinite(duration_h)):
        raise ValueError(f"duration_h = {duration_h!r}: must be above 0 h and finite")
