"""Who learns: what a trainer asks of a learner, and what a learner asks of nobody.

A trainer lets a learner play days, hands it what happened, and keeps its memory on disk. The
learner knows vectors only: a view per slot, an action, a reward. A *recipe* is a learner before it
has seen a world: its name, its settings, and how to begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cosim.decision import Policy
    from cosim.gym.codec import Codec
    from cosim.gym.worlds import Settings

Float32Array = NDArray[np.float32]
Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Episode:
    """One day as a learner saw it.

    Attributes:
        views: what was seen before each slot and after the last, shape (slots + 1, columns).
        actions: what was done, in [−1, 1], shape (slots, coordinates).
        rewards: what was paid, shape (slots,).
        terminal: whether nothing can be earned after the end; a day of the testbed goes on, so
            its end is a truncation.
    """

    views: Float32Array
    actions: Float32Array
    rewards: Float32Array
    terminal: bool = False

    @property
    def slots(self) -> int:
        """Slots that were played."""
        return len(self.rewards)


@dataclass(frozen=True)
class Memory:
    """Everything that a learner needs to go on as if it had never stopped, less its episodes.

    Attributes:
        facts: plain data: counters and states of dice.
        tensors: arrays by name.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    tensors: Tensors = field(default_factory=dict)


@dataclass(frozen=True)
class Worths:
    """What hindsight says that things were worth, by the hour of the day (UTC).

    Attributes:
        stored_usd_kwh: of a kWh in the battery of each site, shape (24, sites).
        gpu_usd_s: of a second of a simulated GPU, all replicas included, shape (24, sites).
    """

    stored_usd_kwh: NDArray[np.float64]
    gpu_usd_s: NDArray[np.float64]


@dataclass(frozen=True)
class Lessons:
    """What a learner is told of its training days before it plays them.

    Attributes:
        demonstrations: days as others played them, in its own views and actions.
        worths: what hindsight says of them; None where it was not asked.
    """

    demonstrations: tuple[Episode, ...] = ()
    worths: Worths | None = None


class Learner(Protocol):
    """A learner in one world. Equal calls in equal order give equal results."""

    def act(self, views: Float32Array, *, explore: bool) -> Float32Array:
        """Say what to do.

        Args:
            views: shape (worlds, columns).
            explore: try things out; else the best that is known, without dice.

        Returns:
            Actions in [−1, 1], shape (worlds, coordinates).
        """

    def learn(self, episodes: Sequence[Episode]) -> Mapping[str, float]:
        """Take in days that were played just now and learn; return figures for the log."""

    def recall(self, episodes: Sequence[Episode]) -> None:
        """Take in days that were learned from before; :meth:`restore` follows."""

    def memory(self) -> Memory:
        """Everything but the episodes."""

    def restore(self, memory: Memory) -> None:
        """Go on from there.

        Raises:
            ValueError: it is not a memory of such a learner.
        """

    def actor(self) -> Memory:
        """What acts without learning: the part that a checkpoint holds."""


class Stack(Protocol):
    """Learners of several seeds in step; each learns what it would learn alone."""

    def act(self, views: Float32Array, *, explore: bool) -> Float32Array:
        """As :meth:`Learner.act`, with an axis of the seeds in front of all shapes."""

    def learn(self, episodes: Sequence[Episode]) -> Mapping[str, float]:
        """Take in one day of each seed, equally long, and learn; means over seeds for the log."""

    def actor(self, number: int) -> Memory:
        """What acts without learning, of the seed at a position."""


@runtime_checkable
class Recipe(Protocol):
    """A learner before it has seen a world; built from the options that a user gave."""

    name: str

    @property
    def settings(self) -> Settings:
        """How the world is shown to it."""

    def options(self) -> dict[str, Any]:
        """All options, as plain data."""

    def begin(
        self,
        columns: int,
        coordinates: int,
        seed: int,
        codec: Codec | None = None,
        lessons: Lessons | None = None,
    ) -> Learner:
        """Begin to learn.

        Args:
            columns: numbers of a view.
            coordinates: numbers of an action.
            seed: of all its dice.
            codec: layouts of the world, for what reads a view by name.
            lessons: what it asked to be told. A recipe asks by attributes that it may have:
                ``demonstrators``, names of policies, and ``wants_worths``.
        """

    @staticmethod
    def play(checkpoint: str) -> Policy:
        """The policy that acts from a checkpoint."""


@runtime_checkable
class Stackable(Recipe, Protocol):
    """A recipe that several seeds can follow side by side."""

    def begin_stack(
        self, columns: int, coordinates: int, seeds: Sequence[int], codec: Codec | None = None
    ) -> Stack:
        """Begin to learn; as :meth:`Recipe.begin`."""
