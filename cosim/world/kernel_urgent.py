"""Jobs that take a GPU over from less urgent ones, compiled: the order of all that can happen.

Only the next boundary of each busy GPU can bring a change to the head of the queue: what is left
of a job that runs only falls, so that a head which does not outrank it there never will. Each
site therefore has one *armed* instant: the first boundary, of equal ones that of the lowest GPU,
at which the head outranks the job that runs. It is found anew whenever the head, a job that runs,
the clock or the switches change, and is played in order with the completions.
"""

from __future__ import annotations

from cosim.world.compiled import compiled, inlined
from cosim.world.kernel_heap import sift_down, sift_up
from cosim.world.kernel_pool import (
    complete,
    count,
    end_first,
    end_phase,
    join,
    leave,
    rank,
    serve,
    submit,
    take,
    walk,
)
from cosim.world.kernel_state import (
    ARMED_GPU,
    ARMED_NS,
    AT_EDGE,
    BASE,
    BY_STEPS,
    DECODE_NS,
    EDF,
    ENCODE_NS,
    END,
    FOREVER,
    GPU_BITS,
    IMAGES_LEFT,
    JOB,
    KEYED,
    LEVEL,
    NEVER,
    OFF,
    PHASE,
    PREEMPT,
    RUNNING,
    SERVICE,
    SHIFT,
    STEP,
    STEPS_LEFT,
    STINT_BEGIN,
    STINT_BEGUN,
    STINT_END,
    STINT_EPOCH,
    STINT_GPU,
    STINT_JOB,
    STINT_STEPS,
    STINTS,
    STINTS_LOST,
    TAIL,
    Farm,
)


@inlined
def next_boundary(farm: Farm, site: int, gpu: int) -> tuple[int, int]:
    """The next boundary before a step [ns], FOREVER without, and the job's steps left then."""
    gpus, timing, level = farm.gpus, farm.timing, farm.sites[site, LEVEL]
    service, phase, left = gpus[gpu, SERVICE], gpus[gpu, PHASE], gpus[gpu, STEPS_LEFT]
    at_ns, rest = gpus[gpu, END], gpus[gpu, IMAGES_LEFT] * farm.steps[gpus[gpu, JOB]]
    if phase == STEP:
        left -= 1
    if left > 0:
        return at_ns, left + rest
    if rest == 0:
        return FOREVER, 0
    if phase == STEP:
        at_ns += timing[service, level, DECODE_NS]
    return at_ns + timing[service, level, ENCODE_NS], rest


@inlined
def key_of(farm: Farm, site: int, job: int) -> int:
    """What the queue of a site that is not ``fcfs`` is ordered by."""
    return int(farm.deadline_ns[job] if farm.sites[site, EDF] != 0 else farm.key[job])


@compiled
def arm(farm: Farm, site: int, now_ns: int, last: int) -> None:
    """Find the first boundary at which the head of the queue takes a GPU.

    Args:
        farm: the arrays.
        site: a site whose discipline preempts.
        now_ns: the instant; completions at it on GPUs up to ``last`` are done.
        last: number of the last GPU whose boundary at this very instant is over.
    """
    sites, gpus, first = farm.sites, farm.gpus, farm.first_gpu[site]
    sites[site, ARMED_NS] = FOREVER
    if sites[site, TAIL] == 0:
        return
    shift, by_steps = sites[site, SHIFT], sites[site, KEYED] == BY_STEPS
    urgency = key_of(farm, site, farm.queue[site, 0]) >> shift
    for gpu in range(first, farm.first_gpu[site + 1]):
        job = gpus[gpu, JOB]
        if job == NEVER or gpus[gpu, OFF] != 0:
            continue
        if not by_steps and key_of(farm, site, job) >> shift <= urgency:
            continue
        walk(farm, site, gpu, now_ns if gpu - first <= last else now_ns - 1)
        at_ns, left = next_boundary(farm, site, gpu)
        if at_ns < sites[site, ARMED_NS] and (not by_steps or left > urgency):
            sites[site, ARMED_NS], sites[site, ARMED_GPU] = at_ns, gpu - first


# a job leaves its GPU ----------------------------------------------------------------------


@inlined
def reach(farm: Farm, site: int, gpu: int) -> None:
    """End the phase that ends at a boundary before a step, and what takes no time after it."""
    gpus = farm.gpus
    in_steps = end_phase(farm, site, gpu)
    if in_steps and gpus[gpu, STEPS_LEFT] == 0:
        count(farm, site, 0, 1)
        in_steps = False
    if not in_steps:
        gpus[gpu, IMAGES_LEFT] -= 1
        gpus[gpu, STEPS_LEFT] = farm.steps[gpus[gpu, JOB]]


@inlined
def keep(farm: Farm, job: int, now_ns: int, begun: int, steps_left: int) -> None:
    """Note the stint that a job has ended and what is left of it."""
    at = farm.world[STINTS]
    if at == len(farm.stints):
        farm.world[STINTS_LOST] += 1
    else:
        farm.world[STINTS] = at + 1
        stint = farm.stints[at]
        stint[STINT_JOB], stint[STINT_GPU] = job, farm.gpu[job]
        stint[STINT_BEGIN], stint[STINT_END] = farm.stint_ns[job], now_ns
        stint[STINT_BEGUN], stint[STINT_STEPS] = farm.begun[job], farm.rest_steps[job]
        stint[STINT_EPOCH] = farm.epoch[job]
    farm.begun[job], farm.rest_steps[job] = begun, steps_left


@inlined
def rekey(farm: Farm, site: int, job: int) -> None:
    """Bring the key of a job that returns to the queue up to date."""
    if farm.sites[site, KEYED] == BY_STEPS:
        images = farm.images[job] - farm.begun[job]
        farm.key[job] = images * farm.steps[job] + farm.rest_steps[job]


@inlined
def place_in_running(farm: Farm, site: int, number: int) -> int:
    """Place of a GPU's completion in the heap, −1 if it is not in there."""
    first, mask = farm.first_gpu[site], (1 << farm.world[GPU_BITS]) - 1
    for at in range(farm.sites[site, RUNNING]):
        if farm.running[first + at] & mask == number:
            return at
    return NEVER


@inlined
def sift(farm: Farm, site: int, at: int, key: int) -> None:
    """Put another completion in a place of the heap."""
    first, running = farm.first_gpu[site], farm.running
    if at > 0 and running[first + ((at - 1) >> 1)] > key:
        sift_up(running, first, at, key)
    else:
        sift_down(running, first, farm.sites[site, RUNNING], at, key)


@inlined
def give_way(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """At a boundary, put the job back where its key belongs and take the head of the queue."""
    gpus, number = farm.gpus, gpu - farm.first_gpu[site]
    walk(farm, site, gpu, now_ns - 1)
    reach(farm, site, gpu)
    job = gpus[gpu, JOB]
    keep(farm, job, now_ns, farm.images[job] - gpus[gpu, IMAGES_LEFT], gpus[gpu, STEPS_LEFT])
    rekey(farm, site, job)
    key = take(farm, site, gpu, leave(farm, site), now_ns)
    join(farm, site, job)
    sift(farm, site, place_in_running(farm, site, number), key)


# playing -----------------------------------------------------------------------------------


@compiled
def turns(farm: Farm, site: int, until_ns: int) -> None:
    """Play completions and changes of GPUs up to an instant in the order of (instant, GPU)."""
    sites, first, bits = farm.sites, farm.first_gpu[site], farm.world[GPU_BITS]
    while True:
        end_ns, number = FOREVER, 0
        if sites[site, RUNNING] > 0:
            key = farm.running[first]
            end_ns, number = sites[site, BASE] + (key >> bits), key & ((1 << bits) - 1)
        at_ns, taken = sites[site, ARMED_NS], sites[site, ARMED_GPU]
        if at_ns < end_ns or (at_ns == end_ns and taken < number):
            end_ns, number = at_ns, taken
            if end_ns > until_ns:
                return
            give_way(farm, site, first + number, end_ns)
        else:
            if end_ns > until_ns:
                return
            end_first(farm, site, number, end_ns)
        arm(farm, site, end_ns, number)


@inlined
def settle(farm: Farm, site: int, until_ns: int) -> None:
    """Play one site to an instant without anybody joining its queue."""
    if farm.sites[site, PREEMPT] != 0:
        turns(farm, site, until_ns)
    else:
        complete(farm, site, until_ns)


@compiled
def submit_urgent(farm: Farm, site: int, job: int, now_ns: int) -> None:
    """Let a job join a queue whose head may take a GPU over.

    What goes on because of an edge does so when the edge is over: its boundaries are still ahead.
    """
    at_edge = farm.world[AT_EDGE] != 0
    if not at_edge:
        turns(farm, site, now_ns)
    farm.landed_ns[job] = now_ns
    if farm.sites[site, KEYED] != 0:
        rank(farm, site, job)
    join(farm, site, job)
    serve(farm, site, now_ns)
    if farm.sites[site, TAIL] > 0 and farm.queue[site, 0] == job:
        arm(farm, site, now_ns, NEVER if at_edge else 1 << farm.world[GPU_BITS])


@inlined
def land(farm: Farm, site: int, job: int, now_ns: int) -> None:
    """Let a job join the queue of a site after everything that comes before it at this instant."""
    if farm.sites[site, PREEMPT] != 0:
        submit_urgent(farm, site, job, now_ns)
    else:
        submit(farm, site, job, now_ns)


@inlined
def rearm(farm: Farm, site: int, now_ns: int) -> None:
    """At an edge, after the clock, the switches or the queue have changed."""
    if farm.sites[site, PREEMPT] != 0:
        arm(farm, site, now_ns, NEVER)
