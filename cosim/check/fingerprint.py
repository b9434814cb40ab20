"""Bit-exact descriptions of observations and decisions, by which two runs are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def fingerprint(value: Any) -> Any:
    """Describe a value so that two are equal exactly when all their bits are.

    Arrays become their shape, type and bytes, so that NaN equals NaN and 0.0 is not −0.0;
    functions are told apart by nothing, because a rule that calls back is judged by its answers.
    """
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        return (array.shape, array.dtype.str, array.tobytes())
    if is_dataclass(value) and not isinstance(value, type):
        own = tuple((f.name, fingerprint(getattr(value, f.name))) for f in fields(value))
        return (type(value).__name__, own)
    if isinstance(value, Mapping):
        return tuple((str(key), fingerprint(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(fingerprint(item) for item in value)
    if isinstance(value, float):
        return value.hex()
    return "a function" if callable(value) else value


def differing(one: Any, other: Any) -> list[str]:
    """Names of the fields in which two records of one type differ."""
    if type(one) is not type(other) or not is_dataclass(one):
        return ["type"]
    found = []
    for f in fields(one):
        mine, theirs = getattr(one, f.name), getattr(other, f.name)
        if fingerprint(mine) != fingerprint(theirs):
            deeper = differing(mine, theirs) if is_dataclass(mine) else []
            found += [f"{f.name}.{name}" for name in deeper if name != "type"] or [f.name]
    return found
