"""DRESS, corrected: the bonus is read off the latent of a denoising chain (JEMAS as far as known).

M latents are denoised in W steps given (s, a); a rectified linear layer turns them into a
tanh-Gaussian. There is no denoising loss: the chain is trained through, by the reward agent's.
Latents are cut off at ±1, as in the public code; its networks are a little deeper than these.
"""

from __future__ import annotations

import torch
from torch import Tensor

from policies.learned.dice import Dice
from policies.learned.networks import Mlp
from policies.learned.shaping.chain import Chain
from policies.learned.shaping.kind import Terms
from policies.learned.shaping.reward_agent import RewardAgent

LIMIT = 1.0


class DiffusionBody:
    """Condition → denoised latent → mean and log standard deviation."""

    def __init__(self, terms: Terms) -> None:
        recipe = terms.recipe
        self._chain = Chain(recipe.denoising_steps, recipe.latents, LIMIT)
        weights = Dice(terms.seed, "shaping", "dress", "weights")
        self._net = self._chain.network(terms.conditions, recipe.hidden, weights)
        self._head = Mlp((recipe.latents, 2), weights)
        self._dice = Dice(terms.seed, "shaping", "dress", "noise")

    def __call__(self, condition: Tensor) -> Tensor:
        """Shape (rows, 2)."""
        return self._head(torch.relu(self._chain.run(self._net, condition, self._dice)))

    def parts(self) -> dict[str, Mlp]:
        """Denoiser and head."""
        return {"denoiser": self._net, "head": self._head}

    def dice(self) -> dict[str, Dice]:
        """Noise of the chain."""
        return {"chain": self._dice}


class Dress(RewardAgent):
    """A reward agent with a denoising body."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms, DiffusionBody(terms))
