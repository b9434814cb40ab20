"""Where runs are played: in this process, on a pool of processes, or on anybody's executor.

A unit is one policy on one seed of one stage. Units share nothing, so where and in which order
they run changes no bit of their results. Stages are prepared once and sent to each worker once.

A pool starts fresh interpreters (``spawn``), so a script that compares with ``jobs`` above 1 keeps
its own work under ``if __name__ == "__main__":``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from threading import Thread
from typing import Any

from cosim.errors import CosimError, RunInterrupted
from cosim.prepare import Stage
from cosim.study.recipe import Recipe
from cosim.study.units import Done, Failed, Progress, Unit, attempt
from cosim.study.warm import compile_once

POLL_S = 0.1


def run_units(
    stages: Mapping[str, Stage | Recipe],
    units: Sequence[Unit],
    *,
    jobs: int = 1,
    progress: Progress | None = None,
    executor: Executor | None = None,
    each: Callable[[Done], None] | None = None,
) -> dict[Unit, Done]:
    """Run units and return what became of them, in their order.

    Args:
        stages: the stages by the names that units use, or how they are prepared.
        units: what to run.
        jobs: processes to run side by side; 1 runs in this one.
        progress: called with (slots done, slots in all) over all units.
        executor: runs the units instead, e.g. a Dask client's; ``jobs`` is not used then.
        each: called with what became of a unit as soon as it has ended, in this process.

    Raises:
        RunInterrupted: Ctrl-C; finished units with a folder are kept there.
        CosimError: the first error of a unit, naming it; or a worker died.
    """
    tally = _Tally(progress, [_slots(stages[unit.stage]) for unit in units])
    done: dict[int, Done] = {}
    try:
        with closing(_outcomes(stages, units, jobs, executor, tally)) as outcomes:
            for number, outcome in outcomes:
                tally.at(number, tally.slots[number])
                done[number] = outcome.unwrap() if isinstance(outcome, Failed) else outcome
                if each is not None:
                    each(done[number])
    except KeyboardInterrupt:
        raise RunInterrupted(f"interrupted: {len(done)} of {len(units)} runs finished") from None
    return {units[number]: done[number] for number in sorted(done)}


def _slots(on: Stage | Recipe) -> int:
    return on.slots if isinstance(on, Recipe) else on.window.slots


def _outcomes(
    stages: Mapping[str, Stage | Recipe],
    units: Sequence[Unit],
    jobs: int,
    executor: Executor | None,
    tally: _Tally,
) -> Generator[tuple[int, Done | Failed], None, None]:
    """Outcomes as they come."""
    if executor is not None:
        futures = {
            executor.submit(attempt, stages[unit.stage], unit): i for i, unit in enumerate(units)
        }
        yield from _gather(futures, units, lambda: None)
    elif jobs > 1 and len(units) > 1:
        compile_once(stages[unit.stage] for unit in units)
        with _pool(stages, min(jobs, len(units))) as pool:
            futures = {pool.executor.submit(_work, i, unit): i for i, unit in enumerate(units)}
            yield from _gather(futures, units, lambda: pool.report(tally))
    else:
        for i, unit in enumerate(units):
            yield i, attempt(stages[unit.stage], unit, _reporter(tally, i))


def _reporter(tally: _Tally, number: int) -> Progress:
    return lambda done, total: tally.at(number, done)


def _gather(
    futures: dict[Future[Any], int], units: Sequence[Unit], between: Callable[[], None]
) -> Iterator[tuple[int, Done | Failed]]:
    """Yield outcomes as futures end, reporting progress in between; cancel the rest on exit."""
    open_ = set(futures)
    try:
        while open_:
            ended, open_ = wait(open_, timeout=POLL_S, return_when="FIRST_COMPLETED")
            between()
            for future in sorted(ended, key=futures.__getitem__):
                yield futures[future], _outcome(future, futures, units)
    finally:
        for future in open_:
            future.cancel()


def _outcome(
    future: Future[Any], futures: dict[Future[Any], int], units: Sequence[Unit]
) -> Done | Failed:
    try:
        outcome: Done | Failed = future.result()
    except BrokenProcessPool:
        lost = [str(units[i]) for f, i in futures.items() if f.done() and f.exception()]
        raise CosimError(
            "a worker process died (killed, or out of memory); runs that were under way or "
            f"waiting: {'; '.join(lost[:4])}{' …' if len(lost) > 4 else ''}. Finished runs are "
            "kept; go on (compare: with --resume), with fewer --jobs if memory was short"
        ) from None
    except CancelledError:
        raise CosimError(
            f"the connection to the cluster was lost during {units[futures[future]]}; finished "
            "runs are kept"
        ) from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "distributed":
            raise
        unit = units[futures[future]]
        raise CosimError(
            f"the cluster lost a run ({unit}): {error}; finished runs are kept"
        ) from None
    return outcome


class _Tally:
    """Counts slots over all units."""

    def __init__(self, progress: Progress | None, slots: list[int]) -> None:
        self.progress, self.slots = progress, slots
        self._done = [0] * len(slots)

    def at(self, number: int, done: int) -> None:
        """Note how far a unit is; it never goes back."""
        self._done[number] = max(self._done[number], done)
        if self.progress is not None:
            self.progress(sum(self._done), sum(self.slots))


# --- worker processes -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Worker:
    """What a worker process holds between units."""

    stages: Mapping[str, Stage | Recipe]
    slots: Any
    stop: Any


_HERE: list[_Worker] = []


class _StopUnit(BaseException):
    """Ends a unit in a worker at the next slot edge because the study was stopped."""


def begin_worker() -> None:
    """Begin a worker process: leave Ctrl-C to the parent, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _start(stages: Mapping[str, Stage | Recipe], slots: Any, stop: Any) -> None:
    """Begin a worker process that keeps the stages."""
    begin_worker()
    _HERE[:] = [_Worker(stages, slots, stop)]


def _end_with_parent() -> None:
    """A parent that is killed stops nobody; a worker without one would wait forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(number: int, unit: Unit) -> Done | Failed:
    (here,) = _HERE

    def tell(done: int, total: int) -> None:
        here.slots.put((number, done))
        if here.stop.is_set():
            raise _StopUnit

    try:
        return attempt(here.stages[unit.stage], unit, tell)
    except _StopUnit:
        return Failed(RunInterrupted, f"stopped: {unit}", {})


@dataclass(frozen=True)
class _Pool:
    """A pool of processes and the pipe on which they tell how far they are."""

    executor: ProcessPoolExecutor
    slots: Any

    def report(self, tally: _Tally) -> None:
        """Pass on what the workers told since the last time."""
        while not self.slots.empty():
            tally.at(*self.slots.get())


@contextmanager
def _pool(stages: Mapping[str, Stage | Recipe], workers: int) -> Iterator[_Pool]:
    """A pool that stops its units at their next slot edge when it is left early."""
    context: SpawnContext = multiprocessing.get_context("spawn")
    slots, stop = context.SimpleQueue(), context.Event()
    executor = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start, initargs=(dict(stages), slots, stop)
    )
    try:
        yield _Pool(executor, slots)
    finally:
        stop.set()
        drain_until_down(executor, slots)


def drain_until_down(executor: ProcessPoolExecutor, slots: Any) -> None:
    """Shut down while emptying the pipe, so that no worker waits for a place in it."""
    ending = Thread(target=executor.shutdown, kwargs={"cancel_futures": True})
    ending.start()
    while ending.is_alive():
        while not slots.empty():
            slots.get()
        ending.join(POLL_S / 10)
    slots.close()
