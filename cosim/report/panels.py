"""Which figures stand on the page, in which section, and in how many versions.

A panel is a place for a figure. It holds one figure, or one for each policy, or one for each
policy and hour; the page shows the version that the reader chose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import plotly.graph_objects as go
from markupsafe import Markup
from plotly.io.json import to_json_plotly

from cosim.report import (
    figures_audit,
    figures_bought,
    figures_decide,
    figures_delay,
    figures_energy,
    figures_hour,
    figures_money,
    figures_occupancy,
    figures_place,
    figures_regret,
    figures_work,
)
from cosim.report.hours import Hour
from cosim.report.inputs import Case
from cosim.scenario.pools import places

Sections = dict[str, list["Panel"]]
Plain = Mapping[str, Any]
"""A figure as plotly.js reads it: ``data`` and ``layout``; title and note in the layout's meta."""
CLOSE_MAX = 3
"""Hours up to which the jobs on the GPUs of each are kept."""


@dataclass(frozen=True)
class Panel:
    """A figure's place on the page.

    Attributes:
        key: unique name, also that of the downloaded tables.
        figures: one figure; or as many as policies; or, policy by policy, one for each hour.
        hours: how many hours each policy has; 1 where the figure is not about an hour.
        first: which figure is shown first.
    """

    key: str
    figures: tuple[Plain, ...]
    hours: int = 1
    first: int = 0

    @property
    def title(self) -> str:
        """Title of the figure that is shown first."""
        return str(self._meta["title"])

    @property
    def note(self) -> str:
        """How the figure is to be read."""
        return str(self._meta["note"])

    @property
    def measures(self) -> tuple[str, ...]:
        """Names in the nomenclature of what the figure shows."""
        return tuple(self._meta.get("measures", ()))

    @property
    def height_px(self) -> int:
        """Height that the page keeps free while the figure is not drawn yet."""
        return int(self.figures[self.first]["layout"]["height"])

    @property
    def _meta(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.figures[self.first]["layout"]["meta"]
        return found

    @property
    def data(self) -> Markup:
        """The figures as JSON that cannot end its script element."""
        return safe_json(str(to_json_plotly(list(self.figures))))


def safe_json(text: str) -> Markup:
    """Escape what could end a script element or a line of JavaScript."""
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def panels(case: Case, hours: Sequence[Hour], shown: int) -> Sections:
    """Draw every figure of the page.

    Args:
        case: what to show.
        hours: those that a reader can look into.
        shown: which of them is shown first.

    Returns:
        Section → its panels in order.
    """
    sites = sorted(set(places(case.scenario)))
    energy = [
        _each(f"energy-{site}", case, partial(figures_energy.site_energy, site=site))
        for site in sites
    ]
    energy.append(_each("price-carbon", case, figures_bought.price_carbon))
    audit = [one("residuals", figures_audit.residual_histogram(case))]
    if figures_decide.has_times(case):
        audit.append(one("decide-times", figures_decide.decide_times(case)))
    return {
        "energy": energy,
        "work": _work(case),
        "hour": _hourly(case, hours, shown),
        "money": _money(case),
        "audit": audit,
    }


def _work(case: Case) -> list[Panel]:
    work = [
        _each("steps-over-day", case, figures_work.steps_over_day),
        one("steps-chosen", figures_work.steps_chosen(case)),
        _each("pools", case, figures_work.pools),
        one("delay-curve", figures_delay.delay_curve(case)),
        one("late-by-class", figures_delay.late_by_class(case)),
        one("time-split", figures_delay.time_split(case)),
        _each("matrix", case, figures_work.matrix),
    ]
    if len(case.first.ledger.sites) > 1:
        work.append(_each("map", case, figures_place.site_map))
    return work


def _money(case: Case) -> list[Panel]:
    money = [_each("waterfall", case, figures_money.waterfall)]
    if case.baseline is not None and len(case.policies) > 1:
        money.append(one("lead", figures_money.lead_over_day(case)))
    if figures_regret.has_bound(case):
        money.append(one("regret", figures_regret.regret(case)))
    return money


def one(key: str, fig: go.Figure) -> Panel:
    """Return a panel with one figure."""
    return Panel(key, (fig.to_dict(),))


def _each(key: str, case: Case, draw: Callable[[Case, str], go.Figure]) -> Panel:
    figures = ((policy, draw(case, policy).to_dict()) for policy in case.policies)
    return Panel(key, tuple(_under(policy, figure) for policy, figure in figures))


def _hourly(case: Case, hours: Sequence[Hour], shown: int) -> list[Panel]:
    """One figure per policy and hour; rows are shared out so that the page stays small.

    The jobs on the GPUs are kept for the hour that is shown first, or for all where they are few.
    """
    pairs = [(policy, hour) for policy in case.policies for hour in hours]
    close = hours if len(hours) <= CLOSE_MAX else [hours[shown]]
    rows = max(figures_hour.ROWS_MAX // len(pairs), figures_hour.ROWS_MIN)
    bars = figures_occupancy.BARS_MAX // (len(close) * len(case.policies))
    decided = [_under(p, figures_hour.decisions(case, p, hour, rows)) for p, hour in pairs]
    busy = [
        _under(p, figures_occupancy.occupancy(case, p, hour, bars if hour in close else 0))
        for p, hour in pairs
    ]
    return [
        Panel("decisions", tuple(decided), len(hours), shown),
        Panel("occupancy", tuple(busy), len(hours), shown),
    ]


def _under(policy: str, figure: Plain) -> Plain:
    layout = figure["layout"]
    meta = {**layout["meta"], "note": f"Policy {policy}. {layout['meta']['note']}"}
    return {**figure, "layout": {**layout, "meta": meta}}
