"""Twin delayed deterministic policy gradient (Fujimoto et al. 2018, arXiv 1802.09477).

a'   = clip(π̄(s') + clip(0.2 ε, ±0.5), ±1)
y    = Σ γᵏ r + γⁿ (1 − terminal) min Q̄(s', a')
Q    ← mean (Q(s, a) − y)²              two critics
every second update:   π ← − mean Q₁(s, π(s));   π̄, Q̄ follow by τ

Several seeds: as in :mod:`policies.learned.sac`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from policies.learned.actor import Actor, Scaling, as_actor
from policies.learned.batch import Batch
from policies.learned.dice import Dice, Seeds
from policies.learned.networks import Adam, Mlp, Part

if TYPE_CHECKING:
    from policies.learned.recipe import Recipe

SMOOTHING, SMOOTHING_CLIP = 0.2, 0.5
DELAY = 2
REACH = 0.95
"""How far imitation goes, as in SAC."""


class Td3:
    """The algorithm in one world.

    Attributes:
        gaussian: that its actor gives actions and no spread.
        actor: the policy.
        updates: updates so far.
    """

    gaussian = False

    def __init__(self, recipe: Recipe, columns: int, coordinates: int, seed: Seeds) -> None:
        self.recipe, self._coordinates, self.updates = recipe, coordinates, 0
        self.dice, weights = Dice(seed, "td3", "noise"), Dice(seed, "td3", "weights")
        hidden = recipe.hidden
        self.actor = Mlp((columns, hidden, hidden, coordinates), weights)
        self.critics = Mlp((columns + coordinates, hidden, hidden, 1), weights, members=2)
        self.slow_actor, self.slow = self.actor.frozen_copy(), self.critics.frozen_copy()
        self._actor_step = Adam(self.actor.parameters, recipe.rate)
        self._critic_step = Adam(self.critics.parameters, recipe.rate)

    def sample(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Smoothed actions of the slow actor, and zeros: there is no density."""
        noise = SMOOTHING * self.dice.normal(views.shape[-2], self._coordinates)
        noise = noise.clamp(-SMOOTHING_CLIP, SMOOTHING_CLIP)
        action = (torch.tanh(self.slow_actor(views)) + noise).clamp(-1.0, 1.0)
        return action, torch.zeros(views.shape[:-1])

    def imitate(self, views: Tensor, actions: Tensor) -> float:
        """Come nearer to what others did; as :meth:`policies.learned.sac.Sac.imitate`."""
        distance = ((torch.tanh(self.actor(views)) - actions.clamp(-REACH, REACH)) ** 2).mean()
        self._actor_step.descend(distance)
        self.slow_actor.follow(self.actor, 1.0)
        return float(distance.detach())

    def update(
        self, batch: Batch, rewards: Tensor, *, moves: bool = True, hold: float = 0.0
    ) -> dict[str, float]:
        """Learn from a batch; as :meth:`policies.learned.sac.Sac.update`."""
        # critics
        with torch.no_grad():
            then, _ = self.sample(batch.later)
            worth = self.slow(torch.cat([batch.later, then], dim=-1)).squeeze(-1).amin(dim=0)
            wanted = rewards + batch.discount * worth
        told = self.critics(torch.cat([batch.now, batch.action], dim=-1)).squeeze(-1)
        critic_loss = ((told - wanted) ** 2).mean(dim=-1).sum()
        self._critic_step.descend(critic_loss)

        # actor, every second time
        self.updates += 1
        if self.updates % DELAY == 0:
            if moves:
                action = torch.tanh(self.actor(batch.now))
                worth = self.critics(torch.cat([batch.now, action], dim=-1))[0]
                actor_loss = -worth.squeeze(-1).mean(dim=-1).sum()
                self._actor_step.descend(actor_loss + hold * batch.apart(action))
                self.slow_actor.follow(self.actor, self.recipe.tau)
            self.slow.follow(self.critics, self.recipe.tau)
        told_mean = float(told.detach().mean())
        loss = float(critic_loss.detach()) / len(self.dice.generators)
        return {"critic_loss": loss, "q_mean": told_mean}

    def acting(self, scaling: Scaling) -> Actor:
        """What acts, in numpy."""
        return as_actor(self.actor.arrays(), scaling, gaussian=False)

    def parts(self) -> dict[str, Part]:
        """All that is trained, by name."""
        return {
            "actor": self.actor,
            "slow_actor": self.slow_actor,
            "critics": self.critics,
            "slow": self.slow,
            "actor_adam": self._actor_step,
            "critic_adam": self._critic_step,
        }
