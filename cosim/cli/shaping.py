"""``cosim shaping``: a learner with every kind of shaping, many seeds each, on unseen days."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from cosim.cli import console, options

if TYPE_CHECKING:
    from cosim.study.shaping_study import Told

OUT = Path("reports/shaping-ablation")


@click.command("shaping")
@options.scenario_argument
@click.option(
    "--seeds",
    callback=options.seed_list,
    default="1..10",
    show_default=True,
    metavar="1,2,3",
    help="Seeds of every arm, two at least; 1..10 are ten.",
)
@click.option("--episodes", type=click.IntRange(min=1), default=36, show_default=True)
@click.option(
    "--judge-every",
    type=click.IntRange(min=1),
    default=6,
    show_default=True,
    help="Episodes between two judgements on held-out dates.",
)
@click.option(
    "--arms",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Arms, e.g. --arms 'sac-dress*'; plain sac comes along. Default: all.",
)
@click.option(
    "--with",
    "chosen",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Option of all arms, e.g. --with hidden=128; may be repeated.",
)
@click.option(
    "--days",
    type=click.IntRange(min=2),
    default=8,
    show_default=True,
    help="Dates: the first of train_days, or successive ones from the scenario's own on.",
)
@click.option(
    "--hold-out",
    type=click.IntRange(min=2),
    default=4,
    show_default=True,
    help="Hold out every so many-th date to judge by.",
)
@options.overrides_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=OUT,
    show_default=True,
    help="Folder of the page; each scenario has a folder in it.",
)
@click.option("--resume", is_flag=True, help="Go on with the study in --out.")
@options.json_option
@options.quiet_option
def command(
    scenario: str,
    seeds: tuple[int, ...],
    episodes: int,
    judge_every: int,
    patterns: tuple[str, ...],
    chosen: tuple[str, ...],
    days: int,
    hold_out: int,
    overrides: tuple[str, ...],
    out: Path,
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train learners on days of SCENARIO, each with another shaping, and compare them.

    An arm that has ended is kept: stopped at any point, --resume trains those that are left.
    """
    if len(seeds) < 2:
        raise click.UsageError("one seed has no spread; name two or more: --seeds 1..10 are ten")
    loaded = options.load(scenario, overrides)
    console.tell_of_compiling(loaded.scenario.engine, quiet=quiet)

    from cosim.report.shaping_page import SUMMARY, write_page
    from cosim.study import shaping_arms
    from cosim.study.shaping_study import Design, ablate
    from cosim.study.stacked_training import Beat

    wanted = shaping_arms.chosen(patterns)
    beat = Beat(seeds, episodes, judge_every)
    design = Design(beat, days, hold_out, options.values(chosen, "--with"))
    line = shlex.join(["cosim", *sys.argv[1:]])
    told = _nothing if quiet else _lines([arm.name for arm in wanted])
    ablate(loaded, design, wanted, out, resume=resume, command=line, told=told)
    page = write_page(out)
    if as_json:
        from cosim.store.atomic import read_json

        console.emit_json(read_json(out / SUMMARY))
    if not quiet:
        console.say(f"page: {page}")


def _nothing(arm: str, done: int, total: int) -> None:
    """Say nothing."""


def _lines(names: list[str]) -> Told:
    """A line at each quarter of an arm, with the time since the start."""
    began, said = monotonic(), (-1, "")

    def told(arm: str, done: int, total: int) -> None:
        nonlocal said
        now = (4 * done // total, arm)
        if now != said:
            said = now
            minutes = (monotonic() - began) / 60.0
            at = f"arm {names.index(arm) + 1}/{len(names)} {arm}"
            console.say(f"{at}: episode {done}/{total} · {minutes:.1f} min")

    return told
