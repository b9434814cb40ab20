"""The lock: the data inside a report from which the run can be done again.

A report carries one ``<script type="application/json" id="cosim-lock">`` with the frozen scenario,
policies, seeds, versions, trace hashes, digests and KPIs. :func:`read_lock` takes it out with an
HTML parser; nothing is executed, no path is followed, and every field is checked before it is
handed on. This module needs neither plotly nor jinja2.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.errors import Problem, ScenarioError, UsageError

if TYPE_CHECKING:
    from cosim.report.inputs import Case

LOCK_ID = "cosim-lock"
FORMAT = 1
BYTES_MAX = 64_000_000
_HEX = re.compile(r"[0-9a-f]{8,128}")


def make_lock(case: Case) -> dict[str, Any]:
    """Collect what `cosim reproduce` needs from a finished run or comparison."""
    first = case.first
    pairs = [(p, s) for p in case.policies for s in case.seeds]
    return {
        "format": FORMAT,
        "scenario_yaml": first.scenario_yaml,
        "policies": list(case.policies),
        "baseline": case.baseline,
        "energy": {p: case.shown(p).energy for p in case.policies},
        "seeds": [int(seed) for seed in case.seeds],
        "days": list(case.dates),
        "engine": case.scenario.engine,
        "versions": {str(k): str(v) for k, v in first.versions.items()},
        "traces": _traces(case),
        "digests": _nested(case, lambda p, s: case.runs[p, s].digest),
        "kpis": _nested(case, lambda p, s: _finite(case.runs[p, s].kpis)),
        "runs": len(pairs),
    }


def _traces(case: Case) -> dict[str, str]:
    runs = [case.runs[p, s] for p in case.policies for s in case.seeds]
    return {str(row["ref"]): str(row["sha256"]) for run in runs for row in run.provenance}


def _nested(case: Case, get: Callable[[str, int], Any]) -> dict[str, dict[str, Any]]:
    return {p: {str(s): get(p, s) for s in case.seeds} for p in case.policies}


def _finite(kpis: Mapping[str, float]) -> dict[str, float | None]:
    return {k: float(v) if math.isfinite(v) else None for k, v in kpis.items()}


class _Finder(HTMLParser):
    """Collects the text of the lock's script element."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and dict(attrs).get("id") == LOCK_ID
        if self._inside:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


def read_lock(path: Path) -> dict[str, Any]:
    """Read the lock out of a report.

    Args:
        path: an HTML file that `cosim` wrote.

    Returns:
        The lock with at least ``scenario_yaml``, ``policies``, ``seeds``, ``versions``, ``traces``
        (ref → sha256), ``digests`` (policy → seed → hex), ``kpis`` and ``engine``.

    Raises:
        UsageError: when there is no such file, or it is not a report with a lock.
        ScenarioError: when the lock is damaged; names every field that is wrong.
    """
    finder = _Finder()
    finder.feed(_text(path))
    finder.close()
    if not finder.texts:
        raise UsageError(
            f"{path} holds no `{LOCK_ID}`, so it is not a report of cosim; "
            "give the report.html that `cosim run` or `cosim compare` wrote"
        )
    if len(finder.texts) > 1:
        raise _damaged(path, [("", f"occurs {len(finder.texts)} times; a report holds it once")])
    lock = _parse(path, finder.texts[0])
    problems = list(_problems(lock))
    if problems:
        raise _damaged(path, problems)
    return lock


def _text(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > BYTES_MAX:
            raise UsageError(
                f"{path} has {size / 1e6:.0f} MB; a report has at most {BYTES_MAX / 1e6:.0f} MB"
            )
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text, so it is not a report of cosim") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(f"{path} cannot be read: {reason}") from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        lock = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(path, [("", "is not JSON; the file was cut or edited")]) from None
    if not isinstance(lock, dict):
        raise _damaged(path, [("", "is not a JSON object")])
    return lock


def _damaged(path: Path, found: list[tuple[str, str]]) -> ScenarioError:
    def place(key: str) -> str:
        return f"{LOCK_ID}.{key}" if key else LOCK_ID

    return ScenarioError(Problem(str(path), 0, 0, place(key), why) for key, why in found)


def _problems(lock: dict[str, Any]) -> list[tuple[str, str]]:
    if lock.get("format") != FORMAT:
        said = repr(lock.get("format"))[:40]
        return [("format", f"is {said}; this version of cosim reads format {FORMAT}")]
    return [
        (key, f"must be {wanted}; the file was edited or damaged")
        for key, (wanted, check) in _FIELDS.items()
        if not check(lock.get(key))
    ] + list(_day_problems(lock))


def _day_problems(lock: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Days are absent where the scenario's own window was run; else each seed holds one."""
    days = lock.get("days", [])
    if not isinstance(days, list) or not all(_is_text(day) and _is_date(day) for day in days):
        yield "days", "must be a list of dates; the file was edited or damaged"
    elif (
        days and _is_seeds(lock.get("seeds")) and {_date_in(s) for s in lock["seeds"]} != set(days)
    ):
        yield "seeds", "must hold the days' dates; the file was edited or damaged"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _date_in(seed: int) -> str:
    from cosim.scenario.days import day_of

    try:
        return day_of(seed).isoformat()
    except ValueError:
        return ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _is_seeds(value: Any) -> bool:
    whole = isinstance(value, list) and bool(value) and all(type(s) is int for s in value)
    return whole and min(value) >= 0


def _is_table(value: Any, check: Callable[[Any], bool]) -> bool:
    return isinstance(value, dict) and all(map(check, value.values()))


def _is_hex(value: Any) -> bool:
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "scenario_yaml": ("the text of the frozen scenario", _is_text),
    "policies": ("a list of policy names", _is_names),
    "seeds": ("a list of whole numbers, at least 0", _is_seeds),
    "engine": ("the name of an engine", _is_text),
    "versions": ("a table name → version", lambda v: _is_table(v, _is_text)),
    "traces": ("a table trace → sha256", lambda v: _is_table(v, _is_hex)),
    "digests": (
        "a table policy → seed → digest",
        lambda v: _is_table(v, lambda row: _is_table(row, _is_hex)),
    ),
    "kpis": (
        "a table policy → seed → KPI → number",
        lambda v: _is_table(v, lambda row: _is_table(row, lambda k: _is_table(k, _is_number))),
    ),
}
