"""Energy figures: where each site's power came from, what used it, battery and price."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from cosim.ledger import Ledger
from cosim.report.inputs import Case, Floats, power_kw, window
from cosim.report.style import (
    BLUES,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    figure,
    light,
    stride,
    thin,
    time_axis,
    utc_axis,
)
from cosim.report.words import percent, plain

_SOURCES = (
    ("solar_kwh", "solar", ORANGE),
    ("wind_kwh", "wind", SKY),
    ("discharge_kwh", "battery", GREEN),
    ("backup_kwh", "backup", YELLOW),
    ("import_kwh", "grid", GREY),
)
_OUTLETS = (
    ("charge_kwh", "charging", GREEN),
    ("export_kwh", "export", PURPLE),
    ("curtailed_kwh", "curtailed", VERMILION),
    ("spilled_kwh", "spilled", YELLOW),
)
_LOADS = tuple(
    (f"{name}_kwh", name, tint)
    for name, tint in zip(("compute", "cooling", "idle"), BLUES, strict=True)
)
_NOTE = (
    "Top: sources stacked upward; what was charged, sold or curtailed is drawn downward, so the "
    "stack exceeds the load line by just that much. Middle: what used the power. Bottom: how full "
    "the battery was, and the purchase price."
)


def site_energy(case: Case, policy: str, site: int) -> go.Figure:
    """Sources against load, the load's parts, charge and price of one site over the window.

    Args:
        case: what to draw; the first seed's run is shown.
        policy: whose run.
        site: index of the site.
    """
    ledger = case.shown(policy).ledger
    fig = make_subplots(
        rows=3,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.09,
        row_heights=[0.5, 0.25, 0.25],
        specs=[[{}], [{}], [{"secondary_y": True}]],
    )
    name = plain(ledger.sites[site])
    clean = percent(renewable_share(ledger, site), 0)
    title = f"{name}: {clean} of the load was met by sun, wind and what they had stored"
    figure(title, _NOTE, 680, fig)
    _sources(fig, case, ledger, site)
    _loads(fig, case, ledger, site)
    _state(fig, case, ledger, site)
    utc_axis(fig, case, row=3)
    _legends(fig)
    return fig


def _legends(fig: go.Figure) -> None:
    """Put each panel's own legend right above it."""
    for name, axis in (("legend", "yaxis"), ("legend2", "yaxis2"), ("legend3", "yaxis3")):
        top = fig.layout[axis].domain[1]
        place = {"x": 0, "y": top, "yanchor": "bottom", "orientation": "h"}
        fig.update_layout({name: {**place, "traceorder": "normal"}})
    fig.update_layout(hovermode="x", margin={"r": 64})


def renewable_share(ledger: Ledger, site: int) -> float:
    """Share of a site's load in the window that sun and wind served, directly or once stored.

    What a battery gives back is renewable in the proportion in which it was filled.
    """
    get = {c: float(window(ledger, c)[:, site].sum()) for c in ledger.data}
    loads = ("compute", "idle", "cooling")
    used = sum(get[f"{load}_kwh"] for load in loads) - get["unserved_kwh"]
    direct = sum(get[f"{s}_to_{load}_kwh"] for s in ("solar", "wind") for load in loads)
    stored = sum(get[f"{s}_to_store_kwh"] for s in ("solar", "wind"))
    filled = stored + get["grid_to_store_kwh"]
    from_battery = sum(get[f"battery_to_{load}_kwh"] for load in loads)
    clean = direct + (from_battery * stored / filled if filled > 0 else 0.0)
    return clean / used if used > 0 else float("nan")


def _area(
    fig: go.Figure, values: Floats, name: str, tint: str, group: str, **more: object
) -> None:
    fig.add_trace(
        go.Scatter(
            y=light(values),
            name=name,
            mode="lines",
            line={"width": 0.5, "color": tint},
            fillcolor=tint,
            stackgroup=group,
            hovertemplate="%{y:,.1f} kW",
            legend="legend2" if group == "load" else "legend",
            **more,
        ),
        row=2 if group == "load" else 1,
        col=1,
    )


def _sources(fig: go.Figure, case: Case, ledger: Ledger, site: int) -> None:
    x, every = time_axis(case, ledger, "middle"), stride(case)
    for column, name, tint in _SOURCES:
        values = thin(power_kw(ledger, column), every)[:, site]
        if values.any():
            _area(fig, values, name, tint, "source", **x)
    for column, name, tint in _OUTLETS:
        values = thin(power_kw(ledger, column), every)[:, site]
        if values.any():
            pattern = {"shape": "/", "size": 4, "solidity": 0.35, "fgcolor": tint}
            _area(fig, -values, name, tint, "outlet", fillpattern=pattern, **x)
    load = np.sum([thin(power_kw(ledger, c), every)[:, site] for c, _, _ in _LOADS], axis=0)
    line = go.Scatter(
        y=light(load),
        name="load",
        mode="lines",
        line={"width": 1.6},
        meta=INK,
        hovertemplate="%{y:,.1f} kW",
        **x,
    )
    fig.add_trace(line, row=1, col=1)
    fig.update_yaxes(title_text="Sources, kW", row=1, col=1)


def _loads(fig: go.Figure, case: Case, ledger: Ledger, site: int) -> None:
    x, every = time_axis(case, ledger, "middle"), stride(case)
    for column, name, tint in _LOADS:
        values = thin(power_kw(ledger, column), every)[:, site]
        _area(fig, values, name, tint, "load", **x)
    unserved = thin(power_kw(ledger, "unserved_kwh"), every)[:, site]
    if unserved.any():
        _area(fig, unserved, "unserved", VERMILION, "load", **x)
    fig.update_yaxes(title_text="Load, kW", row=2, col=1)


def _state(fig: go.Figure, case: Case, ledger: Ledger, site: int) -> None:
    every = stride(case)
    soc = 100.0 * thin(window(ledger, "soc"), every)[:, site]
    ends, starts = (time_axis(case, ledger, at) for at in ("end", "start"))
    price = 1000.0 * thin(window(ledger, "price_usd_kwh"), every)[:, site]
    if np.isfinite(soc).any() and soc.any():
        charge = go.Scatter(
            y=light(soc),
            name="battery charge",
            legend="legend3",
            line={"color": GREEN, "width": 1.8},
            hovertemplate="%{y:.0f} %",
            **ends,
        )
        fig.add_trace(charge, row=3, col=1)
    paid = go.Scatter(
        y=light(price),
        name="price",
        legend="legend3",
        line={"color": VERMILION, "width": 1.3, "shape": "hv", "dash": "dot"},
        hovertemplate="%{y:,.1f} USD/MWh",
        **starts,
    )
    fig.add_trace(paid, row=3, col=1, secondary_y=True)
    fig.update_yaxes(title_text="Charge, %", range=[0, 100], row=3, col=1, secondary_y=False)
    right = {"title_text": "Price, USD/MWh", "showgrid": False, "tickmode": "auto", "nticks": 4}
    fig.update_yaxes(**right, row=3, col=1, secondary_y=True)
