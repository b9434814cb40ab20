"""The world: a SimPy environment in which jobs arrive, GPUs denoise and meters tick.

At every slot edge the policy is asked; its decision is projected onto what is feasible and put
into force. At every meter bin's edge the electrical books are closed. After the window the world
drains: work that has arrived is finished, nothing else is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any

import numpy as np
import simpy

from cosim.decision import (
    Decision,
    Observation,
    Policy,
    Projection,
    SlotOutcome,
    project,
)
from cosim.errors import CosimError, PolicyError
from cosim.ledger import Ledger
from cosim.world.books import Books
from cosim.world.engine import make_engine
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick
from cosim.world.foresight import Forecaster
from cosim.world.jobstate import Fates
from cosim.world.kernel_grid import (
    ABSORB,
    CARBON_USD,
    COVER,
    DECIDE_MS,
    EXPORT_USD,
    FACILITY_KW,
    FINISHED_ROW,
    IMPORT_USD,
    LATE_ROW,
    POWER,
    UNSERVED_USD,
    WEAR_USD,
)
from cosim.world.observe import Lookout
from cosim.world.plan import Plan

Watcher = Callable[[Observation, Decision], None]
Progress = Callable[[int, int], None]


@dataclass
class Outcome:
    """What a run leaves behind.

    Attributes:
        plan: what was run.
        ledger: energy and state per slot and site; money of jobs is posted by the caller.
        state: the fate of every job.
        bins: power per meter bin and site.
        clips: moved numbers per field, shape (sites,) each.
        numbers: numbers decided in all.
        decide_ns: time the policy took for each decision [ns].
        events: SimPy events processed.
    """

    plan: Plan
    ledger: Ledger
    state: Fates
    bins: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]
    clips: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]
    numbers: int
    decide_ns: list[int] = field(default_factory=list)
    events: int = 0


class World:
    """One run of one plan under one policy."""

    def __init__(
        self,
        plan: Plan,
        policy: Policy,
        rng: np.random.Generator,
        *,
        name: str = "policy",
        watch: Watcher | None = None,
        progress: Progress | None = None,
        engine: str = "reference",
    ) -> None:
        self.plan, self.policy, self.name = plan, policy, name
        self._watch, self._progress = watch, progress
        self.env = NsEnvironment(initial_time=0)
        self.books = Books(plan)
        self.engine = make_engine(engine, self.env, self.books, name)
        self.forecaster = Forecaster(plan)
        self._lookout = Lookout(self.books)
        self._clips: dict[str, Any] = {}
        self._numbers = 0
        self._decide_ns: list[int] = []
        self._done = self.env.event()
        policy.reset(plan.info, rng)
        self._learn = getattr(policy, "learn", None)
        self.env.process(self._slots())

    # running ----------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Run the window and the drain."""
        self.env.run(until=self._done)
        close = getattr(self.policy, "close", None)
        if close is not None:
            close()
        return Outcome(
            self.plan,
            self.books.ledger(),
            self.engine.fates,
            self.books.bins(),
            self._clips,
            self._numbers,
            self._decide_ns,
        )

    def _slots(self) -> Generator[simpy.Event, Any, None]:
        """The slots of the window, then those of the drain, in which late work ends."""
        yield Tick(self.env, EDGE_PRIORITY).after(0)
        slot, slots = 0, self.plan.info.slots
        while slot < slots or slot == 0 or self.engine.unfinished():
            self._begin_slot(slot)
            yield from self.engine.span()
            self._close_slot(slot)
            slot += 1
            if self._progress is not None and slot <= slots:
                self._progress(slot, slots)
        self._done.succeed()

    # slots ------------------------------------------------------------------------------

    def _begin_slot(self, slot: int) -> None:
        """Look, decide, put into force, and place what was held."""
        self.books.open_slot(slot, self.env.now)
        self.engine.look()
        seen = self._lookout.observe(slot, self.env.now, self.engine, self.forecaster)
        started = perf_counter_ns()
        wish = self._ask(seen)
        self._decide_ns.append(perf_counter_ns() - started)
        projection = project(wish, self.plan.info, seen, policy=self.name)
        if self._watch is not None:
            self._watch(seen, projection.decision)
        self._count(projection)
        self._put_into_force(slot, projection.decision)
        if not self.books.in_window:
            self.engine.open_gates()

    def _ask(self, seen: Observation) -> Decision:
        """Ask the policy; what goes wrong inside it is told as its fault, with the slot."""
        try:
            return self.policy.decide(seen)
        except CosimError:
            raise
        except Exception as problem:
            what = f"decide() raised {type(problem).__name__}: {problem}"
            raise PolicyError(self.name, what, slot=seen.slot) from problem

    def _count(self, projection: Projection) -> None:
        self._numbers += projection.numbers
        for name, per_site in projection.clips.items():
            self._clips[name] = self._clips.get(name, 0) + per_site

    def _put_into_force(self, slot: int, decision: Decision) -> None:
        grid = self.books.grid
        if decision.clock_level is not None:
            grid.levels[:] = decision.clock_level
        grid.state[:, POWER] = decision.battery_kw
        grid.state[:, ABSORB] = decision.battery_absorb_kw
        grid.state[:, COVER] = decision.battery_cover_kw
        if decision.dispatch is None:
            raise PolicyError(self.name, "no layer gave a dispatch rule", slot=slot)
        self.engine.begin(slot, decision.dispatch, grid.levels.tolist())

    def _close_slot(self, slot: int) -> None:
        """Gather what ended, settle the slot and tell a policy that learns."""
        self.engine.close_slot()
        self.books.check()
        grid = self.books.grid
        grid.rows[slot, DECIDE_MS, 0] = self._decide_ns[-1] / 1e6
        if not self.books.in_window:
            return
        self.forecaster.measured(grid.seen[FACILITY_KW].copy())
        if self._learn is not None:
            self._learn(self._slot_outcome(slot))

    def _slot_outcome(self, slot: int) -> SlotOutcome:
        grid = self.books.grid
        row, (revenue, penalty) = grid.rows[slot], grid.told.copy()
        energy = row[IMPORT_USD] - row[EXPORT_USD]
        other = row[UNSERVED_USD] + row[CARBON_USD] + row[WEAR_USD]
        return SlotOutcome(
            slot,
            float((revenue - penalty - energy - other).sum()),
            revenue,
            penalty,
            energy,
            row[FINISHED_ROW].astype(np.int64),
            row[LATE_ROW].astype(np.int64),
        )
