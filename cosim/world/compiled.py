"""Compiling: Python functions over integer arrays become machine code once and are kept on disk.

The compiler's own cache looks at the file of the function that is called and not at the files of
the functions it calls in turn; a changed helper would go unnoticed. Hence compiled code is kept
in a folder named after the fingerprint of all kernel files. Floating point stays strict: no
reordering and no fused operations, so that decisions agree with plain Python to the last bit.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function that Python calls."""
    return _kept(function, {})


def inlined(function: F) -> F:
    """Compile a function that only compiled functions call, and put it in their place."""
    return _kept(function, {"forceinline": True})


def _kept(function: F, options: dict[str, bool]) -> F:
    config = cast("Any", numba.config)
    before, config.CACHE_DIR = config.CACHE_DIR, str(_folder())
    try:
        # kernels allocate nothing; counting references of arrays would take most of their time
        njit = cast("Any", numba.njit)
        make = njit(cache=True, error_model="numpy", _nrt=False, **options)
        return cast("F", make(function))
    finally:
        config.CACHE_DIR = before


@cache
def _folder() -> Path:
    """Where this version of the kernels is kept: beside them, or with the user's cached series."""
    here = Path(__file__).parent
    seal = blake2b(digest_size=8)
    for path in sorted([*here.glob("kernel*.py"), Path(__file__)]):
        seal.update(path.read_bytes())
    name = f"kernels-{seal.hexdigest()}"
    chosen = os.environ.get("COSIM_CACHE") or os.environ.get("XDG_CACHE_HOME")
    home = Path(chosen) if chosen else Path.home() / ".cache" / "cosim"
    places = [here / "__pycache__" / name, home / name]
    return next((place for place in places if _writable(place)), places[-1])


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
