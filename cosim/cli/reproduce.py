"""``cosim reproduce``: run a finished study again and see whether it comes out the same."""

from __future__ import annotations

from pathlib import Path

import click

from cosim.cli import console, options
from cosim.errors import CosimError, UsageError


@click.command("reproduce")
@click.argument("path", type=click.Path(path_type=Path), metavar="REPORT_OR_RUN")
@options.json_option
def command(path: Path, as_json: bool) -> None:
    """Run a report.html or a run folder again, from what it carries, and compare digests."""
    if not path.exists():
        raise UsageError(f"no `{path}`; name a report.html or a run folder")
    from cosim.study.reproduce import reproduce

    result = reproduce(path)
    if as_json:
        console.emit_json({"matches": result.matches, "lines": list(result.lines)})
    for line in result.lines:
        console.say(line)
    if not result.matches:
        raise CosimError("not reproduced: the digests above differ")
    console.next_step(f"cosim report {path if path.is_dir() else path.parent}")
