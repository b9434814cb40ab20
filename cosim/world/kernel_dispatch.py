"""Dispatch rules, compiled: the same numbers in the same order of operations.

The readable forms are :mod:`cosim.world.dispatch` and :mod:`cosim.world.scorer`.
"""

from __future__ import annotations

import numpy as np

from cosim.physics.network_scalar import is_cut, leaves_ns
from cosim.physics.service_scalar import HARD, settled_usd
from cosim.physics.service_scalar import KIND as BARGAIN
from cosim.world.compiled import inlined
from cosim.world.kernel_estimate import commit, job_ns, there_ns
from cosim.world.kernel_heap import push_flight
from cosim.world.kernel_memory import read_grid
from cosim.world.kernel_state import (
    ASK,
    ASK_PYTHON,
    COST,
    DISPATCH_LEVEL,
    HELD,
    IN_FLIGHT,
    KIND,
    KNOWN,
    MARGIN_NS,
    ON_TIME,
    OWED,
    REFUSED,
    SPLIT,
    TOO_LATE,
    UNKNOWN,
    WORTH,
    Farm,
    Floats,
    Ints,
    Rules,
)

HOLD, DROP = -1, -2


# the network -----------------------------------------------------------------------------


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
    home, kind = farm.home[job], farm.class_id[job]
    return int(farm.stay_service[home, kind]), int(farm.stay_steps[home, kind])


@inlined
def home_ns(farm: Farm, job: int, site: int) -> int:
    """When the images of a job that has ended at a site are home [ns]."""
    home, place = farm.home[job], farm.place[site]
    if home == place:
        return int(farm.finish_ns[job])
    left_ns = leaves_ns(farm.cuts, home, place, farm.finish_ns[job])
    return int(left_ns + farm.there_ns[farm.trip[job], 1])


# rules -----------------------------------------------------------------------------------


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
    door = 2 * farm.class_size[kind] + (1 if farm.movable[job] else 0)
    best, best_steps, best_score = DROP, 0, -np.inf
    lateness = read_grid(farm.memory).lateness
    for option in range(1, rules.options[home, door, 0] + 1):
        service = rules.options[home, door, option]
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
    door = 2 * farm.class_size[farm.class_id[job]] + (1 if farm.movable[job] else 0)
    offered = rules.options[farm.home[job], door]
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
