"""The hours ahead, cut into periods: single slots first, then longer and longer ones.

What happens in twenty hours needs no five-minute detail now: it will be looked at again. With a
tail of 8, a period may be an eighth as long as the time until it; without one all are single
slots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.decision import WorldInfo
from cosim.decision.info import FloatArray
from policies.options import number


@dataclass(frozen=True)
class Horizon:
    """How far to look and how finely.

    Attributes:
        hours: how far [h].
        tail: a period is at most this part of the time until it; 0 keeps single slots.
    """

    hours: float
    tail: float

    def __post_init__(self) -> None:
        number("horizon_h", self.hours, 0.01, 168.0)
        number("tail", self.tail, 0.0, 1000.0)

    def lengths(self, world: WorldInfo) -> list[int]:
        """Slots in each period."""
        left, passed, lengths = max(1, round(self.hours / world.slot_h)), 0, []
        while left > 0:
            longest = int(passed / self.tail) if self.tail > 0.0 else 1
            lengths.append(min(left, max(1, longest)))
            passed, left = passed + lengths[-1], left - lengths[-1]
        return lengths


class Periods:
    """Sums and means of slots over the periods of a horizon.

    Args:
        lengths: slots in each period.
        slot_h: length of a slot [h].
        slots: slots of the window.
    """

    def __init__(self, lengths: list[int], slot_h: float, slots: int) -> None:
        self.lengths = np.array(lengths, dtype=np.int64)
        self.first = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        self.total = int(self.lengths.sum())
        self.slot_h, self.slots = slot_h, slots

    def __len__(self) -> int:
        return len(self.lengths)

    def inside(self, slot: int) -> FloatArray:
        """1 for slots from now on that belong to the window, else 0, shape (slots ahead,)."""
        return (np.arange(self.total) + slot < self.slots).astype(np.float64)

    def sums(self, values: FloatArray) -> FloatArray:
        """Sum over the slots of each period; the last axis is slots ahead."""
        return np.asarray(np.add.reduceat(values, self.first, axis=-1))

    def means(self, values: FloatArray) -> FloatArray:
        """Mean over the slots of each period."""
        return self.sums(values) / self.lengths

    def hours(self, slot: int) -> FloatArray:
        """Length of each period inside the window [h]."""
        return self.sums(self.inside(slot)) * self.slot_h

    def ahead(self, values: FloatArray) -> FloatArray:
        """A forecast as far as the horizon; where it ends its last value is kept."""
        have = values.shape[-1]
        if have >= self.total:
            return values[..., : self.total]
        last = np.repeat(values[..., -1:], self.total - have, axis=-1)
        return np.concatenate([values, last], axis=-1)
