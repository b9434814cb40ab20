"""``cosim report``: the HTML page of finished work."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.cli import console
from cosim.errors import UsageError


@click.command("report")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="File; for a single RUN only.")
def command(runs: tuple[Path, ...], out: Path | None) -> None:
    """Write the report of each RUN (a folder under runs/) beside its data.

    A sweep that is running or was stopped is reported as far as it has come.
    """
    if out is not None and len(runs) > 1:
        raise click.UsageError("--out names one file, so it takes one RUN")
    for run in runs:
        if not run.is_dir():
            raise UsageError(f"no folder `{run}`; name a run folder such as runs/…")
    pages = [_page(run, out or run / "report.html") for run in runs]
    for page in pages:
        console.say(f"report: {page}")
    console.next_step(_next(runs[0], pages[0]))


def _page(run: Path, out: Path) -> Path:
    from cosim.study.sweep_results import is_sweep, load_sweep

    if is_sweep(run):
        from cosim.report.sweep_page import write_sweep_report

        return write_sweep_report(load_sweep(run).write(), out)
    from cosim.report.page import write_report
    from cosim.study.compare import stored

    return write_report(stored(run), out)


def _next(run: Path, page: Path) -> str:
    from cosim.study.sweep_results import is_sweep

    return f"open {page}" if is_sweep(run) else f"cosim reproduce {page}"
