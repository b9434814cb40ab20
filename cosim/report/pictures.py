"""Figures as files for papers and slides: PNG or SVG, one per figure of a report.

The report is opened in a browser without a window, which hands out each figure as plotly.js draws
it, in the light view and at a width of 17 cm, that of two columns of a paper.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Literal
from urllib.parse import unquote_to_bytes

from cosim.errors import UsageError
from cosim.report.browser import Browser, browsing
from cosim.store.atomic import write_with

Format = Literal["png", "svg"]
WIDTH_PX = 960
SCALE = 2
_SAFE = re.compile(r"[a-z0-9-]+")
_DRAW = """(async () => {
  const box = document.querySelector('figure[data-panel="%(key)s"]');
  const plot = box.querySelector('.plot'), title = box.querySelector('.title').textContent;
  const font = { size: 17, color: getComputedStyle(document.body).color };
  const layout = { ...plot.layout, paper_bgcolor: 'white', plot_bgcolor: 'white',
    width: %(width)d, height: plot.layout.height + 44,
    margin: { ...plot.layout.margin, t: (plot.layout.margin.t || 36) + 44 },
    title: { text: title.replaceAll('<', '‹'), font, x: 0.02, xanchor: 'left', y: 0.98,
      yanchor: 'top', yref: 'container', automargin: false } };
  return Plotly.toImage({ data: plot.data, layout },
    { format: '%(format)s', width: layout.width, height: layout.height, scale: %(scale)d });
})()"""


def write_pictures(page: Path, folder: Path, form: Format) -> list[Path]:
    """Write every figure of a report as a file named after the figure.

    Args:
        page: the report; of figures with a choice, those that it shows first are written.
        folder: where to; made if missing.
        form: ``png`` (at twice the size in pixels) or ``svg``.

    Returns:
        The files in the order of the page.

    Raises:
        UsageError: there is no browser, or it cannot draw the page.
    """
    with browsing() as browser:
        browser.open(page)
        browser.run(
            "document.documentElement.dataset.theme === 'light' || "
            "(document.documentElement.dataset.theme = 'dark', "
            "document.getElementById('theme').click())"
        )
        listed = "[...document.querySelectorAll('figure[data-panel]')].map(f => f.dataset.panel)"
        return [_write(browser, str(key), folder, form) for key in browser.run(listed)]


def _write(browser: Browser, key: str, folder: Path, form: Format) -> Path:
    if not _SAFE.fullmatch(key):
        raise UsageError(f"{json.dumps(key)} is no name of a figure; was the page changed?")
    asked = {"key": key, "width": WIDTH_PX, "format": form, "scale": SCALE}
    head, _, content = str(browser.run(_DRAW % asked)).partition(",")
    if not head.startswith(f"data:image/{form}"):
        raise UsageError(f"the browser could not draw figure `{key}`")
    binary = base64.b64decode(content) if ";base64" in head else unquote_to_bytes(content)
    path = folder / f"{key}.{form}"
    write_with(path, lambda temporary: _put(temporary, binary))
    return path


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
