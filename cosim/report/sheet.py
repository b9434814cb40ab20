"""The sheet of paper under every page: one HTML file that needs no network and runs no stranger.

plotly.js once and compressed, figures as JSON, style as CSS, all inside the file. A content
security policy with the hash of each script forbids every request to a network and every script
that is not ours; names that users gave are escaped wherever they appear.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from cosim.report.words import label

_TEMPLATES = Path(__file__).parent / "templates"
_PROGRAM = ("numbers.js", "hour.js", "unpack.js", "page.js")


def fill(template: str, **content: Any) -> str:
    """Fill a template; style, scripts and their hashes are put in.

    Args:
        template: name of a file among the templates.
        content: what the template names.
    """
    program = '"use strict";\n' + "\n".join(map(_read, _PROGRAM))
    scripts = [_read("guard.js"), program]
    plotly, packed = _plotly()
    return (
        _environment()
        .get_template(template)
        .render(
            **content,
            css=Markup(_read("report.css")),
            scripts=[Markup(text) for text in scripts],
            plotly=Markup(packed),
            plotly_notice=_notice(plotly),
            hashes=" ".join(map(_script_hash, [*scripts, plotly])),
        )
    )


def write_page(path: Path, html: str) -> None:
    """Write a page that appears complete or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(html)
        part.chmod(0o644)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = label
    return environment


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _plotly() -> tuple[str, str]:
    """plotly.js, plain and as base64 of gzip, which is two fifths of its size."""
    plain = get_plotlyjs()
    return plain, base64.b64encode(gzip.compress(plain.encode("utf-8"), mtime=0)).decode()


def _notice(plotly: str) -> str:
    """Name, owner and licence, from the comment that it begins with."""
    comment = plotly.partition("/**")[2].partition("*/")[0]
    return "; ".join(line.strip(" *") for line in comment.splitlines() if line.strip(" *"))


def _script_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
