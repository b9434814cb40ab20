"""What is at stake in a scenario: how full its sites are and what each lever is worth.

A testbed that measures a scenario in which nothing matters measures nothing. Each lever is
switched off in turn, on the same seeds and jobs, under the same policy, and the change is put in
relation:

    sparsity          share of late jobs of a random policy at full clocks            at least 35 %
    steps, transfer   loss of utility without the lever, of the utility               at least 5 %
    DVFS, battery, solar, wind   rise of the energy cost without it, of that cost     at least 1 %

The energy cost is net: what `energy_cost_usd` counts, demand charges included, + unserved energy,
wear and carbon − the worth of what is left in the battery, so that a lever cannot shine by
emptying or filling it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.plugins import available
from cosim.prepare import Stage
from cosim.run import staged
from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario
from cosim.study.executors import run_units
from cosim.study.loads import Load, loads
from cosim.study.statistics import estimate, share_of
from cosim.study.units import Done, Progress, Unit
from cosim.study.variants import Variant, variants

DEFAULT_SEEDS = 2
SPARSITY_MIN, UTILITY_MIN, COST_MIN = 35.0, 5.0, 1.0
_COST = (
    ("energy_cost_usd", 1.0),
    ("unserved_usd", 1.0),
    ("wear_usd", 1.0),
    ("carbon_usd", 1.0),
    ("settlement_usd", -1.0),
)
Kpis = Mapping[str, float]


@dataclass(frozen=True)
class Lever:
    """What one lever is worth.

    Attributes:
        name: the lever.
        effect: the measured share [%], mean over seeds; NaN where it could not be measured.
        ci95: its 95 % interval [%], None with one seed.
        unit: always ``%``.
        threshold: the share it must reach to matter [%].
        passed: whether it does.
        detail: what was compared, in words.
    """

    name: str
    effect: float
    ci95: list[float] | None
    unit: str
    threshold: float
    passed: bool
    detail: str


@dataclass(frozen=True)
class LeverTable:
    """The relevance table of a scenario.

    Attributes:
        scenario: its name.
        seeds: the seeds it was measured on.
        policy: the reference policy under which levers were switched off.
        energy: the energy layer under it.
        loads: load per site and step count.
        rows: one per lever.
    """

    scenario: str
    seeds: tuple[int, ...]
    policy: str
    energy: str
    loads: tuple[Load, ...]
    rows: tuple[Lever, ...]

    @property
    def passed(self) -> bool:
        """Whether everything in the scenario matters."""
        return all(row.passed for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The table as plain data."""
        return {
            "scenario": self.scenario,
            "seeds": list(self.seeds),
            "policy": self.policy,
            "energy": self.energy,
            "passed": self.passed,
            "loads": [vars(load) for load in self.loads],
            "levers": [{**vars(row), "effect": _or_none(row.effect)} for row in self.rows],
        }


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def reference_policy() -> str:
    """The strongest heuristic that is registered."""
    return "price-aware" if "price-aware" in available("schedule") else "greedy-utility"


def levers(
    what: Loaded | Scenario | Stage,
    *,
    seeds: Sequence[int] | None = None,
    jobs: int = 1,
    policy: str | None = None,
    energy: str = "paper-inner",
    progress: Progress | None = None,
) -> LeverTable:
    """Measure what each lever of a scenario is worth.

    Args:
        what: a loaded YAML, a scenario or a stage.
        seeds: default: the first two of the scenario.
        jobs: processes to run side by side.
        policy: reference policy; default: :func:`reference_policy`.
        energy: energy layer under it; must have the option ``clock: full``.
        progress: called with (slots done, slots in all).
    """
    on = staged(what)
    numbers = tuple(seeds or on.scenario.seeds[:DEFAULT_SEEDS])
    reference = policy or reference_policy()
    found = variants(on, reference, energy)
    units = [
        Unit(variant.policy, seed, energy, stage=name)
        for name, variant in found.items()
        for seed in numbers
    ]
    done = run_units(
        {name: variant.stage for name, variant in found.items()},
        units,
        jobs=jobs,
        progress=progress,
    )
    return LeverTable(
        scenario=on.scenario.name,
        seeds=numbers,
        policy=reference,
        energy=energy,
        loads=tuple(loads(on, numbers[0])),
        rows=tuple(_rows(found, _kpis(done), reference)),
    )


def _kpis(done: Mapping[Unit, Done]) -> dict[str, list[Kpis]]:
    """Key figures per variant, in the order of the seeds."""
    found: dict[str, list[Kpis]] = {}
    for unit, outcome in done.items():
        found.setdefault(unit.stage, []).append(outcome.kpis)
    return found


# --- rows -----------------------------------------------------------------------------------


def _rows(
    found: Mapping[str, Variant], kpis: Mapping[str, list[Kpis]], reference: str
) -> list[Lever]:
    base = kpis["reference"]
    late = [k["late_share"] for k in kpis["sparsity"]]
    rows = [_row("sparsity", late, SPARSITY_MIN, "late jobs of `random` at full clocks")]
    for name, measure, least in (
        ("steps", _utility_lost, UTILITY_MIN),
        ("transfer", _utility_lost, UTILITY_MIN),
        ("DVFS", _cost_risen, COST_MIN),
        ("battery", _cost_risen, COST_MIN),
        ("solar", _cost_risen, COST_MIN),
        ("wind", _cost_risen, COST_MIN),
    ):
        if name not in found:
            rows.append(_row(name, [], least, f"{ABSENT[name]}: there is nothing to switch off"))
            continue
        effects, words = measure(base, kpis[name])
        rows.append(_row(name, effects, least, f"{words} under `{reference}` {WITHOUT[name]}"))
    return rows


WITHOUT = {
    "steps": "if every image gets the default steps",
    "transfer": "if no job may leave home",
    "DVFS": "if all clocks stay at full speed",
    "battery": "without batteries",
    "solar": "without solar fields",
    "wind": "without wind turbines",
}
ABSENT = {
    "steps": "one step count only",
    "transfer": "no job may leave home",
    "DVFS": "GPUs with one clock level only",
    "battery": "no site has a battery",
    "solar": "no site has a solar field",
    "wind": "no site has wind turbines",
}


def _row(name: str, effects: list[float], least: float, detail: str) -> Lever:
    found = estimate([100.0 * effect for effect in effects])
    effect = float("nan") if found.mean is None else found.mean
    return Lever(name, effect, found.bounds(), "%", least, bool(effect >= least), detail)


def _utility_lost(base: list[Kpis], off: list[Kpis]) -> tuple[list[float], str]:
    have, lack = ([k["utility_usd"] for k in rows] for rows in (base, off))
    lost = [a - b for a, b in zip(have, lack, strict=True)]
    return share_of(lost, have), _words("utility", have, lack)


def _cost_risen(base: list[Kpis], off: list[Kpis]) -> tuple[list[float], str]:
    have, lack = ([net_cost_usd(k) for k in rows] for rows in (base, off))
    risen = [b - a for a, b in zip(have, lack, strict=True)]
    return share_of(risen, have), _words("net energy cost", have, lack)


def _words(what: str, have: list[float], lack: list[float]) -> str:
    return f"{what} {float(np.mean(have)):,.2f} → {float(np.mean(lack)):,.2f} USD"


def net_cost_usd(kpis: Kpis) -> float:
    """Energy cost with everything that storage and limits shift elsewhere [USD]."""
    return sum(sign * kpis[name] for name, sign in _COST)
