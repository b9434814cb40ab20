"""A diffusion policy: the actor is a denoising chain, and learns by which of its actions pay.

    y    = Σ γᵏ r + γⁿ (1 − terminal) min Q̄(s', a'),   a' from the slow chain
    Q    ← mean (Q(s, a) − y)²              two critics
    π    ← mean Σ_j w_j ‖ε − ε_θ(√ᾱ a_j + √(1 − ᾱ) ε, w, s)‖²
    w_j  = (min Q(s, a_j) − mean_j)₊, adding up to 1

The a_j of a state are some that the chain draws, the one that was taken, and with a small weight
one drawn at random, which keeps the policy from narrowing down too soon. This is Q-weighted
variational policy optimisation (Ding et al. 2024, arXiv 2405.16173). D2SAC descends through the
chain and DIPO moves actions along ∂Q/∂a instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from policies.learned.actor import Scaling
from policies.learned.batch import Batch
from policies.learned.chain_actor import ChainActor
from policies.learned.dice import Dice
from policies.learned.networks import Adam, Mlp, Part
from policies.learned.shaping.chain import Chain

if TYPE_CHECKING:
    from policies.learned.recipes import DiffusionPolicy

RANDOM_WEIGHT = 0.02
"""Weight of an action drawn at random; 1 for those that pay, together."""


class Denoiser:
    """The algorithm in one world.

    Attributes:
        actor: ε_θ.
        chain: the schedule.
    """

    gaussian = True
    """Its spread is its own; nothing is added to what it draws."""

    def __init__(self, recipe: DiffusionPolicy, columns: int, coordinates: int, seed: int) -> None:
        self.recipe, self._coordinates = recipe, coordinates
        self.dice, weights = Dice(seed, "denoiser", "noise"), Dice(seed, "denoiser", "weights")
        hidden = recipe.hidden
        self.chain = Chain(recipe.denoising_steps, coordinates, 1.0)
        self.actor = self.chain.network(columns, hidden, weights)
        self.critics = Mlp((columns + coordinates, hidden, hidden, 1), weights, members=2)
        self.slow_actor, self.slow = self.actor.frozen_copy(), self.critics.frozen_copy()
        self._actor_step = Adam(self.actor.parameters, recipe.rate)
        self._critic_step = Adam(self.critics.parameters, recipe.rate)

    def sample(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Actions of the slow chain, and zeros: its density is not known."""
        return self._drawn(self.slow_actor, views), torch.zeros(len(views))

    def imitate(self, views: Tensor, actions: Tensor) -> float:
        """Learn to denoise to what others did."""
        loss = self.chain.loss(self.actor, actions, views, self.dice)
        self._actor_step.descend(loss)
        self.slow_actor.follow(self.actor, self.recipe.tau)
        return float(loss.detach())

    def update(
        self, batch: Batch, rewards: Tensor, *, moves: bool = True, hold: float = 0.0
    ) -> dict[str, float]:
        """Learn from a batch; as :meth:`policies.learned.sac.Sac.update`."""
        # critics
        with torch.no_grad():
            then, _ = self.sample(batch.later)
            wanted = rewards + batch.discount * self._worth(self.slow, batch.later, then)
        told = self.critics(torch.cat([batch.now, batch.action], dim=1)).squeeze(-1)
        critic_loss = ((told - wanted) ** 2).mean(dim=1).sum()
        self._critic_step.descend(critic_loss)

        # actor
        if moves:
            loss = self._actor_loss(batch)
            if hold and batch.shown:
                rows = slice(len(batch.now) - batch.shown, None)
                others = self.chain.loss(
                    self.actor, batch.action[rows], batch.now[rows], self.dice
                )
                loss = loss + hold * others
            self._actor_step.descend(loss)
            self.slow_actor.follow(self.actor, self.recipe.tau)

        self.slow.follow(self.critics, self.recipe.tau)
        told_mean = float(told.detach().mean())
        return {"critic_loss": float(critic_loss.detach()), "q_mean": told_mean}

    def acting(self, scaling: Scaling) -> ChainActor:
        """What acts, in numpy."""
        arrays = self.actor.arrays()
        layers = [
            (arrays[f"layer{k}.weight"], arrays[f"layer{k}.bias"])
            for k in range(len(self.actor.weights))
        ]
        return ChainActor(scaling, layers, self.chain.steps)

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

    def _actor_loss(self, batch: Batch) -> Tensor:
        """The denoising loss of all candidates, each by its weight."""
        rows, count = len(batch.now), self.recipe.candidates + 1
        views = batch.now.repeat(count, 1)
        with torch.no_grad():
            drawn = self._drawn(self.actor, views[rows:])
            actions = torch.cat([batch.action, drawn])
            worth = self._worth(self.critics, views, actions).view(count, rows)
            gain = (worth - worth.mean(dim=0)).clamp(min=0.0)
            weights = gain / gain.sum(dim=0).clamp(min=1e-6)
        losses = self.chain.losses(self.actor, actions, views, self.dice)
        paying = (weights.flatten() * losses).view(count, rows).sum(dim=0).mean()
        any_action = self.dice.uniform(rows, self._coordinates)
        wide = self.chain.loss(self.actor, any_action, batch.now, self.dice)
        return paying + RANDOM_WEIGHT * wide

    def _drawn(self, net: Mlp, views: Tensor) -> Tensor:
        with torch.no_grad():
            return self.chain.run(net, views, self.dice).clamp(-1.0, 1.0)

    @staticmethod
    def _worth(critics: Mlp, views: Tensor, actions: Tensor) -> Tensor:
        """What the worse of two critics says, shape (rows,)."""
        return critics(torch.cat([views, actions], dim=1)).squeeze(-1).amin(dim=0)
