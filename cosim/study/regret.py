"""What a policy loses to hindsight, and to what: jobs that are lumps, planning, forecasts.

Between the bound of a seed (a fluid of images, everything known) and a policy's run stand two runs
more. One replays the bound's optimum in the world; one is the policy itself with forecasts that
hold the truth. The differences add up to the regret:

    lumps      bound − replay                 no fluid: jobs are whole, queues form by chance
    planning   replay − policy with truth     arrivals unknown to it, and how it puts plans to jobs
    forecasts  policy with truth − policy     prices, sun, wind and weather otherwise than foreseen

Any of them may be negative: the replay is no bound, and a policy that looks at queues job by job
may beat it. Apart from that, the cost of a run's energy stands beside the least at which its own
load could have been served (:mod:`cosim.hindsight.energy`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

from cosim.hindsight import hindsight
from cosim.hindsight.energy import least_energy_usd
from cosim.ledger import ENERGY_COST, LOADS, SIGNS
from cosim.prepare import Stage
from cosim.run import RunResult, run
from cosim.study.statistics import mean_cell, paired_cell
from cosim.world.plan import Plan

REPLAY = "hindsight"
BASELINE = "home"
Row = dict[str, float]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Regret:
    """Regret of policies and its parts, by seed.

    Attributes:
        scenario: name of the scenario.
        energy: the energy layer under all policies.
        seeds: the seeds.
        rows: policy → figure → one value per seed.
    """

    scenario: str
    energy: str
    seeds: list[int]
    rows: dict[str, dict[str, list[float]]]

    def to_json(self) -> dict[str, Any]:
        """Means with 95 % intervals, and differences of utility between every two policies."""
        usd = {policy: row["utility_usd"] for policy, row in self.rows.items()}
        return {
            "scenario": self.scenario,
            "energy": self.energy,
            "seeds": self.seeds,
            "policies": {
                policy: {name: mean_cell(values) for name, values in row.items()}
                for policy, row in self.rows.items()
            },
            "paired_utility_usd": {
                policy: {
                    other: paired_cell("utility_usd", mine, theirs)
                    for other, theirs in usd.items()
                    if other != policy
                }
                for policy, mine in usd.items()
            },
            "by_seed": self.rows,
        }


def regret(
    on: Stage,
    policies: Sequence[str],
    seeds: Sequence[int],
    *,
    energy: str | None = None,
    jobs: int = 1,
    tell: Tell = lambda text: None,
) -> Regret:
    """Run policies, their twins that know the truth, and the replay of the bound's optimum.

    Args:
        on: the stage.
        policies: names; ``home`` at the scenario's step count is added, and gaps count from it.
        seeds: the seeds.
        energy: energy layer under all of them; default: the scenario's.
        jobs: processes, each with a seed at a time; results do not depend on it.
        tell: called with a line after each seed.

    Raises:
        UsageError: a site has something that no bound is known for.
    """
    layer = energy or on.scenario.policy.energy.use
    names = [BASELINE, *(p for p in policies if p not in (BASELINE, REPLAY))]
    rows: dict[str, dict[str, list[float]]] = {}
    for seed, found in zip(seeds, _seeds(on, names, seeds, layer, jobs), strict=True):
        tell(f"seed {seed}: bound, replay and {len(names)} policies done")
        for policy, row in found.items():
            for figure, value in row.items():
                rows.setdefault(policy, {}).setdefault(figure, []).append(value)
    return Regret(on.scenario.name, layer, list(seeds), rows)


def _seeds(
    on: Stage, names: Sequence[str], seeds: Sequence[int], energy: str, jobs: int
) -> Iterator[dict[str, Row]]:
    """The figures of every seed in order."""
    if jobs == 1 or len(seeds) == 1:
        yield from (_seed(on, names, seed, energy) for seed in seeds)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(seeds)), mp_context=context) as pool:
        count = len(seeds)
        yield from pool.map(_seed, [on] * count, [names] * count, seeds, [energy] * count)


def _seed(on: Stage, names: Sequence[str], seed: int, energy: str) -> dict[str, Row]:
    """The figures of all policies on one seed."""
    plan = on.plan(seed)
    truth = replace(plan, forecaster="perfect", errors=None)
    bound_usd = hindsight(plan).bound_usd
    replay = run(on, policy=REPLAY, energy=energy, seed=seed, plan=plan)
    replay_usd = replay.kpis["utility_usd"]
    start_usd, rows = 0.0, {}
    for name in names:
        found = run(on, policy=name, energy=energy, seed=seed, plan=plan)
        knowing = run(on, policy=name, energy=energy, seed=seed, plan=truth)
        usd, knowing_usd = found.kpis["utility_usd"], knowing.kpis["utility_usd"]
        start_usd = usd if name == BASELINE else start_usd
        rows[name] = {
            "utility_usd": usd,
            "regret_usd": bound_usd - usd,
            "lumps_usd": bound_usd - replay_usd,
            "planning_usd": replay_usd - knowing_usd,
            "forecasts_usd": knowing_usd - usd,
            "closed_share": (usd - start_usd) / (bound_usd - start_usd),
            **_figures(plan, found),
        }
    rows[REPLAY] = {
        "utility_usd": replay_usd,
        "regret_usd": bound_usd - replay_usd,
        "lumps_usd": bound_usd - replay_usd,
        "planning_usd": 0.0,
        "forecasts_usd": 0.0,
        "closed_share": (replay_usd - start_usd) / (bound_usd - start_usd),
        **_figures(plan, replay),
    }
    return rows


def _figures(plan: Plan, found: RunResult) -> Row:
    """Cost of the window's energy beside the least for its load, and times of decisions."""
    paid, least = energy_usd(found), least_energy_usd(plan, load_kwh(found))
    kpis = found.kpis
    return {
        "late_share": kpis["late_share"],
        "energy_usd": paid,
        "least_energy_usd": least,
        "energy_excess_share": (paid - least) / max(abs(least), 1e-9),
        "decide_ms_p50": kpis["decide_ms_p50"],
        "decide_ms_p99": kpis["decide_ms_p99"],
    }


def load_kwh(found: RunResult) -> Any:
    """What each facility drew in each slot of the window, shape (slots, sites)."""
    data, slots = found.ledger.data, found.ledger.slots
    return sum(data[f"{load}_kwh"][:slots] for load in LOADS)


def energy_usd(found: RunResult) -> float:
    """What the window's energy cost, stored energy settled; the drain is left out [USD]."""
    data, slots = found.ledger.data, found.ledger.slots
    paid = sum(-SIGNS[name] * float(data[name][:slots].sum()) for name in ENERGY_COST)
    return paid - found.ledger.total("settlement_usd")
