"""What the bought energy cost and carried: price against carbon, each hour of each site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import plotly.graph_objects as go

from cosim.ledger import Ledger
from cosim.quantities import NS_PER_HOUR, NS_PER_S
from cosim.report.inputs import Case, Floats, window
from cosim.report.style import INK, SYMBOLS, colour, figure, light, stride
from cosim.report.words import number, plain

BOUGHT_COLUMNS = ("bought_kwh", "from_utc")
_AREA_MAX_PX = 34.0
_LEAST_KWH = 1e-6
"""Less than this is rounding, and has no mark."""


@dataclass(frozen=True)
class Bought:
    """Energy from the grid with its price and carbon, by hour (or longer) and site.

    Attributes:
        kwh: what was bought, shape (hours, sites).
        price_usd_mwh: mean price of it [USD/MWh]; NaN where nothing was bought.
        carbon_g_kwh: mean carbon intensity of it [g/kWh]; NaN where nothing was bought.
        every: slots in an hour of it.
    """

    kwh: Floats
    price_usd_mwh: Floats
    carbon_g_kwh: Floats
    every: int

    def mean(self, what: Floats) -> float:
        """Mean of a price or an intensity over all that was bought; NaN where nothing was."""
        total = float(self.kwh.sum())
        return float((np.nan_to_num(what) * self.kwh).sum() / total) if total else float("nan")


def bought(case: Case, ledger: Ledger) -> Bought:
    """Sum up what each site bought, hour by hour, or in longer steps where the window is long."""
    every = max(stride(case), round(NS_PER_HOUR / ledger.slot_ns), 1)
    kwh = window(ledger, "import_kwh")
    edges = np.arange(0, len(kwh), every)
    summed = [
        np.add.reduceat(kwh * factor, edges, axis=0)
        for factor in (1.0, window(ledger, "price_usd_kwh"), window(ledger, "carbon_g_kwh"))
    ]
    some = np.where(summed[0] > 0, summed[0], np.nan)
    return Bought(summed[0], 1000.0 * summed[1] / some, summed[2] / some, every)


def price_carbon(case: Case, policy: str) -> go.Figure:
    """Price against carbon intensity of what was bought, a mark per site and hour.

    Args:
        case: what to draw; the first seed's run is shown.
        policy: whose run.
    """
    ledger = case.shown(policy).ledger
    found = bought(case, ledger)
    hours = found.every * ledger.slot_ns / NS_PER_HOUR
    note = (
        f"A mark for each site and {number(hours, 0) + ' hours' if hours > 1 else 'hour'}, its "
        "area the energy bought from the grid; left is cheap, low is clean. The cross is the mean "
        "of what was bought, the circle that of all hours and sites alike. What sun, wind and "
        "batteries gave is not in it."
    )
    fig = figure(_title(found, ledger), note, 420)
    for site, name in enumerate(ledger.sites):
        _marks(fig, case, ledger, found, site, plain(name))
    _means(fig, found, ledger)
    fig.update_xaxes(title_text="Price, USD/MWh")
    fig.update_yaxes(title_text="Carbon intensity, g/kWh", rangemode="tozero")
    measures = ["energy_cost_usd", "carbon_kg"]
    fig.layout.meta = {**fig.layout.meta, "columns": list(BOUGHT_COLUMNS), "measures": measures}
    return fig


def _even(ledger: Ledger) -> tuple[float, float]:
    """Mean price [USD/MWh] and carbon intensity [g/kWh] of all slots and sites alike."""
    price, carbon = window(ledger, "price_usd_kwh"), window(ledger, "carbon_g_kwh")
    return 1000.0 * float(price.mean()), float(carbon.mean())


def _title(found: Bought, ledger: Ledger) -> str:
    if found.kwh.max(initial=0.0) <= _LEAST_KWH:
        return "Nothing was bought from the grid"
    price, carbon = found.mean(found.price_usd_mwh), found.mean(found.carbon_g_kwh)
    even = _even(ledger)
    return (
        f"What was bought cost {number(price, 1)} USD/MWh and carried {number(carbon, 0)} g/kWh; "
        f"the mean hour of a site had {number(even[0], 1)} and {number(even[1], 0)}"
    )


def _marks(
    fig: go.Figure, case: Case, ledger: Ledger, found: Bought, site: int, name: str
) -> None:
    rows = np.flatnonzero(found.kwh[:, site] > _LEAST_KWH)
    kwh = found.kwh[rows, site]
    step_s = found.every * ledger.slot_ns / NS_PER_S
    starts = [f"{case.start + timedelta(seconds=step_s * int(k)):%Y-%m-%dT%H:%MZ}" for k in rows]
    fig.add_scatter(
        x=light(found.price_usd_mwh[rows, site]),
        y=light(found.carbon_g_kwh[rows, site]),
        name=name,
        mode="markers",
        customdata=[[float(f"{e:.6g}"), at] for e, at in zip(kwh, starts, strict=True)],
        marker={
            "color": colour(site),
            "symbol": SYMBOLS[site % len(SYMBOLS)],
            "opacity": 0.55,
            "size": light(kwh),
            "sizemode": "area",
            "sizeref": max(float(found.kwh.max(initial=0.0)), 1e-9) * 2 / _AREA_MAX_PX**2,
            "sizemin": 2,
        },
        hovertemplate=f"{name}, %{{customdata[1]}}: %{{customdata[0]:,.1f}} kWh at "
        "%{x:,.1f} USD/MWh, %{y:,.0f} g/kWh<extra></extra>",
    )


def _means(fig: go.Figure, found: Bought, ledger: Ledger) -> None:
    """The mean of what was bought, and that of all hours and sites alike."""
    even = _even(ledger)
    mine = (found.mean(found.price_usd_mwh), found.mean(found.carbon_g_kwh))
    for name, symbol, (price, carbon) in (
        ("mean of what was bought", "x-thin", mine),
        ("mean of all hours and sites", "circle-open", even),
    ):
        if np.isfinite(price):
            fig.add_scatter(
                x=[price],
                y=[carbon],
                name=name,
                mode="markers",
                marker={"symbol": symbol, "size": 15, "line": {"width": 2.5}},
                meta=INK,
                hovertemplate=f"{name}: %{{x:,.1f}} USD/MWh, %{{y:,.0f}} g/kWh<extra></extra>",
            )
