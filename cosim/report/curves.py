"""Learning curves as a plain SVG: small panels side by side, a line with its interval per learner.

Text on a page that knows no scripts, as a README on the web, needs pictures that are files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from cosim.report.svg import Axis, path, sheet, tick_x, tick_y, ticks

COLOURS = {"grey": "#777777", "blue": "#0072B2", "orange": "#E69F00", "green": "#009E73"}
"""Okabe–Ito."""
PANEL_W, PANEL_H, PER_ROW, LABEL_W = 250, 170, 3, 110
LEFT, RIGHT, TOP, BOTTOM, FOOT = 52, 14, 22, 34, 40


@dataclass(frozen=True)
class Line:
    """One learner in one panel.

    Attributes:
        label: what it is.
        colour: of :data:`COLOURS`.
        x: where it was judged.
        y: the figure.
        low: lower end of its interval.
        high: upper end.
    """

    label: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """Lines that share axes.

    Attributes:
        title: above them.
        lines: the lines; the first is drawn first.
    """

    title: str
    lines: Sequence[Line]


def curves(panels: Sequence[Panel], x_title: str, y_title: str) -> str:
    """Draw panels with common axes as an SVG text; lines of one label have one colour.

    Args:
        panels: at least one, with at least one line.
        x_title: quantity and unit.
        y_title: quantity and unit.
    """
    lines = [line for panel in panels for line in panel.lines]
    xs = (min(min(line.x) for line in lines), max(max(line.x) for line in lines))
    ys = (min(min(line.low) for line in lines), max(max(line.high) for line in lines))
    rows = -(-len(panels) // PER_ROW)
    width, height = PER_ROW * PANEL_W, rows * PANEL_H + FOOT
    drawn = [
        _panel(panel, PANEL_W * (k % PER_ROW), PANEL_H * (k // PER_ROW), _wide(xs), _wide(ys))
        for k, panel in enumerate(panels)
    ]
    caption = f"{x_title} (across) · {y_title} (up)"
    foot = (
        f'<text x="{width / 2}" y="{height - 6}" text-anchor="middle">\n{escape(caption)}</text>'
    )
    labels = {line.label: COLOURS[line.colour] for line in lines}
    return sheet(width, height, [*drawn, *_legend(labels, height - FOOT + 12), foot])


def _legend(labels: Mapping[str, str], up: float) -> list[str]:
    """A row of all labels, each behind a piece of its line."""
    return [
        f'<line x1="{LEFT + LABEL_W * k}" x2="{LEFT + LABEL_W * k + 20}" y1="{up - 3}" '
        f'y2="{up - 3}" stroke="{colour}" stroke-width="2.5"/>'
        f'<text x="{LEFT + LABEL_W * k + 25}" y="{up}">{escape(label)}</text>'
        for k, (label, colour) in enumerate(labels.items())
    ]


def _wide(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _panel(
    panel: Panel, left: float, top: float, xs: tuple[float, float], ys: tuple[float, float]
) -> str:
    x = Axis(*xs, left + LEFT, PANEL_W - LEFT - RIGHT)
    y = Axis(*ys, top + PANEL_H - BOTTOM, -(PANEL_H - TOP - BOTTOM))
    parts = [f'<text x="{x.start}" y="{top + 14}" font-weight="bold">{escape(panel.title)}</text>']
    parts += [tick_x(f"{value:,.0f}", x.at(value), y.start + 13) for value in ticks(*xs)]
    parts += [tick_y(f"{value:,.0f}", x, y.at(value)) for value in ticks(*ys)]
    for line in panel.lines:
        parts += _line(line, x, y)
    return "\n".join(parts)


def _line(line: Line, x: Axis, y: Axis) -> list[str]:
    colour = COLOURS[line.colour]
    there = list(zip(line.x, line.high, strict=True))
    back = reversed(list(zip(line.x, line.low, strict=True)))
    band = path([*there, *back], x, y)
    middle = path(zip(line.x, line.y, strict=True), x, y)
    return [
        f'<polygon points="{band}" fill="{colour}" fill-opacity="0.18"/>',
        f'<polyline points="{middle}" fill="none" stroke="{colour}" stroke-width="1.6"/>',
    ]
