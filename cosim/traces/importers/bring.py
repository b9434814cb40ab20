"""Bring somebody else's files beside a scenario, in the form that cosim reads.

Columns get the names that cosim knows, a weather file says where it was taken, and what was
brought is read once by the reader that will read it later. Numbers are copied as they are written.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cosim.errors import TraceError, did_you_mean
from cosim.quantities import NS_PER_S
from cosim.traces.catalogue import inside
from cosim.traces.importers.recipe import Recipe, Sort, Wanted
from cosim.traces.place import Place
from cosim.traces.requests import read_requests
from cosim.traces.series import utc_text
from cosim.traces.table import STAMP, read_stamped, read_text
from cosim.traces.weather import weather_from


@dataclass(frozen=True)
class Brought:
    """A file that now lies beside the scenario.

    Attributes:
        name: its name in ``data/``.
        rows: rows taken.
        left: rows of the source that were not to be taken.
        span: first and last instant, for people.
        flagged: flag column → share of the rows that it marks, in [0, 1].
    """

    name: str
    rows: int
    left: int
    span: str
    flagged: Mapping[str, float]


def bring(recipe: Recipe, source: Path) -> list[Brought]:
    """Bring every file of a recipe.

    Args:
        recipe: what to bring.
        source: folder that the recipe's ``from`` paths are relative to; they may not leave it.

    Raises:
        TraceError: with what is wrong in each file; those that are sound are brought nevertheless.
    """
    if not source.is_dir():
        raise TraceError(f"no folder {source}; name the one in which the files lie")
    recipe.folder.mkdir(parents=True, exist_ok=True)
    done: list[Brought] = []
    problems: list[str] = []
    for wanted in recipe.files:
        try:
            done.append(_bring(wanted, source, recipe.folder))
        except TraceError as error:
            problems.append(str(error))
    if problems:
        brought = f"{len(done)} of {len(recipe.files)} files were brought"
        raise TraceError("\n".join([*problems, brought]))
    return done


def _bring(wanted: Wanted, source: Path, folder: Path) -> Brought:
    rows = list(csv.reader(_body(wanted.source, source)))
    taken = [row for row in rows[1:] if _kept(rows[0], row, wanted)]
    if not taken:
        raise TraceError(f"trace `{wanted.source}`: no row is to be taken; check `keep`")
    lines = [*_top(wanted), *_lines(wanted, rows[0], taken)]
    span = _placed(folder / wanted.name, "\n".join(lines) + "\n", wanted)
    flagged = {flag: _share(rows[0].index(flag), taken) for flag in wanted.sort.flags}
    return Brought(wanted.name, len(taken), len(rows) - 1 - len(taken), span, flagged)


def _body(ref: str, source: Path) -> list[str]:
    lines = read_text(inside(ref, source), ref).splitlines()
    found = [line for line in lines if line.strip() and not line.startswith("#")]
    if len(found) < 2:
        raise TraceError(f"trace `{ref}`: no rows below a head")
    return found


def _kept(head: list[str], row: list[str], wanted: Wanted) -> bool:
    if len(row) != len(head):
        raise TraceError(
            f"trace `{wanted.source}`: a row of {len(row)} fields where the head has {len(head)}"
        )
    return all(
        row[_place_of(head, column, wanted)] == text for column, text in wanted.sort.keep.items()
    )


def _place_of(head: list[str], column: str, wanted: Wanted) -> int:
    if column not in head:
        raise TraceError(
            f"trace `{wanted.source}`: no column `{column}`{did_you_mean(column, head)}"
        )
    return head.index(column)


def _columns(sort: Sort) -> dict[str, str]:
    """Name here → name there, in the order of the file to be."""
    stamp = {STAMP: STAMP} if sort.rows == "stamped" else {}
    return {**stamp, **sort.columns, **{flag: flag for flag in sort.flags}}


def _top(wanted: Wanted) -> Iterator[str]:
    told = {"source": wanted.sort.source, "licence": wanted.sort.licence, **wanted.place}
    return (f"# {key}: {value}" for key, value in told.items() if value)


def _lines(wanted: Wanted, head: list[str], rows: list[list[str]]) -> Iterator[str]:
    columns = _columns(wanted.sort)
    places = [_place_of(head, there, wanted) for there in columns.values()]
    yield ",".join(columns)
    for row in rows:
        yield ",".join(row[place] for place in places)


def _share(place: int, rows: list[list[str]]) -> float:
    return sum(row[place].strip() not in ("", "0", "0.0") for row in rows) / len(rows)


def _placed(path: Path, text: str, wanted: Wanted) -> str:
    """Write a file that takes its place only once it can be read; return what it covers."""
    content = text.encode()
    fresh = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        fresh.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
        span = _read(fresh, wanted)
        fresh.replace(path)
    except OSError as error:
        raise TraceError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return span


def _read(path: Path, wanted: Wanted) -> str:
    if wanted.sort.rows == "requests":
        t_ns = read_requests(path, wanted.name).t_ns
        hours = (int(t_ns[0]) / NS_PER_S / 3600, int(t_ns[-1]) / NS_PER_S / 3600)
        return f"hour {hours[0]:.1f} – {hours[1]:.1f}"
    table = read_stamped(path, wanted.name)
    if wanted.place:
        weather_from(table, Place.from_about(wanted.name, table.about))
    rows = len(next(iter(table.columns.values())))
    end_ns = table.start_utc_ns + rows * table.step_ns
    return f"{utc_text(table.start_utc_ns)[:10]} – {utc_text(end_ns)[:10]}"
