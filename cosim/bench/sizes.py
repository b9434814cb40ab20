"""What is measured: synthetic days of different sizes, and a policy that costs next to nothing.

Sites are alike but for the speed of their model. The load is about 85 % of the GPU time at full
clock; clocks change at every slot edge, and 30 % of the jobs may be sent to another site.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.decision import Decision, Observation, SplitRule, WorldInfo
from cosim.errors import UsageError, did_you_mean
from cosim.scenario.model import Scenario

LOAD = 0.85
STEPS = 30
IMAGES = {1: 0.4, 2: 0.3, 4: 0.3}
SPEEDS, POWERS = [0.8, 0.9, 1.0], [0.6, 0.75, 1.0]
_IMAGES_MEAN = sum(images * share for images, share in IMAGES.items())
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Size:
    """A size of the benchmark.

    Attributes:
        name: its letter.
        jobs: jobs of the day.
        sites: sites.
        gpus: GPUs of each.
    """

    name: str
    jobs: int
    sites: int
    gpus: int

    def scenario(self) -> Scenario:
        """The scenario: needs no trace."""
        # GPU-seconds offered over GPU-seconds there are, met by the length of a step
        mean_speed = float(np.mean(SPEEDS))
        step_s = LOAD * mean_speed * self.sites * self.gpus * _DAY_S
        step_s /= self.jobs * _IMAGES_MEAN * (STEPS + 5 + 2)  # half of the classes take 10 more
        names = [f"site{i}" for i in range(self.sites)]
        return Scenario.model_validate(
            {
                "name": f"bench-{self.name}",
                "models": {name: _model(step_s, i) for i, name in enumerate(names)},
                "sites": {name: _site(name, self.gpus) for name in names},
                "clock": {"start": "2019-04-22T00:00:00Z", "days": 1, "slot_minutes": 5},
                "workload": {
                    "arrivals": {"kind": "generated", "jobs_per_day": self.jobs},
                    "images": IMAGES,
                    "transferable": 0.3,
                },
                "default_steps": STEPS,
                "steps": [STEPS - 10, STEPS, STEPS + 10],
            }
        )


SIZES = {
    size.name: size
    for size in (
        Size("S", 20_000, 3, 8),
        Size("M", 250_000, 5, 32),
        Size("L", 1_000_000, 10, 64),
        Size("X", 1_000_000, 3, 8),
    )
}


def size_named(name: str) -> Size:
    """Find a size by its letter.

    Raises:
        UsageError: there is no such size.
    """
    if name not in SIZES:
        raise UsageError(f"size `{name}` does not exist{did_you_mean(name, list(SIZES))}")
    return SIZES[name]


def _model(step_s: float, number: int) -> dict[str, object]:
    step_s *= 1.0 + 0.01 * number
    return {
        "value_usd": 0.001,
        "quality": {"kind": "sigmoid", "a": 0.26, "c0": 10},
        "timing": {
            "bench": {
                "step_s": step_s,
                "step_w": 400,
                "encode_s": 0.8 * step_s,
                "decode_s": 1.2 * step_s,
                "fixed_j": 600 * step_s,
            }
        },
    }


def _site(model: str, gpus: int) -> dict[str, object]:
    return {
        "location": {"lat_deg": 50, "lon_deg": 5},
        "models": [model],
        "gpus": {
            "kind": "bench",
            "count": gpus,
            "idle_w": 60,
            "server_w": 100,
            "clock": {"kind": "table", "speed": SPEEDS, "power": POWERS},
        },
        "cooling": {"kind": "constant", "pue": 1.2},
        "battery": {
            "kind": "linear",
            "capacity_kwh": gpus,
            "charge_kw_max": gpus / 2,
            "discharge_kw_max": gpus / 2,
        },
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
        },
    }


class Steady:
    """Equal shares for jobs that may move, clocks in turn, a battery that follows the load."""

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Lay out the one dispatch rule."""
        services, sites = world.n_services, world.n_sites
        shares = np.zeros((sites, len(world.classes), services + 2))
        steps = np.full((sites, len(world.classes), services), STEPS)
        steps[:, ::2] = STEPS + 10
        for kind, job_class in enumerate(world.classes):
            for home in range(sites):
                if job_class.transferable:
                    shares[home, kind, :services] = 1.0 / services
                else:
                    shares[home, kind, int(world.home_service[home])] = 1.0
        self.rule = SplitRule(shares, steps)
        self._cover_kw = np.full(sites, np.inf)
        self._levels = [len(levels) for levels in world.clock_speed]

    def levels(self, slot: int) -> list[int]:
        """Clock level of each site in a slot."""
        return [(slot + 2 * i) % count for i, count in enumerate(self._levels)]

    def decide(self, observation: Observation) -> Decision:
        """Return the rule and the clocks of the slot."""
        clocks = np.array(self.levels(observation.slot), dtype=np.int64)
        return Decision(self.rule, clocks, battery_cover_kw=self._cover_kw)
