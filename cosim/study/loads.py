"""How full a site is: what users ask for against what its GPUs can do, before anything is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.prepare import Stage
from cosim.quantities import NS_PER_HOUR
from cosim.world.plan import Plan

STEP_COUNTS = (6, 22, 30, 42)


@dataclass(frozen=True)
class Load:
    """How full a site would be if every job ran at its home with one step count.

    Attributes:
        site: name of the site.
        steps: denoising steps per image.
        mean: GPU time asked for over GPU time there is, over the window.
        peak: the same in the fullest hour.
    """

    site: str
    steps: int
    mean: float
    peak: float


def loads(on: Stage, seed: int) -> list[Load]:
    """Load per site and step count: images asked × GPU time of an image / GPU time there is.

    In closed form from the jobs of one seed, each at its home's first service that makes what it
    asks for, at full clock; the fullest hour is that with most work.

    Args:
        on: the stage.
        seed: whose jobs are counted.
    """
    plan = on.plan(seed)
    info, jobs = plan.info, plan.jobs
    hours = -(-plan.window_ns // NS_PER_HOUR)
    images = np.zeros((len(info.sizes), info.n_sites, hours))
    size = info.class_size[jobs.class_id]
    np.add.at(images, (size, jobs.home, jobs.arrival_ns // NS_PER_HOUR), jobs.images)
    last_s = (plan.window_ns - (hours - 1) * NS_PER_HOUR) / 1e9
    spans_s = np.array([3600.0] * (hours - 1) + [last_s])
    found = []
    for i, site in enumerate(info.sites):
        for steps in _step_counts(info.allowed_steps[info.home_service[i]]):
            busy = np.zeros(hours)
            for asked, service in zip(images[:, i], info.size_home[i].tolist(), strict=True):
                busy += asked * _image_s(plan, service, steps) / info.gpus[i]
            full = busy / spans_s
            found.append(Load(site, steps, float(busy.sum() / spans_s.sum()), float(full.max())))
    return found


def _image_s(plan: Plan, service: int, steps: int) -> float:
    """GPU time of an image at full clock [s], with the nearest count that the service allows."""
    at, nearest = plan.services[service], plan.info.nearest_column(steps)[service]
    return at.job_ns(len(at.step_ns) - 1, plan.info.steps[int(nearest)], 1) / 1e9


def _step_counts(allowed: Sequence[int]) -> list[int]:
    """The table's step counts that the scenario allows; its ends and default where it has none."""
    kept = [steps for steps in STEP_COUNTS if steps in allowed]
    return kept or sorted({allowed[0], allowed[len(allowed) // 2], allowed[-1]})
