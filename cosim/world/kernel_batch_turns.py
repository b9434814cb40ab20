"""When a batching GPU takes its turn, compiled: its steps until then, and who is first.

Each site keeps a tournament of its GPUs for the next turn of their own, and beside it the one
boundary at which the head of the queue will be taken, if there is room for it anywhere.
"""

from __future__ import annotations

from cosim.world.compiled import inlined
from cosim.world.kernel_state import (
    ARMED,
    ARMED_NS,
    BATCH,
    BATCH_IMAGES,
    BATCH_PJ,
    BATCH_SERVICE,
    BATCH_STEPS,
    BUSY_NS,
    END,
    FOREVER,
    HEAD,
    JOB,
    LEVEL,
    MW,
    NEVER,
    NEXT_NS,
    OFF,
    PAUSED,
    PHASE,
    PJ_HIGH,
    PJ_LOW,
    SINCE,
    STEP,
    STEPS,
    TAIL,
    Farm,
    Ints,
    Small,
)

_LOW = (1 << 32) - 1


# steps -------------------------------------------------------------------------------------


@inlined
def draw(meter: Ints, row: Ints, elapsed_ns: int, image_mw: int) -> None:
    """Post the energy of steps: per image on the GPU's counter, in all on the site's meter."""
    if image_mw != 0:
        image_pj = elapsed_ns * image_mw
        energy_pj = row[BATCH_IMAGES] * image_pj
        row[BATCH_PJ] += image_pj
        meter[PJ_HIGH] += energy_pj >> 32
        meter[PJ_LOW] += energy_pj & _LOW
        meter[BUSY_NS] += elapsed_ns


@inlined
def steps_to(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Take the steps that end by an instant and draw the power of the one under way."""
    state, row, meter = farm.gpus[gpu], farm.batches[gpu], farm.sites[site]
    since_ns, end_ns = state[SINCE], state[END]
    state[SINCE] = now_ns
    if now_ns < end_ns:
        draw(meter, row, now_ns - since_ns, state[MW])
        return
    draw(meter, row, end_ns - since_ns, state[MW])
    service, level, images = row[BATCH_SERVICE], meter[LEVEL], row[BATCH_IMAGES]
    step_ns = farm.batch_ns[service, level, images]
    state[MW] = farm.batch_mw[service, level, images]
    ended = 1 + (now_ns - end_ns) // step_ns
    draw(meter, row, now_ns - end_ns, state[MW])
    state[END] = end_ns + ended * step_ns
    row[BATCH_STEPS] += ended
    meter[STEPS] += ended * images


@inlined
def turn_ns(farm: Farm, site: int, gpu: int) -> int:
    """When a GPU changes by itself at the present clock; FOREVER if it will not [ns]."""
    state, row = farm.gpus[gpu], farm.batches[gpu]
    if state[JOB] == NEVER or state[PHASE] == PAUSED:
        return FOREVER
    if state[PHASE] != STEP or state[OFF] != 0:
        return int(state[END])
    step_ns = farm.batch_ns[row[BATCH_SERVICE], farm.sites[site, LEVEL], row[BATCH_IMAGES]]
    more = (farm.residents[gpu, 0] >> 32) - row[BATCH_STEPS] - 1
    return int(state[END] + more * step_ns)


# who is first ------------------------------------------------------------------------------


@inlined
def win(turns: Small, batches: Ints, first: int, at: int) -> None:
    """Let the earlier of the two below a place of a tournament take the place."""
    one, other = turns[first + 2 * at], turns[first + 2 * at + 1]
    one_ns, other_ns = batches[one, NEXT_NS], batches[other, NEXT_NS]
    wins = one_ns < other_ns or (one_ns == other_ns and one < other)
    turns[first + at] = one if wins else other


@inlined
def set_turn(farm: Farm, site: int, gpu: int) -> None:
    """Note when a GPU changes next."""
    farm.batches[gpu, NEXT_NS] = turn_ns(farm, site, gpu)
    first, end = farm.first_gpu[site], farm.first_gpu[site + 1]
    at = (end - 2 * first + gpu) >> 1
    while at > 0:
        win(farm.turns, farm.batches, 2 * first, at)
        at >>= 1


@inlined
def awaits(state: Ints, row: Ints, service: int, room: int) -> bool:
    """Whether a GPU in its steps has the model and room enough to take a job at a boundary."""
    fits = row[BATCH_IMAGES] <= room and row[BATCH_SERVICE] == service
    return bool(fits and state[PHASE] == STEP and state[JOB] != NEVER and state[OFF] == 0)


@inlined
def arm(farm: Farm, site: int, gpu: int) -> None:
    """See whether a GPU whose step begins now is the first that will take the head."""
    sites, state = farm.sites, farm.gpus[gpu]
    if sites[site, HEAD] < sites[site, TAIL]:
        job = farm.queue[site, sites[site, HEAD]]
        room = sites[site, BATCH] - farm.images[job]
        if awaits(state, farm.batches[gpu], farm.service[job], room):
            end_ns, armed_ns = state[END], sites[site, ARMED_NS]
            if end_ns < armed_ns or (end_ns == armed_ns and gpu < sites[site, ARMED]):
                sites[site, ARMED_NS], sites[site, ARMED] = end_ns, gpu


@inlined
def arm_first(farm: Farm, site: int, now_ns: int, after: int) -> None:
    """Find the first boundary, after that of GPU ``after`` at this instant, to take the head."""
    sites, level = farm.sites, farm.sites[site, LEVEL]
    sites[site, ARMED_NS], sites[site, ARMED] = FOREVER, NEVER
    if sites[site, HEAD] == sites[site, TAIL]:
        return
    job = farm.queue[site, sites[site, HEAD]]
    service, room = farm.service[job], sites[site, BATCH] - farm.images[job]
    for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
        row = farm.batches[gpu]
        if awaits(farm.gpus[gpu], row, service, room):
            end_ns = farm.gpus[gpu, END]
            past_ns = now_ns if gpu <= after else now_ns - 1
            if end_ns <= past_ns:
                step_ns = farm.batch_ns[service, level, row[BATCH_IMAGES]]
                end_ns += ((past_ns - end_ns) // step_ns + 1) * step_ns
            if end_ns < sites[site, ARMED_NS]:
                sites[site, ARMED_NS], sites[site, ARMED] = end_ns, gpu
