"""Wrappers: how a signal enters the reward.

``potential``   r + η (γⁿ Φ(s') − Φ(s)): the optimal policy stays what it was, whatever Φ is
                (Ng, Harada, Russell 1999), also the soft one of SAC. Φ depends on the state
                alone; Φ(terminal) = 0; both terms come from one call, so from one snapshot
                (Devlin, Kudenko 2012).
``additive``    r + η r^S(s, a), as JEMAS has it: the optimum moves.
``anneal``      additive, with η falling to 0 in a straight line: the optimum comes back.

Each row of a batch is shaped by its own signal. A mean over the batch would be a constant, which
teaches nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from policies.learned.batch import Batch
from policies.learned.dice import Dice, Seeds
from policies.learned.networks import Part
from policies.learned.recipe import KINDS
from policies.learned.shaping.kind import Kind, Policy, Seen, Terms

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from cosim.gym.learner import Lessons
    from policies.learned.recipe import Recipe

ANNEAL_UPDATES = 50_000


class Shaped(Protocol):
    """A kind in its wrapper."""

    def bonus(self, batch: Batch, updates: int) -> tuple[Tensor, Tensor]:
        """What is added to the return of each stretch, and the signals of its first slot.

        Args:
            batch: the batch.
            updates: updates so far.

        Returns:
            Both of shape (rows,).
        """

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """Let the kind learn."""

    def parts(self) -> dict[str, Part]:
        """All that is trained, by name."""

    def dice(self) -> dict[str, Dice]:
        """Its dice, by name."""


class Unshaped:
    """The reward as it is."""

    def bonus(self, batch: Batch, updates: int) -> tuple[Tensor, Tensor]:
        """Nothing."""
        del updates
        return torch.zeros_like(batch.discount), torch.zeros_like(batch.discount)

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """There is nothing to learn."""

    def parts(self) -> dict[str, Part]:
        """None."""
        return {}

    def dice(self) -> dict[str, Dice]:
        """None."""
        return {}


class Wrapped:
    """Base of the wrappers.

    Attributes:
        kind: where the signals come from.
    """

    def __init__(self, kind: Kind, eta: float, anneal_updates: int) -> None:
        self.kind, self._eta, self._anneal = kind, eta, anneal_updates

    def weight(self, updates: int) -> float:
        """η after so many updates."""
        left = 1.0 - updates / self._anneal if self._anneal else 1.0
        return self._eta * max(left, 0.0)

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """Let the kind learn."""
        self.kind.train(batch, policy, given)

    def parts(self) -> dict[str, Part]:
        """All that is trained, by name."""
        return {f"shaping_{name}": part for name, part in self.kind.parts().items()}

    def dice(self) -> dict[str, Dice]:
        """Its dice, by name."""
        return {f"shaping_{name}": dice for name, dice in self.kind.dice().items()}


class Additive(Wrapped):
    """Adds η r^S(s, a) in every slot of a stretch."""

    def bonus(self, batch: Batch, updates: int) -> tuple[Tensor, Tensor]:
        """η Σ γ^k r^S(s_k, a_k)."""
        found = [each.flatten(-3, -2) for each in (batch.views, batch.actions, batch.seen)]
        signal = one_each(self.kind.signal(Seen(*found)), batch.weights.flatten(-2))
        signal = signal.view(batch.weights.shape)
        return self.weight(updates) * (batch.weights * signal).sum(dim=-1), signal[..., 0]


class Potential(Wrapped):
    """Adds η (γⁿ Φ(s') − Φ(s)) to a stretch."""

    def bonus(self, batch: Batch, updates: int) -> tuple[Tensor, Tensor]:
        """Both terms from one call; nothing is added for a state after which nothing comes."""
        views = torch.cat([batch.now, batch.later], dim=-2)
        raw = torch.cat([batch.seen[..., 0, :], batch.seen_later], dim=-2)
        one = one_each(self.kind.signal(Seen(views, None, raw)), views[..., 0])
        now, later = one.chunk(2, dim=-1)
        scale = self.weight(updates) * (1.0 if self.kind.in_rewards else batch.spread)
        return scale * (batch.discount * later - now), now


def one_each(signal: Tensor, rows: Tensor) -> Tensor:
    """The signals, if there is one per row (of every seed).

    Raises:
        ValueError: there is another number, which would spread over the batch unnoticed.
    """
    if signal.shape != rows.shape:
        raise ValueError(f"a signal of shape {tuple(signal.shape)} for {rows.shape[-1]} rows")
    return signal


def shaped_by(
    recipe: Recipe,
    columns: int,
    coordinates: int,
    seed: Seeds,
    codec: Codec | None,
    lessons: Lessons | None = None,
) -> Shaped:
    """Build the kind and the wrapper that a recipe names."""
    if recipe.shaping == "none":
        return Unshaped()
    module, _, name = KINDS[recipe.shaping].partition(":")
    make = getattr(import_module(f"policies.learned.shaping.{module}"), name)
    kind: Kind = make(Terms(recipe, columns, coordinates, seed, codec, lessons))
    if recipe.wrap == "potential":
        return Potential(kind, recipe.eta, recipe.anneal_updates)
    falling = ANNEAL_UPDATES if recipe.wrap == "anneal" else 0
    return Additive(kind, recipe.eta, recipe.anneal_updates or falling)
