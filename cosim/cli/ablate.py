"""``cosim ablate``: what each part of the model is worth, under any policies."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import click

from cosim.cli import console, options, sweeping
from cosim.scenario.study_file import ABLATION_NAMES, AblationName


@click.command("ablate")
@options.scenario_argument
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(get_args(AblationName)),
    help="What to take away; repeat it. Default: everything that the scenario has.",
)
@sweeping.running_options
def command(
    scenario: str,
    only: tuple[str, ...],
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
    """Take parts of SCENARIO away, one at a time; differences are paired by seed.

    No transfer, fixed steps, no DVFS, no battery, no renewables, a perfect forecast, one layer
    instead of two: what each does to every policy.
    """
    from cosim.study.plan import ablation_plan

    which, named = options.chosen_days(days)
    plan = ablation_plan(
        options.draft(scenario, (*overrides, *named), engine),
        names=cast("tuple[AblationName, ...]", only) or ABLATION_NAMES,
        policies=policies,
        seeds=options.chosen_seeds(seeds, seed) or (),
        days=which,
    )
    found = sweeping.carry_out(plan, sweeping.How(out, jobs, cluster, partial, as_json, quiet))
    if not quiet:
        unfinished = found.finished < found.total
        again = "the same command without --partial"
        console.next_step(again if unfinished else f"cosim show {scenario} --levers")
