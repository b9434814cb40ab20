"""Schedules that look at the whole bill of a job: revenue, penalty, transfer, energy, congestion.

``greedy-utility`` takes for each job what is best for that job. ``price-aware`` also charges it
for the GPU time that other jobs then lack, at a price that clears the market of the slot.
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, ScoreRule, WorldInfo
from cosim.decision.info import FloatArray
from policies.classes import queued_gpu_s
from policies.heuristics.common import FixedSteps as FixedStepsBase
from policies.heuristics.common import Schedule, marginal_usd_kwh, score_rule
from policies.heuristics.market import Demand, clearing_prices
from policies.options import number


class GreedyUtility(Schedule):
    """Each job takes the place and steps that earn most for it: revenue − energy − transfer.

    A job estimated to be late counts minus its penalty; energy counts at its marginal price.

    Args:
        margin_s: spare time before the deadline that counts as being on time [s].
        late_weight: weight of the late penalty.
    """

    name = "greedy-utility"

    def __init__(self, margin_s: float = 0.0, late_weight: float = 1.0) -> None:
        self.margin_s = number("margin_s", margin_s, 0.0)
        self.late_weight = number("late_weight", late_weight, 0.0)

    def rule(self, observation: Observation) -> ScoreRule:
        """Score the utility of the job itself, in USD."""
        energy_usd_kwh = marginal_usd_kwh(self.world, observation)[self.world.service_site]
        return score_rule(
            self.world,
            energy_usd_kwh=energy_usd_kwh,
            late_weight=self.late_weight,
            margin_s=self.margin_s,
        )


class FixedSteps(FixedStepsBase):
    """Greedy on utility, but with one step count for all jobs: JEMAS's fixed-step baseline.

    Shows what choosing the steps per job is worth.

    Args:
        steps: denoising steps per image; None takes the scenario's default (JEMAS: 30).
        margin_s: spare time before the deadline that counts as being on time [s].
    """

    name = "fixed-steps"

    def __init__(self, steps: int | None = None, margin_s: float = 0.0) -> None:
        super().__init__(steps)
        self.margin_s = number("margin_s", margin_s, 0.0)

    def rule(self, observation: Observation) -> ScoreRule:
        """Score the utility of the job itself with the steps given, in USD."""
        energy_usd_kwh = marginal_usd_kwh(self.world, observation)[self.world.service_site]
        return score_rule(
            self.world,
            energy_usd_kwh=energy_usd_kwh,
            margin_s=self.margin_s,
            steps_allowed=self.one_step_count(),
        )


class PriceAware(GreedyUtility):
    """Greedy on utility, and each job pays for its GPU time at the price that clears the market.

    When little is asked the price is zero; under overload it rises and jobs take fewer steps.

    Args:
        margin_s: spare time before the deadline that counts as being on time [s].
        late_weight: weight of the late penalty.
        target_load: share of the GPU time to plan for, in [0.1, 1].
        memory: weight of the past in the running mean of arrivals per slot, in [0, 1).
        price_weight: factor on the clearing prices; 0 is greedy-utility.
    """

    name = "price-aware"

    def __init__(
        self,
        margin_s: float = 5.0,
        late_weight: float = 1.0,
        target_load: float = 1.0,
        memory: float = 0.5,
        price_weight: float = 1.0,
    ) -> None:
        super().__init__(margin_s, late_weight)
        self.target_load = number("target_load", target_load, 0.1, 1.0)
        self.memory = number("memory", memory, 0.0, 0.99)
        self.price_weight = number("price_weight", price_weight, 0.0)

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run with no demand known and all prices at zero."""
        super().reset(world, rng)
        self.demand = Demand(world, self.memory)
        self.gpu_usd_s = np.zeros(world.n_sites)

    def rule(self, observation: Observation) -> ScoreRule:
        """Score the utility of the job minus the worth of its GPU time, in USD."""
        self.demand.update(observation)
        energy = marginal_usd_kwh(self.world, observation)[self.world.service_site]
        self.gpu_usd_s = clearing_prices(
            self.world,
            images_s=self.demand.images_s(),
            capacity_gpus=self.spare_gpus(observation),
            energy_usd_kwh=energy,
            start_usd_s=self.gpu_usd_s,
        )
        price = self.price_weight * self.gpu_usd_s[self.world.service_site]
        return score_rule(
            self.world,
            gpu_usd_s=price,
            energy_usd_kwh=energy,
            late_weight=self.late_weight,
            margin_s=self.margin_s,
        )

    def spare_gpus(self, observation: Observation) -> FloatArray:
        """Full-speed GPUs that new work may use after the queue is worked off, shape (sites,).

        Work that the GPUs have in hand anyway does not count as a queue. At least a tenth is
        always left, so prices stay finite.
        """
        world = self.world
        queued_gpus = queued_gpu_s(world, observation) / (world.slot_ns / 1e9)
        gpus = world.gpus * self.target_load - queued_gpus
        speed = [t[i] for t, i in zip(world.clock_speed, observation.clock_level, strict=True)]
        return np.asarray(np.maximum(gpus, 0.1 * world.gpus) * np.array(speed))
