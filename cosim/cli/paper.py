"""``cosim paper``: the paper's figures, its claims and our verdicts."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from cosim.cli import console, options

if TYPE_CHECKING:
    from cosim.study.paper import Terms

OUT, WORK = Path("reports/paper"), Path("runs/paper")
ABLATION, TRAINING = Path("reports/shaping-ablation"), Path("reports/paper-training")
SAID_EVERY_S = 20.0


@click.command("paper")
@click.option(
    "--scale",
    type=click.Choice(["small", "full"]),
    default="small",
    show_default=True,
    help="A tenth of the paper's jobs and GPUs, or all of them.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="FIGURE",
    help="A figure, e.g. fig11; repeat it. Default: all.",
)
@click.option(
    *("-p", "--policy", "policies"),
    multiple=True,
    metavar="NAME",
    help="Policy besides those of the figures' files, e.g. sac@CHECKPOINT; repeat it.",
)
@click.option(
    "--train",
    "trained",
    multiple=True,
    type=click.Choice(["fig08", "fig10"]),
    help="First train what a figure needs and is not stored yet; hours.",
)
@click.option("--episodes", type=click.IntRange(min=1), default=36, show_default=True)
@click.option("--train-seeds", type=click.IntRange(min=2), default=10, show_default=True)
@options.seeds_options
@options.overrides_option
@options.jobs_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=OUT,
    show_default=True,
    help="Folder of figures, numbers and page.",
)
@click.option(
    "--stored",
    type=click.Path(path_type=Path, file_okay=False),
    default=ABLATION,
    show_default=True,
    help="Folder that `cosim shaping` wrote, for figures 7 and 9 and Table III.",
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path, file_okay=False),
    default=TRAINING,
    show_default=True,
    help="Folder of the trainings of figures 8 and 10.",
)
@options.json_option
@options.quiet_option
def command(
    scale: str,
    only: tuple[str, ...],
    policies: tuple[str, ...],
    trained: tuple[str, ...],
    episodes: int,
    train_seeds: int,
    seeds: tuple[int, ...] | None,
    seed: int | None,
    overrides: tuple[str, ...],
    jobs: int,
    out: Path,
    stored: Path,
    settings: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make the paper's figures and say of each of its claims whether it is reproduced.

    Figures that have been made of the same files, code and seeds are kept; after a stop give the
    same command again.
    """
    from cosim.study.paper import Terms, chosen

    options.known_policies(policies)
    figures = chosen(only)
    here = options.found("scenarios/paper/base.yaml").parent
    used = options.chosen_seeds(seeds, seed) or ()
    work = WORK if out == OUT else out / "runs"
    terms = Terms(here, out, work, stored, settings, scale, overrides, used, policies, jobs)
    for name in trained:
        _train(name, terms, episodes, train_seeds, quiet=quiet)
    _make([figure.name for figure in figures], terms, quiet=quiet)
    line = ["cosim", "paper", "--scale", scale, *_said(only, policies, overrides, used)]
    _tell(terms, shlex.join(line), as_json=as_json, quiet=quiet)


def _said(
    only: tuple[str, ...],
    policies: tuple[str, ...],
    overrides: tuple[str, ...],
    seeds: tuple[int, ...],
) -> list[str]:
    """Options that change what comes out, as they would be given again."""
    flags = (("--only", only), ("-p", policies), ("-o", overrides))
    told = [word for flag, values in flags for value in values for word in (flag, value)]
    return [*told, *(["--seeds", ",".join(map(str, seeds))] if seeds else [])]


def _train(name: str, terms: Terms, episodes: int, seeds: int, *, quiet: bool) -> None:
    from cosim.scenario.load import load_scenario
    from cosim.study.paper_settings import train
    from cosim.study.stacked_training import Beat

    loaded = load_scenario(terms.scenarios / f"{name}.yaml", terms.laid)
    beat = Beat(tuple(range(1, seeds + 1)), episodes, max(1, episodes // 6))
    train(loaded, name, terms.training, beat, partial(_line, _Clock(quiet=quiet)))


def _make(names: list[str], terms: Terms, *, quiet: bool) -> None:
    from cosim.study.paper import chosen, make

    clock = _Clock(quiet=quiet)
    console.tell_of_compiling("fast", quiet=quiet)
    for figure in chosen(names):
        anew = make(figure, terms, partial(_line, clock))
        clock.say(f"{figure.title}: {'made' if anew else 'kept'}")


class _Clock:
    """Says things with the time since the start, and not too often."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._began, self._said = quiet, monotonic(), 0.0

    def say(self, text: str) -> None:
        """Say a line."""
        self._said = monotonic()
        if not self._quiet:
            console.say(f"{(self._said - self._began) / 60.0:5.1f} min  {text}")

    def due(self) -> bool:
        """Whether something may be said again."""
        return monotonic() - self._said >= SAID_EVERY_S


def _line(clock: _Clock, name: str, done: int, total: int) -> None:
    if clock.due():
        clock.say(f"{name}: {done} of {total}")


def _tell(terms: Terms, line: str, *, as_json: bool, quiet: bool) -> None:
    from cosim.report.paper_page import summary, write_pages
    from cosim.study.paper import findings

    page, made = write_pages(terms.out, line), findings(terms.out)
    if as_json:
        verdicts = {
            finding.figure: [claim.to_json() for claim in finding.found.claims]
            for _, finding in made
            if finding is not None
        }
        console.emit_json({"page": str(page), "claims": verdicts})
    if not quiet:
        console.say(summary(made))
        console.say(f"page: {page}")
