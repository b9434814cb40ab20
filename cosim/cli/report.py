"""``cosim report``: the HTML page of finished work, or of work under way."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from time import sleep
from typing import Literal

import click

from cosim.cli import console
from cosim.errors import UsageError

HOUR = click.DateTime(["%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%HZ"])


@click.command("report")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File; for a single RUN, or for trainings that are to be shown side by side.",
)
@click.option(
    "--hour",
    "hours",
    multiple=True,
    type=HOUR,
    metavar="UTC",
    help="Look closely at this hour, e.g. 2019-04-22T14; may be repeated.",
)
@click.option("-p", "--policy", metavar="NAME", help="Whose figures --png and --svg draw.")
@click.option("--png", type=click.Path(path_type=Path), help="Folder for figures as PNG, too.")
@click.option("--svg", type=click.Path(path_type=Path), help="Folder for figures as SVG, too.")
@click.option("--watch", is_flag=True, help="Write it anew while RUN goes on; ends with it.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How often --watch looks.",
)
def command(
    runs: tuple[Path, ...],
    out: Path | None,
    hours: tuple[datetime, ...],
    policy: str | None,
    png: Path | None,
    svg: Path | None,
    watch: bool,
    every: float,
) -> None:
    """Write the report of each RUN: a folder of cosim run, compare, train, sweep or ablate.

    A sweep that is running or was stopped is reported as far as it has come.
    """
    _check_request(runs, out, png, svg, watch=watch)
    pages = [_watch(runs, out, hours, every)] if watch else _write_all(runs, out, hours)
    for page in pages:
        console.say(f"report: {page}")
    if png is not None:
        _draw(pages[0], png, "png", policy)
    if svg is not None:
        _draw(pages[0], svg, "svg", policy)
    _say_next(runs[0], pages[0])


def _check_request(
    runs: tuple[Path, ...], out: Path | None, png: Path | None, svg: Path | None, *, watch: bool
) -> None:
    for run in runs:
        if not run.is_dir():
            raise UsageError(f"no folder `{run}`; name a run folder such as runs/…")
    if len(runs) == 1:
        return
    if (png or svg or watch) and not (out is not None and _are_trainings(runs)):
        raise click.UsageError("--png, --svg and --watch take one RUN")
    if out is not None and not _are_trainings(runs):
        raise click.UsageError("--out names one file, so it takes one RUN (or trainings only)")


def _are_trainings(runs: tuple[Path, ...]) -> bool:
    from cosim.report.training import is_training

    return all(map(is_training, runs))


def _write_all(
    runs: tuple[Path, ...], out: Path | None, hours: tuple[datetime, ...]
) -> list[Path]:
    if out is not None and len(runs) > 1:
        return [_write(runs, out, hours)]
    return [_write((run,), out or run / "report.html", hours) for run in runs]


def _write(
    runs: tuple[Path, ...], page: Path, hours: tuple[datetime, ...], *, so_far: bool = False
) -> Path:
    """Write the page of one run, comparison or sweep, or of one or more trainings."""
    from cosim.study.sweep_results import is_sweep, load_sweep

    if is_sweep(runs[0]):
        from cosim.report.sweep_page import write_sweep_report

        _no_hours(hours, "sweep")
        return write_sweep_report(load_sweep(runs[0]).write(), page)
    if _are_trainings(runs):
        from cosim.report.training_page import write_training_report

        _no_hours(hours, "training")
        return write_training_report(runs, page)
    from cosim.report.page import write_report
    from cosim.study.compare import stored

    return write_report(stored(runs[0], so_far=so_far), page, hours=hours)


def _no_hours(hours: tuple[datetime, ...], what: str) -> None:
    if hours:
        raise UsageError(f"--hour: a {what} has no hours to look into; report a run of it")


def _draw(page: Path, folder: Path, form: Literal["png", "svg"], policy: str | None) -> None:
    from cosim.report.pictures import write_pictures

    files = write_pictures(page, folder, form, policy=policy)
    console.say(f"figures: {len(files)} files in {folder}")


def _say_next(run: Path, page: Path) -> None:
    from cosim.report.training import is_training
    from cosim.study.sweep_results import is_sweep

    if is_training(run) or is_sweep(run):
        console.next_step(f"open {page}")
    else:
        console.next_step(f"cosim reproduce {page}")


# work under way ----------------------------------------------------------------------------


def _watch(
    runs: tuple[Path, ...], out: Path | None, hours: tuple[datetime, ...], every_s: float
) -> Path:
    """Write the page whenever more of the work is finished, until all of it is, or Ctrl-C."""
    from cosim.report.progress import progress_of

    page, seen = out or runs[0] / "report.html", 0
    console.say("watching; Ctrl-C ends it")
    try:
        while True:
            now = progress_of(runs)
            if now.done > seen and _try_to_write(runs, page, hours):
                console.say(f"{now.words}: {page}")
                seen = now.done
            if now.complete:
                break
            sleep(every_s)
    except KeyboardInterrupt:
        if not page.is_file():
            raise
    return page


def _try_to_write(runs: tuple[Path, ...], page: Path, hours: tuple[datetime, ...]) -> bool:
    """Write the page of what is finished; say why where too little is."""
    try:
        _write(runs, page, hours, so_far=True)
    except UsageError as error:
        console.say(f"not yet: {error}")
        return False
    return True
