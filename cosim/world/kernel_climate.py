"""What the weather does to a site, compiled: cooling, the machine room, the cells of the battery.

Cooling power follows from the load and the weather of the bin; a site with a room
(:mod:`cosim.physics.thermal_scalar`) may be ordered to be colder for a while, and is warmer for a
while when its plant does not suffice.
"""

from __future__ import annotations

from cosim.physics.cooling_scalar import CHILLER, DESIGN_KW, KIND, cooling_kw
from cosim.physics.thermal_scalar import MASS, thermal_step, throttle_levels
from cosim.quantities import NS_PER_HOUR
from cosim.world.compiled import inlined, piece
from cosim.world.kernel_grid import (
    AIM,
    BIN_H,
    BUSY_NS,
    CELL_HIGH,
    CELL_LOW,
    CELL_OFFSET,
    OVER_TEMP_H,
    POOLS,
    REPLICAS,
    ROOM,
    ROOM_NEXT,
    SLOT,
    THROTTLED_GPU_H,
    TOO_WARM_H,
    Grid,
)
from cosim.world.kernel_memory import read_grid


@inlined
def cell_c(grid: Grid, site: int, bin_no: int) -> float:
    """Temperature of the battery's cells in a bin [°C]: outdoors, held between two ends."""
    at, now = grid.site[site], min(bin_no, len(grid.temp_c) - 1)
    felt_c = grid.temp_c[now, site] + at[CELL_OFFSET]
    return float(min(at[CELL_HIGH], max(at[CELL_LOW], felt_c)))


@piece
def room_kw(memory: int, site: int, bin_no: int, it_kw: float) -> float:
    """Look at what a bin would do to the room of a site, under the set-point in force.

    Args:
        memory: address of the table of addresses.
        site: the site.
        bin_no: the bin.
        it_kw: IT power [kW].

    Returns:
        Mean cooling power [kW]. The temperature at the end and the time too warm stand in the
        site's state.
    """
    grid = read_grid(memory)
    state = grid.state[site]
    end_c, power_kw, _, over_h = thermal_step(
        grid.cooling[site],
        state[ROOM],
        state[AIM],
        it_kw,
        grid.temp_c[bin_no, site],
        grid.scalars[BIN_H],
    )
    state[ROOM_NEXT], state[TOO_WARM_H] = end_c, over_h
    return power_kw


@inlined
def too_warm(grid: Grid, site: int, pool: int) -> int:
    """By how many clock levels a room's heat has a pool step down, at most to the lowest."""
    row = grid.cooling[site]
    return int(min(grid.levels[pool], throttle_levels(row, grid.state[site, ROOM])))


@inlined
def cool(memory: int, grid: Grid, site: int, bin_no: int, it_kw: float) -> float:
    """Let a bin pass in the room; the mean cooling power [kW]."""
    power_kw = room_kw(memory, site, bin_no, it_kw)
    if grid.cooling[site, MASS] > 0.0:
        row, state = grid.rows[grid.clock[SLOT]], grid.state[site]
        row[OVER_TEMP_H, site] += state[TOO_WARM_H]
        for pool in range(site, site + int(grid.site[site, POOLS])):
            if too_warm(grid, site, pool) > 0:
                busy_h = grid.readings[pool, BUSY_NS] / NS_PER_HOUR
                row[THROTTLED_GPU_H, pool] += grid.scalars[REPLICAS] * busy_h
        state[ROOM] = state[ROOM_NEXT]
    return power_kw


@piece
def drain_ratio(memory: int, site: int) -> float:
    """Cooling per IT power at design load in the weather of the window's end.

    The drain meters the energy of late work alone, so that what a plant draws without load must
    not fall on it.
    """
    grid = read_grid(memory)
    row = grid.cooling[site]
    full_kw = row[DESIGN_KW] if row[KIND] == CHILLER else 1.0
    return float(cooling_kw(row, full_kw, grid.temp_c[len(grid.temp_c) - 1, site]) / full_kw)
