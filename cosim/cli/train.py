"""``cosim train``: a learner plays days of a scenario; what it leaves acts as ``NAME@FOLDER``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosim.cli import console, folders, options

if TYPE_CHECKING:
    from cosim.study.train import Trained
    from cosim.study.train_seeds import Seeded


@click.command("train")
@options.scenario_argument
@click.option("-p", "--policy", required=True, metavar="NAME", help="Learner; see cosim policies.")
@click.option("--episodes", type=click.IntRange(min=1), default=100, show_default=True)
@options.seeds_options
@options.jobs_option
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
@click.option(
    "--tensorboard", is_flag=True, help="Write scalars for TensorBoard, too, into its folder."
)
@options.json_option
@options.quiet_option
def command(
    scenario: str,
    policy: str,
    episodes: int,
    seeds: tuple[int, ...] | None,
    seed: int | None,
    jobs: int,
    chosen: tuple[str, ...],
    days: int | None,
    hold_out: int,
    evaluate_every: int,
    patience: int,
    overrides: tuple[str, ...],
    out: Path | None,
    resume: bool,
    tensorboard: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train the learner NAME on days of SCENARIO and keep what acts.

    With --seeds each seed is trained in a folder of its own, and the one that is best on held-out
    days acts; what all came to stands beside it. With neither --seeds nor --seed, the seed is 1.
    """
    from cosim.plugins import load_recipe

    if resume and out is None:
        raise click.UsageError("--resume needs --out: the folder of the training")
    options.chosen_seeds(seeds, seed)
    recipe = load_recipe(policy, options.values(chosen, "--with"))
    loaded = options.load(scenario, overrides)
    folder = folders.output_folder(loaded.scenario, out, resume=resume)
    console.tell_of_compiling(loaded.scenario.engine, quiet=quiet)

    from cosim.cli import trained
    from cosim.study.curriculum import Plan
    from cosim.study.train import train
    from cosim.study.train_seeds import train_seeds

    one = 1 if seed is None else seed
    plan = Plan(episodes, one, days, hold_out, evaluate_every=evaluate_every, patience=patience)
    make: Callable[..., Trained | Seeded] = train
    if seeds is not None:
        make = partial(train_seeds, seeds=seeds, jobs=jobs)
    line = shlex.join(["cosim", *sys.argv[1:]])
    named = f"seed {one}" if seeds is None else f"{len(seeds)} seeds"
    label = f"{loaded.scenario.name} · {policy} · {named}"
    given = {"resume": resume, "command": line, "scalars": tensorboard}
    with trained.told(label, quiet=quiet) as told, _resumable(folder):
        found = make(loaded, recipe, plan, out=folder, told=told, **given)
    if as_json:
        console.emit_json({"policy": policy, **trained.as_json(found, one)})
    if quiet:
        return
    trained.say(found)
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
