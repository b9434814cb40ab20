"""The compiled engine's entry points: each is one call from Python for all sites at once.

Between two SimPy events arrivals, landings, completions and dispatch happen inside one call to
:func:`advance`, in the order of :mod:`cosim.world.events`. Sites touch each other only through
arriving jobs, so each site's completions are played when somebody looks at that site.
"""

from __future__ import annotations

from cosim.world.compiled import compiled, inlined
from cosim.world.kernel_batch import (
    batch_complete,
    batch_follow,
    batch_foresee,
    batch_serve,
    batch_submit,
)
from cosim.world.kernel_dispatch import (
    choose,
    estimate_flights,
    estimate_site,
    send,
)
from cosim.world.kernel_heap import pop_flight
from cosim.world.kernel_pool import complete, enter, follow_all, foresee, serve, submit
from cosim.world.kernel_state import (
    ASK_PYTHON,
    BATCH,
    BUSY_NS,
    DISPATCH_LEVEL,
    EPOCH,
    ESTIMATES,
    FOREVER,
    HEAD,
    HELD,
    HELD_AT,
    HELD_BEFORE,
    IMAGES,
    IN_FLIGHT,
    JOB,
    LEVEL,
    NEVER,
    NEXT_JOB,
    OFF,
    OFFS,
    PAUSED,
    PHASE,
    PJ_HIGH,
    PJ_LOW,
    SINCE,
    STEPS,
    TAIL,
    WAKE,
    Farm,
    Floats,
    Ints,
    Rules,
    Small,
)


@compiled
def play(farm: Farm, site: int, until_ns: int) -> None:
    """Play one site to an instant without anybody joining its queue."""
    if farm.sites[site, BATCH] == 0:
        complete(farm, site, until_ns)
        follow_all(farm, site, until_ns)
    else:
        batch_complete(farm, site, until_ns)
        batch_follow(farm, site, until_ns)


@inlined
def land(farm: Farm, site: int, job: int, now_ns: int) -> None:
    """Let a job join the queue of a site."""
    if farm.sites[site, BATCH] == 0:
        submit(farm, site, job, now_ns)
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
        land(farm, farm.service_site[farm.service[job]], job, at_ns)
    for site in range(len(farm.sites)):
        play(farm, site, until_ns)
    return NEVER


@compiled
def answer(farm: Farm, job: int, now_ns: int, service: int, steps: int) -> None:
    """Take Python's placement of a job."""
    if send(farm, job, now_ns, service, steps):
        land(farm, farm.service_site[farm.service[job]], job, now_ns)


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
            land(farm, farm.service_site[farm.service[job]], job, now_ns)
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
    return True


@compiled
def set_enabled(farm: Farm, site: int, count: int, now_ns: int) -> bool:
    """Let only so many GPUs run: free ones are switched off first, from the highest number."""
    first, end = farm.first_gpu[site], farm.first_gpu[site + 1]
    surplus, changed = end - first - count, False
    farm.sites[site, OFFS] = max(0, surplus)
    for busy in range(2):
        for gpu in range(end - 1, first - 1, -1):
            if (farm.gpus[gpu, JOB] != NEVER) != (busy == 1):
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
        if farm.sites[site, BATCH] == 0:
            serve(farm, site, now_ns)
        else:
            batch_serve(farm, site, now_ns)
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
def read(farm: Farm, out: Ints) -> None:
    """Read and reset the meters: (energy's upper and lower half, busy ns, steps, images)."""
    for site in range(len(farm.sites)):
        for k, column in enumerate((PJ_HIGH, PJ_LOW, BUSY_NS, STEPS, IMAGES)):
            out[site, k] = farm.sites[site, column]
            farm.sites[site, column] = 0


@compiled
def glance(farm: Farm, now_ns: int, out: Ints) -> None:
    """Look at each site: (waiting, busy GPUs, backlog [ns], earliest deadline waiting)."""
    for site in range(len(farm.sites)):
        first, head, tail = farm.first_gpu[site], farm.sites[site, HEAD], farm.sites[site, TAIL]
        out[site, 0] = tail - head
        busy, backlog_ns, due_ns = 0, 0, FOREVER
        for gpu in range(first, farm.first_gpu[site + 1]):
            busy += 1 if farm.gpus[gpu, JOB] != NEVER else 0
        for at in range(first, first + farm.sites[site, ESTIMATES]):
            backlog_ns += max(0, farm.estimates[at] - now_ns)
        for at in range(head, tail):
            due_ns = min(due_ns, farm.deadline_ns[farm.queue[site, at]])
        out[site, 1], out[site, 2], out[site, 3] = busy, backlog_ns, due_ns


@compiled
def demand(farm: Farm, out: Ints) -> None:
    """GPUs that hold a job plus jobs that wait, per site."""
    for site in range(len(farm.sites)):
        out[site] = farm.sites[site, TAIL] - farm.sites[site, HEAD]
        for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
            out[site] += 1 if farm.gpus[gpu, JOB] != NEVER else 0


@compiled
def backlogs(farm: Farm, now_ns: int, out: Ints) -> None:
    """Estimated GPU time until everything accepted has ended, per site [ns]."""
    for site in range(len(farm.sites)):
        first = farm.first_gpu[site]
        out[site] = 0
        for at in range(first, first + farm.sites[site, ESTIMATES]):
            out[site] += max(0, farm.estimates[at] - now_ns)


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
