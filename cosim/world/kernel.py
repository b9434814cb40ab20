"""The compiled engine's entry points: each is one call from Python for all sites at once.

Between two SimPy events arrivals, landings, completions and dispatch happen inside one call to
:func:`advance`, in the order of :mod:`cosim.world.events`. Sites touch each other only through
arriving jobs, so each site's completions are played when somebody looks at that site.
"""

from __future__ import annotations

from cosim.world.compiled import compiled, inlined, piece
from cosim.world.kernel_batch import batch_foresee, batch_play, batch_serve, batch_submit
from cosim.world.kernel_dispatch import choose, send
from cosim.world.kernel_estimate import (
    estimate_flights,
    estimate_site,
    held_ns,
    job_ns,
    waiting_ns,
)
from cosim.world.kernel_grid import (
    BACKLOG,
    BUSY,
    DUE,
    UP,
    WAITING,
)
from cosim.world.kernel_heap import pop_flight
from cosim.world.kernel_memory import read_farm, read_grid, read_rules
from cosim.world.kernel_pool import complete, enter, follow_all, foresee, log, serve
from cosim.world.kernel_sleep import meter_all_sleep
from cosim.world.kernel_state import (
    ALLOWED,
    ASK_PYTHON,
    AT_EDGE,
    BATCH,
    DISPATCH_LEVEL,
    DOWN,
    DOWN_NS,
    DOWN_SINCE,
    DOWNS,
    EPOCH,
    ESTIMATES,
    FOREVER,
    HEAD,
    HELD,
    HELD_AT,
    HELD_BEFORE,
    IN_FLIGHT,
    JOB,
    LEVEL,
    NEVER,
    NEXT_JOB,
    OFF,
    OFFS,
    PAUSED,
    PHASE,
    PREEMPT,
    SINCE,
    SLEEP_AFTER_NS,
    TAIL,
    WAKE,
    Farm,
    Floats,
    Ints,
    Small,
)
from cosim.world.kernel_urgent import arm, land, turns


@piece
def play(memory: int, site: int, until_ns: int) -> None:
    """Play one site to an instant without anybody joining its queue."""
    farm = read_farm(memory)
    sites = farm.sites
    if sites[site, BATCH] != 0:
        batch_play(farm.memory, site, until_ns)
    else:
        if sites[site, PREEMPT] != 0:
            turns(farm.memory, site, until_ns)
        else:
            complete(farm, site, until_ns)
        follow_all(farm, site, until_ns)
    if sites[site, DOWNS] != 0:
        sites[site, DOWN_NS] += sites[site, DOWNS] * (until_ns - sites[site, DOWN_SINCE])
        sites[site, DOWN_SINCE] = until_ns
    if sites[site, SLEEP_AFTER_NS] != NEVER:
        meter_all_sleep(farm, site, until_ns)


@inlined
def join_site(farm: Farm, job: int, now_ns: int) -> None:
    """Let a job join the queue of its site."""
    site = farm.service_site[farm.service[job]]
    if farm.sites[site, BATCH] == 0:
        land(farm, site, job, now_ns)
    else:
        batch_submit(farm.memory, site, job, now_ns)


@inlined
def look_ahead(farm: Farm, site: int, now_ns: int) -> None:
    """Compute anew what is to come, after the clock or the switches of a site have changed."""
    if farm.sites[site, BATCH] == 0:
        foresee(farm, site, now_ns)
    else:
        batch_foresee(farm.memory, site, now_ns)


@piece
def admit(memory: int, until_ns: int) -> int:
    """Let everybody arrive and land before an instant; sites are played as far as that needs.

    Returns:
        −1 when the instant is reached, or the number of a job that arrived and for which Python
        has to be asked; call again when :func:`answer` has been told.
    """
    farm, rules = read_farm(memory), read_rules(memory)
    world, jobs = farm.world, len(farm.arrival_ns)
    world[AT_EDGE] = 0
    while True:
        job = world[NEXT_JOB]
        at_ns = farm.arrival_ns[job] if job < jobs else FOREVER
        landing = False
        if world[IN_FLIGHT] > 0:
            landing_ns, flying = farm.flight_ns[0], farm.flight_job[0]
            landing = landing_ns < at_ns or (landing_ns == at_ns and flying < job)
            if landing:
                at_ns, job = landing_ns, flying
        if at_ns >= until_ns:
            return NEVER
        if landing:
            pop_flight(farm.flight_ns, farm.flight_job, world[IN_FLIGHT])
            world[IN_FLIGHT] -= 1
        else:
            world[NEXT_JOB] = job + 1
            farm.arrived[farm.home[job], farm.class_id[job]] += 1
            service, steps = choose(farm, rules, job, at_ns)
            if service == ASK_PYTHON:
                return int(job)
            if not send(farm, job, at_ns, service, steps):
                continue
        join_site(farm, job, at_ns)


@piece
def advance(memory: int, until_ns: int) -> int:
    """Play everything before an instant, and the completions at it; answers as :func:`admit`."""
    farm = read_farm(memory)
    job = admit(memory, until_ns)
    if job == NEVER:
        for site in range(len(farm.sites)):
            play(memory, site, until_ns)
        farm.world[AT_EDGE] = 1
    return job


@piece
def answer(memory: int, job: int, now_ns: int, service: int, steps: int) -> None:
    """Take Python's placement of a job."""
    farm = read_farm(memory)
    if send(farm, job, now_ns, service, steps):
        join_site(farm, job, now_ns)


@piece
def place_held(memory: int, now_ns: int) -> int:
    """Place the jobs that were held, as :func:`advance` places arrivals; same answer."""
    farm, rules = read_farm(memory), read_rules(memory)
    world = farm.world
    while world[HELD_AT] < world[HELD_BEFORE]:
        job = farm.held[world[HELD_AT]]
        world[HELD_AT] += 1
        service, steps = choose(farm, rules, job, now_ns)
        if service == ASK_PYTHON:
            return int(job)
        if send(farm, job, now_ns, service, steps):
            join_site(farm, job, now_ns)
    return NEVER


@inlined
def begin_held(farm: Farm) -> None:
    """Make the held jobs those that :func:`place_held` goes through."""
    farm.world[HELD_BEFORE], farm.world[HELD_AT] = farm.world[HELD], 0
    farm.world[HELD] = 0


@piece
def set_clock(memory: int, site: int, level: int, now_ns: int) -> bool:
    """Change a site's clock at an edge; whether it was another before."""
    farm = read_farm(memory)
    if farm.sites[site, LEVEL] == level:
        return False
    farm.sites[site, LEVEL] = level
    farm.sites[site, EPOCH] += 1
    look_ahead(farm, site, now_ns)
    log(farm, site, now_ns)
    if farm.sites[site, PREEMPT] != 0:
        arm(farm.memory, site, now_ns, NEVER)
    return True


@piece
def set_enabled(memory: int, site: int, count: int, now_ns: int) -> bool:
    """Let only so many GPUs run: free ones are switched off first, from the highest number."""
    farm = read_farm(memory)
    first, end = farm.first_gpu[site], farm.first_gpu[site + 1]
    downs = farm.sites[site, DOWNS]
    surplus, changed = end - first - downs - count, False
    farm.sites[site, OFFS], farm.sites[site, ALLOWED] = max(0, surplus) + downs, count
    for busy in range(2):
        for gpu in range(end - 1, first - 1, -1):
            if (farm.gpus[gpu, JOB] != NEVER) != (busy == 1) or farm.gpus[gpu, OFF] == DOWN:
                continue
            off = 1 if surplus > 0 else 0
            surplus -= 1
            changed |= farm.gpus[gpu, OFF] != off
            farm.gpus[gpu, OFF] = off
            if off == 0 and busy == 1 and farm.gpus[gpu, PHASE] == PAUSED:
                farm.gpus[gpu, SINCE] = now_ns
                enter(farm, gpu, WAKE, 0, now_ns)
    if changed:
        farm.sites[site, EPOCH] += 1
        look_ahead(farm, site, now_ns)
        log(farm, site, now_ns)
        if farm.sites[site, BATCH] == 0:
            serve(farm, site, now_ns)
        else:
            batch_serve(farm.memory, site, now_ns)
        if farm.sites[site, PREEMPT] != 0:
            arm(farm.memory, site, now_ns, NEVER)
    return changed


@piece
def estimate(memory: int, now_ns: int, slot_end_ns: int) -> None:
    """Start all queue estimates afresh at an edge, at the clock levels of the slot."""
    farm, levels = read_farm(memory), read_grid(memory).levels
    for site in range(len(farm.sites)):
        estimate_site(farm, site, levels[site], now_ns, slot_end_ns)
    estimate_flights(farm, levels)


@inlined
def set_levels(farm: Farm, levels: Ints) -> None:
    """Tell the dispatcher the clock levels of the slot."""
    for site in range(len(farm.sites)):
        farm.sites[site, DISPATCH_LEVEL] = levels[site]


@inlined
def glance(farm: Farm, levels: Ints, now_ns: int, out: Ints) -> None:
    """Look at each site: waiting, busy, backlog [ns], deadline of the queue's head, up."""
    for site in range(len(farm.sites)):
        first, head, tail = farm.first_gpu[site], farm.sites[site, HEAD], farm.sites[site, TAIL]
        out[WAITING, site], out[BUSY, site] = tail - head, 0
        for gpu in range(first, farm.first_gpu[site + 1]):
            out[BUSY, site] += 1 if farm.gpus[gpu, JOB] != NEVER else 0
        backlog_ns = held_ns(farm, site, now_ns) + waiting_ns(farm, site, levels[site])
        out[BACKLOG, site] = backlog_ns
        out[DUE, site] = farm.deadline_ns[farm.queue[site, head]] if head < tail else FOREVER
        out[UP, site] = farm.first_gpu[site + 1] - first - farm.sites[site, DOWNS]
    for at in range(farm.world[IN_FLIGHT]):
        job = farm.flight_job[at]
        service = farm.service[job]
        site = farm.service_site[service]
        out[BACKLOG, site] += job_ns(farm, job, service, farm.steps[job], levels[site])


@inlined
def queues(farm: Farm, now_ns: int, out: Ints) -> None:
    """Estimated wait of a job that joins now, and backlog, per site [ns], shape (2, sites)."""
    for site in range(len(farm.sites)):
        first = farm.first_gpu[site]
        out[0, site], out[1, site] = max(0, farm.estimates[first] - now_ns), 0
        for at in range(first, first + farm.sites[site, ESTIMATES]):
            out[1, site] += max(0, farm.estimates[at] - now_ns)


@compiled
def tell_sizes(input_mb: Floats, output_mb: Floats, index: Small, sizes: Floats) -> int:
    """Number the different sizes of jobs in ``index``; how many there are, −1 if too many."""
    count, last = 0, 0
    for job in range(len(input_mb)):
        there, back = input_mb[job], output_mb[job]
        if count == 0 or sizes[last, 0] != there or sizes[last, 1] != back:
            last = 0
            while last < count and (sizes[last, 0] != there or sizes[last, 1] != back):
                last += 1
            if last == count:
                if count == len(sizes):
                    return -1
                sizes[last, 0], sizes[last, 1] = there, back
                count += 1
        index[job] = last
    return count
