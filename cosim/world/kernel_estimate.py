"""Work and queue estimates, compiled: the same numbers in the same order of operations.

The readable form is :mod:`cosim.world.estimate`.
"""

from __future__ import annotations

import numpy as np

from cosim.world.compiled import inlined
from cosim.world.kernel_batch import batch_free_at_ns
from cosim.world.kernel_heap import make_heap, pop_due, pop_flight, sift_down
from cosim.world.kernel_state import (
    BATCH,
    BEGUN,
    BY_KEY,
    DECODE_NS,
    ENCODE,
    ENCODE_NS,
    ESTIMATES,
    FIXED_NS,
    FROM,
    HEAD,
    HOLDS,
    IMAGES_LEFT,
    IN_FLIGHT,
    JOB,
    KEEPS,
    LEVEL,
    LOAD,
    MANY_WAIT,
    NEVER,
    OFF,
    ORDER,
    PHASE,
    REST,
    SERVICE,
    STEP_NS,
    STEPS_LEFT,
    TAIL,
    W_DECODES,
    W_IMAGES,
    W_STEPS,
    WORK_NS,
    Farm,
)


@inlined
def there_ns(farm: Farm, job: int, site: int) -> int:
    """Time until the prompt of a job has landed at a site [ns]."""
    return 0 if farm.place[site] == farm.home[job] else farm.there_ns[farm.trip[job], 0]


@inlined
def job_ns(farm: Farm, job: int, service: int, steps: int, level: int) -> int:
    """GPU time that a job takes up at one clock level [ns]."""
    timing = farm.timing
    image_ns = timing[service, level, FIXED_NS] + steps * timing[service, level, WORK_NS]
    return int(farm.images[job] * image_ns)


@inlined
def rest_ns(farm: Farm, site: int, job: int, level: int) -> int:
    """GPU time of what is left of a job that waits [ns]."""
    service = farm.service[job]
    work_ns = job_ns(farm, job, service, farm.steps[job], level)
    if farm.sites[site, KEEPS] == 0 or farm.progress[job, BEGUN] == 0:
        return work_ns
    timing, left = farm.timing, farm.progress[job, REST]
    image_ns = timing[service, level, FIXED_NS] + farm.steps[job] * timing[service, level, STEP_NS]
    work_ns -= farm.progress[job, BEGUN] * image_ns
    if left > 0:
        work_ns += left * timing[service, level, STEP_NS] + timing[service, level, DECODE_NS]
    return int(work_ns)


# estimates -------------------------------------------------------------------------------


@inlined
def commit(farm: Farm, site: int, landing_ns: int, work_ns: int) -> None:
    """Count in a job that will join the queue at that instant."""
    first = farm.first_gpu[site]
    start_ns = max(landing_ns, farm.estimates[first])
    sift_down(farm.estimates, first, farm.sites[site, ESTIMATES], 0, start_ns + work_ns)


@inlined
def free_at_ns(farm: Farm, site: int, gpu: int, now_ns: int) -> int:
    """When a GPU will have ended its job at this clock; a step under way counts whole [ns]."""
    gpus, timing, level = farm.gpus, farm.timing, farm.sites[site, LEVEL]
    job, service, phase = gpus[gpu, JOB], gpus[gpu, SERVICE], gpus[gpu, PHASE]
    if job == NEVER:
        return now_ns
    step_ns = timing[service, level, STEP_NS]
    image_ns = timing[service, level, FIXED_NS] + farm.steps[job] * step_ns
    rest_ns = gpus[gpu, STEPS_LEFT] * step_ns + timing[service, level, DECODE_NS]
    if phase == ENCODE:
        rest_ns += timing[service, level, ENCODE_NS]
    if phase == LOAD:
        rest_ns += farm.loading[gpus[gpu, FROM] + HOLDS, service, 0]
    return int(now_ns + rest_ns + gpus[gpu, IMAGES_LEFT] * image_ns)


@inlined
def waiting_ns(farm: Farm, site: int, level: int) -> int:
    """GPU time of all jobs that wait at a site, at a clock level [ns]."""
    total_ns = 0
    for service in range(len(farm.service_site)):
        if farm.service_site[service] == site:
            timing, work = farm.timing[service, level], farm.work[service]
            total_ns += work[W_IMAGES] * timing[FIXED_NS] + work[W_STEPS] * timing[WORK_NS]
            total_ns += work[W_DECODES] * timing[DECODE_NS]
    return int(total_ns)


@inlined
def level_out(farm: Farm, site: int, size: int, count: int, level: int) -> bool:
    """Where very many jobs wait, expect all GPUs to become free together; whether that was so."""
    if count <= MANY_WAIT * size:
        return False
    first, sum_ns, last_ns = farm.first_gpu[site], waiting_ns(farm, site, level), 0
    for at in range(first, first + size):
        sum_ns += farm.estimates[at]
        last_ns = max(last_ns, farm.estimates[at])
    if sum_ns // size < last_ns:
        return False
    for at in range(first, first + size):
        farm.estimates[at] = sum_ns // size
    return True


@inlined
def held_ns(farm: Farm, site: int, now_ns: int) -> int:
    """GPU time until the jobs that GPUs hold have ended, at the present clock [ns]."""
    total_ns = 0
    for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
        if farm.gpus[gpu, JOB] != NEVER:
            if farm.sites[site, BATCH] == 0:
                total_ns += free_at_ns(farm, site, gpu, now_ns) - now_ns
            else:
                total_ns += batch_free_at_ns(farm, site, gpu, now_ns) - now_ns
    return int(total_ns)


@inlined
def estimate_site(farm: Farm, site: int, level: int, now_ns: int, slot_end_ns: int) -> None:
    """Start one site's estimate afresh from its GPUs and its queue."""
    first, size, batch = farm.first_gpu[site], 0, farm.sites[site, BATCH]
    for gpu in range(first, farm.first_gpu[site + 1]):
        if farm.gpus[gpu, OFF] == 0:
            farm.estimates[first + size] = (
                free_at_ns(farm, site, gpu, now_ns)
                if batch == 0
                else batch_free_at_ns(farm, site, gpu, now_ns)
            )
            size += 1
    if size == 0:
        farm.estimates[first] = slot_end_ns
        size = 1
    farm.sites[site, ESTIMATES] = size
    make_heap(farm.estimates, first, size)
    head, tail = farm.sites[site, HEAD], farm.sites[site, TAIL]
    if head == tail or level_out(farm, site, size, tail - head, level):
        return
    waiting = farm.spare_job
    for at in range(tail - head):
        waiting[at] = farm.queue[site, head + at]
    for at in range(tail - head):
        job = waiting[at]
        if farm.sites[site, ORDER] == BY_KEY:
            job = pop_due(waiting, tail - at, farm.key)
        elif farm.sites[site, ORDER] != 0:
            job = pop_due(waiting, tail - at, farm.deadline_ns)
        commit(farm, site, 0, rest_ns(farm, site, job, level))


@inlined
def estimate_flights(farm: Farm, levels: np.ndarray) -> None:
    """Count in what is on its way, in order of landing."""
    count = farm.world[IN_FLIGHT]
    if count == 0:
        return
    landing_ns, jobs = farm.spare_ns, farm.spare_job
    for at in range(count):
        landing_ns[at], jobs[at] = farm.flight_ns[at], farm.flight_job[at]
    for left in range(count, 0, -1):
        at_ns, job = landing_ns[0], jobs[0]
        pop_flight(landing_ns, jobs, left)
        service = farm.service[job]
        site = farm.service_site[service]
        work_ns = job_ns(farm, job, service, farm.steps[job], levels[site])
        commit(farm, site, at_ns, work_ns)
