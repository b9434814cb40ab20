"""An actor that denoises: an action is what is left of noise after a few steps, in numpy.

    z = the noise that it starts from; 0 for the best action that is known
    for w = W … 1:   ẑ = clip((z − √(1 − ᾱ) ε(z, w, x)) / √ᾱ, ±1)
                     z = posterior mean of (ẑ, z) + σ_w · noise
    action = clip(z, ±1)

ε is a network of two hidden layers with SiLU; x the normalised view. The schedule is that of
:mod:`policies.learned.shaping.chain`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.gym.checkpoint import Checkpoint
from policies.learned.actor import Float32Array, Scaling, read_scaling

TIME_NUMBERS = 16
MAX_STEPS = 100


class ChainActor:
    """A trained denoising actor.

    Attributes:
        scaling: how views are normalised.
        layers: weights, shape (in, out), and biases, shape (out,), of each layer of ε.
        steps: W.
        coordinates: numbers of an action.
        noises: rows of noise that an action which tries things out takes.
    """

    def __init__(
        self, scaling: Scaling, layers: Sequence[tuple[Float32Array, Float32Array]], steps: int
    ) -> None:
        self.scaling, self.layers, self.steps = scaling, tuple(layers), steps
        self.coordinates, self.noises = len(self.layers[-1][1]), steps
        w = np.arange(1, steps + 1, dtype=np.float32)
        beta = 1.0 - np.exp(-0.1 / steps - 4.95 * (2.0 * w - 1.0) / steps**2)
        self._kept = np.cumprod(1.0 - beta)
        before = np.concatenate([[1.0], self._kept[:-1]])
        self._of_clean = beta * np.sqrt(before) / (1.0 - self._kept)
        self._of_noisy = np.sqrt(1.0 - beta) * (1.0 - before) / (1.0 - self._kept)
        self._std = np.sqrt(beta * (1.0 - before) / (1.0 - self._kept))
        half = TIME_NUMBERS // 2
        rates = np.exp(-np.log(10_000.0) * np.arange(half) / (half - 1))
        angles = w[:, None] * rates
        self._time = np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)

    def mean(self, views: Float32Array) -> Float32Array:
        """The best action that is known: the chain without noise, shape (rows, coordinates)."""
        return self._run(views, np.zeros((len(views), self.steps, self.coordinates), np.float32))

    def explore(
        self, views: Float32Array, noise: Float32Array, std: float | None = None
    ) -> Float32Array:
        """An action drawn from the policy.

        Args:
            views: shape (rows, columns).
            noise: standard normal numbers, shape (rows, noises · coordinates).
            std: not used; the chain has a spread of its own.
        """
        del std
        return self._run(views, noise.reshape(len(views), self.steps, self.coordinates))

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        arrays: dict[str, NDArray[Any]] = dict(self.scaling.tensors())
        for k, (weight, bias) in enumerate(self.layers):
            arrays |= {f"layer{k}.weight": weight, f"layer{k}.bias": bias}
        return arrays

    def facts(self) -> dict[str, Any]:
        """Its make, as plain data."""
        return {"hidden": [len(bias) for _, bias in self.layers[:-1]], "chain": self.steps}

    def _run(self, views: Float32Array, noise: Float32Array) -> Float32Array:
        x = self.scaling(views)
        z: NDArray[Any] = noise[:, 0]
        for w in range(self.steps - 1, -1, -1):
            kept = self._kept[w]
            clean = (z - np.sqrt(1.0 - kept) * self._noise_in(z, w, x)) / np.sqrt(kept)
            z = self._of_clean[w] * np.clip(clean, -1.0, 1.0) + self._of_noisy[w] * z
            if w:
                z = z + self._std[w] * noise[:, self.steps - w]
        return np.asarray(np.clip(z, -1.0, 1.0), dtype=np.float32)

    def _noise_in(self, z: NDArray[Any], w: int, x: Float32Array) -> Float32Array:
        time = np.broadcast_to(self._time[w], (len(x), TIME_NUMBERS))
        y: Any = np.concatenate([z, time, x], axis=1).astype(np.float32)
        for weight, bias in self.layers[:-1]:
            y = y @ weight + bias
            y = y / (1.0 + np.exp(-np.clip(y, -60.0, 60.0)))
        weight, bias = self.layers[-1]
        return np.asarray(y @ weight + bias, dtype=np.float32)


def read_chain_actor(found: Checkpoint, columns: int, coordinates: int) -> ChainActor:
    """Build the denoising actor of a checkpoint.

    Args:
        found: the checkpoint.
        columns: numbers of a view.
        coordinates: numbers of an action.

    Raises:
        UsageError: an array is missing or does not fit.
    """
    steps: int = found.fact("chain", int)
    if not 1 <= steps <= MAX_STEPS:
        raise found.fault(f"`chain` is {steps}; from 1 to {MAX_STEPS} steps are allowed")
    hidden: list[Any] = found.fact("hidden", list)
    if not hidden or not all(type(n) is int and n > 0 for n in hidden):
        raise found.fault(f"`hidden` is {hidden}; whole numbers from 1 on are needed")
    sizes = [coordinates + TIME_NUMBERS + columns, *hidden, coordinates]
    layers = [
        (found.tensor(f"layer{k}.weight", a, b), found.tensor(f"layer{k}.bias", b))
        for k, (a, b) in enumerate(pairwise(sizes))
    ]
    return ChainActor(read_scaling(found, columns), layers, steps)
