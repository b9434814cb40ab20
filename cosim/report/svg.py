"""What the plain SVG figures share: the sheet they lie on, axes, ticks and lines of a panel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

TICKS_MIN = 3


@dataclass(frozen=True)
class Axis:
    """Where values lie on a sheet.

    Attributes:
        low: value at the start.
        high: value at the other end.
        start: where the axis begins [px].
        length: how far it goes [px]; negative: upwards.
    """

    low: float
    high: float
    start: float
    length: float

    def at(self, value: float) -> float:
        """Place of a value [px]."""
        return self.start + self.length * (value - self.low) / (self.high - self.low)


def sheet(width: float, height: float, drawn: Iterable[str]) -> str:
    """A whole SVG text: a white sheet [px] with what was drawn on it."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="10">'
    )
    ground = f'<rect width="{width}" height="{height}" fill="white"/>'
    return "\n".join([head, ground, *drawn, "</svg>\n"])


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two different ends: three to six, as few as can be."""
    unit = 10.0 ** floor(log10(high - low))
    for step in (5.0 * unit, 2.0 * unit, unit, unit / 2.0, unit / 5.0):
        found = [k * step for k in range(ceil(low / step), floor(high / step) + 1)]
        if len(found) >= TICKS_MIN:
            break
    return found


def tick_x(text: str, across: float, below: float) -> str:
    """A number under the axis; places in px."""
    return f'<text x="{across:.1f}" y="{below:.1f}" text-anchor="middle" fill="#555">{text}</text>'


def tick_y(text: str, x: Axis, up: float) -> str:
    """A number before the axis and its line through the panel; ``up`` in px."""
    return (
        f'<line x1="{x.start:g}" x2="{x.start + x.length:g}" y1="{up:.1f}" y2="{up:.1f}" '
        f'stroke="#ddd"/><text x="{x.start - 4:g}" y="{up + 3:.1f}" text-anchor="end" '
        f'fill="#555">{text}</text>'
    )


def path(places: Iterable[tuple[float, float]], x: Axis, y: Axis) -> str:
    """Places of pairs of values, as a line or an area takes them."""
    return " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in places)
