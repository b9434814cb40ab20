"""Soft actor-critic (Haarnoja et al. 2018, arXiv 1812.05905), read from top to bottom.

    y    = Σ γᵏ r + γⁿ (1 − terminal) [ min Q̄(s', a') − α log π(a'|s') ],   a' ~ π(s')
    Q    ← mean (Q(s, a) − y)²              two critics
    π    ← mean (α log π(a|s) − min Q(s, a)),   a ~ π(s)
    α    ← so that the entropy of π is ``entropy`` nats per coordinate
    Q̄    ← (1 − τ) Q̄ + τ Q

Days as others played them come as the last rows of a batch; π may be held near to what those did
(Fujimoto, Gu 2021, arXiv 2106.06860), which keeps it where the critics know what they say.

With n > 1 slots the entropy of the slots between is left out, as is usual. The rewards of a batch
come shaped; nothing here knows how. With several seeds every shape has an axis of them in front
and losses are summed over it: no gradient of one reaches another.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from policies.learned.actor import Actor, Scaling, as_actor
from policies.learned.agents import Agents
from policies.learned.batch import Batch
from policies.learned.dice import Dice, Seeds
from policies.learned.gaussian import entropy_std, squashed
from policies.learned.networks import Adam, AgentsMlp, Mlp, Part

if TYPE_CHECKING:
    from policies.learned.recipe import Recipe

REACH = 0.95
"""How far imitation goes; at ±1 tanh has no slope, and nothing could be learned from there."""


class Sac:
    """The algorithm in one world.

    Attributes:
        gaussian: that its actor gives means and log standard deviations.
        actor: the policy.
    """

    gaussian = True

    def __init__(
        self,
        recipe: Recipe,
        columns: int,
        coordinates: int,
        seed: Seeds,
        agents: Agents | None = None,
    ) -> None:
        self.recipe, self._coordinates = recipe, coordinates
        self.dice, weights = Dice(seed, "sac", "noise"), Dice(seed, "sac", "weights")
        hidden = recipe.hidden
        self._agents = agents
        self.actor = (
            Mlp((columns, hidden, hidden, 2 * coordinates), weights)
            if agents is None
            else AgentsMlp(agents, hidden, weights)
        )
        self.critics = Mlp((columns + coordinates, hidden, hidden, 1), weights, members=2)
        self.slow = self.critics.frozen_copy()
        self.log_alpha = Mlp((1, 1), weights)  # a bias alone: the logarithm of the temperature
        with torch.no_grad():
            self.log_alpha.weights[0].zero_()
            self.log_alpha.biases[0].fill_(math.log(recipe.first_temperature))
        self._actor_step = Adam(self.actor.parameters, recipe.rate)
        self._critic_step = Adam(self.critics.parameters, recipe.rate)
        self._alpha_step = Adam(self.log_alpha.biases, recipe.rate)

    def sample(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Actions, shape (rows, coordinates), and their log densities, shape (rows,)."""
        noise = self.dice.normal(views.shape[-2], self._coordinates)
        return squashed(self.actor(views), noise)

    @property
    def alpha(self) -> Tensor:
        """The temperature: what a nat of entropy is worth in rewards; shape (), or (seeds, 1)."""
        found = self.log_alpha.biases[0].detach().exp().squeeze(-1)
        fixed = self.recipe.temperature
        return torch.full_like(found, fixed) if fixed else found

    def imitate(self, views: Tensor, actions: Tensor) -> float:
        """Come nearer to what others did, and to the spread that the temperature aims at.

        Args:
            views: normalised, shape (rows, columns).
            actions: what they did there, shape (rows, coordinates).

        Returns:
            Mean square distance of actions.
        """
        mean, log_std = self.actor(views).chunk(2, dim=1)
        distance = ((torch.tanh(mean) - actions.clamp(-REACH, REACH)) ** 2).mean()
        aim = math.log(entropy_std(self.recipe.entropy))
        self._actor_step.descend(distance + 0.01 * ((log_std - aim) ** 2).mean())
        return float(distance.detach())

    def update(
        self, batch: Batch, rewards: Tensor, *, moves: bool = True, hold: float = 0.0
    ) -> dict[str, float]:
        """Learn from a batch.

        Args:
            batch: the batch.
            rewards: shaped return of each stretch, shape (rows,).
            moves: whether the policy moves; else the critics learn what it is worth.
            hold: weight of staying near what others did.

        Returns:
            Figures for the log.
        """
        alpha = self.alpha

        # critics
        with torch.no_grad():
            then, log_then = self.sample(batch.later)
            worth = self.slow(torch.cat([batch.later, then], dim=-1)).squeeze(-1).amin(dim=0)
            wanted = rewards + batch.discount * (worth - alpha * log_then)
        told = self.critics(torch.cat([batch.now, batch.action], dim=-1)).squeeze(-1)
        critic_loss = ((told - wanted) ** 2).mean(dim=-1).sum()
        self._critic_step.descend(critic_loss)

        # actor
        out = self.actor(batch.now)
        action, log_now = squashed(out, self.dice.normal(out.shape[-2], self._coordinates))
        if moves:
            worth = self.critics(torch.cat([batch.now, action], dim=-1)).squeeze(-1).amin(dim=0)
            actor_loss = (alpha * log_now - worth).mean(dim=-1).sum()
            best = torch.tanh(out[..., : self._coordinates])
            self._actor_step.descend(actor_loss + hold * batch.apart(best))

        # temperature
        if moves and not self.recipe.temperature:
            short = log_now.detach().mean(dim=-1) + self.recipe.entropy * self._coordinates
            self._alpha_step.descend(-(self.log_alpha.biases[0].flatten() * short).sum())

        self.slow.follow(self.critics, self.recipe.tau)
        return {
            "critic_loss": float(critic_loss.detach()) / len(self.dice.generators),
            "q_mean": float(told.detach().mean()),
            "entropy": -float(log_now.detach().mean()),
            "alpha": float(alpha.mean()),
        }

    def acting(self, scaling: Scaling) -> Actor:
        """What acts, in numpy."""
        return as_actor(self.actor.arrays(), scaling, gaussian=True, agents=self._agents)

    def parts(self) -> dict[str, Part]:
        """All that is trained, by name."""
        return {
            "actor": self.actor,
            "critics": self.critics,
            "slow": self.slow,
            "log_alpha": self.log_alpha,
            "actor_adam": self._actor_step,
            "critic_adam": self._critic_step,
            "alpha_adam": self._alpha_step,
        }
