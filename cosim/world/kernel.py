"""The compiled engine's entry points: each is one call from Python for all sites at once.

Between two SimPy events arrivals, landings, completions and dispatch happen inside one call to
:func:`advance`, in the order of :mod:`cosim.world.events`. Sites touch each other only through
arriving jobs, so each site's completions are played when somebody looks at that site.
"""

from __future__ import annotations

from cosim.world.compiled import compiled, inlined
from cosim.world.kernel_batch import batch_foresee, batch_play, batch_serve, batch_submit
from cosim.world.kernel_dispatch import (
    choose,
    estimate_flights,
    estimate_site,
    send,
)
from cosim.world.kernel_heap import pop_flight
from cosim.world.kernel_pool import complete, enter, follow_all, foresee, log, serve
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
    TAIL,
    WAKE,
    Farm,
    Floats,
    Ints,
    Rules,
    Small,
)
from cosim.world.kernel_urgent import arm, land, turns


@compiled
def play(farm: Farm, site: int, until_ns: int) -> None:
    """Play one site to an instant without anybody joining its queue."""
    sites = farm.sites
    if sites[site, BATCH] != 0:
        batch_play(farm, site, until_ns)
    else:
        if sites[site, PREEMPT] != 0:
            turns(farm, site, until_ns)
        else:
            complete(farm, site, until_ns)
        follow_all(farm, site, until_ns)
    if sites[site, DOWNS] != 0:
        sites[site, DOWN_NS] += sites[site, DOWNS] * (until_ns - sites[site, DOWN_SINCE])
        sites[site, DOWN_SINCE] = until_ns


@inlined
def join_site(farm: Farm, job: int, now_ns: int) -> None:
    """Let a job join the queue of its site."""
    site = farm.service_site[farm.service[job]]
    if farm.sites[site, BATCH] == 0:
        land(farm, site, job, now_ns)
    else:
        batch_submit(farm, site, job, now_ns)


@inlined
def look_ahead(farm: Farm, site: int, now_ns: int) -> None:
    """Compute anew what is to come, after the clock or the switches of a site have changed."""
    if farm.sites[site, BATCH] == 0:
        foresee(farm, site, now_ns)
    else:
        batch_foresee(farm, site, now_ns)


@compiled
def advance(farm: Farm, rules: Rules, until_ns: int) -> int:
    """Play everything before an instant, and the completions at it.

    Returns:
        −1 when the instant is reached, or the number of a job that arrived and for which Python
        has to be asked; call again when :func:`answer` has been told.
    """
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
            break
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
    for site in range(len(farm.sites)):
        play(farm, site, until_ns)
    world[AT_EDGE] = 1
    return NEVER


@compiled
def answer(farm: Farm, job: int, now_ns: int, service: int, steps: int) -> None:
    """Take Python's placement of a job."""
    if send(farm, job, now_ns, service, steps):
        join_site(farm, job, now_ns)


@compiled
def place_held(farm: Farm, rules: Rules, now_ns: int) -> int:
    """Place the jobs that were held, as :func:`advance` places arrivals; same answer."""
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


@compiled
def begin_held(farm: Farm) -> None:
    """Make the held jobs those that :func:`place_held` goes through."""
    farm.world[HELD_BEFORE], farm.world[HELD_AT] = farm.world[HELD], 0
    farm.world[HELD] = 0


@compiled
def set_clock(farm: Farm, site: int, level: int, now_ns: int) -> bool:
    """Change a site's clock at an edge; whether it was another before."""
    if farm.sites[site, LEVEL] == level:
        return False
    farm.sites[site, LEVEL] = level
    farm.sites[site, EPOCH] += 1
    look_ahead(farm, site, now_ns)
    log(farm, site, now_ns)
    if farm.sites[site, PREEMPT] != 0:
        arm(farm, site, now_ns, NEVER)
    return True


@compiled
def set_enabled(farm: Farm, site: int, count: int, now_ns: int) -> bool:
    """Let only so many GPUs run: free ones are switched off first, from the highest number."""
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
            batch_serve(farm, site, now_ns)
        if farm.sites[site, PREEMPT] != 0:
            arm(farm, site, now_ns, NEVER)
    return changed


@compiled
def estimate(farm: Farm, levels: Ints, now_ns: int, slot_end_ns: int) -> None:
    """Start all queue estimates afresh at an edge."""
    for site in range(len(farm.sites)):
        estimate_site(farm, site, levels[site], now_ns, slot_end_ns)
    estimate_flights(farm, levels)


@compiled
def set_levels(farm: Farm, levels: Ints) -> None:
    """Tell the dispatcher the clock levels of the slot."""
    for site in range(len(farm.sites)):
        farm.sites[site, DISPATCH_LEVEL] = levels[site]


@compiled
def glance(farm: Farm, now_ns: int, out: Ints) -> None:
    """Look at each site: (waiting, busy GPUs, backlog [ns], earliest deadline waiting)."""
    for site in range(len(farm.sites)):
        first, head, tail = farm.first_gpu[site], farm.sites[site, HEAD], farm.sites[site, TAIL]
        out[0, site] = tail - head
        busy, backlog_ns, due_ns = 0, 0, FOREVER
        for gpu in range(first, farm.first_gpu[site + 1]):
            busy += 1 if farm.gpus[gpu, JOB] != NEVER else 0
        for at in range(first, first + farm.sites[site, ESTIMATES]):
            backlog_ns += max(0, farm.estimates[at] - now_ns)
        for at in range(head, tail):
            due_ns = min(due_ns, farm.deadline_ns[farm.queue[site, at]])
        out[1, site], out[2, site], out[3, site] = busy, backlog_ns, due_ns
        out[4, site] = farm.first_gpu[site + 1] - first - farm.sites[site, DOWNS]


@compiled
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
