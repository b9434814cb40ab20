"""The fast engine: closed-form spans, compiled, advanced to where SimPy stands and never beyond.

SimPy keeps the clock of edges. When the world looks at an edge, everything since the last one is
played in one compiled call. Only a :class:`CallbackRule` (or an explicit placement that breaks
the contract) makes that call return at an arrival, so that Python can be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.decision import DispatchRule
from cosim.world import kernel, kernel_faults
from cosim.world.arena import farm_of, levels_array
from cosim.world.dispatch import Dispatcher
from cosim.world.engine import Glance, IntArray, Jobs
from cosim.world.events import NsEnvironment
from cosim.world.jobstate import Ended
from cosim.world.kernel_state import (
    DOWNS,
    FINISHED,
    FOREVER,
    HEAD,
    HELD,
    NEVER,
    OFF,
    REFUSED,
    STINTS,
    SWITCHED,
    TAIL,
    Farm,
)
from cosim.world.plan import Plan
from cosim.world.pool import BinReading
from cosim.world.rule_tables import RuleTables


class Change(NamedTuple):
    """A change of a site's clock or switches, for recovering step times.

    Attributes:
        at_ns: when [ns].
        level: clock level from then on.
        off: numbers of the GPUs that are switched off.
    """

    at_ns: int
    level: int
    off: frozenset[int]


@dataclass
class SpanFates:
    """The fate of every job as arrays (see :class:`cosim.world.jobstate.JobState`)."""

    farm: Farm

    def __post_init__(self) -> None:
        farm = self.farm
        self.service, self.steps, self.gpu = farm.service, farm.steps, farm.gpu
        self.decided_ns, self.landed_ns = farm.decided_ns, farm.landed_ns
        self.start_ns, self.finish_ns = farm.start_ns, farm.finish_ns
        self.energy_pj = farm.energy_pj

    @property
    def return_ns(self) -> NDArray[Any]:
        """Time the images of each job took home [ns]."""
        return self._back_ns(slice(None))

    @property
    def transfer_usd(self) -> NDArray[Any]:
        """Price of moving each job [USD]."""
        return np.where(self._moved(slice(None)), self.farm.fare_usd[self.farm.trip], 0.0)

    def ended(self, jobs: Jobs) -> Ended:
        """Tell of jobs that have ended."""
        farm, rows = self.farm, np.asarray(jobs, dtype=np.int64)
        return Ended(
            farm.arrival_ns[rows],
            farm.deadline_ns[rows],
            farm.finish_ns[rows] + self._back_ns(rows),
            farm.service[rows].astype(np.int64),
            farm.steps[rows].astype(np.int64),
            farm.images[rows].astype(np.int64),
        )

    def _moved(self, rows: Any) -> NDArray[np.bool_]:
        service = self.farm.service[rows]
        site = self.farm.service_site[np.maximum(service, 0)]
        moved: NDArray[np.bool_] = (service >= 0) & (site != self.farm.home[rows])
        return moved

    def _back_ns(self, rows: Any) -> NDArray[Any]:
        return np.where(self._moved(rows), self.farm.there_ns[self.farm.trip[rows], 1], 0)


class SpanEstimate:
    """One site's queue estimate, as callbacks see it."""

    def __init__(self, engine: SpanEngine, site: int) -> None:
        self._engine, self._site = engine, site
        self._first = int(engine.farm.first_gpu[site])

    def wait_ns(self, landing_ns: int) -> int:
        """Estimated wait of a job that joins the queue at that instant [ns]."""
        return max(0, int(self._engine.farm.estimates[self._first]) - landing_ns)

    def commit(self, landing_ns: int, service_ns: int) -> None:
        """Placements are counted by the compiled code."""
        raise NotImplementedError("the fast engine counts placements itself")

    def backlog_ns(self, now_ns: int) -> int:
        """GPU time until everything accepted has ended [ns]."""
        return self._engine.backlog_ns(now_ns)[self._site]


class SpanEngine:
    """Everything between two edges in one call (see :class:`cosim.world.engine.Engine`)."""

    def __init__(self, env: NsEnvironment, plan: Plan, policy: str) -> None:
        self.env, self.plan = env, plan
        self.farm = farm_of(plan)
        self.fates = SpanFates(self.farm)
        estimates = [SpanEstimate(self, i) for i in range(len(plan.sites))]
        levels = [site.levels - 1 for site in plan.sites]
        self._dispatcher = Dispatcher(plan, estimates, levels, policy)
        self.tables = RuleTables(plan, self._dispatcher)
        self.history = [[Change(0, level, frozenset())] for level in levels]
        sites = len(plan.sites)
        self._at_ns = NEVER
        self._readings = np.zeros((sites, 6), dtype=np.int64)
        self._seen = np.zeros((sites, 4), dtype=np.int64)
        self._demand = np.zeros(sites, dtype=np.int64)
        self._told = [0] * sites
        self._ended = 0

    # time -------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Play everything up to where SimPy stands; at one instant this happens once."""
        now_ns = self.env.now
        if now_ns == self._at_ns:
            return
        while (job := kernel.advance(self.farm, self.tables.rules, now_ns)) != NEVER:
            self._ask(job, int(self.farm.arrival_ns[job]))
        self._at_ns = now_ns

    def _ask(self, job: int, now_ns: int) -> None:
        """Let Python place a job."""
        service, steps = self._dispatcher.wish(job, now_ns)
        kernel.answer(self.farm, job, now_ns, service, steps)

    # edges ------------------------------------------------------------------------------

    def refresh_estimates(self, levels: Sequence[int]) -> None:
        """Start the queue estimates afresh, for these clock levels from now on."""
        self._catch_up()
        self._make_room()
        now_ns = self.env.now
        later_ns = now_ns + self.plan.info.slot_ns
        kernel.estimate(self.farm, levels_array(levels), now_ns, later_ns)

    def set_clocks(self, levels: Sequence[int]) -> None:
        """Change the clock of every site."""
        for site, level in enumerate(levels):
            self._set_clock(site, level)

    def _set_clock(self, site: int, level: int) -> None:
        self._catch_up()
        if kernel.set_clock(self.farm, site, level, self.env.now):
            last = self.history[site][-1]
            self.history[site].append(Change(self.env.now, level, last.off))

    def _set_enabled(self, site: int, count: int) -> None:
        self._catch_up()
        if kernel.set_enabled(self.farm, site, count, self.env.now):
            self._note_switches(site)

    def _note_switches(self, site: int) -> None:
        first, end = self.farm.first_gpu[site : site + 2]
        off = frozenset(np.flatnonzero(self.farm.gpus[first:end, OFF] == SWITCHED).tolist())
        last = self.history[site][-1]
        self.history[site].append(Change(self.env.now, last.level, off))

    def begin(self, slot: int, rule: DispatchRule, levels: Sequence[int]) -> None:
        """Take the dispatch rule of a new slot, begin to count its arrivals, place held jobs."""
        self._catch_up()
        self._dispatcher.slot, self._dispatcher.levels = slot, levels
        self.tables.fill(rule)
        if self.tables.asks:
            self._dispatcher.begin(slot, rule, levels)
        kernel.set_levels(self.farm, levels_array(levels))
        self.farm.arrived[:] = 0
        if self.farm.world[HELD]:
            self._place_held()

    def _place_held(self) -> None:
        now_ns = self.env.now
        kernel.begin_held(self.farm)
        while (job := kernel.place_held(self.farm, self.tables.rules, now_ns)) != NEVER:
            self._ask(job, now_ns)

    def limit(self, site: int, level: int, enabled: int) -> None:
        """Guard one site: its clock level and how many of its GPUs may run."""
        self._set_clock(site, level)
        self._set_enabled(site, enabled)

    def open_gates(self) -> None:
        """Let all GPUs run."""
        for i, site in enumerate(self.plan.sites):
            self._set_enabled(i, site.gpus)

    # failures ---------------------------------------------------------------------------

    def fail(self, site: int, gpu: int) -> None:
        """Let a GPU fail; nothing happens to one that is down."""
        self._catch_up()
        if kernel_faults.fail(self.farm, site, gpu, self.env.now):
            self._note_switches(site)

    def repair(self, site: int, gpu: int) -> None:
        """Bring a GPU back; nothing happens to one that is up."""
        self._catch_up()
        if kernel_faults.repair(self.farm, site, gpu, self.env.now):
            self._note_switches(site)

    def _make_room(self) -> None:
        """Double the rows for interrupted runs when half of them are taken."""
        rows = self.farm.stints
        if 2 * self.farm.world[STINTS] > len(rows):
            self.farm = self.farm._replace(stints=np.concatenate([rows, np.empty_like(rows)]))

    # looking ----------------------------------------------------------------------------

    def glance(self) -> Glance:
        """Look at the sites."""
        self._catch_up()
        kernel.glance(self.farm, self.env.now, self._seen)
        waiting, busy, backlog_ns, due_ns = self._seen.T.tolist()
        return Glance(waiting, busy, backlog_ns, [None if d == FOREVER else d for d in due_ns])

    def backlog_ns(self, now_ns: int) -> list[int]:
        """Estimated GPU time until everything accepted has ended, per site [ns]."""
        kernel.backlogs(self.farm, now_ns, self._demand)
        backlogs: list[int] = self._demand.tolist()
        return backlogs

    def gpus_up(self) -> list[int]:
        """GPUs that are not down, per site."""
        up: list[int] = (np.diff(self.farm.first_gpu) - self.farm.sites[:, DOWNS]).tolist()
        return up

    def demand(self) -> list[int]:
        """GPUs that hold a job plus jobs in the queue, per site."""
        self._catch_up()
        kernel.demand(self.farm, self._demand)
        demand: list[int] = self._demand.tolist()
        return demand

    def waiting(self) -> list[int]:
        """Jobs in the queue, per site."""
        self._catch_up()
        waiting: list[int] = (self.farm.sites[:, TAIL] - self.farm.sites[:, HEAD]).tolist()
        return waiting

    def held(self) -> Jobs:
        """Jobs that wait at home for a decision, in the order in which they were held."""
        self._catch_up()
        held: list[int] = self.farm.held[: self.farm.world[HELD]].tolist()
        return held

    def arrived(self) -> IntArray:
        """Jobs that arrived since the slot began, shape (sites, classes)."""
        self._catch_up()
        return self.farm.arrived

    def unfinished(self) -> int:
        """Jobs that were neither refused nor reported as finished."""
        return len(self.farm.arrival_ns) - int(self.farm.world[REFUSED]) - self._ended

    def read(self) -> list[BinReading]:
        """Read and reset the meters, per site."""
        self._catch_up()
        kernel.read(self.farm, self._readings)
        return [
            BinReading((high << 32) + low, *rest) for high, low, *rest in self._readings.tolist()
        ]

    def take_finished(self) -> list[Jobs]:
        """Jobs that ended since this was last called, in order of completion, per site."""
        self._catch_up()
        done: list[Jobs] = []
        for site, end in enumerate(self.farm.sites[:, FINISHED].tolist()):
            done.append(self.farm.finished[site, self._told[site] : end].copy())
            self._ended += end - self._told[site]
            self._told[site] = end
        return done
