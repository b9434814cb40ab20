"""``cosim train``: a learner plays days of a scenario; what it leaves acts as ``NAME@FOLDER``."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from cosim.cli import console, folders, options

if TYPE_CHECKING:
    from cosim.study.train import Trained

Told = Callable[[int, int, Mapping[str, Any]], None]


@click.command("train")
@options.scenario_argument
@click.option("-p", "--policy", required=True, metavar="NAME", help="Learner; see cosim policies.")
@click.option("--episodes", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--with",
    "chosen",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Option of the learner, e.g. --with shaping=hand; may be repeated.",
)
@click.option(
    "--days",
    type=click.IntRange(min=1),
    help="Dates: the first of train_days (default: all), or successive ones from the scenario's "
    "own on (default: 8).",
)
@click.option(
    "--hold-out",
    type=click.IntRange(min=0),
    default=4,
    show_default=True,
    help="Hold out every so many-th date to judge and stop by; 0: none.",
)
@click.option(
    "--evaluate-every",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="Episodes between two judgements on held-out dates.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Judgements without gain before it stops; 0: never.",
)
@options.overrides_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder; default: under runs/.")
@click.option("--resume", is_flag=True, help="Go on with the training in --out.")
@options.json_option
@options.quiet_option
def command(
    scenario: str,
    policy: str,
    episodes: int,
    seed: int,
    chosen: tuple[str, ...],
    days: int | None,
    hold_out: int,
    evaluate_every: int,
    patience: int,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train the learner NAME on days of SCENARIO and keep what acts."""
    from cosim.plugins import load_recipe

    if resume and out is None:
        raise click.UsageError("--resume needs --out: the folder of the training")
    recipe = load_recipe(policy, options.values(chosen, "--with"))
    loaded = options.load(scenario, overrides)
    folder = folders.output_folder(loaded.scenario, out, resume=resume)
    console.tell_of_compiling(loaded.scenario.engine, quiet=quiet)

    from cosim.study.curriculum import Plan
    from cosim.study.train import train

    plan = Plan(episodes, seed, days, hold_out, evaluate_every=evaluate_every, patience=patience)
    line = shlex.join(["cosim", *sys.argv[1:]])
    label = f"{loaded.scenario.name} · {policy} · seed {seed}"
    with _told(label, quiet=quiet) as told, _resumable(folder):
        found = train(loaded, recipe, plan, folder, resume=resume, command=line, told=told)
    if as_json:
        console.emit_json(_json(found, policy, seed))
    if quiet:
        return
    _say(found)
    console.next_step(f"cosim compare {scenario} -p greedy-utility -p {policy}@{folder}")


@contextmanager
def _resumable(folder: Path) -> Iterator[None]:
    """Say how to go on when the user stops a training.

    Raises:
        RunInterrupted: they did.
    """
    from cosim.errors import RunInterrupted

    try:
        yield
    except KeyboardInterrupt:
        said = f"stopped; finished episodes are kept: add --out {folder} --resume to go on"
        raise RunInterrupted(said) from None


# progress ----------------------------------------------------------------------------------


@contextmanager
def _told(label: str, *, quiet: bool) -> Iterator[Told]:
    """Show episode, return, late share and the time left: a bar, or a line at each twentieth."""
    if quiet:
        yield lambda done, total, row: None
    elif console.console().is_terminal:
        with console.bar(label) as (update, describe):

            def told(done: int, total: int, row: Mapping[str, Any]) -> None:
                describe(f"{label} · {_figures(row)}")
                update(done, total)

            yield told
    else:
        yield _lines(label)


def _lines(label: str) -> Told:
    began, first, said = monotonic(), 0, -1

    def told(done: int, total: int, row: Mapping[str, Any]) -> None:
        nonlocal first, said
        first = done - 1 if said < 0 else first
        part = 20 * done // total
        if part == said and done < total:
            return
        said = part
        left_s = (monotonic() - began) / max(done - first, 1) * (total - done)
        console.say(f"{label}: episode {done}/{total} · {_figures(row)} · {_clock(left_s)} left")

    return told


def _figures(row: Mapping[str, Any]) -> str:
    return f"return {row['return']:.2f} · late {100 * row['late_share']:.1f} %"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


# results -----------------------------------------------------------------------------------


def _json(found: Trained, policy: str, seed: int) -> dict[str, Any]:
    last = found.rows[-1]
    return {
        "policy": policy,
        "seed": seed,
        "folder": str(found.folder),
        "episodes": len(found.rows),
        "stopped_early": found.stopped,
        "best_episode": found.best_episode,
        "held_out_usd": found.held_out_usd,
        "held_out_before_usd": found.before_usd,
        "returns": [row["return"] for row in found.rows],
        "late_shares": [row["late_share"] for row in found.rows],
        "updates": last["updates"],
        "digest": found.digest,
    }


def _say(found: Trained) -> None:
    early = " (stopped early)" if found.stopped else ""
    judged = math.isfinite(found.held_out_usd)
    held_out = f" · held-out days {found.held_out_usd:.2f} $" if judged else ""
    if math.isfinite(found.before_usd):
        held_out += f" (before the first {found.before_usd:.2f} $)"
    console.say(
        f"{len(found.rows)} episodes{early} · kept: after episode {found.best_episode}{held_out}"
    )
    console.say(f"log: {found.folder / 'training.parquet'} · digest {found.digest}")
