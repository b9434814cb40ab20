"""One finished run in its folder: three tables, what was noted, and the marker that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.run import RunResult, digest
from cosim.scenario import locate, shape
from cosim.scenario.model import Scenario
from cosim.store import tables
from cosim.store.atomic import read_json, sweep, write_json

MARKER = "kpis.json"
NOTES = "run.json"
TABLES = ("ledger.parquet", "jobs.parquet", "bins.parquet")
_NOTED = ("clips", "provenance", "warnings", "versions")


def save_run(folder: Path, result: RunResult) -> None:
    """Write a run; it counts as finished when the last of its files, the marker, is in place."""
    marker = folder / MARKER
    marker.unlink(missing_ok=True)
    if folder.is_dir():
        sweep(folder)
    tables.write_ledger(folder / "ledger.parquet", result.ledger)
    tables.write_jobs(folder / "jobs.parquet", result.jobs)
    tables.write_bins(folder / "bins.parquet", result.bins, result.ledger.sites)
    write_json(folder / NOTES, {name: getattr(result, name) for name in _NOTED})
    write_json(marker, _mark(result))


def _mark(result: RunResult) -> dict[str, Any]:
    return {
        "policy": result.policy,
        "energy": result.energy,
        "seed": result.seed,
        "digest": result.digest,
        "wall_s": result.wall_s,
        "cpu_s": result.cpu_s,
        "kpis": dict(result.kpis),
    }


def marker(folder: Path) -> dict[str, Any] | None:
    """Return what the marker of a finished run says, None where the run is not finished."""
    if not all((folder / name).is_file() for name in (*TABLES, NOTES, MARKER)):
        return None
    return read_json(folder / MARKER)


def load_run(folder: Path, scenario: Scenario, scenario_yaml: str) -> RunResult:
    """Read a finished run back; it equals the one that was saved.

    Raises:
        UsageError: it is not finished, or its files no longer give its digest.
    """
    mark = marker(folder)
    if mark is None:
        raise UsageError(f"{folder} holds no finished run; go on with --resume")
    ledger = tables.read_ledger(folder / "ledger.parquet")
    jobs = tables.read_jobs(folder / "jobs.parquet")
    if digest(ledger, jobs) != mark["digest"]:
        raise UsageError(f"{folder} was changed after it was written: its digest differs")
    notes = read_json(folder / NOTES)
    return RunResult(
        scenario=scenario,
        scenario_yaml=scenario_yaml,
        policy=mark["policy"],
        energy=mark["energy"],
        seed=mark["seed"],
        ledger=ledger,
        jobs=jobs,
        bins=tables.read_bins(folder / "bins.parquet"),
        kpis=_numbers(mark["kpis"]),
        digest=mark["digest"],
        wall_s=mark["wall_s"],
        cpu_s=mark["cpu_s"],
        **{name: notes[name] for name in _NOTED},
    )


def _numbers(kpis: Mapping[str, float | None]) -> dict[str, float]:
    return {name: float("nan") if value is None else value for name, value in kpis.items()}


def scenario_from_text(text: str, name: str) -> Scenario:
    """Read a scenario out of its lock, without looking at traces or policies.

    Args:
        text: the fully resolved YAML.
        name: what to call it in an error.

    Raises:
        ScenarioError: with every problem, located.
    """
    from cosim.errors import ScenarioError
    from cosim.scenario.yaml12 import read_text

    document = read_text(text, name)
    data = shape.with_kinds(Scenario, document.data)
    try:
        return Scenario.model_validate(data)
    except ValueError as error:  # pydantic's, whose doorway is cosim.scenario
        raise ScenarioError(locate.problems_of(error, data, document.marks)) from None  # type: ignore[arg-type]
