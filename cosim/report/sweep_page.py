"""The report of a sweep, an ablation or a study: finished or not, it says how far it has come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cosim import __version__
from cosim.report import figures_sweep, tables
from cosim.report.effects import bars, cell, keys, stops
from cosim.report.inputs import Estimate
from cosim.report.panels import Panel, one
from cosim.report.sheet import fill, write_page
from cosim.report.words import difference, interval, label, signed, unit, value
from cosim.study.sweep_results import Sweep

KPIS = ("utility_usd", "energy_cost_usd", "late_share", "quality_mean", "carbon_kg")
ROWS_MAX = 600


@dataclass(frozen=True)
class Row:
    """One policy at one point, as the table shows it.

    Attributes:
        label: the point.
        policy: the policy.
        cells: mean and interval per key figure.
        change: difference of utility to the base or to the baseline policy, with its interval.
        verdict: ``better``, ``worse`` or ``level``.
    """

    label: str
    policy: str
    cells: tuple[tuple[str, str], ...]
    change: str
    verdict: str


def write_sweep_report(found: Sweep, path: Path) -> Path:
    """Write the page of a sweep; it appears complete or not at all.

    Args:
        found: the sweep, finished or not.
        path: the HTML file.

    Returns:
        The path.
    """
    write_page(path, render_sweep(found))
    return path


def render_sweep(found: Sweep) -> str:
    """Return the whole page as text."""
    return fill(
        "sweep.html.j2",
        sweep=found,
        headline=headline(found),
        details=list(_details(found)),
        heads=[_head(kpi) for kpi in KPIS],
        against=_against(found),
        rows=list(_rows(found)),
        rows_max=ROWS_MAX,
        tornado=_tornado(found),
        curves=_curves(found),
        facts=facts(found),
        tables=tables,
        policies=list(enumerate(found.policies)),
        version=__version__,
    )


# --- the answer -----------------------------------------------------------------------------


def headline(found: Sweep) -> str:
    """The answer in a sentence: what changes utility most, or where it is highest."""
    if not found.finished:
        return "Nothing has finished yet"
    changes = [(policy, bar) for policy in found.policies for bar in bars(found, policy, KPIS[0])]
    if not changes:
        return _highest(found)
    sure = [(p, bar) for p, bar in changes if bar.change.decided]
    if not sure:
        return "Nothing that was changed moves utility beyond chance"
    policy, top = max(sure, key=lambda pair: abs(pair[1].change.value))
    what = f"{top.row} = {top.value}" if top.value else top.row
    size = difference("utility_usd", top.change.value)
    return f"{what} moves utility most: {size} USD under {policy}"


def _highest(found: Sweep) -> str:
    means = [
        (cell(found.mean(number, policy, "utility_usd"), "mean").value, number, policy)
        for number, point in enumerate(found.points)
        for policy in found.policies
        if any(name == policy for name, _ in point.marks)
    ]
    usd, number, policy = max(means)
    at = found.points[number].label
    return f"Utility is highest, {value('utility_usd', usd)} USD, at {at} under {policy}"


def _details(found: Sweep) -> Iterator[str]:
    policies = f"{len(found.policies)} polic{'y' if len(found.policies) == 1 else 'ies'}"
    yield (
        f"{len(found.points)} points × {policies} × {found.repeats}, the same jobs, "
        f"weather and prices on a seed everywhere. Design: {found.design}."
    )
    if found.finished < found.total:
        yield f"Partial: {found.finished} of {found.total} runs have finished."
    if found.finished and len(found.policies) > 1:
        yield from (_leads(found, policy) for policy in found.policies[1:])


def _leads(found: Sweep, policy: str) -> str:
    """At how many points a policy is ahead of the baseline, and at how many behind."""
    leads = [
        cell(found.lead(number, policy, "utility_usd"), "diff")
        for number in range(len(found.points))
    ]
    ahead, behind = (
        sum(1 for lead in leads if lead.decided and lead.value * sign > 0) for sign in (1, -1)
    )
    return (
        f"{policy} earns more than {found.policies[0]} at {ahead} of {len(leads)} points, less "
        f"at {behind}, by paired 95 % intervals; at the others they cannot be told apart."
    )


# --- the table ------------------------------------------------------------------------------


def _head(kpi: str) -> tuple[str, str, str]:
    return kpi, label(kpi), unit(kpi)


def _against(found: Sweep) -> str:
    if any(point.base is not None for point in found.points):
        return "Change of utility to its base, USD"
    return f"Utility to {found.policies[0]}, USD" if len(found.policies) > 1 else ""


def _rows(found: Sweep) -> Iterator[Row]:
    for number, point in enumerate(found.points):
        for policy in found.policies:
            if any(name == policy for name, _ in point.marks):
                yield _row(found, number, policy)


def _row(found: Sweep, number: int, policy: str) -> Row:
    means = {kpi: cell(found.mean(number, policy, kpi), "mean") for kpi in KPIS}
    change = _change(found, number, policy)
    return Row(
        found.points[number].label,
        policy,
        tuple((value(kpi, mean.value), interval(kpi, mean)) for kpi, mean in means.items()),
        _signed(change) if change is not None else "",
        _verdict(change),
    )


def _change(found: Sweep, number: int, policy: str) -> Estimate | None:
    based = any(point.base is not None for point in found.points)
    if based and found.points[number].base is not None:
        return cell(found.change(number, policy, "utility_usd"), "diff")
    if not based and policy != found.policies[0]:
        return cell(found.lead(number, policy, "utility_usd"), "diff")
    return None


def _signed(change: Estimate) -> str:
    spread = interval("utility_usd", change, diff=True)
    return f"{signed(change.value)} {spread}".rstrip()


def _verdict(change: Estimate | None) -> str:
    if change is None or not change.decided:
        return "level"
    return "better" if change.value > 0 else "worse"


# --- the figures ----------------------------------------------------------------------------


def _tornado(found: Sweep) -> list[Panel]:
    if not bars(found, found.policies[0], KPIS[0]):
        return []
    draw = partial(figures_sweep.tornado, found)
    return [Panel("tornado", tuple(draw(policy).to_dict() for policy in found.policies))]


def _curves(found: Sweep) -> list[Panel]:
    if not found.finished:
        return []
    wide = [key for key in keys(found) if len(stops(found, key)) > 1]
    return [one(f"response-{i}", figures_sweep.response(found, key)) for i, key in enumerate(wide)]


def facts(found: Sweep) -> Mapping[str, Any]:
    """What was asked for, for the page's list of facts."""
    axes = [
        f"{axis['key']}: {', '.join(map(str, axis['values']))}"
        if "values" in axis
        else f"{axis['key']}: {axis['from']:g} to {axis['to']:g}{', log' if axis['log'] else ''}"
        for axis in found.axes
    ]
    return {
        "Energy layer": found.energy,
        **({"Days": ", ".join(found.days)} if found.days else {}),
        "Seeds": ", ".join(map(str, found.seeds)),
        "Axes": "; ".join(axes) or "–",
    }
