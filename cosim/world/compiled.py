"""Compiling: Python functions over integer arrays become machine code once and are kept on disk.

The compiler's own cache looks at the file of the function that is called and not at the files of
the functions it calls in turn; a changed helper would go unnoticed. Hence compiled code is kept
in a folder named after the fingerprint of all kernel files (:mod:`cosim.cache`). Floating point
stays strict: no reordering and no fused operations, so that decisions agree with plain Python to
the last bit.

Processes that compile the same function for different types at the same time would give both
results one file name, and a later process would load code for the wrong types; so they take turns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from inspect import get_annotations
from typing import Any, TypeVar, cast

import llvmlite.binding
import numba
from numba.core import types

from cosim.cache import kernel_folder, locked

F = TypeVar("F", bound=Callable[..., Any])

_WORDS = {"int": types.int64, "float": types.float64, "bool": types.boolean, "None": types.void}
_OPTIONS = {"cache": True, "error_model": "numpy", "_nrt": False}
_pieces: list[tuple[str, Any, Callable[..., Any]]] = []
_linked: list[Any] = []  # the machine code of a piece lives as long as its object
_njit, _cfunc = cast("Any", numba.njit), cast("Any", numba.cfunc)  # their types are unwieldy
_DOORLESS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: F) -> F:
    """Compile a function that Python calls."""
    return cast("F", _kept(function, _njit(**_OPTIONS)))


def piece(function: F) -> F:
    """Compile a function that only compiled functions call, once and by itself.

    The compiler takes whatever a function calls into it, and optimises it there again; of pieces
    it sees the name alone, as the linker does. A piece takes and returns plain numbers; the first
    is mostly the address of the table of arrays (:mod:`cosim.world.kernel_memory`).
    """
    hints = get_annotations(function)
    returned = _WORDS[hints.pop("return")]
    signature = returned(*(_WORDS[hint] for hint in hints.values()))
    symbol = f"{function.__module__}.{function.__qualname__}"
    _pieces.append((symbol, signature, function))
    return cast("F", types.ExternalFunction(symbol, signature))


@cache
def link_pieces() -> None:
    """Compile all pieces or load them from disk; needed before compiled code is called."""
    while _pieces:  # callees are defined before callers
        symbol, signature, function = _pieces.pop(0)
        made = _kept(function, _cfunc(signature, **_OPTIONS))
        _linked.append(made)
        llvmlite.binding.add_symbol(symbol, made.address)


def inlined(function: F) -> F:
    """Compile a function that only compiled functions call, and put it in their place.

    It needs no door for Python or C; to build doors for dozens of arrays takes half of the time.
    """
    make = _njit(forceinline=True, **_DOORLESS, **_OPTIONS)
    return cast("F", _kept(function, make))


def _kept(function: Callable[..., Any], make: Callable[[Any], Any]) -> Any:
    """Make compiled code of a function, in our own folder on disk."""
    config = cast("Any", numba.config)
    before, config.CACHE_DIR = config.CACHE_DIR, str(kernel_folder())
    try:
        made = make(function)
    finally:
        config.CACHE_DIR = before
    made._cache._cache_file = _InTurn(made._cache._cache_file)
    return made


@dataclass(frozen=True)
class _InTurn:
    """The compiler's files of one function, read and written while nobody else writes."""

    file: Any

    def load(self, key: Any) -> Any:
        """Read the code for some types; None where there is none."""
        with locked(kernel_folder(), shared=True):
            return self.file.load(key)

    def save(self, key: Any, data: Any) -> None:
        """Write the code for some types."""
        with locked(kernel_folder(), shared=False):
            self.file.save(key, data)

    def flush(self) -> None:
        """Forget all that was written."""
        with locked(kernel_folder(), shared=False):
            self.file.flush()
