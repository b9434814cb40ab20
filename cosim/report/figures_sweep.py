"""Figures of a sweep: what matters most (tornado), and how key figures follow a key (curves)."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cosim.report.effects import Bar, Stop, bars, curve, stops
from cosim.report.inputs import Estimate
from cosim.report.style import BLUE, ORANGE, colour, dash, figure
from cosim.report.words import difference, label, plain, unit, value
from cosim.study.sweep_results import Sweep

KPIS = ("utility_usd", "energy_cost_usd", "late_share", "carbon_kg")
ROWS_MAX = 24


def tornado(found: Sweep, policy: str, kpi: str = "utility_usd") -> go.Figure:
    """Paired changes to the base, the largest on top: one row per key or variant."""
    known = bars(found, policy, kpi)
    rows = list(dict.fromkeys(bar.row for bar in known))[:ROWS_MAX]
    words = label(kpi)
    title = _most(known, kpi, words, policy)
    note = (
        f"Change of {words} to the base, paired by seed, with 95 % intervals over "
        f"{_seeds(found)}; each interval stands for itself, so of twenty that mean nothing one "
        "leaves out zero."
    )
    fig = figure(title, note, 150 + 34 * max(len(rows), 2))
    for end, tint in (("lowest", BLUE), ("highest", ORANGE)):
        _side(fig, [bar for row in rows if (bar := _end(known, row, end))], kpi, end, tint)
    fig.update_yaxes(
        type="category", categoryorder="array", categoryarray=[plain(row) for row in rows[::-1]]
    )
    fig.update_xaxes(title_text=f"Change of {words}, {_unit(kpi)}", zeroline=True)
    fig.update_layout(barmode="overlay", showlegend=any(bar.value for bar in known))
    return fig


def _most(known: Sequence[Bar], kpi: str, words: str, policy: str) -> str:
    sure = [bar for bar in known if bar.change.decided]
    if not sure:
        return f"Under {plain(policy)} nothing changes {words} beyond chance"
    top = sure[0]
    what = f"{top.row} = {top.value}" if top.value else top.row
    return (
        f"Under {plain(policy)}, {plain(what)} changes {words} most: "
        f"{difference(kpi, top.change.value)} {_unit(kpi)}"
    )


def _end(known: Sequence[Bar], row: str, end: str) -> Bar | None:
    """The lower or upper end of a row; a row with one bar has no upper end of its own."""
    own = sorted((bar for bar in known if bar.row == row), key=lambda bar: bar.change.value)
    if end == "lowest":
        return own[0]
    return own[-1] if len(own) > 1 else None


def _side(fig: go.Figure, ends: Sequence[Bar], kpi: str, end: str, tint: str) -> None:
    if not ends:
        return
    fig.add_bar(
        orientation="h",
        name=f"{end} outcome",
        y=[plain(bar.row) for bar in ends],
        x=[_scaled(kpi, bar.change.value) for bar in ends],
        text=[plain(bar.value) for bar in ends],
        textposition="auto",
        insidetextanchor="start",
        marker={"color": tint, "opacity": 0.85},
        error_x=_whiskers(kpi, [bar.change for bar in ends]),
        hovertemplate="%{y} %{text}: %{x:+.4g}<extra></extra>",
    )


def response(found: Sweep, key: str) -> go.Figure:
    """Key figures over the values of a key: a curve and a band per policy."""
    along = stops(found, key)
    titles = [f"{label(kpi)}, {_unit(kpi)}" for kpi in KPIS]
    base = make_subplots(
        rows=2, cols=2, subplot_titles=titles, horizontal_spacing=0.1, vertical_spacing=0.16
    )
    fig = figure(_course(found, key, along), _how(found, along), 620, base)
    for i, policy in enumerate(found.policies):
        for k, kpi in enumerate(KPIS):
            row, column = divmod(k, 2)
            _line(fig, found, along, policy, kpi, i, (row + 1, column + 1))
    for column in (1, 2):
        fig.update_xaxes(title_text=plain(key), row=2, col=column)
    fig.update_layout(legend={"y": 1.06}, margin={"t": 64})
    return fig


def _course(found: Sweep, key: str, along: Sequence[Stop]) -> str:
    policy = found.policies[-1]
    ends = curve(found, (along[0], along[-1]), policy, "utility_usd")
    low, high = (value("utility_usd", end.value) for end in ends)
    first, last = (_typed(stop.value) for stop in (along[0], along[-1]))
    return (
        f"From {plain(key)} = {first} to {last}, utility under {plain(policy)} goes "
        f"from {low} to {high} USD"
    )


def _how(found: Sweep, along: Sequence[Stop]) -> str:
    each = sum(len(stop.points) for stop in along) / len(along)
    grid = found.design != "one-at-a-time" and each > 1
    over = f", mean over {each:.3g} points each" if grid else ""
    spread = f"; bars: 95 % intervals over {_seeds(found)}" if len(found.seeds) > 1 else ""
    return f"Lines: {len(along)} values{over}{spread}."


def _line(
    fig: go.Figure,
    found: Sweep,
    along: Sequence[Stop],
    policy: str,
    kpi: str,
    i: int,
    at: tuple[int, int],
) -> None:
    course, tint = curve(found, along, policy, kpi), colour(i)
    x = [stop.value if isinstance(stop.value, float) else plain(stop.value) for stop in along]
    fig.add_scatter(
        x=x,
        y=[_scaled(kpi, each.value) for each in course],
        name=plain(policy) if at == (1, 1) else f"{plain(policy)}, {kpi}",
        mode="lines+markers",
        line={"color": tint, "dash": dash(i), "width": 1.8},
        marker={"size": 6},
        error_y=_whiskers(kpi, course),
        legendgroup=policy,
        showlegend=at == (1, 1) and len(found.policies) > 1,
        hovertemplate="%{x}: %{y:.4g}<extra>" + plain(policy) + "</extra>",
        row=at[0],
        col=at[1],
    )


def _whiskers(kpi: str, course: Sequence[Estimate]) -> dict[str, object]:
    """Intervals as error bars; none where there is no interval."""
    up = [_scaled(kpi, (e.high if e.high is not None else e.value) - e.value) for e in course]
    down = [_scaled(kpi, e.value - (e.low if e.low is not None else e.value)) for e in course]
    ink = "rgba(128,128,128,0.9)"
    return {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": ink}


def _scaled(kpi: str, amount: float) -> float:
    return 100 * amount if unit(kpi) == "%" else amount


def _unit(kpi: str) -> str:
    return unit(kpi) or "1"


def _seeds(found: Sweep) -> str:
    if len(found.days) > 1:
        return f"{len(found.days)} days"
    return f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else "one seed (none)"


def _typed(number: float | str) -> str:
    return f"{number:.4g}" if isinstance(number, float) else plain(number)
