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

# Farm.gpus, column OFF: switched off by the guard, or down
SWITCHED, DOWN = 1, 2

# columns of Farm.gpus
JOB, SERVICE, PHASE, END, SINCE, MW, STEPS_LEFT, IMAGES_LEFT, OFF = range(9)

# columns of Farm.sites: what the site is and where its clock, queue and GPUs stand; EDF is 0 for a
# queue in order of landing, 1 for a heap by deadline, BY_KEY for one by Farm.key …
EDF, MANY_MODELS, LEVEL, DISPATCH_LEVEL, HEAD, TAIL, FREE, RUNNING, BASE, OFFS = range(10)
# … and what its meters and counters hold
PJ_HIGH, PJ_LOW, BUSY_NS, STEPS, IMAGES, FINISHED, ESTIMATES, EPOCH = range(10, 18)
# … what the key is (KEYED), whether jobs take GPUs over and when the next does, whether jobs are
# interrupted at all (KEEPS) …
KEYED, SHIFT, LANDED, PREEMPT, KEEPS, ARMED_NS, ARMED_GPU = range(18, 25)
BY_KEY = 2
BY_STEPS, BY_PRIORITY, BY_DEADLINE = 1, 2, 3
RANK_SHIFT = 40  # a key by priority: the rank of the class above, the number of the landing below
# … and its GPUs that are down; ALLOWED is how many may run
DOWNS, DOWN_SINCE, DOWN_NS, ALLOWED = range(25, 29)
SITE_COLUMNS = 29

# last axis of Farm.timing, per service and clock level: of phases, then of stretches
ENCODE_NS, STEP_NS, DECODE_NS, FIXED_MW, STEP_MW = range(5)
FIXED_NS, FIXED_PJ, FIXED_BUSY_NS, STEP_PJ, STEP_BUSY_NS = range(5, 10)
TIMING_COLUMNS = 10

# entries of Farm.world
NEXT_JOB, IN_FLIGHT, HELD, HELD_BEFORE, HELD_AT, REFUSED = range(6)
WINDOW_NS, DEFAULT_STEPS, GPU_BITS = range(6, 9)
AT_EDGE, STINTS, STINTS_LOST = range(9, 12)
WORLD_ENTRIES = 12

# columns of Farm.progress: images that had begun when the job last took a GPU, denoising steps
# left of the image under way then (0 without), when it began or went on there [ns]
BEGUN, REST, STINT_NS = range(3)

# columns of Farm.stints
STINT_JOB, STINT_GPU, STINT_BEGIN, STINT_END, STINT_BEGUN, STINT_REST, STINT_EPOCH = range(7)
STINT_COLUMNS = 7


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
        gpu: the GPU it ran on, the last one if there were several.
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
        world: scalars; AT_EDGE tells that an edge is being worked at, not an arrival.
        key: what the queue is ordered by where EDF says so; the smaller, the more urgent.
        progress: of jobs at sites that interrupt them, shape (jobs, 3), or (0, 3) without such.
        urgency: rank of each class by falling priority, shape (classes,).
        stints: rows of runs of jobs that were interrupted, see STINT_COLUMNS.
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
    key: Ints
    progress: Ints
    urgency: Ints
    stints: Ints


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
        choices: steps and image time [ns] of each, shape (services, counts, 2).
        scores: score of an image on time and late [USD], same shape.
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
