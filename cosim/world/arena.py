"""The compiled engine's arrays, laid out once per run from a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import Problem, ScenarioError
from cosim.world import kernel
from cosim.world.job_columns import trip_of
from cosim.world.kernel_state import (
    ALLOWED,
    ARMED,
    ARMED_NS,
    BATCH,
    BATCH_COLUMNS,
    BY_DEADLINE,
    BY_KEY,
    BY_PRIORITY,
    BY_STEPS,
    CHOOSES,
    FOREVER,
    FREE,
    GIVES_UP,
    GPU_BITS,
    GPU_COLUMNS,
    HOLDS,
    JOB,
    KEEPS,
    KEYED,
    LEVEL,
    LIMIT,
    NEVER,
    NEXT_NS,
    OFF_WORDS,
    ORDER,
    PREEMPT,
    RANK_SHIFT,
    SERVICE,
    SHIFT,
    SITE_COLUMNS,
    SLEEP_AFTER_NS,
    STINT_COLUMNS,
    TIMING_COLUMNS,
    WORD,
    WORK_COLUMNS,
    WORLD_ENTRIES,
    Farm,
    Floats,
    Ints,
    Small,
)
from cosim.world.loading import LUCKS, loading, luck_of
from cosim.world.plan import Plan, ServicePlan

_SIZES_AT_MOST = 4096
_CHANGES = 1024
_STINTS_AT_LEAST = 4096
_KEYS = {"srs": BY_STEPS, "priority": BY_PRIORITY, "edf": BY_DEADLINE}


def farm_of(plan: Plan, memory: int) -> Farm:
    """Lay out the arrays of a run, to be entered in the table at the address ``memory``.

    Raises:
        ScenarioError: a site is too large, or a job too long, for 64-bit instants.
    """
    jobs, info, count = plan.jobs, plan.info, len(plan.jobs)
    first = np.cumsum([0, *(site.gpus for site in plan.sites)], dtype=np.int64)
    total, sites = int(first[-1]), len(plan.sites)
    trip, there_ns, fare_usd = _trips(plan)
    batch_law, room = _batch_law(plan), _room(plan)
    return Farm(
        first_gpu=first,
        service_site=np.array(info.service_site, dtype=np.int64),
        place=np.array(info.place, dtype=np.int64),
        stay_service=np.array(info.stay_service, dtype=np.int64),
        class_size=np.array(info.class_size, dtype=np.int64),
        stay_steps=_stay_steps(plan),
        timing=_timing(plan.services),
        loading=_loading(plan),
        luck=_luck(plan),
        arrival_ns=_given(jobs.arrival_ns),
        deadline_ns=_given(jobs.deadline_ns),
        home=_given(jobs.home),
        class_id=_given(jobs.class_id),
        images=_given(jobs.images),
        movable=_given(jobs.transferable),
        trip=trip,
        there_ns=there_ns,
        fare_usd=fare_usd,
        service=np.full(count, NEVER, dtype=np.int32),
        steps=np.zeros(count, dtype=np.int32),
        gpu=np.full(count, NEVER, dtype=np.int32),
        decided_ns=np.full(count, NEVER, dtype=np.int64),
        landed_ns=np.full(count, NEVER, dtype=np.int64),
        start_ns=np.full(count, NEVER, dtype=np.int64),
        finish_ns=np.full(count, NEVER, dtype=np.int64),
        energy_pj=np.zeros(count, dtype=np.int64),
        epoch=np.zeros(count, dtype=np.int32),
        gpus=_gpus(plan, first),
        running=np.zeros(total, dtype=np.int64),
        free=_free(first),
        estimates=np.zeros(total, dtype=np.int64),
        sites=_sites(plan),
        # pages of these that no job touches cost nothing
        queue=np.empty((sites, count), dtype=np.int32),
        finished=np.empty((sites, count), dtype=np.int32),
        flight_ns=np.empty(count, dtype=np.int64),
        flight_job=np.empty(count, dtype=np.int32),
        held=np.empty(count, dtype=np.int64),
        spare_ns=np.empty(count, dtype=np.int64),
        spare_job=np.empty(count, dtype=np.int32),
        arrived=np.zeros((sites, len(info.classes)), dtype=np.int64),
        changes=np.zeros((_CHANGES, OFF_WORDS + _off_words(plan)), dtype=np.int64),
        world=_world(plan),
        key=np.zeros(count, dtype=np.int64),
        progress=np.zeros((count if _stints(plan) else 0, 3), dtype=np.int64),
        urgency=_urgency(plan),
        stints=np.empty((_stints(plan), STINT_COLUMNS), dtype=np.int64),
        batch_ns=batch_law[:, :, :, 0].copy(),
        batch_mw=batch_law[:, :, :, 1].copy(),
        batches=_batches(total),
        residents=np.zeros((total, room), dtype=np.int64),
        joining=np.zeros((total, room), dtype=np.int32),
        turns=_turns(first),
        work=np.zeros((len(plan.services), WORK_COLUMNS), dtype=np.int64),
        seen=np.zeros((2, sites), dtype=np.int64),
        cuts=np.array(plan.cuts, dtype=np.int64),
        memory=memory,
    )


def _stay_steps(plan: Plan) -> Ints:
    """Default steps of the service at which jobs of each class stay, shape (sites, classes)."""
    counts = np.array(plan.info.steps, dtype=np.int64)
    return np.ascontiguousarray(counts[plan.info.default_column[plan.info.stay_service]])


def _urgency(plan: Plan) -> Ints:
    """Rank of each job class by falling priority."""
    falling = np.array([-kind.priority for kind in plan.info.classes], dtype=np.int64)
    return np.unique(falling, return_inverse=True)[1].astype(np.int64).reshape(-1)


def _keeps(plan: Plan, site: int) -> bool:
    """Whether jobs of a site can be interrupted."""
    return plan.sites[site].preempt or any(fault.site == site for fault in plan.faults)


def _stints(plan: Plan) -> int:
    """Rows to begin with for runs that were interrupted; the engine adds more in time."""
    keeps = any(_keeps(plan, site) for site in range(len(plan.sites)))
    return len(plan.jobs) + _STINTS_AT_LEAST if keeps else 0


def _given(column: NDArray[Any]) -> NDArray[Any]:
    """A read-only, contiguous column: one type, so that kernels are compiled once."""
    array = np.ascontiguousarray(column).view()
    array.flags.writeable = False
    return array


def _timing(services: Sequence[ServicePlan]) -> Ints:
    """Durations, powers and their products, per service and clock level."""
    levels = max(len(service.step_ns) for service in services)
    timing = np.zeros((len(services), levels, TIMING_COLUMNS), dtype=np.int64)
    for s, plan in enumerate(services):
        for level in range(len(plan.step_ns)):
            encode_ns, decode_ns = plan.encode_ns[level], plan.decode_ns[level]
            step_ns, step_mw = plan.step_ns[level], plan.step_mw[level]
            fixed_ns, fixed_mw = encode_ns + decode_ns, plan.fixed_mw[level]
            timing[s, level] = (
                *(encode_ns, step_ns, decode_ns, fixed_mw, step_mw),
                *(fixed_ns, fixed_ns * fixed_mw, fixed_ns * bool(fixed_mw)),
                *(step_ns * step_mw, step_ns * bool(step_mw)),
                plan.share_ns(level),
            )
    return timing


def _loading(plan: Plan) -> Ints:
    """Time and power until a GPU can run a service, by what it holds and by luck."""
    services, site_of = plan.services, plan.info.service_site.tolist()
    lucks = [None, *range(LUCKS if plan.load_seed is not None else 0)]
    table = np.zeros((len(lucks), HOLDS + len(services), len(services), 2), dtype=np.int64)
    for row, luck in zip(table, lucks, strict=True):
        for wanted in range(len(services)):
            sleep = plan.sites[site_of[wanted]].sleep
            for held in range(-HOLDS, len(services)):
                row[HOLDS + held, wanted] = loading(services, sleep, held, wanted, luck)
    return table.reshape(-1, len(services), 2)


def _luck(plan: Plan) -> Small:
    """First row of ``loading`` for each job."""
    block = HOLDS + len(plan.services)
    if plan.load_seed is None:
        return np.zeros(len(plan.jobs), dtype=np.int32)
    return (block * (1 + luck_of(plan))).astype(np.int32)


def _room(plan: Plan) -> int:
    """Most jobs that a GPU holds at once; a job has an image at least."""
    return max(site.batch_max for site in plan.sites)


def _batch_law(plan: Plan) -> Ints:
    """Time and power per image of a step of X images, for batches and for jobs larger than one."""
    services, room = plan.services, _room(plan)
    most = max(room, int(plan.jobs.images.max(initial=1))) if room > 1 else 0
    levels = max(len(service.step_ns) for service in services)
    law = np.zeros((len(services), levels, most + 1, 2), dtype=np.int64)
    for s, service in enumerate(services):
        for level in range(len(service.step_ns)):
            for images in range(1, most + 1):
                law[s, level, images] = service.batch_step(level, images)
    return law


def _batches(gpus: int) -> Ints:
    batches = np.zeros((gpus, BATCH_COLUMNS), dtype=np.int64)
    batches[:, NEXT_NS] = FOREVER
    return batches


def _turns(first: Ints) -> Small:
    """A tournament per site in which nobody turns yet: the lowest number wins."""
    turns = np.zeros(2 * int(first[-1]), dtype=np.int32)
    for begin, end in zip(first[:-1].tolist(), first[1:].tolist(), strict=True):
        tree, count = turns[2 * begin : 2 * end], end - begin
        tree[count:] = np.arange(begin, end)
        for at in range(count - 1, 0, -1):
            tree[at] = min(tree[2 * at], tree[2 * at + 1])
    return turns


def _gpus(plan: Plan, first: Ints) -> Ints:
    gpus = np.zeros((int(first[-1]), GPU_COLUMNS), dtype=np.int64)
    gpus[:, JOB] = NEVER
    for i, site in enumerate(plan.sites):
        gpus[first[i] : first[i + 1], SERVICE] = site.preload
    return gpus


def _free(first: Ints) -> Ints:
    """Numbers of each site's GPUs, falling."""
    counts = np.diff(first).tolist()
    return np.concatenate([np.arange(n - 1, -1, -1, dtype=np.int64) for n in counts])


def _sites(plan: Plan) -> Ints:
    sites = np.zeros((len(plan.sites), SITE_COLUMNS), dtype=np.int64)
    for i, site in enumerate(plan.sites):
        plain = {"fcfs": 0, "edf": 1}.get(site.discipline, BY_KEY)
        sites[i, ORDER] = BY_KEY if site.preempt else plain
        sites[i, CHOOSES] = site.chooses
        sites[i, LEVEL] = site.levels - 1
        sites[i, FREE] = sites[i, ALLOWED] = site.gpus
        sites[i, KEYED] = _KEYS.get(site.discipline, 0)
        sites[i, SHIFT] = RANK_SHIFT if site.discipline == "priority" else 0
        sites[i, PREEMPT], sites[i, KEEPS] = site.preempt, _keeps(plan, i)
        sites[i, ARMED_NS] = FOREVER
        sites[i, BATCH] = site.batch_max if site.batch_max > 1 else 0
        sites[i, ARMED] = NEVER
        sites[i, LIMIT] = FOREVER if site.queue_limit is None else site.queue_limit
        sites[i, GIVES_UP] = site.gives_up
        sites[i, SLEEP_AFTER_NS] = NEVER if site.sleep is None else site.sleep.after_ns
    return sites


def _off_words(plan: Plan) -> int:
    """Words that hold one bit for every GPU of the largest site."""
    return -(-max(site.gpus for site in plan.sites) // WORD)


def _world(plan: Plan) -> Ints:
    world = np.zeros(WORLD_ENTRIES, dtype=np.int64)
    world[GPU_BITS] = max(1, max(site.gpus - 1 for site in plan.sites).bit_length())
    _guard(plan, int(world[GPU_BITS]))
    return world


def _guard(plan: Plan, bits: int) -> None:
    """A completion and its GPU share one 64-bit key: refuse jobs that would not fit."""
    images = int(plan.jobs.images.max(initial=1))
    steps = max(plan.info.default_steps, *plan.info.steps)
    loads_ns = _loading(plan)[:, :, 0].max(axis=0).tolist()
    longest_ns = max(
        loads_ns[s] + service.job_ns(level, steps, images)
        for s, service in enumerate(plan.services)
        for level in range(len(service.step_ns))
    )
    limit_ns = (FOREVER >> bits) >> 1
    if longest_ns > limit_ns:
        said = f"a job of {longest_ns / 1e9:g} s is longer than {limit_ns / 1e9:g} s, the limit "
        said += f"at {max(site.gpus for site in plan.sites)} GPUs; use `engine: reference`"
        raise ScenarioError([Problem("scenario", 0, 0, "engine", said)])


def _trips(plan: Plan) -> tuple[Small, Ints, Floats]:
    """The few sizes that occur, as an index per job, and what moving each takes."""
    input_mb, output_mb = _given(plan.jobs.input_mb), _given(plan.jobs.output_mb)
    index = np.empty(len(input_mb), dtype=np.int32)
    sizes = np.empty((_SIZES_AT_MOST, 2), dtype=np.float64)
    count = kernel.tell_sizes(input_mb, output_mb, index, sizes)
    if count < 0:
        pairs = np.stack([input_mb, output_mb], axis=1)
        sizes, inverse = np.unique(pairs, axis=0, return_inverse=True)
        index, count = inverse.reshape(-1).astype(np.int32), len(sizes)
    trips = [trip_of(plan.link, *size) for size in sizes[:count].tolist()]
    there_ns = np.array([(t.there_ns, t.back_ns) for t in trips], dtype=np.int64).reshape(-1, 2)
    return index, there_ns, np.array([t.usd for t in trips], dtype=np.float64)
