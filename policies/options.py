"""Checks of the options a user gives a policy: each returns the value or says what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence


def number(name: str, value: object, low: float, high: float = math.inf) -> float:
    """Return a finite number in [low, high].

    Raises:
        ValueError: it is no such number; the message names the option and its range.
    """
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not math.isfinite(float(value)) or not low <= float(value) <= high:  # type: ignore[arg-type]
        limit = f"from {low:g} to {high:g}" if math.isfinite(high) else f"of at least {low:g}"
        raise ValueError(f"option `{name}` is {value!r}; it must be a number {limit}")
    return float(value)  # type: ignore[arg-type]


def whole(name: str, value: object, low: int) -> int:
    """Return a whole number of at least ``low``.

    Raises:
        ValueError: it is no such number.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise ValueError(f"option `{name}` is {value!r}; it must be a whole number from {low} on")
    return value


def choice(name: str, value: object, allowed: Sequence[str]) -> str:
    """Return one of the allowed words.

    Raises:
        ValueError: it is another word; the message lists the allowed ones.
    """
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"option `{name}` is {value!r}; it must be one of: {', '.join(allowed)}")
    return value


def truth(name: str, value: object) -> bool:
    """Return true or false.

    Raises:
        ValueError: it is neither.
    """
    if value is not True and value is not False:
        raise ValueError(f"option `{name}` is {value!r}; it must be true or false")
    return value
