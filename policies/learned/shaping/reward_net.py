"""A reward prediction network: plain regression of the return to go, the baseline to beat."""

from __future__ import annotations

from torch import Tensor

from policies.learned.batch import Batch
from policies.learned.dice import Dice
from policies.learned.networks import Adam, Mlp, Part
from policies.learned.shaping.kind import (
    CLIP,
    Policy,
    Seen,
    Terms,
    Tracked,
    per_seed,
    targets,
)


class RewardNet:
    """Mean of the target given state and action, by least squares."""

    in_rewards = False

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        hidden, weights = terms.recipe.hidden, Dice(terms.seed, "shaping", "reward-net")
        net = Mlp((terms.conditions, hidden, hidden, 1), weights)
        self._net = Tracked(net, terms.recipe.snapshot_decay)
        self._step = Adam(net.parameters, terms.recipe.shaping_rate)

    def signal(self, seen: Seen) -> Tensor:
        """The prediction of the snapshot, in standard units, shape (rows,)."""
        told = self._net.shown(self._terms.conditioned(seen.views, seen.actions))
        return told.squeeze(-1).clamp(-CLIP, CLIP)

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """One step of regression."""
        del policy, given
        told = self._net.online(self._terms.conditioned(batch.now, batch.action)).squeeze(-1)
        self._step.descend(per_seed((told - targets(self._terms, batch)) ** 2, 1))
        self._net.refresh()

    def parts(self) -> dict[str, Part]:
        """Network, snapshot and optimiser."""
        return {**self._net.parts("net"), "adam": self._step}

    def dice(self) -> dict[str, Dice]:
        """None after the weights are drawn."""
        return {}
