"""Schedules that look at queues only: the shortest wait and the earliest finish.

Both judge each job at its arrival by the queues of that instant, so a burst inside a slot is seen.
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, ScoreRule
from policies.heuristics.common import FixedSteps, score_rule


class LeastLoaded(FixedSteps):
    """Each job goes where it will wait least before its first step, moving time included.

    Blind to how long the job itself takes there: a slow model with an empty queue looks best.

    Args:
        steps: denoising steps per image; None takes the scenario's default.
    """

    name = "least-loaded"

    def rule(self, observation: Observation) -> ScoreRule:
        """Score −(estimated finish − arrival) + own GPU time, in seconds: minus the wait."""
        world = self.world
        return score_rule(
            world,
            gpu_usd_s=-np.ones(world.n_services),
            delay_usd_s=1.0,
            revenue_weight=0.0,
            late_weight=0.0,
            transfer_weight=0.0,
            steps_allowed=self.one_step_count(),
        )


class EarliestFinish(FixedSteps):
    """Each job goes where it is estimated to finish first: wait, transfer and own GPU time.

    Blind to revenue and to the price of energy.

    Args:
        steps: denoising steps per image; None takes the scenario's default.
    """

    name = "earliest-finish"

    def rule(self, observation: Observation) -> ScoreRule:
        """Score −(estimated finish − arrival), in seconds."""
        return score_rule(
            self.world,
            delay_usd_s=1.0,
            revenue_weight=0.0,
            late_weight=0.0,
            transfer_weight=0.0,
            steps_allowed=self.one_step_count(),
        )
