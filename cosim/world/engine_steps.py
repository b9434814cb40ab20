"""The reference engine: a SimPy event per arrival, landing, phase and denoising step.

Written to be read; together with :mod:`cosim.world.pool_gpus`, :mod:`cosim.world.pool_steps`,
:mod:`cosim.world.dispatch`, :mod:`cosim.world.scorer` and :mod:`cosim.world.estimate` it is the
specification in code.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import simpy

from cosim.decision import DROP, HOLD, DispatchRule
from cosim.physics.network_scalar import leaves_ns
from cosim.world import kernel_calls
from cosim.world.books import Books
from cosim.world.dispatch import Dispatcher
from cosim.world.engine import IntArray, Jobs
from cosim.world.estimate import QueueEstimate
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick, job_priority
from cosim.world.jobstate import JobState
from cosim.world.kernel_grid import ARRIVALS_ROW, ENDED_ROWS, WAITING
from cosim.world.kernel_state import FOREVER
from cosim.world.loading import luck_of
from cosim.world.pool import Pool
from cosim.world.pool_batches import BatchPool
from cosim.world.pool_steps import StepPool


class StepEngine:
    """Everything happens when SimPy says so (see :class:`cosim.world.engine.Engine`)."""

    def __init__(self, env: NsEnvironment, books: Books, policy: str) -> None:
        plan = books.plan
        self.env, self.plan, self.books = env, plan, books
        priorities = [kind.priority for kind in plan.info.classes]
        luck = luck_of(plan).tolist() if plan.load_seed is not None else ()
        self.fates = JobState(plan.jobs, priorities, tuple(plan.info.lateness_rows), luck)
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
        self._edge = Tick(env, EDGE_PRIORITY)
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
            self._held.append(job)
            return
        self.fates.service[job], self.fates.steps[job] = placement
        self.fates.decided_ns[job] = now_ns
        if placement.service == DROP:
            self._open -= 1
            return
        self._send(job, self._site_of[placement.service])

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

    def look(self) -> None:
        """Write into the books what is seen of the sites at an edge."""
        now_ns, grid = self.env.now, self.books.grid
        flying_ns = self._flying_ns(grid.levels.tolist())
        for site, pool in enumerate(self.pools):
            queue = pool.queue()
            due_ns = self.fates.deadline_ns[queue[0]] if queue else FOREVER
            backlog_ns = pool.held_ns() + flying_ns[site]
            backlog_ns += self._waiting_ns(queue, int(grid.levels[site]))
            grid.counts[:, site] = len(queue), pool.busy, backlog_ns, due_ns, pool.up
        kernel_calls.show(self.books.memory.table, now_ns)

    def _waiting_ns(self, queue: list[int], level: int) -> int:
        """GPU time of what is left of jobs that wait [ns]."""
        return sum(self.fates.rest_ns(job, self.plan.services, level) for job in queue)

    def _flying_ns(self, levels: list[int]) -> list[int]:
        """GPU time of the jobs on their way to each site [ns]."""
        flying_ns = [0] * len(self.pools)
        for job in self._in_flight:
            site = self._site_of[self.fates.service[job]]
            flying_ns[site] += self.fates.rest_ns(job, self.plan.services, levels[site])
        return flying_ns

    def begin(self, slot: int, rule: DispatchRule, levels: Sequence[int]) -> None:
        """Put a decision into force: clocks, estimates, dispatch rule, and the jobs held."""
        for pool, level in zip(self.pools, levels, strict=True):
            pool.set_clock(level)
        self._refresh_estimates()
        self._dispatcher.begin(slot, rule, levels)
        self._arrived = np.zeros_like(self._arrived)
        held, self._held = self._held, []
        for job in held:
            self._place(job)

    def _refresh_estimates(self) -> None:
        """Start the queue estimates afresh, for the decided clock levels."""
        flying: list[list[tuple[int, int]]] = [[] for _ in self.pools]
        for job, landing_ns in self._in_flight.items():
            flying[self._site_of[self.fates.service[job]]].append((landing_ns, job))
        later_ns = self.env.now + self.plan.info.slot_ns
        levels = self.books.grid.levels.tolist()
        for site, estimate in enumerate(self.estimates):
            estimate.rebuild(
                self.pools[site],
                levels[site],
                sorted(flying[site]),
                self.fates,
                self.plan.services,
                later_ns,
            )

    def open_gates(self) -> None:
        """Let all GPUs run."""
        for pool, site in zip(self.pools, self.plan.sites, strict=True):
            pool.set_enabled(site.gpus)

    def fail(self, site: int, gpu: int) -> None:
        """Let a GPU fail; nothing happens to one that is down."""
        self.pools[site].fail(gpu)

    def repair(self, site: int, gpu: int) -> None:
        """Bring a GPU back; nothing happens to one that is up."""
        self.pools[site].repair(gpu)

    def span(self) -> Generator[simpy.Event, Any, None]:
        """Let a slot pass; in the window its meter bins are closed."""
        plan, table = self.plan, self.books.memory.table
        if not self.books.in_window:
            yield self._edge.after(plan.info.slot_ns)
            return
        for _ in range(plan.bins_per_slot):
            self._guard()
            yield self._edge.after(plan.bin_ns)
            kernel_calls.close_bins(table, self._read())

    def _guard(self) -> None:
        """Keep sites with an import limit inside their supply for the coming bin."""
        demand = [pool.busy + len(pool.queue()) for pool in self.pools]
        settings = np.zeros((len(demand), 2), dtype=np.int64)
        kernel_calls.guard_settings(self.books.memory.table, np.array(demand), settings)
        for pool, (level, enabled) in zip(self.pools, settings.tolist(), strict=True):
            if level >= 0:
                pool.set_clock(level)
                pool.set_enabled(enabled)

    def _read(self) -> IntArray:
        """Read and reset the meters, as compiled code takes them; energy in two halves."""
        rows = []
        for reading in (pool.read() for pool in self.pools):
            high, low = divmod(reading.busy_pj, 1 << 32)
            rows.append((high, low, *reading[1:]))
        return np.array(rows, dtype=np.int64)

    def close_slot(self) -> None:
        """Close the books of the slot that ends: jobs that ended, energy and its money."""
        grid, table, slot = self.books.grid, self.books.memory.table, self.books.slot
        if not self.books.in_window:
            kernel_calls.close_drains(table, self._read())
        grid.told[:] = 0.0
        for site, pool in enumerate(self.pools):
            finished = pool.take_finished()
            self._open -= len(finished)
            kernel_calls.tell(table, site, self._ended(finished))
            grid.counts[WAITING, site] = len(pool.queue())
        grid.rows[slot, ARRIVALS_ROW] = self._arrived.sum(axis=1)
        kernel_calls.settle(table)

    def _ended(self, finished: list[int]) -> IntArray:
        """What is told of ended jobs, one per column."""
        fates, jobs = self.fates, self.plan.jobs
        rows = [
            (
                jobs.arrival_ns[job],
                fates.deadline_ns[job],
                self._home_ns(job),
                fates.service[job],
                fates.steps[job],
                fates.images[job],
                fates.gpu[job],
            )
            for job in finished
        ]
        return np.ascontiguousarray(np.array(rows, dtype=np.int64).reshape(-1, ENDED_ROWS).T)

    def _home_ns(self, job: int) -> int:
        """When the images of a job that has ended are home [ns]."""
        site, home = self._site_of[self.fates.service[job]], int(self.plan.jobs.home[job])
        place, left_ns = int(self.plan.info.place[site]), self.fates.finish_ns[job]
        if place != home:
            left_ns = leaves_ns(self.plan.cuts, home, place, left_ns)
        return left_ns + self.fates.return_ns[job]

    # looking ----------------------------------------------------------------------------

    def held(self) -> Jobs:
        """Jobs that wait at home for a decision, in the order in which they were held."""
        return self._held

    def arrived(self) -> IntArray:
        """Jobs that arrived since the slot began, shape (sites, classes)."""
        return self._arrived

    def unfinished(self) -> int:
        """Jobs that were neither refused nor told as finished when a slot closed."""
        return self._open
