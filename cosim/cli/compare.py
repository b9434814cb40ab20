"""``cosim compare``: policies side by side on the same jobs, weather and prices."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosim.cli import console, folders, options

if TYPE_CHECKING:
    from cosim.scenario.load import Loaded
    from cosim.study.compare import Comparison

COLUMNS = (
    *("regret_to_bound_usd", "energy_cost_usd"),
    *("late_share", "quality_mean", "carbon_kg", "decide_ms_p99"),
)


@click.command("compare")
@options.scenario_argument
@click.option(
    *("-p", "--policy", "policies"),
    multiple=True,
    metavar="NAME",
    help="Policy NAME, NAME@CHECKPOINT or module:Class; repeat it. The first is the baseline.",
)
@options.seeds_options
@options.jobs_option
@options.overrides_option
@options.engine_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder; default: under runs/.")
@click.option(
    "--bound/--no-bound",
    default=None,
    help="Regret of each policy to the hindsight bound; default: if that takes under 30 s.",
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted comparison stopped.")
@options.json_option
@options.quiet_option
def command(
    scenario: str,
    policies: tuple[str, ...],
    seeds: tuple[int, ...] | None,
    seed: int | None,
    jobs: int,
    overrides: tuple[str, ...],
    engine: str | None,
    out: Path | None,
    bound: bool | None,
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare policies on SCENARIO with paired seeds and write the HTML report."""
    if len(set(policies)) != len(policies):
        raise click.UsageError("a policy is named twice")
    options.known_policies(policies)
    loaded = options.load(scenario, overrides, engine)
    chosen = options.chosen_seeds(seeds, seed)
    folder = folders.output_folder(loaded.scenario, out, resume=resume)
    if not quiet:
        _announce(loaded, policies, chosen)
    console.tell_of_compiling(loaded.scenario.engine, quiet=quiet)
    with console.progress("runs", quiet=quiet) as advance:
        found = _compare(loaded, policies, chosen, jobs, folder, resume, bound, advance)
    report = _report(found, folder)
    if as_json:
        console.emit_json(found.to_json())
    if quiet:
        return
    _table(found.to_json())
    console.say(f"report: {report}")
    console.next_step(f"cosim reproduce {report}")


def _compare(
    loaded: Loaded,
    policies: tuple[str, ...],
    seeds: tuple[int, ...] | None,
    jobs: int,
    folder: Path,
    resume: bool,
    bound: bool | None,
    progress: console.Progress,
) -> Comparison:
    from cosim.run import make_policy, staged
    from cosim.study.bounds import obstacle
    from cosim.study.compare import compare

    scenario = loaded.scenario
    for name in policies or tuple(spec.use for spec in scenario.policy.compare):
        make_policy(scenario, name, None, Path(loaded.folder))  # what cannot be built stops here
    on, used = staged(loaded), seeds or scenario.seeds
    why_not = obstacle(on, used) if bound is None else ""
    if why_not:
        console.say(f"no hindsight bound: {why_not}")
    return compare(
        on,
        policies=policies or None,
        seeds=seeds,
        jobs=jobs,
        out=folder,
        resume=resume,
        progress=progress,
        bound=not why_not if bound is None else bound,
        command=shlex.join(["cosim", *sys.argv[1:]]),
    )


def _report(found: Comparison, folder: Path) -> Path:
    from cosim.report.page import write_report

    return write_report(found, folder / "report.html")


def _announce(loaded: Loaded, policies: tuple[str, ...], seeds: tuple[int, ...] | None) -> None:
    scenario = loaded.scenario
    names = policies or tuple(spec.use for spec in scenario.policy.compare)
    used = ", ".join(map(str, seeds or scenario.seeds))
    slots = round(scenario.clock.days * 1440 / scenario.clock.slot_minutes)
    console.say(
        f"{scenario.name}: {scenario.clock.days:g} days = {slots} slots, {len(scenario.sites)} "
        f"sites, {len(names)} policies, seeds {used} (paired), baseline {names[0]}"
    )


def _table(found: Mapping[str, Any]) -> None:
    from cosim.quantities import NOMENCLATURE
    from cosim.report.words import unit, value

    head = ["", "utility $", f"Δ vs {found['baseline']} [95 % CI]"]
    first = found["policies"][found["baseline"]]
    columns = [kpi for kpi in COLUMNS if kpi in first]
    head += [_heading(NOMENCLATURE[kpi].label, unit(kpi)) for kpi in columns]
    rows = [
        (
            name,
            value("utility_usd", kpis["utility_usd"]["mean"]),
            _difference(found["paired"].get(name, {}).get("utility_usd")),
            *(value(kpi, kpis[kpi]["mean"]) for kpi in columns),
        )
        for name, kpis in found["policies"].items()
    ]
    console.table(head, rows)


def _difference(cell: Mapping[str, Any] | None) -> str:
    from cosim.report.words import difference

    if cell is None or cell.get("diff") is None:
        return "—"
    text = difference("utility_usd", cell["diff"])
    if not cell.get("ci95") or None in cell["ci95"]:
        return text
    low, high = (difference("utility_usd", bound) for bound in cell["ci95"])
    return f"{text} [{low}, {high}]"


def _heading(label: str, shown_in: str) -> str:
    """A share is shown in percent, and its heading says so."""
    return f"{label} %" if shown_in == "%" else label
