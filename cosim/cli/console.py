"""What people read on stderr and programs on stdout.

Tables and progress go to stderr, so that ``cosim … --json > file`` holds JSON only. Colour and
animation need a terminal and respect ``NO_COLOR``; elsewhere the same words come out plain.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console, JustifyMethod

Progress = Callable[[int, int], None]
PLAIN_WIDTH = 160
SOON_S = 5.0


def console() -> Console:
    """Return a console on stderr; without a terminal its lines are long enough for a table."""
    from rich.console import Console

    width = None if sys.stderr.isatty() else PLAIN_WIDTH
    return Console(file=sys.stderr, width=width, highlight=False)


def say(text: str = "") -> None:
    """Print a line for people; markup characters in it mean nothing."""
    click.echo(text, err=True)


def say_days(dates: Sequence[date], key: str) -> None:
    """Tell at which dates windows begin, which ``key`` of the scenario gave."""
    listed = ", ".join(map(str, dates[:6])) + (" …" if len(dates) > 6 else "")
    say(f"judged on {len(dates)} {key}: {listed} (--days window: its own window)")


def next_step(command: str) -> None:
    """End a command by naming the next useful one."""
    say(f"next: {command}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, title: str = "") -> None:
    """Print a table for people; the first column is left-aligned, numbers to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for i, name in enumerate(head):
        numeric = i > 0 and all(_numeric(row[i]) for row in rows)
        side: JustifyMethod = "right" if numeric else "left"
        drawn.add_column(Text(name), justify=side, overflow="fold", no_wrap=i == 0)
    for row in rows:
        drawn.add_row(*map(Text, row))
    console().print(drawn)


def _numeric(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[0] in "+-−–—."


def emit_json(data: Any) -> None:
    """Print JSON on stdout; what is not a finite number is null."""
    click.echo(json.dumps(_jsonable(data), indent=2, allow_nan=False))


def _jsonable(data: Any) -> Any:
    if hasattr(data, "tolist"):  # numpy scalars and arrays
        data = data.tolist()
    if isinstance(data, Mapping):
        return {str(key): _jsonable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_jsonable(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data


@contextmanager
def progress(label: str, *, quiet: bool = False) -> Iterator[Progress]:
    """Show how far something is: a bar on a terminal, else a line at each quarter.

    Yields:
        a function to call with (done, total).
    """
    if quiet:
        yield lambda done, total: None
    elif console().is_terminal:
        with _bar(label) as update:
            yield update
    else:
        yield _quarters(label)


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    with bar(label) as (update, _):
        yield update


@contextmanager
def bar(label: str) -> Iterator[tuple[Progress, Callable[[str], None]]]:
    """Show a bar on a terminal.

    Yields:
        a function to call with (done, total), and one that changes the label.
    """
    from rich import progress as parts

    columns = (
        parts.TextColumn("{task.description}", markup=False),
        parts.BarColumn(),
        parts.MofNCompleteColumn(),
        parts.TimeElapsedColumn(),
        parts.TimeRemainingColumn(),
    )
    with parts.Progress(*columns, console=console(), transient=True) as drawn:
        task = drawn.add_task(label, total=None)
        yield (
            lambda done, total: drawn.update(task, completed=done, total=total),
            lambda text: drawn.update(task, description=text),
        )


def tell_of_compiling(engine: str = "fast", *, quiet: bool = False) -> None:
    """Say why the very first run on a machine takes a while to begin."""
    from cosim.cache import kernels_are_compiled

    if engine == "fast" and not quiet and not kernels_are_compiled():
        say("the fast engine is compiled at its first run (about half a minute, once per version)")


def _quarters(label: str) -> Progress:
    said, began_s = -1, monotonic()

    def update(done: int, total: int) -> None:
        nonlocal said
        quarter = 4 * done // max(total, 1)
        if quarter > said:
            said = quarter
            left = _left(done, total, monotonic() - began_s) if quarter else ""
            say(f"{label}: {done}/{total}{left}")

    return update


def _left(done: int, total: int, spent_s: float) -> str:
    """How long the rest will take if it goes on like this; nothing where that is soon."""
    left_s = spent_s * (total - done) / done if done else 0.0
    if left_s < SOON_S:
        return ""
    return f", about {left_s / 60:.0f} min left" if left_s > 90 else f", about {left_s:.0f} s left"
