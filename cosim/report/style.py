"""The look of every figure: Okabe–Ito colours, UTC axes, units on every axis, no chart junk.

Colours are those of Okabe and Ito, "Color Universal Design" (2008), told apart by people with
the common colour-vision deficiencies. Text, grid and lines marked ``INK`` take the page's theme
in the browser. Title and note travel in ``layout.meta`` and are set as text around the figure.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from cosim.ledger import Ledger
from cosim.quantities import NS_PER_S
from cosim.report.inputs import Case, Floats

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#999999"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY, YELLOW)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = (0, 1, 2, 5, 3, 4, 17, 14)
"""Marks of the n-th site by plotly's numbers: circle, square, diamond, triangle, cross, x, star,
hexagon; 100 more leaves them open."""
INK = {"ink": True}
DEPTH = [[0.0, "rgba(0,114,178,0.05)"], [1.0, "rgba(0,114,178,1)"]]
DEPTH_UNDER_TEXT = [[0.0, "rgba(0,114,178,0.04)"], [1.0, "rgba(0,114,178,0.5)"]]
BLUES = (BLUE, "#7FB8D8", "#BFDCEC")
POINTS_MAX, POINTS_MIN = 480, 96
SERIES_FULL = 24
UTC_AXIS = "Time, UTC"


def figure(title: str, note: str, height: int, base: go.Figure | None = None) -> go.Figure:
    """Return a figure with its title, what-you-see note and the common layout."""
    fig = go.Figure() if base is None else base
    fig.update_layout(template=None, **common_layout(title, note, height))
    return fig


def common_layout(title: str, note: str, height: int) -> dict[str, Any]:
    """Return what the layouts of all figures share."""
    return {
        "height": height,
        "margin": {"l": 64, "r": 24, "t": 36, "b": 48},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "title": {}},
        "hovermode": "closest",
        "separators": ".\u202f",
        "meta": {"title": title, "note": note},
    }


def utc_axis(fig: go.Figure, case: Case, row: int | None = None) -> None:
    """Make every x axis a time axis in UTC over the window, with its title at one row."""
    ledger = case.first.ledger
    ends = (case.start, case.start + timedelta(seconds=ledger.slots * ledger.slot_ns / NS_PER_S))
    fig.update_xaxes(
        type="date",
        range=[f"{end:%Y-%m-%dT%H:%M:%S}" for end in ends],
        hoverformat="%d %b %Y %H:%M UTC",
        tickformatstops=[{"dtickrange": [None, 86_399_999], "value": "%H:%M\n%-d %b %Y"}],
    )
    column = None if row is None else 1
    fig.update_xaxes(title_text=UTC_AXIS, title_standoff=8, row=row, col=column)


def colour(index: int) -> str:
    """Colour of the n-th policy or site."""
    return CYCLE[index % len(CYCLE)]


def dash(index: int) -> str:
    """Line style of the n-th policy or site, so that colour is not the only cue."""
    return DASHES[index % len(DASHES)]


def see_through(tint: str) -> str:
    """The colour of a band around a line of this colour."""
    red, green, blue = (int(tint[k : k + 2], 16) for k in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"


def light(numbers: Any) -> NDArray[np.float32]:
    """Round to float32, which the page stores in half the bytes and no figure can show."""
    return np.ascontiguousarray(numbers, dtype=np.float32)


_KINDS = {"float32": "f4", "float64": "f8", "int16": "i2", "int32": "i4"}


def packed(numbers: NDArray[Any]) -> dict[str, str]:
    """Write an array as plotly.js reads it: its bytes, little-endian, in base 64.

    plotly.py does the same for the arrays of a figure; figures that are drawn once an hour are
    made without it, because its checks take a tenth of a second for each of them.
    """
    kind = _KINDS[numbers.dtype.name]
    plain = np.ascontiguousarray(numbers, dtype=f"<{kind}")
    told = {"dtype": kind, "bdata": base64.b64encode(plain.tobytes()).decode()}
    if numbers.ndim > 1:
        told["shape"] = ", ".join(map(str, numbers.shape))
    return told


def stride(case: Case) -> int:
    """Slots that one drawn point stands for, so that figures and the page stay small.

    A series has at most ``POINTS_MAX`` points, fewer where many sites and policies share a page.
    """
    series = len(case.policies) * len(case.first.ledger.sites)
    points = max(POINTS_MIN, min(POINTS_MAX, POINTS_MAX * SERIES_FULL // series))
    return max(1, -(-case.first.ledger.slots // points))


def thin(values: Floats, every: int) -> Floats:
    """Mean of each group of slots; the last group may be shorter. Works along axis 0."""
    if every == 1:
        return values
    edges = np.arange(0, values.shape[0], every)
    counts = np.diff(np.append(edges, values.shape[0]))
    sums = np.add.reduceat(values, edges, axis=0)
    return np.asarray(sums / counts.reshape(-1, *(1,) * (values.ndim - 1)), dtype=np.float64)


def time_axis(
    case: Case, ledger: Ledger, at: Literal["start", "middle", "end"]
) -> Mapping[str, Any]:
    """Return ``x0`` and ``dx`` of a series with one point per group of slots.

    Args:
        case: gives the first instant.
        ledger: gives the slots.
        at: where in its group a point stands: means in the middle, closing values at the end.
    """
    step_s = stride(case) * ledger.slot_ns / NS_PER_S
    first = case.start + timedelta(seconds=step_s * {"start": 0.0, "middle": 0.5, "end": 1.0}[at])
    return {"x0": first.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3], "dx": step_s * 1000.0}
