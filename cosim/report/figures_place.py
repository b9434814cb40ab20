"""The sites where they lie, and how many jobs went from one to another.

Positions are those of the scenario; there is no coast and no border, because the page loads no
map. Lines bend to the right of the way that jobs took, so that there and back can be told apart.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from cosim.report.figures_work import moves
from cosim.report.inputs import Case, Floats
from cosim.report.style import SYMBOLS, colour, figure, light
from cosim.report.words import number, percent, plain
from cosim.scenario.pools import pool_sites

_BEND = 0.16
_POINTS = 15
_WIDTH_MAX = 9.0


def site_map(case: Case, policy: str) -> go.Figure:
    """Sites by longitude and latitude, with the jobs that moved between them, all seeds."""
    sites = case.first.ledger.sites
    names = [plain(site) for site in sites]
    counts = np.sum([moves(run.jobs, len(sites)) for run in case.of(policy)], axis=0)
    counts = counts[:, : len(sites)]
    where, stretch = positions(case)
    note = (
        "A line for each way that jobs took, as wide as its share of them, bent to the right of "
        "the direction in which they went; the mark's size is what the site ran."
    )
    fig = figure(_title(counts, names), note, 460)
    away = counts - np.diag(np.diag(counts))
    for i, j in zip(*np.nonzero(away), strict=True):
        width = 1.0 + (_WIDTH_MAX - 1.0) * away[i, j] / away.max()
        _flow(fig, where[[i, j]], stretch, (names[i], names[j]), int(i), width, away[i, j])
    for i, name in enumerate(names):
        _site(fig, where[i], name, i, counts[:, i].sum(), counts.sum())
    ends = _frame(where)
    fig.update_xaxes(title_text="Longitude, °E", range=ends[0], zeroline=False)
    fig.update_yaxes(title_text="Latitude, °N", range=ends[1], zeroline=False)
    fig.update_yaxes(scaleanchor="x", scaleratio=stretch)
    fig.update_layout(showlegend=False)
    return fig


def positions(case: Case) -> tuple[Floats, float]:
    """Longitude and latitude of each site [°], and how much longer a degree north is than east.

    Sites and pools at one place are set apart by a small circle; longitudes run on across the
    date line.
    """
    places = [site.location for site in pool_sites(case.scenario).values()]
    lat = np.array([place.lat_deg for place in places])
    lon = np.array([place.lon_deg for place in places])
    east = np.angle(np.mean(np.exp(1j * np.radians(lon))), deg=True)
    lon = east + (lon - east + 180.0) % 360.0 - 180.0
    where = np.column_stack((lon, lat)).astype(np.float64)
    span = max(float(np.ptp(lon)), float(np.ptp(lat)), 1.0)
    for place in np.unique(where, axis=0):
        same = np.flatnonzero((where == place).all(axis=1))
        if len(same) > 1:
            turn = 2 * np.pi * np.arange(len(same)) / len(same)
            where[same] += 0.05 * span * np.column_stack((np.cos(turn), np.sin(turn)))
    return where, float(1.0 / max(np.cos(np.radians(lat.mean())), 0.2))


def _frame(where: Floats) -> list[list[float]]:
    """Ranges of both axes with room around the sites [°]."""
    least = 0.25 * max(float(np.ptp(where, axis=0).max()), 1.0)
    room = 0.25 * np.maximum(np.ptp(where, axis=0), least)
    ends = zip(where.min(axis=0) - room, where.max(axis=0) + room, strict=True)
    return [[float(low), float(high)] for low, high in ends]


def _title(counts: Floats, names: list[str]) -> str:
    away = counts - np.diag(np.diag(counts))
    if not away.any():
        return "No job left the site where it arrived"
    i, j = np.unravel_index(int(np.argmax(away)), away.shape)
    share = percent(float(away.sum() / counts.sum()), 0)
    return f"{share} of the jobs that ran moved, most of them from {names[i]} to {names[j]}"


def _flow(
    fig: go.Figure,
    ends: Floats,
    stretch: float,
    names: tuple[str, str],
    i: int,
    width: float,
    jobs: float,
) -> None:
    """A bent line with an arrow at its middle."""
    path = bent(ends, stretch)
    tint = colour(i)
    fig.add_scatter(
        x=light(path[:, 0]), y=light(path[:, 1]), mode="lines", name=f"{names[0]} → {names[1]}",
        line={"color": tint, "width": width}, opacity=0.55, hoverinfo="skip",
        meta={"skip": True},
    )  # fmt: skip
    middle = _POINTS // 2
    ahead = path[middle + 1] - path[middle - 1]
    angle = float(np.degrees(np.arctan2(ahead[0], ahead[1] * stretch)))
    fig.add_scatter(
        x=light(path[[middle], 0]),
        y=light(path[[middle], 1]),
        mode="markers",
        name=f"{names[0]} → {names[1]}",
        marker={"symbol": "arrow", "angle": angle, "size": 9 + 1.4 * width, "color": tint},
        customdata=[[names[0], names[1], float(jobs)]],
        hovertemplate=f"{names[0]} → {names[1]}: {number(float(jobs), 0)} jobs<extra></extra>",
    )


def bent(ends: Floats, stretch: float) -> Floats:
    """Points of a curve from one end to the other that bends to the right of its way."""
    along = (ends[1] - ends[0]) * np.array([1.0, stretch])
    right = np.array([along[1], -along[0]]) / np.array([1.0, stretch])
    t = np.linspace(0.0, 1.0, _POINTS)[:, None]
    bulge = 4.0 * t * (1.0 - t) * _BEND * right
    return np.asarray(ends[0] + t * (ends[1] - ends[0]) + bulge, dtype=np.float64)


def _site(fig: go.Figure, place: Floats, name: str, i: int, ran: float, total: float) -> None:
    share = ran / total if total else 0.0
    fig.add_scatter(
        x=light(place[:1]),
        y=light(place[1:]),
        mode="markers+text",
        name=name,
        text=[f"{name}<br>ran {percent(share, 0)}"],
        textposition="top center",
        marker={
            "color": colour(i),
            "symbol": SYMBOLS[i % len(SYMBOLS)],
            "size": 14 + 34 * float(np.sqrt(share)),
            "line": {"width": 1, "color": "white"},
        },
        customdata=[["", name, float(ran)]],
        hovertemplate=f"{name}: ran {number(float(ran), 0)} jobs<extra></extra>",
        cliponaxis=False,
    )
