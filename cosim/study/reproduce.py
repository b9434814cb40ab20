"""Running a finished study again from what it carries, and saying whether it comes out the same.

A report and a run folder both carry a lock: the frozen scenario, policies, seeds, versions, hashes
of traces, digests and key figures. What could explain a difference (versions, traces) is checked
first and told; the verdict rests on the digests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import isclose, isnan
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.metrics import UNSTABLE
from cosim.prepare import Stage, stage
from cosim.run import versions
from cosim.store import load, scenario_from_text
from cosim.store.directory import traces_of
from cosim.study.dated import stage_name, stages_of
from cosim.study.executors import run_units
from cosim.study.units import Done, Progress, Unit

SHOWN_MAX = 6


@dataclass(frozen=True)
class ReproduceResult:
    """What came of running a study again.

    Attributes:
        matches: whether all digests are the same.
        lines: what was compared and what differs, for people.
    """

    matches: bool
    lines: list[str]


def lock_of(folder: Path) -> dict[str, Any]:
    """The lock of a run folder, in the form in which a report carries it.

    Raises:
        UsageError: it is no run folder, or holds no finished run.
    """
    study = load(folder)
    directory = study.directory
    marks = {key: directory.mark(*key) or {} for key in study.runs}
    if not marks:
        raise UsageError(f"{folder} holds no finished run; go on with --resume")
    return {
        "scenario_yaml": directory.scenario_yaml,
        "policies": list(dict.fromkeys(policy for policy, _ in marks)),
        "energy": {policy: mark["energy"] for (policy, _), mark in marks.items()},
        "seeds": list(dict.fromkeys(seed for _, seed in marks)),
        "days": list(directory.days),
        "versions": dict(directory.versions),
        "traces": dict(directory.traces),
        "digests": _nested({key: mark["digest"] for key, mark in marks.items()}),
        "kpis": _nested({key: mark["kpis"] for key, mark in marks.items()}),
    }


def _nested(values: Mapping[tuple[str, int], Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for (policy, seed), value in values.items():
        found.setdefault(policy, {})[str(seed)] = value
    return found


def reproduce(
    source: Mapping[str, Any] | Path,
    *,
    base: Path | None = None,
    jobs: int = 1,
    progress: Progress | None = None,
) -> ReproduceResult:
    """Run a finished study again and compare.

    Args:
        source: the folder of a study, or the lock that a report carries
            (``cosim.report.lock.read_lock``).
        base: folder in which traces beside the scenario are found; default: the study's own.
        jobs: processes to run side by side.
        progress: called with (slots done, slots in all).

    Raises:
        UsageError: the folder holds no finished run.
        ScenarioError: the frozen scenario was damaged.
        TraceError: a trace of the user's own is not beside it.
    """
    lock = source if isinstance(source, Mapping) else lock_of(source)
    folder = source if base is None and isinstance(source, Path) else base
    scenario = scenario_from_text(lock["scenario_yaml"], "the frozen scenario")
    days = tuple(date.fromisoformat(text) for text in lock.get("days") or ())
    stages = stages_of(stage(scenario, base=folder), days)
    explained = [*_version_lines(lock), *_trace_lines(lock, next(iter(stages.values())))]
    units = list(_units(lock))
    if not units:
        raise UsageError("there is no finished run to reproduce")
    done = run_units(stages, units, jobs=jobs, progress=progress)
    differing = [line for unit in units for line in _compared(lock, unit, done[unit])]
    same = len(units) - len(differing)
    verdict = f"{same} of {len(units)} runs give the same digest"
    return ReproduceResult(not differing, [*explained, *differing, verdict])


def _units(lock: Mapping[str, Any]) -> Iterator[Unit]:
    energy, dated = lock.get("energy") or {}, bool(lock.get("days"))
    for policy in lock["policies"]:
        for seed in lock["seeds"]:
            if str(seed) in lock["digests"].get(policy, {}):
                yield Unit(policy, seed, energy.get(policy), stage=stage_name(seed, dated=dated))


def _version_lines(lock: Mapping[str, Any]) -> Iterator[str]:
    here = versions()
    for name, then in lock["versions"].items():
        if here.get(name, "absent") != then:
            yield f"version of {name}: {then} then, {here.get(name, 'absent')} now"


def _trace_lines(lock: Mapping[str, Any], on: Stage) -> Iterator[str]:
    here = traces_of([record.row() for record in on.provenance])
    for ref, then in lock["traces"].items():
        if here.get(ref) != then:
            now = here.get(ref, "not used")
            yield f"trace {ref}: SHA-256 {then[:12]}… then, {now[:12]}… now"


def _compared(lock: Mapping[str, Any], unit: Unit, done: Done) -> list[str]:
    """One line that names what differs in a run, none if its digest is the same."""
    then = lock["digests"][unit.policy][str(unit.seed)]
    if done.digest == then:
        return []
    before = lock["kpis"].get(unit.policy, {}).get(str(unit.seed), {})
    moved = [
        f"{kpi} {value!r} → {done.kpis[kpi]!r}"
        for kpi, value in before.items()
        if kpi in done.kpis and kpi not in UNSTABLE and not _same(value, done.kpis[kpi])
    ]
    rest = f" and {len(moved) - SHOWN_MAX} more" if len(moved) > SHOWN_MAX else ""
    shown = "; ".join(moved[:SHOWN_MAX]) or "no key figure differs"
    where = f"{unit.policy}, seed {unit.seed}"
    return [f"{where}: digest {then[:12]}… then, {done.digest[:12]}… now: {shown}{rest}"]


def _same(then: float | None, now: float) -> bool:
    if then is None:
        return isnan(now)
    return isclose(then, now, rel_tol=1e-9, abs_tol=1e-12)
