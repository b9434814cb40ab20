"""Does no policy ever earn more than the hindsight bound says, whatever the world is like?"""

from dataclasses import replace

import numpy as np
import random_worlds as worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.decision import Layered
from cosim.hindsight import hindsight, unbounded
from cosim.plugins import load_policy
from cosim.run import run, staged
from cosim.world.plan import Plan

dice = st.integers(0, 2**31)


def lively(plan: Plan, seed: int) -> Plan:
    """The plan with prices that jump and fall below zero, carbon at a price, much sun and wind."""
    rng, outside = np.random.default_rng(seed), plan.outside
    shape = outside.price_usd_kwh.shape
    price = rng.choice([0.02, 0.1]) + rng.choice([0.0, 0.15]) * rng.normal(size=shape)
    bins = outside.solar_bin_kw.shape
    kept = rng.choice([1.0, 0.9, 0.3])
    return replace(
        plan,
        outside=replace(
            outside,
            price_usd_kwh=price,
            sale_usd_kwh=price - (1.0 - kept) * np.abs(price),
            solar_bin_kw=rng.choice([0.0, 4.0]) * rng.random(bins),
            wind_bin_kw=rng.choice([0.0, 3.0]) * rng.random(bins),
            temp_bin_c=15.0 + 10.0 * rng.normal(size=bins),
        ),
        info=replace(plan.info, carbon_usd_kg=float(rng.choice([0.0, 0.1]))),
    )


def policy(name: str) -> Layered:
    if name == "restless":
        return Layered(
            worlds.Restless(worlds.KINDS, 1.0), load_policy("idle", None, kind="energy")
        )
    energy = load_policy("self-consumption", None, kind="energy")
    return Layered(load_policy(name, None, kind="schedule"), energy)


@settings(parent=worlds.engines_agree, max_examples=120)
@given(worlds.scenarios(), dice, st.sampled_from(["restless", "price-aware", "greedy-utility"]))
def test_no_run_beats_hindsight(scenario, seed, name):
    stage = staged(scenario)
    plan = lively(stage.plan(seed % 100), seed)
    assert not unbounded(plan)
    bound = hindsight(plan)
    result = run(stage, policy=name, seed=seed % 100, plan=plan, make=lambda: policy(name))
    assert result.kpis["utility_usd"] <= bound.bound_usd
