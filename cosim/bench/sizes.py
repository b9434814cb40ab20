"""The sizes on which engines are compared: synthetic days, a batching day and a year.

Sites are alike but for the speed of their model. The load is about 85 % of the GPU time at full
clock (of what full batches could do, where GPUs batch) and clocks change at every slot edge. Where
a table decides, 30 % of the jobs may be sent to another site; where Python is asked, all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cosim.scenario.model import Scenario

LOAD = 0.85
STEPS = 30
IMAGES = {1: 0.4, 2: 0.3, 4: 0.3}
SPEEDS, POWERS = [0.8, 0.9, 1.0], [0.6, 0.75, 1.0]
_FIXED_SHARE = 0.5  # of a step that a batch does once for all of its images
_IMAGES_MEAN = sum(images * share for images, share in IMAGES.items())
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Size:
    """A size of the benchmark.

    Attributes:
        name: its letter.
        jobs: jobs of the whole window, expected.
        sites: sites.
        gpus: GPUs of each.
        engines: who runs it, the slowest first; the last one is timed again and again.
        slow: the others run as often (``repeated``), ``once``, or are always ``scaled`` up from a
            smaller size.
        asks: whether Python is asked about every arrival.
        batch_max: images that one GPU denoises at once.
        days: length of the window [days].
        slot_min: length of a slot [min].
    """

    name: str
    jobs: int
    sites: int
    gpus: int
    engines: tuple[str, ...] = ("textbook", "reference", "fast")
    slow: str = "once"
    asks: bool = False
    batch_max: int = 1
    days: int = 1
    slot_min: int = 5

    @property
    def small(self) -> Size:
        """The size from which slow engines are scaled up: a fiftieth of the work at most."""
        if len(self.engines) == len(SIZES["S"].engines):
            return SIZES["S"]
        return replace(self, name=f"{self.name}, small", jobs=min(self.jobs, SMALL_JOBS))

    @property
    def title(self) -> str:
        """The size in words."""
        batches = f", batches of {self.batch_max}" if self.batch_max > 1 else ""
        asks = ", Python places every job" if self.asks else ""
        days = f", {self.days} days" if self.days > 1 else ""
        gpus = f"{self.sites} × {self.gpus} GPUs"
        return f"size {self.name}: {self.jobs:,} jobs, {gpus}{batches}{days}{asks}"

    def scenario(self) -> Scenario:
        """The scenario: needs no trace."""
        names = [f"site{i}" for i in range(self.sites)]
        clock = {"start": "2019-04-22T00:00:00Z", "days": self.days, "slot_minutes": self.slot_min}
        return Scenario.model_validate(
            {
                "name": "bench",
                "models": {name: self._model(i) for i, name in enumerate(names)},
                "sites": {name: self._site(name) for name in names},
                "clock": clock,
                "workload": {
                    "arrivals": {"kind": "generated", "jobs_per_day": self.jobs / self.days},
                    "images": IMAGES,
                    "transferable": 1.0 if self.asks else 0.3,
                },
                "default_steps": STEPS,
                "steps": [STEPS - 10, STEPS, STEPS + 10],
            }
        )

    def _step_s(self) -> float:
        """Length of a step [s] at which the GPU-seconds offered are LOAD of those there are."""
        mean_speed = float(np.mean(SPEEDS))
        gpu_s = LOAD * mean_speed * self.sites * self.gpus * self.days * _DAY_S
        share = (_FIXED_SHARE + (1.0 - _FIXED_SHARE) * self.batch_max) / self.batch_max
        image_steps = share * (STEPS + 5) + 2.0  # half of the classes take 10 more
        return gpu_s / (self.jobs * _IMAGES_MEAN * image_steps)

    def _model(self, number: int) -> dict[str, object]:
        step_s = self._step_s() * (1.0 + 0.01 * number)
        timing: dict[str, object] = {
            "step_s": step_s,
            "step_w": 400,
            "encode_s": 0.8 * step_s,
            "decode_s": 1.2 * step_s,
            "fixed_j": 600 * step_s,
        }
        if self.batch_max > 1:
            timing["batch"] = {"fixed_share": _FIXED_SHARE}
        return {
            "value_usd": 0.001,
            "quality": {"kind": "sigmoid", "a": 0.26, "c0": 10},
            "timing": {"bench": timing},
        }

    def _site(self, model: str) -> dict[str, object]:
        return {
            "location": {"lat_deg": 50, "lon_deg": 5},
            "models": [model],
            "gpus": {
                "kind": "bench",
                "count": self.gpus,
                "idle_w": 60,
                "server_w": 100,
                "clock": {"kind": "table", "speed": SPEEDS, "power": POWERS},
                "batch_max": self.batch_max,
            },
            "cooling": {"kind": "constant", "pue": 1.2},
            "battery": {
                "kind": "linear",
                "capacity_kwh": self.gpus,
                "charge_kw_max": self.gpus / 2,
                "discharge_kw_max": self.gpus / 2,
            },
            "grid": {
                "price": {"kind": "flat", "usd_per_kwh": 0.1},
                "carbon": {"kind": "flat", "g_per_kwh": 300},
            },
        }


SMALL_JOBS = 20_000
_OWN = ("reference", "fast")
SIZES = {
    size.name: size
    for size in (
        Size("S", SMALL_JOBS, 3, 8, slow="repeated"),
        Size("M", 250_000, 5, 32),
        Size("L", 1_000_000, 10, 64),
        Size("X", 1_000_000, 3, 8),
        Size("B", 100_000, 3, 8, engines=_OWN, batch_max=8),
        Size("P", 250_000, 3, 8, engines=_OWN, asks=True),
        Size("Y", 18_000_000, 3, 8, slow="scaled", days=365, slot_min=15),
    )
}
