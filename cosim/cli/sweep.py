"""``cosim sweep``: one scenario over many values of its keys, under any policies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosim.cli import console, options, sweeping

if TYPE_CHECKING:
    from cosim.scenario.study_file import DesignName
    from cosim.study.plan import Plan


@click.command("sweep")
@click.argument("scenario", metavar="SCENARIO|STUDY")
@click.option(
    *("--grid", "--axis", "axes"),
    multiple=True,
    metavar="KEY=V1,V2",
    help="A key with its values, or its range KEY=LOW:HIGH[:log]; repeat it.",
)
@click.option("--oat", is_flag=True, help="One at a time: leave all other keys as they are.")
@click.option("--lhs", type=click.IntRange(min=1), metavar="N", help="N points, Latin hypercube.")
@click.option("--sobol", type=click.IntRange(min=1), metavar="N", help="N points, Sobol sequence.")
@sweeping.running_options
def command(
    scenario: str,
    axes: tuple[str, ...],
    oat: bool,
    lhs: int | None,
    sobol: int | None,
    policies: tuple[str, ...],
    days: str | None,
    seeds: tuple[int, ...] | None,
    seed: int | None,
    jobs: int,
    cluster: str | None,
    overrides: tuple[str, ...],
    engine: str | None,
    out: Path | None,
    partial: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Vary keys of SCENARIO, or run what the file STUDY asks for; report means and differences.

    Give the same command again after a stop: only what is missing is run.
    """
    design, samples = _design(oat, lhs, sobol)
    chosen = _Chosen(policies, options.chosen_seeds(seeds, seed) or (), *options.chosen_days(days))
    from cosim.scenario.study_file import is_study

    if is_study(options.found(scenario)):
        if axes or design != "grid":
            raise click.UsageError(f"{scenario} says what is varied; change it there")
        plan = _study(scenario, overrides, engine, chosen)
    else:
        plan = _sweep(scenario, overrides, engine, axes, design, samples, chosen)
    how = sweeping.How(out, jobs, cluster, partial, as_json, quiet)
    found = sweeping.carry_out(plan, how)
    if not quiet:
        unfinished = found.finished < found.total
        on = f" --days {days}" if days else ""
        best = f"cosim compare {scenario}{on} {sweeping.best_point(found)}".rstrip()
        console.next_step("the same command without --partial" if unfinished else best)


@dataclass(frozen=True)
class _Chosen:
    """What is played under which policies, as it was asked for; empty leaves it to the file."""

    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    days: str | None
    dates: tuple[str, ...]


def _design(oat: bool, lhs: int | None, sobol: int | None) -> tuple[DesignName, int | None]:
    if oat + (lhs is not None) + (sobol is not None) > 1:
        raise click.UsageError("give one of --oat, --lhs and --sobol")
    if lhs is not None:
        return "latin-hypercube", lhs
    if sobol is not None:
        return "sobol", sobol
    return ("one-at-a-time" if oat else "grid"), None


def _sweep(
    scenario: str,
    overrides: tuple[str, ...],
    engine: str | None,
    axes: tuple[str, ...],
    design: DesignName,
    samples: int | None,
    chosen: _Chosen,
) -> Plan:
    from cosim.study.design import axis_of
    from cosim.study.plan import sweep_plan

    return sweep_plan(
        options.draft(scenario, (*overrides, *chosen.dates), engine),
        [axis_of(text, "--grid") for text in axes],
        design=design,
        samples=samples,
        policies=chosen.policies,
        seeds=chosen.seeds,
        days=chosen.days,
    )


def _study(
    scenario: str,
    overrides: tuple[str, ...],
    engine: str | None,
    chosen: _Chosen,
) -> Plan:
    from cosim.scenario.study_file import read_study
    from cosim.study.plan import study_plan

    extra = (f"engine={engine}",) if engine else ()
    text = read_study(options.found(scenario))
    if chosen.dates and "test_days" in text.study.set:
        raise click.UsageError(f"{scenario} sets its test_days; change them there")
    return study_plan(
        text,
        (*overrides, *chosen.dates, *extra),
        policies=chosen.policies,
        seeds=chosen.seeds,
        days=chosen.days,
    )
