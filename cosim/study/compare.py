"""Policies side by side on the same jobs, weather and prices, seed by seed.

Every policy meets the same arrivals on a seed (common random numbers), so differences are taken
within seeds and most of chance drops out. The first policy is the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cosim.errors import CosimError, RunInterrupted, UsageError
from cosim.prepare import Stage
from cosim.run import RunResult, staged
from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario
from cosim.store import LoadedStudy, RunDirectory, StoredRuns, load, write_json
from cosim.store.atomic import read_json
from cosim.store.directory import traces_of
from cosim.study.bounds import bounds, with_regret
from cosim.study.executors import run_units
from cosim.study.statistics import mean_cell, paired_cell
from cosim.study.units import Progress, Unit

Cells = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Comparison:
    """Policies on the same seeds.

    Attributes:
        scenario: name of the scenario.
        seeds: the paired seeds.
        baseline: the policy that differences refer to.
        policies: names, the baseline first.
        results: (policy, seed) → run; read from the folder when asked for, where there is one.
        table: policy → KPI → ``mean``, ``ci95`` (None with one seed), ``method``.
        paired: policy → KPI → ``diff`` to the baseline, ``ci95``, ``method``, ``p_better``,
            ``significant``; the baseline itself is left out.
        digest: fingerprint over all runs.
        folder: where the study is kept, None if it is not.
        unfinished: runs of the study that were left out, because their seed is not finished.
    """

    scenario: str
    seeds: list[int]
    baseline: str
    policies: list[str]
    results: Mapping[tuple[str, int], RunResult] = field(repr=False)
    table: Cells = field(repr=False)
    paired: Cells = field(repr=False)
    digest: str
    folder: Path | None = None
    unfinished: int = 0

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain data for ``--json``; no number in it is NaN."""
        return {
            "scenario": self.scenario,
            "seeds": list(self.seeds),
            "baseline": self.baseline,
            "digest": self.digest,
            "policies": _pick(self.table, ("mean", "ci95")),
            "paired": _pick(self.paired, ("diff", "ci95")),
        }


def _pick(cells: Cells, names: Sequence[str]) -> Cells:
    return {
        policy: {kpi: {name: cell[name] for name in names} for kpi, cell in row.items()}
        for policy, row in cells.items()
    }


def compare(
    what: Loaded | Scenario | Stage,
    *,
    policies: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    energy: str | None = None,
    jobs: int = 1,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    command: str = "",
    executor: Executor | None = None,
    bound: bool = False,
) -> Comparison:
    """Compare policies on paired seeds.

    Args:
        what: a loaded YAML, a scenario or a stage.
        policies: names, the baseline first; default: those of the scenario.
        seeds: default: the scenario's.
        energy: energy layer under all of them; default: the scenario's.
        jobs: processes to run side by side; results do not depend on it.
        out: folder to keep the study in; None keeps it in memory only.
        resume: go on in ``out`` with what is not finished there.
        progress: called with (slots done, slots in all).
        command: the command line, for the manifest.
        executor: runs the units instead of ``jobs`` processes, e.g. a Dask client's.
        bound: compute the hindsight bound of every seed, and each policy's regret to it.

    Raises:
        UsageError: a policy or seed is named twice, or ``out`` holds another study.
        RunInterrupted: Ctrl-C; says how to go on.
        CosimError: the first error of a run, naming it.
    """
    on = staged(what)
    scenario = on.scenario
    names = tuple(policies or (spec.use for spec in scenario.policy.compare))
    numbers = tuple(seeds if seeds is not None else scenario.seeds)
    _check_request(names, numbers, out, resume=resume)
    layer = energy or scenario.policy.energy.use
    directory = _directory(on, out, names, numbers, layer, command, resume=resume)
    try:
        runs = _play(on, names, numbers, layer, directory, jobs, progress, executor)
    except RunInterrupted:
        raise
    except CosimError:
        if directory is not None and not resume:
            directory.discard_if_unfinished()
        raise
    limits = _bounds(on, numbers, directory) if bound else {}
    return _keep(_comparison(scenario.name, names, numbers, *runs, directory, limits))


BOUNDS = "bounds.json"


def _bounds(on: Stage, seeds: tuple[int, ...], directory: RunDirectory | None) -> dict[int, float]:
    """The bound of every seed, kept beside the runs."""
    found = bounds(on, seeds)
    if directory is not None:
        write_json(directory.path / BOUNDS, {str(seed): usd for seed, usd in found.items()})
    return found


def _directory(
    on: Stage,
    out: Path | None,
    policies: tuple[str, ...],
    seeds: tuple[int, ...],
    energy: str,
    command: str,
    *,
    resume: bool,
) -> RunDirectory | None:
    """The folder of the study, made or gone on with; None where nothing is kept."""
    if out is None:
        return None
    return (RunDirectory.resume if resume else RunDirectory.create)(
        out,
        on.scenario,
        policies=policies,
        seeds=seeds,
        energy=energy,
        traces=traces_of([record.row() for record in on.provenance]),
        base=on.base,
        command=command,
    )


def _check_request(
    policies: tuple[str, ...], seeds: tuple[int, ...], out: Path | None, *, resume: bool
) -> None:
    if not seeds:
        raise UsageError("no seed is given; a comparison needs at least one")
    for word, given in (("policy", policies), ("seed", seeds)):
        twice = [str(one) for one in dict.fromkeys(given) if given.count(one) > 1]
        if twice:
            raise UsageError(f"{word} named twice: {', '.join(twice)}")
    if resume and out is None:
        raise UsageError("nothing to resume: name the folder of the study")


Kpis = dict[tuple[str, int], Mapping[str, float]]
Digests = dict[tuple[str, int], str]


def _play(
    on: Stage,
    policies: tuple[str, ...],
    seeds: tuple[int, ...],
    energy: str,
    directory: RunDirectory | None,
    jobs: int,
    progress: Progress | None,
    executor: Executor | None,
) -> tuple[Mapping[tuple[str, int], RunResult], Kpis, Digests]:
    """Run what is not finished yet; return results, key figures and digests of all."""
    wanted = [
        Unit(p, s, energy, folder=directory.folder(p, s) if directory else None)
        for s in seeds
        for p in policies
        if directory is None or not directory.finished(p, s)
    ]
    try:
        done = run_units({"": on}, wanted, jobs=jobs, progress=progress, executor=executor)
    except RunInterrupted as stopped:
        raise _resumable(stopped, directory) from None
    finally:
        if directory is not None:
            directory.write_manifest()
    if directory is None:
        results = {(u.policy, u.seed): d.result for u, d in done.items() if d.result is not None}
        keys = [(p, s) for p in policies for s in seeds]
        return (
            {key: results[key] for key in keys},
            {key: results[key].kpis for key in keys},
            {key: results[key].digest for key in keys},
        )
    return StoredRuns(directory), *_marks(directory, policies, seeds)


def _resumable(stopped: RunInterrupted, directory: RunDirectory | None) -> RunInterrupted:
    if directory is None:
        return stopped
    where = f"finished runs are kept in {directory.path}"
    return RunInterrupted(f"{stopped}; {where}. Go on with: --resume --out {directory.path}")


def _marks(
    directory: RunDirectory, policies: Sequence[str], seeds: Sequence[int]
) -> tuple[Kpis, Digests]:
    """Key figures and digests of finished runs, from their markers alone."""
    kpis: Kpis = {}
    digests: Digests = {}
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
    return kpis, digests


def _comparison(
    scenario: str,
    policies: Sequence[str],
    seeds: Sequence[int],
    results: Mapping[tuple[str, int], RunResult],
    kpis: Kpis,
    digests: Digests,
    directory: RunDirectory | None,
    limits: Mapping[int, float],
) -> Comparison:
    names = list(kpis[policies[0], seeds[0]])
    plain = {p: {k: [kpis[p, s][k] for s in seeds] for k in names} for p in policies}
    values = with_regret(plain, seeds, limits)
    names = list(values[policies[0]])
    base = values[policies[0]]
    return Comparison(
        scenario=scenario,
        seeds=list(seeds),
        baseline=policies[0],
        policies=list(policies),
        results=results,
        table={p: {k: mean_cell(row[k]) for k in names} for p, row in values.items()},
        paired={
            p: {k: paired_cell(k, values[p][k], base[k]) for k in names} for p in policies[1:]
        },
        digest=study_digest(digests),
        folder=directory.path if directory else None,
    )


def study_digest(digests: Mapping[tuple[str, int], str]) -> str:
    """Fingerprint of a study: of its runs' digests, in the order of policy and seed."""
    seal = blake2b(digest_size=16)
    for (policy, seed), own in sorted(digests.items()):
        seal.update(f"{policy}\x1f{seed}\x1f{own}\n".encode())
    return seal.hexdigest()


def _keep(found: Comparison) -> Comparison:
    if found.folder is not None:
        write_json(found.folder / "compare.json", found.to_json())
    return found


def stored(path: str | Path, *, so_far: bool = False) -> Comparison | RunResult:
    """Read a study back: a comparison, or the run where there is one only.

    Args:
        path: its folder.
        so_far: leave out seeds that not all policies have finished, instead of refusing.

    Raises:
        UsageError: it is no study, or not finished (``so_far``: no seed is).
    """
    study: LoadedStudy = load(path)
    directory = study.directory
    policies, seeds = directory.policies, directory.seeds
    if not policies or not seeds:
        raise UsageError(f"{path} holds no run yet")
    if so_far:
        seeds = tuple(s for s in seeds if all(directory.finished(p, s) for p in policies))
        if not seeds:
            raise UsageError(f"{path}: no seed is finished under all policies yet")
    kpis, digests = _marks(directory, policies, seeds)
    if len(directory.policies) * len(directory.seeds) == 1:
        return study.runs[policies[0], seeds[0]]
    name = study.scenario.name
    file = directory.path / BOUNDS
    kept = read_json(file) if file.exists() else {}
    limits = {int(seed): float(usd) for seed, usd in kept.items()}
    found = _comparison(name, policies, seeds, study.runs, kpis, digests, directory, limits)
    left_out = len(policies) * (len(directory.seeds) - len(seeds))
    return replace(found, unfinished=left_out)
