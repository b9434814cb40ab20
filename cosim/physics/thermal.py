"""A machine room as a store of cold: cool it down now, let it warm up later.

A 1 MW hall whose metal and air hold 10 kWh per kelvin warms by 1.7 K a minute when nothing cools
it. Cooled from 27 °C to 18 °C it stores 90 kWh: five minutes and a half of its own heat. That is
what pre-cooling is worth here; a hall is no battery.

The room follows C dT/dt = H − Q + (T_out − T) / R with one temperature, that of the air at the
inlets. An ordered set-point is held exactly while the plant suffices; on the way to a colder one
the plant runs at its limit, on the way to a warmer one it rests. Nothing is heated.

How sure is it? The thermal mass per kW is the weak number. Counted up, the 123 kg of an 8-GPU
server of 10.2 kW hold 1.3 to 3 Wh/K per kW (were they copper or aluminium); air, racks and the
water in the coils add a few; concrete hardly takes part within minutes. So 3 to 10 Wh/K per kW,
5.6 to 1.7 K a minute. A tank of chilled water can hold far more. The one measurement that we
found: halls of 5 kW per cabinet shut down 3 min 9 s after cooling stopped (Opengate Data Systems
for Active Power, 2007); were that 10 to 15 K, it is 3 to 5 K a minute. Vary the mass before
trusting what pre-cooling earns. Not modelled: hot and cold aisles apart, server fans that speed
up in warm air, a limit on how fast the room may change (ASHRAE: 20 K an hour).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics import cooling
from cosim.physics.cooling import CoolingModel
from cosim.physics.ranges import Range, range_problems, refuse


@dataclass(frozen=True)
class Thermal:
    """A machine room, its set-point band and the plant's limit.

    Attributes:
        mass_kwh_k: C, heat that warms the room by a kelvin [kWh/K], above 0.
        capacity_kw: most heat that air handlers remove [kW].
        envelope_kw_k: 1/R, heat through the walls per kelvin [kW/K].
        band_low_c: lowest set-point [°C].
        band_high_c: highest set-point [°C]; held where none is ordered.
        allowance_k: how far above the band nothing happens yet [K].
        level_k: beyond that, GPUs step down one clock level for each of these [K].
    """

    mass_kwh_k: float
    capacity_kw: float
    envelope_kw_k: float = 0.0
    band_low_c: float = 18.0
    band_high_c: float = 27.0
    allowance_k: float = 5.0
    level_k: float = 1.0

    SOURCE: ClassVar[str] = (
        "lumped room; band and 32 °C from ASHRAE TC 9.9 Thermal Guidelines, 5th ed. 2021 "
        "(recommended 18-27 °C, class A1 allowable to 32 °C); mass and clock steps assumed"
    )
    EQUATION: ClassVar[str] = "C dT/dt = H − Q + (T_out − T)/R, P_C = overhead + removal(Q, T_out)"
    RANGES: ClassVar[dict[str, Range]] = {
        "mass_kwh_k": Range(0.0, 1e9, "kWh/K", above=True),
        "capacity_kw": Range(0.0, 1e9, "kW", above=True),
        "envelope_kw_k": Range(0.0, 1e6, "kW/K"),
        "band_low_c": Range(5.0, 45.0, "°C"),
        "band_high_c": Range(5.0, 45.0, "°C"),
        "allowance_k": Range(0.0, 30.0, "K"),
        "level_k": Range(0.05, 30.0, "K"),
    }

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if not self.band_low_c <= self.band_high_c:
            problems.append(
                f"Thermal.band_low_c = {self.band_low_c!r}: must be at most band_high_c = "
                f"{self.band_high_c!r} °C"
            )
        refuse(problems)


def for_load(
    design_it_kw: float,
    *,
    mass_wh_k_kw: float = 10.0,
    capacity_ratio: float = 1.4,
    envelope_w_k_kw: float = 1.0,
) -> Thermal:
    """Return a room in proportion to the IT power that it is built for.

    Args:
        design_it_kw: IT power at full load [kW].
        mass_wh_k_kw: thermal mass per kW [Wh/K]; 3 to 10 without a tank, see the module.
        capacity_ratio: heat that can be removed per IT power; what exceeds the heat of the load
            is what cools the room down.
        envelope_w_k_kw: heat through the walls per kW [W/K]; a 1 MW hall of 2000 m² of surface
            at 0.5 W/m²K.
    """
    return Thermal(
        mass_kwh_k=mass_wh_k_kw * design_it_kw / 1000.0,
        capacity_kw=capacity_ratio * design_it_kw,
        envelope_kw_k=envelope_w_k_kw * design_it_kw / 1000.0,
    )


def row(model: CoolingModel, room: Thermal | None) -> NDArray[np.float64]:
    """Return the parameters of a site for :func:`cosim.physics.thermal_scalar.thermal_step`.

    Without a room, heat is removed at once.
    """
    from cosim.physics import thermal_scalar as at

    values = np.zeros(at.ROOM_COLUMNS)
    law = cooling.row(model)
    values[: law.size] = law
    if room is not None:
        values[[at.MASS, at.ROOM_CAPACITY]] = room.mass_kwh_k, room.capacity_kw
        values[[at.BAND_LOW, at.BAND_HIGH]] = room.band_low_c, room.band_high_c
        values[[at.ALLOWANCE, at.LEVEL]] = room.allowance_k, room.level_k
        values[at.ENVELOPE] = room.envelope_kw_k
    return values


class ThermalStep(NamedTuple):
    """What an interval did; ``heat − removed + envelope`` is C times the change of the room.

    Attributes:
        room_c: temperature at the end [°C].
        cooling_kw: mean electric power beyond IT [kW], overhead included.
        room_c_max: highest temperature [°C].
        over_h: time above band and allowance [h].
        heat_kwh: heat set free in the room [kWh].
        removed_kwh: heat removed by the plant [kWh].
        envelope_kwh: heat that came in through the walls [kWh], negative when it left.
    """

    room_c: float
    cooling_kw: float
    room_c_max: float
    over_h: float
    heat_kwh: float
    removed_kwh: float
    envelope_kwh: float


def step(
    model: CoolingModel,
    room: Thermal,
    room_c: float,
    it_kw: float,
    t_out_c: float,
    duration_h: float,
    setpoint_c: float | None = None,
) -> ThermalStep:
    """Hold a set-point through an interval of constant load and weather.

    Cutting the interval in parts gives the same result, whether or not the plant suffices.

    Args:
        model: how heat becomes electric power.
        room: the room.
        room_c: temperature at the start [°C].
        it_kw: IT power [kW], at least 0.
        t_out_c: outdoor temperature [°C].
        duration_h: length of the interval [h], above 0.
        setpoint_c: ordered temperature [°C], clipped to the band; None orders its upper end.
    """
    from cosim.physics import cooling_scalar
    from cosim.physics import thermal_scalar as scalars

    _check(room_c, it_kw, t_out_c, duration_h)
    at = row(model, room).tolist()
    order_c = math.nan if setpoint_c is None else setpoint_c
    state = scalars.thermal_step(at, room_c, order_c, it_kw, t_out_c, duration_h)
    aim_c = scalars.target_c(at, order_c)
    parts = scalars.plan(at, room_c, aim_c, it_kw, t_out_c, duration_h)
    first_kw, first_h, then_kw = parts
    heat_kw = cooling_scalar.heat_kw(at, it_kw)
    middle_c, _ = scalars.settle_c(at, room_c, aim_c, it_kw, t_out_c, duration_h, parts)
    degree_h = first_h * scalars.mean_c(at, room_c, heat_kw - first_kw, t_out_c, first_h)
    then_h = duration_h - first_h
    degree_h += then_h * scalars.mean_c(at, middle_c, heat_kw - then_kw, t_out_c, then_h)
    return ThermalStep(
        *state,
        heat_kwh=heat_kw * duration_h,
        removed_kwh=first_kw * first_h + then_kw * then_h,
        envelope_kwh=room.envelope_kw_k * (t_out_c * duration_h - degree_h),
    )


def feasible_range_kw(
    model: CoolingModel,
    room: Thermal,
    room_c: float,
    it_kw: float,
    t_out_c: float,
    duration_h: float,
) -> tuple[float, float]:
    """Return the mean cooling power of an interval at the upper and the lower end of the band.

    Every set-point of the band gives a power between the two [kW]: (least, most). As linear
    constraints: ``T⁺ = T + (H − Q + U (T_out − T)) τ / C``, ``0 ≤ Q ≤ capacity``,
    ``band_low ≤ T ≤ band_high``.
    """
    least, most = (
        step(model, room, room_c, it_kw, t_out_c, duration_h, end_c).cooling_kw
        for end_c in (room.band_high_c, room.band_low_c)
    )
    return least, most


def throttle_levels(room: Thermal, room_c: float) -> int:
    """Return by how many clock levels GPUs must step down, 0 in a room that is cool enough.

    One for each ``level_k`` begun above ``band_high_c + allowance_k``. Whoever has fewer levels
    steps down to the lowest one.
    """
    from cosim.physics import thermal_scalar as scalars

    return scalars.throttle_levels(row(cooling.ConstantPue(1.0), room).tolist(), room_c)


def _check(room_c: float, it_kw: float, t_out_c: float, duration_h: float) -> None:
    problems = [
        f"{name} = {value!r}: must be finite"
        for name, value in (("room_c", room_c), ("t_out_c", t_out_c))
        if not math.isfinite(value)
    ]
    if not (it_kw >= 0.0 and math.isfinite(it_kw)):
        problems.append(f"it_kw = {it_kw!r}: must be at least 0 kW and finite")
    if not (duration_h > 0.0 and math.isfinite(duration_h)):
        problems.append(f"duration_h = {duration_h!r}: must be above 0 h and finite")
    refuse(problems)
