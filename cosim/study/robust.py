"""Two questions to the spread over seeds: what is typical, and are the intervals wide enough?

The interquartile mean is the mean of the middle half: one seed in which everything goes wrong
moves it little, and it uses far more of the sample than the median. Its interval resamples the
seeds of each day apart (Agarwal et al. 2021, NeurIPS, "Deep reinforcement learning at the edge of
the statistical precipice", whose strata are tasks).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.rng import stream
from cosim.study.statistics import BOOTSTRAP_FROM, RESAMPLES, false_alarms

FloatArray = NDArray[np.float64]
STRATUM_MIN = 3
DRAWN = 200


def iqm_cell(values: Sequence[float], days: int = 1) -> dict[str, Any] | None:
    """Interquartile mean with its 95 % interval; None below ten runs or with missing values.

    Args:
        values: one per run, day after day.
        days: how many days there are; from three seeds a day on each is resampled apart, else
            all runs together.
    """
    sample = np.asarray(values, dtype=np.float64)
    if len(sample) < BOOTSTRAP_FROM or not np.isfinite(sample).all():
        return None
    strata = days if len(sample) >= days * STRATUM_MIN else 1
    each = len(sample) // strata
    dice = stream(0, "iqm", str(strata), str(each))
    picks = dice.integers(0, each, (RESAMPLES, strata, each))
    drawn = np.take_along_axis(sample.reshape(1, strata, each), picks, axis=2)
    means = _middle(drawn.reshape(RESAMPLES, -1))
    low, high = np.quantile(means, [0.025, 0.975])
    return {"iqm": float(_middle(sample[None])[0]), "ci95": [float(low), float(high)]}


def _middle(rows: FloatArray) -> FloatArray:
    """Mean of the middle half of each row; values on its edge count in part."""
    count = rows.shape[1]
    edges = np.clip(np.arange(count + 1), count / 4, 3 * count / 4)
    weights = np.diff(edges) / (count / 2)
    return np.asarray(np.sort(rows, axis=1) @ weights, dtype=np.float64)


def false_alarm_share(differences: Sequence[float]) -> float | None:
    """How often intervals of so many seeds would call policies different that are not, in [0, 1].

    Deviations from the mean are drawn with replacement: samples of the same spread, but without a
    difference; of each the interval is asked (Beran 1987, Biometrika 74(3), 457-468). About 0.05
    is right; far more means that a few seeds make the spread, as one in which everything goes
    wrong does, and that the interval of this comparison is too narrow.

    Args:
        differences: paired differences, one per seed or day.

    Returns:
        None below ten values, with missing ones and where all are the same.
    """
    sample = np.asarray(differences, dtype=np.float64)
    if len(sample) < BOOTSTRAP_FROM or not np.isfinite(sample).all() or np.ptp(sample) == 0.0:
        return None
    picks = stream(0, "alarms", str(len(sample))).integers(0, len(sample), (DRAWN, len(sample)))
    return float(false_alarms((sample - sample.mean())[picks]).mean())
