"""A reward agent: a second SAC whose action is the bonus that the first one gets (DRESS).

It sees (s, a), gives x in [−1, 1], is paid the environment's reward, and goes on to (s', a') with
a' of the policy in training. Where its public code was wrong this is right (MODEL's traps 1, 2):
every row of a batch has its own bonus, and its critic sees the bonus that was really given. What
cannot be mended is that the bonus given does not change what it is paid: its critic has nothing to
learn about it. That is why ``diffusion-return`` exists.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from policies.learned.batch import Batch
from policies.learned.dice import Dice
from policies.learned.gaussian import squashed
from policies.learned.networks import Adam, Mlp, Part
from policies.learned.shaping.kind import Policy, Seen, Terms, per_seed

TARGET_ENTROPY = -1.0


class Body(Protocol):
    """What turns a condition into mean and log standard deviation of the bonus."""

    def __call__(self, condition: Tensor) -> Tensor:
        """Shape (rows, 2); gradients pass through."""

    def parts(self) -> dict[str, Mlp]:
        """Its networks, by name."""

    def dice(self) -> dict[str, Dice]:
        """Its dice, by name."""


class RewardAgent:
    """SAC over bonuses, around a body."""

    in_rewards = False

    def __init__(self, terms: Terms, body: Body) -> None:
        self._terms, self._body = terms, body
        recipe, weights = terms.recipe, Dice(terms.seed, "shaping", "agent", "weights")
        sizes = (terms.conditions + 1, recipe.hidden, recipe.hidden, 1)
        self._critics = Mlp(sizes, weights, members=2)
        self._slow = self._critics.frozen_copy()
        self._log_alpha = Mlp((1, 1), weights)  # a bias alone
        with torch.no_grad():
            self._log_alpha.weights[0].zero_()
            self._log_alpha.biases[0].zero_()
        trained = [each for net in body.parts().values() for each in net.parameters]
        self._body_step = Adam(trained, recipe.shaping_rate)
        self._critic_step = Adam(self._critics.parameters, recipe.shaping_rate)
        self._alpha_step = Adam(self._log_alpha.biases, recipe.shaping_rate)
        self._dice = Dice(terms.seed, "shaping", "agent", "noise")

    def signal(self, seen: Seen) -> Tensor:
        """The bonus of each row, shape (rows,); drawn, or for a potential the mean."""
        condition = self._terms.conditioned(seen.views, seen.actions)
        if self._terms.recipe.wrap == "potential":
            return torch.tanh(self._body(condition)[..., 0])
        return self._drawn(condition)[0]

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """One update of critics, body and temperature."""
        alpha = self._log_alpha.biases[0].detach().exp().squeeze(-1)
        now = self._terms.conditioned(batch.now, batch.action)
        with torch.no_grad():
            later = self._terms.conditioned(batch.later, policy.sample(batch.later)[0])
            bonus, density = self._drawn(later)
            worth = self._slow(_with(later, bonus)).squeeze(-1).amin(dim=0)
            wanted = batch.earned + batch.discount * (worth - alpha * density)
        told = self._critics(_with(now, given)).squeeze(-1)
        self._critic_step.descend(((told - wanted) ** 2).mean(dim=-1).sum())

        bonus, density = self._drawn(now)
        worth = self._critics(_with(now, bonus)).squeeze(-1).amin(dim=0)
        self._body_step.descend(per_seed(alpha * density - worth, 1))

        short = density.detach().mean(dim=-1) + TARGET_ENTROPY
        self._alpha_step.descend(-(self._log_alpha.biases[0].flatten() * short).sum())
        self._slow.follow(self._critics, self._terms.recipe.tau)

    def _drawn(self, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Bonuses and their log densities, each of shape (rows,)."""
        drawn, density = squashed(self._body(condition), self._dice.normal(condition.shape[-2], 1))
        return drawn.squeeze(-1), density

    def parts(self) -> dict[str, Part]:
        """All that is trained, by name."""
        return {
            **self._body.parts(),
            "critics": self._critics,
            "slow": self._slow,
            "log_alpha": self._log_alpha,
            "body_adam": self._body_step,
            "critic_adam": self._critic_step,
            "alpha_adam": self._alpha_step,
        }

    def dice(self) -> dict[str, Dice]:
        """Noise of the bonus and of the body."""
        return {"noise": self._dice, **self._body.dice()}


def _with(condition: Tensor, bonus: Tensor) -> Tensor:
    return torch.cat([condition, bonus[..., None]], dim=-1)
