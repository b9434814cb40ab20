"""One small site whose energy side is under test, with no trace but the weather."""

from __future__ import annotations

from typing import Any

import numpy as np

from cosim.decision import Decision, SplitRule
from cosim.prepare.stage import Stage, stage
from cosim.run import run
from cosim.scenario.model import Scenario

BATTERY = {"capacity_kwh": 10.0, "charge_kw_max": 4.0, "discharge_kw_max": 4.0}


def scenario(
    *,
    hours: float = 2.0,
    start: str = "2019-07-25T10:00:00Z",
    slot_minutes: int = 60,
    meter_seconds: int = 60,
    load: float = 0.5,
    **site: Any,
) -> Scenario:
    """A site of ten GPUs of 800 W in Brussels, at a share of its capacity."""
    there = {
        "location": {"lat_deg": 50.9, "lon_deg": 4.4},
        "weather": "weather/nsrdb15_brussels_2019",
        "models": ["m"],
        "gpus": {
            "kind": "x",
            "count": 10,
            "idle_w": 60,
            "server_w": 100,
            "clock": {"kind": "table", "speed": [0.4, 0.7, 1.0], "power": [0.3, 0.6, 1.0]},
        },
        "cooling": {"kind": "constant", "pue": 1.3},
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
        },
    }
    model = {
        "quality": {"kind": "saturating", "k": 0.1},
        "value_usd": 0.01,
        "timing": {"x": {"step_s": 1.0, "step_w": 700}},
    }
    per_day = load * 10 * 86_400 / (30 * 2.7)
    return Scenario.model_validate(
        {
            "name": "energy",
            "models": {"m": model},
            "sites": {"here": {**there, **site}},
            "clock": {
                "start": start,
                "days": hours / 24,
                "slot_minutes": slot_minutes,
                "meter_seconds": meter_seconds,
            },
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": per_day}},
        }
    )


class Orders:
    """Keeps jobs at home and gives the same orders, or those of a function of what is seen."""

    def __init__(self, order: Any = None, **fixed: Any) -> None:
        self.order, self.fixed = order, fixed
        self.seen: list[Any] = []

    def reset(self, world: Any, rng: np.random.Generator) -> None:
        self.world = world

    def decide(self, seen: Any) -> Decision:
        self.seen.append(seen)
        world = self.world
        steps = np.full((world.n_sites, len(world.classes), world.n_services), 30)
        given = {**self.fixed, **(self.order(seen) if self.order else {})}
        orders = {name: np.atleast_1d(np.asarray(value, float)) for name, value in given.items()}
        if "clock_level" in orders:
            orders["clock_level"] = orders["clock_level"].astype(np.int64)
        return Decision(SplitRule(world.staying, steps), **orders)


def play(what: Scenario | Stage, policy: Orders | None = None, **options: Any) -> Any:
    """Run a site under orders."""
    on = what if isinstance(what, Stage) else stage(what)
    return run(on, seed=1, make=lambda: policy or Orders(), **options)
