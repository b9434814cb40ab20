"""Physics that must run inside the compiled meter loop: plain functions of numbers.

A function marked ``scalar`` is ordinary Python when Python calls it and is compiled into the
kernel that calls it there, so each equation stands in the source once. Such functions take floats
and rows of parameters (float64 arrays), return floats or tuples of floats, and call ``math`` and
each other only. They stand in modules named ``*_scalar``, which import the compiler (import them
where they are needed) and belong to the fingerprint under which compiled kernels are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba.extending import register_jitable

F = TypeVar("F", bound=Callable[..., Any])


def scalar(function: F) -> F:
    """Mark a function of numbers for use in compiled code; what Python calls is unchanged."""
    marked: F = register_jitable(error_model="numpy")(function)
    return marked
