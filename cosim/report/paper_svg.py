"""Figures of the paper as plain SVG, drawn without a browser, readable on any page.

Each panel has an axis of its own; lines differ in colour and dash, dots in colour and shape, and
an interval is a band. A mark tells its numbers where a pointer rests on it.
"""

from __future__ import annotations

from html import escape
from math import ceil, isfinite

from cosim.report.svg import Axis, path, sheet, tick_x, tick_y, ticks
from cosim.study.paper_finding import Chart, Line, Panel

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
"""Okabe–Ito and a grey."""
DASHES = ("", "6 3", "2 2", "8 3 2 3", "10 4", "1 3", "4 4")
W, H, LEFT, RIGHT, TOP, BOTTOM, ROW = 320, 210, 58, 10, 26, 40, 13


def draw(chart: Chart) -> str:
    """Draw a chart as an SVG text.

    Args:
        chart: at least one panel.
    """
    across = min(chart.per_row, len(chart.panels))
    legend = max(len(panel.lines) for panel in chart.panels)
    high = H + ROW * (ceil(legend / 2) if legend > 1 else 0)
    width, height = across * W, ceil(len(chart.panels) / across) * high
    drawn = [
        _panel(panel, chart.x_title, W * (k % across), high * (k // across))
        for k, panel in enumerate(chart.panels)
    ]
    return sheet(width, height, drawn)


def _panel(panel: Panel, x_title: str, left: float, top: float) -> str:
    xs = _span([v for line in panel.lines for v in line.x], margin=0.02)
    ends = [(*line.y, *line.low, *line.high) for line in panel.lines]
    ys = _span([v for end in ends for v in end if v is not None], margin=0.06)
    x = Axis(*xs, left + LEFT, W - LEFT - RIGHT)
    y = Axis(*ys, top + H - BOTTOM, -(H - TOP - BOTTOM))
    parts = [
        f'<text x="{x.start:g}" y="{top + 12:g}" font-weight="bold">{escape(panel.title)}</text>',
        f'<text x="{x.start:g}" y="{top + 22:g}" fill="#555" font-size="9">'
        f"{escape(panel.y_title)}</text>",
        f'<text x="{x.start + x.length / 2:g}" y="{y.start + 27:g}" text-anchor="middle" '
        f'fill="#555" font-size="9">{escape(x_title)}</text>',
    ]
    parts += [tick_x(_text(value), x.at(value), y.start + 14) for value in ticks(*xs)]
    parts += [tick_y(_text(value), x, y.at(value)) for value in ticks(*ys)]
    for k, line in enumerate(panel.lines):
        parts += _dots(line, k, x, y) if line.style == "dots" else _line(line, k, x, y)
        if len(panel.lines) > 1:
            parts.append(_key(line, k, left, top))
    return "\n".join(parts)


def _span(values: list[float], margin: float) -> tuple[float, float]:
    known = [value for value in values if isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    wide = (high - low) or max(abs(high), 1.0)
    return low - margin * wide, high + margin * wide


def _text(value: float) -> str:
    text = f"{value:,.10g}" if abs(value) >= 1.0 else f"{value:.3g}"
    return text.replace("-", "−").replace("−0", "0") if value == 0.0 else text.replace("-", "−")


def _line(line: Line, k: int, x: Axis, y: Axis) -> list[str]:
    colour = COLOURS[k % len(COLOURS)]
    known = [(a, b) for a, b in zip(line.x, line.y, strict=True) if b is not None]
    dash = f' stroke-dasharray="{DASHES[k % len(DASHES)]}"' if DASHES[k % len(DASHES)] else ""
    parts = _band(line, colour, x, y)
    parts.append(
        f'<polyline points="{path(known, x, y)}" fill="none" stroke="{colour}" '
        f'stroke-width="1.6"{dash}/>'
    )
    if len(known) <= 12:
        parts += [
            f'<circle cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="2.2" fill="{colour}">'
            f"<title>{escape(line.label)}: {a:g}, {b:,.4g}</title></circle>"
            for a, b in known
        ]
    return parts


def _band(line: Line, colour: str, x: Axis, y: Axis) -> list[str]:
    ends = [
        (a, low, high)
        for a, low, high in zip(line.x, line.low, line.high, strict=False)
        if low is not None and high is not None
    ]
    if not ends:
        return []
    there = [(a, high) for a, _, high in ends]
    back = [(a, low) for a, low, _ in reversed(ends)]
    area = path(there + back, x, y)
    return [f'<polygon points="{area}" fill="{colour}" fill-opacity="0.15"/>']


def _dots(line: Line, k: int, x: Axis, y: Axis) -> list[str]:
    return [
        _mark(x.at(a), y.at(b) + 2.0 * (k - 1), k)
        for a, b in zip(line.x, line.y, strict=True)
        if b is not None
    ]


def _mark(x: float, y: float, k: int) -> str:
    """Circle, square, triangle in turn, in the colour of the k-th."""
    colour = COLOURS[k % len(COLOURS)]
    style = f'fill="{colour}" fill-opacity="0.55"'
    if k % 3 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" {style}/>'
    if k % 3 == 1:
        return f'<rect x="{x - 1.8:.1f}" y="{y - 1.8:.1f}" width="3.6" height="3.6" {style}/>'
    return f'<path d="M{x - 2.2:.1f} {y + 1.8:.1f}h4.4l-2.2 -4z" {style}/>'


def _key(line: Line, k: int, left: float, top: float) -> str:
    """A line of the legend, in two columns below the panel."""
    x, y = left + 14 + (W / 2 - 8) * (k % 2), top + H + 1 + ROW * (k // 2)
    colour, dash = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
    if line.style == "dots":
        mark = _mark(x + 9, y - 3, k)
    else:
        mark = (
            f'<line x1="{x:g}" x2="{x + 18:g}" y1="{y - 3:g}" y2="{y - 3:g}" stroke="{colour}" '
            f'stroke-width="1.6"{f" stroke-dasharray={chr(34)}{dash}{chr(34)}" if dash else ""}/>'
        )
    return f'{mark}<text x="{x + 23:g}" y="{y:g}">{escape(line.label)}</text>'
