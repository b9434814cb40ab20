"""Rows of the typed-in profile tables, each of which knows its file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from cosim.errors import TraceError, did_you_mean
from cosim.traces.catalogue import Catalogue
from cosim.traces.series import Floats
from cosim.traces.table import read_text


@dataclass(frozen=True)
class Row:
    """One CSV row that knows its place, so that a bad cell is named by file and line.

    Attributes:
        table: name of the file under ``profiles/``, without its suffix.
        line: line of the file.
        cells: text by column.
    """

    table: str
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell as written."""
        if column not in self.cells:
            raise TraceError(f"profiles/{self.table}.csv: no column `{column}`")
        return self.cells[column]

    def number(self, column: str, *, low: float = 0.0) -> float:
        """Return a cell as a finite number of at least ``low``."""
        cell = self.text(column)
        try:
            value = float(cell)
        except ValueError:
            value = float("nan")
        if not low <= value < float("inf"):
            raise TraceError(
                f"profiles/{self.table}.csv:{self.line}: {column} is `{cell}`; "
                f"a number >= {low:g} is needed"
            )
        return value

    def optional(self, column: str) -> float | None:
        """Return a cell as a number, None if it is empty."""
        return self.number(column) if self.text(column).strip() else None


def distinct(names: Iterable[str]) -> list[str]:
    """Return names once each, in order of first appearance."""
    return list(dict.fromkeys(names))


def column_of(rows: Sequence[Row], column: str) -> Floats:
    """Return a column as numbers, shape (rows,)."""
    return np.array([row.number(column) for row in rows], dtype=np.float64)


def pick(rows: Sequence[Row], column: str, name: str, *, within: str = "") -> list[Row]:
    """Return the rows with ``name`` in a column.

    Raises:
        TraceError: if there is none; names the nearest that exists.
    """
    found = [row for row in rows if row.text(column) == name]
    if not found:
        known = sorted(distinct(row.text(column) for row in rows))
        table = rows[0].table if rows else "?"
        raise TraceError(
            f"profiles/{table}.csv: no {column} `{name}`{within}{did_you_mean(name, known)}"
        )
    return found


def nearest_rows(rows: Sequence[Row], px: int) -> list[Row]:
    """Return the rows of the edge of an image nearest to ``px`` in proportion, in file order."""
    away = [abs(np.log(row.number("px", low=1.0) / px)) for row in rows]
    return [row for row, distance in zip(rows, away, strict=True) if distance == min(away)]


def rows_of(table: str, root: Path | None) -> tuple[Row, ...]:
    """Return all rows of ``profiles/TABLE.csv``, verified against the catalogue."""
    path = Catalogue.load(root).verified_path(f"profiles/{table}")
    return _read_rows(path, table, path.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _read_rows(path: Path, table: str, _mtime_ns: int) -> tuple[Row, ...]:
    reader = csv.DictReader(read_text(path, f"profiles/{table}").splitlines(), strict=True)
    return tuple(
        Row(table, reader.line_num, {k: v or "" for k, v in row.items()}) for row in reader
    )
