"""Looking at a comparison again and again while seeds are added, without fooling oneself.

Who looks at 95 % intervals after every batch and stops when one pleases is wrong more often than
one time in twenty. Here the looks are planned, and every one uses the same narrower error: such
that for normal differences *all* intervals of *all* planned looks hold the truth together in 95 %
of studies (the rule of Pocock 1977, Biometrika 64(2), 191-199, with Student's t at each look). So
the one at which a study stops holds it at least as often, whatever made it stop. The error comes
from simulated studies of a fixed stream: t does not depend on mean and spread, so one table serves
every key figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cosim.errors import UsageError
from cosim.rng import stream

FIRST, GROWTH, STUDIES = 5, 1.5, 40_000
ERROR = 0.05
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Looks:
    """Numbers of seeds at which a study is looked at.

    Attributes:
        counts: ascending, the last one is where it ends at the latest.
    """

    counts: tuple[int, ...]

    @property
    def error(self) -> float:
        """Two-sided error of each look's interval, so that all together keep 5 %."""
        return float(np.quantile(_least(self.counts), ERROR)) if len(self.counts) > 1 else ERROR

    def p_value(self, p: float) -> float:
        """How often chance alone shows a p-value as small as this at any look."""
        if len(self.counts) < 2:
            return p
        return float(((_least(self.counts) <= p).sum() + 1) / (STUDIES + 1))


def planned(first: int, most: int) -> Looks:
    """Plan the looks: at no fewer than five seeds, then each time half as many again.

    Args:
        first: seeds that there are anyway.
        most: seeds at most.

    Raises:
        UsageError: ``most`` allows not even the first look.
    """
    counts = [max(FIRST, first)]
    if most < counts[0]:
        raise UsageError(f"at most {most} seeds are too few: the first look is at {counts[0]}")
    while counts[-1] < most:
        counts.append(min(most, round(counts[-1] * GROWTH)))
    return Looks(tuple(counts))


def enough(seeds: Sequence[int], count: int) -> tuple[int, ...]:
    """So many seeds: those given, then the next numbers."""
    more = range(max(seeds) + 1, max(seeds) + 1 + max(0, count - len(seeds)))
    return (*seeds, *more)[:count]


@lru_cache(maxsize=8)
def _least(counts: tuple[int, ...]) -> FloatArray:
    """The least two-sided p-value over all looks of each simulated study without a difference."""
    from scipy.special import stdtr

    dice = stream(0, "looks", *map(str, counts))
    total, squares = np.zeros(STUDIES), np.zeros(STUDIES)
    least = np.ones(STUDIES)
    for before, count in zip((0, *counts), counts, strict=False):
        drawn = dice.normal(size=(STUDIES, count - before))
        total += drawn.sum(axis=1)
        squares += (drawn * drawn).sum(axis=1)
        error = np.sqrt((squares - total * total / count) / (count - 1) / count)
        p = 2.0 * stdtr(count - 1, -np.abs(total / count / error))
        least = np.minimum(least, p)
    return np.asarray(least, dtype=np.float64)
