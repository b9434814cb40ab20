"""What the compiled engine knows: one tuple of arrays, and the names of their columns.

Rows of ``gpus`` are the GPUs of all sites one after another. A busy GPU is in a *phase* that began
under the clock of its time and ends at ``END``; everything after it follows the site's present
clock, so that its completion is closed form until the clock or the switch changes.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Small = NDArray[np.int32]
Floats = NDArray[np.float64]

# the same with the number of dimensions, for the records that compiled code reads
Ints1 = Annotated[NDArray[np.int64], 1]
Ints2 = Annotated[NDArray[np.int64], 2]
Ints3 = Annotated[NDArray[np.int64], 3]
Small1 = Annotated[NDArray[np.int32], 1]
Small2 = Annotated[NDArray[np.int32], 2]
Floats1 = Annotated[NDArray[np.float64], 1]
Floats2 = Annotated[NDArray[np.float64], 2]
Floats3 = Annotated[NDArray[np.float64], 3]
Bools1 = Annotated[NDArray[np.bool_], 1]
Bools2 = Annotated[NDArray[np.bool_], 2]

NEVER = -1
FULL = -3
FOREVER = (1 << 63) - 1

# what a GPU holds beside services: nothing because it sleeps, or (NEVER) nothing at all; row of
# service 0 in Farm.loading
ASLEEP, HOLDS = -2, 2

# jobs that no GPU has run to the end, in the column of their GPU: dropped from the queue because
# nothing would be paid any more; turned away by a full queue
GIVEN_UP, TURNED_AWAY = -2, -3

# phases of a busy GPU; BEGIN and WAKE last no time and end when the edge is over
BEGIN, LOAD, ENCODE, STEP, DECODE, PAUSED, WAKE = range(7)

# Farm.gpus, column OFF: switched off by the guard, or down
SWITCHED, DOWN = 1, 2

# columns of Farm.gpus; SINCE of a GPU without a job: since when; FROM of one that loads: what it
# held before
JOB, SERVICE, PHASE, END, SINCE, MW, STEPS_LEFT, IMAGES_LEFT, OFF, FROM = range(10)
GPU_COLUMNS = 10

# columns of Farm.sites: what the site is and where its clock, queue and GPUs stand; ORDER is 0 for
# a queue in order of landing, 1 for a heap by deadline, BY_KEY for one by Farm.key; CHOOSES tells
# whether it matters which free GPU takes a job …
ORDER, CHOOSES, LEVEL, DISPATCH_LEVEL, HEAD, TAIL, FREE, RUNNING, BASE, OFFS = range(10)
# … and what its meters and counters hold
PJ_HIGH, PJ_LOW, BUSY_NS, DOWN_NS, STEPS, IMAGES, SLEPT_NS = range(10, 17)
FINISHED, ESTIMATES, EPOCH = range(17, 20)
# … what the key is (KEYED), whether jobs take GPUs over and when the next does, whether jobs are
# interrupted at all (KEEPS) …
KEYED, SHIFT, LANDED, PREEMPT, KEEPS, ARMED_NS, ARMED_GPU = range(20, 27)
BY_KEY = 2
BY_STEPS, BY_PRIORITY, BY_DEADLINE = 1, 2, 3
RANK_SHIFT = 40  # a key by priority: the rank of the class above, the number of the landing below
# … and its GPUs that are down; ALLOWED is how many may run
DOWNS, DOWN_SINCE, ALLOWED = range(27, 30)
# … and, where GPUs batch, how many images, and which GPU will take the head of the queue
BATCH, ARMED = range(30, 32)
# … most jobs that may wait, whether those that cannot be paid any more are given up, after what
# time without a job a GPU sleeps (NEVER: at no time), and up to when sleep has been metered
LIMIT, GIVES_UP, SLEEP_AFTER_NS, SLEPT_TO_NS = range(32, 36)
SITE_COLUMNS = 36

# columns of Farm.batches: images and jobs on the GPU, their model, steps taken and pJ per image
# since the beginning; jobs that join and how many of them are encoded or being so; next change
BATCH_IMAGES, BATCH_JOBS, BATCH_SERVICE, BATCH_STEPS, BATCH_PJ = range(5)
JOINING, ENCODED, NEXT_NS = range(5, 8)
BATCH_COLUMNS = 8
JOB_BITS = (1 << 32) - 1  # of an entry of Farm.residents, the job
NO_GPU = 1 << 40  # beyond every number of a GPU

# last axis of Farm.timing, per service and clock level: of phases, then of stretches
ENCODE_NS, STEP_NS, DECODE_NS, FIXED_MW, STEP_MW = range(5)
FIXED_NS, FIXED_PJ, FIXED_BUSY_NS, STEP_PJ, STEP_BUSY_NS = range(5, 10)
# … and of a step's share of a full batch, by which queues are estimated
WORK_NS = 10
TIMING_COLUMNS = 11

# entries of Farm.world
NEXT_JOB, IN_FLIGHT, HELD, HELD_BEFORE, HELD_AT, REFUSED = range(6)
GPU_BITS, CHANGES, AT_EDGE, STINTS, STINTS_LOST = range(6, 11)
WORLD_ENTRIES = 11

# columns of Farm.changes; from OFF_WORDS on, one bit for each GPU that is switched off
CHANGED_SITE, CHANGED_NS, CHANGED_LEVEL, OFF_WORDS = range(4)
WORD = 62

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
        place: site at whose meter each site stands, shape (sites,).
        home_service: the service of jobs that stay, shape (sites,).
        home_steps: steps of those that cannot get away, shape (sites,).
        timing: durations and powers, shape (services, levels, TIMING_COLUMNS).
        loading: time [ns] and power [mW] until a GPU can run a service, by what it holds: row
            HOLDS + ASLEEP, HOLDS + NEVER or HOLDS + service: first as expected, then by luck,
            shape (blocks · (services + 2), services, 2).
        luck: row in ``loading`` from which on a job finds what it has drawn, shape (jobs,).
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
        gpu: the GPU it ran on, the last one if there were several; GIVEN_UP or TURNED_AWAY.
        decided_ns: when it was placed.
        landed_ns: when it joined a queue.
        start_ns: when its first image began.
        finish_ns: when its last image ended, or it was given up or turned away.
        energy_pj: energy of its GPU meanwhile.
        epoch: how many changes of clock and switches its site had seen when it took its GPU.
        gpus: state of each GPU, shape (GPUs, GPU_COLUMNS).
        running: heap of (completion − base) << bits | GPU of the busy GPUs of each site.
        free: numbers of free GPUs of each site, falling, shape (GPUs,).
        estimates: heap of estimated instants of completion of each site, shape (GPUs,).
        sites: state of each site, shape (sites, SITE_COLUMNS).
        queue: waiting jobs of each site: a row from HEAD to TAIL, or a heap, shape (sites, jobs).
        finished: jobs in order of their ends, shape (sites, jobs).
        flight_ns: heap of landings, together with ``flight_job``.
        flight_job: the jobs of these landings.
        held: jobs that wait at home.
        spare_ns: working memory.
        spare_job: working memory.
        arrived: jobs since the last slot edge, shape (sites, classes).
        changes: log of changes of clocks and switches, shape (capacity, OFF_WORDS + words).
        world: scalars; AT_EDGE tells that an edge is being worked at, not an arrival.
        key: what the queue is ordered by where ORDER says so; the smaller, the more urgent.
        progress: of jobs at sites that interrupt them, shape (jobs, 3), or (0, 3) without such.
        urgency: rank of each class by falling priority, shape (classes,).
        stints: rows of runs of jobs that were interrupted, see STINT_COLUMNS.
        batch_ns: time of a step of X images, shape (services, levels, most images + 1) [ns].
        batch_mw: board power per image in such a step, same shape [mW].
        batches: what each batching GPU holds, shape (GPUs, BATCH_COLUMNS).
        residents: of each batching GPU a heap of (step count when done) << 32 | job, shape
            (GPUs, most jobs).
        joining: jobs of each batching GPU that are to be encoded, shape (GPUs, most jobs).
        turns: of each site a tournament of its GPUs for the next change: winner of all at 1,
            GPUs from the number of GPUs on; shape (2 · GPUs,).
        work: what waits for each service, shape (services, WORK_COLUMNS).
        seen: estimated wait and backlog of each site, for callbacks, shape (2, sites) [ns].
        cuts: when sites are cut off (:mod:`cosim.physics.network_scalar`), shape (cuts, 3).
        memory: address of the table of addresses, for compiled pieces.
    """

    first_gpu: Ints1
    service_site: Ints1
    place: Ints1
    home_service: Ints1
    home_steps: Ints1
    timing: Ints3
    loading: Ints3
    luck: Small1
    arrival_ns: Ints1
    deadline_ns: Ints1
    home: Small1
    class_id: Small1
    images: Small1
    movable: Bools1
    trip: Small1
    there_ns: Ints2
    fare_usd: Floats1
    service: Small1
    steps: Small1
    gpu: Small1
    decided_ns: Ints1
    landed_ns: Ints1
    start_ns: Ints1
    finish_ns: Ints1
    energy_pj: Ints1
    epoch: Small1
    gpus: Ints2
    running: Ints1
    free: Ints1
    estimates: Ints1
    sites: Ints2
    queue: Small2
    finished: Small2
    flight_ns: Ints1
    flight_job: Small1
    held: Ints1
    spare_ns: Ints1
    spare_job: Small1
    arrived: Ints2
    changes: Ints2
    world: Ints1
    key: Ints1
    progress: Ints2
    urgency: Ints1
    stints: Ints2
    batch_ns: Ints3
    batch_mw: Ints3
    batches: Ints2
    residents: Ints2
    joining: Small2
    turns: Small1
    work: Ints2
    seen: Ints2
    cuts: Ints2
    memory: int


# columns of Farm.work: images that have not begun, denoising steps, images to be decoded
W_IMAGES, W_STEPS, W_DECODES = range(3)
WORK_COLUMNS = 3

MANY_WAIT = 32
"""Jobs in the queue per GPU beyond which its estimate is levelled out."""

# entries of Rules.meta
KIND, MARGIN_NS, KNOWN = range(3)
SPLIT, SCORE, ASK = range(3)

# last axis of Rules.scores, of an image: on time; late, where it earns nothing then; and, of
# services where it may still earn something: its worth on time, the penalty due, the price
ON_TIME, TOO_LATE, WORTH, OWED, COST = range(5)
SCORES = 5

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
        scores: score of an image and its parts [USD], shape (services, counts, SCORES).
        best: of each k, the best on time up to it and the best late from it on, shape (services,
            counts, 2).
        weights: of the transfer and of a second of delay, shape (2,).
        floors: hold and drop limits per class, shape (2, classes) [USD].
        known: explicit destination of each job, UNKNOWN without; shape (jobs,) or (0,).
        known_steps: steps of these.
    """

    meta: Ints1
    shares: Floats3
    split_steps: Ints3
    credits: Floats3
    options: Ints3
    counts: Ints1
    choices: Ints3
    scores: Floats3
    best: Ints3
    weights: Floats1
    floors: Floats2
    known: Small1
    known_steps: Small1
