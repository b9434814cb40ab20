"""The clockwork of a world: slots open, decisions come into force, slots close.

It knows nothing of who decides. :class:`cosim.world.world.World` asks a policy at every edge;
:class:`cosim.world.episode.Episode` waits for whoever steps it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from cosim.decision import Decision, Observation, SlotOutcome
from cosim.errors import PolicyError, UsageError
from cosim.world.books import Books
from cosim.world.closing import without_holding
from cosim.world.engine import Rewinds, make_engine
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick
from cosim.world.faults import breakdowns
from cosim.world.foresight import Forecaster
from cosim.world.kernel_grid import (
    ABSORB,
    CARBON_USD,
    COVER,
    DEMAND_USD,
    DR_USD,
    EXPORT_USD,
    FACILITY_KW,
    FINISHED_ROW,
    IMPORT_USD,
    LATE_ROW,
    POWER,
    SETPOINT,
    UNSERVED_USD,
    WEAR_USD,
)
from cosim.world.memory import Still
from cosim.world.observe import Lookout
from cosim.world.plan import Plan


class Clockwork:
    """A plan in motion.

    Attributes:
        plan: what is run.
        name: who decides, for errors.
        env: the SimPy environment.
        books: meters and ledger.
        engine: jobs, queues and GPUs.
        forecaster: what is foreseen.
    """

    def __init__(self, plan: Plan, name: str, engine: str) -> None:
        self.plan, self.name = plan, name
        self.env = NsEnvironment(initial_time=0)
        self.books = Books(plan)
        self.engine = make_engine(engine, self.env, self.books, name)
        self.forecaster = Forecaster(plan)
        self._lookout = Lookout(self.books)
        self._has_edges = any(site.has_edges for site in plan.sites)

    def still(self) -> Still:
        """What has to be put back for the run to begin anew; only the fast engine can."""
        if not isinstance(self.engine, Rewinds):
            raise UsageError("only `engine: fast` can begin anew")
        self._rewinds = self.engine
        return Still([*self.engine.changing(), *self.books.changing()])

    def rewind(self, start: Still, env: NsEnvironment | None = None) -> None:
        """Go back to where :meth:`still` was called, in a fresh environment or in a given one."""
        start.put_back()
        self.env = NsEnvironment(initial_time=0) if env is None else env
        self.books.rewind()
        self._rewinds.rewind(self.env)
        self.forecaster.forget()

    def first_edge(self) -> simpy.Event:
        """Start what happens by itself; the event with which the first slot begins."""
        self.env.process(breakdowns(self.env, self.engine, self.plan))
        return Tick(self.env, EDGE_PRIORITY).after(0)

    def open_slot(self, slot: int) -> None:
        """Begin to gather a slot and look at the sites."""
        self.books.open_slot(slot, self.env.now)
        self.engine.look()

    def observe(self) -> Observation:
        """What an operator sees at the edge at which the slot was opened."""
        return self._lookout.observe(self.books.slot, self.env.now, self.engine, self.forecaster)

    def enforce(self, decision: Decision) -> None:
        """Put a feasible decision into force."""
        grid, slot = self.books.grid, self.books.slot
        if decision.clock_level is not None:
            grid.levels[:] = decision.clock_level
        grid.state[:, POWER] = decision.battery_kw
        grid.state[:, ABSORB] = decision.battery_absorb_kw
        grid.state[:, COVER] = decision.battery_cover_kw
        setpoint_c = decision.cooling_setpoint_c
        grid.state[:, SETPOINT] = np.nan if setpoint_c is None else setpoint_c
        if decision.dispatch is None:
            raise PolicyError(self.name, "no layer gave a dispatch rule", slot=slot)
        rule = decision.dispatch
        if not self.books.in_window:
            rule = without_holding(rule, self.plan.info)
        self.engine.begin(slot, rule, grid.levels.tolist())
        if not self.books.in_window:
            self.engine.open_gates()

    def span(self) -> Generator[simpy.Event, Any, None]:
        """Let the slot pass."""
        return self.engine.span()

    def close_slot(self) -> None:
        """Gather what ended and settle the slot."""
        self.engine.close_slot()
        self.books.close_slot()
        self.books.check()
        if self.books.in_window:
            self.forecaster.measured(self.books.grid.seen[FACILITY_KW].copy())

    def outcome(self, slot: int) -> SlotOutcome:
        """What the slot that was closed last has brought."""
        grid = self.books.grid
        row, (revenue, penalty) = grid.rows[slot], grid.told.copy()
        energy = row[IMPORT_USD] - row[EXPORT_USD]
        if self._has_edges:
            energy = energy + row[DEMAND_USD:DR_USD].sum(axis=0) - row[DR_USD]
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
