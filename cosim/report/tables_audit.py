"""Audit tables: where every joule went, how every job ended, what was clipped, the digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.ledger import LOADS, SINKS, SOURCES, Ledger
from cosim.report.figures_audit import relative_residuals, residuals_kwh
from cosim.report.inputs import Case, Run
from cosim.report.words import MISSING, number, tiny
from cosim.scenario.pools import places


@dataclass(frozen=True)
class Matrix:
    """Energy from sources (rows) to sinks (columns) at one site [kWh], with sums."""

    site: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    worst: str


def sinks(case: Case) -> tuple[str, ...]:
    """Columns of the matrices; spilled energy only where a site has a backup."""
    return SINKS if _backup(case) else SINKS[: SINKS.index("spilled")]


def _backup(case: Case) -> bool:
    return any(site.backup is not None for site in case.scenario.sites.values())


def energy_matrices(case: Case, policy: str) -> list[Matrix]:
    """Double-entry matrices of the shown seed, one per meter, drain included."""
    ledger = case.shown(policy).ledger
    sources = SOURCES if _backup(case) else SOURCES[: SOURCES.index("backup")]
    return [_matrix(ledger, i, sources, sinks(case)) for i in sorted(set(places(case.scenario)))]


def _matrix(ledger: Ledger, site: int, sources: Sequence[str], into: Sequence[str]) -> Matrix:
    flows = np.array(
        [[ledger.flow(s, k)[:, site].sum() for k in into] for s in sources], dtype=np.float64
    )
    table = np.vstack([flows, flows.sum(axis=0)])
    table = np.column_stack([table, table.sum(axis=1)])
    heads = (*sources, "sum")
    rows = tuple(
        (head, tuple(MISSING if cell == 0 else number(cell, 1) for cell in line))
        for head, line in zip(heads, table.tolist(), strict=True)
    )
    return Matrix(ledger.sites[site], rows, tiny(posting_error_kwh(ledger, site)))


def posting_error_kwh(ledger: Ledger, site: int) -> float:
    """Largest difference between a meter's total and the sum of its postings [kWh]."""
    into = {sink: sum(ledger.flow(s, sink)[:, site].sum() for s in SOURCES) for sink in SINKS}
    out = {s: sum(ledger.flow(s, sink)[:, site].sum() for sink in SINKS) for s in SOURCES}
    meter = {name: float(ledger.data[name][:, site].sum()) for name in ledger.data}
    unserved = meter["unserved_kwh"]
    gaps = [into[k] - meter[f"{k}_kwh"] for k in ("export", "curtailed", "spilled")]
    gaps += [out["grid"] - meter["import_kwh"]]
    gaps += [out[s] - meter[f"{s}_kwh"] for s in ("solar", "wind", "backup")]
    gaps.append(sum(into[k] for k in LOADS) + unserved - sum(meter[f"{k}_kwh"] for k in LOADS))
    return max(abs(float(gap)) for gap in gaps)


@dataclass(frozen=True)
class Check:
    """What was checked for one policy and seed; all texts ready to print."""

    policy: str
    seed: int
    residual: str
    relative: str
    money: str
    arrived: str
    on_time: str
    late: str
    dropped: str
    unfinished: str
    digest: str
    cpu_s: str


def checks(case: Case) -> list[Check]:
    """Residuals, conservation of jobs and digest of every policy and seed."""
    return [_check(case.runs[p, s]) for p in case.policies for s in case.seeds]


def _check(run: Run) -> Check:
    jobs = run.jobs
    dropped = jobs.service < 0
    done = jobs.delivered_ns >= 0
    counts = (
        len(jobs.home),
        np.count_nonzero(done & ~jobs.late),
        np.count_nonzero(done & jobs.late),
        np.count_nonzero(dropped & ~done),
        np.count_nonzero(~done & ~dropped),
    )
    residual = float(residuals_kwh(run.ledger).max(initial=0.0))
    relative = float(relative_residuals(run.ledger).max(initial=0.0))
    money = tiny(money_error_usd(run))
    arrived, on_time, late, lost, open_end = (number(float(count), 0) for count in counts)
    cpu_s = f"{number(run.cpu_s)} / {number(run.wall_s)}"
    return Check(
        policy=run.policy,
        seed=run.seed,
        residual=tiny(residual),
        relative=tiny(relative),
        money=money,
        arrived=arrived,
        on_time=on_time,
        late=late,
        dropped=lost,
        unfinished=open_end,
        digest=run.digest,
        cpu_s=cpu_s,
    )


def money_error_usd(run: Run) -> float:
    """Ledger's signed sum against the reported utility, and jobs' money against the ledger [USD].

    Returns:
        The largest of the differences that can be formed.
    """
    ledger, jobs = run.ledger, run.jobs
    gaps = [
        float(np.sum(jobs.revenue_usd)) - ledger.total("revenue_usd"),
        float(np.sum(jobs.penalty_usd)) - ledger.total("late_penalty_usd"),
        float(np.sum(jobs.transfer_usd)) - ledger.total("transfer_usd"),
    ]
    if "utility_usd" in run.kpis:
        gaps.append(float(ledger.utility_usd().sum()) - run.kpis["utility_usd"])
    return max(map(abs, gaps))


def clip_rows(case: Case) -> list[tuple[str, str, tuple[str, ...]]]:
    """Rows (policy, field, count per site), summed over seeds, of numbers moved into range."""
    sites = case.first.ledger.sites
    rows = []
    for policy in case.policies:
        runs = case.of(policy)
        for field in sorted({field for run in runs for field in run.clips}):
            counts = [sum(run.clips.get(field, {}).get(site, 0) for run in runs) for site in sites]
            rows.append((policy, field, tuple(number(float(n), 0) for n in counts)))
    return rows


def worst(case: Case) -> tuple[str, str, str]:
    """Worst residual [kWh], relative residual and money difference [USD] over all runs."""
    runs = [case.runs[p, s] for p in case.policies for s in case.seeds]
    return (
        tiny(max(float(residuals_kwh(run.ledger).max(initial=0.0)) for run in runs)),
        tiny(max(float(relative_residuals(run.ledger).max(initial=0.0)) for run in runs)),
        tiny(max(money_error_usd(run) for run in runs)),
    )
