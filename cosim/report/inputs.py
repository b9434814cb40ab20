"""What a report is made of: one run, or a comparison of policies on paired seeds.

:func:`as_case` turns a result of :mod:`cosim.run` or :mod:`cosim.study` into a :class:`Case`, the
one form that tables and figures read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from cosim.errors import UsageError
from cosim.jobtable import JobTable
from cosim.ledger import Ledger
from cosim.quantities import NS_PER_DAY, NS_PER_HOUR
from cosim.run import RunResult
from cosim.scenario.model import Scenario
from cosim.study.compare import Comparison

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[Any]
Statistic: TypeAlias = Mapping[str, Any]
Jobs: TypeAlias = JobTable
Run: TypeAlias = RunResult
Compared: TypeAlias = Comparison


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % confidence interval; the interval is None where one seed ran."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def decided(self) -> bool:
        """Whether the interval exists and leaves zero out."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


@dataclass(frozen=True)
class Case:
    """Everything the report shows, whichever producer it came from.

    Attributes:
        policies: names, in the order of the comparison; one for a single run.
        seeds: paired seeds; time series show the first of them.
        baseline: the policy that differences refer to, None for a single run.
        runs: (policy, seed) → finished run.
        means: policy → KPI → estimate over seeds.
        paired: policy → KPI → estimate of the paired difference to the baseline.
        dates: dates at which the windows began; empty: the scenario's own.
        notes: what has to be known of the intervals and the ranking, in sentences.
        unfinished: runs of the study that are left out, because it goes on.
    """

    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    baseline: str | None
    runs: Mapping[tuple[str, int], Run]
    means: Mapping[str, Mapping[str, Estimate]]
    paired: Mapping[str, Mapping[str, Estimate]]
    dates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unfinished: int = 0

    @property
    def first(self) -> Run:
        """The run that stands for what all runs share: scenario, traces, versions."""
        return self.runs[self.policies[0], self.seeds[0]]

    @property
    def scenario(self) -> Scenario:
        """The scenario that was run."""
        return self.first.scenario

    @property
    def start(self) -> datetime:
        """First instant of the window, UTC."""
        return self.scenario.clock.start

    @property
    def repeats(self) -> str:
        """How often each policy was run, in words."""
        runs, dates = len(self.seeds), len(self.dates)
        if dates > 1:
            return f"{dates} days with {runs // dates} paired seed{'s' * (runs > dates)} each"
        return f"{runs} paired seeds"

    def of(self, policy: str) -> list[Run]:
        """Return the runs of a policy, one per seed."""
        return [self.runs[policy, seed] for seed in self.seeds]

    def shown(self, policy: str) -> Run:
        """Return the run whose time series are drawn: the first seed's."""
        return self.runs[policy, self.seeds[0]]


def as_case(source: Run | Compared) -> Case:
    """Bring a run or a comparison into one form.

    Raises:
        UsageError: when it is neither, or a comparison lacks the results of a seed.
    """
    if hasattr(source, "results"):
        return _of_comparison(cast("Compared", source))
    if hasattr(source, "ledger"):
        return _of_run(source)
    raise UsageError(
        f"a report needs a run or a comparison, not {type(source).__name__}; "
        "give it what cosim.run or cosim.study.compare returned"
    )


def _of_run(run: Run) -> Case:
    return Case(
        policies=(run.policy,),
        seeds=(run.seed,),
        baseline=None,
        runs={(run.policy, run.seed): run},
        means={run.policy: {k: Estimate(float(v)) for k, v in run.kpis.items()}},
        paired={},
    )


def _of_comparison(comparison: Compared) -> Case:
    policies, seeds = tuple(comparison.policies), tuple(comparison.seeds)
    missing = [(p, s) for p in policies for s in seeds if (p, s) not in comparison.results]
    if missing or not policies or not seeds:
        listed = ", ".join(f"{p} seed {s}" for p, s in missing[:5]) or "everything"
        raise UsageError(f"the comparison lacks results: {listed}; finish it, then report")
    return Case(
        policies=policies,
        seeds=seeds,
        baseline=comparison.baseline,
        runs=comparison.results,
        means={p: _estimates(comparison.table.get(p, {}), "mean", seeds) for p in policies},
        paired={p: _estimates(row, "diff", seeds) for p, row in comparison.paired.items()},
        dates=comparison.days,
        notes=comparison.notes,
        unfinished=getattr(comparison, "unfinished", 0),
    )


def _estimates(
    row: Mapping[str, Statistic], key: str, seeds: Sequence[int]
) -> dict[str, Estimate]:
    return {kpi: _estimate(cell, key, len(seeds)) for kpi, cell in row.items() if key in cell}


def _estimate(cell: Statistic, key: str, seeds: int) -> Estimate:
    interval = cell.get("ci95")
    if seeds < 2 or interval is None or any(end is None for end in interval):
        return Estimate(_float(cell[key]))
    low, high = (_float(end) for end in interval)
    if not (np.isfinite(low) and np.isfinite(high)):
        return Estimate(_float(cell[key]))
    return Estimate(_float(cell[key]), low, high)


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def window(ledger: Ledger, column: str) -> Floats:
    """Rows of a column that lie in the window, shape (slots, sites)."""
    return ledger.data[column][: ledger.slots]


def power_kw(ledger: Ledger, column: str) -> Floats:
    """Mean power of each slot of the window from an energy column [kW]."""
    return window(ledger, column) * (NS_PER_HOUR / ledger.slot_ns)


def days(case: Case) -> float:
    """Length of the window [days]."""
    ledger = case.first.ledger
    return ledger.slots * ledger.slot_ns / NS_PER_DAY
