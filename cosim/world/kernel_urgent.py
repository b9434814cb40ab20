"""Jobs that take a GPU over from less urgent ones, compiled: the order of all that can happen.

Only the next boundary of each busy GPU can bring a change to the head of the queue: what is left
of a job that runs only falls, so that a head which does not outrank it there never will. Each
site therefore has one *armed* instant: the first boundary, of equal ones that of the lowest GPU,
at which the head outranks the job that runs. It is found anew whenever the head, a job that runs,
the clock or the switches change, and is played in order with the completions.
"""

from __future__ import annotations

from cosim.world.compiled import inlined, piece
from cosim.world.kernel_door import dismiss, is_full
from cosim.world.kernel_heap import sift_down, sift_up
from cosim.world.kernel_memory import read_farm
from cosim.world.kernel_pool import (
    complete,
    count,
    end_first,
    end_phase,
    serve,
    submit,
    take,
    walk,
)
from cosim.world.kernel_queue import give_up, join, leave
from cosim.world.kernel_state import (
    ARMED_GPU,
    ARMED_NS,
    AT_EDGE,
    BASE,
    BEGUN,
    BY_DEADLINE,
    BY_KEY,
    BY_STEPS,
    DECODE_NS,
    ENCODE_NS,
    END,
    FOREVER,
    GIVES_UP,
    GPU_BITS,
    IMAGES_LEFT,
    JOB,
    KEYED,
    LANDED,
    LEVEL,
    NEVER,
    OFF,
    ORDER,
    PHASE,
    PREEMPT,
    RANK_SHIFT,
    REST,
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
    STINT_NS,
    STINT_REST,
    STINTS,
    STINTS_LOST,
    TAIL,
    TURNED_AWAY,
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


@piece
def arm(memory: int, site: int, now_ns: int, last: int) -> None:
    """Find the first boundary at which the head of the queue takes a GPU.

    Args:
        memory: address of the table of addresses.
        site: a site whose discipline preempts.
        now_ns: the instant; completions at it on GPUs up to ``last`` are done.
        last: number of the last GPU whose boundary at this very instant is over.
    """
    farm = read_farm(memory)
    sites, gpus, first = farm.sites, farm.gpus, farm.first_gpu[site]
    sites[site, ARMED_NS] = FOREVER
    if sites[site, TAIL] == 0:
        return
    shift, by_steps = sites[site, SHIFT], sites[site, KEYED] == BY_STEPS
    urgency = farm.key[farm.queue[site, 0]] >> shift
    for gpu in range(first, farm.first_gpu[site + 1]):
        job = gpus[gpu, JOB]
        if job == NEVER or gpus[gpu, OFF] != 0:
            continue
        if not by_steps and farm.key[job] >> shift <= urgency:
            continue
        walk(farm, site, gpu, now_ns if gpu - first <= last else now_ns - 1)
        at_ns, left = next_boundary(farm, site, gpu)
        if at_ns < sites[site, ARMED_NS] and (not by_steps or left > urgency):
            sites[site, ARMED_NS], sites[site, ARMED_GPU] = at_ns, gpu - first


# a job leaves its GPU ----------------------------------------------------------------------


@inlined
def keep(farm: Farm, site: int, job: int, now_ns: int, begun: int, rest: int) -> None:
    """Note the stint that a job has ended, what is left of it, and its key from now on."""
    progress, at = farm.progress[job], farm.world[STINTS]
    if at == len(farm.stints):
        farm.world[STINTS_LOST] += 1
    else:
        farm.world[STINTS] = at + 1
        stint = farm.stints[at]
        stint[STINT_JOB], stint[STINT_GPU] = job, farm.gpu[job]
        stint[STINT_BEGIN], stint[STINT_END] = progress[STINT_NS], now_ns
        stint[STINT_BEGUN], stint[STINT_REST] = progress[BEGUN], progress[REST]
        stint[STINT_EPOCH] = farm.epoch[job]
    progress[BEGUN], progress[REST] = begun, rest
    if farm.sites[site, KEYED] == BY_STEPS:
        farm.key[job] = (farm.images[job] - begun) * farm.steps[job] + rest


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
    gpus, job = farm.gpus, farm.gpus[gpu, JOB]
    walk(farm, site, gpu, now_ns - 1)
    in_steps = end_phase(farm, site, gpu)
    if in_steps and gpus[gpu, STEPS_LEFT] == 0:  # decoding takes no time
        count(farm, site, 0, 1)
        in_steps = False
    if not in_steps:  # nor does encoding
        gpus[gpu, IMAGES_LEFT] -= 1
        gpus[gpu, STEPS_LEFT] = farm.steps[job]
    begun = farm.images[job] - gpus[gpu, IMAGES_LEFT]
    keep(farm, site, job, now_ns, begun, gpus[gpu, STEPS_LEFT])
    key = take(farm, site, gpu, leave(farm, site), now_ns)
    join(farm, site, job)
    sift(farm, site, place_in_running(farm, site, gpu - farm.first_gpu[site]), key)


# playing -----------------------------------------------------------------------------------


@piece
def turns(memory: int, site: int, until_ns: int) -> None:
    """Play completions and changes of GPUs up to an instant in the order of (instant, GPU)."""
    farm = read_farm(memory)
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
            if sites[site, GIVES_UP] != 0 and give_up(farm, site, end_ns):
                number -= 1  # its boundary is still ahead
            else:
                give_way(farm, site, first + number, end_ns)
        else:
            if end_ns > until_ns:
                return
            end_first(farm, site, number, end_ns)
        arm(farm.memory, site, end_ns, number)


@inlined
def rank(farm: Farm, site: int, job: int) -> None:
    """Give a job that lands the key that its queue is ordered by."""
    if farm.sites[site, KEYED] == BY_DEADLINE:
        farm.key[job] = farm.deadline_ns[job]
    elif farm.sites[site, KEYED] == BY_STEPS:
        farm.key[job] = farm.images[job] * farm.steps[job]
    else:
        farm.key[job] = farm.urgency[farm.class_id[job]] << RANK_SHIFT | farm.sites[site, LANDED]
        farm.sites[site, LANDED] += 1


@piece
def submit_keyed(memory: int, site: int, job: int, now_ns: int) -> None:
    """Let a job join a queue that is ordered by key.

    What goes on because of an edge does so when the edge is over: its boundaries are still ahead.
    """
    farm = read_farm(memory)
    at_edge, preempt = farm.world[AT_EDGE] != 0, farm.sites[site, PREEMPT] != 0
    if not preempt:
        complete(farm, site, now_ns)
    elif not at_edge:
        turns(farm.memory, site, now_ns)
    farm.landed_ns[job] = now_ns
    if is_full(farm, site):
        dismiss(farm, site, job, now_ns, TURNED_AWAY)
        return
    rank(farm, site, job)
    join(farm, site, job)
    serve(farm, site, now_ns)
    if preempt and farm.sites[site, TAIL] > 0 and farm.queue[site, 0] == job:
        arm(farm.memory, site, now_ns, NEVER if at_edge else 1 << farm.world[GPU_BITS])


@inlined
def land(farm: Farm, site: int, job: int, now_ns: int) -> None:
    """Let a job join the queue of a site after everything that comes before it at this instant."""
    if farm.sites[site, ORDER] == BY_KEY:
        submit_keyed(farm.memory, site, job, now_ns)
    else:
        submit(farm, site, job, now_ns)
