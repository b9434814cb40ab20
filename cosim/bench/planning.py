"""How long planners think: programs of the paper's scale, solved as the policies solve them.

Processor time on one core. The whole-day program with whole numbers is that of a day ahead with
everything known: 288 slots of five minutes, one clock level per site in each, to a gap of 0.1 %.
The rolling program is `lp-price`'s six hours ahead, solved hot at every slot edge of a day. The
week is that of three sites by the hour, by the interior point method.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from time import process_time

import numpy as np

from cosim.bench.sheet import Row, Sheet, Terms, number_column
from cosim.decision import Decision, Layered, Observation, Policy, WorldInfo
from cosim.hindsight import hindsight
from cosim.hindsight.facts import facts_of
from cosim.optimise import Fluid
from cosim.plugins import load_policy
from cosim.prepare import Stage
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.traces.catalogue import bundled

GAP = 1e-3
COLUMNS = (
    number_column("CPU s", "cpu_s", 3),
    number_column("target s", "target_s", 1),
    number_column("gap %", "gap_percent", 3),
)
SIX_HOURS = "lp-price"
HORIZON_H = 6.0


def planning(letter: str, terms: Terms) -> Sheet:
    """Time the programs of the paper's scale, once each."""
    day = _staged("clock.days=1")
    rows: dict[str, Row] = {}
    programs: tuple[tuple[str, float, Callable[[], Row]], ...] = (
        ("day ahead, whole numbers", 10.0, partial(_day_ahead, day)),
        ("rolling plan, 6 h, p50", 0.1, partial(_rolling, day)),
        ("day with `optimiser`", 60.0, partial(_whole_day, day)),
        ("week by the hour, bound", 30.0, _week),
    )
    for name, target_s, make in programs:
        terms.tell(name)
        rows[name] = {"target_s": target_s, "gap_percent": None, **make()}
    late = [name for name, row in rows.items() if row["cpu_s"] > row["target_s"]]
    note = f"NOT within target: {', '.join(late)}" if late else "all within their targets"
    title = "programs of the paper's scale, scenarios/paper/base.yaml"
    return Sheet(letter, title, "programs", "program", COLUMNS, rows, notes=(note,))


def _staged(*overrides: str) -> Stage:
    return staged(load_scenario(bundled("scenarios") / "paper" / "base.yaml", list(overrides)))


def _timed(work: Callable[[], object]) -> float:
    begun = process_time()
    work()
    return process_time() - begun


def _day_ahead(on: Stage) -> Row:
    """One clock level of each site in every slot, by whole numbers."""
    plan = on.plan(1)
    plant, groups, seen = facts_of(plan)
    slots = plan.info.slots
    begun = process_time()
    fluid = Fluid(plant, groups, seen.periods, slots, binary=True, one_clock=slots, gap=GAP)
    answer = fluid.solve(seen).answer
    return {"cpu_s": process_time() - begun, "gap_percent": 100.0 * answer.gap}


class Timed:
    """A policy whose decisions are timed.

    Args:
        policy: who decides.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.times_s: list[float] = []

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run."""
        self._policy.reset(world, rng)

    def decide(self, observation: Observation) -> Decision:
        """Decide, and note the processor time of it."""
        begun = process_time()
        decision = self._policy.decide(observation)
        self.times_s.append(process_time() - begun)
        return decision


def _rolling(on: Stage) -> Row:
    """Median over the slots of a day, six hours ahead in single slots."""
    options = {"horizon_h": HORIZON_H, "tail": 0.0}
    timed = Timed(load_policy(SIX_HOURS, options, kind="schedule"))
    idle = load_policy("idle", None, kind="energy")
    run(on, policy=SIX_HOURS, seed=1, make=lambda: Layered(timed, idle))
    return {"cpu_s": median(timed.times_s)}


def _whole_day(on: Stage) -> Row:
    return {"cpu_s": _timed(lambda: run(on, policy="optimiser", seed=1))}


def _week() -> Row:
    on = _staged("clock.days=7", "clock.slot_minutes=60")
    plan = on.plan(1)
    return {"cpu_s": _timed(lambda: hindsight(plan, method="ipm"))}
