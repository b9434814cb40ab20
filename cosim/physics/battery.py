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
from typing import ClassVar, Literal, NamedTuple

from cosim.physics.ranges import Range, range_problems, refuse

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
    keep, phi_h = _decay(battery.self_discharge_per_h, duration_h)
    left_kwh = stored_kwh * keep
    room_kw = (battery.soc_max * battery.capacity_kwh - left_kwh) / phi_h
    have_kw = (left_kwh - battery.soc_min * battery.capacity_kwh) / phi_h
    charge_kw = min(battery.charge_kw_max, max(0.0, room_kw / battery.charge_efficiency))
    give_kw = min(battery.discharge_kw_max, max(0.0, have_kw * battery.discharge_efficiency))
    return (-charge_kw if charge_kw > 0 else 0.0), give_kw


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
    if power_kw < 0.0:
        return _charge(battery, stored_kwh, -power_kw, duration_h)
    return _discharge(battery, stored_kwh, power_kw, duration_h)


def _charge(battery: Battery, stored_kwh: float, asked_kw: float, hours: float) -> BatteryStep:
    charge_kw = min(asked_kw, battery.charge_kw_max)
    sigma, eta = battery.self_discharge_per_h, battery.charge_efficiency
    full_kwh, inflow_kw = battery.soc_max * battery.capacity_kwh, charge_kw * eta
    rise_h = min(hours, _time_to(full_kwh, stored_kwh, inflow_kw, sigma))
    end_kwh, self_kwh = _span(stored_kwh, inflow_kw, sigma, rise_h)
    charged_kwh = charge_kw * rise_h
    if rise_h < hours:
        float_kw = min(charge_kw, sigma * full_kwh / eta)
        charged_kwh += float_kw * (hours - rise_h)
        self_kwh += float_kw * eta * (hours - rise_h)
        end_kwh = full_kwh
    loss_kwh = charged_kwh * (1.0 - eta) + self_kwh
    mean_kw = charged_kwh / hours
    limited = asked_kw - mean_kw > _TOLERANCE * asked_kw
    return BatteryStep(min(end_kwh, full_kwh), -mean_kw, charged_kwh, 0.0, loss_kwh, limited)


def _discharge(battery: Battery, stored_kwh: float, asked_kw: float, hours: float) -> BatteryStep:
    give_kw = min(asked_kw, battery.discharge_kw_max)
    sigma, eta = battery.self_discharge_per_h, battery.discharge_efficiency
    empty_kwh, outflow_kw = battery.soc_min * battery.capacity_kwh, give_kw / eta
    fall_h = min(hours, _time_to(empty_kwh, stored_kwh, -outflow_kw, sigma)) if give_kw else 0.0
    end_kwh, self_kwh = _span(stored_kwh, -outflow_kw, sigma, fall_h)
    if fall_h < hours:
        start_kwh = empty_kwh if fall_h > 0 else end_kwh
        end_kwh, idle_kwh = _span(start_kwh, 0.0, sigma, hours - fall_h)
        self_kwh += idle_kwh
    given_kwh = give_kw * fall_h
    loss_kwh = given_kwh * (1.0 / eta - 1.0) + self_kwh
    mean_kw = given_kwh / hours
    limited = asked_kw - mean_kw > _TOLERANCE * asked_kw
    return BatteryStep(max(end_kwh, 0.0), mean_kw, 0.0, given_kwh, loss_kwh, limited)


def _decay(sigma: float, hours: float) -> tuple[float, float]:
    """Return exp(−σ t) and φ(t) = (1 − exp(−σ t)) / σ [h]."""
    if sigma == 0.0:
        return 1.0, hours
    lost = -math.expm1(-sigma * hours)
    return 1.0 - lost, lost / sigma


def _span(stored_kwh: float, inflow_kw: float, sigma: float, hours: float) -> tuple[float, float]:
    """Return the energy after ``hours`` of constant inflow and what self-discharge took [kWh]."""
    if sigma == 0.0:
        return stored_kwh + inflow_kw * hours, 0.0
    lost = -math.expm1(-sigma * hours)
    phi_h = lost / sigma
    self_kwh = stored_kwh * lost + inflow_kw * (hours - phi_h)
    return stored_kwh + inflow_kw * hours - self_kwh, self_kwh


def _time_to(target_kwh: float, stored_kwh: float, inflow_kw: float, sigma: float) -> float:
    """Return the hours until the store reaches a limit that the inflow drives it to, or inf.

    From E(t) = target: t = ln((p − σ E0) / (p − σ E_target)) / σ, written with log1p so that it
    becomes (E_target − E0) / p as σ vanishes. 0 if the store stands at or beyond the limit and
    is held there; inf if the inflow is weaker than the leak at the limit.
    """
    pull_kw = inflow_kw - sigma * target_kwh
    if pull_kw * inflow_kw <= 0.0:
        return math.inf
    gap_kwh = target_kwh - stored_kwh
    if gap_kwh * inflow_kw <= 0.0:
        return 0.0
    return math.log1p(sigma * gap_kwh / pull_kw) / sigma if sigma else gap_kwh / inflow_kw


def _check_state(battery: Battery, stored_kwh: float, duration_h: float) -> None:
    top_kwh = battery.soc_max * battery.capacity_kwh
    if not -_TOLERANCE * top_kwh <= stored_kwh <= top_kwh * (1.0 + _TOLERANCE):
        raise ValueError(f"stored_kwh = {stored_kwh!r}: must be from 0 to {top_kwh:g} kWh")
    if not (duration_h > 0.0 and math.isfinite(duration_h)):
        raise ValueError(f"duration_h = {duration_h!r}: must be above 0 h and finite")
