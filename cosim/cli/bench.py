"""``cosim bench``: every engine on the same jobs, timed, and held to the same results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cosim.bench.catalogue import BENCHES, bench, meanings
from cosim.cli import console, options

if TYPE_CHECKING:
    from cosim.bench.sheet import Sheet


@click.command("bench", epilog=f"Sizes:\n\n\b\n{meanings()}")
@click.option(
    "--size", default="S", show_default=True, metavar="|".join(BENCHES), help="What; see below."
)
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How often what is quick is timed; median, least and most are shown.",
)
@click.option(
    "--quick", is_flag=True, help="Scale slow engines up from size S and compare there; says so."
)
@options.json_option
@options.quiet_option
def command(size: str, repeat: int, quick: bool, as_json: bool, quiet: bool) -> None:
    """Time the textbook model, the reference and the fast engine on the same jobs.

    Processor time on one core, without drawing the jobs and compiling. Leaves with 1 if the
    engines disagree about a single job or meter bin. Size R times a learner's environment.
    """
    from cosim.bench.machine import header, in_words
    from cosim.bench.sheet import Terms

    machine = header()
    console.tell_of_compiling(quiet=quiet)
    tell = console.say if not quiet else _nothing
    sheet = bench(size.upper(), Terms(repeat, quick, tell))
    if as_json:
        console.emit_json({**sheet.to_json(), "machine": machine})
    if not quiet:
        _show(sheet, in_words(machine))
    if sheet.identical is False:
        raise click.exceptions.Exit(1)


def _nothing(text: str) -> None:
    pass


def _show(sheet: Sheet, machine: str) -> None:
    head, rows = sheet.table()
    console.table(head, rows, title=sheet.title)
    for line in (machine, *sheet.notes):
        console.say(line)
    if sheet.identical is not None:
        same = (
            "IDENTICAL" if sheet.identical else "DIFFERENT: the engines disagree; times are void"
        )
        console.say(same)
    console.next_step("cosim bench --size M --quick   (how to read it: docs/performance.md)")
