"""What Python calls: one table of addresses in, one slot or one span of time done.

Every entry point takes the table (:mod:`cosim.world.kernel_memory`) and a few numbers.
"""

from __future__ import annotations

from cosim.world import (
    kernel,
    kernel_bill,
    kernel_dispatch,
    kernel_faults,
    kernel_guard,
    kernel_meter,
)
from cosim.world.compiled import compiled, inlined
from cosim.world.kernel_facility import close_bin, close_drain
from cosim.world.kernel_grid import (
    ANY_GUARD,
    ARRIVAL,
    ARRIVALS_ROW,
    BIN,
    BIN_END,
    DEADLINE,
    DELAY_P95,
    DELIVERED,
    GPU_OF,
    GUARD_DUE,
    IMAGES_OF,
    MAY_RUN,
    POOLS,
    READINGS,
    SERVICE_OF,
    SET_LEVEL,
    SLOT,
    STEPS_OF,
    WAITING,
    WANTED,
    Grid,
)
from cosim.world.kernel_memory import address, copy_bytes, read_farm, read_grid
from cosim.world.kernel_state import (
    FINISHED,
    FOREVER,
    HEAD,
    HELD_BEFORE,
    NEVER,
    TAIL,
    Farm,
    Floats,
    Ints,
)

# time --------------------------------------------------------------------------------------


@compiled
def play(memory: Ints, until_ns: int) -> int:
    """Play everything before an instant (see :func:`cosim.world.kernel_meter.play`)."""
    return kernel_meter.play(address(memory), until_ns)


@compiled
def arrive(memory: Ints, told: int, service: int, steps: int, at_ns: int, now_ns: int) -> int:
    """Carry out the last answer and play up to an arrival for which Python is asked.

    Estimated waits and backlogs are told in ``Farm.seen``.

    Args:
        memory: the table of addresses.
        told: the job that was answered last, NEVER if it has been placed.
        service: its service.
        steps: its steps.
        at_ns: when it arrived [ns].
        now_ns: when the next one arrives [ns].

    Returns:
        The job that arrives, or FULL.
    """
    farm, clock = read_farm(memory), read_grid(memory).clock
    if told != NEVER:
        kernel.answer(farm.memory, told, at_ns, service, steps)
    while clock[GUARD_DUE] != 0 or clock[BIN_END] <= now_ns:
        job = kernel_meter.play(farm.memory, min(clock[BIN_END], now_ns))
        if job != NEVER:
            return int(job)
    job = kernel.admit(farm.memory, now_ns + 1)
    kernel.queues(farm, now_ns, farm.seen)
    return int(job)


@compiled
def answer(memory: Ints, job: int, now_ns: int, service: int, steps: int) -> None:
    """Take Python's placement of a job."""
    kernel.answer(address(memory), job, now_ns, service, steps)


@compiled
def place_held(memory: Ints, now_ns: int) -> int:
    """Place the jobs that were held; a job for which Python has to be asked, or NEVER."""
    return kernel.place_held(address(memory), now_ns)


@compiled
def rank_offers(counts: Ints, scores: Floats, best: Ints) -> None:
    """Find the best offers of each service (see :func:`kernel_dispatch.rank_offers`)."""
    kernel_dispatch.rank_offers(counts, scores, best)


@compiled
def queues(memory: Ints, now_ns: int) -> None:
    """Tell estimated waits and backlogs in ``Farm.seen``, for callbacks."""
    farm = read_farm(memory)
    kernel.queues(farm, now_ns, farm.seen)


# slots, the fast engine --------------------------------------------------------------------


@compiled
def enforce(memory: Ints, now_ns: int, later_ns: int) -> int:
    """Put the decided clock levels into force and begin to count arrivals; how many are held."""
    farm, grid = read_farm(memory), read_grid(memory)
    for site in range(len(grid.levels)):
        kernel.set_clock(farm.memory, site, grid.levels[site], now_ns)
    kernel.estimate(farm.memory, now_ns, later_ns)
    kernel.set_levels(farm, grid.levels)
    farm.arrived[:] = 0
    kernel.begin_held(farm)
    # the guard of the first bin acts when the decision is in force and held jobs are placed
    grid.clock[GUARD_DUE] = grid.clock[ANY_GUARD] if grid.clock[BIN_END] != FOREVER else 0
    return int(farm.world[HELD_BEFORE])


@compiled
def fail(memory: Ints, site: int, gpu: int, now_ns: int) -> None:
    """Let a GPU fail."""
    kernel_faults.fail(address(memory), site, gpu, now_ns)


@compiled
def repair(memory: Ints, site: int, gpu: int, now_ns: int) -> None:
    """Bring a GPU back."""
    kernel_faults.repair(address(memory), site, gpu, now_ns)


@compiled
def open_gates(memory: Ints, now_ns: int) -> None:
    """Let all GPUs run."""
    farm = read_farm(memory)
    for site in range(len(farm.sites)):
        gpus = farm.first_gpu[site + 1] - farm.first_gpu[site]
        kernel.set_enabled(farm.memory, site, gpus, now_ns)


@compiled
def close_slot(memory: Ints, drained: bool) -> None:
    """Close the slot that ends: its drain energy, its ended jobs, its money."""
    farm, grid = read_farm(memory), read_grid(memory)
    slot = grid.clock[SLOT]
    grid.told[:] = 0.0
    if drained:
        kernel_meter.read(farm, grid)
        for site in range(len(farm.sites)):
            close_drain(address(memory), grid, site)
    for site in range(len(farm.sites)):
        tell_ended(farm, grid, site)
        grid.rows[slot, ARRIVALS_ROW, site] = farm.arrived[site].sum()
        grid.counts[WAITING, site] = farm.sites[site, TAIL] - farm.sites[site, HEAD]
    kernel_meter.settle(grid, slot)
    kernel_bill.book(address(memory), slot)


@compiled
def tell_ended(farm: Farm, grid: Grid, site: int) -> None:
    """Count in the jobs of a site that ended since this was last done."""
    begin, end = grid.told_jobs[site], farm.sites[site, FINISHED]
    for at in range(begin, end):
        job = farm.finished[site, at]
        kernel_meter.tell(
            grid,
            site,
            at - begin,
            farm.arrival_ns[job],
            farm.deadline_ns[job],
            kernel_dispatch.home_ns(farm, job, site),
            farm.service[job],
            farm.steps[job],
            farm.images[job],
            farm.gpu[job],
        )
    grid.told_jobs[site] = end
    grid.seen[DELAY_P95, site] = kernel_meter.percentile_95(grid.ratios, end - begin)


@compiled
def look(memory: Ints, now_ns: int) -> None:
    """Tell what an operator would see of the sites at an edge."""
    farm, grid = read_farm(memory), read_grid(memory)
    kernel.glance(farm, grid.levels, now_ns, grid.counts)
    kernel_meter.show(grid, now_ns)


@compiled
def put_back(copies: Ints) -> None:
    """Copy memory: rows of (to, from, bytes)."""
    for k in range(len(copies)):
        copy_bytes(copies[k, 0], copies[k, 1], copies[k, 2])


# slots, both engines -----------------------------------------------------------------------


@compiled
def open_slot(memory: Ints, slot: int, now_ns: int, in_window: bool) -> None:
    """Begin to gather a slot."""
    kernel_meter.open_slot(read_grid(memory), slot, now_ns, in_window)
    kernel_bill.tell(address(memory), slot)


# slots, the reference engine, which counts for itself ----------------------------------------


@compiled
def guard_settings(memory: Ints, demand: Ints, out: Ints) -> None:
    """Clock level and GPUs that may run in the coming bin, for each site; −1: as decided."""
    grid = read_grid(memory)
    for site in range(len(demand)):
        out[site, 0] = -1
        grid.guard[site, WANTED] = demand[site]
    for site in range(len(demand)):
        if kernel_guard.is_guarded(grid, site):
            kernel_guard.guard_meter(address(memory), site)
            for pool in range(site, site + int(grid.site[site, POOLS])):
                out[pool, 0] = grid.guard[pool, SET_LEVEL]
                out[pool, 1] = grid.guard[pool, MAY_RUN]


@inlined
def take(grid: Grid, readings: Ints) -> None:
    """Take over what the reference engine has read."""
    for site in range(len(readings)):
        for k in range(READINGS):
            grid.readings[site, k] = readings[site, k]


@compiled
def close_bins(memory: Ints, readings: Ints) -> None:
    """Close one bin of every site, from readings of shape (sites, READINGS)."""
    grid = read_grid(memory)
    take(grid, readings)
    for site in range(len(readings)):
        close_bin(address(memory), site, grid.clock[BIN])
    kernel_meter.pass_bin(grid)


@compiled
def close_drains(memory: Ints, readings: Ints) -> None:
    """Book a slot of the drain of every site."""
    grid = read_grid(memory)
    take(grid, readings)
    for site in range(len(readings)):
        close_drain(address(memory), grid, site)


@compiled
def tell(memory: Ints, site: int, ended: Ints) -> None:
    """Count in ended jobs of a site, one per column, shape (ENDED_ROWS, jobs)."""
    grid = read_grid(memory)
    for at in range(ended.shape[1]):
        kernel_meter.tell(
            grid,
            site,
            at,
            ended[ARRIVAL, at],
            ended[DEADLINE, at],
            ended[DELIVERED, at],
            ended[SERVICE_OF, at],
            ended[STEPS_OF, at],
            ended[IMAGES_OF, at],
            ended[GPU_OF, at],
        )
    grid.seen[DELAY_P95, site] = kernel_meter.percentile_95(grid.ratios, ended.shape[1])


@compiled
def settle(memory: Ints) -> None:
    """Settle the slot that ends."""
    grid = read_grid(memory)
    kernel_meter.settle(grid, grid.clock[SLOT])
    kernel_bill.book(address(memory), grid.clock[SLOT])


@compiled
def show(memory: Ints, now_ns: int) -> None:
    """Tell what is seen at an edge, beside what the engine has counted."""
    kernel_meter.show(read_grid(memory), now_ns)
