"""Who will come: images of each group in the hours ahead, from what was seen so far.

Classes that a plan would treat alike are one group: the same home and size, whether they may move,
how long an image may take, and whether they may wait for a later slot. What comes next is a
running mean of what came; once a day has passed, the day before gives the shape.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import ClassInfo, FloatArray, IntArray
from cosim.optimise import Groups
from cosim.quantities import NS_PER_DAY
from policies.classes import typical_images

PATIENT_SLOTS = 3.0
"""Slots that a job must tolerate at least to be worth holding for a later one."""


@dataclass(frozen=True)
class Customers:
    """The groups of a world and the classes in them.

    Attributes:
        groups: what the fluid model knows of them.
        group: group of each (home, class), shape (sites, classes).
        patience_slots: whole slots that a job of each group may wait, shape (groups,).
        stay: service of those of each group that stay at home, shape (groups,).
    """

    groups: Groups
    group: IntArray
    patience_slots: IntArray
    stay: IntArray


def typical_delay_s(kind: ClassInfo) -> float:
    """Tolerated delay of a typical job of a class: the middle of its bin, or where it begins."""
    if math.isfinite(kind.delay_hi_s):
        return (kind.delay_lo_s + kind.delay_hi_s) / 2.0
    return kind.delay_lo_s


def customers(world: WorldInfo, longest_image_h: float) -> Customers:
    """Sort the classes of every home into groups.

    Args:
        world: static facts.
        longest_image_h: an allowance beyond this is no limit [h].
    """
    keys, members = [], np.zeros((world.n_sites, len(world.classes)), dtype=np.int64)
    for home in range(world.n_sites):
        for k, kind in enumerate(world.classes):
            limits = _limits(world, kind, longest_image_h)
            key = (home, kind.transferable, *limits, int(world.class_size[k]))
            if key not in keys:
                keys.append(key)
            members[home, k] = keys.index(key)
    home_of = np.array([key[0] for key in keys], dtype=np.int64)
    movable = np.array([key[1] for key in keys], dtype=np.bool_)
    waits = np.array([key[3] for key in keys], dtype=np.int64)
    size_of = np.array([key[4] for key in keys], dtype=np.int64)
    stay = world.size_home[home_of, size_of]
    groups = Groups(
        home=home_of,
        movable=movable,
        allowance_h=np.array([key[2] for key in keys]),
        patient=waits > 0,
        fare_usd=world.replicas * world.transfer_usd[home_of],
        miss_usd=world.replicas * world.late_penalty_usd[stay],
        serves=world.size_served[size_of],
    )
    return Customers(groups, members, waits, stay)


def _limits(world: WorldInfo, kind: ClassInfo, longest_image_h: float) -> tuple[float, int]:
    """(time that an image may take [h], slots that a job may wait); 0 slots: it may not."""
    allowance_h = typical_delay_s(kind) / 3600.0 / kind.images_mean
    slots = kind.delay_lo_s / (world.slot_h * 3600.0)
    waits = int(slots) - 1 if slots >= PATIENT_SLOTS else 0
    return (allowance_h if allowance_h < longest_image_h else math.inf), waits


class Arrivals:
    """Images of each group that are expected in the slots ahead.

    Args:
        world: static facts.
        group: group of each (home, class).
        count: number of groups.
        memory: weight of the past in the running mean, in [0, 1).
    """

    def __init__(self, world: WorldInfo, group: IntArray, count: int, memory: float) -> None:
        self._group, self._count, self._memory = group, count, memory
        self._images = typical_images(world)
        self._day = max(1, round(NS_PER_DAY / world.slot_ns))
        self._history: deque[FloatArray] = deque(maxlen=self._day)
        self._mean = np.zeros(count)

    def update(self, observation: Observation) -> None:
        """Take in the arrivals of the slot that ended; before slot 0 there was none."""
        if observation.slot == 0:
            return
        images = observation.arrivals * self._images
        seen = np.bincount(self._group.ravel(), images.ravel(), self._count).astype(np.float64)
        first = not self._history
        self._mean = seen if first else self._memory * self._mean + (1.0 - self._memory) * seen
        self._history.append(seen)

    def ahead(self, slots: int) -> FloatArray:
        """Expected images in each of the slots ahead, shape (groups, slots)."""
        flat = np.repeat(self._mean[:, None], slots, axis=1)
        if len(self._history) < self._day:
            return flat
        yesterday = np.array(self._history)
        shape = yesterday[np.arange(slots) % self._day].T
        recent = yesterday[: max(1, self._day // 24)].sum()
        level = self._mean.sum() * max(1, self._day // 24) / max(recent, 1e-9)
        return np.asarray(shape * min(max(level, 0.5), 2.0))
