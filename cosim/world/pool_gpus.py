"""The reference engine: a site's GPUs as SimPy processes and the queue before them.

Written to be read; it is the specification in code. What a GPU makes of its jobs is told by
:mod:`cosim.world.pool_steps` and :mod:`cosim.world.pool_batches`; here stands what is the same
for both: who may join the queue, which GPU a job is given to, switches, failures, sleep and
meters. The free GPU takes a job that can begin it soonest: one that has the model in memory before
one that has to load or to wake up, of equals the lowest number.

What is left of a job stands in its :class:`JobState`, so that it can go on later and elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any

import simpy

from cosim.physics.gpu_sleep_scalar import split_gap
from cosim.world.events import NsEnvironment, Tick, gpu_priority
from cosim.world.jobstate import NEVER, JobState
from cosim.world.kernel_state import GIVEN_UP, TURNED_AWAY
from cosim.world.loading import ASLEEP, NOTHING, loading
from cosim.world.plan import ServicePlan, SitePlan
from cosim.world.pool import BinReading
from cosim.world.queues import DISCIPLINES

Steps = Generator[simpy.Event, Any, None]


class Gpu:
    """One GPU: what it holds, what it is at, since when it has drawn its present power."""

    __slots__ = (
        "down",
        "encoding",
        "heard",
        "job",
        "loading_ns",
        "mw",
        "number",
        "paused",
        "process",
        "service",
        "since_ns",
        "tick",
        "waits",
    )

    process: simpy.Process

    def __init__(self, tick: Tick, number: int, service: int) -> None:
        self.number, self.service, self.tick = number, service, tick
        self.job = self.heard = NEVER
        self.waits = self.paused = self.encoding = self.down = False
        self.mw = self.since_ns = self.loading_ns = 0


class GpuPool(ABC):
    """GPUs of a site and their queue (see :class:`cosim.world.pool.Pool`)."""

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
        self._gpus = [Gpu(self._tick(g), g, plan.preload) for g in range(plan.gpus)]
        self._free = list(range(plan.gpus))
        self._disabled: set[int] = set()
        self._allowed = plan.gpus
        self._level = plan.levels - 1
        self._news = 0
        self._finished: list[int] = []
        self._busy_pj = self._busy_ns = self._steps = self._images = 0
        self._down_ns = self._down_since_ns = self._slept_ns = self._slept_to_ns = 0
        for gpu in self._gpus:
            gpu.process = env.process(self._life(gpu))

    def _tick(self, number: int) -> Tick:
        return Tick(self.env, gpu_priority(self._site, number))

    # what others do to the pool --------------------------------------------------------

    def submit(self, job: int) -> None:
        """Let a job join the queue now, if it may; it starts at once if a GPU is free for it."""
        self.state.landed_ns[job] = self.env.now
        if self._is_full():
            self._dismiss(job, TURNED_AWAY)
            return
        self._queue.push(job)
        self._serve()

    def _is_full(self) -> bool:
        """Whether a job that lands is turned away: as many wait as may, and no GPU is free."""
        limit = self.plan.queue_limit
        if limit is None or len(self._queue) < limit:
            return False
        return len(self._queue) > 0 or not any(self._can_run(gpu) for gpu in self._free)

    def _dismiss(self, job: int, why: int) -> None:
        """Let a job go that has not been run to its end."""
        self.state.gpu[job], self.state.finish_ns[job] = why, self.env.now
        self._finished.append(job)

    def _give_up(self) -> bool:
        """Drop the head of the queue, whose turn it is, if nothing would be paid for it."""
        if not self.plan.gives_up or not self.state.is_hopeless(self._queue.head(), self.env.now):
            return False
        self._dismiss(self._queue.pop(), GIVEN_UP)
        return True

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
        self._meter_sleep()
        broken.down, broken.service = True, NOTHING
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
        self._meter_sleep()
        mended.since_ns = self.env.now
        if self.up - len(self._disabled) >= self._allowed:
            self._disabled.add(gpu)
        mended.down = False
        self._serve()

    # what others see of it -------------------------------------------------------------

    def read(self) -> BinReading:
        """Read and reset the meters, cutting the power of running GPUs at this instant."""
        for gpu in self._gpus:
            if gpu.job != NEVER:
                self._book(gpu)
        self._meter_down()
        self._meter_sleep()
        counted = (self._steps, self._images)
        reading = BinReading(self._busy_pj, self._busy_ns, self._down_ns, *counted, self._slept_ns)
        self._busy_pj = self._busy_ns = self._down_ns = self._slept_ns = 0
        self._steps = self._images = 0
        return reading

    def take_finished(self) -> list[int]:
        """Jobs that ended or were dismissed since this was last called, in that order."""
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

    # GPUs without a job ----------------------------------------------------------------

    def _can_run(self, gpu: int) -> bool:
        return gpu not in self._disabled and not self._gpus[gpu].down

    def _pick(self) -> Gpu | None:
        """The free GPU for the job at the head: the soonest ready, the lowest number of equals."""
        free = [g for g in self._free if self._can_run(g)]
        if not free:
            return None
        if not self.plan.chooses:
            return self._gpus[free[0]]
        service = self.state.service[self._queue.head()]
        return min((self._gpus[g] for g in free), key=lambda gpu: self._delay_ns(gpu, service))

    def _delay_ns(self, gpu: Gpu, service: int) -> int:
        """Time until a free GPU could begin a job [ns]; −1 if it holds the model."""
        held = ASLEEP if self._asleep_ns(gpu, self.env.now) else gpu.service
        if held == service:
            return -1
        return loading(self.services, self.plan.sleep, held, service).ns

    def _wait(self, gpu: Gpu) -> Tick:
        gpu.waits = True
        return gpu.tick.idle()

    def _rouse(self, gpu: Gpu) -> None:
        if gpu.waits:
            gpu.waits = False
            gpu.tick.fire()

    def _life(self, gpu: Gpu) -> Steps:
        """Work for ever; a failure cuts off whatever is under way."""
        while True:
            try:
                yield from self._work(gpu)
            except simpy.Interrupt:
                gpu.tick = self._tick(gpu.number)  # the calendar still holds the old one

    def _pause(self, gpu: Gpu) -> Steps:
        """Stand at a step boundary at idle power until switched on again."""
        self._draw(gpu, 0)
        gpu.paused = True
        yield self._wait(gpu)
        gpu.paused, gpu.since_ns = False, self.env.now

    # power -----------------------------------------------------------------------------

    def _draw(self, gpu: Gpu, mw: int) -> None:
        """Change the power a GPU draws; 0 stands for idling, which the site's meter adds."""
        self._book(gpu)
        gpu.mw = mw

    def _asleep_ns(self, gpu: Gpu, now_ns: int) -> int:
        """How long a GPU without a job has slept [ns]."""
        if self.plan.sleep is None:
            return 0
        return split_gap(max(0, now_ns - gpu.since_ns), self.plan.sleep.after_ns)[1]

    def _wake(self, gpu: Gpu) -> None:
        """Let a GPU that gets a job wake up, if it sleeps: it holds nothing any more."""
        if self._asleep_ns(gpu, self.env.now):
            self._slept_ns += self._new_sleep_ns(gpu)
            gpu.service = ASLEEP

    def _new_sleep_ns(self, gpu: Gpu) -> int:
        """Sleep of a GPU since sleep was last metered [ns]."""
        told_ns = self._asleep_ns(gpu, self._slept_to_ns)
        return self._asleep_ns(gpu, self.env.now) - told_ns

    def _meter_sleep(self) -> None:
        """Count the time of GPUs that sleep up to this instant."""
        idle = (gpu for gpu in self._gpus if gpu.job == NEVER and not gpu.down)
        self._slept_ns += sum(self._new_sleep_ns(gpu) for gpu in idle)
        self._slept_to_ns = self.env.now

    def _meter_down(self) -> None:
        """Count the time of GPUs that are down up to this instant."""
        down = self.plan.gpus - self.up
        self._down_ns += down * (self.env.now - self._down_since_ns)
        self._down_since_ns = self.env.now

    # how GPUs work through jobs --------------------------------------------------------

    @abstractmethod
    def _serve(self) -> None:
        """Give waiting jobs to free GPUs that can run."""

    @abstractmethod
    def _work(self, gpu: Gpu) -> Steps:
        """Wait for a job, run it, take the next, for ever."""

    @abstractmethod
    def _lose(self, gpu: Gpu) -> None:
        """Put back what a GPU holds that has failed."""

    @abstractmethod
    def _end_ns(self, gpu: Gpu) -> int:
        """When a GPU will have ended what it holds, at this clock [ns]."""

    @abstractmethod
    def _book(self, gpu: Gpu) -> None:
        """Post the energy drawn since the last posting."""
