"""The reference engine: a SimPy event per arrival, landing, phase and denoising step.

Written to be read; together with :mod:`cosim.world.pool_steps`, :mod:`cosim.world.dispatch` and
:mod:`cosim.world.estimate` it is the specification in code.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosim.decision import DROP, HOLD, DispatchRule, Placement
from cosim.world.dispatch import Dispatcher
from cosim.world.engine import Glance, IntArray, Jobs
from cosim.world.estimate import QueueEstimate
from cosim.world.events import NsEnvironment, Tick, job_priority
from cosim.world.jobstate import JobState
from cosim.world.plan import Plan
from cosim.world.pool import BinReading, Pool
from cosim.world.pool_batches import BatchPool
from cosim.world.pool_steps import StepPool


class StepEngine:
    """Everything happens when SimPy says so (see :class:`cosim.world.engine.Engine`)."""

    def __init__(self, env: NsEnvironment, plan: Plan, policy: str) -> None:
        self.env, self.plan = env, plan
        self.fates = JobState(plan.jobs)
        self.pools: list[Pool] = [
            (StepPool if site.batch_max == 1 else BatchPool)(
                env, i, site, plan.services, self.fates
            )
            for i, site in enumerate(plan.sites)
        ]
        self.estimates = [QueueEstimate(site.gpus) for site in plan.sites]
        levels = [site.levels - 1 for site in plan.sites]
        self._dispatcher = Dispatcher(plan, self.estimates, levels, policy)
        self._arrivals = plan.jobs.arrival_ns.tolist()
        self._site_of = plan.info.service_site.tolist()
        self._held: list[int] = []
        self._in_flight: dict[int, int] = {}
        self._arrived = np.zeros((len(plan.sites), len(plan.info.classes)), dtype=np.int64)
        self._open = len(self._arrivals)
        if self._arrivals:
            self._next_arrival(0)

    # jobs -------------------------------------------------------------------------------

    def _next_arrival(self, job: int) -> None:
        """Arm the arrival of a job; arrivals are in order, so one is armed at a time."""
        tick = Tick(self.env, job_priority(job))
        tick.after(self._arrivals[job] - self.env.now)
        tick.callbacks = [lambda _: self._arrive(job)]

    def _arrive(self, job: int) -> None:
        jobs = self.plan.jobs
        self._arrived[jobs.home[job], jobs.class_id[job]] += 1
        self._place(job)
        if job + 1 < len(self._arrivals):
            self._next_arrival(job + 1)

    def _place(self, job: int) -> None:
        """Ask the dispatcher and send the job on its way."""
        now_ns = self.env.now
        placement = self._dispatcher.place(job, now_ns)
        if placement.service == HOLD:
            placement = self._hold(job)
        if placement.service == HOLD:
            return
        self.fates.service[job], self.fates.steps[job] = placement
        self.fates.decided_ns[job] = now_ns
        if placement.service == DROP:
            self._open -= 1
            return
        self._send(job, self._site_of[placement.service])

    def _hold(self, job: int) -> Placement:
        """Keep a job at home until the next slot; after the window there is none to wait for."""
        if self.env.now < self.plan.window_ns:
            self._held.append(job)
            return Placement(HOLD, 0)
        info = self.plan.info
        service = int(info.home_service[self.plan.jobs.home[job]])
        return Placement(service, info.default_steps)

    def _send(self, job: int, site: int) -> None:
        trip = self._dispatcher.trip(job, site)
        self.fates.return_ns[job] = trip.back_ns
        self.fates.transfer_usd[job] = trip.usd
        if not trip.there_ns:
            self.pools[site].submit(job)
            return
        self._in_flight[job] = self.env.now + trip.there_ns
        tick = Tick(self.env, job_priority(job)).after(trip.there_ns)
        tick.callbacks = [lambda _: self._land(job, site)]

    def _land(self, job: int, site: int) -> None:
        del self._in_flight[job]
        self.pools[site].submit(job)

    # edges ------------------------------------------------------------------------------

    def refresh_estimates(self, levels: Sequence[int]) -> None:
        """Start the queue estimates afresh, for these clock levels from now on."""
        flying: list[list[tuple[int, int]]] = [[] for _ in self.pools]
        for job, landing_ns in self._in_flight.items():
            flying[self._site_of[self.fates.service[job]]].append((landing_ns, job))
        later_ns = self.env.now + self.plan.info.slot_ns
        for site, estimate in enumerate(self.estimates):
            estimate.rebuild(
                self.pools[site],
                levels[site],
                sorted(flying[site]),
                self.fates,
                self.plan.services,
                later_ns,
            )

    def glance(self) -> Glance:
        """Look at the sites."""
        queues = [pool.queue() for pool in self.pools]
        deadlines = self.fates.deadline_ns
        return Glance(
            [len(queue) for queue in queues],
            [pool.busy for pool in self.pools],
            [estimate.backlog_ns(self.env.now) for estimate in self.estimates],
            [min((deadlines[job] for job in queue), default=None) for queue in queues],
        )

    def set_clocks(self, levels: Sequence[int]) -> None:
        """Change the clock of every site."""
        for pool, level in zip(self.pools, levels, strict=True):
            pool.set_clock(level)

    def begin(self, slot: int, rule: DispatchRule, levels: Sequence[int]) -> None:
        """Take the dispatch rule of a new slot, begin to count its arrivals, place held jobs."""
        self._dispatcher.begin(slot, rule, levels)
        self._arrived = np.zeros_like(self._arrived)
        held, self._held = self._held, []
        for job in held:
            self._place(job)

    def limit(self, site: int, level: int, enabled: int) -> None:
        """Guard one site: its clock level and how many of its GPUs may run."""
        self.pools[site].set_clock(level)
        self.pools[site].set_enabled(enabled)

    def open_gates(self) -> None:
        """Let all GPUs run."""
        for pool, site in zip(self.pools, self.plan.sites, strict=True):
            pool.set_enabled(site.gpus)

    # looking ----------------------------------------------------------------------------

    def demand(self) -> list[int]:
        """GPUs that hold a job plus jobs in the queue, per site."""
        return [pool.busy + len(pool.queue()) for pool in self.pools]

    def waiting(self) -> list[int]:
        """Jobs in the queue, per site."""
        return [len(pool.queue()) for pool in self.pools]

    def held(self) -> Jobs:
        """Jobs that wait at home for a decision, in the order in which they were held."""
        return self._held

    def arrived(self) -> IntArray:
        """Jobs that arrived since the slot began, shape (sites, classes)."""
        return self._arrived

    def unfinished(self) -> int:
        """Jobs that were neither refused nor reported as finished."""
        return self._open

    def read(self) -> list[BinReading]:
        """Read and reset the meters, per site."""
        return [pool.read() for pool in self.pools]

    def take_finished(self) -> list[Jobs]:
        """Jobs that ended since this was last called, in order of completion, per site."""
        finished: list[Jobs] = [pool.take_finished() for pool in self.pools]
        self._open -= sum(map(len, finished))
        return finished
