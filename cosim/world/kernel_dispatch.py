"""Dispatch rules and queue estimates, compiled: the same numbers in the same order of operations.

The readable forms are :mod:`cosim.world.dispatch` and :mod:`cosim.world.estimate`.
"""

from __future__ import annotations

import numpy as np

from cosim.physics.network_scalar import is_cut, leaves_ns
from cosim.physics.service_scalar import HARD, settled_usd
from cosim.physics.service_scalar import KIND as BARGAIN
from cosim.world.compiled import inlined
from cosim.world.kernel_batch import batch_free_at_ns
from cosim.world.kernel_heap import make_heap, pop_due, pop_flight, push_flight, sift_down
from cosim.world.kernel_memory import read_grid
from cosim.world.kernel_state import (
    ASK,
    ASK_PYTHON,
    BATCH,
    BEGUN,
    BY_KEY,
    COST,
    DECODE_NS,
    DISPATCH_LEVEL,
    ENCODE,
    ENCODE_NS,
    ESTIMATES,
    FIXED_NS,
    FROM,
    HEAD,
    HELD,
    HOLDS,
    IMAGES_LEFT,
    IN_FLIGHT,
    JOB,
    KEEPS,
    KIND,
    KNOWN,
    LEVEL,
    LOAD,
    MANY_WAIT,
    MARGIN_NS,
    NEVER,
    OFF,
    ON_TIME,
    ORDER,
    OWED,
    PHASE,
    REFUSED,
    REST,
    SERVICE,
    SPLIT,
    STEP_NS,
    STEPS_LEFT,
    TAIL,
    TOO_LATE,
    UNKNOWN,
    W_DECODES,
    W_IMAGES,
    W_STEPS,
    WORK_NS,
    WORTH,
    Farm,
    Floats,
    Ints,
    Rules,
)

HOLD, DROP = -1, -2


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


# estimates ---------------------------------------------------------------------------------


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


# the network -------------------------------------------------------------------------------


@inlined
def is_open(farm: Farm, job: int, service: int, now_ns: int) -> bool:
    """Whether the network lets a job get from its home to a service."""
    cuts, home, place = farm.cuts, farm.home[job], farm.place[farm.service_site[service]]
    if len(cuts) == 0 or home == place:
        return True
    return not (is_cut(cuts, home, now_ns) or is_cut(cuts, place, now_ns))


@inlined
def at_home(farm: Farm, job: int) -> tuple[int, int]:
    """Where a job stays that cannot get away, with the default steps."""
    home = farm.home[job]
    return int(farm.home_service[home]), int(farm.home_steps[home])


@inlined
def home_ns(farm: Farm, job: int, site: int) -> int:
    """When the images of a job that has ended at a site are home [ns]."""
    home, place = farm.home[job], farm.place[site]
    if home == place:
        return int(farm.finish_ns[job])
    left_ns = leaves_ns(farm.cuts, home, place, farm.finish_ns[job])
    return int(left_ns + farm.there_ns[farm.trip[job], 1])


# rules -------------------------------------------------------------------------------------


@inlined
def open_share(farm: Farm, rules: Rules, job: int, now_ns: int) -> float:
    """Sum of the shares that the network reaches, −1 if those are all."""
    home, kind = farm.home[job], farm.class_id[job]
    size, total, whole = rules.shares.shape[2], 0.0, True
    if len(farm.cuts) == 0:
        return -1.0
    for d in range(size):
        share = rules.shares[home, kind, d]
        if d >= size - 2 or is_open(farm, job, d, now_ns):
            total += share
        elif share > 0.0:
            whole = False
    return -1.0 if whole else total


@inlined
def split(farm: Farm, rules: Rules, job: int, now_ns: int) -> tuple[int, int]:
    """Send the job to the destination that has most credit, the first of equals."""
    home, kind = farm.home[job], farm.class_id[job]
    size = rules.shares.shape[2]
    best, most = -1, 0.0
    total = open_share(farm, rules, job, now_ns)
    if total == 0.0:
        return at_home(farm, job)
    for d in range(size):
        share = rules.shares[home, kind, d]
        if total > 0.0:
            closed = d < size - 2 and not is_open(farm, job, d, now_ns)
            share = 0.0 if closed else share / total
        credit = rules.credits[home, kind, d] + share
        rules.credits[home, kind, d] = credit
        if share > 0.0 and (best < 0 or credit > most):
            best, most = d, credit
    rules.credits[home, kind, best] -= 1.0
    if best >= size - 2:
        return (HOLD if best == size - 2 else DROP), 0
    return best, int(rules.split_steps[home, kind, best])


@inlined
def course_ns(rules: Rules, service: int, k: int, images: int) -> int:
    """Time from start to end of a job at a service and step count [ns]."""
    return int(images * rules.choices[service, k, 1] + rules.choices[service, k, 2])


@inlined
def rank_offers(counts: Ints, scores: Floats, best: Ints) -> None:
    """For each k, find the best on time up to it and the best late from it on; first of equals."""
    for service in range(len(counts)):
        count = counts[service]
        for k in range(count):
            last = best[service, k - 1, 0] if k > 0 else 0
            better = k == 0 or scores[service, k, ON_TIME] > scores[service, last, ON_TIME]
            best[service, k, 0] = k if better else last
        for k in range(count - 1, -1, -1):
            last = best[service, k + 1, 1] if k + 1 < count else k
            better = scores[service, k, TOO_LATE] >= scores[service, last, TOO_LATE]
            best[service, k, 1] = k if better else last


@inlined
def image_usd(scores: Floats, lateness: Floats, late_ns: int) -> float:
    """Score of an image that is so late, by the bargain of its service."""
    if late_ns <= 0:
        return float(scores[ON_TIME])
    if lateness[BARGAIN] == HARD:
        return float(scores[TOO_LATE])
    earned_usd, due_usd = settled_usd(late_ns, scores[WORTH], scores[OWED], lateness)
    return float(earned_usd - due_usd - scores[COST])


@inlined
def score(farm: Farm, rules: Rules, job: int, now_ns: int) -> tuple[int, int]:
    """Take the (service, steps) pair of the highest score; refuse or hold if it is too low."""
    home, images, kind = farm.home[job], farm.images[job], farm.class_id[job]
    last_ns = farm.deadline_ns[job] - rules.meta[MARGIN_NS]
    moves = 1 if farm.movable[job] else 0
    best, best_steps, best_score = DROP, 0, -np.inf
    lateness = read_grid(farm.memory).lateness
    for option in range(1, rules.options[home, moves, 0] + 1):
        service = rules.options[home, moves, option]
        if not is_open(farm, job, service, now_ns):
            continue
        site = farm.service_site[service]
        landing_ns, back_ns, usd = now_ns, 0, 0.0
        if farm.place[site] != home:
            trip = farm.trip[job]
            landing_ns, back_ns = now_ns + farm.there_ns[trip, 0], farm.there_ns[trip, 1]
            usd = farm.fare_usd[trip]
        wait_ns = max(0, farm.estimates[farm.first_gpu[site]] - landing_ns)
        ready_ns = landing_ns + wait_ns + back_ns
        fare = rules.weights[0] * usd
        count = rules.counts[service]
        if rules.weights[1] != 0.0 or lateness[service, BARGAIN] != HARD:
            for k in range(count):  # where time costs, any of them can be the best
                end_ns = ready_ns + course_ns(rules, service, k, images)
                each_usd = image_usd(rules.scores[service, k], lateness[service], end_ns - last_ns)
                value = images * each_usd - fare
                value -= rules.weights[1] * ((end_ns - farm.arrival_ns[job]) / 1e9)
                if value > best_score:
                    best, best_steps, best_score = service, rules.choices[service, k, 0], value
            continue
        in_time = 0
        while in_time < count and course_ns(rules, service, in_time, images) <= last_ns - ready_ns:
            in_time += 1
        if in_time > 0:
            k = rules.best[service, in_time - 1, 0]
            value = images * rules.scores[service, k, ON_TIME] - fare
            if value > best_score:
                best, best_steps, best_score = service, rules.choices[service, k, 0], value
        if in_time < count:
            k = rules.best[service, in_time, 1]
            value = images * rules.scores[service, k, TOO_LATE] - fare
            if value > best_score:
                best, best_steps, best_score = service, rules.choices[service, k, 0], value
    return or_wait(rules, kind, best, best_steps, best_score)


@inlined
def or_wait(rules: Rules, kind: int, best: int, steps: int, score: float) -> tuple[int, int]:
    """Refuse or hold a job whose best score is too low."""
    if score < rules.floors[1, kind]:
        return DROP, 0
    if score < rules.floors[0, kind]:
        return HOLD, 0
    return best, steps


@inlined
def shut_in(farm: Farm, rules: Rules, job: int, now_ns: int) -> bool:
    """Whether the network closes every service that the rule offers to a job."""
    moves = 1 if farm.movable[job] else 0
    offered = rules.options[farm.home[job], moves]
    if len(farm.cuts) == 0 or offered[0] == 0:
        return False
    for option in range(1, offered[0] + 1):
        if is_open(farm, job, offered[option], now_ns):
            return False
    return True


@inlined
def choose(farm: Farm, rules: Rules, job: int, now_ns: int) -> tuple[int, int]:
    """Follow the rule of the slot."""
    if rules.meta[KNOWN] != 0 and rules.known[job] != UNKNOWN:
        service = int(rules.known[job])
        if service >= 0 and not is_open(farm, job, service, now_ns):
            return at_home(farm, job)
        return service, int(rules.known_steps[job])
    if rules.meta[KIND] == ASK:
        return ASK_PYTHON, 0
    if rules.meta[KIND] == SPLIT:
        return split(farm, rules, job, now_ns)
    if shut_in(farm, rules, job, now_ns):
        return at_home(farm, job)
    return score(farm, rules, job, now_ns)


@inlined
def send(farm: Farm, job: int, now_ns: int, service: int, steps: int) -> bool:
    """Count a placement into its estimate and send the job; whether it joins a queue at once."""
    world = farm.world
    if service == HOLD:
        farm.held[world[HELD]] = job
        world[HELD] += 1
        return False
    if service >= 0:
        site = farm.service_site[service]
        level = farm.sites[site, DISPATCH_LEVEL]
        work_ns = job_ns(farm, job, service, steps, level)
        commit(farm, site, now_ns + there_ns(farm, job, site), work_ns)
    farm.service[job], farm.steps[job], farm.decided_ns[job] = service, steps, now_ns
    if service == DROP:
        world[REFUSED] += 1
        return False
    site = farm.service_site[service]
    trip_ns = there_ns(farm, job, site)
    if trip_ns == 0:
        return True
    push_flight(farm.flight_ns, farm.flight_job, world[IN_FLIGHT], now_ns + trip_ns, job)
    world[IN_FLIGHT] += 1
    return False
