"""A denoising chain: noise becomes a latent in a few steps, told what it is about (DDPM).

    vp schedule   β_w = 1 − exp(−0.1/W − 4.95 (2w − 1)/W²),   ᾱ_w = Π (1 − β)
    z_W ~ N(0, 1);  z_{w−1} = posterior mean of (ẑ₀, z_w) + σ_w N(0, 1),  ẑ₀ from ε_θ(z_w, w, cond)

The schedule is that of DRESS (its public code): ᾱ_W = e^(−0.1 − 4.95) = 0.0064 for every W.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from policies.learned.dice import Dice
from policies.learned.networks import Mlp
from policies.learned.shaping.kind import per_seed

TIME_NUMBERS = 16


class Chain:
    """The schedule, and how a network runs along it.

    Attributes:
        steps: W.
        latents: M.
        beta: β of step w at index w − 1, shape (steps,).
        kept: ᾱ likewise.
    """

    def __init__(self, steps: int, latents: int, limit: float) -> None:
        """Lay out a chain.

        Args:
            steps: W, denoising steps.
            latents: M, numbers that are denoised together.
            limit: a denoised number is cut off there.
        """
        self.steps, self.latents, self._limit = steps, latents, limit
        w = torch.arange(1, steps + 1, dtype=torch.float32)
        self.beta = 1.0 - torch.exp(-0.1 / steps - 4.95 * (2.0 * w - 1.0) / steps**2)
        self.kept = torch.cumprod(1.0 - self.beta, dim=0)
        before = torch.cat([torch.ones(1), self.kept[:-1]])
        self._of_clean = self.beta * before.sqrt() / (1.0 - self.kept)
        self._of_noisy = (1.0 - self.beta).sqrt() * (1.0 - before) / (1.0 - self.kept)
        self._std = (self.beta * (1.0 - before) / (1.0 - self.kept)).sqrt()
        self._time = _time_numbers(steps)

    def network(self, conditions: int, hidden: int, dice: Dice) -> Mlp:
        """A network ε_θ that fits the chain."""
        inputs = self.latents + TIME_NUMBERS + conditions
        return Mlp((inputs, hidden, hidden, self.latents), dice, smooth=True)

    def noise_in(self, net: Mlp, latent: Tensor, step: Tensor, condition: Tensor) -> Tensor:
        """ε_θ: the noise in latents, shape (rows, M).

        Args:
            net: the network.
            latent: z_w, shape (rows, M).
            step: w − 1, shape (rows,).
            condition: shape (rows, conditions).
        """
        return net(torch.cat([latent, self._time[step], condition], dim=-1))

    def loss(self, net: Mlp, clean: Tensor, condition: Tensor, dice: Dice) -> Tensor:
        """The denoising loss, E‖ε − ε_θ(√ᾱ z₀ + √(1 − ᾱ) ε, w, cond)‖², over drawn steps."""
        return per_seed(self._errors(net, clean, condition, dice), 2)

    def losses(self, net: Mlp, clean: Tensor, condition: Tensor, dice: Dice) -> Tensor:
        """The same of each row by itself, shape (rows,)."""
        return self._errors(net, clean, condition, dice).mean(dim=-1)

    def _errors(self, net: Mlp, clean: Tensor, condition: Tensor, dice: Dice) -> Tensor:
        step = dice.integers(self.steps, clean.shape[-2])
        noise = dice.normal(*clean.shape[-2:])
        kept = self.kept[step][..., None]
        told = self.noise_in(net, kept.sqrt() * clean + (1 - kept).sqrt() * noise, step, condition)
        return (told - noise) ** 2

    def run(self, net: Mlp, condition: Tensor, dice: Dice) -> Tensor:
        """Denoise from pure noise to z₀, shape (rows, M); gradients pass through."""
        rows = condition.shape[-2]
        latent = dice.normal(rows, self.latents)
        for w in range(self.steps - 1, -1, -1):
            step = torch.full(condition.shape[:-1], w)
            noise = self.noise_in(net, latent, step, condition)
            clean = (latent - (1.0 - self.kept[w]).sqrt() * noise) / self.kept[w].sqrt()
            clean = clean.clamp(-self._limit, self._limit)
            latent = self._of_clean[w] * clean + self._of_noisy[w] * latent
            if w:
                latent = latent + self._std[w] * dice.normal(rows, self.latents)
        return latent


def _time_numbers(steps: int) -> Tensor:
    """Sines and cosines of the step number, shape (steps, TIME_NUMBERS)."""
    half = TIME_NUMBERS // 2
    rates = torch.exp(-math.log(10_000.0) * torch.arange(half) / (half - 1))
    angles = torch.arange(1, steps + 1)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
