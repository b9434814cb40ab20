"""The planner with whole numbers: one clock level per site, no burning, and a certified gap."""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import IntArray
from cosim.optimise import Course, Fluid
from policies.optimising.optimiser import LpPrice
from policies.optimising.rolling import RollingPlan
from policies.options import number, whole


class Milp(LpPrice):
    """Plans with one clock level per site in the slots that come next, by mixed-integer program.

    A linear program with those levels then gives the prices that jobs pay; the gap is reported.

    Args:
        horizon_h: how far to plan [h].
        tail: later periods are at most this part of the time until them; 0: slots throughout.
        target_load: share of the GPU time to plan for, in [0.1, 1.5].
        one_clock: periods, from the next slot on, in which a site has one clock level.
        gap: gap at which the search may stop, as a share of the gain.
        time_s_max: wall-clock limit of a solve [s]; None, because results would depend on it.
    """

    name = "milp"

    def __init__(
        self,
        horizon_h: float = 24.0,
        tail: float = 8.0,
        target_load: float = 1.15,
        one_clock: int = 4,
        gap: float = 1e-3,
        time_s_max: float | None = None,
    ) -> None:
        super().__init__(horizon_h, tail, target_load, time_s_max=time_s_max)
        self.one_clock = whole("one_clock", one_clock, 1)
        self.gap = number("gap", gap, 0.0, 1.0)

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run with cold solvers."""
        super().reset(world, rng)
        self.gaps: list[float] = []
        self.search = Fluid(
            self.plan.plant,
            self.plan.customers.groups,
            len(self.plan.periods),
            binary=True,
            one_clock=self.one_clock,
            gap=self.gap,
            time_s_max=self.time_s_max,
            charges=self.plan.charges,
        )

    def solved(self, observation: Observation) -> Course | None:
        """Search the levels, close all others, and let a linear program give the prices."""
        plan: RollingPlan = self.plan
        seen = plan.observe(observation)
        found = self.search.solve(seen).answer
        if not found.usable:
            return None
        self.gaps.append(found.gap)
        self.chosen = self.search.work.levels(found.values)
        plan.fluid.work.only(plan.fluid.solver, self.chosen)
        course = plan.fluid.solve(seen)
        return course if course.answer.usable else None

    def levels(self, course: Course) -> IntArray:
        """The levels of the search for the slot that begins."""
        del course
        return np.asarray(self.chosen[:, 0])

    def remarks(self) -> list[str]:
        """What a reader of the run should know: the certified gap."""
        if not self.gaps:
            return super().remarks()
        worst = 100.0 * max(self.gaps)
        return [
            f"{self.name}: plans proven to within {worst:.3f} % of the best",
            *super().remarks(),
        ]
