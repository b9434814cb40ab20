"""How good an image becomes with more denoising steps, and what a customer pays for it.

Quality rises with the number of steps and saturates; the revenue of a model is a sigmoid of the
steps (JEMAS, arXiv 2605.02965, Fig. 2), paid per image finished on time. Which curve a model
follows is an *assumption* of the scenario: no public data of BRISQUE against steps exists.
Raw CLIP scores show the saturating half only (SD 1.5, PLMS: 28.58, 29.33, 29.51 at 15, 25 and
50 steps, DiP-GO Tab. 1), hence ``rescaled`` before
:func:`cosim.physics.quality_fit.fit_sigmoid`.

    >>> float(Sigmoid(a=0.2, c0=14)(14))
    0.5
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.ranges import (
    Range,
    ascending,
    check_ranges,
    each_in,
    refuse,
    same_length,
)

CLIP_FULL_SCALE = 35.0
BRISQUE_FULL_SCALE = 100.0

_UNIT = Range(0.0, 1.0)


def _steps(steps: ArrayLike) -> NDArray[np.float64]:
    return np.maximum(np.asarray(steps, dtype=np.float64), 0.0)


@dataclass(frozen=True)
class Sigmoid:
    """q(c) = 1 / (1 + exp(−a (c − c0))), the paper's shape (arXiv 2605.02965, Fig. 2).

    Attributes:
        a: steepness [1/step], above 0.
        c0: steps at which half of the full value is reached.
    """

    a: float
    c0: float

    RANGES: ClassVar[dict[str, Range]] = {
        "a": Range(0.0, 100.0, "per step", above=True),
        "c0": Range(-1000.0, 1000.0, "steps"),
    }
    SOURCE: ClassVar[str] = "JEMAS (arXiv 2605.02965), Fig. 2"
    EQUATION: ClassVar[str] = "q(c) = 1 / (1 + exp(-a (c - c0)))"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)

    def __call__(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Return the quality in [0, 1] at ``steps``; tanh form, which cannot overflow."""
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * self.a * (_steps(steps) - self.c0))))


@dataclass(frozen=True)
class Saturating:
    """q(c) = 1 − exp(−k c): every step adds a constant share of what is missing.

    Attributes:
        k: share per step [1/step], above 0.
    """

    k: float

    RANGES: ClassVar[dict[str, Range]] = {"k": Range(0.0, 100.0, "per step", above=True)}
    SOURCE: ClassVar[str] = "ours; shape of published CLIP scores (DiP-GO Table 1)"
    EQUATION: ClassVar[str] = "q(c) = 1 - exp(-k c)"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)

    def __call__(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Return the quality in [0, 1] at ``steps``."""
        return np.asarray(-np.expm1(-self.k * _steps(steps)))


@dataclass(frozen=True)
class Power:
    """q(c) = min(1, (c / steps_full)^exponent).

    Attributes:
        exponent: above 0; below 1 for diminishing returns.
        steps_full: steps from which on quality is 1.
    """

    exponent: float
    steps_full: float

    RANGES: ClassVar[dict[str, Range]] = {
        "exponent": Range(0.0, 100.0, above=True),
        "steps_full": Range(0.0, 10_000.0, "steps", above=True),
    }
    SOURCE: ClassVar[str] = "ours"
    EQUATION: ClassVar[str] = "q(c) = min(1, (c / steps_full)^exponent)"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)

    def __call__(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Return the quality in [0, 1] at ``steps``."""
        share = np.minimum(_steps(steps) / self.steps_full, 1.0)
        return np.asarray(share**self.exponent)


@dataclass(frozen=True)
class Table:
    """Quality at listed steps, linear in between, constant outside.

    Attributes:
        steps: rising strictly.
        values: quality in [0, 1], one for each entry of ``steps``.
    """

    steps: tuple[float, ...]
    values: tuple[float, ...]

    RANGES: ClassVar[dict[str, Range]] = {}
    SOURCE: ClassVar[str] = "the scenario's own points"
    EQUATION: ClassVar[str] = "linear between points, constant outside"

    def __post_init__(self) -> None:
        refuse(
            same_length("Table.steps and Table.values", self.steps, self.values)
            + ascending("Table.steps", self.steps)
            + each_in("Table.steps", self.steps, Range(0.0, 10_000.0, "steps"))
            + each_in("Table.values", self.values, _UNIT)
        )

    def __call__(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Return the quality in [0, 1] at ``steps``."""
        return np.asarray(np.interp(_steps(steps), self.steps, self.values))


QualityCurve: TypeAlias = Sigmoid | Saturating | Power | Table


def combined_quality(
    brisque: ArrayLike, clip: ArrayLike, weight: float = 0.5
) -> NDArray[np.float64]:
    """Return q = w (1 − b/100) + (1 − w) κ/35, a mix of two published scores.

    That the mix of CLIP and BRISQUE is used is JEMAS (arXiv 2605.02965); weights and scales are
    ours, because the paper's are not public.

    Args:
        brisque: BRISQUE score b, 0 (best) to 100.
        clip: CLIP score κ, about 20 to 35.
        weight: w in [0, 1].

    Returns:
        Quality, usually in [0, 1]; not yet rescaled over the range of steps.
    """
    refuse(each_in("weight", [weight], _UNIT))
    naturalness = 1.0 - np.asarray(brisque, dtype=np.float64) / BRISQUE_FULL_SCALE
    agreement = np.asarray(clip, dtype=np.float64) / CLIP_FULL_SCALE
    return np.asarray(weight * naturalness + (1.0 - weight) * agreement)


def rescaled(quality: ArrayLike) -> NDArray[np.float64]:
    """Stretch measured quality linearly so that its smallest value is 0 and its largest 1."""
    q = np.asarray(quality, dtype=np.float64)
    spread = float(np.ptp(q)) if q.size else 0.0
    if not spread > 0.0:
        raise ValueError(f"quality = {quality!r}: needs two different finite values to rescale")
    return np.asarray((q - q.min()) / spread)


def revenue_usd(curve: QualityCurve, steps: ArrayLike, v_max_usd: float) -> NDArray[np.float64]:
    """Return the price of one image finished on time, v_i(c) = v_i^max q_i(c) [USD].

    The sigmoid revenue of JEMAS (arXiv 2605.02965, Fig. 2).

    Args:
        curve: quality against steps of the model.
        steps: denoising steps executed.
        v_max_usd: price of an image of full quality [USD], at least 0.
    """
    refuse(each_in("v_max_usd", [v_max_usd], Range(0.0, math.inf, "USD")))
    return np.asarray(v_max_usd * curve(steps))
