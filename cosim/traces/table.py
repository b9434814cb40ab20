"""A file of stamped rows: ``time_utc`` and then one column per quantity, plain or gzipped.

    # lat: 52.41
    # lon: 13.06
    time_utc,ghi_w_m2,temp_air_c
    2019-01-01T00:00:00Z,0,6.7

Stamps name the start of an interval and must say their offset from UTC, because local stamps are
ambiguous when clocks change. Lines ``# key: value`` on top describe the place. Everything that is
wrong with a file is reported at once, with line numbers.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError
from cosim.quantities import NS_PER_S
from cosim.traces.series import Floats, utc_text

STAMP = "time_utc"
MAX_BYTES = 512 * 1024 * 1024
_EPOCH_YEARS = (1970, 2200)
Mistake = tuple[int, str]
"""1-based line and what is wrong there."""


@dataclass(frozen=True, eq=False)
class StampedTable:
    """The parsed content of one stamped file.

    Attributes:
        name: catalogue id or path, for messages.
        start_utc_ns: start of the first interval.
        step_ns: length of every interval [ns].
        columns: column name → values, shape (rows,).
        about: the ``# key: value`` lines on top.
    """

    name: str
    start_utc_ns: int
    step_ns: int
    columns: Mapping[str, Floats]
    about: Mapping[str, str]


def read_stamped(path: Path, name: str, *, gaps_allowed: bool = False) -> StampedTable:
    """Read and check a stamped CSV file; the result is cached until the file changes.

    Args:
        path: ``.csv`` or ``.csv.gz``, UTF-8.
        name: what messages call it.
        gaps_allowed: keep empty cells as NaN (catalogue files whose gaps are declared).

    Raises:
        TraceError: with every mistake in the file and its line.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise TraceError(
            f"trace `{name}`: cannot read {path.name}: {error.strerror}; check the path"
        ) from error
    return _read_cached(path, name, gaps_allowed, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _read_cached(path: Path, name: str, gaps: bool, _mtime_ns: int, _size: int) -> StampedTable:
    about, head_line, rows = _split(read_text(path, name), name)
    head, body = rows[0], rows[1:]
    mistakes = _head_mistakes(head, head_line)
    first = head_line + 1
    ragged = [
        (first + k, f"{len(row)} fields where the head has {len(head)}")
        for k, row in enumerate(body)
        if len(row) != len(head)
    ]
    if mistakes or ragged:
        _raise(name, mistakes + ragged)
    if len(body) < 2:
        raise TraceError(f"trace `{name}`: {len(body)} row(s); at least 2 are needed for a step")
    stamps_ns, mistakes = _stamps(body, first)
    step_ns = 0
    if not mistakes:
        step_ns, mistakes = _step(stamps_ns, first)
    columns: dict[str, Floats] = {}
    for place, column in enumerate(head[1:], start=1):
        columns[column], wrong = _numbers([row[place] for row in body], column, first, gaps)
        mistakes += wrong
    if mistakes:
        _raise(name, mistakes)
    return StampedTable(name, int(stamps_ns[0]), step_ns, columns, about)


def read_text(path: Path, name: str) -> str:
    """Read a plain or gzipped UTF-8 text file of at most 512 MiB."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            data: bytes = stream.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise TraceError(
            f"trace `{name}`: {path.name} is not readable as {path.suffix} text in UTF-8: {error}"
        ) from error
    if len(data) > MAX_BYTES:
        raise TraceError(f"trace `{name}`: more than {MAX_BYTES} bytes; cut it into years")
    return text


def _split(text: str, name: str) -> tuple[dict[str, str], int, list[list[str]]]:
    """Separate the ``#`` lines from the rows; also return the 1-based line of the head."""
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    about: dict[str, str] = {}
    top = 0
    while top < len(lines) and lines[top].startswith("#"):
        key, _, value = lines[top][1:].partition(":")
        about[key.strip()] = value.strip()
        top += 1
    if top == len(lines):
        raise TraceError(f"trace `{name}`: the file is empty; its first row must name the columns")
    return about, top + 1, [line.split(",") for line in lines[top:]]


def _head_mistakes(head: Sequence[str], line: int) -> list[Mistake]:
    if head[0] != STAMP:
        return [(line, f"first column is `{head[0]}`; it must be `{STAMP}`")]
    doubled = sorted({column for column in head if head.count(column) > 1})
    if doubled:
        return [(line, f"column(s) {', '.join(doubled)} appear twice")]
    return [] if len(head) > 1 else [(line, f"no column beside `{STAMP}`")]


def _stamps(body: list[list[str]], first: int) -> tuple[NDArray[np.int64], list[Mistake]]:
    """Turn the stamps into Unix nanoseconds; ``…Z`` in bulk, anything else one by one."""
    texts = [row[0] for row in body]
    if all(len(text) == 20 and text[19] == "Z" for text in texts):
        try:
            seconds = np.array([text[:19] for text in texts], dtype="datetime64[s]")
        except ValueError:
            pass  # the slow way below says which line
        else:
            low, high = (np.datetime64(f"{year}-01-01", "s") for year in _EPOCH_YEARS)
            if low <= seconds.min() and seconds.max() < high:
                return seconds.astype(np.int64) * NS_PER_S, []
    parsed = [stamp_ns(text) for text in texts]
    mistakes = [(first + k, stamp) for k, stamp in enumerate(parsed) if isinstance(stamp, str)]
    good = [stamp for stamp in parsed if isinstance(stamp, int)]
    return np.array(good, dtype=np.int64), mistakes


def stamp_ns(text: str) -> int | str:
    """Return Unix nanoseconds, or what is wrong with the stamp."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return f"`{text}` is not a stamp; write 2019-01-01T00:00:00Z"
    if moment.tzinfo is None:
        return (
            "stamp without an offset from UTC (ambiguous when clocks change); "
            "convert to UTC and write 2019-01-01T00:00:00Z"
        )
    first, end = _EPOCH_YEARS
    if not first < moment.year < end:
        return f"`{text}` lies outside the years {first + 1} to {end - 1}"
    since = moment - datetime.fromisoformat("1970-01-01T00:00:00Z")
    return (since // timedelta(microseconds=1)) * 1000


def _step(stamps_ns: NDArray[np.int64], first: int) -> tuple[int, list[Mistake]]:
    """Find the common step and every place where the stamps depart from it."""
    diffs = np.diff(stamps_ns)
    sizes, counts = np.unique(diffs[diffs > 0], return_counts=True)
    if not sizes.size:
        return 0, [(first, "stamps never advance; each row must be later than the one before")]
    step_ns = int(sizes[np.argmax(counts)])
    wrong = np.flatnonzero(diffs != step_ns)
    return step_ns, [
        (first + int(k) + 1, _jump(int(diffs[k]), step_ns, int(stamps_ns[k]))) for k in wrong
    ]


def _jump(diff_ns: int, step_ns: int, before_ns: int) -> str:
    local = "; if this is the night the clocks change, the stamps are local time, not UTC"
    if diff_ns == 0:
        return f"duplicate stamp {utc_text(before_ns)}{local}"
    if diff_ns < 0:
        return f"stamp goes back by {-diff_ns // NS_PER_S} s after {utc_text(before_ns)}{local}"
    if diff_ns < step_ns:
        return f"interval overlaps the one at {utc_text(before_ns)}: {diff_ns // NS_PER_S} s later"
    missing = (diff_ns - 1) // step_ns
    return f"gap: {missing} interval(s) missing after {utc_text(before_ns)}{local}"


def _numbers(
    cells: list[str], column: str, first: int, gaps: bool
) -> tuple[Floats, list[Mistake]]:
    try:
        values = np.array([*map(float, cells)])
    except ValueError:
        numbers = [_number(cell) for cell in cells]
        words = [
            (first + k, f"`{column}`: `{cells[k]}` is not a number")
            for k, number in enumerate(numbers)
            if number is None
        ]
        if words:
            return np.empty(0), words
        values = np.array([np.nan if number is None else number for number in numbers])
    bad = np.isinf(values) if gaps else ~np.isfinite(values)
    return values, [
        (first + int(k), f"`{column}`: value missing, NaN or infinite")
        for k in np.flatnonzero(bad)
    ]


def _number(cell: str) -> float | None:
    try:
        return float(cell) if cell.strip() else float("nan")
    except ValueError:
        return None


def _raise(name: str, mistakes: list[Mistake]) -> None:
    """Report all mistakes, consecutive lines with the same one together."""
    ordered = sorted(mistakes, key=lambda mistake: (mistake[1], mistake[0]))
    starts = [0] + [
        k
        for k, (one, two) in enumerate(pairwise(ordered), start=1)
        if two[1] != one[1] or two[0] != one[0] + 1
    ]
    runs = [ordered[a:b] for a, b in pairwise([*starts, len(ordered)])]
    lines = [
        f"  line {run[0][0]}: {run[0][1]}"
        if len(run) == 1
        else f"  lines {run[0][0]} to {run[-1][0]}: {run[0][1]}"
        for run in sorted(runs)
    ]
    count = f"{len(lines)} problem{'' if len(lines) == 1 else 's'}"
    raise TraceError("\n".join([f"trace `{name}`: {count}", *lines]))
