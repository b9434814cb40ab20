"""A machine room between two instants: how warm it gets and what holding it costs.

The row of parameters is that of :mod:`cosim.physics.cooling_scalar`, lengthened by the room. With
constant power the room follows C dT/dt = H − Q + U (T_out − T), whose solution from T0 is
``T(t) = T0 + s φ(t)``, s the slope at the start and ``φ(t) = (1 − exp(−a t)) / a``, a = U / C.

A room that is too warm is cooled as hard as the plant can until it stands at the set-point, one
that is too cold is left alone, and then the heat that comes in is removed. Both instants are
known in closed form, so cutting an interval in parts does not change the result.
"""

from __future__ import annotations

import math

from cosim.physics.cooling_scalar import (
    COLUMNS,
    Row,
    cooling_kw,
    heat_kw,
    overhead_kw,
    removal_kw,
    removal_limit_kw,
)
from cosim.physics.scalar import scalar

MASS, ENVELOPE, BAND_LOW, BAND_HIGH, ROOM_CAPACITY, ALLOWANCE, LEVEL = range(COLUMNS, COLUMNS + 7)
ROOM_COLUMNS = COLUMNS + 7


@scalar
def phi_h(rate: float, hours: float) -> float:
    """Return (1 − exp(−a t)) / a [h], t where a is 0."""
    return -math.expm1(-rate * hours) / rate if rate > 0.0 else hours


@scalar
def slope_k_h(row: Row, room_c: float, net_kw: float, t_out_c: float) -> float:
    """Return dT/dt at ``room_c`` [K/h], ``net_kw`` being heat set free less heat removed."""
    return (net_kw + row[ENVELOPE] * (t_out_c - room_c)) / row[MASS]


@scalar
def drift_c(row: Row, room_c: float, net_kw: float, t_out_c: float, hours: float) -> float:
    """Return the room temperature after ``hours`` of constant net heat [°C]."""
    slope = slope_k_h(row, room_c, net_kw, t_out_c)
    return room_c + slope * phi_h(row[ENVELOPE] / row[MASS], hours)


@scalar
def time_to_h(row: Row, room_c: float, target_c: float, net_kw: float, t_out_c: float) -> float:
    """Return the hours until the room passes ``target_c``, infinite if it never does."""
    slope = slope_k_h(row, room_c, net_kw, t_out_c)
    gap = target_c - room_c
    rate = row[ENVELOPE] / row[MASS]
    if gap == 0.0:
        return 0.0
    if slope * gap <= 0.0 or rate * gap / slope >= 1.0:
        return math.inf
    return -math.log1p(-rate * gap / slope) / rate if rate > 0.0 else gap / slope


@scalar
def mean_c(row: Row, room_c: float, net_kw: float, t_out_c: float, hours: float) -> float:
    """Return the mean room temperature over ``hours`` of constant net heat [°C].

    T0 + s (t − φ(t)) / (a t); the series where a t is small enough to cancel.
    """
    x = row[ENVELOPE] / row[MASS] * hours
    share = 0.5 - x / 6.0 + x * x / 24.0 if x < 1e-4 else (x + math.expm1(-x)) / (x * x)
    return room_c + slope_k_h(row, room_c, net_kw, t_out_c) * hours * share


@scalar
def target_c(row: Row, setpoint_c: float) -> float:
    """Return the set-point within the band; its upper end if none (NaN) is ordered [°C]."""
    if math.isnan(setpoint_c):
        return row[BAND_HIGH]
    return min(row[BAND_HIGH], max(row[BAND_LOW], setpoint_c))


@scalar
def outside_c(row: Row, setpoint_c: float, t_out_c: float) -> float:
    """Return the outdoor temperature as the plant feels it [°C].

    A colder room needs colder air and water: a kelvin below the band's upper end counts as a
    kelvin more outdoors.
    """
    return t_out_c + row[BAND_HIGH] - setpoint_c


@scalar
def plan(
    row: Row, room_c: float, setpoint_c: float, it_kw: float, t_out_c: float, hours: float
) -> tuple[float, float, float]:
    """Return (heat removed at first, for how long, heat removed then) [kW, h, kW].

    ``setpoint_c`` lies in the band.
    """
    heat = heat_kw(row, it_kw)
    felt_c = outside_c(row, setpoint_c, t_out_c)
    limit_kw = min(row[ROOM_CAPACITY], removal_limit_kw(row, felt_c))
    hold_kw = heat + row[ENVELOPE] * (t_out_c - setpoint_c)
    then_kw = min(limit_kw, max(0.0, hold_kw))
    if room_c == setpoint_c:
        return then_kw, 0.0, then_kw
    first_kw = limit_kw if room_c > setpoint_c else 0.0
    reach_h = time_to_h(row, room_c, setpoint_c, heat - first_kw, t_out_c)
    return first_kw, min(hours, reach_h), then_kw


@scalar
def settle_c(
    row: Row,
    room_c: float,
    setpoint_c: float,
    it_kw: float,
    t_out_c: float,
    hours: float,
    parts: tuple[float, float, float],
) -> tuple[float, float]:
    """Return the room after the first part of a plan and at the end [°C]; held means exactly."""
    first_kw, first_h, then_kw = parts
    heat = heat_kw(row, it_kw)
    if first_h >= hours:
        end_c = drift_c(row, room_c, heat - first_kw, t_out_c, hours)
        return end_c, end_c
    if then_kw == heat + row[ENVELOPE] * (t_out_c - setpoint_c):
        return setpoint_c, setpoint_c
    return setpoint_c, drift_c(row, setpoint_c, heat - then_kw, t_out_c, hours - first_h)


@scalar
def above_h(
    row: Row, room_c: float, end_c: float, net_kw: float, t_out_c: float, hours: float
) -> float:
    """Return how long a room on its way to ``end_c`` is above band and allowance [h]."""
    limit_c = row[BAND_HIGH] + row[ALLOWANCE]
    if room_c > limit_c and end_c > limit_c:
        return hours
    if room_c <= limit_c and end_c <= limit_c:
        return 0.0
    crossing_h = min(hours, time_to_h(row, room_c, limit_c, net_kw, t_out_c))
    return crossing_h if room_c > limit_c else hours - crossing_h


@scalar
def thermal_step(
    row: Row, room_c: float, setpoint_c: float, it_kw: float, t_out_c: float, hours: float
) -> tuple[float, float, float, float]:
    """Return (room at the end, mean cooling power, highest room, time too warm).

    Units [°C, kW, °C, h]. ``setpoint_c`` NaN orders none. Without a room (mass 0) the heat is
    removed at once and the temperature stays.
    """
    if row[MASS] == 0.0:
        return room_c, cooling_kw(row, it_kw, t_out_c), room_c, 0.0
    aim_c = target_c(row, setpoint_c)
    parts = plan(row, room_c, aim_c, it_kw, t_out_c, hours)
    first_kw, first_h, then_kw = parts
    middle_c, end_c = settle_c(row, room_c, aim_c, it_kw, t_out_c, hours, parts)
    heat = heat_kw(row, it_kw)
    felt_c = outside_c(row, aim_c, t_out_c)
    spent_kwh = removal_kw(row, first_kw, felt_c) * first_h
    spent_kwh += removal_kw(row, then_kw, felt_c) * (hours - first_h)
    over_h = above_h(row, room_c, middle_c, heat - first_kw, t_out_c, first_h)
    over_h += above_h(row, middle_c, end_c, heat - then_kw, t_out_c, hours - first_h)
    mean_kw = overhead_kw(row, it_kw) + spent_kwh / hours
    return end_c, mean_kw, max(room_c, middle_c, end_c), over_h


@scalar
def throttle_levels(row: Row, room_c: float) -> int:
    """Return by how many clock levels GPUs step down in a room of ``room_c``, 0 if it is fine."""
    excess_k = room_c - row[BAND_HIGH] - row[ALLOWANCE]
    if row[MASS] == 0.0 or excess_k <= 0.0:
        return 0
    return math.ceil(excess_k / row[LEVEL])
