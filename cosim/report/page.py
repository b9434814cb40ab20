"""The report of a run or a comparison: it answers first, shows its evidence, can be run again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cosim.report import tables, tables_audit
from cosim.report.hours import hours_of
from cosim.report.inputs import Case, Compared, Run, as_case
from cosim.report.lock import make_lock
from cosim.report.panels import panels, safe_json
from cosim.report.sentence import answer, money_words
from cosim.report.sheet import fill, write_page


def write_report(source: Run | Compared, path: Path, *, hours: Sequence[datetime] = ()) -> Path:
    """Write the report of a run or a comparison.

    Args:
        source: what `cosim.run` or `cosim.study.compare` returned.
        path: the HTML file; it appears complete or not at all.
        hours: hours to look into closely, UTC; empty: up to 24, spread over the window.

    Returns:
        The path.

    Raises:
        UsageError: when ``source`` is neither a run nor a finished comparison, or an hour lies
            outside the window.
    """
    write_page(path, render(as_case(source), path.name, hours))
    return path


def render(case: Case, file_name: str = "report.html", asked: Sequence[datetime] = ()) -> str:
    """Return the whole page as text.

    Args:
        case: what to show.
        file_name: the page's own name, for the command that runs it again.
        asked: hours to look into closely; empty: up to 24, spread over the window.
    """
    head, more = tables.kpi_rows(case)
    hours, shown = hours_of(case, asked)
    return fill(
        "report.html.j2",
        case=case,
        file_name=file_name,
        version=case.first.versions.get("cosim", ""),
        answer=answer(case),
        money_words=money_words(case),
        kpis=head,
        more_kpis=more,
        panels=panels(case, hours, shown),
        hours=[hour.label for hour in hours],
        hour_shown=shown,
        tables=tables,
        audit=tables_audit,
        sinks=tables_audit.sinks(case),
        policies=list(enumerate(case.policies)),
        lock=safe_json(json.dumps(make_lock(case), allow_nan=False, ensure_ascii=False)),
    )


def panel_count(case: Case) -> int:
    """Figures that are visible at a time; the page draws exactly as many."""
    return sum(len(group) for group in panels(case, *hours_of(case)).values())
