"""Running a sweep: what is missing, here, on a pool of processes or on a cluster.

Every run is kept as soon as it has ended, under a fingerprint of what went into it. A sweep that
was stopped anywhere, by Ctrl-C or by a power cut, goes on when the same command is given again;
one that has grown runs only what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any

from cosim.errors import RunInterrupted, UsageError
from cosim.run import versions
from cosim.scenario.lock import lock_text
from cosim.store.atomic import write_json, write_text
from cosim.store.points import Mark, PointStore
from cosim.study.addresses import Addresses
from cosim.study.code import code_seal
from cosim.study.executors import run_units
from cosim.study.plan import Plan
from cosim.study.sweep_results import FORMAT, MANIFEST, Sweep, load_sweep
from cosim.study.units import Done, Progress, Unit

LOCK = "scenario.lock.yaml"
Run = tuple[int, str, int]
"""Number of the point, policy, seed."""


def addresses(plan: Plan) -> dict[Run, str]:
    """The fingerprint of every run of a sweep."""
    known, stages = Addresses(), plan.stages()
    return {
        (number, policy, seed): address
        for number in range(len(plan.points))
        for policy in plan.policies
        for stage, seeds in groupby(plan.seeds, partial(plan.stage_of, number))
        for seed, address in known.of(stages[stage], policy, list(seeds)).items()
    }


def folder_of(plan: Plan, named: Mapping[Run, str], root: Path = Path("runs")) -> Path:
    """The folder in which a sweep is kept by default: the same for the same sweep."""
    seal = blake2b(digest_size=4)
    for (number, policy, seed), address in named.items():
        seal.update(f"{plan.points[number].label}\x1f{policy}\x1f{seed}\x1f{address}\n".encode())
    return root / f"{plan.kind}-{plan.name}-{seal.hexdigest()}"


def begin(plan: Plan, named: Mapping[Run, str], out: Path, command: str = "") -> Sweep:
    """Write down what a sweep is; return it with what has been finished before.

    Args:
        plan: the sweep.
        named: the fingerprints of its runs.
        out: its folder; finished runs of an earlier sweep there are used.
        command: the command line, for the manifest.

    Raises:
        UsageError: the folder holds something else.
    """
    _check_folder(out)
    PointStore(out).begin()
    write_json(out / MANIFEST, _manifest(plan, named, command))
    write_text(out / LOCK, lock_text(plan.scenario))
    return load_sweep(out)


def sweep(
    plan: Plan,
    out: Path,
    *,
    named: Mapping[Run, str] | None = None,
    jobs: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Sweep:
    """Run what is missing of a sweep.

    Args:
        plan: the sweep.
        out: its folder.
        named: the fingerprints of its runs, where they are known.
        jobs: processes to run side by side; results do not depend on it.
        executor: runs instead of ``jobs`` processes, e.g. a Dask client's.
        progress: called with (slots done, slots in all) of what is missing.
        command: the command line, for the manifest.

    Raises:
        UsageError: the folder holds something else.
        RunInterrupted: Ctrl-C; says how to go on.
        CosimError: the first error of a run, naming it; what has finished is kept.
    """
    known = addresses(plan) if named is None else named
    found = begin(plan, known, out, command)
    if found.finished < found.total:
        _run(plan, known, PointStore(out), jobs, executor, progress)
    return load_sweep(out).write()


def _run(
    plan: Plan,
    named: Mapping[Run, str],
    store: PointStore,
    jobs: int,
    executor: Executor | None,
    progress: Progress | None,
) -> None:
    missing: dict[str, Unit] = {}
    for (number, policy, seed), address in named.items():
        if store.get(address) is None:
            stage = plan.stage_of(number, seed)
            missing.setdefault(address, Unit(policy, seed, stage=stage, keep=False))
    home = {unit: address for address, unit in missing.items()}

    def keep(done: Done) -> None:
        unit, mark = done.unit, Mark(done.digest, done.kpis, done.wall_s, done.cpu_s)
        told = {"point": plan.points[int(unit.stage.split()[0])].label}
        store.put(home[unit], mark, **told, policy=unit.policy, seed=unit.seed)

    stages = plan.stages()
    turns = {name: turn for turn, name in enumerate(stages)}
    try:
        run_units(
            stages,
            sorted(missing.values(), key=lambda unit: turns[unit.stage]),
            jobs=jobs,
            progress=progress,
            executor=executor,
            each=keep,
        )
    except RunInterrupted as stopped:
        raise RunInterrupted(f"{stopped}; they are kept: give the same command again") from None


def _check_folder(out: Path) -> None:
    if out.is_dir() and not (out / MANIFEST).is_file():
        if any(not path.name.startswith(".") for path in out.iterdir()):
            raise UsageError(f"{out} is not empty and holds no sweep; name another folder")
    elif out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder")


def _manifest(plan: Plan, named: Mapping[Run, str], command: str) -> dict[str, Any]:
    points = [
        {
            "label": point.label,
            "variant": point.variant,
            "base": point.base,
            "settings": dict(point.settings),
            "values": dict(point.values),
            "runs": {
                policy: {str(seed): named[number, policy, seed] for seed in plan.seeds}
                for policy in plan.policies
            },
        }
        for number, point in enumerate(plan.points)
    ]
    return {
        "format": FORMAT,
        "kind": plan.kind,
        "name": plan.name,
        "about": plan.about,
        "design": plan.design,
        "energy": plan.scenario.policy.energy.use,
        "policies": list(plan.policies),
        "seeds": list(plan.seeds),
        "days": [day.isoformat() for day in plan.days],
        "axes": [axis.to_json() for axis in plan.axes],
        "variants": dict(plan.variants),
        "notes": list(plan.notes),
        "cautions": list(plan.cautions),
        "points": points,
        "code": code_seal(),
        "versions": versions(),
        "command": command,
        "created_utc": datetime.now(UTC).isoformat(),
    }
