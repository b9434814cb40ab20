"""What came of one figure of the paper: claims with their verdicts, numbers and curves.

A finding is plain data. It is kept as a file under a key of all that went into it, so a figure
that has been made is not made again, and pages can be written anew at any time.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cosim.errors import UsageError
from cosim.store.atomic import read_json, write_json, write_text
from cosim.study.paper_verdict import OPEN, Judged, Verdict, together

FORMAT = 1
Style = Literal["line", "dots"]
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Line:
    """A curve, or a cloud of dots.

    Attributes:
        label: what it is.
        x: across.
        y: up; None where there is no value.
        low: lower ends of the intervals; empty: none.
        high: upper ends.
        style: ``line`` or ``dots``.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    style: Style = "line"


@dataclass(frozen=True)
class Panel:
    """Lines that share axes.

    Attributes:
        title: above them.
        y_title: quantity and unit.
        lines: the lines.
    """

    title: str
    y_title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Chart:
    """Panels side by side.

    Attributes:
        x_title: quantity and unit of all of them.
        panels: the panels.
        per_row: how many stand side by side.
    """

    x_title: str
    panels: tuple[Panel, ...]
    per_row: int = 3


@dataclass(frozen=True)
class Found:
    """What a figure's own module finds out.

    Attributes:
        claims: claims with verdicts.
        columns: the numbers, column by column.
        chart: the curves; None where there are none.
        table: rows for the page, the head first; empty: none.
        runs: runs that went into it.
        notes: what a reader has to know.
    """

    claims: tuple[Judged, ...]
    columns: Columns
    chart: Chart | None = None
    table: tuple[tuple[str, ...], ...] = ()
    runs: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What came of one figure.

    Attributes:
        figure: its short name, e.g. ``fig11``.
        key: fingerprint of what went into it.
        about: what the paper's figure shows and claims.
        files: files of the scenario or study.
        found: the rest.
    """

    figure: str
    key: str
    about: str
    files: tuple[str, ...]
    found: Found = field(repr=False)

    @property
    def verdict(self) -> Verdict:
        """What its claims say together; open where it has none."""
        verdicts = [claim.verdict for claim in self.found.claims]
        return together(verdicts) if verdicts else OPEN

    def write(self, folder: Path) -> None:
        """Write it, and its numbers as CSV."""
        found = {**asdict(self.found), "columns": {k: list(v) for k, v in self._columns()}}
        told = {"figure": self.figure, "key": self.key, "about": self.about, "files": self.files}
        write_text(folder / f"{self.figure}.csv", sheet(self.found.columns))
        write_json(folder / f"{self.figure}.json", {"format": FORMAT, **told, "found": found})

    def _columns(self) -> list[tuple[str, Sequence[Any]]]:
        return list(self.found.columns.items())


def read_finding(folder: Path, figure: str) -> Finding | None:
    """Read a figure's finding; None where there is none of this version.

    Raises:
        UsageError: its file was damaged.
    """
    path = folder / f"{figure}.json"
    if not path.is_file():
        return None
    data = read_json(path)
    if data.get("format") != FORMAT:
        return None
    try:
        told = (data["figure"], data["key"], data["about"], tuple(data["files"]))
        return Finding(*told, _found(data["found"]))
    except (KeyError, TypeError) as error:
        said = f"{path} is damaged ({type(error).__name__}: {error}); remove it and go on"
        raise UsageError(said) from None


def _found(data: Mapping[str, Any]) -> Found:
    chart = data["chart"]
    return Found(
        tuple(Judged(**claim) for claim in data["claims"]),
        data["columns"],
        None if chart is None else _chart(chart),
        tuple(tuple(row) for row in data["table"]),
        data["runs"],
        tuple(data["notes"]),
    )


def _chart(data: Mapping[str, Any]) -> Chart:
    panels = [
        Panel(panel["title"], panel["y_title"], tuple(map(_line, panel["lines"])))
        for panel in data["panels"]
    ]
    return Chart(data["x_title"], tuple(panels), data["per_row"])


def _line(data: Mapping[str, Any]) -> Line:
    ends = {name: tuple(data[name]) for name in ("x", "y", "low", "high")}
    return Line(data["label"], style=data["style"], **ends)


def sheet(columns: Columns) -> str:
    """Columns of one length as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()
