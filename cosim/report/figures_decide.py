"""How long policies took to decide, slot by slot, on the clock of the machine that ran them."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from cosim.ledger import Ledger
from cosim.quantities import NS_PER_S
from cosim.report.inputs import Case, Floats
from cosim.report.style import INK, colour, dash, figure, light
from cosim.report.words import number, plain

_LEVELS = np.concatenate([np.linspace(0.0, 0.9, 91), 1.0 - np.geomspace(0.1, 1e-5, 81)[1:], [1.0]])
"""Shares of decisions at which a curve has a point: evenly, and closer where few are left."""


def decide_ms(ledger: Ledger) -> Floats:
    """Time of each decision of a run [ms], those after the window included."""
    times = ledger.data["decide_ms"][:, 0]
    return times[times > 0]


def times_ms(case: Case) -> dict[str, Floats]:
    """Policy → time of every decision of its runs [ms], ascending."""
    return {
        p: np.sort(np.concatenate([decide_ms(run.ledger) for run in case.of(p)]))
        for p in case.policies
    }


def has_times(case: Case) -> bool:
    """Whether every policy was timed: all its runs are, or none."""
    return all(len(decide_ms(case.shown(policy).ledger)) for policy in case.policies)


def decide_times(case: Case) -> go.Figure:
    """Cumulative share of decisions against the time they took, per policy, all seeds."""
    every = times_ms(case)
    limit_ms = case.scenario.policy.decide_limit_ms
    fig = figure(_title(every), _note(case, every, limit_ms), 340)
    for i, (policy, times) in enumerate(every.items()):
        ranks = np.unique(np.ceil(_LEVELS * (len(times) - 1)).astype(np.int64))
        fig.add_scatter(
            x=light(times[ranks]),
            y=light(100.0 * (ranks + 1) / len(times)),
            name=plain(policy),
            mode="lines",
            line={"color": colour(i), "dash": dash(i), "width": 1.8, "shape": "hv"},
            hovertemplate="%{y:.2f} % of decisions within %{x:.3g} ms",
        )
    if limit_ms is not None:
        fig.add_scatter(
            x=[limit_ms, limit_ms], y=[0, 100], name="limit", mode="lines", line={"width": 1},
            meta=INK, hoverinfo="skip",
        )  # fmt: skip
    fig.update_xaxes(title_text="Time of a decision, ms", type="log", dtick=1)
    fig.update_yaxes(title_text="Share of decisions, %", range=[0, 101])
    measures = ["decide_ms_p50", "decide_ms_p99"]
    fig.layout.meta = {**fig.layout.meta, "measures": measures}
    return fig


def _title(every: dict[str, Floats]) -> str:
    tails = {policy: float(np.quantile(times, 0.99)) for policy, times in every.items()}
    slowest = max(tails, key=tails.__getitem__)
    median = float(np.median(every[slowest]))
    text = f"{plain(slowest)} decided in {number(median)} ms at the median"
    most = f"{text}, 99 of 100 times within {number(tails[slowest])} ms"
    return f"The slowest: {most}" if len(every) > 1 else most


def _note(case: Case, every: dict[str, Floats], limit_ms: float | None) -> str:
    slot_s = case.first.ledger.slot_ns / NS_PER_S
    count = max(map(len, every.values()))
    note = (
        f"Wall-clock time of each of up to {number(count, 0)} decisions, one a slot, all seeds; a "
        f"slot lasts {number(slot_s, 0)} s. It follows the machine and what else ran on it, so "
        "it is no part of a digest."
    )
    return note if limit_ms is None else f"{note} Beyond the line a decision was not used."
