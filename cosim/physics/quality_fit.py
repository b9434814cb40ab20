"""Quality curves from measured points, and the steps that a wished-for quality needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.quality import Power, QualityCurve, Saturating, Sigmoid, Table
from cosim.physics.ranges import Range, ascending, each_in, refuse, same_length

_UNIT = Range(0.0, 1.0)
_STEPS = Range(0.0, 10_000.0, "steps", above=True)


def steps_for(curve: QualityCurve, quality: float) -> float:
    """Return the fewest steps at which a curve reaches a quality; the inverse of the curve.

    Args:
        curve: quality against steps.
        quality: wanted quality, from 0 to 1.

    Returns:
        Steps, at least 0, not rounded; inf if the curve never gets there.
    """
    refuse(each_in("quality", [quality], _UNIT))
    if quality <= float(curve(0.0)):
        return 0.0
    if isinstance(curve, Table):
        return _table_steps(curve, quality)
    if isinstance(curve, Power):
        return float(curve.steps_full * quality ** (1.0 / curve.exponent))
    if quality >= 1.0:
        return math.inf
    if isinstance(curve, Saturating):
        return -math.log1p(-quality) / curve.k
    return max(0.0, curve.c0 + math.log(quality / (1.0 - quality)) / curve.a)


def _table_steps(curve: Table, quality: float) -> float:
    """Return the first crossing; a measured table may fall again after it."""
    for i, value in enumerate(curve.values):
        if value >= quality:
            below, left = curve.values[i - 1], curve.steps[i - 1]
            share = (quality - below) / (value - below)
            return left + share * (curve.steps[i] - left)
    return math.inf


def fit_sigmoid(steps: ArrayLike, quality: ArrayLike) -> Sigmoid:
    """Fit q(c) = 1 / (1 + exp(−a (c − c0))) by least squares.

    Args:
        steps: measured numbers of steps, at least three different ones.
        quality: quality in [0, 1] at each, see :func:`cosim.physics.quality.rescaled`.

    Returns:
        The fitted curve.

    Raises:
        ValueError: if there are fewer than three points, quality leaves [0, 1] or it falls.
    """
    from scipy.optimize import least_squares

    c, q = _points(steps, quality, 3)
    span = float(np.ptp(c))

    def misfit(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x[0] * (c - x[1]))) - q)

    start = (4.0 / span, float(np.interp(0.5, np.sort(q), c[np.argsort(q)])))
    bounds = ((1e-6, float(c.min()) - 2 * span), (100.0, float(c.max()) + 2 * span))
    found = least_squares(misfit, start, bounds=bounds, x_scale=(1.0 / span, span), xtol=1e-12)
    return Sigmoid(a=float(found.x[0]), c0=float(found.x[1]))


def fit_saturating(steps: ArrayLike, quality: ArrayLike) -> Saturating:
    """Fit q(c) = 1 − exp(−k c) by least squares.

    Args:
        steps: measured numbers of steps, above 0, at least two different ones.
        quality: quality at each, in [0, 1), rising with the steps.

    Raises:
        ValueError: for fewer points, a quality outside [0, 1) or one that falls.
    """
    from scipy.optimize import minimize_scalar

    c, q = _points(steps, quality)
    refuse(each_in("quality", [v for v in q.tolist() if v >= 1.0], Range(0.0, 0.9999999)))
    middle = float(np.median(-np.log1p(-q) / c))
    found = minimize_scalar(
        lambda log_k: float(np.sum((-np.expm1(-math.exp(log_k) * c) - q) ** 2)),
        bounds=(math.log(middle) - 5.0, min(math.log(100.0), math.log(middle) + 5.0)),
        method="bounded",
        options={"xatol": 1e-12},
    )
    return Saturating(k=math.exp(float(found.x)))


def fit_power(steps: ArrayLike, quality: ArrayLike) -> Power:
    """Fit q(c) = (c / steps_full)^exponent, linear least squares in the logarithms.

    Args:
        steps: measured numbers of steps, above 0, at least two different ones.
        quality: quality at each, in (0, 1], rising with the steps.

    Raises:
        ValueError: for fewer points, a quality outside (0, 1] or one that falls.
    """
    c, q = _points(steps, quality)
    refuse(each_in("quality", [v for v in q.tolist() if v <= 0.0], Range(0.0, 1.0, above=True)))
    exponent, offset = np.polyfit(np.log(c), np.log(q), 1)
    return Power(exponent=float(exponent), steps_full=math.exp(-float(offset / exponent)))


def _points(
    steps: ArrayLike, quality: ArrayLike, least: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    c, q = np.asarray(steps, dtype=np.float64), np.asarray(quality, dtype=np.float64)
    if c.shape != q.shape or c.ndim != 1 or np.unique(c).size < least:
        raise ValueError(
            f"steps and quality have shapes {c.shape} and {q.shape}: need equal 1-d arrays "
            f"with at least {least} different steps"
        )
    refuse(each_in("quality", q.tolist(), _UNIT) + each_in("steps", c.tolist(), _STEPS))
    if float(np.dot(c - c.mean(), q - q.mean())) <= 0.0:
        raise ValueError(f"quality = {q.tolist()!r}: must rise with steps")
    return c, q


def equivalent_steps(steps: Sequence[float], scores: Sequence[float], score: float) -> float:
    """Return the steps of a reference sampler that earn a score, linear between its points.

    Args:
        steps: steps of the reference, rising strictly, at least two.
        scores: its score at each, rising strictly; higher is better.
        score: score of the other sampler, at least ``scores[0]``.

    Returns:
        Steps; those of the last point for any better score.

    Raises:
        ValueError: if the points do not rise or the score lies below the first: a line through
            points cannot tell how bad few steps are.
    """
    refuse(
        same_length("steps and scores", steps, scores)
        + ascending("steps", steps)
        + ascending("scores", scores)
    )
    if len(steps) < 2 or score < scores[0]:
        raise ValueError(
            f"score = {score!r}: must be at least {scores[0]:g}, the reference at {steps[0]:g} "
            "steps, and the reference needs two points"
        )
    return float(np.interp(score, scores, steps))
