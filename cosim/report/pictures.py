"""Figures as files for papers and slides: PNG or SVG, one per figure of a report.

The report is opened in a browser without a window, which hands out each figure as plotly.js draws
it, in the light view and at a width of 17 cm, that of two columns of a paper.
"""

from __future__ import annotations

import base64
import json
import re
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import unquote_to_bytes

from cosim.errors import UsageError
from cosim.report.browser import Browser, browsing
from cosim.store.atomic import write_with

Format = Literal["png", "svg"]
WIDTH_PX = 960
VIEW_PX = 1100
SCALE = 2
_SAFE = re.compile(r"[a-z0-9-]+")
_DRAW = """(async () => {
  const box = document.querySelector('figure[data-panel="%(key)s"]');
  const plot = box.querySelector('.plot'), title = box.querySelector('.title').textContent;
  const font = { size: 17, color: getComputedStyle(document.body).color };
  const layout = { ...plot.layout, paper_bgcolor: 'white', plot_bgcolor: 'white',
    width: %(width)d, height: parseFloat(plot.style.height) + 44,
    margin: { ...plot.layout.margin, t: (plot.layout.margin.t || 36) + 44 },
    title: { text: title.replaceAll('<', '‹'), font, x: 0.02, xanchor: 'left', y: 0.98,
      yanchor: 'top', yref: 'container', automargin: false } };
  return Plotly.toImage({ data: plot.data, layout },
    { format: '%(format)s', width: layout.width, height: layout.height, scale: %(scale)d });
})()"""


_CHOOSE = """(() => {
  const labels = [...document.querySelectorAll('label:has(input[data-policy])')];
  const named = labels.find((label) => label.textContent.trim() === %s);
  if (named) named.querySelector('input').click();
  return named ? [] : labels.map((label) => label.textContent.trim());
})()"""
_THEME = """(() => {
  document.documentElement.dataset.theme = '%s';
  document.getElementById('theme').click();
})()"""


def write_pictures(
    page: Path, folder: Path, form: Format, *, policy: str | None = None
) -> list[Path]:
    """Write every figure of a report as a file named after the figure.

    With ``png``, the top of the page is written too, as ``page-light`` and ``page-dark``.

    Args:
        page: the report.
        folder: where to; made if missing.
        form: ``png`` (at twice the size in pixels) or ``svg``.
        policy: whose figures, where there is a choice; default: those that are shown first.

    Returns:
        The files in the order of the page.

    Raises:
        UsageError: there is no browser, it cannot draw the page, or no such policy is on it.
    """
    with browsing() as browser:
        browser.open(page)
        others = browser.run(_CHOOSE % json.dumps(policy)) if policy is not None else []
        if others:
            raise UsageError(f"{page} has no policy `{policy}`; it has: {', '.join(others)}")
        files = _views(browser, folder) if form == "png" else []
        browser.run(_THEME % "dark")
        listed = "[...document.querySelectorAll('figure[data-panel]')].map(f => f.dataset.panel)"
        return [
            *files,
            *(draw_picture(browser, str(key), folder, form) for key in browser.run(listed)),
        ]


def _views(browser: Browser, folder: Path) -> list[Path]:
    """The top of the page in both of its views."""
    files = []
    for before, view in (("light", "dark"), ("dark", "light")):
        browser.run(_THEME % before)
        picture = browser.picture(height_px=VIEW_PX)
        files.append(folder / f"page-{view}.png")
        write_with(files[-1], partial(_put, content=picture))
    return files


def draw_picture(browser: Browser, key: str, folder: Path, form: Format) -> Path:
    """Write one figure of the page that the browser has open.

    Raises:
        UsageError: it has no such name, or the browser cannot draw it.
    """
    if not _SAFE.fullmatch(key):
        raise UsageError(f"{json.dumps(key)} is no name of a figure; was the page changed?")
    asked = {"key": key, "width": WIDTH_PX, "format": form, "scale": SCALE}
    head, _, content = str(browser.run(_DRAW % asked)).partition(",")
    if not head.startswith(f"data:image/{form}"):
        raise UsageError(f"the browser could not draw figure `{key}`")
    binary = base64.b64decode(content) if ";base64" in head else unquote_to_bytes(content)
    path = folder / f"{key}.{form}"
    write_with(path, partial(_put, content=binary))
    return path


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
