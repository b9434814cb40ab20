"""Schedules that look at no queue and no price: home, equal shares and dice.

They are the yardsticks of every comparison; ``random`` is the joint random policy whose share of
late jobs measures how sparse the rewards of a scenario are (JEMAS, arXiv 2605.02965).
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, SplitRule, WorldInfo
from cosim.decision.info import FloatArray, IntArray
from policies.heuristics.common import FixedSteps, Schedule
from policies.options import choice


def split_rule(world: WorldInfo, weights: FloatArray, steps: int | IntArray) -> SplitRule:
    """Turn weights of reachable services into shares without holding or dropping.

    Args:
        world: static facts.
        weights: positive weights that broadcast to shape (sites, classes, services).
        steps: denoising steps that broadcast to the same shape.
    """
    shape = world.reachable.shape
    kept = np.where(world.reachable, weights, 0.0)
    shares = np.zeros((*shape[:2], shape[2] + 2))
    shares[:, :, : shape[2]] = kept / kept.sum(axis=2, keepdims=True)
    return SplitRule(shares, np.broadcast_to(np.asarray(steps, dtype=np.int64), shape).copy())


class Home(FixedSteps):
    """Every job stays at its home site and runs the default step count.

    No transfer, no choice: what sites do that know nothing of each other.

    Args:
        steps: denoising steps per image; None takes the scenario's default.
    """

    name = "home"

    def rule(self, observation: Observation) -> SplitRule:
        """Send everything to the home site's first service that makes what is asked for."""
        at_home = self.world.staying[:, :, : self.world.n_services]
        return split_rule(self.world, at_home, self.step_count)


class RoundRobin(FixedSteps):
    """Jobs are dealt out in turn over all services they may reach, with the default step count.

    With ``weights: capacity`` a service's share follows the images per second it can make.

    Args:
        weights: ``equal`` or ``capacity``.
        steps: denoising steps per image; None takes the scenario's default.
    """

    name = "round-robin"

    def __init__(self, weights: str = "equal", steps: int | None = None) -> None:
        super().__init__(steps)
        self.weights = choice("weights", weights, ("equal", "capacity"))

    def rule(self, observation: Observation) -> SplitRule:
        """Share out by fixed weights."""
        world = self.world
        equal = np.ones(world.n_services)
        weights = equal if self.weights == "equal" else self.images_per_s()
        return split_rule(world, weights, self.step_count)

    def images_per_s(self) -> FloatArray:
        """Images each service makes in a second at full speed, shape (services,)."""
        world = self.world
        sharing = np.bincount(world.service_site, minlength=world.n_sites)
        gpus = (world.gpus / np.maximum(sharing, 1))[world.service_site]
        return np.asarray(gpus / world.image_s()[np.arange(world.n_services), self.step_column])


class Random(Schedule):
    """Each slot draws fresh random shares over services and random step counts.

    The joint random policy (random place and random steps) behind the sparsity index.
    """

    name = "random"

    def rule(self, observation: Observation) -> SplitRule:
        """Draw shares uniformly over the simplex and steps uniformly over the allowed counts."""
        world = self.world
        shape = world.reachable.shape
        weights = self.rng.exponential(size=shape) + 1e-12  # normalised: uniform on the simplex
        return split_rule(world, weights, self.any_steps(shape))

    def any_steps(self, shape: tuple[int, ...]) -> IntArray:
        """Step counts drawn uniformly from those that each service allows, services last."""
        world = self.world
        column = self.rng.choice(len(world.steps), size=shape)
        services = np.broadcast_to(np.arange(world.n_services), shape)
        while (closed := ~world.steps_open[services, column]).any():
            column[closed] = self.rng.choice(len(world.steps), size=int(closed.sum()))
        return np.asarray(world.steps, dtype=np.int64)[column]
