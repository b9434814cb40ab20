"""What the compiled engine knows: one tuple of arrays, and the names of their columns.

Rows of ``gpus`` are the GPUs of all sites one after another. A busy GPU is in a *phase* that began
under the clock of its time and ends at ``END``; everything after it follows the site's present
clock, so that its completion is closed form until the clock or the switch changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Small = NDArray[np.int32]
Floats = NDArray[np.float64]

NEVER = -1
FOREVER = (1 << 63) - 1

# phases of a busy GPU; BEGIN and WAKE last no time and end when the edge is over
BEGIN, LOAD, ENCODE, STEP, DECODE, PAUSED, WAKE = range(7)

# columns of Farm.gpus
JOB, SERVICE, PHASE, END, SINCE, MW, STEPS_LEFT, IMAGES_LEFT, OFF = range(9)

# columns of Farm.sites: what the site is and where its clock, queue and GPUs stand …
EDF, MANY_MODELS, LEVEL, DISPATCH_LEVEL, HEAD, TAIL, FREE, RUNNING, BASE, OFFS = range(10)
# … and what its meters and counters hold
PJ_HIGH, PJ_LOW, BUSY_NS, STEPS, IMAGES, FINISHED, ESTIMATES, EPOCH = range(10, 18)
# … and, where GPUs batch, how many images, and which GPU will take the head of the queue when
BATCH, ARMED_NS, ARMED = range(18, 21)
SITE_COLUMNS = 21

# columns of Farm.batches: images and jobs on the GPU, their model, steps taken and pJ per image
# since the beginning; jobs that join and how many of them are encoded or being so; next change
BATCH_IMAGES, BATCH_JOBS, BATCH_SERVICE, BATCH_STEPS, BATCH_PJ = range(5)
JOINING, ENCODED, NEXT_NS = range(5, 8)
BATCH_COLUMNS = 8

# last axis of Farm.timing, per service and clock level: of phases, then of stretches
ENCODE_NS, STEP_NS, DECODE_NS, FIXED_MW, STEP_MW = range(5)
FIXED_NS, FIXED_PJ, FIXED_BUSY_NS, STEP_PJ, STEP_BUSY_NS = range(5, 10)
# … and of a step's share of a full batch, by which queues are estimated
WORK_NS = 10
TIMING_COLUMNS = 11

# entries of Farm.world
NEXT_JOB, IN_FLIGHT, HELD, HELD_BEFORE, HELD_AT, REFUSED = range(6)
WINDOW_NS, DEFAULT_STEPS, GPU_BITS = range(6, 9)
WORLD_ENTRIES = 9


class Farm(NamedTuple):
    """All sites, jobs and clocks.

    Attributes:
        first_gpu: first row of each site in ``gpus``, and the end, shape (sites + 1,).
        service_site: site of each service, shape (services,).
        home_service: the service of jobs that stay, shape (sites,).
        timing: durations and powers, shape (services, levels, TIMING_COLUMNS).
        loading: load time [ns] and power [mW], shape (services, 2).
        arrival_ns: see :class:`cosim.traces.jobs.JobSet`; shape (jobs,), as all job columns.
        deadline_ns: likewise.
        home: likewise.
        class_id: likewise.
        images: likewise.
        movable: whether the job may leave home.
        trip: index of the job's size in ``there_ns`` and ``fare_usd``.
        there_ns: time to move a prompt and images, shape (sizes, 2) [ns].
        fare_usd: price of both, shape (sizes,) [USD].
        service: where each job went.
        steps: steps per image it was given.
        gpu: the GPU it ran on.
        decided_ns: when it was placed.
        landed_ns: when it joined a queue.
        start_ns: when its first image began.
        finish_ns: when its last image ended.
        energy_pj: energy of its GPU meanwhile.
        epoch: how many changes of clock and switches its site had seen when it took its GPU.
        gpus: state of each GPU, shape (GPUs, 9).
        running: heap of (completion − base) << bits | GPU of the busy GPUs of each site.
        free: numbers of free GPUs of each site, falling, shape (GPUs,).
        estimates: heap of estimated instants of completion of each site, shape (GPUs,).
        sites: state of each site, shape (sites, SITE_COLUMNS).
        queue: waiting jobs of each site: a row from HEAD to TAIL, or a heap, shape (sites, jobs).
        finished: jobs in order of completion, shape (sites, jobs).
        flight_ns: heap of landings, together with ``flight_job``.
        flight_job: the jobs of these landings.
        held: jobs that wait at home.
        spare_ns: working memory.
        spare_job: working memory.
        arrived: jobs since the last slot edge, shape (sites, classes).
        world: scalars.
        batch_ns: time of a step of X images, shape (services, levels, most images + 1) [ns].
        batch_mw: board power per image in such a step, same shape [mW].
        batches: what each batching GPU holds, shape (GPUs, BATCH_COLUMNS).
        residents: of each batching GPU a heap of (step count when done) << 32 | job, shape
            (GPUs, most jobs).
        joining: jobs of each batching GPU that are to be encoded, shape (GPUs, most jobs).
        turns: of each site a tournament of its GPUs for the next change: winner of all at 1,
            GPUs from the number of GPUs on; shape (2 · GPUs,).
    """

    first_gpu: Ints
    service_site: Ints
    home_service: Ints
    timing: Ints
    loading: Ints
    arrival_ns: Ints
    deadline_ns: Ints
    home: Small
    class_id: Small
    images: Small
    movable: NDArray[np.bool_]
    trip: Small
    there_ns: Ints
    fare_usd: Floats
    service: Small
    steps: Small
    gpu: Small
    decided_ns: Ints
    landed_ns: Ints
    start_ns: Ints
    finish_ns: Ints
    energy_pj: Ints
    epoch: Small
    gpus: Ints
    running: Ints
    free: Ints
    estimates: Ints
    sites: Ints
    queue: Small
    finished: Small
    flight_ns: Ints
    flight_job: Small
    held: Small
    spare_ns: Ints
    spare_job: Small
    arrived: Ints
    world: Ints
    batch_ns: Ints
    batch_mw: Ints
    batches: Ints
    residents: Ints
    joining: Small
    turns: Small


# entries of Rules.meta
KIND, MARGIN_NS, KNOWN = range(3)
SPLIT, SCORE, ASK = range(3)

# answers of a rule beside services, HOLD (−1) and DROP (−2)
ASK_PYTHON = -8
UNKNOWN = -9


class Rules(NamedTuple):
    """The dispatch rule of the slot as tables.

    Attributes:
        meta: kind of the rule, margin [ns], whether explicit placements exist.
        shares: of a SplitRule, shape (sites, classes, services + 2).
        split_steps: of a SplitRule, shape (sites, classes, services).
        credits: what each destination has coming, shape as ``shares``; kept from slot to slot.
        options: of a ScoreRule: [count, services…] for each home and for jobs that may not (0)
            or may (1) leave it, shape (sites, 2, services + 1).
        counts: step counts open at each service, shape (services,).
        choices: steps, time per image and time in all [ns], shape (services, counts, 3).
        scores: score of an image on time and late [USD], shape (services, counts, 2).
        weights: of the transfer and of a second of delay, shape (2,).
        floors: hold and drop limits per class, shape (2, classes) [USD].
        known: explicit destination of each job, UNKNOWN without; shape (jobs,) or (0,).
        known_steps: steps of these.
    """

    meta: Ints
    shares: Floats
    split_steps: Ints
    credits: Floats
    options: Ints
    counts: Ints
    choices: Ints
    scores: Floats
    weights: Floats
    floors: Floats
    known: Small
    known_steps: Small
