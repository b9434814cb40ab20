"""How much better could it have been? The hindsight bound of every seed, and regret to it.

The bound is a linear program over the whole run with everything known in advance
(:mod:`cosim.hindsight`): no policy can earn more, and none can be expected to earn as much,
because jobs are lumps, queues form by chance and the future is not known. Regret compares policies
with what is possible at all instead of with each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cosim.hindsight import hindsight, unbounded
from cosim.prepare import Stage

REGRET = "regret_to_bound_usd"
SECONDS_MAX = 30.0
"""Bounds that take longer are computed when they are asked for."""
SIZE_PER_S = 1_500
"""Slots × services × homes that a bound of a day at paper scale takes in a second: three sites of
288 slots take about 2 s (``python -m timeit -n 1 -s "from cosim.run import staged; from
cosim.scenario.load import load_scenario; from cosim.hindsight import hindsight; p =
staged(load_scenario('scenarios/paper/base-small.yaml')).plan(1)" "hindsight(p)"``)."""


def obstacle(on: Stage, seed: int, times: int = 1) -> str:
    """Why bounds are not computed unless they are asked for, in words; empty if they are.

    Args:
        on: the stage.
        seed: one of the seeds.
        times: how many bounds there are to compute.
    """
    slots = (on.window.end_utc_ns - on.window.start_utc_ns) / on.window.slot_ns
    size = slots * len(on.services) * len(on.racks)
    if times * size / SIZE_PER_S > SECONDS_MAX:
        return "it would take over 30 s; ask for it with --bound"
    return "; ".join(unbounded(on.plan(seed)))


def bounds(on: Stage, seeds: Sequence[int]) -> dict[int, float]:
    """Upper bounds on the utility of any policy, per seed [USD].

    Args:
        on: the stage.
        seeds: whose jobs and failures count.

    Raises:
        CosimError: the solver finds no optimum.
    """
    return {seed: hindsight(on.plan(seed)).bound_usd for seed in seeds}


def with_regret(
    values: Mapping[str, Mapping[str, Sequence[float]]],
    seeds: Sequence[int],
    bound_usd: Mapping[int, float],
) -> dict[str, dict[str, list[float]]]:
    """Add the regret of every run to the key figures of the policies.

    Args:
        values: policy → KPI → one value per seed.
        seeds: in the order of the values.
        bound_usd: bound per seed; seeds without one leave the figures as they are.
    """
    found = {p: {k: list(v) for k, v in row.items()} for p, row in values.items()}
    if any(seed not in bound_usd for seed in seeds):
        return found
    for row in found.values():
        utility = zip(seeds, row["utility_usd"], strict=True)
        row[REGRET] = [bound_usd[seed] - usd for seed, usd in utility]
    return found
