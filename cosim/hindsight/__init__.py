"""Hindsight: the best that could have been done with a run's jobs, weather and prices.

One linear program over the whole run, with everything known in advance, gives an upper bound on
the utility of any policy (what is relaxed stands in :mod:`cosim.hindsight.facts`), and a plan that
can be replayed.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time

import numpy as np

from cosim.errors import CosimError, UsageError
from cosim.hindsight.facts import facts_of, unbounded
from cosim.optimise import Course, Fluid, Groups, Outlook, Plant
from cosim.world.plan import Plan

__all__ = ["Hindsight", "hindsight", "unbounded"]

IPM_FROM_COLUMNS = 5_000
"""Programs with more columns than this are solved by the interior point method."""
SLACK = 1e-6
"""Share of the money moved that is added to the bound for the solver's tolerances."""


@dataclass(frozen=True)
class Hindsight:
    """The best course of a run in the fluid model.

    Attributes:
        bound_usd: no policy earns a higher utility in this run.
        course: what the model would have done.
        plant: the sites as the model sees them.
        groups: its images.
        outlook: what really happened.
        cpu_s: processor time of laying out and solving it.
    """

    bound_usd: float
    course: Course
    plant: Plant
    groups: Groups
    outlook: Outlook
    cpu_s: float


def hindsight(plan: Plan, *, method: str | None = None) -> Hindsight:
    """Find the best course of a run, everything known in advance.

    Args:
        plan: the run.
        method: ``simplex`` or ``ipm``; default: by the size of the program.

    Raises:
        UsageError: a site has something that no bound is known for.
        CosimError: the solver finds no optimum, which is a bug.
    """
    begun, obstacles = process_time(), unbounded(plan)
    if obstacles:
        raise UsageError(f"no hindsight bound: {'; '.join(obstacles)}")
    plant, groups, seen = facts_of(plan)
    size = seen.periods * (len(plant.mode_service) * 2 + plant.revenue_usd.size + 4 * len(groups))
    chosen = method or ("ipm" if size > IPM_FROM_COLUMNS else "simplex")
    fluid = Fluid(
        plant,
        groups,
        seen.periods,
        plan.info.slots,
        loose=True,
        method="ipm" if chosen == "ipm" else "simplex",
        charges=seen.charges,
    )
    course = fluid.solve(seen)
    if course.answer.status != "optimal":
        raise CosimError(f"the hindsight bound was not solved: {course.answer.said}")
    settled = float((seen.stored_kwh * seen.kept_usd_kwh).sum())
    moved = abs(course.answer.gain) + float(np.abs(plant.revenue_usd[plant.revenue_usd > 0]).sum())
    bound = course.answer.gain - settled - seen.certain_usd(plant) + SLACK * moved
    return Hindsight(bound, course, plant, groups, seen, process_time() - begun)
