"""Do the planning policies plan, act on their plans, and say so when they have none?"""

from dataclasses import replace

import numpy as np
import pytest

from cosim.decision import ScoreRule, SplitRule
from cosim.hindsight import hindsight
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.study.compare import compare, stored
from policies.energy.look_ahead import LookAhead
from policies.optimising.customers import Arrivals, customers
from policies.optimising.horizon import Horizon, Periods
from policies.optimising.milp import Milp
from policies.optimising.optimiser import LpPrice, LpSplit

DICE = np.random.default_rng(1)


@pytest.fixture(scope="module")
def stage(pytestconfig):
    return staged(load_scenario(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"))


def decide(policy, world, *observations):
    policy.reset(world, DICE)
    return [policy.decide(observation) for observation in observations][-1]


def test_periods_are_slots_first_and_then_longer(make_world):
    world = make_world()
    lengths = Horizon(24.0, 8.0).lengths(world)
    assert sum(lengths) == 288
    assert lengths[:9] == [1] * 9
    assert lengths == sorted(lengths[:-1]) + lengths[-1:]
    assert len(lengths) < 50
    assert Horizon(6.0, 0.0).lengths(world) == [1] * 72


def test_periods_end_with_the_window():
    periods = Periods([1, 1, 2, 4], 0.5, 100)
    assert periods.hours(95) == pytest.approx([0.5, 0.5, 1.0, 0.5])
    assert periods.ahead(np.array([[1.0, 2.0]])).tolist() == [[1, 2, 2, 2, 2, 2, 2, 2]]
    assert periods.means(np.arange(8.0)) == pytest.approx([0.0, 1.0, 2.5, 5.5])


def test_arrivals_follow_yesterday_once_there_is_one(make_world, make_observation):
    world = make_world(slot_ns=6 * 3600 * 10**9)  # four slots a day
    who = customers(world, 1.0)
    seen = Arrivals(world, who.group, len(who.groups), memory=0.5)
    shape = (world.n_sites, len(world.classes))
    for slot, jobs in enumerate([0, 10, 30, 20, 10], start=0):
        seen.update(make_observation(world, slot=slot, arrivals=np.full(shape, jobs)))
        if slot == 2:
            flat = seen.ahead(3)
            assert (flat == flat[:, :1]).all()
    ahead = seen.ahead(4).sum(axis=0)
    assert ahead / ahead.sum() == pytest.approx(np.array([10, 30, 20, 10]) / 70)


@pytest.mark.parametrize(("jobs", "costs"), [(1, False), (3000, True)])
def test_gpu_time_costs_when_it_is_short(make_world, make_observation, jobs, costs):
    world = make_world()
    shape = (world.n_sites, len(world.classes))
    seen = make_observation(world, arrivals=np.full(shape, jobs))
    rule = decide(LpPrice(), world, seen).dispatch
    assert isinstance(rule, ScoreRule)
    assert (rule.gpu_usd_s > 1e-9).all() == costs


def test_shares_reach_their_places_and_sum_to_one(make_two_model_world, make_observation):
    world = make_two_model_world()
    rule = decide(LpSplit(), world, make_observation(world)).dispatch
    assert isinstance(rule, SplitRule)
    assert rule.shares.sum(axis=2) == pytest.approx(np.ones(rule.shares.shape[:2]))
    assert not rule.shares[:, :, : world.n_services][~world.reachable].any()
    assert np.isin(rule.steps, world.steps).all()


def test_joint_gives_all_parts_and_below_only_the_dispatch(make_world, make_observation):
    world = make_world()
    seen = make_observation(world)
    joint = decide(LpPrice(), world, seen)
    below = decide(LpPrice(energy="below"), world, seen)
    assert joint.clock_level is not None
    assert joint.battery_kw is not None
    assert (below.clock_level, below.battery_kw) == (None, None)


@pytest.mark.parametrize("make", [LpPrice, LpSplit])
def test_without_a_plan_it_does_something_safe_and_counts(make, make_world, make_observation):
    world, policy = make_world(), make()
    policy.reset(world, DICE)
    model = policy.plan.fluid
    fails = replace(model.solver.solve(), status="failed")
    model.solver.solve = lambda: fails
    assert isinstance(policy.decide(make_observation(world)).dispatch, ScoreRule)
    assert policy.remarks() == [
        f"{policy.name}: no plan in 1 slots, in which jobs served themselves"
    ]


def test_milp_tells_the_gap_it_proved(make_world, make_observation):
    world, policy = make_world(), Milp(gap=1e-4)
    decision = decide(policy, world, make_observation(world))
    assert (decision.clock_level <= world.top_level).all()
    assert 0.0 <= policy.gaps[0] <= 1e-4
    assert "proven to within" in policy.remarks()[0]


def test_look_ahead_buys_cheap_and_covers_when_dear(make_world, make_observation):
    world = make_world()
    night, day = np.full((3, 288), 0.30), np.full((3, 288), 0.05)
    night[:, 0], day[:, 0] = 0.05, 0.30
    cheap = make_observation(world, price_usd_kwh=night[:, 0], forecast_price=night)
    dear = make_observation(world, price_usd_kwh=day[:, 0], forecast_price=day)
    bought = decide(LookAhead(), world, cheap)
    used = decide(LookAhead(), world, dear)
    has = world.battery_kwh > 0
    assert (bought.battery_kw[has] < 0).all()
    assert not bought.battery_cover_kw.any()
    assert np.isinf(used.battery_cover_kw[has]).all()
    assert not used.battery_cover_kw[~has].any()


def test_hindsight_is_shown_the_best_course_and_stays_below_the_bound(stage):
    plan = stage.plan(1)
    bound = hindsight(plan).bound_usd
    utility = {
        name: run(stage, policy=name, seed=1, plan=plan).kpis["utility_usd"]
        for name in ("home", "policies.optimising.hindsight:Hindsight")
    }
    assert utility["home"] < utility["policies.optimising.hindsight:Hindsight"] <= bound


def test_bound_by_either_method_is_the_same(stage):
    plan = stage.plan(1)
    one, other = hindsight(plan, method="ipm"), hindsight(plan, method="simplex")
    assert one.bound_usd == pytest.approx(other.bound_usd, rel=1e-6)


def test_a_comparison_tells_regret_and_keeps_it(stage, tmp_path):
    found = compare(stage, out=tmp_path / "study", bound=True)
    bound = hindsight(stage.plan(1)).bound_usd
    utility = found.results["home", 1].kpis["utility_usd"]
    again = stored(tmp_path / "study")
    assert again.table["home"] == found.table["home"]
    regret = found.table["home"]["regret_to_bound_usd"]["mean"]
    mean = found.table["home"]["utility_usd"]["mean"]
    both = np.mean([hindsight(stage.plan(s)).bound_usd for s in found.seeds])
    assert regret == pytest.approx(both - mean)
    assert bound > utility
    plain = compare(stage, seeds=[1])
    assert "regret_to_bound_usd" not in plain.table["home"]
