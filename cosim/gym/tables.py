"""Layouts as text: aligned columns that a terminal and a docs page can show."""

from __future__ import annotations

from collections.abc import Sequence

Cell = str | int | float


def text_table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Lay out rows under their heads; numbers keep four digits."""
    cells = [list(heads), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(heads))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _text(cell: Cell) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
