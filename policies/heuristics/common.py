"""What the scheduling heuristics share: the run they are in, their step count, prices of energy.

A heuristic decides only the dispatch; clocks and batteries are left to the energy layer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cosim.decision import Decision, DispatchRule, Observation, ScoreRule, WorldInfo
from cosim.decision.info import BoolArray, FloatArray, IntArray
from cosim.errors import PolicyError
from policies.options import whole

PUE_MAX = 3.0
"""A facility that draws more than this times its IT is idling or starting: not a usable ratio."""


class Schedule:
    """Base of the scheduling heuristics: keeps the world and wraps a rule into a decision."""

    name = "schedule"
    world: WorldInfo
    rng: np.random.Generator

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run."""
        self.world, self.rng = world, rng

    def decide(self, observation: Observation) -> Decision:
        """Give the dispatch rule of this slot; leave energy to the inner layer."""
        return Decision(dispatch=self.rule(observation))

    def rule(self, observation: Observation) -> DispatchRule:
        """The dispatch rule of this slot."""
        raise NotImplementedError


class FixedSteps(Schedule):
    """Base of the heuristics that run one step count everywhere.

    Args:
        steps: denoising steps per image, one of the scenario's step counts; None takes the
            scenario's default. A service that does not allow it runs the nearest it does.
    """

    def __init__(self, steps: int | None = None) -> None:
        self.steps = None if steps is None else whole("steps", steps, 1)

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run; the step count must be one that the scenario allows."""
        super().reset(world, rng)
        self.step_column = step_column(world, self.steps, policy=self.name)
        self.step_count = np.asarray(world.steps, dtype=np.int64)[self.step_column]

    def one_step_count(self) -> BoolArray:
        """Mask that leaves only this step count open, shape (services, steps)."""
        mask = np.zeros((self.world.n_services, len(self.world.steps)), dtype=np.bool_)
        mask[np.arange(self.world.n_services), self.step_column] = True
        return mask


def step_column(world: WorldInfo, steps: int | None, *, policy: str) -> IntArray:
    """Return the index of a step count, or the nearest allowed one, at each service, (services,).

    Args:
        world: static facts.
        steps: denoising steps per image; None takes the scenario's default.
        policy: who asks, for the error.

    Raises:
        PolicyError: the scenario does not allow that count anywhere.
    """
    if steps is None:
        return world.default_column
    if steps not in world.steps:
        allowed = ", ".join(map(str, world.steps))
        message = f"{steps} denoising steps are not allowed here; allowed: {allowed}"
        raise PolicyError(policy, message, field="steps")
    return world.nearest_column(steps)


def score_rule(world: WorldInfo, **changes: Any) -> ScoreRule:
    """Return the plain utility rule (free GPU time and energy, all open) with some changes.

    Args:
        world: static facts.
        changes: fields of :class:`ScoreRule`.
    """
    fields: dict[str, Any] = {
        "gpu_usd_s": np.zeros(world.n_services),
        "energy_usd_kwh": np.zeros(world.n_services),
        "allowed": np.ones((world.n_sites, world.n_services), dtype=np.bool_),
        "steps_allowed": world.steps_open,
    }
    return ScoreRule(**{**fields, **changes})


def pue(world: WorldInfo, observation: Observation) -> FloatArray:
    """Facility energy per IT energy as last metered, in [1, PUE_MAX], shape (sites,)."""
    it_kw = observation.it_kw
    ratio = np.divide(observation.facility_kw, it_kw, out=np.ones_like(it_kw), where=it_kw > 0.0)
    return np.asarray(np.clip(ratio, 1.0, PUE_MAX)[world.place])


def surplus_kw(world: WorldInfo, observation: Observation) -> FloatArray:
    """Renewable power beyond the facility's load, negative when short [kW], shape (sites,)."""
    surplus = observation.solar_kw + observation.wind_kw - observation.facility_kw
    return np.asarray(surplus[world.place])


def marginal_usd_kwh(world: WorldInfo, observation: Observation) -> FloatArray:
    """What one more kWh of IT energy costs each site now [USD/kWh], shape (sites,).

    A site that imports pays the purchase price and the price of carbon; one that exports forgoes
    the sale price; one whose surplus exceeds its export limit would curtail it and pays nothing.
    Each kWh of IT energy needs PUE kWh of facility energy.
    """
    surplus = surplus_kw(world, observation)
    carbon_usd = world.carbon_usd_kg * observation.carbon_g_kwh / 1000.0
    bought = observation.price_usd_kwh + carbon_usd
    forgone = np.where(
        surplus > world.export_kw_max, 0.0, np.maximum(observation.sale_usd_kwh, 0.0)
    )
    return np.asarray(np.where(surplus > 0.0, forgone, bought) * pue(world, observation))
