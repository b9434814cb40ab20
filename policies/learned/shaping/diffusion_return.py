"""The return to go as a denoising chain: what a state and an action will bring, not just its mean.

A conditional DDPM learns the distribution of returns by the denoising loss; the signal is the mean
of some chains. With M > 1 latents the return is repeated over them and read as their mean.
"""

from __future__ import annotations

from torch import Tensor

from policies.learned.batch import Batch
from policies.learned.dice import Dice
from policies.learned.networks import Adam, Part
from policies.learned.shaping.chain import Chain
from policies.learned.shaping.kind import (
    CLIP,
    Policy,
    Seen,
    Terms,
    Tracked,
    mean_of,
    repeated,
    targets,
)


class DiffusionReturn:
    """Samples of the target given state and action."""

    in_rewards = False

    def __init__(self, terms: Terms) -> None:
        self._terms, recipe = terms, terms.recipe
        self._chain = Chain(recipe.denoising_steps, recipe.latents, CLIP)
        weights = Dice(terms.seed, "shaping", "diffusion", "weights")
        net = self._chain.network(terms.conditions, recipe.hidden, weights)
        self._net = Tracked(net, recipe.snapshot_decay)
        self._step = Adam(net.parameters, recipe.shaping_rate)
        self._dice = Dice(terms.seed, "shaping", "diffusion", "noise")

    def signal(self, seen: Seen) -> Tensor:
        """Mean of the snapshot's chains, in standard units, shape (rows,)."""
        condition = self._terms.conditioned(seen.views, seen.actions)
        chains = self._terms.recipe.chains
        found = self._chain.run(self._net.shown, repeated(condition, chains), self._dice)
        return mean_of(found.mean(dim=-1), chains).clamp(-CLIP, CLIP)

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """One step of denoising."""
        del policy, given
        condition = self._terms.conditioned(batch.now, batch.action)
        clean = targets(self._terms, batch).clamp(-CLIP, CLIP)[..., None]
        clean = clean.expand(*clean.shape[:-1], self._chain.latents)
        self._step.descend(self._chain.loss(self._net.online, clean, condition, self._dice))
        self._net.refresh()

    def parts(self) -> dict[str, Part]:
        """Network, snapshot and optimiser."""
        return {**self._net.parts("net"), "adam": self._step}

    def dice(self) -> dict[str, Dice]:
        """Noise of chains and of the denoising loss."""
        return {"noise": self._dice}
