"""What sweeps, ablations and studies share on the command line: running, telling, reporting."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cosim.cli import console, options

if TYPE_CHECKING:
    from cosim.study.plan import Plan
    from cosim.study.sweep_results import Sweep

F = TypeVar("F", bound=Callable[..., Any])
ROWS_MAX = 24
COLUMNS = ("energy_cost_usd", "late_share", "quality_mean", "carbon_kg")


@dataclass(frozen=True)
class How:
    """How a sweep is carried out, and what is told of it.

    Attributes:
        out: folder, None for the sweep's own under ``runs/``.
        jobs: processes side by side.
        cluster: address of a Dask scheduler, None for processes.
        partial: report what has finished and run nothing.
        as_json: print JSON on stdout.
        quiet: print errors only.
    """

    out: Path | None
    jobs: int
    cluster: str | None
    partial: bool
    as_json: bool
    quiet: bool


def running_options(function: F) -> F:
    """Options of everything that runs many points."""
    out = click.option(
        "--out",
        type=click.Path(path_type=Path),
        help="Folder; default: one of its own under runs/, found again by the same command.",
    )
    partial = click.option(
        "--partial", is_flag=True, help="Run nothing: report what has finished so far."
    )
    for add in (
        options.quiet_option,
        options.json_option,
        partial,
        out,
        options.engine_option,
        options.overrides_option,
        options.cluster_option,
        options.jobs_option,
        options.seeds_options,
        options.days_option,
        options.policies_option,
    ):
        function = add(function)
    return function


def carry_out(plan: Plan, how: How) -> Sweep:
    """Run what is missing of a plan, write its tables and its report, and tell of them."""
    from cosim.run import make_policy
    from cosim.study.sweep import addresses, begin, folder_of

    options.known_policies(options.not_named(plan.policies, plan.scenario))
    for name in plan.policies:
        # a class that cannot be built stops us here
        make_policy(plan.scenario, name, None, plan.points[0].recipe.base)
    named = addresses(plan)
    folder = how.out or folder_of(plan, named)
    command = shlex.join(["cosim", *sys.argv[1:]])
    found = begin(plan, named, folder, command)
    _announce(plan, found, how)
    if not how.partial and found.finished < found.total:
        found = _run(plan, named, folder, command, how)
    else:
        found.write()
    report = _report(found)
    if how.as_json:
        console.emit_json({"folder": str(found.folder), **found.to_json()})
    if not how.quiet:
        _tell(found, report)
    return found


def _run(
    plan: Plan, named: Mapping[tuple[int, str, int], str], folder: Path, command: str, how: How
) -> Sweep:
    from cosim.study.sweep import sweep

    console.tell_of_compiling(plan.scenario.engine, quiet=how.quiet)
    with _executor(how.cluster) as workers, console.progress("slots", quiet=how.quiet) as advance:
        return sweep(
            plan,
            folder,
            named=named,
            jobs=how.jobs,
            executor=workers,
            progress=advance,
            command=command,
        )


@contextmanager
def _executor(address: str | None) -> Iterator[Executor | None]:
    if address is None:
        yield None
        return
    from cosim.study.cluster import cluster

    with cluster(address) as workers:
        yield workers


def _report(found: Sweep) -> Path:
    from cosim.report.sweep_page import write_sweep_report

    return write_sweep_report(found, found.folder / "report.html")


def _announce(plan: Plan, found: Sweep, how: How) -> None:
    if how.quiet:
        return
    seeds = f"seeds {', '.join(map(str, plan.seeds))}" if not plan.days else found.repeats
    policies = f"{len(plan.policies)} polic{'y' if len(plan.policies) == 1 else 'ies'}"
    console.say(
        f"{plan.name}: {len(plan.points)} points, {policies}, {seeds} "
        f"(paired) = {plan.runs} runs; {found.finished} finished before"
    )
    if plan.days:
        console.say_days(plan.days, "days")
    for note in plan.notes:
        console.say(f"left out: {note}")
    for caution in plan.cautions:
        console.say(f"note: {caution}")


# --- telling --------------------------------------------------------------------------------


def _tell(found: Sweep, report: Path) -> None:
    _table(found)
    if found.finished < found.total:
        console.say(f"partial: {found.finished} of {found.total} runs have finished")
    console.say(f"digest: {found.digest}")
    console.say(f"table: {found.folder / 'results.csv'} (and .parquet)")
    console.say(f"report: {report}")


def _table(found: Sweep) -> None:
    from cosim.report.words import value

    based = any(point.base is not None for point in found.points)
    second = f"Δ vs {_base_word(found)}" if based else f"Δ vs {found.policies[0]}"
    head = ("", "policy", "utility $", f"{second} [95 % CI]", *map(_heading, COLUMNS))
    rows = [
        (
            found.points[number].label,
            policy,
            value("utility_usd", _number(found.mean(number, policy, "utility_usd"))),
            _difference(found, number, policy, based=based),
            *(value(kpi, _number(found.mean(number, policy, kpi))) for kpi in COLUMNS),
        )
        for number, point in enumerate(found.points)
        if point.marks
        for policy in found.policies
    ]
    console.table(head, rows[:ROWS_MAX])
    if len(rows) > ROWS_MAX:
        console.say(f"… and {len(rows) - ROWS_MAX} more rows in the table and the report")


def _base_word(found: Sweep) -> str:
    bases = {point.base for point in found.points if point.base is not None}
    return found.points[min(bases)].label if len(bases) == 1 else "its base"


def _heading(kpi: str) -> str:
    from cosim.quantities import NOMENCLATURE
    from cosim.report.words import unit

    return f"{NOMENCLATURE[kpi].label}{' %' if unit(kpi) == '%' else ''}"


def _number(cell: Mapping[str, Any]) -> float:
    return float("nan") if cell["mean"] is None else float(cell["mean"])


def _difference(found: Sweep, number: int, policy: str, *, based: bool) -> str:
    from cosim.report.words import difference

    alone = found.points[number].base is None if based else policy == found.policies[0]
    if alone:
        return "—"
    cell = (found.change if based else found.lead)(number, policy, "utility_usd")
    if cell["diff"] is None:
        return "–"
    text = difference("utility_usd", cell["diff"])
    if cell["ci95"] is None:
        return text
    low, high = (difference("utility_usd", end) for end in cell["ci95"])
    return f"{text} [{low}, {high}]"


def best_point(found: Sweep) -> str:
    """The settings under which some policy earns most, as options of the command line."""
    means = [
        (_number(found.mean(number, policy, "utility_usd")), number)
        for number, point in enumerate(found.points)
        if point.marks
        for policy in found.policies
    ]
    known = [(mean, number) for mean, number in means if math.isfinite(mean)]
    if not known:
        return ""
    from cosim.study.shown import shown

    settings = found.points[max(known)[1]].settings
    return " ".join(shlex.join(["-o", f"{key}={shown(value)}"]) for key, value in settings.items())
