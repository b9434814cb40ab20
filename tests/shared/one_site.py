"""One site's engine without a world: jobs land at given instants, orders come at given instants.

Times are nanoseconds and powers milliwatts, small enough to be added up by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from cosim.decision import PerJobRule, SplitRule
from cosim.prepare import stage
from cosim.scenario.model import Scenario
from cosim.traces.jobs import JobSet
from cosim.world import kernel
from cosim.world.books import Books
from cosim.world.compiled import compiled
from cosim.world.engine import make_engine
from cosim.world.engine_spans import SpanEngine
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick
from cosim.world.faults import breakdowns
from cosim.world.kernel_grid import BACKLOG, BUSY, READINGS, UP, WAITING
from cosim.world.kernel_memory import address
from cosim.world.kernel_state import FINISHED, PJ_HIGH, Ints
from cosim.world.plan import Fault, Plan, ServicePlan
from cosim.world.pool import BinReading

# at the lower and at the full clock: an image takes 5 ns, 100 ns a step, 10 ns
LIGHT = ServicePlan((10, 5), (200, 100), (20, 10), (300, 500), (100, 200), 1000, 50)
HEAVY = ServicePlan((0, 0), (2000, 1000), (0, 0), (600, 900), (0, 0), 3000, 60)


@dataclass(frozen=True)
class Ask:
    """A job: when it arrives, how many steps per image, and so on."""

    at: int
    steps: int = 1
    images: int = 1
    due: int = 10**9
    service: int = 0
    priority: int = 0


@cache
def base() -> Plan:
    """Two models at one site; classes of priority 3, 2, 1 and 0."""
    timing = {"x": {"step_s": 1, "step_w": 1}}
    model = {"value_usd": 1, "quality": {"kind": "saturating", "k": 0.1}, "timing": timing}
    site = {
        "location": {"lat_deg": 50, "lon_deg": 5},
        "models": ["light", "heavy"],
        "gpus": {
            "kind": "x",
            "count": 1,
            "idle_w": 0,
            "server_w": 0,
            "clock": {"kind": "table", "speed": [0.5, 1.0], "power": [0.5, 1.0]},
        },
        "cooling": {"kind": "constant", "pue": 1},
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 0},
        },
    }
    arrivals = {"kind": "generated", "jobs_per_day": 1}
    scenario = {
        "name": "one-site",
        "models": {"light": model, "heavy": model},
        "sites": {"here": site},
        "clock": {"start": "2019-04-22T00:00:00Z", "days": 1 / 24, "slot_minutes": 60},
        "workload": {"arrivals": arrivals, "priority": [3, 2, 1, 0]},
        "steps": list(range(1, 1001)),
    }
    return stage(Scenario.model_validate(scenario)).plan(1)


def plan_of(asks: list[Ask], services: tuple[ServicePlan, ...], **site: Any) -> Plan:
    """The base plan with these jobs and this site."""
    plan, zeros = base(), np.zeros(len(asks), dtype=np.int32)
    rank = [kind.priority for kind in plan.info.classes]
    column = {
        name: np.array([getattr(ask, name) for ask in asks], dtype=np.int64)
        for name in ("at", "due", "images")
    }
    jobs = JobSet(
        column["at"],
        column["due"],
        zeros,
        column["images"].astype(np.int32),
        zeros,
        zeros,
        zeros.astype(bool),
        np.array([rank.index(ask.priority) for ask in asks], dtype=np.int32),
        np.zeros(len(asks)),
        np.zeros(len(asks)),
    )
    return replace(plan, jobs=jobs, services=services, sites=(replace(plan.sites[0], **site),))


@compiled
def limit(memory: Ints, level: int, count: int, now_ns: int) -> None:
    """Set the clock and let only so many GPUs run, as the power guard does."""
    kernel.set_clock(address(memory), 0, level, now_ns)
    kernel.set_enabled(address(memory), 0, count, now_ns)


class Sight(NamedTuple):
    """What is seen of the site at an edge: jobs that wait, GPUs at work, backlog, GPUs up."""

    waiting: int
    busy: int
    backlog_ns: int
    up: int


class OneSite:
    """An engine, and what it is told."""

    def __init__(
        self,
        engine: str,
        asks: list[Ask],
        *,
        faults: tuple[tuple[int, int, bool], ...] = (),
        services: tuple[ServicePlan, ...] = (LIGHT, HEAVY),
        **site: Any,
    ) -> None:
        rows = tuple(Fault(at_ns, 0, gpu, up) for at_ns, gpu, up in faults)
        self.plan = replace(plan_of(asks, services, **site), faults=rows)
        self.env = NsEnvironment(initial_time=0)
        self.books = Books(self.plan)
        self.engine: Any = make_engine(engine, self.env, self.books, "test")
        self.env.process(breakdowns(self.env, self.engine, self.plan))
        info = self.plan.info
        home = np.zeros((1, len(info.classes), 4))
        home[:, :, 0] = 1.0
        self._rule = PerJobRule(
            np.arange(len(asks)),
            np.array([ask.service for ask in asks], dtype=np.int64),
            np.array([ask.steps for ask in asks], dtype=np.int64),
            SplitRule(home, np.ones((1, len(info.classes), 2), dtype=np.int64)),
        )
        self.at(0, self._begin)

    def _begin(self) -> None:
        self.books.open_slot(0, 0)
        self.engine.begin(0, self._rule, [1])

    def at(self, at_ns: int, act: Any) -> None:
        """Do something at an edge."""
        tick = Tick(self.env, EDGE_PRIORITY).after(at_ns)
        tick.callbacks = [lambda _: act()]

    def limit(self, level: int, count: int) -> None:
        """Set the clock and let only so many GPUs run."""
        self.look()
        if isinstance(self.engine, SpanEngine):
            limit(self.books.memory.table, level, count, self.env.now)
        else:
            self.engine.pools[0].set_clock(level)
            self.engine.pools[0].set_enabled(count)

    def look(self) -> Sight:
        """Look at the site, its queue estimated afresh."""
        self.engine.look()
        counts = self.books.grid.counts[:, 0]
        return Sight(*counts[[WAITING, BUSY, BACKLOG, UP]].tolist())

    def play(self, until_ns: int = 10**7) -> OneSite:
        """Let everything happen, then read the meters."""
        self.at(until_ns, self._read)
        self.env.run()
        return self

    def _read(self) -> None:
        self.look()
        if isinstance(self.engine, SpanEngine):
            state = self.engine.farm.sites[0]
            self.finished = self.engine.farm.finished[0, : state[FINISHED]].tolist()
            high, low, *rest = state[PJ_HIGH : PJ_HIGH + READINGS].tolist()
            self.reading = BinReading((high << 32) + low, *rest)
        else:
            self.finished = self.engine.pools[0].take_finished()
            self.reading = self.engine.pools[0].read()

    def __getattr__(self, column: str) -> list[int]:
        """A column of the jobs' fates."""
        return [int(value) for value in getattr(self.engine.fates, column)]
