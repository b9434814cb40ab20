"""Does no policy ever earn more than the hindsight bound says, whatever the world is like?"""

from dataclasses import replace

import energy_site
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


@st.composite
def halls(draw):
    """A site whose room is worth cooling ahead, or warms up, or leaks, beside much else."""
    return energy_site.scenario(
        hours=draw(st.sampled_from([2.0, 5.0])),
        slot_minutes=draw(st.sampled_from([5, 30])),
        load=draw(st.sampled_from([0.05, 0.5, 1.1])),
        cooling=draw(st.sampled_from([{"kind": "constant", "pue": 1.6}, *worlds.COOLING[1:]])),
        room={
            "mass_wh_per_k_kw": draw(st.sampled_from([3, 50, 500])),
            "capacity_ratio": draw(st.sampled_from([1.0, 1.4, 3.0])),
            "envelope_w_per_k_kw": draw(st.sampled_from([0, 1, 50])),
            "start_c": draw(st.sampled_from([None, 20, 32])),
        },
        battery=draw(st.sampled_from([None, {"kind": "linear", **energy_site.BATTERY}])),
    )


@settings(parent=worlds.engines_agree, max_examples=30)
@given(halls(), dice, st.sampled_from(["look-ahead", "paper-inner", "orders"]))
def test_no_way_to_cool_a_room_beats_hindsight(scenario, seed, how):
    stage, rng = staged(scenario), np.random.default_rng(seed)
    plan = lively(stage.plan(seed % 100), seed)
    orders = energy_site.Orders(
        lambda seen: {"cooling_setpoint_c": rng.choice([18.0, 22.0, 27.0])}
    )
    make = {"orders": lambda: orders}.get(how, lambda: planner(how))
    result = run(stage, policy=how, seed=seed % 100, plan=plan, make=make)
    assert result.kpis["utility_usd"] <= hindsight(plan).bound_usd


def planner(energy: str) -> Layered:
    return Layered(
        load_policy("greedy-utility", None, kind="schedule"),
        load_policy(energy, None, kind="energy"),
    )
