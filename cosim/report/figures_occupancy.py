"""What every GPU did in an hour: how busy it was in each minute, and a bar for every job.

The minutes of all hours are in the page. The jobs of an hour are many, so the page holds those of
one hour (or of the hours that were asked for) and of as many minutes as there is room; the page
draws the single denoising steps of each job once a reader looks at a few minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.quantities import NS_PER_MIN
from cosim.report.hours import Hour
from cosim.report.inputs import Case, Floats, Ints, Jobs
from cosim.report.lanes import Rows, lanes_of
from cosim.report.style import BLUE, DEPTH, INK, ORANGE, VERMILION, common_layout, light, packed
from cosim.report.words import number, percent, plain
from cosim.scenario.pools import pool_sites

BARS_MAX = 12_000
"""Jobs that a page holds over all policies."""
GPUS_MAX = 36
COLUMNS = ("job", "images", "steps")
_KINDS = (
    ("own, on time", BLUE, ""),
    ("moved here, on time", ORANGE, "/"),
    ("late", VERMILION, "x"),
)


@dataclass(frozen=True)
class _Scene:
    """The GPUs of a figure and their jobs.

    Attributes:
        jobs: the job table.
        hour: the hour.
        table: (site, GPU) of each row.
        used: GPUs that ran a job in the hour, shown or not.
        found: jobs on the GPUs of the table, by their start.
    """

    jobs: Jobs
    hour: Hour
    table: Rows
    used: int
    found: Ints


def occupancy(case: Case, policy: str, hour: Hour, bars: int) -> dict[str, Any]:
    """What ran on each GPU in an hour: minutes as a heat map, jobs as bars.

    Args:
        case: what to draw; the first seed's run is shown.
        policy: whose run.
        hour: jobs that were on a GPU in it.
        bars: how many jobs are drawn at most, the first of the hour; 0: none.
    """
    run = case.shown(policy)
    scene = _scene(run.jobs, hour, len(run.ledger.sites))
    names = [f"{plain(run.ledger.sites[site])} · GPU {gpu}" for site, gpu in scene.table]
    busy = busy_shares(scene.jobs, scene.found, scene.table, hour)
    alone = all(pool.gpus.batch_max == 1 for pool in pool_sites(case.scenario).values())
    drawn = scene.found[:bars]
    until = _known_until(scene, len(drawn))
    note = f"{len(names)} of the {scene.used} GPUs that ran jobs. {_note(until, alone)}"
    layout = common_layout(_title(scene, busy), note, 150 + 20 * max(len(names), 4))
    layout |= _axes(hour, names)
    layout["meta"] |= {"columns": list(COLUMNS), "until": until}
    data = [_heat(busy, names, hour), *_all_bars(scene, drawn, alone), _STEPS]
    return {"data": data, "layout": layout}


def _scene(jobs: Jobs, hour: Hour, sites: int) -> _Scene:
    """The jobs that ran in an hour on the first GPUs of each site."""
    ran = (jobs.start_ns >= 0) & (jobs.finish_ns > hour.start_ns) & (jobs.gpu >= 0)
    found = np.flatnonzero(ran & (jobs.start_ns < hour.end_ns))
    found = found[np.argsort(jobs.start_ns[found], kind="stable")]
    table: list[tuple[int, int]] = []
    used = 0
    shown = np.zeros(len(found), dtype=np.bool_)
    for site in range(sites):
        here = jobs.site[found] == site
        gpus = np.unique(jobs.gpu[found[here]])
        used += len(gpus)
        kept = gpus[: max(1, GPUS_MAX // sites)]
        table += [(site, int(gpu)) for gpu in kept]
        shown |= here & np.isin(jobs.gpu[found], kept)
    return _Scene(jobs, hour, table, used, found[shown])


def busy_shares(jobs: Jobs, found: Ints, table: Rows, hour: Hour) -> Floats:
    """Share of each minute in which a GPU was running a job, shape (GPUs, minutes)."""
    minutes = -(-(hour.end_ns - hour.start_ns) // NS_PER_MIN)
    edges = hour.start_ns + NS_PER_MIN * np.arange(minutes + 1)
    shares = np.zeros((len(table), minutes))
    for row, (site, gpu) in enumerate(table):
        mine = found[(jobs.site[found] == site) & (jobs.gpu[found] == gpu)]
        shares[row] = np.diff(_busy_until(jobs.start_ns[mine], jobs.finish_ns[mine], edges))
    return shares / NS_PER_MIN


def _busy_until(start_ns: Ints, finish_ns: Ints, edges_ns: Ints) -> Ints:
    """Time for which at least one of the spans held, up to each edge [ns]; starts ascend."""
    reach = np.maximum.accumulate(finish_ns)
    before = np.concatenate((np.zeros(min(1, len(reach)), dtype=np.int64), reach[:-1]))
    begin = np.maximum(start_ns, before)
    length = np.maximum(reach - begin, 0)
    whole = np.concatenate(([0], np.cumsum(length)))
    begun = np.searchsorted(begin, edges_ns, side="left")
    last = np.maximum(begun - 1, 0)
    over = np.maximum(reach[last] - edges_ns, 0) if len(reach) else 0
    return np.asarray(whole[begun] - np.where(begun > 0, over, 0))


def _known_until(scene: _Scene, drawn: int) -> float:
    """Minute of the hour up to which every job is drawn."""
    if drawn == len(scene.found):
        return (scene.hour.end_ns - scene.hour.start_ns) / NS_PER_MIN if drawn else 0.0
    next_ns = int(scene.jobs.start_ns[scene.found[drawn]])
    return max(0.0, (next_ns - scene.hour.start_ns) / NS_PER_MIN)


def _note(until: float, alone: bool) -> str:
    if until <= 0.0:
        return "The jobs of this hour are not in the page; `cosim report RUN --hour` puts them in."
    said = f"Up to minute {number(until, 1)} the page holds every job: look at 30 minutes or less."
    steps = " From 10 minutes on, lines part denoising steps, drawn evenly over a job's time."
    return said + (steps if alone else " Jobs that shared a GPU stand above one another.")


def _title(scene: _Scene, busy: Floats) -> str:
    label = scene.hour.label
    if not scene.table:
        return f"{label}: no GPU ran a job"
    jobs = number(float(len(scene.found)), 0)
    return f"{label}: the GPUs were busy {percent(float(busy.mean()), 0)} of the time, {jobs} jobs"


def _heat(busy: Floats, names: list[str], hour: Hour) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "name": "busy share of the minute, %",
        "z": packed(np.round(100.0 * busy).astype(np.int16)),
        "x0": 0.5,
        "dx": 1.0,
        "y0": 0,
        "dy": 1,
        "zmin": 0,
        "zmax": 100,
        "ygap": 2,
        "colorscale": DEPTH,
        "colorbar": {"title": {"text": "Busy, %"}, "thickness": 10, "outlinewidth": 0},
        "hovertemplate": "minute %{x:.0f}: %{z} % busy<extra></extra>",
    }


def _all_bars(scene: _Scene, drawn: Ints, alone: bool) -> list[dict[str, Any]]:
    jobs = scene.jobs
    place, height = lanes_of(jobs, drawn, scene.table)
    kind = np.where(jobs.late[drawn], 2, jobs.site[drawn] != jobs.home[drawn])
    return [
        _bars(scene, drawn[kind == i], place[kind == i], height[kind == i], i, alone)
        for i in range(len(_KINDS))
    ]


def _bars(
    scene: _Scene, mine: Ints, place: Floats, height: Floats, kind: int, alone: bool
) -> dict[str, Any]:
    name, tint, pattern = _KINDS[kind]
    jobs, begin_ns = scene.jobs, scene.jobs.start_ns[mine] - scene.hour.start_ns
    steps = jobs.steps[mine] if alone else np.zeros(len(mine))
    pattern_of = {"shape": pattern, "size": 5, "solidity": 0.3, "fillmode": "overlay"}
    return {
        "type": "bar",
        "orientation": "h",
        "visible": False,
        "name": name,
        "base": packed(light(begin_ns / NS_PER_MIN)),
        "x": packed(light((jobs.finish_ns[mine] - jobs.start_ns[mine]) / NS_PER_MIN)),
        "y": packed(light(place)),
        "width": packed(light(height)),
        "marker": {"color": tint, "line": {"width": 0}, "pattern": pattern_of},
        "customdata": packed(light(np.column_stack((mine, jobs.images[mine], steps)))),
        "hovertemplate": (
            "job %{customdata[0]:d}: %{customdata[1]:d} images, from %{base:.2f} min for "
            "%{value:.2f} min<extra></extra>"
        ),
    }


_STEPS = {
    "type": "scatter",
    "x": [],
    "y": [],
    "mode": "lines",
    "name": "denoising steps",
    "showlegend": False,
    "hoverinfo": "skip",
    "line": {"width": 1},
    "meta": INK,
}
"""Drawn by the page when a reader looks closely."""


def _axes(hour: Hour, names: list[str]) -> dict[str, Any]:
    rows = {
        "tickvals": list(range(len(names))),
        "ticktext": names,
        "range": [len(names) - 0.5, -0.5],
        "showgrid": False,
        "zeroline": False,
    }
    minutes = (hour.end_ns - hour.start_ns) / NS_PER_MIN
    across = {"title": {"text": f"Minutes after {hour.label}"}, "range": [0, minutes]}
    return {"xaxis": across, "yaxis": rows, "barmode": "overlay", "dragmode": "zoom"}
