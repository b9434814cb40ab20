"""Scheduling heuristics: each gives a feasible rule, and its rule does what its docstring says."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.decision import CallbackRule, JobView, QueueView, ScoreRule, SplitRule, project
from cosim.errors import PolicyError
from cosim.plugins import available, load_policy
from policies.heuristics.market import Demand, clearing_prices
from policies.heuristics.static import Home, Random, RoundRobin
from policies.heuristics.utility import GreedyUtility, PriceAware

SCHEDULES = sorted(available("schedule"))
PLANNERS = {"lp-price", "lp-split", "milp", "optimiser"}
"""They plan clocks and batteries with the jobs; the others leave energy to the inner layer."""


def decide(policy, world, observation, seed=7):
    policy.reset(world, np.random.default_rng(seed))
    return policy.decide(observation)


def scores(rule, world, home, *, wait_s=(0.0, 0.0, 0.0), tolerated_s=1e9):
    """The scores of a job of one image as the docstring of cosim.decision.rules defines them."""
    time_s = world.image_s()
    moved_s = world.transfer_s[home, world.service_site][:, None]
    delay_s = np.asarray(wait_s)[world.service_site][:, None] + moved_s + time_s
    on_time = delay_s + rule.margin_s <= tolerated_s
    earned = np.where(
        on_time,
        rule.revenue_weight * world.revenue_usd,
        -rule.late_weight * world.late_penalty_usd[:, None],
    )
    score = earned - rule.gpu_usd_s[:, None] * time_s
    score -= rule.energy_usd_kwh[:, None] * world.image_kwh()
    score -= rule.transfer_weight * world.transfer_usd[home, world.service_site][:, None]
    score -= rule.delay_usd_s * delay_s
    return np.where(rule.steps_allowed & rule.allowed[home][:, None], score, -np.inf)


def answers(rule, world, jobs=50):
    """What a callback answers to the first jobs of each home, with unlike queues."""
    queues = QueueView(0, tuple(range(world.n_sites)), (0,) * world.n_sites, (0,) * world.n_sites)
    views = (
        JobView(k, k % world.n_sites, 0, 1, 30, world.classes[0].transferable, 0, 10**12)
        for k in range(jobs)
    )
    return [rule.place(view, queues) for view in views]


def best(rule, world, home, **queue):
    table = scores(rule, world, home, **queue)
    service, column = np.unravel_index(int(table.argmax()), table.shape)
    return int(service), world.steps[column]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("slot", [0, 100])
def test_every_schedule_is_feasible_on_three_sites(name, slot, world, make_observation):
    observation = make_observation(world, slot=slot)
    decision = decide(load_policy(name, kind="schedule"), world, observation)
    if name not in PLANNERS:
        assert decision.clock_level is None
        assert decision.battery_kw is None
    assert project(decision, world, observation, policy=name).clips == {}


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_feasible_with_two_models_at_a_site(
    name, make_two_model_world, make_observation
):
    world = make_two_model_world()
    observation = make_observation(world)
    decision = decide(load_policy(name, kind="schedule"), world, observation)
    projection = project(decision, world, observation, policy=name)
    assert projection.clips == {}
    assert projection.numbers > 0 or isinstance(decision.dispatch, CallbackRule)


@pytest.mark.parametrize("name", SCHEDULES)
def test_same_dice_same_decision(name, world, make_observation):
    observation = make_observation(world)
    first, second = (
        decide(load_policy(name, kind="schedule"), world, observation).dispatch for _ in range(2)
    )
    if isinstance(first, CallbackRule):
        first, second = ({"asked": answers(rule, world)} for rule in (first, second))
    else:
        first, second = vars(first), vars(second)
    for key, value in first.items():
        assert np.array_equal(value, second[key]), key


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_reset_policy_has_forgotten(name, world, make_observation):
    policy = load_policy(name, kind="schedule")
    busy = make_observation(world, arrivals=np.full((3, 4), 900), backlog_gpu_s=900.0 * world.gpus)
    fresh = decide(policy, world, make_observation(world)).dispatch
    decide(policy, world, busy)
    policy.decide(busy)
    again = decide(policy, world, make_observation(world)).dispatch
    for key, value in vars(fresh).items():
        assert np.array_equal(value, getattr(again, key)), key


def test_home_keeps_every_class_at_its_first_service(make_two_model_world, make_observation):
    world = make_two_model_world()
    rule = decide(Home(), world, make_observation(world)).dispatch
    assert isinstance(rule, SplitRule)
    assert np.array_equal(rule.shares[0, :, 0], np.ones(len(world.classes)))
    assert np.array_equal(rule.shares[1, :, 2], np.ones(len(world.classes)))
    assert (rule.steps == world.default_steps).all()


def test_round_robin_gives_equal_shares_to_movable_jobs(world, make_observation):
    rule = decide(RoundRobin(), world, make_observation(world)).dispatch
    movable = world.transferable
    assert np.allclose(rule.shares[:, movable, :3], 1 / 3)
    assert np.allclose(rule.shares[np.arange(3), :, np.arange(3)][:, ~movable], 1.0)


def test_round_robin_by_capacity_follows_images_per_second(world, make_observation):
    rule = decide(RoundRobin(weights="capacity", steps=10), world, make_observation(world))
    rate = world.gpus / world.image_s()[:, world.steps.index(10)]
    assert np.allclose(rule.dispatch.shares[0, world.transferable, :3], rate / rate.sum())


def test_random_draws_anew_each_slot(world, make_observation):
    policy = Random()
    first = decide(policy, world, make_observation(world)).dispatch
    second = policy.decide(make_observation(world)).dispatch
    assert not np.array_equal(first.shares, second.shares)
    assert not np.array_equal(first.steps, second.steps)
    assert set(np.unique(first.steps)) <= set(world.steps)


def test_random_shares_are_uniform_on_the_simplex(world, make_observation):
    policy = Random()
    policy.reset(world, np.random.default_rng(3))
    observation = make_observation(world)
    draws = np.concatenate(
        [
            policy.decide(observation).dispatch.shares[:, world.transferable, :3].reshape(-1, 3)
            for _ in range(400)
        ]
    )
    # Dirichlet(1, 1, 1): mean 1/3 and variance 1/18 each.
    assert np.allclose(draws.mean(axis=0), 1 / 3, atol=0.02)
    assert np.allclose(draws.var(axis=0), 1 / 18, atol=0.005)


def test_least_loaded_goes_to_the_shortest_wait_however_slow_the_model(world, make_observation):
    policy = load_policy("least-loaded", kind="schedule")
    rule = decide(policy, world, make_observation(world)).dispatch
    assert best(rule, world, 0, wait_s=(9.0, 8.0, 1.0)) == (2, 30)
    assert best(rule, world, 0, wait_s=(0.9, 8.0, 1.0)) == (0, 30)


def test_least_loaded_score_is_minus_the_wait_with_transfer(world, make_observation):
    policy = load_policy("least-loaded", {"steps": 14}, kind="schedule")
    rule = decide(policy, world, make_observation(world)).dispatch
    table = scores(rule, world, 1, wait_s=(3.0, 2.0, 1.0))[:, world.steps.index(14)]
    assert np.allclose(table, [-3.2, -2.0, -1.2])


def test_earliest_finish_counts_its_own_time(world, make_observation):
    policy = load_policy("earliest-finish", kind="schedule")
    rule = decide(policy, world, make_observation(world)).dispatch
    # SD 3.5 needs 7.3 s for 30 steps, SD 1.5 0.93 s: 6 s of wait are worth it, 8 s are not.
    assert best(rule, world, 2, wait_s=(6.0, 99.0, 0.0))[0] == 0
    assert best(rule, world, 2, wait_s=(8.0, 99.0, 0.0))[0] == 2


def test_cheapest_goes_to_the_low_price_unless_late(world, make_observation):
    policy = load_policy("cheapest", kind="schedule")
    price = np.array([0.50, 0.01, 0.50])
    rule = decide(policy, world, make_observation(world, price_usd_kwh=price)).dispatch
    assert best(rule, world, 1)[0] == 1
    assert best(rule, world, 1, wait_s=(0.0, 500.0, 0.0), tolerated_s=60.0)[0] == 0


def test_energy_counts_with_pue_and_carbon_price(make_world, make_observation):
    world = make_world(carbon_usd_kg=0.1)
    rule = decide(GreedyUtility(), world, make_observation(world)).dispatch
    assert np.allclose(rule.energy_usd_kwh, (0.05 + 0.1 * 0.3) * 1.2)


def test_energy_of_an_exporting_site_counts_at_the_sale_price(world, make_observation):
    seen = make_observation(world, solar_kw=np.array([130.0, 130.0, 0.0]))
    rule = decide(GreedyUtility(), world, seen).dispatch
    # Site 1 may not export at all, so its surplus would be curtailed and costs nothing.
    assert np.allclose(rule.energy_usd_kwh, [0.045 * 1.2, 0.0, 0.05 * 1.2])


def test_pue_is_one_while_nothing_runs(world, make_observation):
    seen = make_observation(world, it_kw=np.zeros(3))
    rule = decide(GreedyUtility(), world, seen).dispatch
    assert np.allclose(rule.energy_usd_kwh, 0.05)


def test_greenest_follows_carbon_and_surplus(world, make_observation):
    policy = load_policy("greenest", {"carbon_usd_kg": 100.0}, kind="schedule")
    carbon = np.array([500.0, 50.0, 500.0])
    seen = make_observation(world, carbon_g_kwh=carbon)
    assert best(decide(policy, world, seen).dispatch, world, 0)[0] == 1
    seen = make_observation(world, carbon_g_kwh=carbon, wind_kw=np.array([0.0, 0.0, 150.0]))
    assert best(decide(policy, world, seen).dispatch, world, 0)[0] == 2


def test_greedy_takes_the_dear_model_with_time_and_the_fast_one_without(world, make_observation):
    rule = decide(GreedyUtility(), world, make_observation(world)).dispatch
    assert best(rule, world, 0, tolerated_s=100.0) == (2, 42)
    assert best(rule, world, 0, tolerated_s=1.0)[0] == 0


def test_greedy_takes_fewer_steps_where_energy_is_dear(world, make_observation):
    dear = make_observation(world, price_usd_kwh=np.full(3, 20.0))
    steps = [
        best(decide(GreedyUtility(), world, seen).dispatch, world, 0)[1]
        for seen in (make_observation(world), dear)
    ]
    assert steps[1] < steps[0]


def test_margin_makes_a_close_finish_late(world, make_observation):
    rule = decide(GreedyUtility(margin_s=5.0), world, make_observation(world)).dispatch
    assert best(rule, world, 0, tolerated_s=10.5)[0] == 2
    assert best(rule, world, 0, tolerated_s=5.5)[0] == 0


def test_fixed_steps_runs_its_steps_only(world, make_observation):
    policy = load_policy("fixed-steps", {"steps": 22}, kind="schedule")
    rule = decide(policy, world, make_observation(world)).dispatch
    assert isinstance(rule, ScoreRule)
    assert best(rule, world, 1)[1] == 22
    assert (rule.steps_allowed.sum(axis=1) == 1).all()


@pytest.mark.parametrize("name", ["home", "round-robin", "earliest-finish", "fixed-steps"])
def test_a_step_count_the_scenario_lacks_is_named(name, world):
    policy = load_policy(name, {"steps": 31}, kind="schedule")
    with pytest.raises(PolicyError, match=rf"`{name}`.*31 denoising steps.*6, 10, 14"):
        policy.reset(world, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("home", {"steps": 2.5}, "whole number from 1"),
        ("home", {"steps": True}, "whole number from 1"),
        ("round-robin", {"weights": "fair"}, "one of: equal, capacity"),
        ("cheapest", {"late_weight": -1}, "of at least 0"),
        ("greedy-utility", {"margin_s": float("nan")}, "of at least 0"),
        ("greedy-utility", {"margin_s": "5 s"}, "of at least 0"),
        ("price-aware", {"target_load": 1.5}, "from 0.1 to 1"),
    ],
)
def test_bad_options_are_policy_errors(name, options, text):
    with pytest.raises(PolicyError, match=text):
        load_policy(name, options, kind="schedule")


# the market ------------------------------------------------------------------------------


def prices(world, images_s, energy=0.0):
    return clearing_prices(
        world,
        images_s=np.asarray(images_s, dtype=np.float64),
        capacity_gpus=world.gpus.astype(np.float64),
        energy_usd_kwh=np.full(world.n_services, energy),
        start_usd_s=np.zeros(world.n_sites),
    )


def test_gpu_time_is_free_when_little_is_asked(world):
    assert prices(world, np.full((3, 2), 0.001)).max() < 1e-6


def test_prices_rise_with_demand(world):
    rising = [prices(world, np.full((3, 2), load)).sum() for load in (0.05, 0.5, 2.0)]
    assert rising[0] < rising[1] < rising[2]


def test_one_site_market_clears_where_marginal_revenue_meets_the_price(make_world):
    """One site, only staying jobs: capacity for 20 steps an image must price 22 steps out."""
    world = make_world()
    column = world.steps.index(22)
    time_s = world.image_s()[2]
    images = np.zeros((3, 2))
    images[2, 0] = 8.0 / (0.5 * (time_s[column] + time_s[column - 1]))
    price = prices(world, images)[2]
    slope = np.diff(world.revenue_usd[2]) / np.diff(time_s)
    # The concave part of the curve: the price lies between the slopes around 18 and 22 steps.
    assert slope[column] * 0.8 <= price <= slope[column - 2] * 1.2


def test_demand_counts_images_per_second_apart_by_movability(world, make_observation):
    demand = Demand(world, memory=0.0)
    arrivals = np.array([[1, 2, 3, 4], [0, 0, 0, 0], [0, 1, 0, 0]])
    demand.update(make_observation(world, arrivals=arrivals))
    images = 4.5 / 300.0  # classes of 1 to 8 images, slots of 300 s
    assert np.allclose(demand.images_s(), np.array([[4, 6], [0, 0], [0, 1]]) * images)


def test_demand_of_slot_zero_is_unknown(world, make_observation):
    demand = Demand(world, memory=0.5)
    demand.update(make_observation(world, slot=0))
    assert demand.images_s().sum() == 0.0


def test_price_aware_is_greedy_while_calm_and_cuts_steps_under_overload(world, make_observation):
    calm = make_observation(world, arrivals=np.full((3, 4), 1))
    flood = make_observation(world, arrivals=np.full((3, 4), 200))
    greedy = best(decide(GreedyUtility(), world, calm).dispatch, world, 2)
    assert best(decide(PriceAware(), world, calm).dispatch, world, 2) == greedy
    rule = decide(PriceAware(), world, flood).dispatch
    assert best(rule, world, 2)[1] < greedy[1]
    assert (rule.gpu_usd_s >= 0.0).all()


def test_a_queue_raises_the_price_of_its_site(world, make_observation):
    arrivals = np.full((3, 4), 30)
    free = PriceAware()
    decide(free, world, make_observation(world, arrivals=arrivals))
    queued = PriceAware()
    backlog = np.array([0.0, 0.0, 8 * 200.0])
    decide(queued, world, make_observation(world, arrivals=arrivals, backlog_gpu_s=backlog))
    assert queued.gpu_usd_s[2] > free.gpu_usd_s[2]
