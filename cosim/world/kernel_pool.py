"""GPUs in closed form, compiled: the same life of a GPU as in :mod:`cosim.world.pool_steps`.

Time is cut only where something is looked at or changed. A phase that has begun keeps its duration
and power; what follows it is computed from the site's clock when it is asked for.
"""

from __future__ import annotations

from cosim.world.compiled import inlined
from cosim.world.kernel_door import dismiss, is_full
from cosim.world.kernel_heap import make_heap, sift_down, sift_up
from cosim.world.kernel_queue import engage, give_up, join, leave, pick, release
from cosim.world.kernel_state import (
    BASE,
    BEGIN,
    BEGUN,
    BUSY_NS,
    CHANGED_LEVEL,
    CHANGED_NS,
    CHANGED_SITE,
    CHANGES,
    DECODE,
    DECODE_NS,
    ENCODE,
    ENCODE_NS,
    END,
    EPOCH,
    FINISHED,
    FIXED_BUSY_NS,
    FIXED_MW,
    FIXED_NS,
    FIXED_PJ,
    FOREVER,
    FREE,
    FROM,
    GIVES_UP,
    GPU_BITS,
    HEAD,
    HOLDS,
    IMAGES,
    IMAGES_LEFT,
    JOB,
    KEEPS,
    LEVEL,
    LOAD,
    MW,
    NEVER,
    OFF,
    OFF_WORDS,
    PAUSED,
    PHASE,
    PJ_HIGH,
    PJ_LOW,
    REST,
    RUNNING,
    SERVICE,
    SINCE,
    STEP,
    STEP_BUSY_NS,
    STEP_MW,
    STEP_NS,
    STEP_PJ,
    STEPS,
    STEPS_LEFT,
    STINT_NS,
    SWITCHED,
    TAIL,
    TURNED_AWAY,
    WORD,
    Farm,
)

_LOW = (1 << 32) - 1


@inlined
def post(farm: Farm, site: int, job: int, energy_pj: int, busy_ns: int) -> None:
    """Post energy to the job and, in two halves that cannot overflow, to the site's meter."""
    sites = farm.sites
    farm.energy_pj[job] += energy_pj
    sites[site, PJ_HIGH] += energy_pj >> 32
    sites[site, PJ_LOW] += energy_pj & _LOW
    sites[site, BUSY_NS] += busy_ns


@inlined
def post_phase(farm: Farm, site: int, gpu: int, until_ns: int) -> None:
    """Post what the GPU drew in its present phase since the last posting."""
    gpus = farm.gpus
    elapsed_ns, mw = until_ns - gpus[gpu, SINCE], gpus[gpu, MW]
    gpus[gpu, SINCE] = until_ns
    if mw != 0:
        post(farm, site, gpus[gpu, JOB], elapsed_ns * mw, elapsed_ns)


@inlined
def count(farm: Farm, site: int, steps: int, images: int) -> None:
    """Count ended steps and images."""
    farm.sites[site, STEPS] += steps
    farm.sites[site, IMAGES] += images


@inlined
def finish_ns(farm: Farm, site: int, gpu: int) -> int:
    """When the GPU will end its job at the present clock; FOREVER if it will stop before [ns]."""
    gpus = farm.gpus
    phase, left, images = gpus[gpu, PHASE], gpus[gpu, STEPS_LEFT], gpus[gpu, IMAGES_LEFT]
    if phase == PAUSED:
        return FOREVER
    if gpus[gpu, OFF] != 0:
        last_stretch = images == 0 and (phase == DECODE or (phase == STEP and left == 1))
        if not last_stretch:
            return FOREVER
    timing, service = farm.timing, gpus[gpu, SERVICE]
    level = farm.sites[site, LEVEL]
    step_ns = timing[service, level, STEP_NS]
    rest_ns = 0
    if phase == STEP:
        rest_ns = (left - 1) * step_ns + timing[service, level, DECODE_NS]
    elif left > 0:
        rest_ns = left * step_ns + timing[service, level, DECODE_NS]
    image_ns = timing[service, level, FIXED_NS] + farm.steps[gpus[gpu, JOB]] * step_ns
    return int(gpus[gpu, END] + rest_ns + images * image_ns)


@inlined
def post_rest(farm: Farm, site: int, gpu: int) -> None:
    """Post everything from the last posting to the end of the job."""
    gpus, timing = farm.gpus, farm.timing
    post_phase(farm, site, gpu, gpus[gpu, END])
    job, service, level = gpus[gpu, JOB], gpus[gpu, SERVICE], farm.sites[site, LEVEL]
    phase, images = gpus[gpu, PHASE], gpus[gpu, IMAGES_LEFT]
    left = gpus[gpu, STEPS_LEFT]
    ended = 1 if phase == STEP else 0
    per_image = farm.steps[job]
    steps = images * per_image + left - ended
    energy_pj = steps * timing[service, level, STEP_PJ]
    energy_pj += images * timing[service, level, FIXED_PJ]
    busy_ns = steps * timing[service, level, STEP_BUSY_NS]
    busy_ns += images * timing[service, level, FIXED_BUSY_NS]
    mw = timing[service, level, FIXED_MW]
    if left > 0 and mw != 0:
        decode_ns = timing[service, level, DECODE_NS]
        energy_pj += decode_ns * mw
        busy_ns += decode_ns
    post(farm, site, job, energy_pj, busy_ns)
    here = 1 if left > 0 or phase == DECODE else 0
    count(farm, site, steps + ended, images + here)


@inlined
def enter(farm: Farm, gpu: int, phase: int, mw: int, end_ns: int) -> None:
    """Begin a phase."""
    farm.gpus[gpu, PHASE] = phase
    farm.gpus[gpu, MW] = mw
    farm.gpus[gpu, END] = end_ns


@inlined
def steps_until(farm: Farm, site: int, gpu: int, until_ns: int) -> bool:
    """Take the steps that end by an instant; whether the image's last one did."""
    gpus, timing = farm.gpus, farm.timing
    service, level = gpus[gpu, SERVICE], farm.sites[site, LEVEL]
    begin_ns, left = gpus[gpu, SINCE], gpus[gpu, STEPS_LEFT]
    step_ns = timing[service, level, STEP_NS]
    ended = min(left, (until_ns - begin_ns) // step_ns)
    if ended > 0:
        energy_pj = ended * timing[service, level, STEP_PJ]
        busy_ns = ended * timing[service, level, STEP_BUSY_NS]
        post(farm, site, gpus[gpu, JOB], energy_pj, busy_ns)
        count(farm, site, ended, 0)
        begin_ns += ended * step_ns
        gpus[gpu, SINCE] = begin_ns
        gpus[gpu, STEPS_LEFT] = left - ended
    if left == ended:
        return True
    enter(farm, gpu, STEP, timing[service, level, STEP_MW], begin_ns + step_ns)
    return False


@inlined
def images_until(farm: Farm, site: int, gpu: int, until_ns: int) -> None:
    """Take the whole images that end by an instant."""
    gpus, timing = farm.gpus, farm.timing
    service, level, job = gpus[gpu, SERVICE], farm.sites[site, LEVEL], gpus[gpu, JOB]
    per_image = farm.steps[job]
    image_ns = timing[service, level, FIXED_NS] + per_image * timing[service, level, STEP_NS]
    ended = (until_ns - gpus[gpu, SINCE]) // image_ns
    if ended > 0:
        energy_pj = timing[service, level, FIXED_PJ]
        energy_pj += per_image * timing[service, level, STEP_PJ]
        busy_ns = timing[service, level, FIXED_BUSY_NS]
        busy_ns += per_image * timing[service, level, STEP_BUSY_NS]
        post(farm, site, job, ended * energy_pj, ended * busy_ns)
        count(farm, site, ended * per_image, ended)
        gpus[gpu, SINCE] += ended * image_ns
        gpus[gpu, IMAGES_LEFT] -= ended


@inlined
def end_phase(farm: Farm, site: int, gpu: int) -> bool:
    """End the present phase and count it; whether steps come next, else an image begins."""
    gpus = farm.gpus
    phase = gpus[gpu, PHASE]
    post_phase(farm, site, gpu, gpus[gpu, END])
    if phase == STEP:
        gpus[gpu, STEPS_LEFT] -= 1
        count(farm, site, 1, 0)
    elif phase == DECODE:
        count(farm, site, 0, 1)
    return bool(phase == STEP or gpus[gpu, STEPS_LEFT] > 0)


@inlined
def next_phase(farm: Farm, site: int, gpu: int, in_steps: bool, until_ns: int) -> None:
    """Go on from the boundary at SINCE, over whole stretches, to a phase of some length."""
    gpus, timing = farm.gpus, farm.timing
    service, level = gpus[gpu, SERVICE], farm.sites[site, LEVEL]
    mw = timing[service, level, FIXED_MW]
    while True:
        if not in_steps:
            if gpus[gpu, OFF] == 0:
                images_until(farm, site, gpu, until_ns)
            gpus[gpu, IMAGES_LEFT] -= 1
            gpus[gpu, STEPS_LEFT] = farm.steps[gpus[gpu, JOB]]
            encode_ns = timing[service, level, ENCODE_NS]
            if encode_ns > 0:
                enter(farm, gpu, ENCODE, mw, gpus[gpu, SINCE] + encode_ns)
                return
        if gpus[gpu, STEPS_LEFT] > 0:
            if gpus[gpu, OFF] != 0:
                enter(farm, gpu, PAUSED, 0, FOREVER)
                return
            if not steps_until(farm, site, gpu, until_ns):
                return
        decode_ns = timing[service, level, DECODE_NS]
        if decode_ns > 0:
            enter(farm, gpu, DECODE, mw, gpus[gpu, SINCE] + decode_ns)
            return
        count(farm, site, 0, 1)
        in_steps = False


@inlined
def walk(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Bring a GPU whose job has not ended to its phase after the boundaries at an instant."""
    gpus = farm.gpus
    while gpus[gpu, END] <= now_ns:
        in_steps = end_phase(farm, site, gpu)
        next_phase(farm, site, gpu, in_steps, now_ns)


@inlined
def follow(farm: Farm, site: int, gpu: int, now_ns: int) -> None:
    """Bring a GPU whose job has not ended to an instant and post what it drew."""
    walk(farm, site, gpu, now_ns)
    post_phase(farm, site, gpu, now_ns)


@inlined
def follow_all(farm: Farm, site: int, now_ns: int) -> None:
    """Bring all busy GPUs of a site to an instant by which its completions are done."""
    for gpu in range(farm.first_gpu[site], farm.first_gpu[site + 1]):
        if farm.gpus[gpu, JOB] != NEVER:
            follow(farm, site, gpu, now_ns)
    if now_ns - farm.sites[site, BASE] > (FOREVER >> farm.world[GPU_BITS]) >> 1:
        foresee(farm, site, now_ns)


@inlined
def foresee(farm: Farm, site: int, now_ns: int) -> None:
    """Compute all completions of a site anew, after its clock or its switches have changed."""
    first, size = farm.first_gpu[site], 0
    bits = farm.world[GPU_BITS]
    for gpu in range(first, farm.first_gpu[site + 1]):
        job = farm.gpus[gpu, JOB]
        if job != NEVER:
            if farm.gpus[gpu, PHASE] <= LOAD and farm.gpus[gpu, END] == now_ns:
                farm.epoch[job] = farm.sites[site, EPOCH]  # taken on this very edge
            end_ns = finish_ns(farm, site, gpu)
            if end_ns != FOREVER:
                farm.running[first + size] = (end_ns - now_ns) << bits | (gpu - first)
                size += 1
    farm.sites[site, BASE], farm.sites[site, RUNNING] = now_ns, size
    make_heap(farm.running, first, size)


@inlined
def log(farm: Farm, site: int, now_ns: int) -> None:
    """Note the clock and the switches of a site after a change, for recovering step times."""
    row, first = farm.changes[farm.world[CHANGES]], farm.first_gpu[site]
    row[:] = 0
    row[CHANGED_SITE], row[CHANGED_NS] = site, now_ns
    row[CHANGED_LEVEL] = farm.sites[site, LEVEL]
    for number in range(farm.first_gpu[site + 1] - first):
        if farm.gpus[first + number, OFF] == SWITCHED:
            row[OFF_WORDS + number // WORD] |= 1 << (number % WORD)
    farm.world[CHANGES] += 1


# jobs come and go --------------------------------------------------------------------------


@inlined
def take(farm: Farm, site: int, gpu: int, job: int, now_ns: int) -> int:
    """Give a job to an enabled GPU; the heap's key of its completion."""
    gpus, first = farm.gpus, farm.first_gpu[site]
    service = farm.service[job]
    gpus[gpu, JOB], gpus[gpu, SINCE] = job, now_ns
    gpus[gpu, STEPS_LEFT], gpus[gpu, IMAGES_LEFT] = 0, farm.images[job]
    begin_ns, held = now_ns, gpus[gpu, SERVICE]
    if held != service:
        gpus[gpu, SERVICE], gpus[gpu, FROM] = service, held
        row = farm.luck[job] + held + HOLDS
        begin_ns += farm.loading[row, service, 0]
        enter(farm, gpu, LOAD, farm.loading[row, service, 1], begin_ns)
    else:
        enter(farm, gpu, BEGIN, 0, now_ns)
    farm.gpu[job] = gpu - first
    if farm.sites[site, KEEPS] == 0:
        farm.start_ns[job] = begin_ns
    else:
        gpus[gpu, STEPS_LEFT] = farm.progress[job, REST]
        gpus[gpu, IMAGES_LEFT] -= farm.progress[job, BEGUN]
        farm.progress[job, STINT_NS] = begin_ns
        if farm.start_ns[job] == NEVER:
            farm.start_ns[job] = begin_ns
    farm.epoch[job] = farm.sites[site, EPOCH]
    end_ns = finish_ns(farm, site, gpu)
    return int((end_ns - farm.sites[site, BASE]) << farm.world[GPU_BITS] | (gpu - first))


@inlined
def serve(farm: Farm, site: int, now_ns: int) -> None:
    """Give waiting jobs to free, enabled GPUs."""
    sites, first = farm.sites, farm.first_gpu[site]
    while sites[site, HEAD] < sites[site, TAIL] and sites[site, FREE] > 0:
        at = pick(farm, site, now_ns)
        if at < 0:
            return
        if sites[site, GIVES_UP] != 0 and give_up(farm, site, now_ns):
            continue
        gpu = engage(farm, site, at, now_ns)
        key = take(farm, site, gpu, leave(farm, site), now_ns)
        sift_up(farm.running, first, sites[site, RUNNING], key)
        sites[site, RUNNING] += 1


@inlined
def complete(farm: Farm, site: int, until_ns: int) -> None:
    """End the jobs of a site that end by an instant; their GPUs take the next ones."""
    sites, running, first = farm.sites, farm.running, farm.first_gpu[site]
    bits = farm.world[GPU_BITS]
    while sites[site, RUNNING] > 0:
        key = running[first]
        end_ns = sites[site, BASE] + (key >> bits)
        if end_ns > until_ns:
            return
        end_first(farm, site, key & ((1 << bits) - 1), end_ns)


@inlined
def end_first(farm: Farm, site: int, number: int, end_ns: int) -> None:
    """End the job that is first to end; its GPU takes the next one."""
    sites, running, first = farm.sites, farm.running, farm.first_gpu[site]
    gpu = first + number
    post_rest(farm, site, gpu)
    job = farm.gpus[gpu, JOB]
    farm.finish_ns[job] = end_ns
    farm.finished[site, sites[site, FINISHED]] = job
    sites[site, FINISHED] += 1
    if farm.gpus[gpu, OFF] == 0:
        while sites[site, HEAD] < sites[site, TAIL]:
            if sites[site, GIVES_UP] != 0 and give_up(farm, site, end_ns):
                continue
            key = take(farm, site, gpu, leave(farm, site), end_ns)
            sift_down(running, first, sites[site, RUNNING], 0, key)
            return
    farm.gpus[gpu, JOB] = NEVER
    release(farm, site, number, end_ns)
    size = sites[site, RUNNING] - 1
    sites[site, RUNNING] = size
    if size > 0:
        sift_down(running, first, size, 0, running[first + size])


@inlined
def submit(farm: Farm, site: int, job: int, now_ns: int) -> None:
    """Let a job join the queue of a site after the completions of this instant."""
    complete(farm, site, now_ns)
    farm.landed_ns[job] = now_ns
    if is_full(farm, site):
        dismiss(farm, site, job, now_ns, TURNED_AWAY)
        return
    join(farm, site, job)
    serve(farm, site, now_ns)
