"""Tables of the page: KPIs with intervals, sites, definitions; numbers ready to print."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cosim.quantities import NOMENCLATURE, NS_PER_MIN
from cosim.report.inputs import Case, Estimate, Run, days, window
from cosim.report.words import (
    MISSING,
    difference,
    interval,
    label,
    number,
    signed,
    size,
    unit,
    value,
)
from cosim.scenario.model import Battery, GeneratedArrivals, Site
from cosim.scenario.pools import deployed_models

HEADLINE = (
    "utility_usd",
    "regret_to_bound_usd",
    "revenue_usd",
    "late_penalty_usd",
    "energy_cost_usd",
    "late_share",
    "quality_mean",
    "steps_mean",
    "moved_share",
    "carbon_kg",
    "energy_kwh",
    "renewable_share",
    "decide_ms_p99",
)
DIRECTION = {"higher": "higher is better", "lower": "lower is better", "neutral": "no direction"}
Verdict = Literal["better", "worse", "level"]


@dataclass(frozen=True)
class KpiCell:
    """A KPI of one policy: its mean, the difference to the baseline, and what that means."""

    mean: str
    ci: str
    diff: str
    diff_ci: str
    verdict: Verdict


@dataclass(frozen=True)
class KpiRow:
    """One KPI over all policies.

    Attributes:
        kpi: its name.
        label: words for it.
        unit: of its numbers.
        defined: whether the nomenclature has it.
        wanted: ``higher`` or ``lower``; empty where no direction is wanted.
        cells: one per policy.
    """

    kpi: str
    label: str
    unit: str
    defined: bool
    wanted: str
    cells: tuple[KpiCell, ...]


def kpi_rows(case: Case) -> tuple[list[KpiRow], list[KpiRow]]:
    """Return the headline KPIs and all others, each in the order of the nomenclature."""
    known = {kpi for policy in case.policies for kpi in case.means[policy]}
    order = [k for k in NOMENCLATURE if k in known] + sorted(known - set(NOMENCLATURE))
    head = [k for k in HEADLINE if k in known]
    return [_kpi_row(case, k) for k in head], [_kpi_row(case, k) for k in order if k not in head]


def _kpi_row(case: Case, kpi: str) -> KpiRow:
    cells = tuple(_kpi_cell(case, policy, kpi) for policy in case.policies)
    row = NOMENCLATURE.get(kpi)
    wanted = row.better if row is not None and row.better != "neutral" else ""
    return KpiRow(kpi, label(kpi), unit(kpi), row is not None, wanted, cells)


def _kpi_cell(case: Case, policy: str, kpi: str) -> KpiCell:
    mean = case.means[policy].get(kpi, Estimate(float("nan")))
    text, ci = value(kpi, mean.value), interval(kpi, mean)
    diff = case.paired.get(policy, {}).get(kpi)
    if diff is None or policy == case.baseline:
        return KpiCell(text, ci, "", "", "level")
    change = difference(kpi, diff.value)
    return KpiCell(text, ci, change, interval(kpi, diff, diff=True), _verdict(kpi, diff))


def _verdict(kpi: str, diff: Estimate) -> Verdict:
    row = NOMENCLATURE.get(kpi)
    if row is None or row.better == "neutral" or not diff.decided:
        return "level"
    return "better" if (diff.value > 0) == (row.better == "higher") else "worse"


def definitions() -> list[tuple[str, str, str, str, str]]:
    """Rows of the definitions: name, label, unit, direction, meaning."""
    return [
        (q.name, label(q.name), unit(q.name) or "1", DIRECTION[q.better], q.meaning)
        for q in NOMENCLATURE.values()
    ]


# --- what was run ---------------------------------------------------------------------------


def facts(case: Case) -> list[tuple[str, str]]:
    """Name–value pairs that say what was run."""
    scenario, ledger = case.scenario, case.first.ledger
    slot_min = ledger.slot_ns / NS_PER_MIN
    drain = max(len(run.ledger.data["import_kwh"]) - run.ledger.slots for run in _runs(case))
    seeds = ", ".join(map(str, case.seeds))
    if case.dates:
        seeds = f"{case.repeats}: {', '.join(case.dates)}; their seeds are {seeds}"
    return [
        ("Window", f"{case.start:%Y-%m-%d %H:%M} UTC, {size(days(case))} days"),
        ("Slots", f"{ledger.slots} of {size(slot_min)} min, then {drain} in which late work ends"),
        ("Meter bins", f"{size(scenario.clock.meter_seconds)} s"),
        ("Scale", f"{size(scenario.scale)} of the sizes in the scenario"),
        ("Replicas", f"each simulated GPU and job stands for {scenario.replicas}"),
        ("Seeds", f"{seeds}; time series show seed {case.seeds[0]}"),
        ("Engine", scenario.engine),
        ("Forecasts", scenario.forecast.kind),
        ("Energy layer", ", ".join(sorted({run.energy for run in _runs(case)}))),
        *_workload_facts(case),
    ]


def _workload_facts(case: Case) -> list[tuple[str, str]]:
    work, jobs = case.scenario.workload, case.first.jobs
    arrivals = work.arrivals
    source = f"replay of {getattr(arrivals, 'trace', '')}"
    if isinstance(arrivals, GeneratedArrivals):
        profile = arrivals.profile if isinstance(arrivals.profile, str) else "own"
        source = f"{arrivals.process.kind} arrivals on the daily profile “{profile}”"
    count, images = len(jobs.home), float(np.sum(jobs.images))
    tolerated_s = (jobs.deadline_ns - jobs.arrival_ns) / 1e9
    median = float(np.median(tolerated_s)) if count else float("nan")
    return [
        (
            "Jobs",
            f"{number(count, 0)} simulated with {number(images, 0)} images (seed {case.seeds[0]})",
        ),
        ("Arrivals", f"{source}, × {size(work.scale)}"),
        ("Tolerated delay", f"median {number(median)} s"),
        (
            "May move",
            f"{number(100 * float(np.mean(jobs.transferable)) if count else 0, 1)} % of jobs",
        ),
        *_asked_sizes(case),
    ]


def _asked_sizes(case: Case) -> list[tuple[str, str]]:
    """Share of the jobs by the size that they ask for; nothing where nobody asks."""
    px = case.first.jobs.px_asked
    sizes, counts = np.unique(px[px > 0], return_counts=True)
    shares = zip(sizes.tolist(), (100 * counts / max(1, len(px))).tolist(), strict=True)
    words = [f"{number(share, 1)} % {edge} px" for edge, share in shares]
    return [("Sizes asked for", ", ".join(words))] if words else []


def _runs(case: Case) -> list[Run]:
    return [case.runs[p, s] for p in case.policies for s in case.seeds]


def site_rows(case: Case) -> list[dict[str, str]]:
    """One row per site: where it is and what stands there, as written in the scenario."""
    return [_site_row(name, site) for name, site in case.scenario.sites.items()]


def _site_row(name: str, site: Site) -> dict[str, str]:
    place, grid = site.location, site.grid
    return {
        "name": name,
        "place": f"{_degrees(place.lat_deg, 'NS')}, {_degrees(place.lon_deg, 'EW')}",
        "gpus": ", ".join(
            f"{gpus.count}\u00a0×\u00a0{gpus.kind}" for gpus in (site.gpus, *site.pools.values())
        ),
        "models": ", ".join(deployed_models(site)),
        "pv": size(site.pv.peak_kw) if site.pv else MISSING,
        "wind": size(site.wind.rated_kw) if site.wind else MISSING,
        "battery": size(site.battery.capacity_kwh) if site.battery else MISSING,
        "power": _battery_power(site.battery),
        "cooling": site.cooling.kind if site.room is None else f"{site.cooling.kind}, room",
        "imports": _limit(grid.import_kw_max),
        "exports": _limit(grid.export_kw_max),
        "price": getattr(grid.price, "trace", grid.price.kind),
        "terms": ", ".join(_terms(site)),
    }


def _terms(site: Site) -> Iterator[str]:
    """What a site's supply has beside a price."""
    grid, limits = site.grid, len(site.grid.connection.limits)
    if grid.tariff is not None:
        yield f"tariff ({grid.tariff.metering.replace('_', ' ')})"
    if limits:
        yield f"{limits} {'times' if limits > 1 else 'time'} of lower limits"
    if grid.demand_response is not None:
        calls = len(grid.demand_response.calls)
        yield f"{calls} {'calls' if calls > 1 else 'call'} to use less"
    if site.backup is not None:
        yield f"{site.backup.kind} backup of {size(site.backup.rated_kw)} kW"


def _degrees(angle: float, ends: str) -> str:
    return f"{abs(angle):.2f}°\u00a0{ends[0] if angle >= 0 else ends[1]}"


def _battery_power(battery: Battery | None) -> str:
    if battery is None:
        return ""
    ages = f", ages by {battery.ageing.model}" if battery.ageing else ""
    powers = f"{size(battery.charge_kw_max)} / {size(battery.discharge_kw_max)} kW"
    return f"{powers}, {battery.kind}{ages}"


def _limit(power_kw: float | None) -> str:
    return "no limit" if power_kw is None else size(power_kw)


def coupling(case: Case) -> str:
    """Say how far the sites' prices lie apart, and whether moving work can live on that."""
    ledger = case.first.ledger
    if len(ledger.sites) < 2:
        return ""
    price = 1000.0 * window(ledger, "price_usd_kwh")
    spread = float(np.median(price.max(axis=1) - price.min(axis=1)))
    swing = float(np.diff(np.percentile(price, [5, 95]))[0])
    said = (
        f"Between sites the price differs by {number(spread, 1)} USD/MWh in the median slot; over "
        f"the window it moves by {number(swing, 1)} USD/MWh (5th to 95th percentile)."
    )
    if spread <= 0.1 * swing:
        return (
            f"{said} The zones are coupled: moving work between them gains little by price alone; "
            "shifting it in time may gain more."
        )
    return f"{said} Where work runs can matter for its price."


def mixed_years(case: Case) -> list[str]:
    """Name the traces that were moved in the calendar, with the days they were shifted."""
    rows = _provenance(case)
    return [
        f"{_file(row)}: {signed(float(row['shift_days']), 0)} days"
        for row in rows
        if row.get("shift_days")
    ]


def _provenance(case: Case) -> list[dict[str, Any]]:
    unique: dict[str, dict[str, Any]] = {}
    for run in _runs(case):
        for row in run.provenance:
            _merge(unique.setdefault(_file(row), {**row, "uses": []}), row)
    return list(unique.values())


def _file(row: Mapping[str, Any]) -> str:
    return str(row.get("id") or row.get("ref") or "")


def _merge(kept: dict[str, Any], row: Mapping[str, Any]) -> None:
    use = str(row.get("used_for") or row.get("ref") or "")
    if use not in kept["uses"]:
        kept["uses"].append(use)
    kept["gaps"] = max(_whole(kept.get("gaps")), _whole(row.get("gaps")))


def _whole(found: Any) -> int:
    return found if isinstance(found, int) else 0


def provenance_rows(case: Case) -> list[dict[str, str]]:
    """One row per trace file with every field as text; a field not known reads ``–``."""
    keys = (
        "id", "uses", "what", "remarks", "place", "source", "owner", "licence", "coverage",
        "calendar", "shift_days", "gaps", "certificate_minutes", "sha256",
    )  # fmt: skip
    return [{key: _cell(row, key) for key in keys} for row in _provenance(case)]


def _cell(row: dict[str, Any], key: str) -> str:
    found = _file(row) if key == "id" else row.get(key)
    if found is None and key == "certificate_minutes":
        found = row.get("certificate")
    if found is None or found == "":
        return MISSING
    if key == "coverage":
        return re.sub(r"T(\d\d:\d\d):\d\d(?:\.0+)?Z", r" \1", str(found)).replace(" 00:00", "")
    if isinstance(found, float):
        return size(found)
    if isinstance(found, list | tuple):
        return _sequence(found)
    return str(found)


def _sequence(parts: Iterable[object]) -> str:
    return ", ".join(map(str, parts)) or "none"
