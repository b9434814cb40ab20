"""Compiling: Python functions over integer arrays become machine code once and are kept on disk.

The compiler's own cache looks at the file of the function that is called and not at the files of
the functions it calls in turn; a changed helper would go unnoticed. Hence compiled code is kept
in a folder named after the fingerprint of all kernel files (:mod:`cosim.cache`). Floating point
stays strict: no reordering and no fused operations, so that decisions agree with plain Python to
the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from cosim.cache import kernel_folder

F = TypeVar("F", bound=Callable[..., Any])


_DOORLESS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: F) -> F:
    """Compile a function that Python calls."""
    return _kept(function, {})


def piece(function: F) -> F:
    """Compile a function that only compiled functions call, and leave it where it is.

    It takes the table of addresses, not the arrays: to hand over a few hundred words at every
    call would take longer than most pieces run.
    """
    return _kept(function, _DOORLESS)


def inlined(function: F) -> F:
    """Compile a function that only compiled functions call, and put it in their place.

    It needs no door for Python or C; to build doors for dozens of arrays takes half of the time.
    """
    return _kept(function, {"forceinline": True, **_DOORLESS})


def _kept(function: F, options: dict[str, bool]) -> F:
    config = cast("Any", numba.config)
    before, config.CACHE_DIR = config.CACHE_DIR, str(kernel_folder())
    try:
        # kernels allocate nothing; counting references of arrays would take most of their time
        njit = cast("Any", numba.njit)
        make = njit(cache=True, error_model="numpy", _nrt=False, **options)
        return cast("F", make(function))
    finally:
        config.CACHE_DIR = before
