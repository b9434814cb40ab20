"""Batching GPUs in closed form, compiled: the same life as in :mod:`cosim.world.pool_batches`.

The images of a GPU take their steps together, so that time on it is a counter: a job that joins
at step k with c steps to do leaves at step k + c, whatever happens meanwhile. A GPU is touched
only where its jobs, phase or clock change: when the first of them leaves, when the head of the
queue could join, when a phase ends. Between two such *turns* its boundaries are arithmetic.

The energy of a step is the same for every image, so a job's share of any number of steps is the
difference of a counter too: pJ per image, which may wrap around as only differences are used.
"""

from __future__ import annotations

from cosim.world.compiled import inlined
from cosim.world.kernel_heap import sift_down, sift_up
from cosim.world.kernel_pool import count, enter, join, leave, pick, post_phase, release
from cosim.world.kernel_state import (
    ARMED,
    ARMED_NS,
    BATCH,
    BATCH_IMAGES,
    BATCH_JOBS,
    BATCH_PJ,
    BATCH_SERVICE,
    BATCH_STEPS,
    BEGIN,
    BUSY_NS,
    DECODE,
    DECODE_NS,
    ENCODE,
    ENCODE_NS,
    ENCODED,
    END,
    EPOCH,
    FINISHED,
    FIXED_MW,
    FOREVER,
    FREE,
    HEAD,
    JOB,
    JOINING,
    LEVEL,
    LOAD,
    MW,
    NEVER,
    NEXT_NS,
    OFF,
    PAUSED,
    PHASE,
    PJ_HIGH,
    PJ_LOW,
    SERVICE,
    SINCE,
    STEP,
    TAIL,
    WAKE,
    WORK_NS,
    Farm,
)

_LOW = (1 << 32) - 1
_MANY_STEPS = 1 << 30
_NO_GPU = 1 << 40


# what a GPU holds --------------------------------------------------------------------------


@inlined
def first_due(farm: Farm, gpu: int) -> int:
    """Step count at which the first of its jobs has done its steps."""
    return int(farm.residents[gpu * farm.joining.shape[1]] >> 32)


@inlined
def fits(farm: Farm, site: int, gpu: int, job: int) -> bool:
    """Whether a job may join: beside jobs of its model, up to B images; alone, always."""
    images = farm.batches[gpu, BATCH_IMAGES]
    if images == 0:
        return True
    alike = farm.batches[gpu, BATCH_SERVICE] == farm.service[job]
    return bool(alike and images + farm.images[job] <= farm.sites[site, BATCH])


@inlined
def admit(farm: Farm, site: int, gpu: int, job: int) -> None:
    """Let a job join a GPU: it will be encoded when its turn comes."""
    batches, room = farm.batches, farm.joining.shape[1]
    if batches[gpu, BATCH_IMAGES] == 0:
        batches[gpu, BATCH_SERVICE] = farm.service[job]
    farm.joining[gpu, batches[gpu, JOINING]] = job
    batches[gpu, JOINING] += 1
    due = batches[gpu, BATCH_STEPS] + farm.steps[job]
    sift_up(farm.residents, gpu * room, batches[gpu, BATCH_JOBS], due << 32 | job)
    batches[gpu, BATCH_JOBS] += 1
    batches[gpu, BATCH_IMAGES] += farm.images[job]
    farm.energy_pj[job] -= farm.images[job] * batches[gpu, BATCH_PJ]
    farm.gpu[job] = gpu - farm.first_gpu[site]
    farm.epoch[job] = farm.sites[site, EPOCH]
    farm.gpus[gpu, JOB] = job


@inlined
def fill(farm: Farm, site: int, gpu: int) -> bool:
    """Take from the head of the queue as long as it fits; whether anything was taken."""
    sites, taken = farm.sites, False
    while sites[site, HEAD] < sites[site, TAIL]:
        if not fits(farm, site, gpu, farm.queue[site, sites[site, HEAD]]):
            break
        admit(farm, site, gpu, leave(farm, site))
        taken = True
    return taken


@inlined
def take_due(farm: Farm, gpu: int) -> int:
    """Take a job that has done its steps out of the batch, −1 without one."""
    batches, room = farm.batches, farm.joining.shape[1]
    size = batches[gpu, BATCH_JOBS]
    if size == 0 or first_due(farm, gpu) > batches[gpu, BATCH_STEPS]:
        return NEVER
    first = gpu * room
    job = farm.residents[first] & _LOW
    batches[gpu, BATCH_JOBS] = size - 1
    if size > 1:
        sift_down(farm.residents, first, size - 1, 0, farm.residents[first + size - 1])
    farm.energy_pj[job] += farm.images[job] * batches[gpu, BATCH_PJ]
    return int(job)


@inlined
def end_job(farm: Farm, site: int, gpu: int, job: int, now_ns: int) -> None:
    """Let a decoded job go."""
    farm.batches[gpu, BATCH_IMAGES] -= farm.images[job]
    count(farm, site, 0, farm.images[job])
    farm.finish_ns[job] = now_ns
    farm.finished[site, farm.sites[site, FINISHED]] = job
    farm.sites[site, FINISHED] += 1


# time --------------------------------------------------------------------------------------


@inlined
def draw(farm: Farm, site: int, gpu: int, elapsed_ns: int, image_mw: int) -> None:
    """Post the energy of steps: per image on the GPU's counter, in all on the site's meter."""
    if image_mw != 0:
        image_pj = elapsed_ns * image_mw
        energy_pj = farm.batches[gpu, BATCH_IMAGES] * image_pj
        farm.batches[gpu, BATCH_PJ] += image_pj
        farm.sites[site, PJ_HIGH] += energy_pj >> 32
        farm.sites[site, PJ_LOW] += energy_pj & _LOW
        farm.sites[site, BUSY_NS] += elapsed_ns


@inlined
def steps_to(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Take the steps that end by an instant and draw the power of the one under way."""
    gpus, batches = farm.gpus, farm.batches
    since_ns, end_ns = gpus[gpu, SINCE], gpus[gpu, END]
    gpus[gpu, SINCE] = now_ns
    if now_ns < end_ns:
        draw(farm, site, gpu, now_ns - since_ns, gpus[gpu, MW])
        return
    draw(farm, site, gpu, end_ns - since_ns, gpus[gpu, MW])
    images, level = batches[gpu, BATCH_IMAGES], farm.sites[site, LEVEL]
    step_ns = farm.batch_law[batches[gpu, BATCH_SERVICE], level, images, 0]
    image_mw = farm.batch_law[batches[gpu, BATCH_SERVICE], level, images, 1]
    draw(farm, site, gpu, now_ns - end_ns, image_mw)
    ended = 1 + (now_ns - end_ns) // step_ns
    batches[gpu, BATCH_STEPS] += ended
    count(farm, site, ended * images, 0)
    gpus[gpu, END] = end_ns + ended * step_ns
    gpus[gpu, MW] = image_mw


@inlined
def step_ns(farm: Farm, site: int, gpu: int) -> int:
    """Time of a step that begins with the present images and clock [ns]."""
    batches, level = farm.batches, farm.sites[site, LEVEL]
    return int(farm.batch_law[batches[gpu, BATCH_SERVICE], level, batches[gpu, BATCH_IMAGES], 0])


@inlined
def turn_ns(farm: Farm, site: int, gpu: int) -> int:
    """When a GPU changes by itself at the present clock; FOREVER if it will not [ns]."""
    gpus = farm.gpus
    phase = gpus[gpu, PHASE]
    if gpus[gpu, JOB] == NEVER or phase == PAUSED:
        return FOREVER
    if phase != STEP or gpus[gpu, OFF] != 0:
        return int(gpus[gpu, END])
    more = first_due(farm, gpu) - farm.batches[gpu, BATCH_STEPS] - 1
    return int(gpus[gpu, END] + more * step_ns(farm, site, gpu))


@inlined
def climb(farm: Farm, site: int, at: int) -> None:
    """Let a place of the site's tournament take the GPU below it that turns first."""
    first = 2 * farm.first_gpu[site]
    one, other = farm.turns[first + 2 * at], farm.turns[first + 2 * at + 1]
    one_ns, other_ns = farm.batches[one, NEXT_NS], farm.batches[other, NEXT_NS]
    wins = one_ns < other_ns or (one_ns == other_ns and one < other)
    farm.turns[first + at] = one if wins else other


@inlined
def set_turn(farm: Farm, site: int, gpu: int) -> None:
    """Note when a GPU changes next."""
    farm.batches[gpu, NEXT_NS] = turn_ns(farm, site, gpu)
    first, end = farm.first_gpu[site], farm.first_gpu[site + 1]
    at = (end - 2 * first + gpu) >> 1
    while at > 0:
        climb(farm, site, at)
        at >>= 1


# who takes the head of the queue -----------------------------------------------------------


@inlined
def awaits(farm: Farm, site: int, gpu: int, job: int) -> bool:
    """Whether a GPU in its steps would take a job at its next boundary."""
    in_steps = farm.gpus[gpu, PHASE] == STEP and farm.gpus[gpu, JOB] != NEVER
    return bool(in_steps and farm.gpus[gpu, OFF] == 0 and fits(farm, site, gpu, job))


@inlined
def arm(farm: Farm, site: int, gpu: int) -> None:
    """See whether a GPU whose step begins now is the first that will take the head."""
    sites = farm.sites
    if sites[site, HEAD] == sites[site, TAIL]:
        return
    if awaits(farm, site, gpu, farm.queue[site, sites[site, HEAD]]):
        end_ns, armed_ns = farm.gpus[gpu, END], sites[site, ARMED_NS]
        if end_ns < armed_ns or (end_ns == armed_ns and gpu < sites[site, ARMED]):
            sites[site, ARMED_NS], sites[site, ARMED] = end_ns, gpu


@inlined
def arm_first(farm: Farm, site: int, now_ns: int, after: int) -> None:
    """Find the first boundary, after that of GPU ``after`` at this instant, to take the head."""
    sites = farm.sites
    sites[site, ARMED_NS], sites[site, ARMED] = FOREVER, NEVER
    if sites[site, HEAD] == sites[site, TAIL]:
        return
    job = farm.queue[site, sites[site, HEAD]]
    for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
        if awaits(farm, site, gpu, job):
            end_ns = farm.gpus[gpu, END]
            past_ns = now_ns if gpu <= after else now_ns - 1
            if end_ns <= past_ns:
                length_ns = step_ns(farm, site, gpu)
                end_ns += ((past_ns - end_ns) // length_ns + 1) * length_ns
            if end_ns < sites[site, ARMED_NS]:
                sites[site, ARMED_NS], sites[site, ARMED] = end_ns, gpu


# a GPU's turn ------------------------------------------------------------------------------


@inlined
def begin_phase(farm: Farm, gpu: int, phase: int, job: int, mw: int, length_ns: int) -> None:
    """Begin a phase of some length that belongs to one job, at SINCE."""
    farm.gpus[gpu, JOB] = job
    enter(farm, gpu, phase, mw, farm.gpus[gpu, SINCE] + length_ns)


@inlined
def decode_next(farm: Farm, site: int, gpu: int, now_ns: int) -> bool:
    """Decode a job that has done its steps; whether that takes time, else none is left."""
    level = farm.sites[site, LEVEL]
    while True:
        job = take_due(farm, gpu)
        if job == NEVER:
            return False
        service = farm.gpus[gpu, SERVICE]
        length_ns = farm.images[job] * farm.timing[service, level, DECODE_NS]
        if length_ns > 0:
            begin_phase(farm, gpu, DECODE, job, farm.timing[service, level, FIXED_MW], length_ns)
            return True
        end_job(farm, site, gpu, job, now_ns)


@inlined
def encode_next(farm: Farm, site: int, gpu: int, now_ns: int) -> bool:
    """Encode the next job that joins; whether that takes time, else none is left."""
    batches, level = farm.batches, farm.sites[site, LEVEL]
    while batches[gpu, ENCODED] < batches[gpu, JOINING]:
        job = farm.joining[gpu, batches[gpu, ENCODED]]
        batches[gpu, ENCODED] += 1
        farm.start_ns[job] = now_ns
        service = farm.gpus[gpu, SERVICE]
        length_ns = farm.images[job] * farm.timing[service, level, ENCODE_NS]
        if length_ns > 0:
            begin_phase(farm, gpu, ENCODE, job, farm.timing[service, level, FIXED_MW], length_ns)
            return True
    batches[gpu, ENCODED] = batches[gpu, JOINING] = 0
    return False


@inlined
def load(farm: Farm, gpu: int) -> bool:
    """Bring the model of the batch into memory; whether that takes time."""
    service = farm.batches[gpu, BATCH_SERVICE]
    if farm.gpus[gpu, SERVICE] == service:
        return False
    farm.gpus[gpu, SERVICE] = service
    length_ns, mw = farm.loading[service, 0], farm.loading[service, 1]
    if length_ns > 0:
        begin_phase(farm, gpu, LOAD, farm.joining[gpu, 0], mw, length_ns)
    return bool(length_ns > 0)


@inlined
def step_on(farm: Farm, site: int, gpu: int) -> None:
    """Begin the next step at SINCE, or stand at its boundary while switched off."""
    batches, gpus = farm.batches, farm.gpus
    if gpus[gpu, OFF] != 0:
        enter(farm, gpu, PAUSED, 0, FOREVER)
        return
    if batches[gpu, BATCH_STEPS] > _MANY_STEPS:
        first = gpu * farm.joining.shape[1]
        for at in range(first, first + batches[gpu, BATCH_JOBS]):
            farm.residents[at] -= batches[gpu, BATCH_STEPS] << 32
        batches[gpu, BATCH_STEPS] = 0
    images, level = batches[gpu, BATCH_IMAGES], farm.sites[site, LEVEL]
    service = batches[gpu, BATCH_SERVICE]
    end_ns = gpus[gpu, SINCE] + farm.batch_law[service, level, images, 0]
    enter(farm, gpu, STEP, farm.batch_law[service, level, images, 1], end_ns)


@inlined
def boundary(farm: Farm, site: int, gpu: int, now_ns: int) -> bool:
    """From a boundary to the next phase of some length; whether jobs left the queue."""
    if decode_next(farm, site, gpu, now_ns):
        return False
    taken = farm.gpus[gpu, OFF] == 0 and fill(farm, site, gpu)
    if farm.batches[gpu, BATCH_IMAGES] == 0:
        farm.gpus[gpu, JOB] = NEVER
        release(farm, site, gpu - farm.first_gpu[site])
    elif not load(farm, gpu) and not encode_next(farm, site, gpu, now_ns):
        step_on(farm, site, gpu)
    return bool(taken)


@inlined
def turn(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Let a GPU change."""
    phase, taken = farm.gpus[gpu, PHASE], False
    if phase == STEP:
        steps_to(farm, site, gpu, now_ns)
    else:
        post_phase(farm, site, gpu, now_ns)
        if phase == DECODE:
            end_job(farm, site, gpu, farm.gpus[gpu, JOB], now_ns)
    if phase in (STEP, DECODE):
        taken = boundary(farm, site, gpu, now_ns)
    elif not encode_next(farm, site, gpu, now_ns):
        step_on(farm, site, gpu)
    set_turn(farm, site, gpu)
    if taken or gpu == farm.sites[site, ARMED]:
        arm_first(farm, site, now_ns, gpu)
    else:
        arm(farm, site, gpu)


# what others do to the pool ----------------------------------------------------------------


@inlined
def batch_complete(farm: Farm, site: int, until_ns: int) -> None:
    """Let the GPUs of a site change until an instant, in order of time, then of number.

    What was given to an empty GPU at this very instant begins when the instant is over.
    """
    sites, first = farm.sites, farm.first_gpu[site]
    while True:
        gpu, armed = farm.turns[2 * first + 1], sites[site, ARMED]
        at_ns, armed_ns = farm.batches[gpu, NEXT_NS], sites[site, ARMED_NS]
        if armed_ns < at_ns or (armed_ns == at_ns and armed < gpu):
            at_ns, gpu = armed_ns, armed
        if at_ns > until_ns or at_ns == FOREVER:
            return
        if at_ns == until_ns and farm.gpus[gpu, PHASE] in (BEGIN, WAKE):
            return
        turn(farm, site, gpu, at_ns)


@inlined
def batch_follow(farm: Farm, site: int, now_ns: int) -> None:
    """Bring the meters of a site to an instant by which its changes are done."""
    for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
        if farm.gpus[gpu, JOB] != NEVER:
            if farm.gpus[gpu, PHASE] == STEP:
                steps_to(farm, site, gpu, now_ns)
            else:
                post_phase(farm, site, gpu, now_ns)


@inlined
def batch_foresee(farm: Farm, site: int, now_ns: int) -> None:
    """Compute all turns of a site anew, after its clock or its switches have changed."""
    first, end = farm.first_gpu[site], farm.first_gpu[site + 1]
    for gpu in range(first, end):
        if farm.gpus[gpu, JOB] != NEVER:
            if farm.gpus[gpu, PHASE] == BEGIN and farm.gpus[gpu, END] == now_ns:
                for at in range(farm.batches[gpu, JOINING]):  # taken on this very edge
                    farm.epoch[farm.joining[gpu, at]] = farm.sites[site, EPOCH]
        farm.batches[gpu, NEXT_NS] = turn_ns(farm, site, gpu)
    for at in range(end - first - 1, 0, -1):
        climb(farm, site, at)
    arm_first(farm, site, now_ns, _NO_GPU)


@inlined
def batch_serve(farm: Farm, site: int, now_ns: int) -> None:
    """Give waiting jobs to empty, enabled GPUs."""
    sites, first, taken = farm.sites, farm.first_gpu[site], False
    while sites[site, HEAD] < sites[site, TAIL] and sites[site, FREE] > 0:
        at = pick(farm, site)
        if at < 0:
            break
        gpu, free = first + farm.free[first + at], sites[site, FREE] - 1
        for k in range(at, free):
            farm.free[first + k] = farm.free[first + k + 1]
        sites[site, FREE] = free
        taken = fill(farm, site, gpu)
        farm.gpus[gpu, SINCE] = now_ns
        if not load(farm, gpu):
            enter(farm, gpu, BEGIN, 0, now_ns)
        set_turn(farm, site, gpu)
    if taken:
        arm_first(farm, site, now_ns, _NO_GPU)


@inlined
def batch_submit(farm: Farm, site: int, job: int, now_ns: int) -> None:
    """Let a job join the queue of a site after the changes of this instant."""
    batch_complete(farm, site, now_ns)
    farm.landed_ns[job] = now_ns
    join(farm, site, job)
    batch_serve(farm, site, now_ns)
    sites = farm.sites
    waits = sites[site, HEAD] < sites[site, TAIL]
    if waits and farm.queue[site, sites[site, HEAD]] == job:
        arm_first(farm, site, now_ns, _NO_GPU)


@inlined
def batch_free_at_ns(farm: Farm, site: int, gpu: int, now_ns: int) -> int:
    """When a GPU would have ended its jobs as part of full batches, phases under way whole."""
    gpus, batches, level = farm.gpus, farm.batches, farm.sites[site, LEVEL]
    if gpus[gpu, JOB] == NEVER:
        return now_ns
    service, phase, rest_ns = batches[gpu, BATCH_SERVICE], gpus[gpu, PHASE], 0
    work_ns = farm.timing[service, level, WORK_NS]
    encode_ns = farm.timing[service, level, ENCODE_NS]
    decode_ns = farm.timing[service, level, DECODE_NS]
    first = gpu * farm.joining.shape[1]
    for at in range(first, first + batches[gpu, BATCH_JOBS]):
        left = (farm.residents[at] >> 32) - batches[gpu, BATCH_STEPS]
        rest_ns += farm.images[farm.residents[at] & _LOW] * (left * work_ns + decode_ns)
    if phase == DECODE:
        rest_ns += farm.images[gpus[gpu, JOB]] * decode_ns
    under_way = 1 if phase == ENCODE else 0
    for at in range(batches[gpu, ENCODED] - under_way, batches[gpu, JOINING]):
        rest_ns += farm.images[farm.joining[gpu, at]] * encode_ns
    if phase == LOAD:
        rest_ns += farm.loading[service, 0]
    return int(now_ns + rest_ns)
