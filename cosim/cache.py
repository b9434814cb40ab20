"""Where things that are dear to compute are kept between runs: solar series and compiled kernels.

Nothing in it is a result: the folder may be deleted at any time.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path


def cache_folder() -> Path:
    """Folder of computed series: ``$COSIM_CACHE``, or ``cosim`` in the user's cache folder."""
    chosen = os.environ.get("COSIM_CACHE")
    if chosen:
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "cosim"


@cache
def kernel_folder() -> Path:
    """Folder of this version's compiled kernels: beside their source, or with the user's cache.

    It is named after the fingerprint of all kernel files, so that a changed one is noticed.
    """
    world = Path(__file__).parent / "world"
    seal = blake2b(digest_size=8)
    physics = world.with_name("physics")
    scalars = [*physics.glob("*scalar.py"), *physics.glob("*_row.py")]
    # kernels take the places of the ledger's columns and the units from these
    shared = [world.with_name("quantities.py"), world.with_name("ledger.py")]
    for path in sorted([*world.glob("kernel*.py"), world / "compiled.py", *scalars, *shared]):
        seal.update(path.read_bytes())
    name = f"kernels-{seal.hexdigest()}"
    places = [world / "__pycache__" / name, cache_folder() / name]
    return next((place for place in places if _writable(place)), places[-1])


@contextmanager
def locked(folder: Path, *, shared: bool) -> Iterator[None]:
    """Keep other processes from writing into a folder of the cache for a moment.

    Args:
        folder: the folder; where it cannot be written, there is nobody to wait for.
        shared: whether others may read meanwhile.
    """
    try:
        import fcntl

        gate = (folder / "gate").open("a")
    except (ImportError, OSError):  # no such locks on Windows: there processes start one by one
        yield
        return
    with gate:
        fcntl.flock(gate, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


def kernels_are_compiled() -> bool:
    """Whether an earlier run has compiled this version's kernels."""
    return any(kernel_folder().rglob("*.nbc"))


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
