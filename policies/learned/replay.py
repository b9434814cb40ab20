"""The replay buffer: slots of past days, from which batches are drawn.

A day lies in consecutive rows of a ring, one more than it has slots: the last row holds what was
seen at its end. So a stretch of several slots is a run of rows, cut off where its day ends.
Shaping is never stored here: it is computed anew for each batch (a stale potential breaks policy
invariance).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cosim.gym.learner import Episode

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """Stretches of up to n slots, drawn at random.

    Attributes:
        views: views before each slot of the stretch, shape (rows, n, columns).
        actions: shape (rows, n, coordinates).
        rewards: 0 beyond the end of a day, shape (rows, n).
        weights: γ^k, 0 beyond the end of a day, shape (rows, n).
        later: view after the stretch, shape (rows, columns).
        discount: γ to the number of slots; 0 where nothing can be earned after, shape (rows,).
        returns: return from the first slot on, shape (rows,).
    """

    views: Float32Array
    actions: Float32Array
    rewards: Float32Array
    weights: Float32Array
    later: Float32Array
    discount: Float32Array
    returns: Float32Array


class Replay:
    """The last so many slots.

    Attributes:
        slots: slots that were ever added.
    """

    def __init__(
        self, capacity: int, columns: int, coordinates: int, *, gamma: float, n_step: int
    ) -> None:
        """Lay out the rows.

        Args:
            capacity: rows, one more per day than it has slots.
            columns: numbers of a view.
            coordinates: numbers of an action.
            gamma: discount per slot, in (0, 1).
            n_step: slots of a stretch.
        """
        self._views = np.zeros((capacity, columns), np.float32)
        self._actions = np.zeros((capacity, coordinates), np.float32)
        self._rewards, self._returns = np.zeros((2, capacity), np.float32)
        self._left = np.zeros(capacity, np.int64)
        self._ends = np.zeros(capacity, np.bool_)
        self._gamma, self._n, self._next = gamma, n_step, 0
        self._powers = (gamma ** np.arange(n_step + 1)).astype(np.float32)
        self._rows = np.zeros(0, np.int64)
        self.slots = 0

    def add(self, episode: Episode) -> None:
        """Take in a day; the oldest rows make room.

        Raises:
            ValueError: the day is longer than the ring.
        """
        count, capacity = episode.slots, len(self._left)
        if count + 1 > capacity:
            raise ValueError(f"a day of {count} slots does not fit into {capacity} rows")
        at = (self._next + np.arange(count + 1)) % capacity
        self._views[at] = episode.views
        self._actions[at[:-1]] = episode.actions
        self._rewards[at[:-1]] = episode.rewards
        self._returns[at[:-1]] = returns_to_go(episode, self._gamma)
        self._left[at] = np.arange(count, -1, -1)
        self._ends[at] = episode.terminal
        self._next = int(at[-1] + 1) % capacity
        self._rows = np.flatnonzero(self._left)
        self.slots += count

    def spread(self) -> tuple[float, float]:
        """Mean and standard deviation of the returns that are kept; 0 and 1 if all are alike."""
        kept = self._returns[self._rows].astype(np.float64)
        std = float(kept.std()) if len(kept) else 0.0
        return (float(kept.mean()), std) if std > 1e-6 else (0.0, 1.0)

    def mean_reward(self) -> float:
        """Mean reward of the slots that are kept."""
        return float(self._rewards[self._rows].mean(dtype=np.float64))

    def draw(self, rows: int, dice: np.random.Generator) -> Sample:
        """Draw stretches, each slot with equal chance."""
        first = self._rows[dice.integers(len(self._rows), size=rows)]
        left = self._left[first]
        steps = np.minimum(left, self._n)
        k = np.arange(self._n)
        inside = k < steps[:, None]
        at = (first[:, None] + np.minimum(k, steps[:, None] - 1)) % len(self._left)
        last = (first + steps) % len(self._left)
        over = (steps == left) & self._ends[first]
        return Sample(
            self._views[at],
            self._actions[at],
            np.where(inside, self._rewards[at], np.float32(0.0)),
            np.where(inside, self._powers[:-1], np.float32(0.0)),
            self._views[last],
            np.where(over, np.float32(0.0), self._powers[steps]),
            self._returns[first],
        )


def joined(one: Sample, other: Sample) -> Sample:
    """Both samples as one, the rows of the first before those of the second."""
    pairs = ((getattr(one, each.name), getattr(other, each.name)) for each in fields(Sample))
    return Sample(*(np.concatenate(pair) for pair in pairs))


def returns_to_go(episode: Episode, gamma: float) -> Float32Array:
    """Discounted return from each slot on, shape (slots,).

    A day that is cut off would seem to earn less and less towards its end; what follows it is
    taken to earn the day's mean reward for ever. A terminal end earns nothing more.
    """
    rewards = np.asarray(episode.rewards, dtype=np.float64)
    total = 0.0 if episode.terminal else float(rewards.mean()) / (1.0 - gamma)
    found = np.zeros(len(rewards))
    for k in range(len(rewards) - 1, -1, -1):
        total = float(rewards[k]) + gamma * total
        found[k] = total
    return found.astype(np.float32)
