"""GPUs that fail and come back, compiled: the same as in :mod:`cosim.world.pool_gpus`."""

from __future__ import annotations

from cosim.world.compiled import inlined, piece
from cosim.world.kernel import play
from cosim.world.kernel_batch import batch_serve
from cosim.world.kernel_batch_turns import arm_first, set_turn
from cosim.world.kernel_memory import read_farm
from cosim.world.kernel_pool import log, serve
from cosim.world.kernel_queue import count_work, join, release
from cosim.world.kernel_state import (
    ALLOWED,
    BATCH,
    BATCH_IMAGES,
    BATCH_JOBS,
    BATCH_PJ,
    BEGIN,
    DECODE,
    DOWN,
    DOWN_SINCE,
    DOWNS,
    ENCODED,
    EPOCH,
    GPU_BITS,
    HEAD,
    IMAGES_LEFT,
    JOB,
    JOB_BITS,
    JOINING,
    LOAD,
    NEVER,
    NO_GPU,
    OFF,
    OFFS,
    ORDER,
    PHASE,
    PREEMPT,
    RUNNING,
    SERVICE,
    SINCE,
    STEPS_LEFT,
    STINT_NS,
    SWITCHED,
    Farm,
)
from cosim.world.kernel_urgent import arm, keep, place_in_running, sift


@inlined
def put_back(farm: Farm, site: int, job: int) -> None:
    """Let the job of a GPU that has failed wait again: ``fcfs`` at the front, else by its key."""
    if farm.sites[site, ORDER] == 0:
        # it left this row once, so that there is a place before the head
        farm.sites[site, HEAD] -= 1
        farm.queue[site, farm.sites[site, HEAD]] = job
        count_work(farm, site, job, 1)
    else:
        join(farm, site, job)


@inlined
def lose(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Take the job off a GPU that has failed: only images that have ended are kept."""
    gpus, number = farm.gpus, gpu - farm.first_gpu[site]
    job, phase = gpus[gpu, JOB], gpus[gpu, PHASE]
    under_way = 0 if phase in (BEGIN, LOAD) and gpus[gpu, STEPS_LEFT] == 0 else 1
    begun = farm.images[job] - gpus[gpu, IMAGES_LEFT] - under_way
    keep(farm, site, job, now_ns, begun, 0)
    if farm.start_ns[job] > now_ns:  # the model was still loading
        farm.start_ns[job] = NEVER
    at = place_in_running(farm, site, number)
    if at != NEVER:
        size = farm.sites[site, RUNNING] - 1
        farm.sites[site, RUNNING] = size
        if at < size:
            sift(farm, site, at, farm.running[farm.first_gpu[site] + size])
    gpus[gpu, JOB] = NEVER
    release(farm, site, number, now_ns)
    put_back(farm, site, job)


@inlined
def lose_batch(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Take all jobs off a batching GPU that has failed: none of their images has ended."""
    gpus, row, jobs = farm.gpus, farm.batches[gpu], farm.residents[gpu]
    size = row[BATCH_JOBS]
    for at in range(size):
        jobs[at] &= JOB_BITS
        farm.energy_pj[jobs[at]] += farm.images[jobs[at]] * row[BATCH_PJ]
    if gpus[gpu, PHASE] == DECODE:  # it has left the batch already
        jobs[size] = gpus[gpu, JOB]
        size += 1
    for left in range(size, 0, -1):  # the lowest number comes to stand first in the queue
        last = jobs[:left].argmax()
        job, jobs[last] = jobs[last], jobs[left - 1]
        if farm.progress[job, STINT_NS] != NEVER:
            keep(farm, site, job, now_ns, 0, 0)
        put_back(farm, site, job)
    row[BATCH_JOBS] = row[BATCH_IMAGES] = row[JOINING] = row[ENCODED] = 0
    gpus[gpu, JOB] = NEVER
    release(farm, site, gpu - farm.first_gpu[site], now_ns)
    set_turn(farm, site, gpu)
    arm_first(farm, site, now_ns, NO_GPU)


@inlined
def go_on(farm: Farm, site: int, now_ns: int) -> None:
    """Give waiting jobs to the GPUs there are now."""
    if farm.sites[site, BATCH] != 0:
        batch_serve(farm.memory, site, now_ns)
    else:
        serve(farm, site, now_ns)
    if farm.sites[site, PREEMPT] != 0:
        arm(farm.memory, site, now_ns, 1 << farm.world[GPU_BITS])


@piece
def fail(memory: int, site: int, number: int, now_ns: int) -> None:
    """Let a GPU fail."""
    farm = read_farm(memory)
    gpu = farm.first_gpu[site] + number
    play(farm.memory, site, now_ns)
    was = farm.gpus[gpu, OFF]
    if was == DOWN:
        return
    farm.gpus[gpu, OFF], farm.gpus[gpu, SERVICE] = DOWN, NEVER
    farm.sites[site, DOWNS] += 1
    farm.sites[site, DOWN_SINCE] = now_ns
    farm.sites[site, OFFS] += 0 if was == SWITCHED else 1
    if was == SWITCHED:
        farm.sites[site, EPOCH] += 1
        log(farm, site, now_ns)
    if farm.gpus[gpu, JOB] != NEVER:
        if farm.sites[site, BATCH] != 0:
            lose_batch(farm, site, gpu, now_ns)
        else:
            lose(farm, site, gpu, now_ns)
    go_on(farm, site, now_ns)


@piece
def repair(memory: int, site: int, number: int, now_ns: int) -> None:
    """Bring a GPU back, switched off if as many as may run do."""
    farm = read_farm(memory)
    gpu, sites = farm.first_gpu[site] + number, farm.sites
    play(farm.memory, site, now_ns)
    if farm.gpus[gpu, OFF] != DOWN:
        return
    total = farm.first_gpu[site + 1] - farm.first_gpu[site]
    surplus = total - sites[site, OFFS] >= sites[site, ALLOWED]
    farm.gpus[gpu, OFF], farm.gpus[gpu, SINCE] = SWITCHED if surplus else 0, now_ns
    sites[site, DOWNS] -= 1
    sites[site, OFFS] -= 0 if surplus else 1
    if surplus:
        sites[site, EPOCH] += 1
        log(farm, site, now_ns)
    go_on(farm, site, now_ns)
