"""What a comparison came to: a table, paired differences, and how much of them is chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cosim.run import RunResult
from cosim.study.bounds import with_regret
from cosim.study.robust import false_alarm_share, iqm_cell
from cosim.study.runner_up import RunnerUp, runner_up, said
from cosim.study.statistics import by_day, holm, mean_cell, paired_cell
from cosim.study.until import Stopping
from cosim.study.verdict import MAIN, notes

Cells = dict[str, dict[str, dict[str, Any]]]
Values = Mapping[str, Mapping[str, Sequence[float]]]
Key = tuple[str, int]
MEAN = ("mean", "ci95")
PAIRED = ("diff", "ci95", "p_better", "p_holm")


@dataclass(frozen=True)
class Comparison:
    """Policies on the same seeds.

    Attributes:
        scenario: name of the scenario.
        seeds: the paired seeds; on days each holds its date
            (:func:`cosim.scenario.days.seed_on`).
        baseline: the policy that differences refer to.
        policies: names, the baseline first.
        results: (policy, seed) → run; read from the folder when asked for, where there is one.
        table: policy → KPI → ``mean``, ``ci95`` (None with one seed), ``method``.
        paired: policy → KPI → ``diff`` to the baseline, ``ci95``, ``method``, ``p_better``,
            ``p_value``, ``p_holm`` (over all policies), ``significant``; without the baseline.
        digest: fingerprint over all runs.
        folder: where the study is kept, None if it is not.
        days: dates at which the windows began, in ISO 8601; empty: the scenario's own.
        iqm: policy → ``iqm`` and ``ci95`` of its utility; empty below ten runs.
        paired_iqm: the same of the differences to the baseline.
        false_alarms: policy → how often its interval of the utility difference would part equal
            policies with this spread; 0.05 is right. Empty below ten seeds or days.
        stopping: how seeds were added until an interval was narrow enough, where they were.
        runner_up: the best policy against the next best, where neither is the baseline.
        notes: what has to be known of the intervals and the ranking, in sentences.
        unfinished: runs of the study that were left out, because their seed is not finished.
    """

    scenario: str
    seeds: list[int]
    baseline: str
    policies: list[str]
    results: Mapping[Key, RunResult] = field(repr=False)
    table: Cells = field(repr=False)
    paired: Cells = field(repr=False)
    digest: str
    folder: Path | None = None
    days: tuple[str, ...] = ()
    iqm: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    paired_iqm: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    false_alarms: Mapping[str, float] = field(default_factory=dict, repr=False)
    stopping: Stopping | None = None
    runner_up: RunnerUp | None = None
    notes: tuple[str, ...] = ()
    unfinished: int = 0

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain data for ``--json``; no number in it is NaN."""
        return {
            "scenario": self.scenario,
            "seeds": list(self.seeds),
            "baseline": self.baseline,
            "digest": self.digest,
            "policies": _pick(self.table, MEAN),
            "paired": _pick(self.paired, PAIRED),
            **({"runner_up": self.runner_up.to_json()} if self.runner_up else {}),
            "notes": list(self.notes),
            **({"days": list(self.days)} if self.days else {}),
            **({"iqm": dict(self.iqm), "paired_iqm": dict(self.paired_iqm)} if self.iqm else {}),
            **({"false_alarms": dict(self.false_alarms)} if self.false_alarms else {}),
            **({"stopping": self.stopping.to_json()} if self.stopping else {}),
        }


def _pick(cells: Cells, names: Sequence[str]) -> Cells:
    return {
        policy: {kpi: {name: cell[name] for name in names} for kpi, cell in row.items()}
        for policy, row in cells.items()
    }


@dataclass(frozen=True)
class Played:
    """The runs of a comparison, by (policy, seed).

    Attributes:
        results: the runs themselves.
        kpis: their key figures.
        digests: their fingerprints.
    """

    results: Mapping[Key, RunResult]
    kpis: Mapping[Key, Mapping[str, float]]
    digests: Mapping[Key, str]


def concluded(
    scenario: str,
    policies: Sequence[str],
    seeds: Sequence[int],
    played: Played,
    *,
    limits: Mapping[int, float],
    days: Sequence[str] = (),
    stopping: Stopping | None = None,
    folder: Path | None = None,
    cautions: Sequence[str] = (),
) -> Comparison:
    """Draw the conclusions from finished runs.

    Args:
        scenario: its name.
        policies: names, the baseline first.
        seeds: the paired seeds, day after day.
        played: the runs.
        limits: hindsight bound per seed [USD]; empty: none was computed.
        days: dates of the runs.
        stopping: how seeds were added, where they were.
        folder: where the study is kept.
        cautions: what has to be known of the policies, in sentences.
    """
    kpis = list(played.kpis[policies[0], seeds[0]])
    plain = {p: {k: [played.kpis[p, s][k] for s in seeds] for k in kpis} for p in policies}
    values = with_regret(plain, seeds, limits)
    count, looks = max(1, len(days)), stopping.looks if stopping else None
    base, others = values[policies[0]], policies[1:]
    cells: Cells = {
        p: {k: paired_cell(k, values[p][k], base[k], days=count, looks=looks) for k in base}
        for p in others
    }
    paired = _corrected(cells)
    gains = {p: _minus(values[p][MAIN], base[MAIN]) for p in others}
    iqms = {p: iqm_cell(values[p][MAIN], count) for p in policies}
    paired_iqms = {p: iqm_cell(gain, count) for p, gain in gains.items()}
    alarms = {} if stopping else _alarms(gains, count)
    utility_usd = {policy: row[MAIN] for policy, row in values.items()}
    top = runner_up(utility_usd, policies[0], days=count, looks=looks)
    return Comparison(
        scenario=scenario,
        seeds=list(seeds),
        baseline=policies[0],
        policies=list(policies),
        results=played.results,
        table={p: {k: mean_cell(row[k], count) for k in base} for p, row in values.items()},
        paired=paired,
        digest=study_digest(played.digests),
        folder=folder,
        days=tuple(days),
        iqm={p: cell for p, cell in iqms.items() if cell},
        paired_iqm={p: cell for p, cell in paired_iqms.items() if cell},
        false_alarms=alarms,
        stopping=stopping,
        runner_up=top,
        notes=(
            *cautions,
            *notes(policies[0], paired, alarms, count, len(seeds), stopping),
            *said(top),
        ),
    )


def _alarms(gains_usd: Mapping[str, Sequence[float]], days: int) -> dict[str, float]:
    shares = {p: false_alarm_share(by_day(gains, days)) for p, gains in gains_usd.items()}
    return {p: share for p, share in shares.items() if share is not None}


def _minus(values: Sequence[float], base: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(values, base, strict=True)]


def _corrected(paired: Cells) -> Cells:
    """Add the p-values after Holm's correction over the policies."""
    for kpi in next(iter(paired.values()), {}):
        corrected = holm([row[kpi]["p_value"] for row in paired.values()])
        for row, p in zip(paired.values(), corrected, strict=True):
            row[kpi]["p_holm"] = p
    return paired


def study_digest(digests: Mapping[Key, str]) -> str:
    """Fingerprint of a study: of its runs' digests, in the order of policy and seed."""
    seal = blake2b(digest_size=16)
    for (policy, seed), own in sorted(digests.items()):
        seal.update(f"{policy}\x1f{seed}\x1f{own}\n".encode())
    return seal.hexdigest()
