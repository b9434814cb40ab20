"""Policies side by side on the same jobs, weather and prices, seed by seed.

Every policy meets the same arrivals on a seed (common random numbers), so differences are taken
within seeds and most of chance drops out. The first policy is the baseline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from cosim.errors import CosimError, RunInterrupted, UsageError
from cosim.prepare import Stage
from cosim.run import RunResult, staged
from cosim.scenario.days import day_of
from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario
from cosim.store import LoadedStudy, RunDirectory, load, write_json
from cosim.store.atomic import read_json
from cosim.store.directory import traces_of
from cosim.study.batches import BOUNDS, Batches, marks
from cosim.study.comparison import Comparison, concluded, study_digest
from cosim.study.dated import chosen_dates, in_order, seeds_on, stages_of, whole_days
from cosim.study.fitting import Cast, cast_of
from cosim.study.looks import enough, planned
from cosim.study.provenance import cautions
from cosim.study.units import Progress
from cosim.study.until import MAX_SEEDS, Stopping, Target, looked, stopping_of

__all__ = ["Comparison", "compare", "stored", "study_digest"]

STOPPING, CAUTIONS = "stopping.json", "cautions.json"


def compare(
    what: Loaded | Scenario | Stage,
    *,
    policies: Sequence[str] | Cast | None = None,
    seeds: Sequence[int] | None = None,
    energy: str | None = None,
    days: str | None = None,
    until: Target | None = None,
    max_seeds: int = MAX_SEEDS,
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
        policies: names, the baseline first; default: those of the scenario that can act in it. A
            pair ``SCHEDULER+LAYER`` brings its energy layer along.
        seeds: default: the scenario's.
        energy: energy layer under all others; default: the scenario's.
        days: ``test``, ``train`` or ``window`` (the scenario's own); default: ``test`` where the
            scenario has ``test_days``, else ``window``.
        until: add seeds until every utility difference has an interval as narrow as this.
        max_seeds: where that ends at the latest.
        jobs: processes to run side by side; results do not depend on it.
        out: folder to keep the study in; None keeps it in memory only.
        resume: go on in ``out`` with what is not finished there.
        progress: called with (slots done, slots in all), anew for every batch of seeds.
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
    cast = policies if isinstance(policies, Cast) else cast_of(on, policies)
    names = cast.names
    numbers = tuple(seeds if seeds is not None else scenario.seeds)
    _check_request(names, numbers, out, resume=resume)
    dates = chosen_dates(scenario, days)
    stopping = _search(names, numbers, dates, until, max_seeds)
    drawn = enough(numbers, stopping.looks.counts[0]) if stopping else seeds_on(numbers, dates)
    layer = energy or scenario.policy.energy.use
    folder = _directory(on, out, names, drawn, dates, layer, command, resume=resume)
    warned = _warned(on, cast, dates, folder)
    batches = Batches(stages_of(on, dates), names, layer, folder, jobs, progress, executor)
    try:
        batches.play(drawn)
        while stopping is not None:
            stopping = looked(stopping, batches.utilities_usd(drawn), names)
            if stopping.reached or len(drawn) >= stopping.looks.counts[-1]:
                break
            drawn = enough(numbers, next(n for n in stopping.looks.counts if n > len(drawn)))
            batches.play(drawn)
    except RunInterrupted:
        raise
    except CosimError:
        if folder is not None and not resume:
            folder.discard_if_unfinished()
        raise
    limits = batches.bounds(drawn) if bound else {}
    return _keep(batches, on, drawn, limits, dates, stopping, warned)


def _search(
    policies: tuple[str, ...],
    seeds: tuple[int, ...],
    dates: tuple[date, ...],
    until: Target | None,
    max_seeds: int,
) -> Stopping | None:
    """The plan of a search for enough seeds, None if none is wanted."""
    if until is None:
        return None
    if len(policies) < 2:
        raise UsageError("one policy has no difference to narrow; name two or more")
    if dates:
        raise UsageError(
            f"more seeds do not narrow an interval over {len(dates)} days; name more test_days, "
            "or look at the scenario's own window with --days window"
        )
    return Stopping(until, planned(len(seeds), max_seeds))


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


def _directory(
    on: Stage,
    out: Path | None,
    policies: tuple[str, ...],
    seeds: tuple[int, ...],
    dates: tuple[date, ...],
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
        days=tuple(day.isoformat() for day in dates),
        energy=energy,
        traces=traces_of([record.row() for record in on.provenance]),
        base=on.base,
        command=command,
    )


def _warned(
    on: Stage, cast: Cast, dates: tuple[date, ...], folder: RunDirectory | None
) -> tuple[str, ...]:
    """What has to be known of the policies; written first: a study is looked at while it runs."""
    told = cautions([on.scenario], cast, [day.isoformat() for day in dates], on.base)
    if folder is not None:
        write_json(folder.path / CAUTIONS, {"cautions": told})
    return told


def _keep(
    batches: Batches,
    on: Stage,
    seeds: Sequence[int],
    limits: Mapping[int, float],
    dates: tuple[date, ...],
    stopping: Stopping | None,
    warned: tuple[str, ...],
) -> Comparison:
    """Draw the conclusions and write them beside the runs."""
    days = [day.isoformat() for day in dates]
    found = concluded(
        on.scenario.name,
        batches.policies,
        seeds,
        batches.played(seeds),
        limits=limits,
        days=days,
        stopping=stopping,
        folder=batches.directory.path if batches.directory else None,
        cautions=warned,
    )
    if found.folder is not None:
        if stopping is not None:
            write_json(found.folder / STOPPING, stopping.to_json())
        write_json(found.folder / "compare.json", found.to_json())
    return found


def stored(path: str | Path, *, so_far: bool = False) -> Comparison | RunResult:
    """Read a study back: a comparison, or the run where there is one only.

    Args:
        path: its folder.
        so_far: leave out seeds, or days, that not all policies have finished, instead of refusing.

    Raises:
        UsageError: it is no study, or not finished (``so_far``: no seed is).
    """
    study: LoadedStudy = load(path)
    directory = study.directory
    policies, seeds = directory.policies, in_order(directory.seeds, dated=bool(directory.days))
    if not policies or not seeds:
        raise UsageError(f"{path} holds no run yet")
    known, days = seeds, directory.days
    if so_far:
        known = tuple(s for s in seeds if all(directory.finished(p, s) for p in policies))
        if days:
            known = whole_days(known, len(seeds) // len(days))
            days = tuple(dict.fromkeys(day_of(seed).isoformat() for seed in known))
        if not known:
            part = "day" if directory.days else "seed"
            raise UsageError(f"{path}: no {part} is finished under all policies yet")
    played = marks(directory, policies, known)
    if len(policies) * len(seeds) == 1:
        return study.runs[policies[0], seeds[0]]
    search = directory.path / STOPPING
    limits, told = (_kept(directory.path / name) for name in (BOUNDS, CAUTIONS))
    found = concluded(
        study.scenario.name,
        policies,
        known,
        played,
        limits={int(seed): float(usd) for seed, usd in limits.items()},
        days=days,
        stopping=stopping_of(read_json(search)) if search.exists() else None,
        folder=directory.path,
        cautions=told.get("cautions", ()),
    )
    return replace(found, unfinished=len(policies) * (len(seeds) - len(known)))


def _kept(path: Path) -> dict[str, Any]:
    """What was written beside the runs; empty where nothing was."""
    return read_json(path) if path.exists() else {}
