"""Batching GPUs in closed form, compiled: the same life as in :mod:`cosim.world.pool_batches`.

The images of a GPU take their steps together, so that time on it is a counter: a job that joins
at step k with c steps to do leaves at step k + c, whatever happens meanwhile. A GPU is touched
only where its jobs, phase or clock change: when the first of them leaves, when the head of the
queue could join, when a phase ends. Between two such *turns* its boundaries are arithmetic.

The energy of a step is the same for every image, so a job's share of any number of steps is the
difference of a counter too: pJ per image, which may wrap around as only differences are used.
"""

from __future__ import annotations

from cosim.world.compiled import inlined, piece
from cosim.world.kernel_batch_turns import arm, arm_first, set_turn, steps_to, turn_ns, win
from cosim.world.kernel_door import dismiss, is_full
from cosim.world.kernel_heap import sift_down, sift_up
from cosim.world.kernel_memory import read_farm
from cosim.world.kernel_pool import count, enter, post_phase
from cosim.world.kernel_queue import engage, give_up, join, leave, pick, release
from cosim.world.kernel_state import (
    ARMED,
    ARMED_NS,
    AT_EDGE,
    BATCH,
    BATCH_IMAGES,
    BATCH_JOBS,
    BATCH_PJ,
    BATCH_SERVICE,
    BATCH_STEPS,
    BEGIN,
    BY_KEY,
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
    FROM,
    GIVES_UP,
    HEAD,
    HOLDS,
    JOB,
    JOB_BITS,
    JOINING,
    KEEPS,
    LEVEL,
    LOAD,
    NEVER,
    NEXT_NS,
    NO_GPU,
    OFF,
    ORDER,
    PAUSED,
    PHASE,
    SERVICE,
    SINCE,
    STEP,
    STINT_NS,
    TAIL,
    TURNED_AWAY,
    WORK_NS,
    Farm,
)
from cosim.world.kernel_urgent import rank

_MANY_STEPS = 1 << 30


# jobs come and go --------------------------------------------------------------------------


@inlined
def fill(farm: Farm, site: int, gpu: int, now_ns: int) -> bool:
    """Take from the head of the queue as long as it fits; whether anything was taken."""
    sites, row, taken = farm.sites, farm.batches[gpu], False
    while sites[site, HEAD] < sites[site, TAIL]:
        job = farm.queue[site, sites[site, HEAD]]
        service, images = farm.service[job], farm.images[job]
        if row[BATCH_IMAGES] != 0:
            room = sites[site, BATCH] - row[BATCH_IMAGES]
            if row[BATCH_SERVICE] != service or images > room:
                break
        if sites[site, GIVES_UP] != 0 and give_up(farm, site, now_ns):
            continue
        row[BATCH_SERVICE] = service
        leave(farm, site)
        farm.joining[gpu, row[JOINING]] = job
        due = (row[BATCH_STEPS] + farm.steps[job]) << 32 | job
        sift_up(farm.residents[gpu], 0, row[BATCH_JOBS], due)
        row[JOINING] += 1
        row[BATCH_JOBS] += 1
        row[BATCH_IMAGES] += images
        farm.energy_pj[job] -= images * row[BATCH_PJ]
        farm.gpu[job], farm.epoch[job] = gpu - farm.first_gpu[site], sites[site, EPOCH]
        farm.gpus[gpu, JOB], taken = job, True
        if sites[site, KEEPS] != 0:
            farm.progress[job, STINT_NS] = NEVER
    return taken


@inlined
def end_job(farm: Farm, site: int, gpu: int, job: int, now_ns: int) -> None:
    """Let a decoded job go."""
    farm.batches[gpu, BATCH_IMAGES] -= farm.images[job]
    count(farm, site, 0, farm.images[job])
    farm.finish_ns[job] = now_ns
    farm.finished[site, farm.sites[site, FINISHED]] = job
    farm.sites[site, FINISHED] += 1


@inlined
def decode_next(farm: Farm, site: int, gpu: int, now_ns: int) -> bool:
    """Decode a job that has done its steps; whether that takes time, else none is left."""
    row, jobs, level = farm.batches[gpu], farm.residents[gpu], farm.sites[site, LEVEL]
    while row[BATCH_JOBS] > 0 and jobs[0] >> 32 == row[BATCH_STEPS]:
        job, size = jobs[0] & JOB_BITS, row[BATCH_JOBS] - 1
        row[BATCH_JOBS] = size
        if size > 0:
            sift_down(jobs, 0, size, 0, jobs[size])
        farm.energy_pj[job] += farm.images[job] * row[BATCH_PJ]
        timing = farm.timing[row[BATCH_SERVICE], level]
        length_ns = farm.images[job] * timing[DECODE_NS]
        if length_ns > 0:
            farm.gpus[gpu, JOB] = job
            enter(farm, gpu, DECODE, timing[FIXED_MW], now_ns + length_ns)
            return True
        end_job(farm, site, gpu, job, now_ns)
    return False


@inlined
def encode_next(farm: Farm, site: int, gpu: int, now_ns: int) -> bool:
    """Encode the next job that joins; whether that takes time, else none is left."""
    row = farm.batches[gpu]
    timing = farm.timing[row[BATCH_SERVICE], farm.sites[site, LEVEL]]
    while row[ENCODED] < row[JOINING]:
        job = farm.joining[gpu, row[ENCODED]]
        row[ENCODED] += 1
        if farm.sites[site, KEEPS] != 0:
            farm.progress[job, STINT_NS] = now_ns
        if farm.start_ns[job] == NEVER:
            farm.start_ns[job] = now_ns
        length_ns = farm.images[job] * timing[ENCODE_NS]
        if length_ns > 0:
            farm.gpus[gpu, JOB] = job
            enter(farm, gpu, ENCODE, timing[FIXED_MW], now_ns + length_ns)
            return True
    row[ENCODED] = row[JOINING] = 0
    return False


@inlined
def load(farm: Farm, gpu: int, now_ns: int) -> bool:
    """Bring the model of the batch into memory; whether that takes time."""
    service = farm.batches[gpu, BATCH_SERVICE]
    held = farm.gpus[gpu, SERVICE]
    if held == service:
        return False
    at = farm.luck[farm.joining[gpu, 0]] + held + HOLDS
    length_ns, mw = farm.loading[at, service, 0], farm.loading[at, service, 1]
    farm.gpus[gpu, SERVICE], farm.gpus[gpu, FROM] = service, held
    if length_ns > 0:
        farm.gpus[gpu, JOB] = farm.joining[gpu, 0]
        enter(farm, gpu, LOAD, mw, now_ns + length_ns)
    return bool(length_ns > 0)


@inlined
def step_on(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Begin the next step, or stand at its boundary while switched off."""
    row, level = farm.batches[gpu], farm.sites[site, LEVEL]
    if farm.gpus[gpu, OFF] != 0:
        enter(farm, gpu, PAUSED, 0, FOREVER)
        return
    if row[BATCH_STEPS] > _MANY_STEPS:
        for at in range(row[BATCH_JOBS]):
            farm.residents[gpu, at] -= row[BATCH_STEPS] << 32
        row[BATCH_STEPS] = 0
    service, images = row[BATCH_SERVICE], row[BATCH_IMAGES]
    mw = farm.batch_mw[service, level, images]
    enter(farm, gpu, STEP, mw, now_ns + farm.batch_ns[service, level, images])


# a GPU's turn ------------------------------------------------------------------------------


@inlined
def turn(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Let a GPU go from the end of a phase, or from a boundary, to its next phase."""
    phase, taken, going = farm.gpus[gpu, PHASE], False, True
    ahead = farm.sites[site, TAIL] - farm.sites[site, HEAD]
    if phase == STEP:
        steps_to(farm, site, gpu, now_ns)
    else:
        post_phase(farm, site, gpu, now_ns)
        if phase == DECODE:
            end_job(farm, site, gpu, farm.gpus[gpu, JOB], now_ns)
    if phase in (STEP, DECODE):
        going = not decode_next(farm, site, gpu, now_ns)
        if going:
            taken = farm.gpus[gpu, OFF] == 0 and fill(farm, site, gpu, now_ns)
            if farm.batches[gpu, BATCH_IMAGES] == 0:
                farm.gpus[gpu, JOB], going = NEVER, False
                release(farm, site, gpu - farm.first_gpu[site], now_ns)
            elif taken:
                going = not load(farm, gpu, now_ns)
    if going and not encode_next(farm, site, gpu, now_ns):
        step_on(farm, site, gpu, now_ns)
    set_turn(farm, site, gpu)
    left = farm.sites[site, TAIL] - farm.sites[site, HEAD] != ahead
    if left or gpu == farm.sites[site, ARMED]:
        arm_first(farm, site, now_ns, gpu)
    else:
        arm(farm, site, gpu)


# what others do to the pool ----------------------------------------------------------------


@piece
def batch_complete(memory: int, site: int, until_ns: int) -> None:
    """Let the GPUs of a site take their turns until an instant, in order of time, then number."""
    farm = read_farm(memory)
    sites, first = farm.sites, farm.first_gpu[site]
    while True:
        gpu, armed = farm.turns[2 * first + 1], sites[site, ARMED]
        at_ns, armed_ns = farm.batches[gpu, NEXT_NS], sites[site, ARMED_NS]
        if armed_ns < at_ns or (armed_ns == at_ns and armed < gpu):
            at_ns, gpu = armed_ns, armed
        if at_ns > until_ns or at_ns == FOREVER:
            return
        turn(farm, site, gpu, at_ns)


@piece
def batch_play(memory: int, site: int, now_ns: int) -> None:
    """Bring a site to an instant, its meters included."""
    farm = read_farm(memory)
    batch_complete(memory, site, now_ns)
    for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
        if farm.gpus[gpu, JOB] != NEVER:
            if farm.gpus[gpu, PHASE] == STEP:
                steps_to(farm, site, gpu, now_ns)
            else:
                post_phase(farm, site, gpu, now_ns)


@piece
def batch_foresee(memory: int, site: int, now_ns: int) -> None:
    """Compute all turns of a site anew, after its clock or its switches have changed."""
    farm = read_farm(memory)
    first, end = farm.first_gpu[site], farm.first_gpu[site + 1]
    for gpu in range(first, end):
        new = farm.gpus[gpu, PHASE] == BEGIN and farm.gpus[gpu, END] == now_ns
        if new and farm.gpus[gpu, JOB] != NEVER:
            for at in range(farm.batches[gpu, JOINING]):  # taken on this very edge
                farm.epoch[farm.joining[gpu, at]] = farm.sites[site, EPOCH]
        farm.batches[gpu, NEXT_NS] = turn_ns(farm, site, gpu)
    for at in range(end - first - 1, 0, -1):
        win(farm.turns, farm.batches, 2 * first, at)
    arm_first(farm, site, now_ns, NO_GPU)


@piece
def batch_serve(memory: int, site: int, now_ns: int) -> None:
    """Give waiting jobs to empty, enabled GPUs."""
    farm = read_farm(memory)
    sites, left = farm.sites, False
    while sites[site, HEAD] < sites[site, TAIL] and sites[site, FREE] > 0:
        at = pick(farm, site, now_ns)
        if at < 0:
            break
        left = True
        if sites[site, GIVES_UP] != 0 and give_up(farm, site, now_ns):
            continue
        gpu = engage(farm, site, at, now_ns)
        fill(farm, site, gpu, now_ns)
        farm.gpus[gpu, SINCE] = now_ns
        if not load(farm, gpu, now_ns):
            enter(farm, gpu, BEGIN, 0, now_ns)
        set_turn(farm, site, gpu)
    if left:
        arm_first(farm, site, now_ns, NO_GPU)


@piece
def batch_submit(memory: int, site: int, job: int, now_ns: int) -> None:
    """Let a job join the queue of a site after the turns of this instant.

    What an edge has given to an empty GPU begins when the edge is over.
    """
    farm = read_farm(memory)
    if farm.world[AT_EDGE] == 0:
        batch_complete(memory, site, now_ns)
    farm.landed_ns[job] = now_ns
    if is_full(farm, site):
        dismiss(farm, site, job, now_ns, TURNED_AWAY)
        return
    sites = farm.sites
    if sites[site, ORDER] == BY_KEY:
        rank(farm, site, job)
    join(farm, site, job)
    if sites[site, FREE] > 0:
        batch_serve(farm.memory, site, now_ns)
    if sites[site, HEAD] < sites[site, TAIL] and farm.queue[site, sites[site, HEAD]] == job:
        arm_first(farm, site, now_ns, NO_GPU)


@inlined
def batch_free_at_ns(farm: Farm, site: int, gpu: int, now_ns: int) -> int:
    """When a GPU would have ended its jobs as part of full batches, phases under way whole."""
    row, phase, job = farm.batches[gpu], farm.gpus[gpu, PHASE], farm.gpus[gpu, JOB]
    if job == NEVER:
        return now_ns
    timing = farm.timing[row[BATCH_SERVICE], farm.sites[site, LEVEL]]
    rest_ns = 0
    if phase == LOAD:
        rest_ns += farm.loading[farm.gpus[gpu, FROM] + HOLDS, row[BATCH_SERVICE], 0]
    for at in range(row[BATCH_JOBS]):
        left = (farm.residents[gpu, at] >> 32) - row[BATCH_STEPS]
        images = farm.images[farm.residents[gpu, at] & JOB_BITS]
        rest_ns += images * (left * timing[WORK_NS] + timing[DECODE_NS])
    if phase == DECODE:
        rest_ns += farm.images[job] * timing[DECODE_NS]
    under_way = 1 if phase == ENCODE else 0
    for at in range(row[ENCODED] - under_way, row[JOINING]):
        rest_ns += farm.images[farm.joining[gpu, at]] * timing[ENCODE_NS]
    return int(now_ns + rest_ns)
