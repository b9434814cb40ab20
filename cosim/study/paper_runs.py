"""Playing what the paper's figures need: policy by policy, seed by seed, kept as facts.

A run leaves a small file of facts under the fingerprint of what went into it, as the points of a
sweep do: a stop anywhere loses the runs that were under way, and figures share runs.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.errors import CosimError, RunInterrupted
from cosim.run import run
from cosim.store.atomic import read_json, sweep, write_json
from cosim.study.executors import begin_worker
from cosim.study.paper_facts import facts
from cosim.study.recipe import Recipe
from cosim.study.units import Failed, failed
from cosim.study.warm import compile_once

Facts = dict[str, Any]
Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Task:
    """One run to be made.

    Attributes:
        address: fingerprint of what goes into it, code of the facts included.
        recipe: the scenario.
        policy: the policy.
        seed: the seed.
    """

    address: str
    recipe: Recipe
    policy: str
    seed: int


class FactStore:
    """Facts of finished runs in a folder.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self) -> None:
        """Remove what a killed process left half-written."""
        if self.path.is_dir():
            sweep(self.path)

    def has(self, address: str) -> bool:
        """Whether a run has finished."""
        return self._file(address).is_file()

    def get(self, address: str) -> Facts:
        """The facts of a finished run."""
        return read_json(self._file(address))

    def put(self, address: str, found: Facts) -> None:
        """Keep the facts of a run."""
        write_json(self._file(address), found)

    def _file(self, address: str) -> Path:
        return self.path / f"{address}.json"


def play(tasks: Sequence[Task], store: FactStore, jobs: int, told: Told) -> None:
    """Make the runs that are missing.

    Args:
        tasks: all runs.
        store: where their facts are kept.
        jobs: processes side by side; facts do not depend on it.
        told: called with (runs done, of those missing).

    Raises:
        RunInterrupted: Ctrl-C; what has finished is kept.
        CosimError: the first error of a run, naming it.
    """
    missing = {task.address: task for task in tasks if not store.has(task.address)}
    done = 0
    try:
        for address, outcome in _outcomes(list(missing.values()), jobs):
            if isinstance(outcome, Failed):
                outcome.unwrap()
            else:
                store.put(address, outcome)
            done += 1
            told(done, len(missing))
    except KeyboardInterrupt:
        said = f"interrupted: {done} of {len(missing)} missing runs finished; they are kept"
        raise RunInterrupted(f"{said}: give the same command again") from None


def _outcomes(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[str, Facts | Failed]]:
    if jobs == 1 or len(tasks) < 2:
        yield from ((task.address, attempt(task)) for task in tasks)
        return
    compile_once(task.recipe for task in tasks)
    context = multiprocessing.get_context("spawn")
    workers = ProcessPoolExecutor(
        min(jobs, len(tasks)), mp_context=context, initializer=begin_worker
    )
    try:
        futures = {workers.submit(attempt, task): task.address for task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        workers.shutdown(cancel_futures=True)


def attempt(task: Task) -> Facts | Failed:
    """Make a run and take down its facts."""
    try:
        on = task.recipe.prepared()
        plan = on.plan(task.seed)
        result = run(on, policy=task.policy, seed=task.seed, plan=plan, lock="")
    except CosimError as error:
        return failed(error, f"\n(policy `{task.policy}`, seed {task.seed})")
    return facts(result, plan.info)


@dataclass(frozen=True)
class Runs:
    """Facts of the runs of a figure.

    Attributes:
        policies: the policies, the reference first.
        seeds: the seeds.
        facts: (number of the point, policy, seed) → facts.
    """

    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    facts: Mapping[tuple[int, str, int], Facts]

    def values(
        self, policy: str, read: Callable[[Facts], float | None], point: int = 0
    ) -> list[float]:
        """A number of each run of a policy at a point, in the order of the seeds; NaN: missing."""
        found = [read(self.facts[point, policy, seed]) for seed in self.seeds]
        return [float("nan") if value is None else float(value) for value in found]

    def first(self, policy: str, point: int = 0) -> Facts:
        """The facts of the first seed, which time series show."""
        return self.facts[point, policy, self.seeds[0]]


def kpi(name: str) -> Callable[[Facts], float]:
    """Reads a key figure."""
    return lambda found: float(found["kpis"][name])
