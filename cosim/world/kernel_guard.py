"""The power guard, compiled: how many GPUs may run in the coming bin, and how fast.

A site whose import is limited stays inside its supply, one with a room keeps it cool enough. Where
several pools of GPUs stand at one meter, they share what it carries.
"""

from __future__ import annotations

import math

from cosim.physics.battery_row import CAPACITY_KWH
from cosim.physics.battery_scalar import range_kw
from cosim.physics.thermal_scalar import MASS
from cosim.world.compiled import inlined, piece
from cosim.world.kernel import set_clock, set_enabled
from cosim.world.kernel_climate import cell_c, room_kw, too_warm
from cosim.world.kernel_connection import battery_works, has_backup, reserve_kw
from cosim.world.kernel_grid import (
    AIM,
    BIN,
    BIN_END,
    BIN_H,
    BIN_NS,
    GPUS,
    GUARD_DUE,
    GUARDED,
    IDLE_MW,
    MAY_RUN,
    POOLS,
    REPLICAS,
    SERVER_MW,
    SET_LEVEL,
    SETPOINT,
    STORED,
    WANTED,
    Grid,
)
from cosim.world.kernel_memory import read_grid
from cosim.world.kernel_state import HEAD, JOB, NEVER, TAIL, Farm


@inlined
def supply_kw(grid: Grid, site: int, bin_no: int) -> float:
    """Most that import, sun, wind, battery and backup can carry in a bin [kW]."""
    most_kw = grid.import_kw[min(bin_no, len(grid.import_kw) - 1), site]
    if has_backup(grid, site):
        most_kw += reserve_kw(grid, site)
    works = battery_works(grid, site, bin_no, bin_no + 1)
    if works and grid.battery[site, CAPACITY_KWH] > 0.0:
        row, stored_kwh = grid.battery[site], grid.state[site, STORED]
        temp_c = cell_c(grid, site, bin_no)
        most_kw += range_kw(row, stored_kwh, temp_c, grid.scalars[BIN_H])[1]
    return float(most_kw + (grid.solar_kw[bin_no, site] + grid.wind_kw[bin_no, site]))


@inlined
def more_gpus(
    memory: int, site: int, load_kw: float, each_kw: float, most: int, carried_kw: float
) -> int:
    """How many more GPUs of a kind a meter carries beyond a load, at most so many."""
    bin_no = read_grid(memory).clock[BIN]
    if each_kw <= 0.0 or math.isinf(carried_kw):
        return most
    full_kw = load_kw + most * each_kw
    if full_kw + room_kw(memory, site, bin_no, full_kw) <= carried_kw:
        return most
    carried, above = 0, most
    while above - carried > 1:
        middle = (carried + above) // 2
        it_kw = load_kw + middle * each_kw
        if it_kw + room_kw(memory, site, bin_no, it_kw) <= carried_kw:
            carried = middle
        else:
            above = middle
    return carried


@inlined
def gpus_carried(memory: int, grid: Grid, site: int, level: int, carried_kw: float) -> int:
    """How many GPUs may be busy at once at a clock level; cooling grows with each."""
    at, replicas = grid.site[site], grid.scalars[REPLICAS]
    gpus, idle_kw = int(at[GPUS]), replicas * at[IDLE_MW] / 1e6
    rest_kw = gpus * (idle_kw + replicas * at[SERVER_MW] / 1e6)
    each_kw = grid.busy_kw[site, level] - idle_kw
    return int(more_gpus(memory, site, rest_kw, each_kw, gpus, carried_kw))


@inlined
def is_guarded(grid: Grid, site: int) -> bool:
    """Whether clocks and GPUs at a meter may have to follow its supply or its room."""
    at = grid.site[site]
    return bool(at[POOLS] > 0.0 and (at[GUARDED] != 0.0 or grid.cooling[site, MASS] > 0.0))


@inlined
def guard_setting(memory: int, grid: Grid, site: int, demand: int) -> tuple[int, int]:
    """Clock level and number of GPUs that may run in the coming bin.

    A room that is too warm lowers the clock. Where the import limit would make JEMAS Eq. (10)
    impossible: first a colder room than the band asks for is given up, then comes the lowest
    clock, then GPUs are paused at their next step boundary. What a step already begun still draws
    is booked as unserved energy.
    """
    state, wanted = grid.state[site], min(demand, int(grid.site[site, GPUS]))
    level, state[AIM] = grid.levels[site] - too_warm(grid, site, site), state[SETPOINT]
    carried_kw = supply_kw(grid, site, grid.clock[BIN])
    most = gpus_carried(memory, grid, site, level, carried_kw)
    if wanted > most and not math.isnan(state[AIM]):
        state[AIM] = math.nan
        most = gpus_carried(memory, grid, site, level, carried_kw)
    if wanted > most:
        level = 0
        most = gpus_carried(memory, grid, site, level, carried_kw)
    return level, most


@inlined
def share_out(memory: int, grid: Grid, site: int) -> bool:
    """Share the supply of a meter out to its pools; whether all get what they could use.

    In their order, first what each could use, then what is left for jobs that may come.
    """
    replicas, end = grid.scalars[REPLICAS], site + int(grid.site[site, POOLS])
    carried_kw = supply_kw(grid, site, grid.clock[BIN])
    load_kw, enough = 0.0, True
    for pool in range(site, end):
        at = grid.site[pool]
        load_kw += at[GPUS] * (replicas * at[IDLE_MW] / 1e6 + replicas * at[SERVER_MW] / 1e6)
        grid.guard[pool, MAY_RUN] = 0
    for turn in range(2):
        for pool in range(site, end):
            row, gpus = grid.guard[pool], int(grid.site[pool, GPUS])
            most = min(row[WANTED], gpus) if turn == 0 else gpus - row[MAY_RUN]
            each_kw = grid.busy_kw[pool, row[SET_LEVEL]]
            each_kw -= replicas * grid.site[pool, IDLE_MW] / 1e6
            more = more_gpus(memory, site, load_kw, each_kw, most, carried_kw)
            load_kw += more * max(each_kw, 0.0)
            row[MAY_RUN] += more
            enough = enough and (turn > 0 or more == most)
    return enough


@piece
def guard_meter(memory: int, site: int) -> None:
    """Set clock level and GPUs that may run of all pools at a meter, from what they could use.

    Args:
        memory: address of the table of addresses.
        site: the site whose meter it is.
    """
    grid = read_grid(memory)
    guard, end = grid.guard, site + int(grid.site[site, POOLS])
    if end == site + 1:
        level, most = guard_setting(memory, grid, site, guard[site, WANTED])
        guard[site, SET_LEVEL], guard[site, MAY_RUN] = level, most
        return
    state = grid.state[site]
    state[AIM] = state[SETPOINT]
    for pool in range(site, end):
        guard[pool, SET_LEVEL] = grid.levels[pool] - too_warm(grid, site, pool)
    enough = share_out(memory, grid, site)
    if not enough and not math.isnan(state[AIM]):
        state[AIM] = math.nan
        enough = share_out(memory, grid, site)
    if not enough:
        for pool in range(site, end):
            guard[pool, SET_LEVEL] = 0
        share_out(memory, grid, site)


@inlined
def demand_of(farm: Farm, site: int) -> int:
    """GPUs that hold a job plus jobs that wait."""
    wanted = farm.sites[site, TAIL] - farm.sites[site, HEAD]
    for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
        wanted += 1 if farm.gpus[gpu, JOB] != NEVER else 0
    return int(wanted)


@inlined
def guard(farm: Farm, grid: Grid) -> None:
    """Keep sites inside their supply and their rooms cool enough for the coming bin."""
    now_ns = grid.clock[BIN_END] - grid.clock[BIN_NS]
    for site in range(len(grid.site)):
        if is_guarded(grid, site):
            pools = range(site, site + int(grid.site[site, POOLS]))
            for pool in pools:
                grid.guard[pool, WANTED] = demand_of(farm, pool)
            guard_meter(farm.memory, site)
            for pool in pools:
                set_clock(farm.memory, pool, grid.guard[pool, SET_LEVEL], now_ns)
                set_enabled(farm.memory, pool, grid.guard[pool, MAY_RUN], now_ns)
    grid.clock[GUARD_DUE] = 0
