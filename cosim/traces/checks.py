"""Check the shelf: is every trace what its index says, plausible, and on the right clock?

``check_catalogue(Catalogue.load())`` is what ``cosim traces check`` prints, one row per file and
question; ``ok`` or what is wrong and how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from cosim.errors import TraceError
from cosim.quantities import NS_PER_S
from cosim.traces import profiles
from cosim.traces.catalogue import Catalogue, Entry, nan_runs, unit_of
from cosim.traces.clock import Status, clock_certificate
from cosim.traces.series import utc_text
from cosim.traces.table import StampedTable, read_text

PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "W/m2": (-5.0, 1600.0),
    "degC": (-70.0, 60.0),
    "m/s": (0.0, 75.0),
    "EUR/MWh": (-600.0, 5000.0),
    "USD/MWh": (-500.0, 10_000.0),
    "gCO2/kWh": (0.0, 1500.0),
    "%": (0.0, 100.0),
}
"""Lowest and highest believable value per unit (prices: the markets' own limits, rounded out)."""


@dataclass(frozen=True)
class CheckResult:
    """Answer to one question about one trace.

    Attributes:
        trace: catalogue id.
        check: ``hash``, ``columns``, ``coverage``, ``gaps``, ``range``, ``clock``, ``order`` or
            ``rows``.
        status: ``ok``, ``fail``, or ``unknown`` where the data do not allow an answer.
        detail: what was found.
    """

    trace: str
    check: str
    status: Status
    detail: str


def check_catalogue(catalogue: Catalogue) -> list[CheckResult]:
    """Check every file of a catalogue; nothing is raised, every problem is a row."""
    return [row for trace_id in catalogue.entries for row in check_entry(catalogue, trace_id)]


def check_entry(catalogue: Catalogue, trace_id: str) -> list[CheckResult]:
    """Check one file: hash first, then, if it can be read, its content."""
    entry = catalogue.entry(trace_id)
    rows: list[CheckResult] = []
    try:
        catalogue.verified_path(trace_id)
    except TraceError as error:
        return [CheckResult(trace_id, "hash", "fail", str(error))]
    rows.append(CheckResult(trace_id, "hash", "ok", entry.sha256[:12]))
    try:
        rows += _stamped(catalogue, entry) if entry.stamped else _plain(catalogue, entry)
    except TraceError as error:
        rows.append(CheckResult(trace_id, "rows", "fail", str(error)))
    return rows


def _result(entry: Entry, check: str, problems: list[str], fine: str) -> CheckResult:
    if problems:
        return CheckResult(entry.id, check, "fail", "; ".join(problems))
    return CheckResult(entry.id, check, "ok", fine)


def _stamped(catalogue: Catalogue, entry: Entry) -> Iterator[CheckResult]:
    table = catalogue.table(entry.id)
    yield _columns(entry, list(table.columns))
    yield _coverage(entry, table)
    yield _gaps(entry, table)
    yield _ranges(entry, table)
    if entry.site is not None:
        certificate = clock_certificate(catalogue.weather(entry.id))
        yield CheckResult(entry.id, "clock", certificate.status, str(certificate))
    else:
        detail = "UTC, regular: no hour doubled or missing, on clock-change nights neither"
        yield CheckResult(entry.id, "clock", "ok", detail)


def _columns(entry: Entry, found: list[str]) -> CheckResult:
    problems = [] if found == [*entry.units] else [f"columns {found}, index says {[*entry.units]}"]
    problems += [
        f"`{column}` ends like {unit_of(column)}, index says {unit}"
        for column, unit in entry.units.items()
        if unit != unit_of(column)
    ]
    return _result(entry, "columns", problems, f"{len(found)} columns with their units")


def _coverage(entry: Entry, table: StampedTable) -> CheckResult:
    rows = len(next(iter(table.columns.values())))
    found = {
        "start_utc": utc_text(table.start_utc_ns),
        "end_utc": utc_text(table.start_utc_ns + rows * table.step_ns),
        "step_s": table.step_ns / NS_PER_S,
        "rows": rows,
    }
    problems = [
        f"{key} is {value}, index says {getattr(entry, key)}"
        for key, value in found.items()
        if value != getattr(entry, key)
    ]
    if table.start_utc_ns % table.step_ns:
        problems.append("intervals do not begin on whole multiples of the step, counted in UTC")
    fine = f"{entry.start_utc} to {entry.end_utc}, {rows} steps of {entry.step_s:g} s"
    return _result(entry, "coverage", problems, fine)


def _gaps(entry: Entry, table: StampedTable) -> CheckResult:
    declared = {(gap.column, gap.start_utc, gap.steps) for gap in entry.gaps}
    found = {
        (column, utc_text(table.start_utc_ns + first * table.step_ns), steps)
        for column, values in table.columns.items()
        for first, steps in nan_runs(values)
    }
    problems = [
        f"{word}: {column} from {start}, {steps} steps"
        for word, gaps in (("undeclared gap", found - declared), ("no such gap", declared - found))
        for column, start, steps in sorted(gaps)
    ]
    return _result(entry, "gaps", problems, f"{len(declared)} declared gap(s)")


def _ranges(entry: Entry, table: StampedTable) -> CheckResult:
    problems = []
    for column, unit in entry.units.items():
        low, high = PLAUSIBLE.get(unit, (-np.inf, np.inf))
        values = table.columns[column]
        wild = np.flatnonzero((values < low) | (values > high))
        if wild.size:
            place = utc_text(table.start_utc_ns + int(wild[0]) * table.step_ns)
            problems.append(
                f"{wild.size} value(s) of `{column}` outside {low:g} to {high:g} {unit}, "
                f"the first {values[wild[0]]:g} at {place}"
            )
    return _result(entry, "range", problems, "all values believable for their unit")


def _plain(catalogue: Catalogue, entry: Entry) -> Iterator[CheckResult]:
    lines = read_text(entry.path, entry.id).splitlines()
    yield _columns(entry, lines[0].split(","))
    rows = len(lines) - 1
    wrong = [] if rows == entry.rows else [f"{rows} rows, index says {entry.rows}"]
    yield _result(entry, "rows", wrong, f"{rows} rows")
    if entry.kind == "jobs":
        arrivals_s = np.array([float(line.split(",")[0]) for line in lines[1:]])
        bad = np.flatnonzero(np.diff(arrivals_s) < 0)
        back = [f"line {int(k) + 3}: t_s goes back" for k in bad]
        yield _result(entry, "order", back, f"arrivals in order over {arrivals_s[-1]:.0f} s")
    elif entry.id == "profiles/services":
        problems = profiles.check_tables(catalogue.root)
        yield _result(entry, "range", problems, "every row of every profile table reads")
