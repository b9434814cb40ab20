"""A battery between two instants: what it can do, and what a held power does to it.

Power is + when discharging and − when charging, on the side of the site (AC). Energy is inside
the battery. Between two instants the asked power is constant, so full, empty and falling limits
are reached at instants known in closed form and nothing ticks (``cosim.physics.battery_scalar``
holds the law, for Python and for compiled code alike).

Full, the battery takes only what self-discharge consumes; empty, it gives nothing. Both are the
limits of ever finer switching, so cutting an interval in parts does not change the result.

``ideal`` is the paper's lossless battery (JEMAS Eq. 9, arXiv 2605.02965); ``linear`` adds
efficiencies, self-discharge and a window of the state of charge; ``pcs_ohmic`` replaces the
constant efficiencies by a converter curve and cell resistance.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cosim.physics import battery_row as b
from cosim.physics.battery_parts import Converter, Derating, Taper
from cosim.physics.battery_record import Battery, numbers, row
from cosim.physics.ranges import refuse

__all__ = [
    "ROOM_C",
    "Battery",
    "BatteryStep",
    "Converter",
    "Derating",
    "Taper",
    "advance",
    "efficiencies",
    "feasible_range_kw",
    "ideal",
    "linear",
    "pcs_ohmic",
    "round_trip_efficiency",
    "row",
]

ROOM_C = 25.0
"""Temperature of the cells where nobody says another [°C]."""
_TOLERANCE = 1e-9


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


def pcs_ohmic(
    capacity_kwh: float,
    charge_kw_max: float,
    discharge_kw_max: float,
    *,
    converter: Converter | None = None,
    taper: Taper | None = None,
    derating: Derating | None = None,
    self_discharge_per_h: float = 4e-5,
    standby_kw: float = 0.0,
    soc_min: float = 0.1,
    soc_max: float = 0.9,
) -> Battery:
    """Return a battery with a converter curve and cell resistance (see ``Converter``).

    Args:
        capacity_kwh: energy between empty and full [kWh].
        charge_kw_max: highest charging power [kW].
        discharge_kw_max: highest discharging power [kW].
        converter: its losses; by default a Sungrow curve and LFP cells, rated for the larger of
            the two powers.
        taper: limits near full and empty; None for constant limits.
        derating: limits in cold and heat; None for constant limits.
        self_discharge_per_h: share lost in an hour; 4e-5 is about 3 % in a month.
        standby_kw: drain on the store at all times [kW]; SimSES books it apart, so 0.
        soc_min: lowest state of charge in use.
        soc_max: highest state of charge in use.
    """
    return Battery(
        "pcs_ohmic",
        capacity_kwh,
        charge_kw_max,
        discharge_kw_max,
        self_discharge_per_h=self_discharge_per_h,
        soc_min=soc_min,
        soc_max=soc_max,
        standby_kw=standby_kw,
        converter=converter or Converter(max(charge_kw_max, discharge_kw_max)),
        taper=taper,
        derating=derating,
    )


def efficiencies(battery: Battery, power_share: float = 0.5) -> tuple[float, float]:
    """Return stored per charged and delivered per withdrawn power, apart from time's losses.

    Args:
        battery: the battery.
        power_share: share of the highest powers at which a ``pcs_ohmic`` battery is looked at, in
            (0, 1]; an optimiser that wants constants takes the powers that it expects.
    """
    refuse([] if 0 < power_share <= 1 else [f"power_share = {power_share!r}: must be in (0, 1]"])
    if battery.kind != "pcs_ohmic":
        return battery.charge_efficiency, battery.discharge_efficiency
    from cosim.physics.battery_power_scalar import charge_inflow_kw, discharge_outflow_kw

    columns = numbers(battery)
    charge_kw = power_share * battery.charge_kw_max
    give_kw = power_share * battery.discharge_kw_max
    stored = charge_inflow_kw(columns, charge_kw) / charge_kw if charge_kw else 1.0
    delivered = give_kw / discharge_outflow_kw(columns, give_kw) if give_kw else 1.0
    return stored, delivered


def round_trip_efficiency(battery: Battery, power_share: float = 0.5) -> float:
    """Return delivered over charged energy of an immediate round trip, η_c η_d."""
    charge, discharge = efficiencies(battery, power_share)
    return charge * discharge


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
    battery: Battery,
    stored_kwh: float,
    duration_h: float,
    *,
    temp_c: float = ROOM_C,
    capacity_kwh: float | None = None,
) -> tuple[float, float]:
    """Return the powers that can be held over a whole interval [kW].

    JEMAS Eq. 9 (arXiv 2605.02965), −min{D_min, (E_max − E)/τ} ≤ D ≤ min{D_max, E/τ}, extended by
    losses, the window of the state of charge and falling limits; equal to it for ``ideal``.

    Args:
        battery: the battery.
        stored_kwh: energy inside at the start [kWh].
        duration_h: length τ of the interval [h], above 0.
        temp_c: temperature of the cells [°C].
        capacity_kwh: capacity in use [kWh], at most the battery's; None for the battery's.

    Returns:
        (lowest, highest): most charging (at most 0) and most discharging (at least 0).
    """
    from cosim.physics.battery_scalar import range_kw

    columns = _in_use(battery, capacity_kwh)
    _check_state(columns, stored_kwh, duration_h, temp_c)
    return range_kw(columns, stored_kwh, temp_c, duration_h)


def advance(
    battery: Battery,
    stored_kwh: float,
    power_kw: float,
    duration_h: float,
    *,
    temp_c: float = ROOM_C,
    capacity_kwh: float | None = None,
) -> BatteryStep:
    """Hold an asked power until a limit, full or empty is met, then the most they allow.

    Args:
        battery: the battery.
        stored_kwh: energy inside at the start [kWh], from 0 to the upper end of the window.
        power_kw: asked power [kW], + discharging, − charging; clipped to the limits.
        duration_h: length of the interval [h], above 0.
        temp_c: temperature of the cells [°C].
        capacity_kwh: capacity in use [kWh], at most the battery's; None for the battery's.

    Returns:
        The end state and the energies moved; never both directions in one call.
    """
    from cosim.physics import battery_scalar

    columns = _in_use(battery, capacity_kwh)
    _check_state(columns, stored_kwh, duration_h, temp_c)
    if not math.isfinite(power_kw):
        raise ValueError(f"power_kw = {power_kw!r}: must be finite")
    stored_kwh, charged_kwh, discharged_kwh, loss_kwh, _ = battery_scalar.advance(
        columns, stored_kwh, temp_c, power_kw, duration_h
    )
    mean_kw = (discharged_kwh - charged_kwh) / duration_h
    limited = abs(power_kw) - abs(mean_kw) > _TOLERANCE * abs(power_kw)
    return BatteryStep(stored_kwh, mean_kw, charged_kwh, discharged_kwh, loss_kwh, limited)


def _in_use(battery: Battery, capacity_kwh: float | None) -> list[float]:
    """Return the numbers of the battery with the capacity that age has left."""
    if capacity_kwh is None:
        return numbers(battery)
    if not 0.0 < capacity_kwh <= battery.capacity_kwh:
        raise ValueError(
            f"capacity_kwh = {capacity_kwh!r}: must be above 0 and at most the battery's "
            f"{battery.capacity_kwh:g} kWh"
        )
    columns = list(numbers(battery))
    columns[b.CAPACITY_KWH] = capacity_kwh
    return columns


def _check_state(
    columns: list[float], stored_kwh: float, duration_h: float, temp_c: float
) -> None:
    problems = []
    top_kwh = columns[b.SOC_MAX] * columns[b.CAPACITY_KWH]
    if not -_TOLERANCE * top_kwh <= stored_kwh <= top_kwh * (1.0 + _TOLERANCE):
        problems.append(f"stored_kwh = {stored_kwh!r}: must be from 0 to {top_kwh:g} kWh")
    if not (duration_h > 0.0 and math.isfinite(duration_h)):
        problems.append(f"duration_h = {duration_h!r}: must be above 0 h and finite")
    if not math.isfinite(temp_c):
        problems.append(f"temp_c = {temp_c!r}: must be finite")
    refuse(problems)
