"""What may be concluded from a few seeds: means, paired differences and their 95 % intervals.

Policies are compared on common random numbers, seed by seed, so the statistic of a comparison is
the mean of the paired differences. Which interval is drawn depends on how many seeds there are:

* one seed: none. A single run says nothing about chance.
* 2 to 9 seeds: Student's t. A bootstrap of so few values has too few distinct resamples and is far
  too narrow (with 3 seeds its 95 % interval leaves out the truth about one time in four).
* from 10 seeds on: the bootstrap with expanded percentiles (Hesterberg 2015, The American
  Statistician 69(4), 371-386), whose quantiles are moved outwards as far as Student's t is wider
  than the normal distribution, and which follows a skewed sample where t cannot.

Where several days are compared, the day is what chance varies: differences are averaged over the
seeds of each day first, and the interval is over days, however many seeds each has.

An interval is per key figure and policy. For several policies against one baseline each key figure
also has p-values after Holm's correction (1979, Scandinavian Journal of Statistics 6(2), 65-70).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.quantities import NOMENCLATURE
from cosim.rng import stream

if TYPE_CHECKING:
    from cosim.study.looks import Looks

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
        method: ``none``, ``t``, ``bootstrap`` or ``repeated t`` (:mod:`cosim.study.looks`).
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


def estimate(values: Sequence[float], looks: Looks | None = None) -> Estimate:
    """Estimate a mean with its 95 % interval.

    Args:
        values: one per seed, or per day.
        looks: the plan, where this is one of several looks at a growing sample.

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
    if looks is not None:
        return Estimate(mean, _t_interval(sample, looks.error / 2), "repeated t")
    if len(sample) < BOOTSTRAP_FROM:
        return Estimate(mean, _t_interval(sample), "t")
    return Estimate(mean, _bootstrap_interval(sample), "bootstrap")


def _method(sample: FloatArray) -> str:
    return "t" if len(sample) < BOOTSTRAP_FROM else "bootstrap"


def _t_interval(sample: FloatArray, tail: float = TAIL) -> Interval:
    half = _t_quantile(len(sample) - 1, tail) * _standard_error(sample)
    return float(sample.mean()) - half, float(sample.mean()) + half


def _standard_error(sample: FloatArray) -> float:
    return float(sample.std(ddof=1)) / sqrt(len(sample))


def _t_quantile(freedom: int, tail: float = TAIL) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1.0 - tail))


def _bootstrap_interval(sample: FloatArray) -> Interval:
    """Quantiles of resampled means, Hesterberg's expanded percentiles."""
    tail = _expanded_tail(len(sample))
    low, high = np.quantile(_resampled_means(sample), [tail, 1.0 - tail])
    return float(low), float(high)


def _expanded_tail(count: int) -> float:
    """Φ(−√(n/(n−1))·t): the share that is cut off at each end."""
    from scipy.special import ndtr

    return float(ndtr(-sqrt(count / (count - 1)) * _t_quantile(count - 1)))


def false_alarms(samples: FloatArray) -> NDArray[np.bool_]:
    """Whether the interval of each sample leaves out zero, shape (samples, values) → (samples,).

    The intervals are those of :func:`estimate`, for many samples at once.
    """
    count = samples.shape[1]
    if count < BOOTSTRAP_FROM:
        error = samples.std(axis=1, ddof=1) / sqrt(count)
        return np.asarray(np.abs(samples.mean(axis=1)) > _t_quantile(count - 1) * error)
    rows = np.arange(RESAMPLES)[:, None]
    often = np.zeros((RESAMPLES, count))
    np.add.at(often, (rows, _picks(count)), 1.0 / count)
    tail = _expanded_tail(count)
    low, high = np.quantile(often @ samples.T, [tail, 1.0 - tail], axis=0)
    return np.asarray((low > 0.0) | (high < 0.0))


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


def p_value(differences: Sequence[float], looks: Looks | None = None) -> float | None:
    """How often chance alone makes differences as clear as these: Student's t, two-sided.

    Args:
        differences: paired differences, one per seed or day.
        looks: the plan, where this is one of several looks: then at any of them.

    Returns:
        None with one value or with missing ones.
    """
    sample = np.asarray(differences, dtype=np.float64)
    if len(sample) < 2 or not np.isfinite(sample).all():
        return None
    if np.ptp(sample) == 0.0:
        return 0.0 if sample[0] else 1.0
    p = 2.0 * _t_share(-abs(float(sample.mean())) / _standard_error(sample), len(sample) - 1)
    return p if looks is None else looks.p_value(p)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """P-values of several comparisons after Holm's correction; missing ones stay missing."""
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    worst = 0.0
    for rank, (p, i) in enumerate(known):
        worst = max(worst, min(1.0, (len(known) - rank) * p))
        found[i] = worst
    return found


def by_day(values: Sequence[float], days: int) -> list[float]:
    """Means over the seeds of each day; with one day the values themselves.

    Args:
        values: one per run, day after day.
        days: how many days there are.
    """
    if days < 2:
        return list(values)
    return [float(mean) for mean in np.reshape(values, (days, -1)).mean(axis=1)]


def _t_share(ratio: float, freedom: int) -> float:
    from scipy.special import stdtr

    return float(stdtr(freedom, ratio))


def direction(kpi: str) -> str:
    """Which direction of a key figure is better: ``higher``, ``lower`` or ``neutral``."""
    known = NOMENCLATURE.get(kpi)
    return known.better if known else "neutral"


def mean_cell(values: Sequence[float], days: int = 1) -> dict[str, Any]:
    """A key figure of one policy over seeds, and days where there are some, as a table has it."""
    found = estimate(by_day(values, days))
    return {"mean": found.mean, "ci95": found.bounds(), "method": found.method}


def paired_cell(
    kpi: str,
    values: Sequence[float],
    baseline: Sequence[float],
    *,
    days: int = 1,
    looks: Looks | None = None,
) -> dict[str, Any]:
    """A paired difference to the baseline, for tables and JSON.

    Args:
        kpi: name of the key figure.
        values: of the policy, one per run, day after day.
        baseline: of the baseline, in the same runs.
        days: how many days there are.
        looks: the plan, where seeds are added until an interval is narrow enough.
    """
    differences = by_day([a - b for a, b in zip(values, baseline, strict=True)], days)
    found = estimate(differences, looks)
    return {
        "diff": found.mean,
        "ci95": found.bounds(),
        "method": found.method,
        "p_better": p_better(kpi, differences),
        "p_value": p_value(differences, looks),
        "significant": found.significant,
    }


def share_of(part: Sequence[float], whole: Sequence[float]) -> list[float]:
    """Each value as a share of the size of another, NaN where that is zero."""
    return [
        a / abs(b) if b and isfinite(b) else float("nan") for a, b in zip(part, whole, strict=True)
    ]
