"""The page: one HTML file that answers first, shows its evidence and can be run again.

Everything is inside the file: plotly.js once, figures and the lock as JSON, style as CSS. A
content security policy with the hash of each script forbids every request to a network and
every script that is not ours; names that users gave are escaped wherever they appear.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from cosim.report import (
    figures_audit,
    figures_delay,
    figures_energy,
    figures_money,
    figures_work,
    tables,
    tables_audit,
)
from cosim.report.inputs import Case, Compared, Run, as_case
from cosim.report.lock import make_lock
from cosim.report.sentence import answer, money_words
from cosim.scenario.pools import places

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Panel:
    """A figure's place on the page: one plotly figure, or one per policy.

    Attributes:
        key: unique name, also that of the downloaded table.
        figures: one figure, or as many as policies.
    """

    key: str
    figures: tuple[go.Figure, ...]

    @property
    def title(self) -> str:
        """Title of the figure that is shown first."""
        return str(self.figures[0].layout.meta["title"])

    @property
    def note(self) -> str:
        """How the figure is to be read."""
        return str(self.figures[0].layout.meta["note"])

    @property
    def height_px(self) -> int:
        """Height that the page keeps free while the figure is not drawn yet."""
        return int(self.figures[0].layout.height)

    @property
    def data(self) -> Markup:
        """The figures as JSON that cannot end its script element."""
        return _safe_json(f"[{','.join(str(fig.to_json()) for fig in self.figures)}]")


def write_report(source: Run | Compared, path: Path) -> Path:
    """Write the report of a run or a comparison.

    Args:
        source: what `cosim.run` or `cosim.study.compare` returned.
        path: the HTML file; it appears complete or not at all.

    Returns:
        The path.

    Raises:
        UsageError: when ``source`` is neither a run nor a finished comparison.
    """
    html = render(as_case(source), path.name)
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
    return path


def render(case: Case, file_name: str = "report.html") -> str:
    """Return the whole page as text.

    Args:
        case: what to show.
        file_name: the page's own name, for the command that runs it again.
    """
    scripts = [_read("guard.js"), get_plotlyjs(), _read("page.js")]
    head, more = tables.kpi_rows(case)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            case=case,
            file_name=file_name,
            answer=answer(case),
            money_words=money_words(case),
            kpis=head,
            more_kpis=more,
            panels=_panels(case),
            tables=tables,
            audit=tables_audit,
            sinks=tables_audit.sinks(case),
            policies=list(enumerate(case.policies)),
            lock=_safe_json(json.dumps(make_lock(case), allow_nan=False, ensure_ascii=False)),
            css=Markup(_read("report.css")),
            scripts=[Markup(text) for text in scripts],
            hashes=" ".join(map(_script_hash, scripts)),
        )
    )


def _panels(case: Case) -> dict[str, list[Panel]]:
    sites = sorted(set(places(case.scenario)))
    energy = [
        _each(f"energy-{site}", case, partial(figures_energy.site_energy, site=site))
        for site in sites
    ]
    work = [
        _each("steps-over-day", case, figures_work.steps_over_day),
        Panel("steps-chosen", (figures_work.steps_chosen(case),)),
        _each("pools", case, figures_work.pools),
        Panel("delay-curve", (figures_delay.delay_curve(case),)),
        Panel("late-by-class", (figures_delay.late_by_class(case),)),
        Panel("time-split", (figures_delay.time_split(case),)),
        _each("matrix", case, figures_work.matrix),
    ]
    money = [_each("waterfall", case, figures_money.waterfall)]
    if case.baseline is not None and len(case.policies) > 1:
        money.append(Panel("lead", (figures_money.lead_over_day(case),)))
    audit = [Panel("residuals", (figures_audit.residual_histogram(case),))]
    return {"energy": energy, "work": work, "money": money, "audit": audit}


def _each(key: str, case: Case, draw: Callable[[Case, str], go.Figure]) -> Panel:
    return Panel(key, tuple(_under(policy, draw(case, policy)) for policy in case.policies))


def _under(policy: str, fig: go.Figure) -> go.Figure:
    meta = fig.layout.meta
    fig.layout.meta = {**meta, "note": f"Policy {policy}. {meta['note']}"}
    return fig


def panel_count(case: Case) -> int:
    """Figures that are visible at a time; the page draws exactly as many."""
    return sum(len(group) for group in _panels(case).values())


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _script_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _safe_json(text: str) -> Markup:
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)
