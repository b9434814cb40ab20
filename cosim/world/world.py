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

from cosim.decision import Decision, Observation, Policy, Projector
from cosim.errors import CosimError, PolicyError
from cosim.ledger import Ledger
from cosim.world.clockwork import Clockwork
from cosim.world.closing import stay_at_home
from cosim.world.jobstate import Fates
from cosim.world.kernel_grid import DECIDE_MS
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
        notes: what a reader of the figures should know.
        overruns: decisions that came too late.
    """

    plan: Plan
    ledger: Ledger
    state: Fates
    bins: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]
    clips: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]
    numbers: int
    decide_ns: list[int] = field(default_factory=list)
    events: int = 0
    notes: list[str] = field(default_factory=list)
    overruns: int = 0


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
        decide_limit_ms: float | None = None,
    ) -> None:
        """Set up a run.

        Args:
            plan: what is run.
            policy: who decides.
            rng: the policy's own dice.
            name: the policy's name, for errors.
            watch: called with every observation and its feasible decision.
            progress: called with (slots done, slots in all).
            engine: ``reference`` or ``fast``.
            decide_limit_ms: a decision that takes longer is not used; that of the slot before
                stays in force, or every job stays at home if there is none. None: no limit.
        """
        self.plan, self.policy, self.name = plan, policy, name
        self._watch, self._progress = watch, progress
        self._projector = Projector(plan.info, name)
        self._works = Clockwork(plan, name, engine)
        self.engine = self._works.engine
        self._clips: dict[str, Any] = {}
        self._numbers = 0
        self._decide_ns: list[int] = []
        self._limit_ns = np.inf if decide_limit_ms is None else decide_limit_ms * 1e6
        self._overruns = 0
        self._in_force = Decision(stay_at_home(plan.info))
        self._done = self._works.env.event()
        policy.reset(plan.info, rng)
        self._learn = getattr(policy, "learn", None)
        self._works.env.process(self._slots())

    def run(self) -> Outcome:
        """Run the window and the drain."""
        self._works.env.run(until=self._done)
        close = getattr(self.policy, "close", None)
        if close is not None:
            close()
        books = self._works.books
        return Outcome(
            self.plan,
            books.ledger(),
            self.engine.fates,
            books.bins(),
            self._clips,
            self._numbers,
            self._decide_ns,
            self._works.env.processed(),
            books.agers.notes() + self._notes(),
            self._overruns,
        )

    def _slots(self) -> Generator[simpy.Event, Any, None]:
        """The slots of the window, then those of the drain, in which late work ends."""
        yield self._works.first_edge()
        slot, slots = 0, self.plan.info.slots
        while slot < slots or slot == 0 or self.engine.unfinished():
            self._works.open_slot(slot)
            self._works.enforce(self._decide())
            yield from self._works.span()
            self._close(slot)
            slot += 1
            if self._progress is not None and slot <= slots:
                self._progress(slot, slots)
        self._done.succeed()

    def _decide(self) -> Decision:
        """Look, ask the policy and make its wish feasible."""
        seen = self._works.observe()
        started = perf_counter_ns()
        wish = self._ask(seen)
        self._decide_ns.append(perf_counter_ns() - started)
        if self._decide_ns[-1] > self._limit_ns:
            wish, self._overruns = self._in_force, self._overruns + 1
        self._in_force = wish
        projection = self._projector.project(wish, seen)
        if self._watch is not None:
            self._watch(seen, projection.decision)
        self._numbers += projection.numbers
        for name, per_site in projection.clips.items():
            self._clips[name] = self._clips.get(name, 0) + per_site
        return projection.decision

    def _ask(self, seen: Observation) -> Decision:
        """Ask the policy; what goes wrong inside it is told as its fault, with the slot."""
        try:
            return self.policy.decide(seen)
        except CosimError:
            raise
        except Exception as problem:
            what = f"decide() raised {type(problem).__name__}: {problem}"
            raise PolicyError(self.name, what, slot=seen.slot) from problem

    def _notes(self) -> list[str]:
        if not self._overruns:
            return []
        said = f"{self._overruns} decisions of `{self.name}` took longer than "
        said += f"{self._limit_ns / 1e6:g} ms: the one before stayed in force, and the run is not "
        return [said + "reproducible on a machine of another speed"]

    def _close(self, slot: int) -> None:
        """Settle the slot and tell a policy that learns."""
        self._works.close_slot()
        books = self._works.books
        books.grid.rows[slot, DECIDE_MS, 0] = self._decide_ns[-1] / 1e6
        if self._learn is not None and books.in_window:
            self._learn(self._works.outcome(slot))
