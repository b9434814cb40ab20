"""What a learner sees at a slot edge and what the slot has earned, compiled.

Money is counted when the ledger books it: revenue and penalties when a job ends, transfers when it
is sent, refusals when they are made, energy by the slot.
"""

from __future__ import annotations

import math

from cosim.world.compiled import inlined
from cosim.world.kernel_grid import (
    CARBON_USD,
    DEMAND_USD,
    DROPPED_ROW,
    EDGE_TERMS,
    EXPORT_USD,
    FINISHED_ROW,
    IMPORT_USD,
    LATE_ROW,
    REPLICAS,
    TOLD_PENALTY,
    TOLD_REVENUE,
    UNSERVED_USD,
    WEAR_USD,
    Grid,
)
from cosim.world.kernel_seat import (
    BOUGHT,
    CARBON_COST,
    CENTRE,
    DEADLINE,
    EARNED,
    ENDED,
    FINES,
    FIRST_EDGE,
    FROM_ARRIVALS,
    FROM_SEEN,
    FROM_SPEED,
    LATE,
    LIVE_COLUMN,
    LIVE_INDEX,
    LIVE_KIND,
    LIVE_SITE,
    MODE,
    NEXT_DUE,
    NEXT_NEW,
    PENALTY,
    REFUSALS,
    REVENUE,
    REWARD,
    SCALE_USD,
    SOFT,
    SOLD,
    SPARSE,
    TOLD,
    TOLERANCE,
    TRANSFER,
    UNSERVED_COST,
    UTILITY,
    VIOLATION,
    WAITED,
    WEAR_COST,
    WIDTH,
    Seat,
    Views,
)
from cosim.world.kernel_state import (
    FINISHED,
    HELD,
    NEVER,
    NEXT_JOB,
    Farm,
    Floats,
)

DROP = -2

# what is seen ------------------------------------------------------------------------------


@inlined
def mapped(soft: float, centre: float, width: float, value: float) -> float:
    """Bring a physical value to [−1, 1]: in proportion, or as z/(1 + |z|)."""
    part = (value - centre) / width
    if soft == 0.0:
        return min(1.0, max(-1.0, part))
    if math.isinf(part):
        return 1.0 if part > 0.0 else -1.0
    return part / (1.0 + abs(part))


@inlined
def gather(farm: Farm, seat: Seat) -> None:
    """Count the images asked for in the last slot, by group, and the jobs that are held."""
    seat.arrived[:] = 0.0
    seat.waits[:] = 0.0
    sites, kinds = farm.arrived.shape
    for site in range(sites):
        for kind in range(kinds):
            asked = farm.arrived[site, kind] * seat.images[kind]
            seat.arrived[site, seat.group[kind]] += asked
    for at in range(farm.world[HELD]):
        seat.waits[farm.home[farm.held[at]]] += 1.0


@inlined
def see(farm: Farm, grid: Grid, seat: Seat, slot: int, view: Views) -> None:
    """Write the view of a slot edge."""
    gather(farm, seat)
    for column in range(len(view)):
        view[column] = seat.known[slot, column]
    for k in range(len(seat.live)):
        entry, how = seat.live[k], seat.maps[k]
        kind, site, index = entry[LIVE_KIND], entry[LIVE_SITE], entry[LIVE_INDEX]
        if kind == FROM_SEEN:
            value = grid.seen[index, site]
        elif kind == FROM_SPEED:
            value = grid.speed[site, grid.levels[site]]
        elif kind == FROM_ARRIVALS:
            value = seat.arrived[site, index]
        else:
            value = seat.waits[site]
        view[entry[LIVE_COLUMN]] = mapped(how[SOFT], how[CENTRE], how[WIDTH], value)


# what was earned ---------------------------------------------------------------------------


@inlined
def note_held(farm: Farm, seat: Seat, count: int) -> None:
    """Remember which jobs are held, before they are placed again."""
    seat.cursor[WAITED] = count
    for at in range(count):
        seat.waiting[at] = farm.held[at]


@inlined
def count(farm: Farm, grid: Grid, seat: Seat, slot: int, now_ns: int, money: Floats) -> None:
    """Count what a slot has brought that was closed last."""
    money[:] = 0.0
    row = grid.rows[slot]
    for site in range(len(grid.site)):
        money[REVENUE] += grid.told[TOLD_REVENUE, site]
        money[PENALTY] += grid.told[TOLD_PENALTY, site]
        money[BOUGHT] += row[IMPORT_USD, site]
        money[SOLD] += row[EXPORT_USD, site]
        money[UNSERVED_COST] += row[UNSERVED_USD, site]
        money[CARBON_COST] += row[CARBON_USD, site]
        money[WEAR_COST] += row[WEAR_USD, site]
        for k in range(EDGE_TERMS):
            money[FIRST_EDGE + k] += row[DEMAND_USD + k, site]
        money[ENDED] += row[FINISHED_ROW, site] + row[DROPPED_ROW, site]
        money[LATE] += row[LATE_ROW, site] + row[DROPPED_ROW, site]
    count_sent(farm, grid, seat, money)
    if seat.meta[MODE] == DEADLINE:
        count_fines(farm, grid, seat, now_ns, money)
    reward(seat, money)


@inlined
def count_sent(farm: Farm, grid: Grid, seat: Seat, money: Floats) -> None:
    """Count the jobs that were placed in the slot: transfers, and penalties of refusals."""
    cursor = seat.cursor
    for at in range(cursor[WAITED]):
        count_placement(farm, grid, seat, seat.waiting[at], money)
    cursor[WAITED] = 0
    for job in range(cursor[NEXT_NEW], farm.world[NEXT_JOB]):
        count_placement(farm, grid, seat, job, money)
    cursor[NEXT_NEW] = farm.world[NEXT_JOB]


@inlined
def count_placement(farm: Farm, grid: Grid, seat: Seat, job: int, money: Floats) -> None:
    """Count in where a job went; nothing if it still waits for a decision."""
    service, home, replicas = farm.service[job], farm.home[job], grid.scalars[REPLICAS]
    if service == DROP:
        each_usd = grid.penalty[farm.stay_service[home, farm.class_id[job]]]
        money[PENALTY] += replicas * farm.images[job] * each_usd
        money[REFUSALS] += 1.0
        money[FINES] -= seat.fines[job]
        seat.fines[job] = 0.0
    elif service != NEVER and farm.place[farm.service_site[service]] != home:
        money[TRANSFER] += replicas * farm.fare_usd[farm.trip[job]]


@inlined
def count_fines(farm: Farm, grid: Grid, seat: Seat, now_ns: int, money: Floats) -> None:
    """Charge penalties when deadlines pass; give back what is charged again at the end."""
    cursor, fines = seat.cursor, seat.fines
    for site in range(len(grid.site)):
        ended = farm.sites[site, FINISHED]
        for at in range(cursor[TOLD + site], ended):
            job = farm.finished[site, at]
            money[FINES] -= fines[job]
            fines[job] = 0.0
        cursor[TOLD + site] = ended
    at = cursor[NEXT_DUE]
    while at < len(seat.by_due) and farm.deadline_ns[seat.by_due[at]] <= now_ns:
        job = seat.by_due[at]
        at += 1
        if farm.finish_ns[job] == NEVER and farm.service[job] != DROP:
            service = farm.service[job]
            if service == NEVER:
                service = farm.stay_service[farm.home[job], farm.class_id[job]]
            fines[job] = grid.scalars[REPLICAS] * farm.images[job] * grid.penalty[service]
            money[FINES] += fines[job]
    cursor[NEXT_DUE] = at


@inlined
def reward(seat: Seat, money: Floats) -> None:
    """Utility of the slot, its share of violated deadlines, and what the learner is told."""
    energy_usd = money[BOUGHT] - money[SOLD]
    other_usd = money[UNSERVED_COST] + money[CARBON_COST] + money[WEAR_COST]
    for k in range(FIRST_EDGE, EARNED):
        other_usd += money[k]
    other_usd -= money[EARNED]
    spent_usd = money[PENALTY] + money[TRANSFER] + energy_usd + other_usd
    money[UTILITY] = money[REVENUE] - spent_usd
    ended = money[ENDED] + money[REFUSALS]
    if ended > 0.0:
        money[VIOLATION] = (money[LATE] + money[REFUSALS]) / ended
    told_usd = money[UTILITY] - money[FINES]
    if seat.meta[MODE] == SPARSE and money[VIOLATION] > seat.law[TOLERANCE]:
        told_usd -= money[REVENUE]
    money[REWARD] = told_usd / seat.law[SCALE_USD]
