"""What the services offer for an image at each clock level and step count, laid out once per plan.

Under a :class:`ScoreRule` an image at a service and step count is worth the same to every job but
for its being late; both engines take these scores from here. Of a service whose late images earn
nothing only two step counts can win for a job: the best of those that end in time, and the best of
the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.decision import ScoreRule
from cosim.quantities import J_PER_KWH
from cosim.world.plan import Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Scores(NamedTuple):
    """The offers of a slot.

    Attributes:
        course_ns: time of each image, and of all together beside, shape (services, steps, 2).
        on_time: score of an image that ends in time [USD], shape (services, steps).
        late: score of one that does not and earns nothing [USD], same shape.
        worth: weighted revenue of one on time [USD], same shape.
        due: weighted penalty of one that earns nothing [USD], same shape.
        price: price of its GPU time and energy [USD], same shape.
    """

    course_ns: IntArray
    on_time: FloatArray
    late: FloatArray
    worth: FloatArray
    due: FloatArray
    price: FloatArray


class Offers:
    """Durations and energies of an image, per service, clock level and step count."""

    def __init__(self, plan: Plan) -> None:
        info, levels = plan.info, max(site.levels for site in plan.sites)
        shape = (info.n_services, levels, len(info.steps))
        self._plan, self._rows = plan, np.arange(info.n_services)
        self._work_s, self._kwh = np.zeros(shape), np.zeros(shape)
        self._course_ns = np.zeros((*shape, 2), dtype=np.int64)
        for s, service in enumerate(plan.services):
            idle_mw = plan.sites[int(info.service_site[s])].idle_mw
            for level in range(len(service.step_ns)):
                for k, steps in enumerate(info.steps):
                    work_ns = service.job_ns(level, steps, 1)
                    joule = (service.image_pj(level, steps) - idle_mw * work_ns) / 1e12
                    self._work_s[s, level, k] = work_ns / 1e9
                    self._kwh[s, level, k] = joule / J_PER_KWH
                    self._course_ns[s, level, k] = service.course_ns(level, steps)

    def of_slot(self, rule: ScoreRule, levels: Sequence[int]) -> Scores:
        """Score an image at every service and step count.

        Args:
            rule: prices and weights.
            levels: clock level of each site.
        """
        info, rows = self._plan.info, self._rows
        level = np.asarray(levels)[info.service_site]
        price = rule.gpu_usd_s[:, None] * self._work_s[rows, level]
        price += rule.energy_usd_kwh[:, None] * self._kwh[rows, level]
        worth = rule.revenue_weight * info.revenue_usd
        missed = rule.late_weight * info.late_penalty_usd
        due = np.broadcast_to(missed[:, None], price.shape)
        course_ns = self._course_ns[rows, level]
        return Scores(course_ns, worth - price, -due - price, worth, due, price)


def best_until(scores: Sequence[float]) -> list[int]:
    """Index of the best among the first k + 1 scores, the first of equals, for each k."""
    best: list[int] = []
    for k, score in enumerate(scores):
        best.append(k if not best or score > scores[best[-1]] else best[-1])
    return best


def best_from(scores: Sequence[float]) -> list[int]:
    """Index of the best among the scores from k on, the first of equals, for each k."""
    best: list[int] = []
    for k in range(len(scores) - 1, -1, -1):
        best.append(k if not best or scores[k] >= scores[best[-1]] else best[-1])
    return best[::-1]
