"""The fast engine: closed-form spans, compiled, advanced to where SimPy stands and never beyond.

SimPy keeps the clock of slot edges and of whatever disturbs the sites between them. When it gets
to one of these, everything since the last one is played in one compiled call, meter bins included.
Under a :class:`CallbackRule` every arrival is a SimPy event, at which Python is asked.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray

from cosim.decision import DispatchRule
from cosim.world import kernel_calls
from cosim.world.arena import farm_of
from cosim.world.books import Books
from cosim.world.dispatch import Dispatcher
from cosim.world.doorman import Doorman
from cosim.world.engine import IntArray, Jobs
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick
from cosim.world.kernel_state import (
    CHANGED_LEVEL,
    CHANGED_NS,
    CHANGED_SITE,
    CHANGES,
    FULL,
    HELD,
    NEVER,
    OFF_WORDS,
    REFUSED,
    STINTS,
    WORD,
    Farm,
)
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

    def _moved(self, rows: Any) -> NDArray[np.bool_]:
        service = self.farm.service[rows]
        site = self.farm.service_site[np.maximum(service, 0)]
        place = self.farm.place[site]
        moved: NDArray[np.bool_] = (service >= 0) & (place != self.farm.home[rows])
        return moved

    def _back_ns(self, rows: Any) -> NDArray[Any]:
        return np.where(self._moved(rows), self.farm.there_ns[self.farm.trip[rows], 1], 0)


class SpanEngine:
    """Everything between two edges in one call (see :class:`cosim.world.engine.Engine`).

    Attributes:
        farm: jobs, queues and GPUs.
        tables: the dispatch rule of the slot.
        at_ns: the instant up to which everything has been played, NEVER if that is not known.
    """

    def __init__(self, env: NsEnvironment, books: Books, policy: str) -> None:
        plan = books.plan
        self.env, self.plan, self.books = env, plan, books
        self.farm = farm_of(plan, books.memory.table.ctypes.data)
        self.fates = SpanFates(self.farm)
        levels = [site.levels - 1 for site in plan.sites]
        self._dispatcher = Dispatcher(plan, [], levels, policy, queues=self._queues)
        self.tables = RuleTables(plan, self._dispatcher)
        self._memory = books.memory
        self._memory.put(self.farm)
        self._memory.put(self.tables.rules)
        self._edge = Tick(env, EDGE_PRIORITY)
        self._doorman = Doorman(self, self._dispatcher)
        self.at_ns = NEVER

    def changing(self) -> list[NDArray[Any]]:
        """The arrays that a run changes; queues and lists count from zero again."""
        farm, rules = self.farm, self.tables.rules
        return [
            *(farm.service, farm.steps, farm.gpu, farm.decided_ns, farm.landed_ns),
            *(farm.start_ns, farm.finish_ns, farm.energy_pj, farm.epoch, farm.gpus),
            *(farm.free, farm.sites, farm.arrived, farm.world, farm.progress),
            *(farm.work, farm.batches, farm.turns, rules.credits),
        ]

    def rewind(self, env: NsEnvironment) -> None:
        """Begin anew in a fresh environment, when the arrays have been put back."""
        self.env = env
        self._edge = Tick(env, EDGE_PRIORITY)
        self._doorman.rewind()
        self.tables.rewind()
        self.at_ns = NEVER

    # time -------------------------------------------------------------------------------

    def span(self) -> Generator[simpy.Event, Any, None]:
        """Let a slot pass; in the window its meter bins are closed."""
        yield self._edge.after(self.plan.info.slot_ns)

    def _catch_up(self) -> None:
        """Play everything up to where SimPy stands; at one instant this happens once."""
        now_ns = self.env.now
        if now_ns != self.at_ns:
            self._doorman.flush()
            self._play(now_ns)
            self.at_ns = now_ns

    def _finish_edge(self) -> None:
        """Catch up, and let the guard of a bin that begins now do its work: it comes first."""
        self._catch_up()
        self._play(self.env.now)

    def _play(self, until_ns: int) -> None:
        """Play everything before an instant; Python places what it has to be asked for."""
        while (job := kernel_calls.play(self._memory.table, until_ns)) != NEVER:
            if job == FULL:
                self.grow()
            else:
                self._ask(job, int(self.farm.arrival_ns[job]))

    def grow(self) -> None:
        """Make room for as many changes of clocks and switches again."""
        changes = np.zeros((2 * len(self.farm.changes), self.farm.changes.shape[1]), np.int64)
        changes[: len(self.farm.changes)] = self.farm.changes
        self._keep(self.farm._replace(changes=changes))

    def _keep(self, farm: Farm) -> None:
        """Go on with larger arrays."""
        self.farm = self.fates.farm = farm
        self._memory.put(farm)

    # Python places jobs -----------------------------------------------------------------

    def _ask(self, job: int, now_ns: int) -> None:
        """Let Python place a job."""
        service, steps = self._dispatcher.wish(job, now_ns)
        kernel_calls.answer(self._memory.table, job, now_ns, service, steps)

    def _queues(self, now_ns: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Estimated waits and backlogs of the sites, for callbacks [ns]."""
        kernel_calls.queues(self._memory.table, now_ns)
        waits, backlogs = self.farm.seen.tolist()
        return tuple(waits), tuple(backlogs)

    # edges ------------------------------------------------------------------------------

    def look(self) -> None:
        """Write into the books what is seen of the sites at an edge."""
        self._catch_up()
        kernel_calls.look(self._memory.table, self.env.now)

    def begin(self, slot: int, rule: DispatchRule, levels: Sequence[int]) -> None:
        """Put a decision into force: clocks, estimates, dispatch rule, and the jobs held."""
        self._catch_up()
        self._dispatcher.slot, self._dispatcher.levels = slot, levels
        before = self.tables.rules
        self.tables.fill(rule)
        if self.tables.rules is not before:
            self._memory.put(self.tables.rules)
        if self.tables.asks:
            self._dispatcher.begin(slot, rule, levels)
        now_ns = self.env.now
        self.make_room()
        if kernel_calls.enforce(self._memory.table, now_ns, now_ns + self.plan.info.slot_ns):
            while (job := kernel_calls.place_held(self._memory.table, now_ns)) != NEVER:
                self._ask(job, now_ns)
        self._doorman.begin(self.tables.place)

    def open_gates(self) -> None:
        """Let all GPUs run."""
        self._catch_up()
        self.make_room()
        kernel_calls.open_gates(self._memory.table, self.env.now)

    def fail(self, site: int, gpu: int) -> None:
        """Let a GPU fail; nothing happens to one that is down."""
        self._finish_edge()
        self.make_room()
        kernel_calls.fail(self._memory.table, site, gpu, self.env.now)

    def repair(self, site: int, gpu: int) -> None:
        """Bring a GPU back; nothing happens to one that is up."""
        self._finish_edge()
        self.make_room()
        kernel_calls.repair(self._memory.table, site, gpu, self.env.now)

    def make_room(self) -> None:
        """See to it that what one slot can bring fits into the logs."""
        if int(self.farm.world[CHANGES]) + 2 * len(self.plan.sites) > len(self.farm.changes):
            self.grow()
        if 2 * int(self.farm.world[STINTS]) > len(self.farm.stints):
            rows = self.farm.stints
            self._keep(self.farm._replace(stints=np.concatenate([rows, np.empty_like(rows)])))

    def close_slot(self) -> None:
        """Close the books of the slot that ends: jobs that ended, energy and its money."""
        self._catch_up()
        kernel_calls.close_slot(self._memory.table, not self.books.in_window)

    # looking ----------------------------------------------------------------------------

    def held(self) -> Jobs:
        """Jobs that wait at home for a decision, in the order in which they were held."""
        self._catch_up()
        count = int(self.farm.world[HELD])
        held: list[int] = self.farm.held[:count].tolist() if count else []
        return held

    def arrived(self) -> IntArray:
        """Jobs that arrived since the slot began, shape (sites, classes)."""
        self._catch_up()
        return self.farm.arrived

    def unfinished(self) -> int:
        """Jobs that were neither refused nor told as finished when a slot closed."""
        told = int(self.books.grid.told_jobs.sum())
        return len(self.farm.arrival_ns) - int(self.farm.world[REFUSED]) - told

    def history(self, site: int) -> list[Change]:
        """Changes of a site's clock and switches, for recovering step times."""
        top, gpus = self.plan.sites[site].levels - 1, range(self.plan.sites[site].gpus)
        changes = [Change(0, top, frozenset())]
        for row in self.farm.changes[: int(self.farm.world[CHANGES])].tolist():
            if row[CHANGED_SITE] == site:
                words = row[OFF_WORDS:]
                off = frozenset(g for g in gpus if words[g // WORD] >> (g % WORD) & 1)
                changes.append(Change(row[CHANGED_NS], row[CHANGED_LEVEL], off))
        return changes
