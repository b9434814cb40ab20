"""Checkpoints of drawn numbers: what acts, without anybody having learned."""

from itertools import pairwise

import numpy as np

from cosim.gym.checkpoint import layout_of, write_checkpoint
from cosim.gym.codec import Codec
from cosim.gym.worlds import Settings
from policies.learned.actor import Actor, Moments


def save_drawn(folder, world, name="sac", *, gaussian=True, seed=0, told=None, **settings):
    """Write one for a world and return its actor.

    Args:
        folder: where to.
        world: what it fits.
        name: learner that it is said to be of.
        gaussian: whether it gives standard deviations, too.
        seed: of the numbers.
        told: further facts.
        settings: how the world is shown, ``clock`` and ``battery``.
    """
    shown = Settings(**settings)
    codec = Codec(world, clock=shown.clock, battery=shown.battery)
    dice = np.random.default_rng(seed)
    sizes = [len(codec.view), 8, 8, len(codec.action) * (2 if gaussian else 1)]
    layers = [
        (dice.normal(size=(a, b)).astype(np.float32), dice.normal(size=b).astype(np.float32))
        for a, b in pairwise(sizes)
    ]
    moments = Moments(sizes[0])
    moments.add(dice.uniform(-1, 1, (50, sizes[0])).astype(np.float32))
    actor = Actor(moments.scaling(), layers, gaussian=gaussian)
    facts = {**actor.facts(), "policy": name, **layout_of(codec, shown), **(told or {})}
    write_checkpoint(folder, facts, actor.tensors())
    return actor
