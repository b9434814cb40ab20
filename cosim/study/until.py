"""Enough seeds for an interval of a given width: how wide it may be, and how the search ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cosim.errors import UsageError
from cosim.study.looks import Looks
from cosim.study.statistics import estimate

MAX_SEEDS = 60


@dataclass(frozen=True)
class Target:
    """How wide half an interval of the utility difference may be.

    Attributes:
        size: in USD, or as a share of the baseline's mean utility.
        relative: whether it is a share.
    """

    size: float
    relative: bool

    def usd(self, baseline_usd: float) -> float:
        """The width for a baseline's mean utility [USD]."""
        return self.size * abs(baseline_usd) if self.relative else self.size

    def __str__(self) -> str:
        return f"{100 * self.size:g} % of the baseline" if self.relative else f"{self.size:g} USD"


def target_of(text: str) -> Target:
    """Read ``1%`` or ``25`` (USD).

    Raises:
        UsageError: it is neither, or not above 0.
    """
    word = text.strip().removesuffix("usd").removesuffix("USD").strip()
    relative = word.endswith("%")
    try:
        size = float(word.removesuffix("%")) / (100 if relative else 1)
    except ValueError:
        size = math.nan
    if not (math.isfinite(size) and size > 0):
        raise UsageError(f"`{text}` is no width of an interval; write 1% or 25 (USD)")
    return Target(size, relative)


@dataclass(frozen=True)
class Stopping:
    """How a search for enough seeds goes.

    Attributes:
        target: the width that is asked for.
        looks: the planned looks.
        target_usd: the width in money at the last look [USD].
        half_width_usd: policy → half the interval of its utility difference there [USD].
    """

    target: Target
    looks: Looks
    target_usd: float = math.nan
    half_width_usd: Mapping[str, float] | None = None

    @property
    def reached(self) -> bool:
        """Whether every policy's interval is narrow enough."""
        widths = (self.half_width_usd or {}).values()
        return bool(widths) and all(width <= self.target_usd for width in widths)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "target": self.target.size,
            "relative": self.target.relative,
            "target_usd": _finite(self.target_usd),
            "half_width_usd": {p: _finite(w) for p, w in (self.half_width_usd or {}).items()},
            "looks": list(self.looks.counts),
            "error_per_look": self.looks.error,
            "reached": self.reached,
        }


def looked(
    stopping: Stopping, utilities_usd: Sequence[Sequence[float]], names: Sequence[str]
) -> Stopping:
    """The search after another look.

    Args:
        stopping: the search so far.
        utilities_usd: per policy, the baseline first, one per seed.
        names: of the policies.
    """
    base = utilities_usd[0]
    widths = {
        name: _half_width([a - b for a, b in zip(row, base, strict=True)], stopping.looks)
        for name, row in zip(names[1:], utilities_usd[1:], strict=True)
    }
    target_usd = stopping.target.usd(sum(base) / len(base))
    return Stopping(stopping.target, stopping.looks, target_usd, widths)


def _half_width(differences: Sequence[float], looks: Looks) -> float:
    interval = estimate(differences, looks).ci95
    return math.inf if interval is None else (interval[1] - interval[0]) / 2


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def stopping_of(kept: Mapping[str, Any]) -> Stopping:
    """Read back what :meth:`Stopping.to_json` gave.

    Raises:
        UsageError: it was damaged.
    """
    try:
        target = Target(float(kept["target"]), bool(kept["relative"]))
        usd = kept["target_usd"]
        widths = {
            str(p): math.inf if w is None else float(w) for p, w in kept["half_width_usd"].items()
        }
        looks = Looks(tuple(int(count) for count in kept["looks"]))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise UsageError(f"stopping.json is damaged: {problem!r}") from None
    return Stopping(target, looks, math.nan if usd is None else float(usd), widths)
