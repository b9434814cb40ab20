"""Machine rooms in a plan of the hours ahead, and the temperatures that it orders.

Power per heat follows from the law of the plant, the heat that is expected and the weather: on
the way to a colder room the plant runs at its limit, on the way to a warmer one it rests, and
between the two ends of the band a room costs in proportion
(:mod:`cosim.physics.thermal_scalar`).
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray, IntArray
from cosim.optimise import Rooms
from policies.optimising.horizon import Periods

NEAR_K = 1e-3
"""Closer to the top of its band than this a room is warm."""


def rooms_of(world: WorldInfo) -> IntArray:
    """Sites whose machine rooms can be cooled ahead, shape (rooms,)."""
    deep = world.room_high_c > world.room_low_c
    return np.flatnonzero((world.room_kwh_k > 0.0) & deep)


def rooms_ahead(
    world: WorldInfo,
    observation: Observation,
    periods: Periods,
    it_kw: FloatArray,
) -> Rooms | None:
    """What the rooms can do in the periods ahead; None where no room can be cooled ahead.

    Args:
        world: static facts.
        observation: what is seen.
        periods: the hours ahead.
        it_kw: IT power that is expected, shape (sites, periods).
    """
    sites = rooms_of(world)
    if not len(sites):
        return None
    mass, high_c = world.room_kwh_k[sites], world.room_high_c[sites]
    band_kwh = mass * (high_c - world.room_low_c[sites])
    hours = periods.hours(observation.slot)
    outdoor_c = periods.means(periods.ahead(observation.forecast.temperature.values))
    efforts = [
        [effort(world, site, kw, t) for kw, t in zip(powers, temperatures, strict=True)]
        for site, powers, temperatures in zip(
            sites.tolist(), it_kw[sites].tolist(), outdoor_c[sites].tolist(), strict=True
        )
    ]
    heat_kw, spare_kw, make, rest, hold = np.moveaxis(np.array(efforts), 2, 0)
    rate_h = np.array([_leak_h(world, site) for site in sites.tolist()])
    hold = hold * hours / band_kwh[:, None]
    return Rooms(
        held_kwh=np.clip(mass * (high_c - observation.room_c[sites]), 0.0, band_kwh),
        band_kwh=band_kwh,
        keep=np.exp(-rate_h[:, None] * hours),
        gain_kwh=np.zeros(heat_kw.shape),
        make_kwh=spare_kw * hours,
        rest_kwh=heat_kw * hours,
        make=make,
        rest=rest,
        hold=hold,
        most_kwh=make * spare_kw * hours + hold * band_kwh[:, None],
    )


def effort(
    world: WorldInfo, site: int, it_kw: float, outdoor_c: float
) -> tuple[float, float, float, float, float]:
    """What cooling a site with a room takes.

    Args:
        world: static facts.
        site: a site with a room.
        it_kw: its IT power.
        outdoor_c: outdoor temperature.

    Returns:
        Heat set free [kW], heat that can be removed beyond it [kW], power per heat removed beyond
        it, power saved per heat left in the room, and what holding the lower end of the band
        instead of the upper takes [kW].
    """
    from cosim.physics.cooling_scalar import heat_kw, removal_kw, removal_limit_kw

    row = world.cooling_row[site].tolist()
    heat = max(heat_kw(row, it_kw), 1e-9)
    colder_c = outdoor_c + float(world.room_high_c[site] - world.room_low_c[site])
    most = min(float(world.heat_kw_max[site]), removal_limit_kw(row, colder_c))
    held, warm = removal_kw(row, heat, colder_c), removal_kw(row, heat, outdoor_c)
    rest = (warm - removal_kw(row, 0.0, outdoor_c)) / heat
    spare = max(most - heat, 0.0)
    make = (removal_kw(row, most, colder_c) - held) / spare if spare > 0.0 else rest
    return heat, spare, max(make, rest), rest, held - warm


def _leak_h(world: WorldInfo, site: int) -> float:
    """Share of a room's cold that leaves through the walls [1/h]."""
    from cosim.physics.thermal_scalar import ENVELOPE

    return float(world.cooling_row[site][ENVELOPE] / world.room_kwh_k[site])


def setpoints_c(
    world: WorldInfo, observation: Observation, cold_kwh: FloatArray
) -> FloatArray | None:
    """Temperatures to hold in the slot that begins, shape (sites,); None where there is no room.

    Args:
        world: static facts.
        observation: what is seen.
        cold_kwh: cold that the plan has in each room at its end, shape (rooms,).
    """
    sites = rooms_of(world)
    if not len(sites):
        return None
    aims_c = observation.room_c.copy()
    low_c, high_c = world.room_low_c[sites], world.room_high_c[sites]
    aims_c[sites] = np.clip(high_c - cold_kwh / world.room_kwh_k[sites], low_c, high_c)
    return aims_c


def at_rest(
    world: WorldInfo, before_c: FloatArray | None, observation: Observation
) -> list[float | None]:
    """Facility power per IT power of sites whose room was cold in the last slot, by the law.

    What their meters say is the room's doing as well; None where the meter tells.
    """
    from cosim.physics.cooling_scalar import cooling_kw

    ratios: list[float | None] = [None] * world.n_sites
    now_c = observation.room_c
    coldest_c = now_c if before_c is None else np.minimum(before_c, now_c)
    for site in rooms_of(world).tolist():
        it_kw = float(observation.it_kw[site])
        if coldest_c[site] < world.room_high_c[site] - NEAR_K and it_kw > 0.0:
            outdoor_c = float(observation.temp_out_c[site])
            row = world.cooling_row[site].tolist()
            ratios[site] = 1.0 + cooling_kw(row, it_kw, outdoor_c) / it_kw
    return ratios
