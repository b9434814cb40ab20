"""What a benchmark found: rows of figures, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Terms:
    """How a benchmark is to be made.

    Attributes:
        repeat: how often what is quick is timed.
        quick: scale slow engines up from a small size instead of running them.
        tell: called with what is going on.
    """

    repeat: int = 5
    quick: bool = False
    tell: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Column:
    """A column of the table for people.

    Attributes:
        heading: its heading.
        cell: a row's figures as text.
    """

    heading: str
    cell: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class Sheet:
    """What was found.

    Attributes:
        size: letter of the size.
        title: the size in words.
        of: what the rows are: ``engines``, ``policies``, ``commands``.
        each: one of them: ``engine``, ``policy``, ``command``.
        columns: what people see.
        rows: name → figures; a figure that does not exist is None.
        identical: whether all engines did the same; None where nothing was compared.
        notes: what a reader must know.
    """

    size: str
    title: str
    of: str
    each: str
    columns: tuple[Column, ...]
    rows: dict[str, Row]
    identical: bool | None = None
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        plain = {"size": self.size, "title": self.title, "identical": self.identical}
        return {**plain, self.of: self.rows, "notes": list(self.notes)}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows of text; the first column names the row."""
        head = [self.each, *(column.heading for column in self.columns)]
        cells = [
            [name, *(column.cell(row) for column in self.columns)]
            for name, row in self.rows.items()
        ]
        return head, cells


def spread(name: str, values: Sequence[float]) -> Row:
    """Median, least and most of what was repeated, as ``name``, ``name_min`` and ``name_max``."""
    return {name: median(values), f"{name}_min": min(values), f"{name}_max": max(values)}


def spread_column(heading: str, name: str, digits: int = 3) -> Column:
    """Show median (least-most)."""

    def cell(row: Mapping[str, Any]) -> str:
        middle, least, most = (row[f"{name}{end}"] for end in ("", "_min", "_max"))
        return f"{middle:.{digits}f} ({least:.{digits}f}-{most:.{digits}f})"

    return Column(heading, cell)


def amount_column(heading: str, name: str) -> Column:
    """Show a large number with three digits and k, M or G."""
    return Column(heading, lambda row: _amount(row[name]))


def number_column(heading: str, name: str, digits: int = 0) -> Column:
    """Show a number with fixed digits."""
    return Column(heading, lambda row: "–" if row[name] is None else f"{row[name]:.{digits}f}")


def _amount(value: float | None) -> str:
    if value is None:
        return "–"
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= factor:
            return (
                f"{value / factor:.3g} {unit}"
                if value < 100 * factor
                else f"{value / factor:.0f} {unit}"
            )
    return f"{value:.0f}"
