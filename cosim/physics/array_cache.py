"""One array per file: results that are dear to compute and cheap to keep.

A cache is a convenience. A file that is missing, damaged or cannot be one of ours is computed
anew, a file appears under its name only when it is complete, and a full disk stops nobody.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9


def read_array(path: Path, count: int, low: float, high: float) -> NDArray[np.float64] | None:
    """Return the kept array, or None if it is absent or cannot be what was kept.

    Args:
        path: a ``.npy`` file; read as data, never unpickled.
        count: entries it must have.
        low: smallest value it can hold.
        high: largest value it can hold, up to rounding.
    """
    try:
        kept = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if not isinstance(kept, np.ndarray) or kept.shape != (count,) or kept.dtype != np.float64:
        return None
    slack = _ROUNDING * max(abs(low), abs(high))
    sane = bool(np.all((kept >= low - slack) & (kept <= high + slack)))
    return kept if sane else None


def write_array(path: Path, values: NDArray[np.float64]) -> None:
    """Keep an array, if the disk allows: written beside, then renamed in one go."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
            unfinished = Path(part.name)
            try:
                np.save(part, values, allow_pickle=False)
                part.flush()
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
