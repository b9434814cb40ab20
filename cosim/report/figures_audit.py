"""Audit figure: how well the energy balance closed, slot by slot and site by site."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from cosim.ledger import Ledger
from cosim.report.inputs import Case, Floats
from cosim.report.style import BLUE, figure, light
from cosim.report.words import number, tiny

_EXACT = "exact"


def residuals_kwh(ledger: Ledger) -> Floats:
    """Size of the balance residual of each slot and site [kWh], drain included."""
    return np.abs(ledger.data["residual_kwh"])


def relative_residuals(ledger: Ledger) -> Floats:
    """Residual over the energy that passed the site in the slot (at least 1 kWh), ratio."""
    data = ledger.data
    inflow = data["import_kwh"] + data["solar_kwh"] + data["wind_kwh"] + data["discharge_kwh"]
    return residuals_kwh(ledger) / np.maximum(inflow, 1.0)


def residual_histogram(case: Case) -> go.Figure:
    """Decades of the energy balance residual over all slots, sites, policies and seeds."""
    every = np.concatenate(
        [residuals_kwh(case.runs[p, s].ledger).ravel() for p in case.policies for s in case.seeds]
    )
    worst = float(every.max(initial=0.0))
    title = f"The energy balance closed to {tiny(worst)} kWh at worst"
    note = (
        f"{number(float(len(every)), 0)} slots × sites over all policies and seeds, each "
        "with the worst of its meter bins. “exact” means no residual at all."
    )
    labels, counts = _decades(every)
    fig = figure(title, note, 280)
    fig.add_bar(
        x=labels,
        y=light(counts),
        name="slots × sites",
        marker={"color": BLUE, "line": {"width": 0}},
        hovertemplate="%{x} kWh: %{y:,.0f} slots × sites<extra></extra>",
    )
    fig.update_xaxes(title_text="Size of the residual, kWh", type="category", showgrid=False)
    fig.update_yaxes(title_text="Slots × sites, 1", rangemode="tozero")
    fig.update_layout(showlegend=False, bargap=0.3)
    return fig


def _decades(sizes: Floats) -> tuple[list[str], list[float]]:
    powers = np.floor(np.log10(sizes[sizes > 0])).astype(np.int64)
    span = range(int(powers.min()), int(powers.max()) + 1) if len(powers) else range(0)
    labels = [_EXACT, *(f"1e{p} to 1e{p + 1}" for p in span)]
    counts = [float(np.count_nonzero(sizes == 0)), *(float((powers == p).sum()) for p in span)]
    return labels, counts
