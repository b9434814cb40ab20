"""What a physical record may hold: each field's allowed range, kept as data and checked once.

A record declares ``RANGES = {"tilt_deg": Range(0, 90, "deg")}`` and calls ``check_ranges(self)``
when it is made. All fields out of range are reported together, each with its value, its unit
and what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Range:
    """The closed interval that a number must lie in.

    Attributes:
        low: smallest allowed value.
        high: largest allowed value; ``inf`` where only finiteness is asked for.
        unit: unit of the number, for the message.
        above: True if ``low`` itself is not allowed.
    """

    low: float
    high: float
    unit: str = ""
    above: bool = False

    def holds(self, value: float) -> bool:
        """Return whether ``value`` is finite and inside."""
        low_ok = value > self.low if self.above else value >= self.low
        return math.isfinite(value) and low_ok and value <= self.high

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        if math.isinf(self.high):
            return f"{'above' if self.above else 'at least'} {self.low:g}{unit}, finite"
        left = "above" if self.above else "from"
        return f"{left} {self.low:g} to {self.high:g}{unit}"


def range_problems(record: object, ranges: Mapping[str, Range]) -> list[str]:
    """Return one sentence per field of ``record`` that lies outside its range."""
    name = type(record).__name__
    found = []
    for field, allowed in ranges.items():
        value: Any = getattr(record, field)
        if not allowed.holds(value):
            found.append(f"{name}.{field} = {value!r}: must be {allowed}")
    return found


def refuse(problems: Sequence[str]) -> None:
    """Raise one ValueError that carries every problem, or return if there is none."""
    if problems:
        raise ValueError("; ".join(problems))


def check_ranges(record: object, ranges: Mapping[str, Range]) -> None:
    """Raise ValueError naming every field of ``record`` outside its range."""
    refuse(range_problems(record, ranges))


def ascending(label: str, values: Sequence[float]) -> list[str]:
    """Return a problem if ``values`` do not rise strictly."""
    if all(a < b for a, b in pairwise(values)):
        return []
    return [f"{label} = {tuple(values)!r}: must rise strictly"]


def same_length(label: str, first: Sequence[float], second: Sequence[float]) -> list[str]:
    """Return a problem if two columns of a table are empty or differ in length."""
    if len(first) == len(second) and first:
        return []
    return [f"{label}: columns have {len(first)} and {len(second)} entries; must be equal, not 0"]


def each_in(label: str, values: Sequence[float], allowed: Range) -> list[str]:
    """Return a problem if any entry of a column lies outside its range."""
    wrong = [value for value in values if not allowed.holds(value)]
    return [f"{label} = {wrong!r}: each must be {allowed}"] if wrong else []
