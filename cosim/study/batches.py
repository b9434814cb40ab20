"""The runs of a comparison as they come: batch after batch, kept in a folder or in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from cosim.errors import RunInterrupted, UsageError
from cosim.prepare import Stage
from cosim.run import RunResult
from cosim.store import RunDirectory, StoredRuns, write_json
from cosim.study.bounds import bounds
from cosim.study.comparison import Key, Played
from cosim.study.dated import stage_name
from cosim.study.executors import run_units
from cosim.study.units import Progress, Unit
from cosim.study.verdict import MAIN

BOUNDS = "bounds.json"


@dataclass
class Batches:
    """The runs of a comparison, played batch after batch, and what came of them.

    Attributes:
        stages: stages by the name of their date.
        policies: names, the baseline first.
        energy: energy layer of policies that bring none.
        directory: folder of the study, None if it is kept in memory only.
        jobs: processes to run side by side.
        progress: called with (slots done, slots in all) of a batch.
        executor: runs the units instead of processes of its own.
        results: (policy, seed) → run, where there is no folder.
    """

    stages: Mapping[str, Stage]
    policies: tuple[str, ...]
    energy: str
    directory: RunDirectory | None
    jobs: int
    progress: Progress | None
    executor: Executor | None
    results: dict[Key, RunResult] = field(default_factory=dict)

    @property
    def dated(self) -> bool:
        """Whether seeds hold dates."""
        return "" not in self.stages

    def play(self, seeds: Sequence[int]) -> None:
        """Run what is not finished yet."""
        directory = self.directory
        if directory is not None:
            directory.add_seeds(seeds)
        wanted = [self._unit(p, s) for s in seeds for p in self.policies if not self._done(p, s)]
        try:
            done = run_units(
                self.stages,
                wanted,
                jobs=self.jobs,
                progress=self.progress,
                executor=self.executor,
            )
        except RunInterrupted as stopped:
            raise _resumable(stopped, directory) from None
        finally:
            if directory is not None:
                directory.write_manifest()
        self.results |= {(u.policy, u.seed): d.result for u, d in done.items() if d.result}

    def _unit(self, policy: str, seed: int) -> Unit:
        folder = self.directory.folder(policy, seed) if self.directory else None
        return Unit(policy, seed, self.energy, stage_name(seed, dated=self.dated), folder)

    def _done(self, policy: str, seed: int) -> bool:
        if self.directory is not None:
            return self.directory.finished(policy, seed)
        return (policy, seed) in self.results

    def played(self, seeds: Sequence[int]) -> Played:
        """The runs of these seeds."""
        if self.directory is not None:
            return marks(self.directory, self.policies, seeds)
        chosen = {(p, s): self.results[p, s] for p in self.policies for s in seeds}
        kpis = {key: result.kpis for key, result in chosen.items()}
        return Played(chosen, kpis, {key: result.digest for key, result in chosen.items()})

    def utilities_usd(self, seeds: Sequence[int]) -> list[list[float]]:
        """Utility per policy and seed."""
        kpis = self.played(seeds).kpis
        return [[kpis[p, s][MAIN] for s in seeds] for p in self.policies]

    def bounds(self, seeds: Sequence[int]) -> dict[int, float]:
        """The bound of every seed, kept beside the runs."""
        found: dict[int, float] = {}
        for seed in seeds:
            found |= bounds(self.stages[stage_name(seed, dated=self.dated)], (seed,))
        if self.directory is not None:
            kept = {str(seed): usd for seed, usd in found.items()}
            write_json(self.directory.path / BOUNDS, kept)
        return found


def _resumable(stopped: RunInterrupted, directory: RunDirectory | None) -> RunInterrupted:
    if directory is None:
        return stopped
    where = f"finished runs are kept in {directory.path}"
    return RunInterrupted(f"{stopped}; {where}. Go on with: --resume --out {directory.path}")


def marks(directory: RunDirectory, policies: Sequence[str], seeds: Sequence[int]) -> Played:
    """Key figures and digests of finished runs, from their markers alone."""
    kpis: dict[Key, Mapping[str, float]] = {}
    digests: dict[Key, str] = {}
    for key in [(p, s) for p in policies for s in seeds]:
        mark = directory.mark(*key)
        if mark is None:
            raise UsageError(
                f"{directory.path}: policy `{key[0]}`, seed {key[1]} is not finished; "
                "go on with --resume"
            )
        nan = float("nan")
        kpis[key] = {k: nan if v is None else float(v) for k, v in mark["kpis"].items()}
        digests[key] = str(mark["digest"])
    return Played(StoredRuns(directory), kpis, digests)
