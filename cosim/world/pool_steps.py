"""The reference engine: a site's GPUs as SimPy processes, one event per denoising step.

Written to be read; it is the specification in code. A GPU takes the job at the head of the
queue, loads the model if another one is in memory, and for each image encodes, denoises step by
step and decodes. It looks at the clock, at the enable switch and for a more urgent job at the
boundaries of steps and phases only. The free GPU that has the model in memory and the lowest
number takes a job; without such a one, the free GPU of the lowest number.

What is left of a job stands in its :class:`JobState`, so that it can go on later and elsewhere.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Generator
from typing import Any

import simpy

from cosim.world.events import NsEnvironment, Tick, gpu_priority
from cosim.world.jobstate import NEVER, JobState
from cosim.world.plan import ServicePlan, SitePlan
from cosim.world.pool import BinReading
from cosim.world.queues import DISCIPLINES

Steps = Generator[simpy.Event, Any, None]


class _Gpu:
    """One GPU: what it holds, what it is at, since when it has drawn its present power."""

    __slots__ = (
        "asleep",
        "down",
        "encoding",
        "heard",
        "job",
        "loading",
        "mw",
        "number",
        "paused",
        "process",
        "service",
        "since_ns",
        "tick",
    )

    process: simpy.Process

    def __init__(self, tick: Tick, number: int, service: int) -> None:
        self.number, self.service, self.tick = number, service, tick
        self.job = self.heard = NEVER
        self.asleep = self.paused = self.loading = self.encoding = self.down = False
        self.mw = self.since_ns = 0


class StepPool:
    """A pool that advances one denoising step at a time (see :class:`cosim.world.pool.Pool`)."""

    def __init__(
        self,
        env: NsEnvironment,
        site: int,
        plan: SitePlan,
        services: tuple[ServicePlan, ...],
        state: JobState,
    ) -> None:
        self.env, self.plan, self.services, self.state = env, plan, services, state
        self._site = site
        self._queue = DISCIPLINES[plan.discipline](state)
        self._gpus = [_Gpu(self._tick(g), g, plan.preload) for g in range(plan.gpus)]
        self._free = list(range(plan.gpus))
        self._disabled: set[int] = set()
        self._allowed = plan.gpus
        self._level = plan.levels - 1
        self._news = 0
        self._finished: list[int] = []
        self._busy_pj = self._busy_ns = self._steps = self._images = 0
        self._down_ns = self._down_since_ns = 0
        for gpu in self._gpus:
            gpu.process = env.process(self._life(gpu))

    def _tick(self, number: int) -> Tick:
        return Tick(self.env, gpu_priority(self._site, number))

    # what others do to the pool ---------------------------------------------------------

    def submit(self, job: int) -> None:
        """Let a job join the queue now; it starts at once if a GPU is free."""
        self.state.landed_ns[job] = self.env.now
        self._queue.push(job)
        self._serve()

    def set_clock(self, level: int) -> None:
        """Change the clock; each GPU follows at its next phase or denoising-step boundary."""
        if level != self._level:
            self._level = level
            self._news += 1

    def set_enabled(self, count: int) -> None:
        """Let only so many GPUs run: free ones are switched off first, from the highest number.

        GPUs that are down do not count.
        """
        self._allowed = count
        up = [gpu for gpu in self._gpus if not gpu.down]
        surplus = max(0, len(up) - count)
        order = sorted(up, key=lambda gpu: (gpu.job == NEVER, gpu.number), reverse=True)
        disabled = {gpu.number for gpu in order[:surplus]}
        if disabled == self._disabled:
            return
        self._disabled = disabled
        self._news += 1
        for gpu in self._gpus:
            if gpu.paused and gpu.number not in self._disabled:
                self._rouse(gpu)
        self._serve()

    def fail(self, gpu: int) -> None:
        """Let a GPU fail: it stops at once and forgets its model, its job waits again."""
        broken = self._gpus[gpu]
        if broken.down:
            return
        self._meter_down()
        broken.down, broken.service = True, NEVER
        self._disabled.discard(gpu)
        if broken.job != NEVER:
            self._lose(broken)
        broken.process.interrupt()
        self._serve()

    def repair(self, gpu: int) -> None:
        """Bring a GPU back; switched off if as many as may run are running without it."""
        mended = self._gpus[gpu]
        if not mended.down:
            return
        self._meter_down()
        if self.up - len(self._disabled) >= self._allowed:
            self._disabled.add(gpu)
        mended.down = False
        self._serve()

    def _lose(self, gpu: _Gpu) -> None:
        """Put the job of a GPU that has failed back: only images that have ended are kept."""
        state, job = self.state, gpu.job
        self._draw(gpu, 0)
        state.images_left[job] = state.images[job] - state.images_done[job]
        state.steps_left[job] = 0
        self._queue.put_back(job)
        gpu.job, gpu.paused, gpu.loading, gpu.encoding = NEVER, False, False, False
        insort(self._free, gpu.number)

    # what others see of it --------------------------------------------------------------

    def read(self) -> BinReading:
        """Read and reset the meters, cutting the power of running GPUs at this instant."""
        for gpu in self._gpus:
            if gpu.job != NEVER:
                self._book(gpu)
        self._meter_down()
        reading = BinReading(
            self._busy_pj, self._busy_ns, self._down_ns, self._steps, self._images
        )
        self._busy_pj = self._busy_ns = self._steps = self._images = self._down_ns = 0
        return reading

    def take_finished(self) -> list[int]:
        """Jobs that ended since this was last called, in order of completion."""
        finished, self._finished = self._finished, []
        return finished

    def free_at_ns(self) -> list[int]:
        """Instant at which each GPU that can run will have ended its job at this clock [ns]."""
        return [self._end_ns(gpu) for gpu in self._gpus if self._can_run(gpu.number)]

    def queue(self) -> list[int]:
        """Jobs in the queue in the order in which they would start."""
        return self._queue.ordered()

    def held_ns(self) -> int:
        """GPU time until the jobs that GPUs hold have ended, at the present clock [ns]."""
        busy = (gpu for gpu in self._gpus if gpu.job != NEVER)
        return sum(self._end_ns(gpu) - self.env.now for gpu in busy)

    @property
    def busy(self) -> int:
        """GPUs that hold a job."""
        return sum(gpu.job != NEVER for gpu in self._gpus)

    @property
    def up(self) -> int:
        """GPUs that are not down."""
        return sum(not gpu.down for gpu in self._gpus)

    def _can_run(self, gpu: int) -> bool:
        return gpu not in self._disabled and not self._gpus[gpu].down

    def _end_ns(self, gpu: _Gpu) -> int:
        """When a GPU will have ended its job at this clock; a step under way counts whole [ns]."""
        if gpu.job == NEVER:
            return self.env.now
        state, job = self.state, gpu.job
        service, level = self.services[gpu.service], self._level
        image = service.job_ns(level, state.steps[job], 1)
        rest = state.steps_left[job] * service.step_ns[level] + service.decode_ns[level]
        rest += gpu.encoding * service.encode_ns[level] + gpu.loading * service.load_ns
        return self.env.now + rest + state.images_left[job] * image

    # the life of a GPU ------------------------------------------------------------------

    def _serve(self) -> None:
        """Give waiting jobs to free GPUs that can run."""
        while len(self._queue) and (gpu := self._pick()) is not None:
            self._free.remove(gpu.number)
            gpu.job = self._queue.pop()
            self._rouse(gpu)

    def _pick(self) -> _Gpu | None:
        """The free GPU for the job at the head: one with its model in memory, lowest number."""
        free = [g for g in self._free if self._can_run(g)]
        if not free:
            return None
        if len(self.plan.services) == 1:
            return self._gpus[free[0]]
        service = self.state.service[self._queue.head()]
        warm = [g for g in free if self._gpus[g].service == service]
        return self._gpus[(warm or free)[0]]

    def _sleep(self, gpu: _Gpu) -> Tick:
        gpu.asleep = True
        return gpu.tick.idle()

    def _rouse(self, gpu: _Gpu) -> None:
        if gpu.asleep:
            gpu.asleep = False
            gpu.tick.fire()

    def _life(self, gpu: _Gpu) -> Steps:
        """Work for ever; a failure cuts off whatever is under way."""
        while True:
            try:
                yield from self._work(gpu)
            except simpy.Interrupt:
                gpu.tick = self._tick(gpu.number)  # the calendar still holds the old one

    def _work(self, gpu: _Gpu) -> Steps:
        """Wait for a job, run it, take the next, for ever."""
        while True:
            if gpu.job == NEVER:
                yield self._sleep(gpu)
            yield from self._run(gpu, gpu.job)

    def _run(self, gpu: _Gpu, job: int) -> Steps:
        """Run a job from where it stands to its end, or until a more urgent one takes the GPU."""
        state = self.state
        state.gpu[job] = gpu.number
        gpu.since_ns = self.env.now
        if gpu.service != state.service[job]:
            yield from self._load(gpu, state.service[job])
        if state.start_ns[job] == NEVER:
            state.start_ns[job] = self.env.now
        while state.images_left[job] or state.steps_left[job]:
            if not state.steps_left[job]:
                yield from self._begin_image(gpu, job)
            yield from self._denoise(gpu, job)
            if state.steps_left[job]:
                self._give_way(gpu)
                return
            yield from self._end_image(gpu, job)
        self._end(gpu)

    def _end(self, gpu: _Gpu) -> None:
        """Hand a job over that has ended, and take the next."""
        self._draw(gpu, 0)
        self.state.finish_ns[gpu.job] = self.env.now
        self._finished.append(gpu.job)
        if len(self._queue) and gpu.number not in self._disabled:
            gpu.job = self._queue.pop()
        else:
            gpu.job = NEVER
            insort(self._free, gpu.number)

    def _give_way(self, gpu: _Gpu) -> None:
        """Put the job back where its key belongs and take the head of the queue."""
        self._draw(gpu, 0)
        job, gpu.job = gpu.job, self._queue.pop()
        self._queue.push(job)

    def _load(self, gpu: _Gpu, number: int) -> Steps:
        """Bring another model into memory."""
        gpu.service, gpu.loading = number, True
        service = self.services[number]
        self._draw(gpu, service.load_mw)
        yield gpu.tick.after(service.load_ns)
        gpu.loading = False

    def _begin_image(self, gpu: _Gpu, job: int) -> Steps:
        """Encode at the clock of now."""
        service, state = self.services[gpu.service], self.state
        state.images_left[job] -= 1
        state.steps_left[job] = state.steps[job]
        if service.encode_ns[self._level]:
            gpu.encoding = True
            self._draw(gpu, service.fixed_mw[self._level])
            yield gpu.tick.after(service.encode_ns[self._level])
            gpu.encoding = False

    def _denoise(self, gpu: _Gpu, job: int) -> Steps:
        """Step by step to the image's end, or to where a more urgent job takes the GPU."""
        service, tick, steps_left = self.services[gpu.service], gpu.tick, self.state.steps_left
        gpu.heard = NEVER
        while steps_left[job]:
            if gpu.heard != self._news:
                yield from self._heed(gpu)
                step_ns = service.step_ns[self._level]
            if self.plan.preempt and self._queue.outranks(job):
                return
            yield tick.after(step_ns)
            steps_left[job] -= 1
            self._steps += 1

    def _end_image(self, gpu: _Gpu, job: int) -> Steps:
        """Decode at the clock of now."""
        service = self.services[gpu.service]
        if service.decode_ns[self._level]:
            self._draw(gpu, service.fixed_mw[self._level])
            yield gpu.tick.after(service.decode_ns[self._level])
        self.state.images_done[job] += 1
        self._images += 1

    def _heed(self, gpu: _Gpu) -> Steps:
        """At a step boundary, follow the switch and the clock."""
        if gpu.number in self._disabled:
            yield from self._pause(gpu)
        gpu.heard = self._news
        self._draw(gpu, self.services[gpu.service].step_mw[self._level])

    def _pause(self, gpu: _Gpu) -> Steps:
        """Stand at a step boundary at idle power until switched on again."""
        self._draw(gpu, 0)
        gpu.paused = True
        yield self._sleep(gpu)
        gpu.paused, gpu.since_ns = False, self.env.now

    # power ------------------------------------------------------------------------------

    def _draw(self, gpu: _Gpu, mw: int) -> None:
        """Change the power a GPU draws; 0 stands for idling, which the site's meter adds."""
        self._book(gpu)
        gpu.mw = mw

    def _book(self, gpu: _Gpu) -> None:
        """Post the energy drawn since the last posting to the job and to the bin."""
        elapsed_ns = self.env.now - gpu.since_ns
        gpu.since_ns = self.env.now
        if gpu.mw and elapsed_ns:
            self._busy_ns += elapsed_ns
            self._busy_pj += elapsed_ns * gpu.mw
            self.state.energy_pj[gpu.job] += elapsed_ns * gpu.mw

    def _meter_down(self) -> None:
        """Count the time of GPUs that are down up to this instant."""
        down = self.plan.gpus - self.up
        self._down_ns += down * (self.env.now - self._down_since_ns)
        self._down_since_ns = self.env.now
