"""Learning curves: what a day earned, what was added to the reward, what held-out days say.

The return in the environment and what shaping adds stand on axes of their own, because a learner
that is paid for something else can raise the one while the other falls.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cosim.report.inputs import Floats
from cosim.report.style import colour, dash, figure, light, see_through
from cosim.report.training import Lesson
from cosim.report.words import number, plain, signed

SMOOTH = 10
"""Episodes that a drawn mean takes in; fewer at the start."""
MARKS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")


def returns(all_lessons: Sequence[Lesson]) -> go.Figure:
    """Return in the environment above, the bonus of shaping below, per episode."""
    shaped = any(has(lesson, "bonus_mean") for lesson in all_lessons)
    rows = 2 if shaped else 1
    fig = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.12)
    note = (
        f"Lines: mean over seeds and the last {SMOOTH} episodes, exploration included; bands: "
        "from the lowest to the highest seed."
    )
    if shaped:
        note += (
            " Below: what shaping added to the reward of a slot, mean over the batches learned "
            "from, in units of the scaled reward. It is not money and has its own axis."
        )
    figure(_returns_title(all_lessons), note, 340 + 220 * (rows - 1), fig)
    for i, lesson in enumerate(all_lessons):
        _band(fig, lesson, "return", i, 1, "%{y:,.2f}")
        if shaped and has(lesson, "bonus_mean"):
            _band(fig, lesson, "bonus_mean", i, 2, "%{y:.4f}")
    fig.update_yaxes(title_text="Return in the environment", row=1, col=1)
    if shaped:
        fig.update_yaxes(title_text="Bonus per slot", zeroline=True, row=2, col=1)
    fig.update_xaxes(title_text="Episode (one day each)", row=rows, col=1)
    fig.update_layout(hovermode="x")
    return fig


def has(lesson: Lesson, column: str) -> bool:
    """Whether any episode of any training has a value."""
    return bool(np.isfinite(lesson.table(column)).any())


def _returns_title(all_lessons: Sequence[Lesson]) -> str:
    gains = {lesson.name: _gain(lesson.table("return")) for lesson in all_lessons}
    top = max(gains, key=lambda name: gains[name][1])
    first, last = gains[top]
    return (
        f"{plain(top)}: the mean return went from {number(first)} in its first {SMOOTH} episodes "
        f"to {number(last)} in its last ({signed(last - first)})"
    )


def _gain(table: Floats) -> tuple[float, float]:
    return float(table[:, :SMOOTH].mean()), float(table[:, -SMOOTH:].mean())


def smooth(table: Floats, width: int = SMOOTH) -> Floats:
    """Mean of the last ``width`` episodes that have a value, along axis 1; NaN where none has."""
    known = np.isfinite(table)
    sums, counts = (np.cumsum(part, axis=1) for part in (np.where(known, table, 0.0), 1.0 * known))
    for part in (sums, counts):
        part[:, width:] -= part[:, :-width].copy()
    means = np.divide(sums, counts, out=np.full(table.shape, np.nan), where=counts > 0)
    return np.asarray(means, dtype=np.float64)


def _band(fig: go.Figure, lesson: Lesson, column: str, i: int, row: int, hover: str) -> None:
    table = smooth(lesson.table(column))
    episodes = np.arange(1, table.shape[1] + 1)
    name = plain(lesson.name)
    shared = {"x": episodes, "legendgroup": name, "mode": "lines"}
    if len(table) > 1:
        edges = (("lowest", table.min(axis=0), None), ("highest", table.max(axis=0), "tonexty"))
        for edge, values, fill in edges:
            band = go.Scatter(
                y=light(values),
                name=f"{name}, {edge} seed",
                line={"width": 0, "color": colour(i)},
                fill=fill,
                fillcolor=see_through(colour(i)),
                showlegend=False,
                hoverinfo="skip",
                **shared,
            )
            fig.add_trace(band, row=row, col=1)
    line = go.Scatter(
        y=light(table.mean(axis=0)),
        name=name if row == 1 else f"{name}, bonus",
        line={"color": colour(i), "dash": dash(i), "width": 1.8},
        showlegend=row == 1,
        hovertemplate=hover,
        **shared,
    )
    fig.add_trace(line, row=row, col=1)


def held_out(all_lessons: Sequence[Lesson]) -> go.Figure:
    """Mean utility of the held-out days [USD], at every judgement of every training."""
    best = {
        x.name: max(float(t.judgements[1].max()) for t in x.trainings if t.judged)
        for x in all_lessons
        if judged(x)
    }
    top = max(best, key=best.__getitem__)
    title = f"On held-out days {plain(top)} earned up to {number(best[top], 2)} USD a day"
    note = (
        "A point per judgement and seed, without exploration, the first before anything was "
        "played; the kept checkpoint is that of the "
        "highest point. These dates chose it, so a verdict needs others."
    )
    fig = figure(title, note, 340)
    for i, lesson in enumerate(all_lessons):
        for training in lesson.trainings:
            at, usd = training.judgements
            fig.add_scatter(
                x=at,
                y=light(usd),
                name=f"{plain(lesson.name)}, seed {training.seed}",
                mode="lines+markers",
                line={"color": colour(i), "dash": dash(i), "width": 1.2},
                marker={"symbol": MARKS[i % len(MARKS)], "size": 8},
                legendgroup=plain(lesson.name),
                hovertemplate="after episode %{x}: %{y:,.2f} USD",
            )
    fig.update_xaxes(title_text="Episode (one day each)")
    fig.update_yaxes(title_text="Utility of a held-out day, USD")
    fig.layout.meta = {**fig.layout.meta, "measures": ["utility_usd"]}
    return fig


def judged(lesson: Lesson) -> bool:
    """Whether any training was judged on held-out days."""
    return any(training.judged for training in lesson.trainings)


def late_shares(all_lessons: Sequence[Lesson]) -> go.Figure:
    """Share of late and refused jobs per episode [%]."""
    last = {x.name: 100.0 * _gain(x.table("late_share"))[1] for x in all_lessons}
    low = min(last, key=last.__getitem__)
    title = (
        f"In its last {SMOOTH} episodes {plain(low)} let {number(last[low], 1)} % of jobs be late"
    )
    note = f"Mean over seeds and the last {SMOOTH} episodes, exploration included."
    fig = figure(title, note, 300)
    for i, lesson in enumerate(all_lessons):
        mean = 100.0 * smooth(lesson.table("late_share")).mean(axis=0)
        fig.add_scatter(
            x=np.arange(1, len(mean) + 1),
            y=light(mean),
            name=plain(lesson.name),
            mode="lines",
            line={"color": colour(i), "dash": dash(i), "width": 1.8},
            hovertemplate="%{y:.1f} %",
        )
    fig.update_xaxes(title_text="Episode (one day each)")
    fig.update_yaxes(title_text="Late or refused, %", rangemode="tozero")
    fig.layout.meta = {**fig.layout.meta, "measures": ["late_share"]}
    return fig
