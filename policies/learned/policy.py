"""A trained scheduler at work: its actor says numbers, the codec makes them a decision."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cosim.decision import Decision, Observation, WorldInfo
from cosim.gym.checkpoint import Checkpoint, read_checkpoint
from policies.learned.actor import Actor, read_actor

if TYPE_CHECKING:
    from cosim.gym.codec import Codec
    from cosim.gym.worlds import Settings

SHOWN = ("encoding", "clock", "battery", "refuse", "detail")
"""What of the settings says how views and actions are laid out."""


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
        self._actor: Actor = read_actor(self.checkpoint, columns, coordinates)

    def decide(self, observation: Observation) -> Decision:
        """Decide one slot."""
        view = self._codec.encode(observation)
        return self._codec.decode(self._actor.mean(view[None])[0], observation)


def shown(settings: Settings, codec: Codec) -> dict[str, Any]:
    """How a world was shown to a learner, as plain data for a checkpoint."""
    every = asdict(settings)
    return {
        "settings": {name: every[name] for name in SHOWN},
        "view": [f"{each.site or 'all'}/{each.name}" for each in codec.view.columns],
        "action": [f"{each.place}/{each.name}" for each in codec.action.coordinates],
    }


def codec_of(found: Checkpoint, world: WorldInfo) -> Codec:
    """The layouts that a checkpoint was trained with, in a world.

    Raises:
        UsageError: they do not fit; names what differs first.
    """
    from cosim.gym.codec import Codec

    given: dict[str, Any] = found.fact("settings", dict)
    if set(given) != set(SHOWN):
        raise found.fault(f"`settings` has {sorted(given)}; needed are {sorted(SHOWN)}")
    codec = Codec(world, **given)
    layouts = {
        "view": [f"{each.site or 'all'}/{each.name}" for each in codec.view.columns],
        "action": [f"{each.place}/{each.name}" for each in codec.action.coordinates],
    }
    for name, here in layouts.items():
        there: list[Any] = found.fact(name, list)
        if there != here:
            raise found.fault(_difference(name, there, here))
    return codec


def _difference(what: str, there: list[Any], here: list[str]) -> str:
    """In what a world differs from the one of the training."""
    pairs = zip(there, here, strict=False)
    at = next((k for k, (one, other) in enumerate(pairs) if one != other), None)
    if at is None:
        first = f"{len(there)} numbers of a {what} there, {len(here)} here"
    else:
        first = f"number {at} of a {what} is `{there[at]}` there and `{here[at]}` here"
    return f"it was trained in a world of another make: {first}"
