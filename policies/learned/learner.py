"""A learner off its own past: it plays a day, remembers it, and learns from batches of all days.

One update: draw a batch · shape its rewards with the snapshot of the shaping as it is · let the
algorithm learn · let the shaping learn. So both terms of a potential come from one snapshot, and
no shaped reward is ever stored.

Days as others played them are kept apart for good. Before the first day the policy imitates them;
then a fixed share of every batch is drawn from them (Ball et al. 2023, arXiv 2302.02948).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cosim.errors import UsageError
from cosim.gym.learner import Episode, Lessons, Memory
from policies.learned.actor import Actor, Moments, Scaling
from policies.learned.agents import agents_of
from policies.learned.batch import Batch, as_batch
from policies.learned.chain_actor import ChainActor
from policies.learned.denoiser import Denoiser
from policies.learned.dice import Dice
from policies.learned.networks import Mlp, Part, put_away, take_up
from policies.learned.recipes import DiffusionPolicy, SacDistributed
from policies.learned.replay import Replay, Sample, joined
from policies.learned.sac import Sac
from policies.learned.shaping.wrap import Shaped, shaped_by
from policies.learned.td3 import Td3

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from policies.learned.recipe import Recipe

Float32Array = NDArray[np.float32]


class Algorithm(Protocol):
    """What the learner asks of SAC, TD3 and the diffusion policy."""

    gaussian: bool
    actor: Mlp
    dice: Dice

    def sample(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Actions and their log densities."""

    def imitate(self, views: Tensor, actions: Tensor) -> float:
        """Come nearer to what others did."""

    def update(
        self, batch: Batch, rewards: Tensor, *, moves: bool = True, hold: float = 0.0
    ) -> dict[str, float]:
        """Learn from a batch; the policy moves or only its worth is learned."""

    def acting(self, scaling: Scaling) -> Actor | ChainActor:
        """What acts, in numpy."""

    def parts(self) -> dict[str, Part]:
        """All that is trained, by name."""


class OffPolicy:
    """SAC, TD3 or a diffusion policy with shaping, as :class:`cosim.gym.learner.Learner` has it.

    Attributes:
        algorithm: SAC, TD3 or the diffusion policy.
        shaping: what is added to rewards.
        replay: what is remembered.
        shown: days as others played them; None where there are none.
        updates: updates so far.
    """

    def __init__(
        self,
        recipe: Recipe,
        columns: int,
        coordinates: int,
        seed: int,
        codec: Codec | None = None,
        lessons: Lessons | None = None,
    ) -> None:
        torch.set_num_threads(1)  # the networks are small: threads cost more than they bring
        self.recipe, self._coordinates = recipe, coordinates
        self.algorithm = algorithm_of(recipe, columns, coordinates, seed, codec)
        self.shaping: Shaped = shaped_by(recipe, columns, coordinates, seed, codec, lessons)
        self.replay = Replay(
            recipe.capacity, columns, coordinates, gamma=recipe.gamma, n_step=recipe.n_step
        )
        self._moments, self.updates = Moments(columns), 0
        self.shown = self._shown(columns, lessons)
        self._untaught = self.shown is not None
        self._explorer, self._drawer = Dice(seed, "explore"), Dice(seed, "batches")
        self._now, self._mean_reward = self._actor(), 0.0

    # playing ----------------------------------------------------------------------------

    def act(self, views: Float32Array, *, explore: bool) -> Float32Array:
        """Say what to do; before the warm-up is over, anything, unless others were watched."""
        if self._untaught:
            self._imitate()
        if not explore:
            return self._now.mean(views)
        rows, coordinates = len(views), self._coordinates
        if self._warming_up:
            return np.asarray(self._explorer.uniform(rows, coordinates))
        noise = np.asarray(self._explorer.normal(rows, self._now.noises * coordinates))
        std = None if self.algorithm.gaussian else self.recipe.noise
        return self._now.explore(views, noise, std)

    @property
    def _warming_up(self) -> bool:
        """Whether it is too early to learn; who watched others can begin at once."""
        return self.shown is None and self.replay.slots < self.recipe.warmup_slots

    # learning ---------------------------------------------------------------------------

    def learn(self, episodes: Sequence[Episode]) -> Mapping[str, float]:
        """Take in days and learn as many times as the recipe says per slot."""
        for episode in episodes:
            self.replay.add(episode)
            self._moments.add(episode.views)
        if self._warming_up:
            return {"updates": float(self.updates)}
        slots = sum(episode.slots for episode in episodes)
        scaling, spread = self._moments.scaling(), self.replay.spread()
        self._mean_reward = self.replay.mean_reward() if self.recipe.centred else 0.0
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

    def _shown(self, columns: int, lessons: Lessons | None) -> Replay | None:
        """Keep the days of others, and let them count in how views are normalised."""
        days = () if lessons is None else lessons.demonstrations
        if not days:
            return None
        rows, recipe = sum(day.slots + 1 for day in days), self.recipe
        kept = Replay(rows, columns, self._coordinates, gamma=recipe.gamma, n_step=recipe.n_step)
        for day in days:
            kept.add(day)
            self._moments.add(day.views)
        return kept

    def _imitate(self) -> None:
        """Learn to do as others did, before the first day."""
        assert self.shown is not None
        self._untaught, scaling = False, self._moments.scaling()
        for _ in range(self.recipe.imitation_updates):
            drawn = self.shown.draw(self.recipe.batch, self._drawer.generator)
            batch = as_batch(drawn, scaling, (0.0, 1.0))
            self.algorithm.imitate(batch.now, batch.action)
        self._now = self._actor()

    def _drawn(self) -> tuple[Sample, int]:
        """A sample, and how many of its last rows are of days of others."""
        dice, recipe = self._drawer.generator, self.recipe
        if self.shown is None:
            return self.replay.draw(recipe.batch, dice), 0
        count = round(recipe.shown_share * recipe.batch)
        own = self.replay.draw(recipe.batch - count, dice)
        return joined(own, self.shown.draw(count, dice)), count

    def _update(self, scaling: Scaling, spread: tuple[float, float]) -> dict[str, float]:
        drawn, count = self._drawn()
        batch = as_batch(drawn, scaling, spread, count)
        with torch.no_grad():
            bonus, given = self.shaping.bonus(batch, self.updates)
        earned = batch.earned - self._mean_reward * batch.weights.sum(dim=1)
        figures = self.algorithm.update(
            batch,
            earned + bonus,
            moves=self.updates >= self.recipe.hold_updates,
            hold=self.recipe.hold_at(self.updates),
        )
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
        self._untaught = False
        self._now = self._actor()

    def actor(self) -> Memory:
        """What acts without learning."""
        return Memory(self._now.facts(), self._now.tensors())

    # inside -----------------------------------------------------------------------------

    def _actor(self) -> Actor | ChainActor:
        return self.algorithm.acting(self._moments.scaling())

    def _parts(self) -> dict[str, Part]:
        return {**self.algorithm.parts(), **self.shaping.parts()}

    def _dice(self) -> dict[str, Dice]:
        mine = {"explore": self._explorer, "batches": self._drawer, "noise": self.algorithm.dice}
        return {**mine, **self.shaping.dice()}


def algorithm_of(
    recipe: Recipe, columns: int, coordinates: int, seed: int, codec: Codec | None
) -> Algorithm:
    """Begin the algorithm that a recipe names.

    Raises:
        UsageError: there is to be an agent per site, but there are no sites.
    """
    if isinstance(recipe, DiffusionPolicy):
        return Denoiser(recipe, columns, coordinates, seed)
    if recipe.base == "td3":
        return Td3(recipe, columns, coordinates, seed)
    if not isinstance(recipe, SacDistributed):
        return Sac(recipe, columns, coordinates, seed)
    if codec is None:
        raise UsageError(f"`{recipe.name}` has an agent per site and needs a world of the testbed")
    return Sac(recipe, columns, coordinates, seed, agents_of(codec))
