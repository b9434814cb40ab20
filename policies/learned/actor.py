"""The actor: a small network that turns what is seen into what is done, in numpy.

It is all that a trained policy needs, and it plays the days from which a learner learns:

    x = clip((view − mean) / √(variance + 0.01), ±10)
    x = max(0, x W + b)          for each hidden layer
    action = tanh(x W + b)       the first half of a Gaussian's last layer is its mean
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.gym.checkpoint import Checkpoint

Float32Array = NDArray[np.float32]

VARIANCE_FLOOR = 0.01
"""A column that hardly moves is magnified ten times at most."""
CLIP = 10.0
LOG_STD_MIN, LOG_STD_MAX = -5.0, 2.0


@dataclass(frozen=True)
class Scaling:
    """How views are normalised.

    Attributes:
        mean: of each column, shape (columns,); of several actors (actors, 1, columns).
        variance: likewise.
    """

    mean: Float32Array
    variance: Float32Array

    def __call__(self, views: Float32Array) -> Float32Array:
        """Return normalised views, shape as given."""
        scaled = (views - self.mean) / np.sqrt(self.variance + np.float32(VARIANCE_FLOOR))
        return np.asarray(np.clip(scaled, -CLIP, CLIP), dtype=np.float32)


class Moments:
    """Running mean and variance of the columns of all views so far (Chan's update)."""

    def __init__(self, columns: int) -> None:
        self.count = 0
        self.mean, self.squares = np.zeros((2, columns))

    def add(self, views: Float32Array) -> None:
        """Take in views, shape (rows, columns)."""
        rows, mean = len(views), views.mean(axis=0, dtype=np.float64)
        total, step = self.count + rows, mean - self.mean
        self.squares += ((views - mean) ** 2).sum(axis=0)
        self.squares += step**2 * (self.count * rows / total)
        self.mean, self.count = self.mean + step * (rows / total), total

    def scaling(self) -> Scaling:
        """The normalisation by what was seen so far; none before anything was."""
        if not self.count:
            return Scaling(
                np.zeros(len(self.mean), np.float32),
                np.full(len(self.mean), 1.0 - VARIANCE_FLOOR, np.float32),
            )
        variance = self.squares / self.count
        return Scaling(self.mean.astype(np.float32), variance.astype(np.float32))


class Actor:
    """A trained actor, or several side by side, each with views of its own.

    Attributes:
        scaling: how views are normalised.
        layers: weights, shape (in, out), and biases, shape (out,), of each layer; of several
            actors (actors, in, out) and (actors, 1, out).
        gaussian: whether the last layer gives means and log standard deviations.
    """

    def __init__(
        self,
        scaling: Scaling,
        layers: Sequence[tuple[Float32Array, Float32Array]],
        *,
        gaussian: bool,
    ) -> None:
        self.scaling, self.layers, self.gaussian = scaling, tuple(layers), gaussian
        last = self.layers[-1][1].shape[-1]
        self.coordinates = last // 2 if gaussian else last

    def mean(self, views: Float32Array) -> Float32Array:
        """The best action that is known, shape (…, rows, coordinates), in [−1, 1]."""
        return np.tanh(self._out(views)[..., : self.coordinates])

    def explore(
        self, views: Float32Array, noise: Float32Array, std: float | None = None
    ) -> Float32Array:
        """An action that tries things out.

        Args:
            views: shape (rows, columns).
            noise: standard normal numbers, shape (rows, coordinates).
            std: standard deviation of the noise on actions; None: the Gaussian's own, before
                tanh.

        Returns:
            Actions in [−1, 1], shape (rows, coordinates).
        """
        out = self._out(views)
        if std is not None:
            best = np.tanh(out[..., : self.coordinates])
            return np.asarray(np.clip(best + np.float32(std) * noise, -1.0, 1.0), np.float32)
        mean, log_std = np.split(out, 2, axis=-1)
        spread = np.exp(np.clip(log_std, LOG_STD_MIN, LOG_STD_MAX))
        return np.tanh(mean + spread * noise)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        arrays: dict[str, NDArray[Any]] = {
            "view.mean": self.scaling.mean,
            "view.variance": self.scaling.variance,
        }
        for k, (weight, bias) in enumerate(self.layers):
            arrays |= {f"layer{k}.weight": weight, f"layer{k}.bias": bias}
        return arrays

    def facts(self) -> dict[str, Any]:
        """Its make, as plain data."""
        return {"hidden": [b.shape[-1] for _, b in self.layers[:-1]], "gaussian": self.gaussian}

    def _out(self, views: Float32Array) -> Float32Array:
        x = self.scaling(views)
        for weight, bias in self.layers[:-1]:
            x = np.maximum(x @ weight + bias, np.float32(0.0))
        weight, bias = self.layers[-1]
        return np.asarray(x @ weight + bias, dtype=np.float32)


def read_actor(found: Checkpoint, columns: int, coordinates: int) -> Actor:
    """Build the actor of a checkpoint.

    Args:
        found: the checkpoint.
        columns: numbers of a view.
        coordinates: numbers of an action.

    Raises:
        UsageError: an array is missing or does not fit.
    """
    hidden: list[Any] = found.fact("hidden", list)
    gaussian: bool = found.fact("gaussian", bool)
    if not hidden or not all(type(n) is int and n > 0 for n in hidden):
        raise found.fault(f"`hidden` is {hidden}; whole numbers from 1 on are needed")
    sizes = [columns, *hidden, coordinates * (2 if gaussian else 1)]
    layers = [
        (found.tensor(f"layer{k}.weight", a, b), found.tensor(f"layer{k}.bias", b))
        for k, (a, b) in enumerate(pairwise(sizes))
    ]
    variance = found.tensor("view.variance", columns)
    if (variance < 0.0).any():
        raise found.fault("array `view.variance` holds a negative number")
    return Actor(Scaling(found.tensor("view.mean", columns), variance), layers, gaussian=gaussian)


def as_actor(arrays: Mapping[str, NDArray[Any]], scaling: Scaling, *, gaussian: bool) -> Actor:
    """Build an actor of the weights and biases of a network in training."""
    count = sum(name.endswith(".weight") for name in arrays)
    layers = [(arrays[f"layer{k}.weight"], arrays[f"layer{k}.bias"]) for k in range(count)]
    return Actor(scaling, layers, gaussian=gaussian)
