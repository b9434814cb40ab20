"""Somebody's cluster as an executor: the doorway to Dask.

Dask starts workers on one machine, on SLURM or PBS (dask-jobqueue) and on Kubernetes; all of them
are one address here. A worker needs the same cosim, the same policies and, for trace files beside
a scenario, the same folders. Start it with one thread: runs are computation.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from cosim.errors import UsageError

TIMEOUT = "10s"


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The workers behind a Dask scheduler.

    Args:
        address: of the scheduler, e.g. ``tcp://127.0.0.1:8786``.

    Raises:
        UsageError: Dask is not installed, or nobody answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UsageError(
            "--cluster needs `distributed`: pip install 'cosim-testbed[cluster]'"
        ) from None
    try:
        client = Client(address, timeout=TIMEOUT)
    except (OSError, ValueError, TypeError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"no Dask scheduler answers at {address}: {said}") from None
    try:
        yield client.get_executor()
    finally:
        client.close()
