"""What a kind of shaping is asked, and what most kinds share: conditions and a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from torch import Tensor

from policies.learned.batch import Batch
from policies.learned.dice import Dice, Seeds
from policies.learned.networks import Mlp, Part

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from cosim.gym.learner import Lessons
    from policies.learned.recipe import Recipe

Condition = Literal["state-action", "state", "none"]
CLIP = 4.0
"""A learned signal is cut off at so many standard deviations of what it learned from."""


class Policy(Protocol):
    """What a kind may ask of the policy in training."""

    def sample(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Actions and their log densities."""


@dataclass(frozen=True)
class Seen:
    """Where a signal is asked for.

    Attributes:
        views: normalised, shape (rows, columns).
        actions: shape (rows, coordinates); None for a potential of states.
        raw: the views before they were normalised.
    """

    views: Tensor
    actions: Tensor | None
    raw: Tensor


class Kind(Protocol):
    """One kind of shaping.

    Attributes:
        in_rewards: whether its signal is in rewards; else in standard deviations of returns.
    """

    in_rewards: bool

    def signal(self, seen: Seen) -> Tensor:
        """One number per row, shape (rows,); from one snapshot for the whole call."""

    def train(self, batch: Batch, policy: Policy, given: Tensor) -> None:
        """Learn from a batch.

        Args:
            batch: the batch.
            policy: the policy in training.
            given: the signals that shaped this batch in the first slot of each row.
        """

    def parts(self) -> dict[str, Part]:
        """All that is trained, by name."""

    def dice(self) -> dict[str, Dice]:
        """Its dice, by name."""


@dataclass(frozen=True)
class Terms:
    """What a kind is built from.

    Attributes:
        recipe: the settings.
        columns: numbers of a view.
        coordinates: numbers of an action.
        seed: of its dice.
        codec: layouts of the world, where there is one.
        lessons: what the learner was told of its training days, where it asked.
    """

    recipe: Recipe
    columns: int
    coordinates: int
    seed: Seeds
    codec: Codec | None = None
    lessons: Lessons | None = None

    @property
    def condition(self) -> Condition:
        """What the signal may depend on; a potential must not depend on the action."""
        if self.recipe.unconditioned:
            return "none"
        return "state" if self.recipe.wrap == "potential" else "state-action"

    @property
    def conditions(self) -> int:
        """Numbers of a condition."""
        return self.columns + self.coordinates

    def conditioned(self, views: Tensor, actions: Tensor | None) -> Tensor:
        """The condition of each row, shape (rows, conditions); what is hidden is 0."""
        shown_views = views if self.condition != "none" else torch.zeros_like(views)
        if actions is None or self.condition != "state-action":
            actions = torch.zeros(*views.shape[:-1], self.coordinates)
        return torch.cat([shown_views, actions], dim=-1)


class Tracked:
    """A network in training and the slow snapshot of it that is shown to learners.

    Attributes:
        online: what is trained.
        shown: what signals come from (EMA).
    """

    def __init__(self, online: Mlp, decay: float) -> None:
        self.online, self.shown = online, online.frozen_copy()
        self._share = 1.0 - decay

    def refresh(self) -> None:
        """Let the snapshot follow."""
        self.shown.follow(self.online, self._share)

    def parts(self, name: str) -> dict[str, Part]:
        """Both, by name."""
        return {name: self.online, f"{name}_shown": self.shown}


def targets(terms: Terms, batch: Batch) -> Tensor:
    """What a model of rewards learns, in standard units, shape (rows,)."""
    if terms.recipe.target == "return":
        return batch.returns
    rewards = batch.rewards[..., 0]
    mean, std = (f(rewards, dim=-1, keepdim=True) for f in (torch.mean, torch.std))
    return (rewards - mean) / (std + 1e-6)


def repeated(condition: Tensor, times: int) -> Tensor:
    """All rows once more, so many times, shape (times · rows, conditions)."""
    return torch.cat([condition] * times, dim=-2)


def mean_of(samples: Tensor, times: int) -> Tensor:
    """Mean over what :func:`repeated` made of each row, shape (rows,)."""
    return samples.unflatten(-1, (times, -1)).mean(dim=-2)


def per_seed(losses: Tensor, axes: int) -> Tensor:
    """A loss: the mean over the last axes, summed over the seeds."""
    return losses.mean(dim=tuple(range(-axes, 0))).sum()


def no_parts() -> dict[str, Any]:
    """Of a kind that does not learn."""
    return {}
