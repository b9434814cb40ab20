"""A finished study, read back for analysis: frames for pandas, runs for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.run import RunResult
from cosim.scenario.model import Scenario
from cosim.scenario.pools import pool_sites
from cosim.store.directory import RunDirectory

if TYPE_CHECKING:
    import pandas as pd

Key = tuple[str, int]
KEPT_BYTES = 2 * 1024**3
"""As much of a study is held at once. A report reads all of its runs a dozen times over, so what
was read first is kept and the rest read anew: forgetting the oldest would forget everything."""


class StoredRuns(Mapping[Key, RunResult]):
    """The finished runs of a folder by (policy, seed), read when they are asked for."""

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self._held: dict[Key, RunResult] = {}
        self._left_bytes = KEPT_BYTES

    def __getitem__(self, key: Key) -> RunResult:
        if key in self._held:
            return self._held[key]
        if key not in self:
            raise KeyError(key)
        found = self.directory.load(*key)
        size = size_bytes(found)
        if size <= self._left_bytes:
            self._held[key], self._left_bytes = found, self._left_bytes - size
        return found

    def __contains__(self, key: object) -> bool:
        known = self.directory
        match key:
            case (str(policy), int(seed)):
                listed = policy in known.policies and seed in known.seeds
                return listed and known.finished(policy, seed)
        return False

    def __iter__(self) -> Iterator[Key]:
        known = self.directory
        return (
            (policy, seed)
            for policy in known.policies
            for seed in known.seeds
            if known.finished(policy, seed)
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)


def size_bytes(run: RunResult) -> int:
    """Memory that the arrays of a run take."""
    jobs = [getattr(run.jobs, each.name) for each in fields(run.jobs)]
    arrays = [*jobs, *run.ledger.data.values(), *run.bins.values()]
    return sum(array.nbytes for array in arrays)


class LoadedStudy:
    """A study on disk; its frames have the columns ``policy`` and ``seed`` in front.

    Attributes:
        directory: the folder and its manifest.
        runs: (policy, seed) → run, read when asked for.
    """

    def __init__(self, directory: RunDirectory) -> None:
        self.directory = directory
        self.runs = StoredRuns(directory)

    @property
    def scenario(self) -> Scenario:
        """The scenario of all runs."""
        return self.directory.scenario

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites and their pools; ``home`` and ``site`` of a job are places in it."""
        return tuple(pool_sites(self.scenario))

    @cached_property
    def kpis(self) -> pd.DataFrame:
        """Key figures: one row per run, one column per name of the nomenclature."""
        import pandas as pd

        marks = [self.directory.mark(policy, seed) or {} for policy, seed in self.runs]
        rows = [{"policy": m["policy"], "seed": m["seed"], **m["kpis"]} for m in marks]
        return pd.DataFrame(rows)

    @cached_property
    def ledger(self) -> pd.DataFrame:
        """Energy, money and state: one row per run, slot and site."""
        return self._frame(lambda run: _long("slot", run.ledger.sites, run.ledger.data))

    @cached_property
    def bins(self) -> pd.DataFrame:
        """Power per meter bin: one row per run, bin and site."""
        return self._frame(lambda run: _long("bin", run.ledger.sites, run.bins))

    @cached_property
    def jobs(self) -> pd.DataFrame:
        """The fate of every job: one row per run and job."""
        return self._frame(lambda run: run.jobs.frame().rename_axis("job").reset_index())

    def _frame(self, of: Callable[[RunResult], pd.DataFrame]) -> pd.DataFrame:
        import pandas as pd

        parts = []
        for (policy, seed), run in self.runs.items():
            part = of(run)
            part.insert(0, "policy", policy)
            part.insert(1, "seed", seed)
            parts.append(part)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _long(row: str, sites: tuple[str, ...], data: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    from cosim.store.tables import long_columns

    return pd.DataFrame(long_columns(row, sites, data))


def load(path: str | Path) -> LoadedStudy:
    """Read the folder of a study.

    Args:
        path: a folder that ``cosim run`` or ``cosim compare`` made.

    Returns:
        The study: ``.kpis``, ``.ledger``, ``.jobs`` and ``.bins`` are pandas frames, ``.runs`` the
        runs themselves.

    Raises:
        UsageError: it is no such folder.
    """
    return LoadedStudy(RunDirectory.open(Path(path)))
