"""Delay figures: how long jobs took against what their users tolerate, and what the time was."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from cosim.quantities import NS_PER_S
from cosim.report.inputs import Case, Floats, Jobs
from cosim.report.style import (
    BLUE,
    DEPTH_UNDER_TEXT,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    colour,
    dash,
    figure,
    light,
)
from cosim.report.words import number, percent, plain

_CURVE = np.linspace(0.0, 1.0, 201)
CLASSES_MAX = 40
_PARTS = (
    ("held before dispatch", VERMILION),
    ("transfer", ORANGE),
    ("waiting in the queue", SKY),
    ("service", BLUE),
    ("delivery", GREY),
)


def delay_curve(case: Case) -> go.Figure:
    """Cumulative share of jobs against delay over tolerated delay, per policy, all seeds."""
    late = {p: _late_share([r.jobs for r in case.of(p)]) for p in case.policies}
    best, worst = min(late, key=late.__getitem__), max(late, key=late.__getitem__)
    title = f"{percent(1 - late[best])} of the jobs were in time under {plain(best)}"
    if round(late[worst], 3) > round(late[best], 3):
        title += f", {percent(1 - late[worst])} under {plain(worst)}"
    note = (
        "Jobs left of 1 had their images at home before their deadline. Dropped jobs never end, "
        "so a curve levels off below 100 % by their share. The axis ends at 3."
    )
    fig = figure(title, note, 360)
    for i, policy in enumerate(case.policies):
        ratio, share = _curve([r.jobs for r in case.of(policy)])
        fig.add_scatter(
            x=light(ratio),
            y=light(100 * share),
            name=plain(policy),
            mode="lines",
            line={"color": colour(i), "dash": dash(i), "width": 1.8},
            hovertemplate="%{y:.0f} % of jobs within %{x:.2f} × tolerated",
        )
    fig.add_scatter(
        x=[1, 1], y=[0, 100], name="deadline", mode="lines", line={"width": 1}, meta=INK,
        hoverinfo="skip",
    )  # fmt: skip
    fig.update_xaxes(title_text="Delay ÷ tolerated delay, 1", range=[0, 3])
    fig.update_yaxes(title_text="Share of jobs, %", range=[0, 101])
    return fig


def _ratios(tables: Sequence[Jobs]) -> Floats:
    parts = []
    for jobs in tables:
        tolerated = np.maximum(jobs.deadline_ns - jobs.arrival_ns, 1)
        done = jobs.delivered_ns >= 0
        delay = np.where(done, jobs.delivered_ns - jobs.arrival_ns, 0)
        parts.append(np.where(done, delay / tolerated, np.inf))
    return np.concatenate(parts)


def _curve(tables: Sequence[Jobs]) -> tuple[Floats, Floats]:
    ratio = np.sort(_ratios(tables))
    finite = ratio[np.isfinite(ratio)]
    if not len(finite):
        return np.array([0.0, 3.0]), np.zeros(2)
    ranks = np.ceil(_CURVE * (len(finite) - 1)).astype(np.int64)
    return finite[ranks], (ranks + 1) / len(ratio)


def _late_share(tables: Sequence[Jobs]) -> float:
    late = sum(int(np.count_nonzero(jobs.late | (jobs.service < 0))) for jobs in tables)
    total = sum(len(jobs.late) for jobs in tables)
    return late / total if total else 0.0


def class_labels(jobs: Jobs) -> dict[int, str]:
    """Say what each class of jobs is, from its members: tolerance, images, may it move, size."""
    labels = {}
    tolerated_s = (jobs.deadline_ns - jobs.arrival_ns) / NS_PER_S
    for k in np.unique(jobs.class_id).tolist():
        mine = jobs.class_id == k
        low, high = float(tolerated_s[mine].min()), float(tolerated_s[mine].max())
        few, many = int(jobs.images[mine].min()), int(jobs.images[mine].max())
        images = f"{few} image{'s' if many > 1 else ''}" if few == many else f"{few}–{many} images"
        moves = jobs.transferable[mine]
        where = "may move" if moves.all() else "stays" if not moves.any() else "mixed"
        px = int(jobs.px_asked[mine][0])
        labels[k] = f"{number(low, 0)}–{number(high, 0)} s, {images}, {where}"
        labels[k] += f", {px} px" if px else ""
    return labels


def late_by_class(case: Case) -> go.Figure:
    """Share of late or dropped jobs per job class and policy, all seeds."""
    merged = {p: _class_counts([r.jobs for r in case.of(p)]) for p in case.policies}
    labels: dict[int, str] = {}
    for run in case.of(case.policies[0]):
        labels = {**class_labels(run.jobs), **labels}
    size = {k: sum(counts.get(k, (0, 0))[1] for counts in merged.values()) for k in labels}
    shown = sorted(sorted(size, key=lambda k: -size[k])[:CLASSES_MAX])
    rows = [[_share(merged[p].get(k)) for p in case.policies] for k in shown]
    sized = any(bool(run.jobs.px_asked.any()) for run in case.of(case.policies[0]))
    note = "A class is a range of tolerated delay, a number of images and whether jobs may move."
    if sized:
        note = "A class is a range of tolerated delay, images, whether jobs may move, and a size."
    if len(shown) < len(labels):
        note += f" The {len(shown)} largest of {len(labels)} classes are shown."
    fig = figure(_class_title(rows, shown, labels), note, 110 + 22 * max(len(shown), 3))
    fig.add_heatmap(
        z=light(rows),
        x=[plain(p) for p in case.policies],
        y=[labels[k] for k in shown],
        name="late jobs",
        colorscale=DEPTH_UNDER_TEXT,
        zmin=0,
        xgap=3,
        ygap=2,
        texttemplate="%{z:.1f} %",
        showscale=False,
        hovertemplate="%{y}, %{x}: %{z:.2f} % late<extra></extra>",
    )
    fig.update_xaxes(
        title_text="Policy (share late or dropped, %)", type="category", showgrid=False
    )
    fig.update_yaxes(title_text="", type="category", autorange="reversed", showgrid=False)
    return fig


def _class_title(rows: list[list[float]], shown: list[int], labels: dict[int, str]) -> str:
    if not rows or max(map(max, rows)) <= 0:
        return "No job was late in any class"
    worst = max(range(len(rows)), key=lambda i: sum(rows[i]))
    return f"The hardest jobs to serve in time: {labels[shown[worst]]}"


def _share(cell: tuple[int, int] | None) -> float:
    return 100.0 * cell[0] / cell[1] if cell and cell[1] else 0.0


def _class_counts(tables: Sequence[Jobs]) -> dict[int, tuple[int, int]]:
    counts: dict[int, tuple[int, int]] = {}
    for jobs in tables:
        late = jobs.late | (jobs.service < 0)
        for k in np.unique(jobs.class_id).tolist():
            mine = jobs.class_id == k
            had = counts.get(k, (0, 0))
            counts[k] = (had[0] + int(late[mine].sum()), had[1] + int(mine.sum()))
    return counts


def time_split(case: Case) -> go.Figure:
    """Mean seconds that jobs were held, moved, waiting, served and sent home, per policy."""
    means = {p: split_s([r.jobs for r in case.of(p)]) for p in case.policies}
    top = max(case.policies, key=lambda p: float(means[p].sum()))
    title = f"A job took {number(float(means[top].sum()), 1)} s on average under {plain(top)}"
    if len(case.policies) > 1:
        low = min(case.policies, key=lambda p: float(means[p].sum()))
        title += f", {number(float(means[low].sum()), 1)} s under {plain(low)}"
    fig = figure(title, "Finished jobs, all seeds together.", 120 + 44 * len(case.policies))
    for i, (name, tint) in enumerate(_PARTS):
        fig.add_bar(
            x=light([means[p][i] for p in case.policies]),
            y=[plain(p) for p in case.policies],
            orientation="h",
            name=name,
            marker={"color": tint, "line": {"width": 0}},
            hovertemplate="%{y}: %{x:.2f} s",
        )
    fig.update_xaxes(title_text="Mean time, s", rangemode="tozero")
    fig.update_yaxes(title_text="", type="category", autorange="reversed", showgrid=False)
    fig.update_layout(barmode="stack", bargap=0.45, legend={"traceorder": "normal"})
    return fig


def split_s(tables: Sequence[Jobs]) -> Floats:
    """Mean seconds of finished jobs: held, in transfer, waiting, in service, on the way home."""
    sums, count = np.zeros(len(_PARTS)), 0
    for jobs in tables:
        done = jobs.delivered_ns >= 0
        marks = (
            jobs.arrival_ns,
            jobs.decided_ns,
            jobs.landed_ns,
            jobs.start_ns,
            jobs.finish_ns,
            jobs.delivered_ns,
        )
        times = np.array([mark[done] for mark in marks], dtype=np.int64)
        sums += np.diff(times, axis=0).sum(axis=1) / NS_PER_S
        count += int(done.sum())
    return sums / max(count, 1)
