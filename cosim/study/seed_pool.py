"""Seeds that are trained one after the other here, or side by side in processes.

Trainings share nothing, so where and in which order they go on changes no bit of what they leave.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import SpawnContext
from typing import Any, TypeVar

from cosim.errors import CosimError
from cosim.study.executors import POLL_S, begin_worker, drain_until_down
from cosim.study.units import Failed, failed

Row = Mapping[str, Any]
Told = Callable[[int, int, Row], None]
Found = TypeVar("Found")
Order = Callable[[int, Told], Found]


@dataclass
class _Tally:
    """Counts episodes over all seeds."""

    told: Told
    episodes: int
    done: dict[int, int] = field(default_factory=dict)

    def at(self, seed: int, done: int, row: Row) -> None:
        """Note how far a seed is."""
        self.done[seed] = done
        total = self.episodes * len(self.done)
        self.told(sum(self.done.values()), total, {"seed": seed, **row})

    def ended(self, seed: int) -> None:
        """Note that a seed has ended, perhaps before its last episode, or long ago."""
        self.done[seed] = self.episodes


def side_by_side(
    order: Order[Found], seeds: Sequence[int], episodes: int, *, jobs: int, told: Told
) -> dict[int, Found]:
    """Train every seed.

    Args:
        order: trains a seed and tells of every episode; with ``jobs`` above 1 it is sent to
            processes.
        seeds: the seeds.
        episodes: episodes of each.
        jobs: processes; 1 trains in this one.
        told: called after every episode with (done, of) over all seeds, and its row.

    Returns:
        What the order gave, by seed.

    Raises:
        CosimError: a training's own, naming its seed; or a process died.
    """
    tally = _Tally(told, episodes, dict.fromkeys(seeds, 0))
    if jobs > 1 and len(seeds) > 1:
        return _apart(order, seeds, min(jobs, len(seeds)), tally)
    found = {}
    for seed in seeds:
        found[seed] = order(seed, _teller(tally, seed))
        tally.ended(seed)
    return found


def _teller(tally: _Tally, seed: int) -> Told:
    return lambda done, total, row: tally.at(seed, done, row)


# --- in processes ---------------------------------------------------------------------------


class _StopTraining(BaseException):
    """Ends a training after an episode, because the others were stopped."""


@dataclass(frozen=True)
class _Worker:
    """How a process speaks with the one that began it."""

    told: Any
    stop: Any


_HERE: list[_Worker] = []


def _start(told: Any, stop: Any) -> None:
    begin_worker()
    _HERE[:] = [_Worker(told, stop)]


def _work(order: Order[Found], seed: int) -> Found | Failed | None:
    (here,) = _HERE

    def tell(done: int, total: int, row: Row) -> None:
        here.told.put((seed, done, dict(row)))
        if here.stop.is_set():
            raise _StopTraining

    try:
        return order(seed, tell)
    except _StopTraining:
        return None
    except CosimError as error:
        return failed(error, f"\n(in the training of seed {seed})")


def _apart(
    order: Order[Found], seeds: Sequence[int], workers: int, tally: _Tally
) -> dict[int, Found]:
    with _pool(workers) as (executor, pipe):
        futures = {executor.submit(_work, order, seed): seed for seed in seeds}
        found: dict[int, Found] = {}
        for future in _ended(futures, pipe, tally):
            seed = futures[future]
            outcome = _outcome(future, seed)
            if isinstance(outcome, Failed):
                outcome.unwrap()
            found[seed] = outcome
            tally.ended(seed)
    return found


def _ended(futures: Mapping[Future[Any], int], pipe: Any, tally: _Tally) -> Iterator[Future[Any]]:
    """Futures as they end; passes on what the processes tell meanwhile."""
    open_ = set(futures)
    while open_:
        ended, open_ = wait(open_, timeout=POLL_S, return_when="FIRST_COMPLETED")
        while not pipe.empty():
            tally.at(*pipe.get())
        yield from sorted(ended, key=futures.__getitem__)


def _outcome(future: Future[Any], seed: int) -> Any:
    try:
        return future.result()
    except BrokenProcessPool:
        raise CosimError(
            f"a process died (killed, or out of memory) while seed {seed} was trained; finished "
            "episodes are kept: go on with --resume, with fewer --jobs if memory was short"
        ) from None


@contextmanager
def _pool(workers: int) -> Iterator[tuple[ProcessPoolExecutor, Any]]:
    """Processes and the pipe on which they tell; left early, they stop after their episode."""
    context: SpawnContext = multiprocessing.get_context("spawn")
    pipe, stop = context.SimpleQueue(), context.Event()
    executor = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start, initargs=(pipe, stop)
    )
    try:
        yield executor, pipe
    finally:
        stop.set()
        drain_until_down(executor, pipe)
