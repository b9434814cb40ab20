"""A textbook SimPy model of the same jobs, for comparison: what one would write first.

A process per job, a ``Resource`` per site, a ``timeout`` per phase and denoising step. It knows
first-come, first-served pools of one model, dispatch rules, transfers and clock levels per slot,
and it adds up each job's energy; it has no meters, facility, estimates or ledger. Two things that
happen at the same nanosecond come in order of insertion.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import simpy

from cosim.decision import DROP, SplitRule
from cosim.errors import UsageError
from cosim.world.dispatch import Dispatcher
from cosim.world.estimate import QueueEstimate
from cosim.world.events import NsEnvironment
from cosim.world.jobstate import JobState
from cosim.world.plan import Plan

Orders = Callable[[int], tuple[SplitRule, list[int]]]
Steps = Generator[simpy.Event, Any, None]


@dataclass
class Textbook:
    """One run of the textbook model.

    Attributes:
        plan: what is to be run.
        orders: the dispatch rule and the clock levels of each slot.
    """

    plan: Plan
    orders: Orders

    def __post_init__(self) -> None:
        plan = self.plan
        if any(
            len(s.services) > 1 or s.discipline != "fcfs" or s.batch_max > 1 for s in plan.sites
        ):
            raise UsageError("the textbook model knows fcfs pools of one model, without batches")
        if any(s.queue_limit is not None or s.gives_up or s.sleep for s in plan.sites):
            raise UsageError("the textbook model knows neither full queues nor GPUs that sleep")
        if plan.faults:
            raise UsageError("the textbook model knows no failures")
        self.env = NsEnvironment(initial_time=0)
        self.pools = [simpy.Resource(self.env, site.gpus) for site in plan.sites]
        self.levels = [site.levels - 1 for site in plan.sites]
        self.fates = JobState(plan.jobs)
        estimates = [QueueEstimate(site.gpus) for site in plan.sites]
        self._dispatcher = Dispatcher(plan, estimates, self.levels, "textbook")
        self._open = len(plan.jobs)
        self._site_of = plan.info.service_site.tolist()

    def run(self) -> JobState:
        """Run until every job has ended."""
        self.env.process(self._slots())
        self.env.process(self._arrivals())
        self.env.run()
        return self.fates

    def _slots(self) -> Steps:
        slot = 0
        while slot < self.plan.info.slots or self._open:
            rule, self.levels = self.orders(slot)
            slot += 1
            self._dispatcher.begin(slot, rule, self.levels)
            yield self.env.timeout(self.plan.info.slot_ns)

    def _arrivals(self) -> Steps:
        for job, at_ns in enumerate(self.plan.jobs.arrival_ns.tolist()):
            yield self.env.timeout(at_ns - self.env.now)
            self.env.process(self._job(job))

    def _job(self, job: int) -> Steps:
        """Be placed, travel, wait for a GPU, and run image after image."""
        fates, env = self.fates, self.env
        service, fates.steps[job] = self._dispatcher.wish(job, int(env.now))
        fates.service[job], fates.decided_ns[job] = service, int(env.now)
        if service == DROP:
            self._open -= 1
            return
        site = self._site_of[service]
        trip = self._dispatcher.trip(job, site)
        fates.return_ns[job] = trip.back_ns
        if trip.there_ns:
            yield env.timeout(trip.there_ns)
        fates.landed_ns[job] = int(env.now)
        with self.pools[site].request() as place:
            yield place
            fates.start_ns[job] = int(env.now)
            for _ in range(fates.images[job]):
                yield from self._image(job, site, service)
            fates.finish_ns[job] = int(env.now)
        self._open -= 1

    def _image(self, job: int, site: int, service: int) -> Steps:
        env, plan, energy_pj = self.env, self.plan.services[service], self.fates.energy_pj
        level = self.levels[site]
        yield env.timeout(plan.encode_ns[level])
        energy_pj[job] += plan.encode_ns[level] * plan.fixed_mw[level]
        for _ in range(self.fates.steps[job]):
            level = self.levels[site]
            yield env.timeout(plan.step_ns[level])
            energy_pj[job] += plan.step_ns[level] * plan.step_mw[level]
        level = self.levels[site]
        yield env.timeout(plan.decode_ns[level])
        energy_pj[job] += plan.decode_ns[level] * plan.fixed_mw[level]
