"""The meters' clock, compiled: bins close one after another while jobs arrive and GPUs run.

Between two SimPy events :func:`play` takes the pools from bin edge to bin edge; at each it closes
the books and, where a site's import is limited or its room may get too warm, sets how many GPUs
may run, and how fast, in the bin to come.
"""

from __future__ import annotations

import math

from cosim.physics.battery_row import CAPACITY_KWH
from cosim.physics.battery_scalar import range_kw
from cosim.physics.service_scalar import settled_usd
from cosim.physics.thermal_scalar import MASS
from cosim.world.compiled import inlined, piece
from cosim.world.kernel import advance, set_clock, set_enabled
from cosim.world.kernel_climate import cell_c, room_kw, too_warm
from cosim.world.kernel_connection import battery_works, has_backup, reserve_kw
from cosim.world.kernel_facility import close_bin
from cosim.world.kernel_grid import (
    AIM,
    ANY_GUARD,
    BACKLOG,
    BACKLOG_S,
    BACKUP_KG,
    BIN,
    BIN_END,
    BIN_H,
    BIN_NS,
    BINS_PER_SLOT,
    BUSY,
    BUSY_NOW,
    CAPACITY_ROW,
    CARBON_KG,
    CARBON_USD,
    CARBON_USD_KG,
    CLOCK_SPEED,
    COMPUTE,
    COOLING,
    CURTAIL_USD_KWH,
    CURTAILED,
    CURTAILMENT_USD,
    DISCHARGE,
    DROPPED_ROW,
    DUE,
    EXPORT,
    EXPORT_USD,
    FACILITY_KW,
    FINISHED_ROW,
    GPUS,
    GUARD_DUE,
    GUARDED,
    HIGH_KW,
    IDLE,
    IDLE_MW,
    IMPORT,
    IMPORT_USD,
    IT_KW,
    LATE_ROW,
    LOW_KW,
    QUEUE_JOBS,
    READINGS,
    REPLICAS,
    ROOM,
    ROOM_NOW,
    ROOM_ROW,
    SERVER_MW,
    SETPOINT,
    SLACK_S,
    SLOT,
    SLOT_H,
    SOC,
    SOC_ROW,
    STORED,
    STORED_KWH,
    TOLD_PENALTY,
    TOLD_REVENUE,
    UNSERVED,
    UNSERVED_USD,
    UNSERVED_USD_KWH,
    WAITING,
    WEAR_USD,
    WEAR_USD_KWH,
    Grid,
)
from cosim.world.kernel_memory import read_farm, read_grid
from cosim.world.kernel_state import (
    CHANGES,
    FOREVER,
    FULL,
    GIVEN_UP,
    HEAD,
    JOB,
    NEVER,
    PJ_HIGH,
    TAIL,
    Farm,
    Floats,
)

# the power guard ---------------------------------------------------------------------------


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
def gpus_carried(memory: int, grid: Grid, site: int, level: int, carried_kw: float) -> int:
    """How many GPUs may be busy at once at a clock level; cooling grows with each."""
    at, replicas, bin_no = grid.site[site], grid.scalars[REPLICAS], grid.clock[BIN]
    gpus, idle_kw = int(at[GPUS]), replicas * at[IDLE_MW] / 1e6
    rest_kw = gpus * (idle_kw + replicas * at[SERVER_MW] / 1e6)
    each_kw = grid.busy_kw[site, level] - idle_kw
    if each_kw <= 0.0 or math.isinf(carried_kw):
        return gpus
    full_kw = rest_kw + gpus * each_kw
    if full_kw + room_kw(memory, site, bin_no, full_kw) <= carried_kw:
        return gpus
    carried, above = 0, gpus
    while above - carried > 1:
        middle = (carried + above) // 2
        it_kw = rest_kw + middle * each_kw
        if it_kw + room_kw(memory, site, bin_no, it_kw) <= carried_kw:
            carried = middle
        else:
            above = middle
    return carried


@inlined
def is_guarded(grid: Grid, site: int) -> bool:
    """Whether clocks and GPUs of a site may have to follow its supply or its room."""
    return bool(grid.site[site, GUARDED] != 0.0 or grid.cooling[site, MASS] > 0.0)


@inlined
def guard_setting(memory: int, grid: Grid, site: int, demand: int) -> tuple[int, int]:
    """Clock level and number of GPUs that may run in the coming bin.

    A room that is too warm lowers the clock. Where the import limit would make JEMAS Eq. (10)
    impossible: first a colder room than the band asks for is given up, then comes the lowest
    clock, then GPUs are paused at their next step boundary. What a step already begun still draws
    is booked as unserved energy.
    """
    state, wanted = grid.state[site], min(demand, int(grid.site[site, GPUS]))
    level, state[AIM] = grid.levels[site] - too_warm(grid, site), state[SETPOINT]
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
            level, enabled = guard_setting(farm.memory, grid, site, demand_of(farm, site))
            set_clock(farm.memory, site, level, now_ns)
            set_enabled(farm.memory, site, enabled, now_ns)
    grid.clock[GUARD_DUE] = 0


# bins --------------------------------------------------------------------------------------


@piece
def play(memory: int, until_ns: int) -> int:
    """Play everything before an instant and the completions at it; close bins that end by then.

    Returns:
        NEVER when the instant is reached; the number of a job for which Python has to be asked;
        or FULL if the log of changes has to grow before this can go on.
    """
    farm, grid = read_farm(memory), read_grid(memory)
    clock = grid.clock
    while True:
        if clock[GUARD_DUE] != 0:
            if not room(farm):
                return FULL
            guard(farm, grid)
        end_ns = clock[BIN_END]
        job = advance(memory, min(end_ns, until_ns))
        if job != NEVER or end_ns > until_ns:
            return job
        for site in range(len(grid.site)):
            for k in range(READINGS):
                grid.readings[site, k] = farm.sites[site, PJ_HIGH + k]
                farm.sites[site, PJ_HIGH + k] = 0
            close_bin(memory, site, clock[BIN])
        pass_bin(grid)


@inlined
def room(farm: Farm) -> bool:
    """Whether the log of changes has room for what one edge can bring."""
    return bool(farm.world[CHANGES] + 2 * len(farm.sites) <= len(farm.changes))


@inlined
def pass_bin(grid: Grid) -> None:
    """Go on to the next bin of the slot; after its last one wait for the slot to begin."""
    clock = grid.clock
    clock[BIN] += 1
    if clock[BIN] % clock[BINS_PER_SLOT] == 0:
        clock[BIN_END] = FOREVER
    else:
        clock[BIN_END] += clock[BIN_NS]
        clock[GUARD_DUE] = clock[ANY_GUARD]


# slots -------------------------------------------------------------------------------------


@inlined
def settle(grid: Grid, slot: int) -> None:
    """Settle the energy of a slot at its prices, and note its state."""
    row, scalars = grid.rows[slot], grid.scalars
    now = min(slot, len(grid.price) - 1)
    for site in range(len(grid.site)):
        row[IMPORT_USD, site] = row[IMPORT, site] * grid.price[now, site]
        row[EXPORT_USD, site] = row[EXPORT, site] * grid.sale[now, site]
        row[UNSERVED_USD, site] = row[UNSERVED, site] * scalars[UNSERVED_USD_KWH]
        row[CARBON_KG, site] = row[IMPORT, site] * grid.carbon[now, site] / 1000.0
        row[CARBON_KG, site] += row[BACKUP_KG, site]
        row[CURTAILMENT_USD, site] = row[CURTAILED, site] * grid.site[site, CURTAIL_USD_KWH]
        row[CARBON_USD, site] = row[CARBON_KG, site] * scalars[CARBON_USD_KG]
        row[WEAR_USD, site] = row[DISCHARGE, site] * grid.site[site, WEAR_USD_KWH]
        row[CLOCK_SPEED, site] = grid.speed[site, grid.levels[site]]
        row[ROOM_ROW, site] = grid.state[site, ROOM]
        capacity_kwh = grid.battery[site, CAPACITY_KWH]
        row[CAPACITY_ROW, site] = capacity_kwh
        if capacity_kwh > 0.0:
            row[SOC_ROW, site] = grid.state[site, STORED] / capacity_kwh
        it_kwh = row[COMPUTE, site] + row[IDLE, site]
        grid.seen[IT_KW, site] = it_kwh / scalars[SLOT_H]
        grid.seen[FACILITY_KW, site] = (it_kwh + row[COOLING, site]) / scalars[SLOT_H]
        row[QUEUE_JOBS, site] = grid.counts[WAITING, site]


@inlined
def tell(
    grid: Grid,
    site: int,
    at: int,
    arrival_ns: int,
    deadline_ns: int,
    delivered_ns: int,
    service: int,
    steps: int,
    images: int,
    gpu: int,
) -> None:
    """Count in one ended job: what it brought and how much of its tolerated delay it took."""
    row, column = grid.rows[grid.clock[SLOT]], 0
    while column < len(grid.step_counts) - 1 and grid.step_counts[column] < steps:
        column += 1
    stands_for = grid.scalars[REPLICAS] * images
    late_ns = delivered_ns - deadline_ns
    if gpu <= GIVEN_UP:
        row[DROPPED_ROW, site] += 1.0
        late_ns = FOREVER
    else:
        row[FINISHED_ROW, site] += 1.0
        row[LATE_ROW, site] += 1.0 if late_ns > 0 else 0.0
    price_usd = grid.revenue[service, column]
    earned, due = settled_usd(late_ns, price_usd, grid.penalty[service], grid.lateness[service])
    grid.told[TOLD_REVENUE, site] += stands_for * earned
    grid.told[TOLD_PENALTY, site] += stands_for * due
    tolerated_ns = max(1, deadline_ns - arrival_ns)
    grid.ratios[at] = (delivered_ns - arrival_ns) / tolerated_ns


@inlined
def percentile_95(values: Floats, count: int) -> float:
    """95th percentile of the first values, interpolated; 0 of none. Reorders them."""
    if count == 0:
        return 0.0
    place = 0.95 * (count - 1)
    low = int(place)
    select(values, count, low)
    below, above = values[low], values[low]
    if low + 1 < count:
        above = values[low + 1]
        for at in range(low + 2, count):
            above = min(above, values[at])
    return float(below + (place - low) * (above - below))


@inlined
def select(values: Floats, count: int, wanted: int) -> None:
    """Bring the value of a rank to its place, smaller ones before it (Hoare, 1961)."""
    left, right = 0, count - 1
    while left < right:
        pivot, i, j = values[wanted], left, right
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < wanted:
            left = i
        if wanted < i:
            right = j


@inlined
def show(grid: Grid, now_ns: int) -> None:
    """Tell what is seen at an edge: what was counted, and what batteries hold and can do."""
    hours, seen, counts = grid.scalars[SLOT_H], grid.seen, grid.counts
    first = grid.clock[BIN]
    for site in range(len(grid.site)):
        seen[BACKLOG_S, site] = counts[BACKLOG, site] / 1e9
        seen[BUSY_NOW, site] = counts[BUSY, site] / grid.site[site, GPUS]
        due_ns = counts[DUE, site]
        seen[SLACK_S, site] = (due_ns - now_ns) / 1e9 if due_ns != FOREVER else math.inf
        row, stored_kwh = grid.battery[site], grid.state[site, STORED]
        seen[STORED_KWH, site], seen[ROOM_NOW, site] = stored_kwh, grid.state[site, ROOM]
        if row[CAPACITY_KWH] > 0.0:
            temp_c = cell_c(grid, site, grid.clock[BIN])
            low_kw, high_kw = 0.0, 0.0
            if battery_works(grid, site, first, first + grid.clock[BINS_PER_SLOT]):
                low_kw, high_kw = range_kw(row, stored_kwh, temp_c, hours)
            seen[SOC, site] = stored_kwh / row[CAPACITY_KWH]
            seen[LOW_KW, site], seen[HIGH_KW, site] = low_kw, high_kw


@inlined
def open_slot(grid: Grid, slot: int, now_ns: int, in_window: bool) -> None:
    """Begin to gather a slot; after the window no bins are metered."""
    grid.rows[slot] = 0.0
    clock = grid.clock
    clock[SLOT] = slot
    clock[BIN_END], clock[GUARD_DUE] = FOREVER, 0
    if in_window:
        clock[BIN] = slot * clock[BINS_PER_SLOT]
        clock[BIN_END] = now_ns + clock[BIN_NS]
