"""Schedules that follow energy: to the cheapest kilowatt-hour, or to the cleanest.

Both keep the late penalty in the score, else every job would queue at the one cheapest site.
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, ScoreRule
from cosim.decision.info import FloatArray
from policies.heuristics.common import (
    FixedSteps,
    marginal_usd_kwh,
    pue,
    score_rule,
    surplus_kw,
)
from policies.options import number


class Cheapest(FixedSteps):
    """Each job goes where energy and transfer cost least, unless it would be late there.

    Energy counts at the site's present marginal price times its PUE; revenue is not looked at.

    Args:
        steps: denoising steps per image; None takes the scenario's default.
        late_weight: weight of the late penalty, 0 ignores deadlines.
        margin_s: spare time that counts as being on time [s].
    """

    name = "cheapest"

    def __init__(
        self, steps: int | None = None, late_weight: float = 1.0, margin_s: float = 0.0
    ) -> None:
        super().__init__(steps)
        self.late_weight = number("late_weight", late_weight, 0.0)
        self.margin_s = number("margin_s", margin_s, 0.0)

    def rule(self, observation: Observation) -> ScoreRule:
        """Score −energy − transfer − penalty if late, in USD."""
        return score_rule(
            self.world,
            energy_usd_kwh=self.energy_usd_kwh(observation)[self.world.service_site],
            revenue_weight=0.0,
            late_weight=self.late_weight,
            margin_s=self.margin_s,
            steps_allowed=self.one_step_count(),
        )

    def energy_usd_kwh(self, observation: Observation) -> FloatArray:
        """Price of a kWh of IT energy at each site, shape (sites,)."""
        return marginal_usd_kwh(self.world, observation)


class Greenest(Cheapest):
    """Each job goes where it causes least carbon, unless it would be late there.

    A kWh counts the grid's intensity times PUE, and nothing while the site has a surplus of
    renewable power; carbon is weighed against penalty and transfer at ``carbon_usd_kg``.

    Args:
        steps: denoising steps per image; None takes the scenario's default.
        late_weight: weight of the late penalty, 0 ignores deadlines.
        margin_s: spare time that counts as being on time [s].
        carbon_usd_kg: what a kilogram of CO2 is worth avoiding [USD/kg].
    """

    name = "greenest"

    def __init__(
        self,
        steps: int | None = None,
        late_weight: float = 1.0,
        margin_s: float = 0.0,
        carbon_usd_kg: float = 0.5,
    ) -> None:
        super().__init__(steps, late_weight, margin_s)
        self.carbon_usd_kg = number("carbon_usd_kg", carbon_usd_kg, 0.0)

    def energy_usd_kwh(self, observation: Observation) -> FloatArray:
        """Worth of the carbon of a kWh of IT energy at each site, shape (sites,)."""
        carbon_kg_kwh = observation.carbon_g_kwh / 1000.0 * pue(self.world, observation)
        caused = np.where(surplus_kw(self.world, observation) > 0.0, 0.0, carbon_kg_kwh)
        return np.asarray(caused * self.carbon_usd_kg)
