"""One site's engine without a world: jobs land at given instants, orders come at given instants.

Times are nanoseconds and powers milliwatts, small enough to be added up by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from cosim.decision import PerJobRule, SplitRule
from cosim.prepare import stage
from cosim.scenario.model import Scenario
from cosim.traces.jobs import JobSet
from cosim.world.engine import Engine, make_engine
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick
from cosim.world.faults import breakdowns
from cosim.world.plan import Fault, Plan, ServicePlan

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
        self.engine: Engine = make_engine(engine, self.env, self.plan, "test")
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
        self.at(0, lambda: self.engine.begin(0, self._rule, [1]))

    def at(self, at_ns: int, act: Any) -> None:
        """Do something at an edge."""
        tick = Tick(self.env, EDGE_PRIORITY).after(at_ns)
        tick.callbacks = [lambda _: act()]

    def play(self, until_ns: int = 10**7) -> OneSite:
        """Let everything happen, then read the meters."""
        self.at(until_ns, self._look)
        self.env.run()
        return self

    def _look(self) -> None:
        self.finished = [int(job) for job in self.engine.take_finished()[0]]
        self.reading = self.engine.read()[0]

    def __getattr__(self, column: str) -> list[int]:
        """A column of the jobs' fates."""
        return [int(value) for value in getattr(self.engine.fates, column)]
