"""``cosim compare``: policies side by side on the same jobs, weather and prices."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cosim.cli import console, folders, options

if TYPE_CHECKING:
    from cosim.prepare import Stage
    from cosim.scenario.load import Loaded
    from cosim.study.compare import Comparison
    from cosim.study.fitting import Cast
    from cosim.study.until import Target

COLUMNS = (
    *("regret_to_bound_usd", "energy_cost_usd"),
    *("late_share", "quality_mean", "carbon_kg", "decide_ms_p99"),
)


@click.command("compare")
@options.scenario_argument
@options.policies_option
@options.energy_option
@options.days_option
@options.seeds_options
@click.option(
    "--until-interval",
    "until",
    metavar="WIDTH",
    help="Add seeds until half the interval of every utility difference is at most WIDTH: 1% of "
    "the baseline, or 25 (USD). Intervals stay valid at every look.",
)
@click.option(
    "--max-seeds",
    type=click.IntRange(min=2),
    help="Where --until-interval ends at the latest; default: 60.",
)
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
    energy: str | None,
    days: str | None,
    seeds: tuple[int, ...] | None,
    seed: int | None,
    until: str | None,
    max_seeds: int | None,
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
    from cosim.run import staged
    from cosim.study.fitting import cast_of

    if len(set(policies)) != len(policies):
        raise click.UsageError("a policy is named twice")
    if max_seeds is not None and until is None:
        raise click.UsageError("--max-seeds goes with --until-interval")
    which, named = options.chosen_days(days)
    loaded = options.load(scenario, (*overrides, *named), engine)
    options.known_policies(options.not_named(policies, loaded.scenario))
    chosen = options.chosen_seeds(seeds, seed)
    on = staged(loaded)
    request = _Request(cast_of(on, policies), energy, which, chosen, _target(until), max_seeds)
    folder = folders.output_folder(loaded.scenario, out, resume=resume)
    if not quiet:
        _announce(loaded, request)
    console.tell_of_compiling(loaded.scenario.engine, quiet=quiet)
    bounded = _bounded(on, request, quiet=quiet) if bound is None else bound
    with console.progress("runs", quiet=quiet) as advance:
        found = _compare(on, request, jobs, folder, resume, bounded, advance)
    report = _report(found, folder)
    if as_json:
        console.emit_json(found.to_json())
    if quiet:
        return
    _table(found.to_json())
    for note in found.notes:
        console.say(f"note: {note}")
    console.say(f"report: {report}")
    console.next_step(f"cosim reproduce {report}")


@dataclass(frozen=True)
class _Request:
    """What is compared, as it was asked for; None leaves it to the scenario."""

    cast: Cast
    energy: str | None
    days: str | None
    seeds: tuple[int, ...] | None
    until: Target | None
    max_seeds: int | None


def _target(text: str | None) -> Target | None:
    if text is None:
        return None
    from cosim.study.until import target_of

    return target_of(text)


def _bounded(on: Stage, request: _Request, *, quiet: bool) -> bool:
    """Whether the hindsight bound is there for the asking; says why where it is not."""
    from cosim.study.bounds import obstacle
    from cosim.study.dated import chosen_dates
    from cosim.study.until import MAX_SEEDS

    used = request.seeds or on.scenario.seeds
    times = len(used) * max(1, len(chosen_dates(on.scenario, request.days)))
    if request.until:
        times = request.max_seeds or MAX_SEEDS
    why_not = obstacle(on, used[0], times)
    if why_not and not quiet:
        console.say(f"no hindsight bound: {why_not}")
    return not why_not


def _compare(
    on: Stage,
    request: _Request,
    jobs: int,
    folder: Path,
    resume: bool,
    bound: bool,
    progress: console.Progress,
) -> Comparison:
    from cosim.run import make_policy
    from cosim.study.compare import compare
    from cosim.study.until import MAX_SEEDS

    for name in request.cast.names:  # what cannot be built leaves no folder
        make_policy(on.scenario, name, request.energy, on.base)
    return compare(
        on,
        policies=request.cast,
        seeds=request.seeds,
        energy=request.energy,
        days=request.days,
        until=request.until,
        max_seeds=request.max_seeds or MAX_SEEDS,
        jobs=jobs,
        out=folder,
        resume=resume,
        progress=progress,
        bound=bound,
        command=shlex.join(["cosim", *sys.argv[1:]]),
    )


def _report(found: Comparison, folder: Path) -> Path:
    from cosim.report.page import write_report

    return write_report(found, folder / "report.html")


def _announce(loaded: Loaded, request: _Request) -> None:
    from cosim.study.dated import chosen_dates

    scenario = loaded.scenario
    names, dates = request.cast.names, chosen_dates(scenario, request.days)
    used = ", ".join(map(str, request.seeds or scenario.seeds))
    slots = round(scenario.clock.days * 1440 / scenario.clock.slot_minutes)
    layer = f", energy layer {request.energy}" if request.energy else ""
    more = " and more" if request.until else ""
    console.say(
        f"{scenario.name}: {scenario.clock.days:g} days = {slots} slots, {len(scenario.sites)} "
        f"sites, {len(names)} policies, seeds {used}{more} (paired), baseline {names[0]}{layer}"
    )
    if dates:
        console.say_days(dates, "train_days" if request.days == "train" else "test_days")


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
