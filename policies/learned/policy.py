"""A trained scheduler at work: its actor says numbers, the codec makes them a decision.

While work ends that is left after the window, the last action stays in force, as in its training.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cosim.decision import Decision, Observation, WorldInfo
from cosim.gym.checkpoint import codec_of, read_checkpoint
from policies.learned.actor import Actor, read_actor
from policies.learned.chain_actor import ChainActor, read_chain_actor


class Learned:
    """Acts from a checkpoint; without dice and without learning.

    Attributes:
        name: the learner that made it.
        checkpoint: what it acts from.
    """

    def __init__(self, name: str, checkpoint: str) -> None:
        """Read a checkpoint.

        Args:
            name: the learner that it must be of.
            checkpoint: its folder.

        Raises:
            UsageError: it is damaged, or another learner's.
        """
        self.name, self.checkpoint = name, read_checkpoint(Path(checkpoint))
        made_by = self.checkpoint.fact("policy", str)
        if made_by != name:
            raise self.checkpoint.fault(f"it was trained as `{made_by}`: `{made_by}@{checkpoint}`")

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run in a world of the make that it was trained in.

        Raises:
            UsageError: the world is of another make.
        """
        del rng  # acting needs no dice
        self._codec = codec_of(self.checkpoint, world)
        columns, coordinates = len(self._codec.view), len(self._codec.action)
        read = read_chain_actor if "chain" in self.checkpoint.facts else read_actor
        self._actor: Actor | ChainActor = read(self.checkpoint, columns, coordinates)
        self._slots, self._action = world.slots, np.zeros(coordinates, dtype=np.float32)

    def decide(self, observation: Observation) -> Decision:
        """Decide one slot."""
        if observation.slot < self._slots:
            view = self._codec.encode(observation)
            self._action = self._actor.mean(view[None])[0]
        return self._codec.decode(self._action, observation)
