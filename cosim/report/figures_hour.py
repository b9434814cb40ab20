"""What was decided for each job of an hour, as in JEMAS Fig. 6.

A mark for each job, by how much delay its user tolerates and how many denoising steps it got;
colour and shape tell where it ran, an open mark that it came late.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cosim.quantities import NS_PER_S
from cosim.report.hours import Hour
from cosim.report.inputs import Case, Floats, Ints, Jobs
from cosim.report.style import SYMBOLS, colour, common_layout, light, packed
from cosim.report.words import number, percent, plain

ROWS_MAX, ROWS_MIN = 12_000, 40
"""Jobs of all hours and policies that a page holds, and at least of an hour."""
OPEN = 100
"""What plotly adds to the number of a symbol to leave it open."""
COLUMNS = ("job", "home", "images", "wait_s", "delay_s")


def decisions(case: Case, policy: str, hour: Hour, rows: int) -> dict[str, Any]:
    """Tolerated delay, steps, place and punctuality of the jobs that arrived in an hour.

    Args:
        case: what to draw; the first seed's run is shown.
        policy: whose decisions.
        hour: jobs that arrived in it.
        rows: how many jobs are drawn at most, evenly picked from the hour's.
    """
    run = case.shown(policy)
    jobs, sites = run.jobs, run.ledger.sites
    found = hour.holds(jobs.arrival_ns)
    picked = found[:: max(1, -(-len(found) // rows))]
    note = (
        "One mark per job; its height is spread by up to 0.3 steps so that marks part. Open: late "
        f"or dropped.{picked_words(len(picked), len(found), 'jobs')}"
    )
    target = np.where((jobs.service >= 0) & (jobs.site >= 0), jobs.site, len(sites))[picked]
    places = [(i, name, picked[target == i]) for i, name in enumerate((*sites, "refused"))]
    layout = common_layout(_decisions_title(jobs, found, hour), note, 420) | {
        "xaxis": {"title": {"text": "Tolerated delay, s"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "Denoising steps per image"}},
    }
    rows_of = {"columns": list(COLUMNS), "sites": [plain(site) for site in sites]}
    layout["meta"] |= rows_of
    return {"data": [_marks(jobs, mine, name, i) for i, name, mine in places], "layout": layout}


def _decisions_title(jobs: Jobs, found: Ints, hour: Hour) -> str:
    said = f"{hour.label}: {number(float(len(found)), 0)} jobs arrived"
    if not len(found):
        return said
    moved = (jobs.site[found] != jobs.home[found]) & (jobs.service[found] >= 0)
    return (
        f"{said}, {percent(float(moved.mean()), 0)} ran elsewhere, "
        f"{percent(float(jobs.late[found].mean()), 0)} were late or dropped"
    )


def picked_words(shown: int, total: int, what: str) -> str:
    """Say how many are drawn, where not all are."""
    if shown >= total:
        return ""
    return f" {number(float(shown), 0)} of {number(float(total), 0)} {what} are drawn."


def _marks(jobs: Jobs, found: Ints, name: str, i: int) -> dict[str, Any]:
    """The jobs of one place; those on time first, so that the legend's mark is closed."""
    mine = found[np.argsort(jobs.late[found], kind="stable")]
    symbols = SYMBOLS[i % len(SYMBOLS)] + OPEN * jobs.late[mine].astype(np.int16)
    marker = {"color": colour(i), "symbol": packed(symbols), "size": 8, "line": {"width": 1.3}}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plain(name),
        "x": packed(light((jobs.deadline_ns[mine] - jobs.arrival_ns[mine]) / NS_PER_S)),
        "y": packed(light(jobs.steps[mine] + _spread(mine))),
        "marker": marker,
        "unselected": {"marker": {"opacity": 0.3}},
        "customdata": packed(light(_decision_rows(jobs, mine))),
        "hovertemplate": (
            "job %{customdata[0]:d}: tolerates %{x:.0f} s, %{customdata[2]:d} images, "
            "took %{customdata[4]:.1f} s"
        ),
    }


def _spread(mine: Ints) -> Floats:
    """A shift of every mark from −0.3 to 0.3, the same whenever the page is written."""
    golden = 0.6180339887498949
    return np.asarray(0.6 * ((mine * golden) % 1.0) - 0.3, dtype=np.float64)


def _decision_rows(jobs: Jobs, mine: Ints) -> Floats:
    started, home = jobs.start_ns[mine] >= 0, jobs.delivered_ns[mine] >= 0
    wait_ns = np.where(started, jobs.start_ns[mine] - jobs.arrival_ns[mine], 0)
    delay_ns = np.where(home, jobs.delivered_ns[mine] - jobs.arrival_ns[mine], 0)
    columns = (
        mine,
        jobs.home[mine],
        jobs.images[mine],
        np.where(started, wait_ns / NS_PER_S, np.nan),
        np.where(home, delay_ns / NS_PER_S, np.nan),
    )
    return np.column_stack(columns).astype(np.float64)
