"""What may be concluded from a few seeds: means, paired differences and their 95 % intervals.

Policies are compared on common random numbers, seed by seed, so the statistic of a comparison is
the mean of the paired differences. Which interval is drawn depends on how many seeds there are:

* one seed: none. A single run says nothing about chance.
* 2 to 9 seeds: Student's t. A bootstrap of so few values has too few distinct resamples and is far
  too narrow (with 3 seeds its 95 % interval leaves out the truth about one time in four).
* from 10 seeds on: the bootstrap with expanded percentiles (Hesterberg 2015, The American
  Statistician 69(4), 371-386), whose quantiles are moved outwards as far as Student's t is wider
  than the normal distribution, and which follows a skewed sample where t cannot.

An interval is per key figure and policy; no correction is made for looking at many of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.quantities import NOMENCLATURE
from cosim.rng import stream

FloatArray = NDArray[np.float64]
BOOTSTRAP_FROM = 10
RESAMPLES = 9_999
TAIL = 0.025
Interval = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
        mean: the mean, None where a value is missing.
        ci95: its 95 % interval, None with one seed.
        method: ``none``, ``t`` or ``bootstrap``.
    """

    mean: float | None
    ci95: Interval | None
    method: str

    @property
    def significant(self) -> bool:
        """Whether there is an interval and it leaves out zero."""
        return self.ci95 is not None and not self.ci95[0] <= 0.0 <= self.ci95[1]

    def bounds(self) -> list[float] | None:
        """The interval for JSON."""
        return None if self.ci95 is None else list(self.ci95)


def estimate(values: Sequence[float]) -> Estimate:
    """Estimate a mean with its 95 % interval.

    Args:
        values: one per seed.

    Returns:
        The estimate; same values, same interval, on any machine.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not len(sample) or not np.isfinite(sample).all():
        return Estimate(None, None, "none")
    mean = float(sample.mean())
    if len(sample) == 1:
        return Estimate(mean, None, "none")
    if np.ptp(sample) == 0.0:
        return Estimate(float(sample[0]), (float(sample[0]), float(sample[0])), _method(sample))
    if len(sample) < BOOTSTRAP_FROM:
        return Estimate(mean, _t_interval(sample), "t")
    return Estimate(mean, _bootstrap_interval(sample), "bootstrap")


def _method(sample: FloatArray) -> str:
    return "t" if len(sample) < BOOTSTRAP_FROM else "bootstrap"


def _t_interval(sample: FloatArray) -> Interval:
    mean, half = float(sample.mean()), _t_quantile(len(sample) - 1) * _standard_error(sample)
    return mean - half, mean + half


def _standard_error(sample: FloatArray) -> float:
    return float(sample.std(ddof=1)) / sqrt(len(sample))


def _t_quantile(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1.0 - TAIL))


def _bootstrap_interval(sample: FloatArray) -> Interval:
    """Quantiles of resampled means at Φ(∓√(n/(n−1))·t), Hesterberg's expanded percentiles."""
    from scipy.special import ndtr

    count = len(sample)
    tail = float(ndtr(-sqrt(count / (count - 1)) * _t_quantile(count - 1)))
    low, high = np.quantile(_resampled_means(sample), [tail, 1.0 - tail])
    return float(low), float(high)


def _resampled_means(sample: FloatArray) -> FloatArray:
    return np.asarray(sample[_picks(len(sample))].mean(axis=1), dtype=np.float64)


@lru_cache(maxsize=8)
def _picks(count: int) -> NDArray[np.int64]:
    """Which values each resample takes, shape (RESAMPLES, count); a fixed stream per count."""
    return stream(0, "bootstrap", str(count)).integers(0, count, (RESAMPLES, count))


def p_better(kpi: str, differences: Sequence[float]) -> float | None:
    """How likely a policy is better than the baseline in a key figure, in [0, 1].

    With 2 to 9 seeds the share of Student's t distribution around the mean difference that lies on
    the better side, from 10 on the share of resampled means there; ties count half.

    Args:
        kpi: its name; gives the direction that is better.
        differences: paired differences to the baseline, one per seed.

    Returns:
        None where neither direction is better, with one seed or with missing values.
    """
    sign = {"higher": 1.0, "lower": -1.0}.get(direction(kpi))
    gains = np.asarray(differences, dtype=np.float64)
    if sign is None or len(gains) < 2 or not np.isfinite(gains).all():
        return None
    gains = sign * gains
    if np.ptp(gains) == 0.0:
        return float((np.sign(gains[0]) + 1.0) / 2.0)
    if len(gains) >= BOOTSTRAP_FROM:
        return float((np.sign(_resampled_means(gains)) + 1.0).mean() / 2.0)
    return _t_share(float(gains.mean()) / _standard_error(gains), len(gains) - 1)


def _t_share(ratio: float, freedom: int) -> float:
    from scipy.special import stdtr

    return float(stdtr(freedom, ratio))


def direction(kpi: str) -> str:
    """Which direction of a key figure is better: ``higher``, ``lower`` or ``neutral``."""
    known = NOMENCLATURE.get(kpi)
    return known.better if known else "neutral"


def mean_cell(values: Sequence[float]) -> dict[str, Any]:
    """A key figure of one policy over seeds, for tables and JSON."""
    found = estimate(values)
    return {"mean": found.mean, "ci95": found.bounds(), "method": found.method}


def paired_cell(kpi: str, values: Sequence[float], baseline: Sequence[float]) -> dict[str, Any]:
    """A paired difference to the baseline, for tables and JSON.

    Args:
        kpi: name of the key figure.
        values: of the policy, one per seed.
        baseline: of the baseline, on the same seeds.
    """
    differences = [a - b for a, b in zip(values, baseline, strict=True)]
    found = estimate(differences)
    return {
        "diff": found.mean,
        "ci95": found.bounds(),
        "method": found.method,
        "p_better": p_better(kpi, differences),
        "significant": found.significant,
    }


def share_of(part: Sequence[float], whole: Sequence[float]) -> list[float]:
    """Each value as a share of the size of another, NaN where that is zero."""
    return [
        a / abs(b) if b and isfinite(b) else float("nan") for a, b in zip(part, whole, strict=True)
    ]
