"""Regret and its parts as bars, one per policy: a figure in SVG that needs no library."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

PARTS = (
    ("lumps_usd", "lumps", "#4477aa"),
    ("planning_usd", "planning", "#ddaa33"),
    ("forecasts_usd", "forecasts", "#bb5566"),
)
LEFT, WIDTH, BAR, GAP, TOP = 150, 520, 20, 10, 44


def figure(found: Mapping[str, Any]) -> str:
    """Draw the regret of each policy; what takes away from it goes to the left of the line.

    Args:
        found: what :meth:`cosim.study.regret.Regret.to_json` gives.
    """
    rows = {p: [row[name]["mean"] for name, _, _ in PARTS] for p, row in found["policies"].items()}
    most = max(sum(max(v, 0.0) for v in row) for row in rows.values())
    least = min(sum(min(v, 0.0) for v in row) for row in rows.values())
    scale = WIDTH / max(most - least, 1e-9)
    zero = LEFT - least * scale
    height = TOP + len(rows) * (BAR + GAP) + 10
    title = f"{found['scenario']}, energy layer {found['energy']}: regret to the bound [USD]"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="16" font-weight="bold">{escape(title)}</text>',
        *_legend(),
    ]
    for number, (policy, row) in enumerate(rows.items()):
        parts += _bar(policy, row, TOP + number * (BAR + GAP), zero, scale)
    line = f'<line x1="{zero:.1f}" x2="{zero:.1f}" y1="{TOP - 4}" y2="{height - 6}"'
    return "\n".join([*parts, f'{line} stroke="black"/>', "</svg>", ""])


def _legend() -> list[str]:
    parts = []
    for number, (_, label, colour) in enumerate(PARTS):
        x = LEFT + 110 * number
        parts.append(f'<rect x="{x}" y="24" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="34">{label}</text>')
    return parts


def _bar(policy: str, row: list[float], top: int, zero: float, scale: float) -> list[str]:
    """The parts of one policy, side by side on either side of the line, and their sum."""
    parts = [f'<text x="{LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(policy)}</text>']
    right, left = zero, zero
    for value, (_, label, colour) in zip(row, PARTS, strict=True):
        wide = abs(value) * scale
        x = right if value >= 0.0 else left - wide
        right, left = (right + wide, left) if value >= 0.0 else (right, left - wide)
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{wide:.1f}" height="{BAR}" fill="{colour}">'
            f"<title>{label}: {value:.0f} USD</title></rect>"
        )
    parts.append(f'<text x="{right + 6:.1f}" y="{top + 15}">{sum(row):.0f}</text>')
    return parts
