"""When a claim of the paper counts as reproduced: rules that are stated here and typed nowhere.

A claim is put as a number per seed that is positive where the claim holds, e.g. what the whole
system earns more than one without transfers. Then

* *reproduced*: the 95 % interval of its mean lies above zero;
* *not reproduced*: the interval lies below zero;
* *cannot be told*: the interval holds zero, there is none (one seed), or a number is missing.

A claim about a course (rising) looks at its ends, and a step that surely leads the other way
refutes it. A claim of several parts holds if all of them do and fails if one of them does. What
was put in as an assumption proves nothing when it comes out again: that cannot be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from cosim.study.statistics import estimate

Verdict = Literal["reproduced", "not reproduced", "cannot be told"]
HOLDS: Verdict = "reproduced"
FAILS: Verdict = "not reproduced"
OPEN: Verdict = "cannot be told"
SIGNIFICANT = 0.05
FACTOR = 1.5
"""A ratio is met if it is at most so many times larger or smaller than the paper's."""


@dataclass(frozen=True)
class Judged:
    """A claim and what we found of it.

    Attributes:
        claim: what the paper claims.
        by: the policy or learner that it is judged under.
        result: what we found, with its interval.
        verdict: whether the claim is reproduced.
        reading: the claim is our reading: what is known of the paper names the axes only.
    """

    claim: str
    by: str
    result: str
    verdict: Verdict
    reading: bool = False

    def to_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def positive(values: Sequence[float]) -> Verdict:
    """Whether a number, one per seed, is surely above zero."""
    found = estimate(values)
    if found.ci95 is None or not found.significant:
        return OPEN
    return HOLDS if found.ci95[0] > 0.0 else FAILS


def rising(course: Sequence[Sequence[float]]) -> Verdict:
    """Whether a course rises.

    Args:
        course: along the axis, each with a value per seed in the same order.
    """
    ends = positive(apart(course[-1], course[0]))
    steps = [positive(apart(b, a)) for a, b in pairwise(course)]
    return FAILS if FAILS in (ends, *steps) else ends


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """What several parts say of the whole."""
    found = set(verdicts)
    if FAILS in found:
        return FAILS
    return HOLDS if found == {HOLDS} else OPEN


def contest(chance: float, p: float) -> Verdict:
    """Whether one learner surely beats another.

    Args:
        chance: probability that a seed of the first is better than one of the second.
        p: p-value of "neither is better", corrected for the contests of the figure.
    """
    if p >= SIGNIFICANT or chance == 0.5:
        return OPEN
    return HOLDS if chance > 0.5 else FAILS


def near(ratio: float, claimed: float) -> Verdict:
    """Whether a ratio without an interval is about the one that is claimed."""
    return HOLDS if claimed / FACTOR <= ratio <= claimed * FACTOR else FAILS


def told(values: Sequence[float], digits: int = 0, unit: str = "") -> str:
    """A mean over seeds with its 95 % interval, in words."""
    found = estimate(values)
    if found.mean is None:
        return "missing"
    after = f" {unit}" if unit else ""
    if found.ci95 is None:
        return f"{_number(found.mean, digits)}{after} (one seed)"
    low, high = (_number(end, digits) for end in found.ci95)
    return f"{_number(found.mean, digits)} [{low}, {high}]{after}"


def apart(one: Sequence[float], other: Sequence[float]) -> list[float]:
    """Differences, seed by seed."""
    return [a - b for a, b in zip(one, other, strict=True)]


def _number(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else f"{0:.{digits}f}"
