"""What a few seeds say about learners: interquartile means, and how likely one is better.

The interquartile mean (IQM) is the mean of the middle half; one seed that fails does not decide
it, and it is steadier than the median (Agarwal et al. 2021, arXiv 2108.13264). Intervals come from
a bootstrap over seeds, each scenario resampled by itself (stratified). The probability of
improvement is the chance that a seed of one learner beats a seed of the other, ties counting half,
mean over scenarios; its p-value is that of exchanging the learners' seeds within each scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.rng import stream

FloatArray = NDArray[np.float64]
RESAMPLES = 9_999
TAIL = 0.025
TRIMMED = 0.25


@dataclass(frozen=True)
class Spread:
    """A figure with its 95 % interval.

    Attributes:
        value: the figure.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """For programs."""
        return {"value": self.value, "low": self.low, "high": self.high}


def iqm(values: FloatArray) -> FloatArray:
    """Mean of the middle half along the last axis; a quarter is cut off at each end, rounded down.

    Args:
        values: shape (…, seeds).

    Returns:
        Shape (…,).
    """
    cut = int(TRIMMED * values.shape[-1])
    middle = np.sort(values, axis=-1)[..., cut : values.shape[-1] - cut]
    return np.asarray(middle.mean(axis=-1), dtype=np.float64)


def iqm_spread(values: Sequence[float]) -> Spread:
    """IQM over seeds with its 95 % bootstrap interval (percentiles)."""
    sample = np.asarray(values, dtype=np.float64)
    drawn = iqm(_resampled(sample, "iqm"))
    low, high = np.quantile(drawn, [TAIL, 1.0 - TAIL])
    return Spread(float(iqm(sample)), float(low), float(high))


def improvement(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> Spread:
    """Probability that a seed of one learner is better than a seed of the other.

    Args:
        one: scores of one learner, a row of seeds per scenario; higher is better.
        other: scores of the other, on the same scenarios.

    Returns:
        The probability, mean over scenarios, with its 95 % bootstrap interval.
    """
    pairs = [
        (np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
        for a, b in zip(one, other, strict=True)
    ]
    value = np.mean([_chance(a, b) for a, b in pairs])
    drawn = np.mean(
        [
            _chance(_resampled(a, "one", str(k)), _resampled(b, "other", str(k)))
            for k, (a, b) in enumerate(pairs)
        ],
        axis=0,
    )
    low, high = np.quantile(drawn, [TAIL, 1.0 - TAIL])
    return Spread(float(value), float(low), float(high))


def p_value(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> float:
    """Two-sided p-value of "neither is better": the learners' names exchanged at random.

    Args:
        one: as of :func:`improvement`.
        other: likewise.
    """
    dice, seen = stream(0, "interquartile", "exchange"), 0.0
    drawn = np.zeros(RESAMPLES)
    for a, b in zip(one, other, strict=True):
        pooled = np.array([*a, *b], dtype=np.float64)
        order = dice.permuted(np.tile(pooled, (RESAMPLES, 1)), axis=1)
        drawn += _chance(order[:, : len(a)], order[:, len(a) :]) - 0.5
        seen += float(_chance(pooled[: len(a)], pooled[len(a) :])) - 0.5
    beyond = np.abs(drawn) >= abs(seen) - 1e-12
    return float((1 + beyond.sum()) / (1 + RESAMPLES))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for how many there are (Holm 1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    found, least = np.ones(len(p_values)), 0.0
    for rank, at in enumerate(order):
        least = max(least, (len(p_values) - rank) * p_values[at])
        found[at] = min(1.0, least)
    return [float(p) for p in found]


def _chance(one: FloatArray, other: FloatArray) -> FloatArray:
    """Share of pairs in which the first is larger, shapes (…, a) and (…, b)."""
    gap = np.sign(one[..., :, None] - other[..., None, :])
    return np.asarray(0.5 + 0.5 * gap.mean(axis=(-2, -1)), dtype=np.float64)


def _resampled(sample: FloatArray, *purpose: str) -> FloatArray:
    """Resamples of seeds, shape (RESAMPLES, seeds); the same for equal counts and purposes."""
    dice = stream(0, "interquartile", *purpose, str(len(sample)))
    return np.asarray(sample[dice.integers(len(sample), size=(RESAMPLES, len(sample)))])
