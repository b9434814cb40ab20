"""GPUs that fail and come back, compiled: the same as in :mod:`cosim.world.pool_steps`."""

from __future__ import annotations

from cosim.world.compiled import compiled, inlined
from cosim.world.kernel import play
from cosim.world.kernel_pool import join, release, serve
from cosim.world.kernel_state import (
    ALLOWED,
    BEGIN,
    DOWN,
    DOWN_SINCE,
    DOWNS,
    EDF,
    EPOCH,
    GPU_BITS,
    HEAD,
    IMAGES_LEFT,
    JOB,
    LOAD,
    NEVER,
    OFF,
    OFFS,
    PHASE,
    PREEMPT,
    RUNNING,
    SERVICE,
    STEPS_LEFT,
    SWITCHED,
    Farm,
)
from cosim.world.kernel_urgent import arm, keep, place_in_running, sift


@inlined
def put_back(farm: Farm, site: int, job: int) -> None:
    """Let the job of a GPU that has failed wait again: ``fcfs`` at the front, else by its key."""
    if farm.sites[site, EDF] == 0:
        # it left this row once, so that there is a place before the head
        farm.sites[site, HEAD] -= 1
        farm.queue[site, farm.sites[site, HEAD]] = job
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
    release(farm, site, number)
    put_back(farm, site, job)


@inlined
def go_on(farm: Farm, site: int, now_ns: int) -> None:
    """Give waiting jobs to the GPUs there are now."""
    serve(farm, site, now_ns)
    if farm.sites[site, PREEMPT] != 0:
        arm(farm, site, now_ns, 1 << farm.world[GPU_BITS])


@compiled
def fail(farm: Farm, site: int, number: int, now_ns: int) -> bool:
    """Let a GPU fail; whether the set of GPUs that are switched off is another now."""
    gpu = farm.first_gpu[site] + number
    play(farm, site, now_ns)
    was = farm.gpus[gpu, OFF]
    if was == DOWN:
        return False
    farm.gpus[gpu, OFF], farm.gpus[gpu, SERVICE] = DOWN, NEVER
    farm.sites[site, DOWNS] += 1
    farm.sites[site, DOWN_SINCE] = now_ns
    farm.sites[site, OFFS] += 0 if was == SWITCHED else 1
    farm.sites[site, EPOCH] += 1 if was == SWITCHED else 0
    if farm.gpus[gpu, JOB] != NEVER:
        lose(farm, site, gpu, now_ns)
    go_on(farm, site, now_ns)
    return bool(was == SWITCHED)


@compiled
def repair(farm: Farm, site: int, number: int, now_ns: int) -> bool:
    """Bring a GPU back, switched off if as many as may run do; the answer as of :func:`fail`."""
    gpu, sites = farm.first_gpu[site] + number, farm.sites
    play(farm, site, now_ns)
    if farm.gpus[gpu, OFF] != DOWN:
        return False
    total = farm.first_gpu[site + 1] - farm.first_gpu[site]
    surplus = total - sites[site, OFFS] >= sites[site, ALLOWED]
    farm.gpus[gpu, OFF] = SWITCHED if surplus else 0
    sites[site, DOWNS] -= 1
    sites[site, OFFS] -= 0 if surplus else 1
    sites[site, EPOCH] += 1 if surplus else 0
    go_on(farm, site, now_ns)
    return bool(surplus)
