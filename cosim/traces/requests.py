"""A file of requests: one row per job, with as many of its marks as somebody recorded.

    t_s,home,images,steps,tolerated_s,transferable,model,px
    0.25,paris,4,30,125,yes,,1024

Only the instant is needed: ``t_s`` (seconds since the trace began) or ``time_utc``. An empty cell
or a missing column is a mark not recorded. Other columns (a trace's token counts, say) are left
alone unless they look like a slip of the pen. Everything wrong is reported at once, by line.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError, did_you_mean
from cosim.quantities import NS_PER_S
from cosim.traces.marks import LONGEST_DELAY_S
from cosim.traces.table import Mistake, read_text, stamp_ns

INSTANTS = ("t_s", "time_utc")
MARKS = ("home", "images", "steps", "tolerated_s", "transferable", "model", "px")
ALIASES = {"num_images": "images", "num_steps": "steps"}
SHOWN = 20
"""Problems printed one by one; the rest is counted."""

_YES_NO = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0}
_LONGEST_S = 4.0e9


@dataclass(frozen=True, eq=False)
class Requests:
    """The parsed rows, in the file's order; every array has shape (requests,).

    Attributes:
        name: what messages call the file.
        is_utc: whether ``t_ns`` is Unix time; else it counts from the trace's start.
        t_ns: instants, ascending [ns].
        home: index of the site, −1 where not recorded.
        images: images asked for, 0 where not recorded.
        steps: denoising steps asked for, 0 where not recorded.
        tolerated_s: tolerated delay [s], NaN where not recorded.
        transferable: 1 yes, 0 no, −1 not recorded.
        model: index of the model, −1 where not recorded.
        px: edge of the images asked for [px], 0 where not recorded.
    """

    name: str
    is_utc: bool
    t_ns: NDArray[np.int64]
    home: NDArray[np.int32]
    images: NDArray[np.int32]
    steps: NDArray[np.int32]
    tolerated_s: NDArray[np.float64]
    transferable: NDArray[np.int32]
    model: NDArray[np.int32]
    px: NDArray[np.int32]


def read_requests(
    path: Path,
    name: str,
    *,
    sites: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    sizes: bool = False,
) -> Requests:
    """Read and check a request file.

    Args:
        path: ``.csv`` or ``.csv.gz``, UTF-8.
        name: what messages call it.
        sites: names that ``home`` may hold; None leaves the column unread.
        models: names that ``model`` may hold; None leaves the column unread.
        sizes: whether to read ``px``.

    Raises:
        TraceError: with every mistake in the file and its line.
    """
    head, first, rows = _split(read_text(path, name), name)
    mistakes = _head_mistakes(head, first - 1)
    mistakes += [
        (first + k, f"{len(row)} fields where the head has {len(head)}")
        for k, row in enumerate(rows)
        if len(row) != len(head)
    ]
    if mistakes:
        raise_all(name, mistakes)
    cells = dict(zip(head, zip(*rows, strict=True), strict=True))
    t_ns = _instants(cells, first, mistakes)
    unread = () if sizes else ("px",)
    marks = {
        key: _marks(
            key,
            None if key in unread else cells.get(key),
            len(rows),
            _parser(key, sites, models),
            first,
            mistakes,
        )
        for key in MARKS
    }
    if mistakes:
        raise_all(name, mistakes)
    return Requests(name, "time_utc" in head, t_ns, **marks)


def raise_all(name: str, mistakes: Sequence[Mistake]) -> None:
    """Raise one ``TraceError`` that lists the mistakes by line."""
    ordered = sorted(mistakes)
    lines = [f"  line {line}: {what}" for line, what in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines.append(f"  and {len(ordered) - SHOWN} more")
    count = f"{len(ordered)} problem{'' if len(ordered) == 1 else 's'}"
    raise TraceError("\n".join([f"trace `{name}`: {count}", *lines]))


def _split(text: str, name: str) -> tuple[list[str], int, list[list[str]]]:
    """Return the head, the 1-based line of the first row, and the rows."""
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    top = next((k for k, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if len(lines) - top < 2:
        raise TraceError(f"trace `{name}`: no requests; it needs a head and at least one row")
    try:
        rows = list(csv.reader(lines[top:], strict=True))
    except csv.Error as error:
        raise TraceError(f"trace `{name}`: not a CSV file: {error}") from error
    head = [ALIASES.get(word.strip(), word.strip()) for word in rows[0]]
    return head, top + 2, rows[1:]


def _head_mistakes(head: Sequence[str], line: int) -> list[Mistake]:
    found = [(line, f"column `{c}` appears twice") for c in sorted(set(head)) if head.count(c) > 1]
    if sum(column in head for column in INSTANTS) != 1:
        found.append((line, "the head must name either `t_s` or `time_utc`, and not both"))
    absent = [column for column in (*INSTANTS, *MARKS) if column not in head]
    for column in head:
        near = get_close_matches(column, absent, n=1, cutoff=0.75)
        if column not in (*INSTANTS, *MARKS) and near:
            found.append((line, f"no column `{column}` — did you mean `{near[0]}`?"))
    return found


def _instants(
    cells: dict[str, tuple[str, ...]], first: int, mistakes: list[Mistake]
) -> NDArray[np.int64]:
    """Turn the instants into nanoseconds and refuse a clock that goes back."""
    relative = "t_s" in cells
    parse = _seconds_ns if relative else _stamp_ns
    parsed = [parse(cell) for cell in cells["t_s" if relative else "time_utc"]]
    wrong = [(first + k, word) for k, word in enumerate(parsed) if isinstance(word, str)]
    mistakes += wrong
    if wrong:
        return np.empty(0, dtype=np.int64)
    t_ns = np.array(parsed, dtype=np.int64)
    gaps_ns = np.diff(t_ns)
    mistakes += [
        (first + int(k) + 1, f"goes back by {-int(gaps_ns[k]) / NS_PER_S:g} s; sort by time")
        for k in np.flatnonzero(gaps_ns < 0)
    ]
    return t_ns


def _seconds_ns(cell: str) -> int | str:
    number = _number(cell)
    if not 0 <= number <= _LONGEST_S:
        return f"`t_s`: `{cell}` is not a number of seconds from 0 on"
    return round(number * NS_PER_S)


def _stamp_ns(cell: str) -> int | str:
    found = stamp_ns(cell)
    return f"`time_utc`: {found}" if isinstance(found, str) else found


Parser = Callable[[str], int | float | str]


def _marks(
    key: str,
    cells: Sequence[str] | None,
    n: int,
    parse: Parser | None,
    first: int,
    mistakes: list[Mistake],
) -> NDArray[Any]:
    """Parse one column of marks; each distinct text is parsed once."""
    dtype = np.float64 if key == "tolerated_s" else np.int32
    absent = {"images": 0, "steps": 0, "px": 0, "tolerated_s": math.nan}.get(key, -1)
    if cells is None or parse is None:
        return np.full(n, absent, dtype=dtype)
    known = {cell: parse(cell.strip()) if cell.strip() else absent for cell in set(cells)}
    if any(isinstance(value, str) for value in known.values()):
        mistakes += [
            (first + k, f"`{key}`: {known[cell]}")
            for k, cell in enumerate(cells)
            if isinstance(known[cell], str)
        ]
        return np.full(n, absent, dtype=dtype)
    return np.array([known[cell] for cell in cells], dtype=dtype)


def _parser(key: str, sites: Sequence[str] | None, models: Sequence[str] | None) -> Parser | None:
    if key in ("home", "model"):
        names = sites if key == "home" else models
        return (
            None
            if names is None
            else lambda cell: _index(cell, "site" if key == "home" else "model", names)
        )
    if key == "tolerated_s":
        return _tolerated
    if key == "transferable":
        return lambda cell: _YES_NO.get(cell.lower(), f"`{cell}` is neither yes nor no")
    return lambda cell: _whole(cell, 10_000)


def _index(cell: str, kind: str, names: Sequence[str]) -> int | str:
    if cell in names:
        return list(names).index(cell)
    return f"no {kind} `{cell}`{did_you_mean(cell, names)}"


def _whole(cell: str, most: int) -> int | str:
    number = _number(cell)
    if not (1 <= number <= most and number == int(number)):
        return f"`{cell}` is not a whole number from 1 to {most}"
    return int(number)


def _tolerated(cell: str) -> float | str:
    number = _number(cell)
    if not 0 < number <= LONGEST_DELAY_S:
        return f"`{cell}` is not a positive number of seconds"
    return number


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
