"""A learner off its own past: it plays a day, remembers it, and learns from batches of all days.

One update: draw a batch · shape its rewards with the snapshot of the shaping as it is · let the
algorithm learn · let the shaping learn. So both terms of a potential come from one snapshot, and
no shaped reward is ever stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosim.gym.learner import Episode, Memory
from policies.learned.actor import Actor, Moments, Scaling, as_actor
from policies.learned.batch import Batch, as_batch
from policies.learned.dice import Dice
from policies.learned.networks import Mlp, Part, put_away, take_up
from policies.learned.replay import Replay
from policies.learned.sac import Sac
from policies.learned.shaping.wrap import Shaped, shaped_by
from policies.learned.td3 import Td3

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from policies.learned.recipe import Recipe

Float32Array = NDArray[np.float32]


class Algorithm(Protocol):
    """What the learner asks of SAC and TD3."""

    gaussian: bool
    actor: Mlp
    dice: Dice

    def sample(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Actions and their log densities."""

    def update(self, batch: Batch, rewards: Tensor) -> dict[str, float]:
        """Learn from a batch."""

    def parts(self) -> dict[str, Part]:
        """All that is trained, by name."""


class OffPolicy:
    """SAC or TD3 with shaping, as :class:`cosim.gym.learner.Learner` has it.

    Attributes:
        algorithm: SAC or TD3.
        shaping: what is added to rewards.
        replay: what is remembered.
        updates: updates so far.
    """

    def __init__(
        self,
        recipe: Recipe,
        columns: int,
        coordinates: int,
        seed: int,
        codec: Codec | None = None,
    ) -> None:
        torch.set_num_threads(1)  # the networks are small: threads cost more than they bring
        self.recipe, self._coordinates = recipe, coordinates
        make: type[Sac] | type[Td3] = Sac if recipe.base == "sac" else Td3
        self.algorithm: Algorithm = make(recipe, columns, coordinates, seed)
        self.shaping: Shaped = shaped_by(recipe, columns, coordinates, seed, codec)
        self.replay = Replay(
            recipe.capacity, columns, coordinates, gamma=recipe.gamma, n_step=recipe.n_step
        )
        self._moments, self.updates = Moments(columns), 0
        self._explorer, self._drawer = Dice(seed, "explore"), Dice(seed, "batches")
        self._now = self._actor()

    # playing ----------------------------------------------------------------------------

    def act(self, views: Float32Array, *, explore: bool) -> Float32Array:
        """Say what to do; before the warm-up is over, anything."""
        if not explore:
            return self._now.mean(views)
        shape = (len(views), self._coordinates)
        if self.replay.slots < self.recipe.warmup_slots:
            return np.asarray(self._explorer.uniform(*shape))
        noise = np.asarray(self._explorer.normal(*shape))
        std = None if self.algorithm.gaussian else self.recipe.noise
        return self._now.explore(views, noise, std)

    # learning ---------------------------------------------------------------------------

    def learn(self, episodes: Sequence[Episode]) -> Mapping[str, float]:
        """Take in days and learn as many times as the recipe says per slot."""
        for episode in episodes:
            self.replay.add(episode)
            self._moments.add(episode.views)
        if self.replay.slots < self.recipe.warmup_slots:
            return {"updates": float(self.updates)}
        slots = sum(episode.slots for episode in episodes)
        scaling, spread = self._moments.scaling(), self.replay.spread()
        count = round(self.recipe.updates_per_slot * slots)
        figures = [self._update(scaling, spread) for _ in range(count)]
        self._now = self._actor()
        names = figures[0] if figures else {}
        means = {name: float(np.mean([each[name] for each in figures])) for name in names}
        return {"updates": float(self.updates), **means}

    def recall(self, episodes: Sequence[Episode]) -> None:
        """Take in days that were learned from before."""
        for episode in episodes:
            self.replay.add(episode)

    def _update(self, scaling: Scaling, spread: tuple[float, float]) -> dict[str, float]:
        drawn = self.replay.draw(self.recipe.batch, self._drawer.generator)
        batch = as_batch(drawn, scaling, spread)
        with torch.no_grad():
            bonus, given = self.shaping.bonus(batch, self.updates)
        figures = self.algorithm.update(batch, batch.earned + bonus)
        if self.updates % self.recipe.shaping_every == 0:
            self.shaping.train(batch, self.algorithm, given)
        self.updates += 1
        return figures | {"bonus_mean": float(bonus.mean()), "bonus_std": float(bonus.std())}

    # what is kept -----------------------------------------------------------------------

    def memory(self) -> Memory:
        """Everything but the episodes."""
        facts = {
            "updates": self.updates,
            "count": self._moments.count,
            "dice": {name: dice.state() for name, dice in self._dice().items()},
            "algorithm_updates": getattr(self.algorithm, "updates", 0),
        }
        moments = {"moments.mean": self._moments.mean, "moments.squares": self._moments.squares}
        return Memory(facts, put_away(self._parts()) | {k: v.copy() for k, v in moments.items()})

    def restore(self, memory: Memory) -> None:
        """Go on from there.

        Raises:
            ValueError: it is not a memory of such a learner.
        """
        facts, tensors = memory.facts, memory.tensors
        try:
            self.updates, self._moments.count = int(facts["updates"]), int(facts["count"])
            for name, dice in self._dice().items():
                dice.restore(facts["dice"][name])
            self._moments.mean = tensors["moments.mean"].copy()
            self._moments.squares = tensors["moments.squares"].copy()
            if isinstance(self.algorithm, Td3):
                self.algorithm.updates = int(facts["algorithm_updates"])
        except (KeyError, TypeError) as problem:
            raise ValueError(f"the memory of the learner lacks {problem}") from None
        take_up(self._parts(), tensors)
        self._now = self._actor()

    def actor(self) -> Memory:
        """What acts without learning."""
        return Memory(self._now.facts(), self._now.tensors())

    # inside -----------------------------------------------------------------------------

    def _actor(self) -> Actor:
        arrays: dict[str, Any] = self.algorithm.actor.arrays()
        return as_actor(arrays, self._moments.scaling(), gaussian=self.algorithm.gaussian)

    def _parts(self) -> dict[str, Part]:
        return {**self.algorithm.parts(), **self.shaping.parts()}

    def _dice(self) -> dict[str, Dice]:
        mine = {"explore": self._explorer, "batches": self._drawer, "noise": self.algorithm.dice}
        return {**mine, **self.shaping.dice()}
