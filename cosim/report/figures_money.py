"""Money figures: from revenue to utility, and how a policy's lead grew over the window."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from cosim.ledger import SIGNS
from cosim.report.inputs import Case, Floats
from cosim.report.style import (
    BLUE,
    GREEN,
    VERMILION,
    colour,
    dash,
    figure,
    light,
    see_through,
    stride,
    time_axis,
    utc_axis,
)
from cosim.report.words import number, percent, plain, signed

TERMS = (
    ("revenue_usd", "revenue"),
    ("late_penalty_usd", "penalties"),
    ("transfer_usd", "transfer"),
    ("import_usd", "energy import"),
    ("export_usd", "energy export"),
    ("carbon_usd", "carbon"),
    ("wear_usd", "battery wear"),
    ("unserved_usd", "unserved energy"),
    ("demand_usd", "demand charges"),
    ("fixed_usd", "fixed charges"),
    ("true_up_usd", "true-up"),
    ("curtailment_usd", "curtailment"),
    ("backup_usd", "backup"),
    ("dr_usd", "demand response"),
    ("settlement_usd", "stored energy"),
)


def money_terms(case: Case, policy: str) -> dict[str, float]:
    """Signed mean over seeds of every money column [USD], in the order of the waterfall."""
    runs = case.of(policy)
    return {
        column: SIGNS[column] * sum(run.ledger.total(column) for run in runs) / len(runs)
        for column, _ in TERMS
    }


def waterfall(case: Case, policy: str) -> go.Figure:
    """From revenue down to utility [USD], mean over seeds; terms that are zero are left out."""
    terms = money_terms(case, policy)
    utility = sum(terms.values())
    revenue = terms["revenue_usd"]
    kept = [(column, name) for column, name in TERMS if terms[column] != 0.0]
    absent = [name for column, name in TERMS if terms[column] == 0.0]
    title = f"{plain(policy)} ends with a utility of {number(utility, 0)} USD"
    if revenue > 0:
        title += f", {percent(utility / revenue, 0)} of its revenue"
    note = f"Mean over {len(case.seeds)} seed{'s' if len(case.seeds) > 1 else ''}."
    if absent:
        note += f" Zero and left out: {', '.join(absent)}."
    fig = figure(title, note, 380)
    amounts = [terms[column] for column, _ in kept]
    digits = 0 if max(map(abs, (*amounts, utility))) >= 1000 else 2
    fig.add_waterfall(
        x=[*(name for _, name in kept), "utility"],
        y=[*amounts, utility],
        measure=["relative"] * len(kept) + ["total"],
        text=[*(signed(amount, digits) for amount in amounts), number(utility, digits)],
        textposition="outside",
        name=plain(policy),
        increasing={"marker": {"color": GREEN}},
        decreasing={"marker": {"color": VERMILION}},
        totals={"marker": {"color": BLUE}},
        connector={"line": {"width": 1, "color": "rgba(128,128,128,0.5)"}},
        cliponaxis=False,
        hovertemplate="%{x}: %{text} USD<extra></extra>",
    )
    fig.update_xaxes(title_text="", type="category", showgrid=False)
    fig.update_yaxes(title_text="USD")
    fig.update_layout(showlegend=False)
    return fig


def lead_usd(case: Case, policy: str) -> Floats:
    """Cumulative utility lead over the baseline [USD], shape (seeds, slots); drain in the last."""
    rows: list[Floats] = []
    for seed in case.seeds:
        mine = case.runs[policy, seed].ledger
        base = case.runs[case.baseline or policy, seed].ledger
        rows.append(
            _per_slot(mine.utility_usd(), mine.slots) - _per_slot(base.utility_usd(), base.slots)
        )
    return np.cumsum(np.array(rows, dtype=np.float64), axis=1)


def _per_slot(utility: Floats, slots: int) -> Floats:
    per_slot = utility.sum(axis=1)
    window = per_slot[:slots].copy()
    window[-1] += per_slot[slots:].sum()
    return np.asarray(window, dtype=np.float64)


def lead_over_day(case: Case) -> go.Figure:
    """How far each policy is ahead of the baseline over the window, with the seeds' fan."""
    others = [p for p in case.policies if p != case.baseline]
    leads = {p: lead_usd(case, p) for p in others}
    top = max(others, key=lambda p: float(leads[p][:, -1].mean()))
    end = float(leads[top][:, -1].mean())
    base = plain(case.baseline or "")
    ahead = "ahead of" if end >= 0 else "behind"
    title = f"At the end {plain(top)} is {number(abs(end), 0)} USD {ahead} {base}"
    note = (
        "Lines: mean over seeds; bands: from the lowest to the highest seed. Revenue counts when "
        "a job ends; the last point adds the drain and the settlement of stored energy."
    )
    fig = figure(title, note, 380)
    for i, policy in enumerate(case.policies):
        if policy in leads:
            _fan(fig, case, policy, leads[policy], i)
    utc_axis(fig, case)
    fig.update_yaxes(title_text=f"Utility lead over {base}, USD", zeroline=True)
    fig.update_layout(hovermode="x")
    return fig


def _fan(fig: go.Figure, case: Case, policy: str, lead: Floats, i: int) -> None:
    ledger = case.shown(policy).ledger
    every = stride(case)
    picks = np.append(np.arange(every - 1, lead.shape[1] - 1, every), lead.shape[1] - 1)
    x = dict(time_axis(case, ledger, "end"))
    tint, name = colour(i), plain(policy)
    if lead.shape[0] > 1:
        bounds = (("lowest", lead.min(axis=0), None), ("highest", lead.max(axis=0), "tonexty"))
        for edge, values, fill in bounds:
            fig.add_scatter(
                y=light(values[picks]),
                name=f"{name}, {edge} seed",
                mode="lines",
                line={"width": 0, "color": tint},
                fill=fill,
                fillcolor=see_through(tint),
                legendgroup=name,
                showlegend=False,
                hoverinfo="skip",
                **x,
            )
    fig.add_scatter(
        y=light(lead.mean(axis=0)[picks]),
        name=name,
        mode="lines",
        legendgroup=name,
        line={"color": tint, "dash": dash(i), "width": 1.8},
        hovertemplate="%{y:,.0f} USD",
        **x,
    )
