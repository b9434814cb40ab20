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
from cosim.physics.cooling import pue
from cosim.quantities import J_PER_KWH
from cosim.world.books import Books
from cosim.world.engine import Jobs, make_engine
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick
from cosim.world.facility import BatteryOrder, Facility, Loads
from cosim.world.faults import breakdowns
from cosim.world.foresight import Forecaster
from cosim.world.guard import PowerGuard
from cosim.world.jobstate import Ended, Fates
from cosim.world.observe import observe
from cosim.world.plan import Plan
from cosim.world.pool import BinReading

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
        self.engine = make_engine(engine, self.env, plan, name)
        self.facilities = [Facility(site) for site in plan.sites]
        self.levels = [site.levels - 1 for site in plan.sites]
        self.forecaster = Forecaster(plan)
        self.books = Books(plan)
        self._guards = [PowerGuard(plan, i) for i in range(len(plan.sites))]
        outside = plan.outside
        self._pue = np.stack(
            [pue(s.cooling, outside.temp_bin_c[:, i]) for i, s in enumerate(plan.sites)], axis=1
        )
        self.finished: list[Jobs] = [[] for _ in plan.sites]
        self.ended: list[Ended] = [self.engine.fates.ended(jobs) for jobs in self.finished]
        self.last_row: dict[str, Any] = {}
        self._clips: dict[str, Any] = {}
        self._numbers = 0
        self._decide_ns: list[int] = []
        self._done = self.env.event()
        policy.reset(plan.info, rng)
        self.env.process(self._meter())
        self.env.process(breakdowns(self.env, self.engine, plan))

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

    def _meter(self) -> Generator[simpy.Event, Any, None]:
        """The meter's clock: bins and slots of the window, then the slots of the drain."""
        tick, plan = Tick(self.env, EDGE_PRIORITY), self.plan
        yield tick.after(0)
        for slot in range(plan.info.slots):
            self._begin_slot(slot)
            for part in range(plan.bins_per_slot):
                bin_no = slot * plan.bins_per_slot + part
                self._guard(bin_no)
                yield tick.after(plan.bin_ns)
                self._close_bin(bin_no)
            self._close_slot(slot)
            if self._progress is not None:
                self._progress(slot + 1, plan.info.slots)
        slot = plan.info.slots
        while self.engine.unfinished() or not slot:
            self._begin_slot(slot)
            self.engine.open_gates()
            yield tick.after(plan.info.slot_ns)
            self._close_drain(slot)
            slot += 1
        self._done.succeed()

    # slots ------------------------------------------------------------------------------

    def _begin_slot(self, slot: int) -> None:
        """Look, decide, put into force, and place what was held."""
        self.engine.refresh_estimates(self.levels)
        seen = observe(self, slot)
        started = perf_counter_ns()
        wish = self._ask(seen)
        self._decide_ns.append(perf_counter_ns() - started)
        projection = project(wish, self.plan.info, seen, policy=self.name)
        if self._watch is not None:
            self._watch(seen, projection.decision)
        self._count(projection)
        self._put_into_force(slot, projection.decision)

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
        if decision.clock_level is not None:
            self.levels = [int(level) for level in decision.clock_level]
        self.engine.set_clocks(self.levels)
        orders = zip(
            _numbers(decision.battery_kw),
            _numbers(decision.battery_absorb_kw),
            _numbers(decision.battery_cover_kw),
            strict=True,
        )
        for facility, order in zip(self.facilities, orders, strict=True):
            facility.order = BatteryOrder(*order)
        if decision.dispatch is None:
            raise PolicyError(self.name, "no layer gave a dispatch rule", slot=slot)
        self.engine.refresh_estimates(self.levels)
        self.engine.begin(slot, decision.dispatch, self.levels)

    def _close_slot(self, slot: int) -> None:
        """Gather what ended, settle the slot and tell a policy that learns."""
        row = self.books.close_slot(self._slot_state(slot))
        self.last_row = row
        load = row["compute_kwh"] + row["idle_kwh"] + row["cooling_kwh"]
        self.forecaster.measured(load / self.plan.info.slot_h)
        learn = getattr(self.policy, "learn", None)
        if learn is not None:
            learn(self._slot_outcome(slot, row))

    def _slot_state(self, slot: int) -> dict[str, Any]:
        plan, outside = self.plan, self.plan.outside
        now = min(outside.history + slot, outside.history + plan.info.slots - 1)
        self.finished = self.engine.take_finished()
        self.ended = [self.engine.fates.ended(jobs) for jobs in self.finished]
        late = [np.count_nonzero(ended.late) for ended in self.ended]
        decide_ms = np.zeros(len(plan.sites))
        decide_ms[0] = self._decide_ns[-1] / 1e6
        return {
            "price_usd_kwh": outside.price_usd_kwh[now],
            "sale_usd_kwh": outside.sale_usd_kwh[now],
            "carbon_g_kwh": outside.carbon_g_kwh[now],
            "temp_out_c": outside.temp_out_c[now],
            "soc": np.array([facility.soc for facility in self.facilities]),
            "clock_speed": np.array(
                [plan.info.clock_speed[i][level] for i, level in enumerate(self.levels)]
            ),
            "queue_jobs": np.array(self.engine.waiting(), dtype=np.float64),
            "jobs_finished": np.array([float(len(done)) for done in self.finished]),
            "jobs_late": np.array(late, dtype=np.float64),
            "arrivals": self.engine.arrived().sum(axis=1).astype(np.float64),
            "decide_ms": decide_ms,
        }

    def _slot_outcome(self, slot: int, row: dict[str, Any]) -> SlotOutcome:
        info = self.plan.info
        revenue, penalty = np.zeros(info.n_sites), np.zeros(info.n_sites)
        levels = np.asarray(info.steps)
        for site, done in enumerate(self.ended):
            late, images = done.late, info.replicas * done.images
            column = np.minimum(np.searchsorted(levels, done.steps), len(levels) - 1)
            paid = images * info.revenue_usd[done.service, column]
            revenue[site] = paid[~late].sum()
            penalty[site] = (images * info.late_penalty_usd[done.service])[late].sum()
        energy = row["import_usd"] - row["export_usd"]
        other = row["unserved_usd"] + row["carbon_usd"] + row["wear_usd"]
        return SlotOutcome(
            slot,
            float((revenue - penalty - energy - other).sum()),
            revenue,
            penalty,
            energy,
            row["jobs_finished"].astype(np.int64),
            row["jobs_late"].astype(np.int64),
        )

    # bins -------------------------------------------------------------------------------

    def _guard(self, bin_no: int) -> None:
        """Keep sites with an import limit inside their supply for the coming bin."""
        outside, hours = self.plan.outside, self.plan.bin_h
        demand = self.engine.demand()
        for i, guard in enumerate(self._guards):
            if not guard.active:
                continue
            facility = self.facilities[i]
            supply_kw = guard.site.import_kw_max + facility.range_kw(hours)[1]
            supply_kw += float(outside.solar_bin_kw[bin_no, i] + outside.wind_bin_kw[bin_no, i])
            over = float(self._pue[bin_no, i])
            setting = guard.setting(self.levels[i], demand[i], supply_kw, over)
            self.engine.limit(i, setting.level, setting.enabled)

    def _close_bin(self, bin_no: int) -> None:
        plan, hours = self.plan, self.plan.bin_h
        row = plan.outside.history + bin_no // plan.bins_per_slot
        for i, reading in enumerate(self.engine.read()):
            facility = self.facilities[i]
            compute_kw, idle_kw = self._it_kw(i, reading, plan.bin_ns)
            loads = Loads(
                compute_kw,
                idle_kw,
                (compute_kw + idle_kw) * float(self._pue[bin_no, i] - 1.0),
                float(plan.outside.solar_bin_kw[bin_no, i]),
                float(plan.outside.wind_bin_kw[bin_no, i]),
            )
            facility.sells = bool(plan.outside.sale_usd_kwh[row, i] >= 0.0)
            self.books.post_bin(i, bin_no, facility.close(loads, hours), reading)

    def _it_kw(self, site: int, reading: BinReading, span_ns: int) -> tuple[float, float]:
        """Mean power of working and of waiting IT over a span [kW], replicas included."""
        plan, replicas = self.plan.sites[site], self.plan.info.replicas
        compute_kw = replicas * (reading.busy_pj / span_ns) / 1e6
        waiting_ns = plan.gpus * span_ns - reading.busy_ns - reading.down_ns
        idle_mw = waiting_ns * plan.idle_mw / span_ns + plan.gpus * plan.server_mw
        return compute_kw, replicas * idle_mw / 1e6

    def _close_drain(self, slot: int) -> None:
        readings = self.engine.read()
        compute_kwh = [
            self.plan.info.replicas * reading.busy_pj / 1e12 / J_PER_KWH for reading in readings
        ]
        self.books.row["steps"] = np.array([float(r.steps) for r in readings])
        self.books.row["images"] = np.array([float(r.images) for r in readings])
        self.books.post_drain(compute_kwh, self._pue[-1], self._slot_state(slot))


def _numbers(values: Any) -> list[float]:
    return [float(value) for value in values]
