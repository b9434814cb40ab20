"""The queue of a site and its free GPUs, compiled: who waits, who leaves first, who serves.

The readable form is :mod:`cosim.world.queues`.
"""

from __future__ import annotations

from cosim.world.compiled import inlined
from cosim.world.kernel_door import dismiss, is_hopeless
from cosim.world.kernel_heap import pop_due, push_due
from cosim.world.kernel_sleep import holds, wake
from cosim.world.kernel_state import (
    BEGUN,
    BY_KEY,
    CHOOSES,
    FOREVER,
    FREE,
    GIVEN_UP,
    HEAD,
    HOLDS,
    KEEPS,
    NEVER,
    OFF,
    OFFS,
    ORDER,
    REST,
    SINCE,
    SLEEP_AFTER_NS,
    TAIL,
    W_DECODES,
    W_IMAGES,
    W_STEPS,
    Farm,
)


@inlined
def count_work(farm: Farm, site: int, job: int, sign: int) -> None:
    """Add a job that waits to the work of its service, or take it off."""
    images, steps, work = farm.images[job], farm.steps[job], farm.work[farm.service[job]]
    if farm.sites[site, KEEPS] == 0:
        work[W_IMAGES] += sign * images
        work[W_STEPS] += sign * images * steps
        return
    left, rest = images - farm.progress[job, BEGUN], farm.progress[job, REST]
    work[W_IMAGES] += sign * left
    work[W_STEPS] += sign * (left * steps + rest)
    work[W_DECODES] += sign if rest > 0 else 0


@inlined
def join(farm: Farm, site: int, job: int) -> None:
    """Let a job join the queue."""
    count_work(farm, site, job, 1)
    tail = farm.sites[site, TAIL]
    if farm.sites[site, ORDER] == 0:
        farm.queue[site, tail] = job
    elif farm.sites[site, ORDER] == BY_KEY:
        push_due(farm.queue[site], tail, farm.key, job)
    else:
        push_due(farm.queue[site], tail, farm.deadline_ns, job)
    farm.sites[site, TAIL] = tail + 1


@inlined
def leave(farm: Farm, site: int) -> int:
    """Take the job at the head of the queue."""
    sites = farm.sites
    if sites[site, ORDER] != 0:
        if sites[site, ORDER] == BY_KEY:
            job = pop_due(farm.queue[site], sites[site, TAIL], farm.key)
        else:
            job = pop_due(farm.queue[site], sites[site, TAIL], farm.deadline_ns)
        sites[site, TAIL] -= 1
    else:
        job = int(farm.queue[site, sites[site, HEAD]])
        sites[site, HEAD] += 1
    count_work(farm, site, job, -1)
    return job


@inlined
def give_up(farm: Farm, site: int, now_ns: int) -> bool:
    """Drop the head of the queue, whose turn it is, if nothing would be paid for it any more."""
    head = farm.queue[site, farm.sites[site, HEAD]]
    if not is_hopeless(farm, site, head, now_ns):
        return False
    dismiss(farm, site, leave(farm, site), now_ns, GIVEN_UP)
    return True


# free GPUs ---------------------------------------------------------------------------------


@inlined
def pick(farm: Farm, site: int, now_ns: int) -> int:
    """Place in ``free`` of the GPU for the job at the head of the queue, −1 if there is none."""
    sites, first = farm.sites, farm.first_gpu[site]
    last = sites[site, FREE] - 1
    if sites[site, OFFS] == 0 and sites[site, CHOOSES] == 0:
        return int(last)
    wanted = farm.service[farm.queue[site, sites[site, HEAD]]]
    found, least_ns = NEVER, FOREVER
    for at in range(last, -1, -1):
        gpu = first + farm.free[first + at]
        if farm.gpus[gpu, OFF] == 0:
            held = holds(farm, site, gpu, now_ns)
            if held == wanted or sites[site, CHOOSES] == 0:
                return at
            delay_ns = farm.loading[held + HOLDS, wanted, 0]
            if delay_ns < least_ns:
                found, least_ns = at, delay_ns
    return found


@inlined
def engage(farm: Farm, site: int, at: int, now_ns: int) -> int:
    """Take the GPU at a place of ``free`` from there, awake; its row in ``gpus``."""
    sites, first = farm.sites, farm.first_gpu[site]
    gpu, free = first + farm.free[first + at], sites[site, FREE] - 1
    if sites[site, SLEEP_AFTER_NS] != NEVER:
        wake(farm, site, gpu, now_ns)
    for k in range(at, free):
        farm.free[first + k] = farm.free[first + k + 1]
    sites[site, FREE] = free
    return int(gpu)


@inlined
def release(farm: Farm, site: int, number: int, now_ns: int) -> None:
    """Put a GPU among the free ones, which stand in falling order of their numbers."""
    first, at = farm.first_gpu[site], farm.sites[site, FREE]
    while at > 0 and farm.free[first + at - 1] < number:
        farm.free[first + at] = farm.free[first + at - 1]
        at -= 1
    farm.free[first + at] = number
    farm.sites[site, FREE] += 1
    farm.gpus[first + number, SINCE] = now_ns
