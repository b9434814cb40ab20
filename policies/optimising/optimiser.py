"""Schedulers that solve a linear program at every slot edge: jobs, clocks and batteries together.

All of them plan the same fluid model (:mod:`cosim.optimise.fluid`) and differ in how its answer is
put to jobs that are neither fluid nor foreseen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cosim.decision import Decision, Observation, ScoreRule, SplitRule, WorldInfo
from cosim.decision.info import IntArray
from cosim.optimise import Course
from policies.heuristics.common import score_rule
from policies.optimising.acts import (
    Prices,
    clock_levels,
    energy_decision,
    prices,
    release,
    score,
    shares,
)
from policies.optimising.horizon import Horizon
from policies.optimising.rolling import RollingPlan
from policies.options import choice, number

LAYERS = ("joint", "below")


class Planner:
    """Base of the planning schedulers: plans, acts, and falls back where there is no plan.

    Attributes:
        fallbacks: slots in which the solver gave no usable answer.
    """

    name = "planner"
    world: WorldInfo

    def __init__(
        self,
        horizon_h: float,
        tail: float,
        target_load: float,
        memory: float,
        busy_max: float,
        energy: str,
        time_s_max: float | None,
        precool: str = "on",
    ) -> None:
        self.horizon = Horizon(horizon_h, tail)
        self.target_load = number("target_load", target_load, 0.1, 1.5)
        self.memory = number("memory", memory, 0.0, 0.99)
        self.busy_max = number("busy_max", busy_max, 0.1, 1.0)
        self.energy = choice("energy", energy, LAYERS)
        self.precool = choice("precool", precool, ("on", "off"))
        limit = np.inf if time_s_max is None else number("time_s_max", time_s_max, 1e-3)
        self.time_s_max = float(limit)

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run with a cold solver."""
        del rng
        self.world, self.fallbacks = world, 0
        self.plan = self.new_plan(world)

    def new_plan(self, world: WorldInfo) -> RollingPlan:
        """The model of a world."""
        return RollingPlan(
            world,
            self.horizon,
            target_load=self.target_load,
            memory=self.memory,
            time_s_max=self.time_s_max,
            precool=self.energy == "joint" and self.precool == "on",
        )

    def decide(self, observation: Observation) -> Decision:
        """Plan the hours ahead and order the first of it."""
        course = self.solved(observation)
        if course is None:
            self.fallbacks += 1
            return Decision(dispatch=self.safe(observation))
        joint = self.energy == "joint"
        levels = self.levels(course) if joint else observation.clock_level
        asked = self.prices(course, levels)
        rule = release(self.plan, course, asked, observation, self.rule(course, asked))
        if not joint:
            return Decision(dispatch=rule)
        energy = energy_decision(self.plan, course, observation)
        return replace(energy, dispatch=rule, clock_level=levels)

    def solved(self, observation: Observation) -> Course | None:
        """The plan of the hours ahead; None without a usable answer."""
        return self.plan.solve(observation)

    def prices(self, course: Course, levels: IntArray) -> Prices:
        """The prices of the first period of the plan."""
        assert self.plan.seen is not None
        energy_usd_kwh = course.energy_usd_kwh[:, 0] * self.plan.seen.pue_low[:, 0]
        return prices(self.world, course.step_usd[:, 0], energy_usd_kwh, levels)

    def levels(self, course: Course) -> IntArray:
        """Clock level of each site, shape (sites,)."""
        assert self.plan.seen is not None
        return clock_levels(self.plan, course, self.plan.seen.gpu_h[:, 0], self.busy_max)

    def rule(self, course: Course, asked: Prices) -> ScoreRule | SplitRule:
        """What happens to the jobs that arrive."""
        raise NotImplementedError

    def safe(self, observation: Observation) -> ScoreRule:
        """Without a plan: each job takes what earns it most; energy is left to the layer below."""
        del observation
        return score_rule(self.world)

    def remarks(self) -> list[str]:
        """What a reader of the run should know."""
        if not self.fallbacks:
            return []
        return [f"{self.name}: no plan in {self.fallbacks} slots, in which jobs served themselves"]


class LpPrice(Planner):
    """Solves a linear program over the hours ahead; jobs pay its prices for GPU time and energy.

    Each arriving job takes the place and steps that leave it most, as the queues stand then.

    Args:
        horizon_h: how far to plan [h].
        tail: later periods are at most this part of the time until them; 0: slots throughout.
        target_load: share of the GPU time to plan for, in [0.1, 1.5]; above 1, because work that
            queues is deducted and jobs see the queues for themselves.
        memory: weight of the past in the running mean of arrivals, in [0, 0.99].
        margin_s: spare time before the deadline that counts as being on time [s].
        delay_weight: price of waiting as long as a typical impatient job would, as a share of what
            a typical job earns; keeps jobs from crowding where prices are tied.
        busy_max: share of the GPU time that planned work may take at a slower clock, in [0.1, 1].
        energy: ``joint`` plans clocks, batteries, rooms too, ``below`` leaves them to the layer.
        time_s_max: wall-clock limit of a solve [s]; None, because results would depend on it.
        precool: ``on`` plans the temperatures of rooms, ``off`` leaves them to the layer below.
    """

    name = "lp-price"

    def __init__(
        self,
        horizon_h: float = 24.0,
        tail: float = 8.0,
        target_load: float = 1.15,
        memory: float = 0.7,
        busy_max: float = 1.0,
        margin_s: float = 5.0,
        delay_weight: float = 0.07,
        energy: str = "joint",
        time_s_max: float | None = None,
        precool: str = "on",
    ) -> None:
        super().__init__(
            horizon_h, tail, target_load, memory, busy_max, energy, time_s_max, precool
        )
        self.delay_weight = number("delay_weight", delay_weight, 0.0, 10.0)
        self.margin_s = number("margin_s", margin_s, 0.0)

    def rule(self, course: Course, asked: Prices) -> ScoreRule:
        """The prices of the plan."""
        return score(self.plan, course, asked, self.margin_s, self.delay_weight)


class LpSplit(Planner):
    """Solves a linear program over the hours ahead; jobs are dealt out in its shares.

    Blind to what the queues are like within the slot, so it plans for less than all GPU time.

    Args:
        horizon_h: how far to plan [h].
        tail: later periods are at most this part of the time until them; 0: slots throughout.
        target_load: share of the GPU time to plan for, in [0.1, 1.5].
        memory: weight of the past in the running mean of arrivals, in [0, 0.99].
        busy_max: share of the GPU time that planned work may take at a slower clock, in [0.1, 1].
        energy: ``joint`` plans clocks, batteries, rooms too, ``below`` leaves them to the layer.
        time_s_max: wall-clock limit of a solve [s]; None, because results would depend on it.
        precool: ``on`` plans the temperatures of rooms, ``off`` leaves them to the layer below.
    """

    name = "lp-split"

    def __init__(
        self,
        horizon_h: float = 24.0,
        tail: float = 8.0,
        target_load: float = 0.85,
        memory: float = 0.7,
        busy_max: float = 0.8,
        energy: str = "joint",
        time_s_max: float | None = None,
        precool: str = "on",
    ) -> None:
        super().__init__(
            horizon_h, tail, target_load, memory, busy_max, energy, time_s_max, precool
        )

    def rule(self, course: Course, asked: Prices) -> SplitRule:
        """The shares of the plan."""
        del asked
        return shares(self.plan, course)


class Optimiser(LpPrice):
    """The better of the planners by linear program: `lp-price` with its defaults.

    Utility of `lp-price` and `lp-split`, mean over seeds 3, 4, 5: 5 315 and 4 861 USD on
    `paper/base-small`, 5 293 and 4 901 USD on `paper/flex`, by
    ``cosim compare SCENARIO -p home -p lp-split -p lp-price --seeds 3,4,5``. Its weights were
    chosen on seeds 1 and 2 of `paper/base-small`.
    """

    name = "optimiser"
