"""The actor: a small network that turns what is seen into what is done, in numpy.

It is all that a trained policy needs, and it plays the days from which a learner learns:

    x = clip((view − mean) / √(variance + 0.01), ±10)
    x = max(0, x W + b)          for each hidden layer
    action = tanh(x W + b)       the first half of a Gaussian's last layer is its mean;
                                 clip(x W + b, ±1) where the learner did not squash its actions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.gym.checkpoint import Checkpoint
from policies.learned.agents import Agents

Float32Array = NDArray[np.float32]

VARIANCE_FLOOR = 0.01
"""A column that hardly moves is magnified ten times at most."""
CLIP = 10.0
LOG_STD_MIN, LOG_STD_MAX = -5.0, 2.0
ENDS = ("tanh", "clip")


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

    def tensors(self) -> dict[str, Float32Array]:
        """Its arrays by name."""
        return {"view.mean": self.mean, "view.variance": self.variance}


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
        ends: how the last layer becomes an action: ``tanh`` or ``clip``.
        agents: who sees and says what, if there is one agent per site; None: one for all.
        noises: rows of noise that an action which tries things out takes.
    """

    noises = 1

    def __init__(
        self,
        scaling: Scaling,
        layers: Sequence[tuple[Float32Array, Float32Array]],
        *,
        gaussian: bool,
        ends: str = "tanh",
        agents: Agents | None = None,
    ) -> None:
        self.scaling, self.layers, self.gaussian = scaling, tuple(layers), gaussian
        self.ends, self.agents = ends, agents
        last = (
            self.layers[-1][1].shape[-1] if agents is None else len(agents.pool) * (1 + gaussian)
        )
        self.coordinates = last // 2 if gaussian else last

    def mean(self, views: Float32Array) -> Float32Array:
        """The best action that is known, shape (…, rows, coordinates), in [−1, 1]."""
        out = self._out(views)[..., : self.coordinates]
        return np.tanh(out) if self.ends == "tanh" else np.clip(out, -1.0, 1.0)

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
        arrays: dict[str, NDArray[Any]] = dict(self.scaling.tensors())
        if self.agents is not None:
            arrays |= self.agents.tensors()
        for k, (weight, bias) in enumerate(self.layers):
            arrays |= {f"layer{k}.weight": weight, f"layer{k}.bias": bias}
        return arrays

    def facts(self) -> dict[str, Any]:
        """Its make, as plain data."""
        hidden = [bias.shape[-1] for _, bias in self.layers[:-1]]
        facts = {"hidden": hidden, "gaussian": self.gaussian, "ends": self.ends}
        return facts if self.agents is None else {**facts, "agents": len(self.agents.columns)}

    def _out(self, views: Float32Array) -> Float32Array:
        x, agents = self.scaling(views), self.agents
        if agents is not None:
            x = x[:, agents.columns].reshape(-1, agents.seen)
        for weight, bias in self.layers[:-1]:
            x = np.maximum(x @ weight + bias, np.float32(0.0))
        weight, bias = self.layers[-1]
        out = np.asarray(x @ weight + bias, dtype=np.float32)
        return out if agents is None else pooled(out, len(views), agents.pool)


def pooled(out: Float32Array, rows: int, pool: Float32Array) -> Float32Array:
    """Means, then log standard deviations, of the joint action from those of all agents."""
    said = out.reshape(rows, -1, 2, out.shape[1] // 2).transpose(0, 2, 1, 3)
    return np.asarray((said.reshape(rows, 2, -1) @ pool.T).reshape(rows, -1), dtype=np.float32)


def read_scaling(found: Checkpoint, columns: int) -> Scaling:
    """Read how views are normalised.

    Raises:
        UsageError: an array is missing or makes no sense.
    """
    variance = found.tensor("view.variance", columns)
    if (variance < 0.0).any():
        raise found.fault("array `view.variance` holds a negative number")
    return Scaling(found.tensor("view.mean", columns), variance)


def _read_agents(found: Checkpoint, columns: int, coordinates: int) -> Agents:
    """Read who sees and says what.

    Raises:
        UsageError: it makes no sense.
    """
    count: int = found.fact("agents", int)
    shapes = [
        found.tensors.get(f"agents.{name}", np.zeros(0)).shape for name in ("columns", "pool")
    ]
    if count < 1 or any(len(shape) != 2 for shape in shapes) or shapes[1][1] % count:
        raise found.fault(f"`agents` is {count}, which does not fit what they see and say")
    seen = found.tensor("agents.columns", count, shapes[0][1])
    pool = found.tensor("agents.pool", coordinates, shapes[1][1])
    if (seen < 0).any() or (seen >= columns).any() or (seen != np.floor(seen)).any():
        raise found.fault("array `agents.columns` names columns that are not there")
    return Agents(seen.astype(np.int64), pool)


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
    ends: str = found.fact("ends", str)
    if ends not in ENDS:
        raise found.fault(f"`ends` is {ends!r}; it must be one of: {', '.join(ENDS)}")
    agents = _read_agents(found, columns, coordinates) if "agents" in found.facts else None
    ins, outs = (columns, coordinates) if agents is None else (agents.seen, agents.said)
    sizes = [ins, *hidden, outs * (2 if gaussian else 1)]
    layers = [
        (found.tensor(f"layer{k}.weight", a, b), found.tensor(f"layer{k}.bias", b))
        for k, (a, b) in enumerate(pairwise(sizes))
    ]
    scaling = read_scaling(found, columns)
    return Actor(scaling, layers, gaussian=gaussian, ends=ends, agents=agents)


def as_actor(
    arrays: Mapping[str, NDArray[Any]],
    scaling: Scaling,
    *,
    gaussian: bool,
    agents: Agents | None = None,
) -> Actor:
    """Build an actor of the weights and biases of a network in training."""
    count = sum(name.endswith(".weight") for name in arrays)
    layers = [(arrays[f"layer{k}.weight"], arrays[f"layer{k}.bias"]) for k in range(count)]
    return Actor(scaling, layers, gaussian=gaussian, agents=agents)
