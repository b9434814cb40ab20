"""The reference engine: a site's GPUs as SimPy processes, one event per denoising step.

Written to be read; it is the specification in code. A GPU takes the job at the head of the
queue, loads the model if another one is in memory, and for each image encodes, denoises step by
step and decodes. It looks at the clock and at the enable switch at the boundaries of steps and
phases only. The free GPU that has the model in memory and the lowest number takes a job; without
such a one, the free GPU of the lowest number.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Generator
from heapq import heappop, heappush
from typing import Any

import simpy

from cosim.world.events import NsEnvironment, Tick, gpu_priority
from cosim.world.jobstate import NEVER, JobState
from cosim.world.plan import ServicePlan, SitePlan
from cosim.world.pool import BinReading

Steps = Generator[simpy.Event, Any, None]


class Fcfs:
    """A queue in order of landing."""

    def __init__(self, _: JobState) -> None:
        self._jobs: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def push(self, job: int) -> None:
        """Join the end."""
        self._jobs.append(job)

    def pop(self) -> int:
        """Leave from the head."""
        return self._jobs.popleft()

    def head(self) -> int:
        """The job that will start next."""
        return self._jobs[0]

    def ordered(self) -> list[int]:
        """The jobs in the order in which they will start."""
        return list(self._jobs)


class Edf:
    """A queue in order of deadline; of equal deadlines the lower job number starts first."""

    def __init__(self, state: JobState) -> None:
        self._heap: list[tuple[int, int]] = []
        self._state = state

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, job: int) -> None:
        """Join at the place of the deadline."""
        heappush(self._heap, (self._state.deadline_ns[job], job))

    def pop(self) -> int:
        """Leave from the head."""
        return heappop(self._heap)[1]

    def head(self) -> int:
        """The job that will start next."""
        return self._heap[0][1]

    def ordered(self) -> list[int]:
        """The jobs in the order in which they will start."""
        return [job for _, job in sorted(self._heap)]


DISCIPLINES: dict[str, type[Fcfs] | type[Edf]] = {"fcfs": Fcfs, "edf": Edf}


class _Gpu:
    """One GPU: what it holds, since when it has drawn its present power, what is left to do."""

    __slots__ = (
        "encoding",
        "heard",
        "images_left",
        "job",
        "loading",
        "mw",
        "number",
        "paused",
        "service",
        "since_ns",
        "steps_left",
        "tick",
        "wake",
    )

    def __init__(self, env: NsEnvironment, site: int, number: int, service: int) -> None:
        self.number = number
        self.service = service
        self.tick = Tick(env, gpu_priority(site, number))
        self.wake: simpy.Event | None = None
        self.job = NEVER
        self.paused = self.loading = self.encoding = False
        self.mw = self.since_ns = self.images_left = self.steps_left = 0
        self.heard = NEVER


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
        self._queue = DISCIPLINES[plan.discipline](state)
        self._gpus = [_Gpu(env, site, g, plan.preload) for g in range(plan.gpus)]
        self._free: list[int] = []
        self._disabled: set[int] = set()
        self._level = plan.levels - 1
        self._news = 0
        self._finished: list[int] = []
        self._busy_pj = self._busy_ns = self._steps = self._images = 0
        for gpu in self._gpus:
            env.process(self._life(gpu))

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
        """Let only so many GPUs run: free ones are switched off first, from the highest number."""
        surplus = max(0, self.plan.gpus - count)
        order = sorted(self._gpus, key=lambda gpu: (gpu.job == NEVER, gpu.number), reverse=True)
        disabled = {gpu.number for gpu in order[:surplus]}
        if disabled == self._disabled:
            return
        self._disabled = disabled
        self._news += 1
        for gpu in self._gpus:
            if gpu.paused and gpu.number not in self._disabled:
                self._rouse(gpu)
        self._serve()

    # what others see of it --------------------------------------------------------------

    def read(self) -> BinReading:
        """Read and reset the meters, cutting the power of running GPUs at this instant."""
        for gpu in self._gpus:
            if gpu.job != NEVER:
                self._book(gpu)
        reading = BinReading(self._busy_pj, self._busy_ns, 0, self._steps, self._images)
        self._busy_pj = self._busy_ns = self._steps = self._images = 0
        return reading

    def take_finished(self) -> list[int]:
        """Jobs that ended since this was last called, in order of completion."""
        finished, self._finished = self._finished, []
        return finished

    def free_at_ns(self) -> list[int]:
        """Instant at which each enabled GPU will have ended its job at the present clock [ns]."""
        enabled = (gpu for gpu in self._gpus if gpu.number not in self._disabled)
        return [self._end_ns(gpu) for gpu in enabled]

    def queue(self) -> list[int]:
        """Jobs in the queue in the order in which they would start."""
        return self._queue.ordered()

    @property
    def busy(self) -> int:
        """GPUs that hold a job."""
        return sum(gpu.job != NEVER for gpu in self._gpus)

    def _end_ns(self, gpu: _Gpu) -> int:
        """When a GPU will have ended its job at this clock; a step under way counts whole [ns]."""
        if gpu.job == NEVER:
            return self.env.now
        service, level = self.services[gpu.service], self._level
        image = service.job_ns(level, self.state.steps[gpu.job], 1)
        rest = gpu.steps_left * service.step_ns[level] + service.decode_ns[level]
        rest += gpu.encoding * service.encode_ns[level] + gpu.loading * service.load_ns
        return self.env.now + rest + gpu.images_left * image

    # the life of a GPU ------------------------------------------------------------------

    def _serve(self) -> None:
        """Give waiting jobs to free, enabled GPUs."""
        while len(self._queue) and (gpu := self._pick()) is not None:
            self._free.remove(gpu.number)
            gpu.job = self._queue.pop()
            self._rouse(gpu)

    def _pick(self) -> _Gpu | None:
        """The free GPU for the job at the head: one with its model in memory, lowest number."""
        free = [g for g in self._free if g not in self._disabled]
        if not free:
            return None
        if len(self.plan.services) == 1:
            return self._gpus[free[0]]
        service = self.state.service[self._queue.head()]
        warm = [g for g in free if self._gpus[g].service == service]
        return self._gpus[(warm or free)[0]]

    def _rouse(self, gpu: _Gpu) -> None:
        wake, gpu.wake = gpu.wake, None
        if wake is not None:
            wake.succeed()

    def _life(self, gpu: _Gpu) -> Steps:
        """Wait for a job, run it, take the next, for ever."""
        while True:
            if gpu.number in self._disabled or not len(self._queue):
                insort(self._free, gpu.number)
                gpu.wake = self.env.event()
                yield gpu.wake
            else:
                gpu.job = self._queue.pop()
            yield from self._run(gpu, gpu.job)
            gpu.job = NEVER

    def _run(self, gpu: _Gpu, job: int) -> Steps:
        """Run one job from its cold start to its last image."""
        state = self.state
        state.gpu[job] = gpu.number
        gpu.since_ns, gpu.images_left = self.env.now, state.images[job]
        if gpu.service != state.service[job]:
            yield from self._load(gpu, state.service[job])
        state.start_ns[job] = self.env.now
        for _ in range(state.images[job]):
            gpu.images_left -= 1
            yield from self._image(gpu, state.steps[job])
            self._images += 1
        self._draw(gpu, 0)
        state.finish_ns[job] = self.env.now
        self._finished.append(job)

    def _load(self, gpu: _Gpu, number: int) -> Steps:
        """Bring another model into memory."""
        gpu.service, gpu.loading = number, True
        service = self.services[number]
        self._draw(gpu, service.load_mw)
        yield gpu.tick.after(service.load_ns)
        gpu.loading = False

    def _image(self, gpu: _Gpu, steps: int) -> Steps:
        """Encode, denoise step by step, decode: the clock is looked at before each of them."""
        service, tick, gpu.steps_left = self.services[gpu.service], gpu.tick, steps
        if service.encode_ns[self._level]:
            gpu.encoding = True
            self._draw(gpu, service.fixed_mw[self._level])
            yield tick.after(service.encode_ns[self._level])
            gpu.encoding = False
        gpu.heard = NEVER
        for left in range(steps, 0, -1):
            gpu.steps_left = left
            if gpu.heard != self._news:
                yield from self._heed(gpu)
                step_ns = service.step_ns[self._level]
            yield tick.after(step_ns)
            self._steps += 1
        gpu.steps_left = 0
        if service.decode_ns[self._level]:
            self._draw(gpu, service.fixed_mw[self._level])
            yield tick.after(service.decode_ns[self._level])

    def _heed(self, gpu: _Gpu) -> Steps:
        """At a step boundary, follow the switch and the clock."""
        if gpu.number in self._disabled:
            yield from self._pause(gpu)
        gpu.heard = self._news
        self._draw(gpu, self.services[gpu.service].step_mw[self._level])

    def _pause(self, gpu: _Gpu) -> Steps:
        """Stand at a step boundary at idle power until switched on again."""
        self._draw(gpu, 0)
        gpu.paused, gpu.wake = True, self.env.event()
        yield gpu.wake
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
