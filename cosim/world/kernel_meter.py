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
from cosim.world.compiled import inlined, piece
from cosim.world.kernel import advance
from cosim.world.kernel_climate import cell_c
from cosim.world.kernel_connection import battery_works
from cosim.world.kernel_facility import close_bin
from cosim.world.kernel_grid import (
    ANY_GUARD,
    BACKLOG,
    BACKLOG_S,
    BACKUP_KG,
    BIN,
    BIN_END,
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
    HIGH_KW,
    IDLE,
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
from cosim.world.kernel_guard import guard
from cosim.world.kernel_memory import read_farm, read_grid
from cosim.world.kernel_state import (
    CHANGES,
    FOREVER,
    FULL,
    GIVEN_UP,
    NEVER,
    PJ_HIGH,
    Farm,
    Floats,
)

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
        read(farm, grid)
        for site in range(len(grid.site)):
            close_bin(memory, site, clock[BIN])
        pass_bin(grid)


@inlined
def read(farm: Farm, grid: Grid) -> None:
    """Read the meters of all sites and set them back."""
    for site in range(len(grid.site)):
        for k in range(READINGS):
            grid.readings[site, k] = farm.sites[site, PJ_HIGH + k]
            farm.sites[site, PJ_HIGH + k] = 0


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
