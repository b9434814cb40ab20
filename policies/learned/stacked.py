"""Several seeds of one learner side by side: what each would learn alone, at less cost.

A small network leaves a processor idle: an update of one seed is mostly the calling of fifty
little operations. Here every weight has an axis of the seeds in front, an operation serves all
seeds, losses are summed over them and Adam works element by element, so that no seed feels
another. Every seed has its own dice, replay and normalisation: seed k of a stack does what
:class:`policies.learned.learner.OffPolicy` does with seed k, up to the order of sums.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosim.gym.learner import Episode, Memory
from policies.learned.actor import Actor, Moments, Scaling, as_actor
from policies.learned.batch import as_batch
from policies.learned.dice import Dice
from policies.learned.replay import Replay, Sample
from policies.learned.sac import Sac
from policies.learned.shaping.wrap import Shaped, shaped_by
from policies.learned.td3 import Td3

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from policies.learned.recipe import Recipe

Float32Array = NDArray[np.float32]


class Stacked:
    """SAC or TD3 with shaping and several seeds, as :class:`cosim.gym.learner.Stack` has it.

    Attributes:
        seeds: the seeds.
        algorithm: SAC or TD3.
        shaping: what is added to rewards.
        replays: what each seed remembers.
        updates: updates so far, of each seed.
    """

    def __init__(
        self,
        recipe: Recipe,
        columns: int,
        coordinates: int,
        seeds: Sequence[int],
        codec: Codec | None = None,
    ) -> None:
        torch.set_num_threads(1)  # the networks are small: threads cost more than they bring
        self.recipe, self._coordinates, self.seeds = recipe, coordinates, tuple(seeds)
        make: type[Sac] | type[Td3] = Sac if recipe.base == "sac" else Td3
        self.algorithm = make(recipe, columns, coordinates, self.seeds)
        self.shaping: Shaped = shaped_by(recipe, columns, coordinates, self.seeds, codec)
        self.replays = [
            Replay(recipe.capacity, columns, coordinates, gamma=recipe.gamma, n_step=recipe.n_step)
            for _ in self.seeds
        ]
        self._moments, self.updates = [Moments(columns) for _ in self.seeds], 0
        self._explorer, self._drawer = Dice(self.seeds, "explore"), Dice(self.seeds, "batches")
        self._now = self._actor()

    # playing ----------------------------------------------------------------------------

    def act(self, views: Float32Array, *, explore: bool) -> Float32Array:
        """Say what to do; before the warm-up is over, anything.

        Args:
            views: shape (seeds, worlds, columns).
            explore: try things out.

        Returns:
            Shape (seeds, worlds, coordinates).
        """
        if not explore:
            return self._now.mean(views)
        shape = (views.shape[1], self._coordinates)
        if self._cold:
            return np.asarray(self._explorer.uniform(*shape))
        noise = np.asarray(self._explorer.normal(*shape))
        return self._now.explore(views, noise, None if self._gaussian else self.recipe.noise)

    # learning ---------------------------------------------------------------------------

    def learn(self, episodes: Sequence[Episode]) -> Mapping[str, float]:
        """Take in a day of each seed and learn as many times as the recipe says per slot.

        Raises:
            ValueError: there is another number of days than seeds, or days differ in length.
        """
        if len(episodes) != len(self.seeds) or len({one.slots for one in episodes}) != 1:
            told = [one.slots for one in episodes]
            raise ValueError(f"days of {told} slots for {len(self.seeds)} seeds in step")
        for episode, replay, moments in zip(episodes, self.replays, self._moments, strict=True):
            replay.add(episode)
            moments.add(episode.views)
        if self._cold:
            return {"updates": float(self.updates)}
        scaling, spread = self._scaling(), self._spread()
        count = round(self.recipe.updates_per_slot * episodes[0].slots)
        figures = [self._update(scaling, spread) for _ in range(count)]
        self._now = self._actor()
        names = figures[0] if figures else {}
        means = {name: float(np.mean([each[name] for each in figures])) for name in names}
        return {"updates": float(self.updates), **means}

    def _update(self, scaling: Scaling, spread: tuple[Tensor, Tensor]) -> dict[str, float]:
        """As of :class:`policies.learned.learner.OffPolicy`: one snapshot shapes, then learns."""
        batch = as_batch(self._drawn(), scaling, spread)
        with torch.no_grad():
            bonus, given = self.shaping.bonus(batch, self.updates)
        figures = self.algorithm.update(batch, batch.earned + bonus)
        if self.updates % self.recipe.shaping_every == 0:
            self.shaping.train(batch, self.algorithm, given)
        self.updates += 1
        return figures | {
            "bonus_mean": float(bonus.mean()),
            "bonus_std": float(bonus.std(dim=-1).mean()),
        }

    def actor(self, number: int) -> Memory:
        """What acts without learning, of the seed at a position."""
        scaling = self._moments[number].scaling()
        arrays = self.algorithm.actor.arrays()
        mine = {
            name: array[number, 0] if name.endswith("bias") else array[number]
            for name, array in arrays.items()
        }
        alone = as_actor(mine, scaling, gaussian=self._gaussian)
        return Memory(alone.facts(), alone.tensors())

    # inside -----------------------------------------------------------------------------

    @property
    def _gaussian(self) -> bool:
        return self.algorithm.gaussian

    @property
    def _cold(self) -> bool:
        return self.replays[0].slots < self.recipe.warmup_slots

    def _actor(self) -> Actor:
        arrays = self.algorithm.actor.arrays()
        return as_actor(arrays, self._scaling(), gaussian=self._gaussian)

    def _scaling(self) -> Scaling:
        found = [each.scaling() for each in self._moments]
        mean, variance = (
            np.stack([getattr(one, name) for one in found])[:, None]
            for name in ("mean", "variance")
        )
        return Scaling(mean, variance)

    def _spread(self) -> tuple[Tensor, Tensor]:
        mean, std = torch.tensor([replay.spread() for replay in self.replays]).T[..., None]
        return mean, std

    def _drawn(self) -> Sample:
        """A batch of each seed."""
        drawn = [
            replay.draw(self.recipe.batch, dice)
            for replay, dice in zip(self.replays, self._drawer.generators, strict=True)
        ]
        return Sample(
            *(np.stack([getattr(one, each.name) for one in drawn]) for each in fields(Sample))
        )
