"""``cosim run``: one scenario, one policy, one seed."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosim.cli import console, folders, options

if TYPE_CHECKING:
    from cosim.run import RunResult
    from cosim.scenario.load import Loaded

SHOWN = (
    *("utility_usd", "revenue_usd", "energy_cost_usd", "late_share", "quality_mean"),
    *("carbon_kg", "energy_kwh", "renewable_share", "jobs", "images", "decide_ms_p99"),
)


@click.command("run")
@options.scenario_argument
@click.option("-p", "--policy", metavar="NAME", help="Policy; default: the scenario's first.")
@options.energy_option
@click.option("--seed", type=click.IntRange(min=0), help="Seed; default: the scenario's first.")
@options.overrides_option
@options.engine_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder; default: under runs/.")
@options.json_option
@options.quiet_option
def command(
    scenario: str,
    policy: str | None,
    energy: str | None,
    seed: int | None,
    overrides: tuple[str, ...],
    engine: str | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run SCENARIO once and keep ledger, jobs, manifest and report in a folder."""
    loaded = options.load(scenario, overrides, engine)
    options.known_policies(options.not_named((policy,) if policy else (), loaded.scenario))
    name = policy or loaded.scenario.policy.compare[0].called
    chosen = loaded.scenario.seeds[0] if seed is None else seed
    console.tell_of_compiling(loaded.scenario.engine, quiet=quiet)
    with console.progress(f"{loaded.scenario.name} · {name} · seed {chosen}", quiet=quiet) as go:
        result = _run(loaded, name, energy, chosen, go)
    folder = folders.output_folder(loaded.scenario, out, resume=False)
    report = _keep(loaded, result, folder)
    if as_json:
        console.emit_json(_json(result, folder))
    if quiet:
        return
    _table(result)
    console.say(f"report: {report}")
    console.next_step(f"cosim compare {scenario} -p {name} -p greedy-utility")


def _run(
    loaded: Loaded,
    policy: str,
    energy: str | None,
    seed: int,
    progress: console.Progress,
) -> RunResult:
    from cosim.run import run

    return run(loaded, policy=policy, energy=energy, seed=seed, progress=progress)


def _keep(loaded: Loaded, result: RunResult, folder: Path) -> Path:
    from cosim.report.page import write_report
    from cosim.store import RunDirectory

    base = str(loaded.folder.resolve())
    command = shlex.join(["cosim", *sys.argv[1:]])
    RunDirectory.create(folder, loaded.scenario, base=base, command=command).save(result)
    return write_report(result, folder / "report.html")


def _json(result: RunResult, folder: Path) -> dict[str, Any]:
    return {
        "scenario": result.scenario.name,
        "policy": result.policy,
        "energy": result.energy,
        "seed": result.seed,
        "digest": result.digest,
        "folder": str(folder),
        "kpis": dict(result.kpis),
        "warnings": list(result.warnings),
    }


def _table(result: RunResult) -> None:
    from cosim.quantities import NOMENCLATURE
    from cosim.report.words import unit, value

    rows = [
        (NOMENCLATURE[kpi].label, value(kpi, result.kpis[kpi]), unit(kpi))
        for kpi in SHOWN
        if kpi in result.kpis
    ]
    console.table(("", "value", "unit"), rows, title=f"{result.policy} · seed {result.seed}")
    for warning in result.warnings:
        console.say(f"note: {warning}")
