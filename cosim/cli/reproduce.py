"""``cosim reproduce``: run a finished study again and see whether it comes out the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cosim.cli import console, options
from cosim.errors import CosimError, UsageError

if TYPE_CHECKING:
    from cosim.study.reproduce import ReproduceResult


@click.command("reproduce")
@click.argument("path", type=click.Path(path_type=Path), metavar="REPORT_OR_RUN")
@click.option(
    "--base",
    type=click.Path(path_type=Path),
    help="Folder of trace files of your own, as beside the scenario; default: the report's.",
)
@options.jobs_option
@options.json_option
@options.quiet_option
def command(path: Path, base: Path | None, jobs: int, as_json: bool, quiet: bool) -> None:
    """Run a report.html or a run folder again, from what it carries, and compare digests."""
    if not path.exists():
        raise UsageError(f"no `{path}`; name a report.html or a run folder")
    console.tell_of_compiling(quiet=quiet)
    with console.progress("runs", quiet=quiet) as advance:
        result = _again(path, base, jobs, advance)
    if as_json:
        console.emit_json({"matches": result.matches, "lines": list(result.lines)})
    if not quiet or not result.matches:
        console.say("\n".join(result.lines))
    if not result.matches:
        raise CosimError("not reproduced: see the lines above")
    if not quiet:
        console.next_step(f"cosim report {path if path.is_dir() else path.parent}")


def _again(
    path: Path, base: Path | None, jobs: int, progress: console.Progress
) -> ReproduceResult:
    from cosim.study.reproduce import reproduce

    if path.is_dir():
        return reproduce(path, base=base, jobs=jobs, progress=progress)
    from cosim.report.lock import read_lock

    return reproduce(read_lock(path), base=base or path.parent, jobs=jobs, progress=progress)
