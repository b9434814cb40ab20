"""The paper's figures over an axis: arrivals, patience, mobility, batteries, sites."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cosim.study.ablations import FULL
from cosim.study.paper_finding import Chart, Found, Line, Panel
from cosim.study.paper_runs import Facts, Runs, kpi
from cosim.study.paper_verdict import Judged, apart, positive, rising, together, told
from cosim.study.plan import Plan, Point
from cosim.study.statistics import estimate

Read = Callable[[Facts], float]
UTILITY = "utility, USD a day"
_UTILITY = kpi("utility_usd")
_COST = kpi("energy_cost_usd")
PATIENCE = "The longer the delay that users tolerate, the more is earned."
MOBILITY = "The more jobs may move, the more is earned."
CHEAPER = "The larger the batteries, the less energy costs."
FULLER = "The larger the batteries, the more energy is stored on average."
SHARED = "The more sites work together, the less the energy of a site costs."
CLOCKS = (
    "Without DVFS all GPUs run at full clock; else a policy that sets no clocks has them set by "
    "the paper's inner heuristic, which can cost more in late jobs than it saves in energy "
    "(`reports/classical-baselines`).",
)


@dataclass(frozen=True)
class Series:
    """One variant along the axis.

    Attributes:
        name: of the variant, empty where there is none.
        numbers: of its points in the plan.
        x: where they stand on the axis.
    """

    name: str
    numbers: tuple[int, ...]
    x: tuple[float, ...]


def legend(plan: Plan, runs: Runs) -> Found:
    """Figure 11: the whole system against the same with a part taken away, over arrivals."""
    lines = _by_variant(plan)
    claims = [_part(runs, lines, line, p) for p in runs.policies for line in lines[1:]]
    return replace(_found(plan, runs, lines, "arrivals, 1 = the scenario's", claims), notes=CLOCKS)


def patience(plan: Plan, runs: Runs) -> Found:
    """Figure 12: the same over the mean delay that users tolerate."""
    lines = _by_variant(plan)
    claims = [_rise(runs, lines[0], p, PATIENCE) for p in runs.policies]
    claims += [_part(runs, lines, line, p) for p in runs.policies for line in lines[1:]]
    return replace(_found(plan, runs, lines, "mean tolerated delay, s", claims), notes=CLOCKS)


def mobility(plan: Plan, runs: Runs) -> Found:
    """Figure 15: utility over the share of jobs that may move."""
    lines = _by_variant(plan)
    claims = [_rise(runs, lines[0], p, MOBILITY) for p in runs.policies]
    return _found(plan, runs, lines, "share of jobs that may move", claims)


def storage(plan: Plan, runs: Runs) -> Found:
    """Figure 16: cost of energy and stored energy over the size of batteries."""
    line = _by_number(plan)
    claims = []
    for policy in runs.policies:
        cost = _course(runs, line, policy, lambda found: -_COST(found))
        said = f"largest against smallest: {told(apart(cost[0], cost[-1]), 1, 'USD a day')}"
        claims.append(Judged(CHEAPER, policy, said, rising(cost)))
        stored = _course(runs, line, policy, _stored)
        said = f"largest against smallest: {told(apart(stored[-1], stored[0]), 0, 'kWh')}"
        claims.append(Judged(FULLER, policy, said, rising(stored)))
    return _costs(plan, runs, line, "battery, hours of the site's mean power", claims, 1)


def sites(plan: Plan, runs: Runs) -> Found:
    """Figure 16 as printed: cost and stored energy of a site over the number of sites."""
    line = _by_number(plan)
    claims = []
    for policy in runs.policies:
        cost = _course(runs, line, policy, lambda found: -_COST(found) / len(found["sites"]))
        said = f"most against fewest: {told(apart(cost[0], cost[-1]), 2, 'USD a day and site')}"
        claims.append(Judged(SHARED, policy, said, rising(cost), reading=True))
    return _costs(plan, runs, line, "number of sites", claims, 0)


# --- claims ---------------------------------------------------------------------------------


def _part(runs: Runs, lines: Sequence[Series], line: Series, policy: str) -> Judged:
    """The whole system earns more than one that lacks a part, all along the axis."""
    whole = _course(runs, lines[0], policy, _UTILITY)
    less = _course(runs, line, policy, _UTILITY)
    gaps = [apart(a, b) for a, b in zip(whole, less, strict=True)]
    said = "; ".join(f"at {x:g}: {told(gap)}" for x, gap in zip(line.x, gaps, strict=True))
    part = line.name.replace("-", " ").replace("dvfs", "DVFS")
    claim = f"The whole system earns more than one with {part}."
    return Judged(claim, policy, f"USD more, {said}", together(map(positive, gaps)), reading=True)


def _rise(runs: Runs, line: Series, policy: str, claim: str) -> Judged:
    course = _course(runs, line, policy, _UTILITY)
    said = f"from {line.x[0]:g} to {line.x[-1]:g}: {told(apart(course[-1], course[0]), 0, 'USD')}"
    return Judged(claim, policy, said, rising(course), reading=True)


def _course(runs: Runs, line: Series, policy: str, read: Read) -> list[list[float]]:
    return [runs.values(policy, read, number) for number in line.numbers]


def _stored(found: Facts) -> float:
    return float(found["stored_kwh_mean"])


# --- points on their axis -------------------------------------------------------------------


def _by_variant(plan: Plan) -> list[Series]:
    """A line per variant over the one axis, the whole system first."""
    (axis,) = plan.axes
    names = list(dict.fromkeys(point.variant for point in plan.points))
    return [_series(name, plan, lambda point: float(point.settings[axis.key])) for name in names]


def _by_number(plan: Plan) -> Series:
    """One line over the number that each variant's name begins with."""
    numbers = tuple(range(len(plan.points)))
    return Series("", numbers, tuple(_leading(point.variant) for point in plan.points))


def _series(name: str, plan: Plan, at: Callable[[Point], float]) -> Series:
    numbers = tuple(k for k, point in enumerate(plan.points) if point.variant == name)
    return Series(name, numbers, tuple(at(plan.points[k]) for k in numbers))


def _leading(name: str) -> float:
    found = re.match(r"[0-9.]+", name)
    if found is None:
        raise ValueError(f"variant {name!r} begins with no number")
    return float(found[0])


# --- numbers and curves ---------------------------------------------------------------------


def _found(
    plan: Plan, runs: Runs, lines: Sequence[Series], x_title: str, claims: Sequence[Judged]
) -> Found:
    if len(lines) > 1:
        panels = [
            Panel(p, UTILITY, tuple(_line(runs, s, p, _UTILITY, s.name) for s in lines))
            for p in runs.policies
        ]
    else:
        drawn = tuple(_line(runs, lines[0], p, _UTILITY, p) for p in runs.policies)
        panels = [Panel("all policies", UTILITY, drawn)]
    columns = _columns(plan, runs, lines)
    return Found(tuple(claims), columns, Chart(x_title, tuple(panels)), runs=len(runs.facts))


def _costs(
    plan: Plan, runs: Runs, line: Series, x_title: str, claims: Sequence[Judged], whole: int
) -> Found:
    """Cost and stored energy, of all sites together or of a site."""

    def share(read: Read) -> Read:
        return lambda found: read(found) / (1 if whole else len(found["sites"]))

    of = "" if whole else " and site"
    panels = [
        Panel(title, unit, tuple(_line(runs, line, p, share(read), p) for p in runs.policies))
        for title, unit, read in (
            ("cost of energy", f"USD a day{of}", _COST),
            ("stored energy, mean", "kWh" if whole else "kWh a site", _stored),
        )
    ]
    columns = _columns(plan, runs, [line])
    return Found(tuple(claims), columns, Chart(x_title, tuple(panels), 2), runs=len(runs.facts))


def _line(runs: Runs, line: Series, policy: str, read: Read, label: str) -> Line:
    found = [estimate(values) for values in _course(runs, line, policy, read)]
    ends = [each.ci95 or (None, None) for each in found]
    return Line(
        label or FULL,
        line.x,
        tuple(each.mean for each in found),
        tuple(low for low, _ in ends),
        tuple(high for _, high in ends),
    )


def _columns(plan: Plan, runs: Runs, lines: Sequence[Series]) -> dict[str, list[object]]:
    """A row per variant, point, policy and seed."""
    columns: dict[str, list[object]] = {}
    for line in lines:
        for number, x in zip(line.numbers, line.x, strict=True):
            for policy in runs.policies:
                for seed in runs.seeds:
                    found = runs.facts[number, policy, seed]
                    row = {"variant": plan.points[number].variant or FULL, "x": x}
                    row |= {"policy": policy, "seed": seed, **found["kpis"]}
                    row["stored_kwh_mean"] = found["stored_kwh_mean"]
                    for name, value in row.items():
                        columns.setdefault(name, []).append(value)
    return columns
