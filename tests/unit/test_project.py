"""The projection: what is clipped and counted, and what is refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosim.decision import (
    DROP,
    HOLD,
    CallbackRule,
    Decision,
    PerJobRule,
    Placement,
    SplitRule,
    merge,
    project,
)
from cosim.errors import PolicyError
from policies.heuristics.common import score_rule
from policies.heuristics.static import Home, RoundRobin


def rule_of(policy, world, observation):
    policy.reset(world, np.random.default_rng(0))
    return policy.decide(observation).dispatch


@pytest.fixture
def seen(world, make_observation):
    return make_observation(world)


@pytest.fixture
def split(world, seen):
    return rule_of(RoundRobin(), world, seen)


def refuse(decision, world, seen, field):
    """Project and return the message of the PolicyError, which must name policy, slot, field."""
    with pytest.raises(PolicyError) as caught:
        project(decision, world, seen, policy="mine")
    error = caught.value
    assert (error.policy, error.slot, error.field) == ("mine", 100, field)
    assert f"policy `mine`, slot 100, field `{field}`: " in str(error)
    return str(error)


# energy --------------------------------------------------------------------------------------


def test_battery_is_clipped_to_its_range_and_counted_per_site(world, seen, split):
    decision = Decision(dispatch=split, battery_kw=np.array([-60.0, 1.0, 150.0]))
    projection = project(decision, world, seen)
    assert np.array_equal(projection.decision.battery_kw, [-50.0, 0.0, 150.0])
    assert np.array_equal(projection.clips["battery_kw"], [1, 1, 0])


def test_infinite_battery_orders_mean_as_much_as_there_is(world, seen, split):
    decision = Decision(dispatch=split, battery_kw=np.full(3, np.inf))
    projection = project(decision, world, seen)
    assert np.array_equal(projection.decision.battery_kw, seen.battery_high_kw)
    assert np.array_equal(projection.clips["battery_kw"], [1, 1, 1])


def test_unlimited_absorption_is_no_clip_but_a_negative_one_is(world, seen, split):
    decision = Decision(
        dispatch=split,
        battery_absorb_kw=np.full(3, np.inf),
        battery_cover_kw=np.array([-1.0, 0.0, np.inf]),
    )
    projection = project(decision, world, seen)
    assert set(projection.clips) == {"battery_cover_kw"}
    assert np.array_equal(projection.clips["battery_cover_kw"], [1, 0, 0])
    assert np.array_equal(projection.decision.battery_cover_kw, [0.0, 0.0, np.inf])


def test_open_battery_fields_become_idle(world, seen, split):
    feasible = project(Decision(dispatch=split), world, seen).decision
    assert np.array_equal(feasible.battery_kw, np.zeros(3))
    assert feasible.clock_level is None


def test_rounding_errors_are_not_counted(world, seen, split):
    decision = Decision(dispatch=split, battery_kw=seen.battery_high_kw * (1 + 1e-13))
    assert project(decision, world, seen).clips == {}


def test_clock_is_clipped_to_each_sites_table(make_world, make_observation):
    base = make_world()
    world = make_world(
        clock_speed=((1.0,), *base.clock_speed[1:]), clock_power=((1.0,), *base.clock_power[1:])
    )
    seen = make_observation(world)
    split = rule_of(Home(), world, seen)
    decision = Decision(dispatch=split, clock_level=np.array([1, 9, -1]))
    projection = project(decision, world, seen)
    assert np.array_equal(projection.decision.clock_level, [0, 3, 0])
    assert np.array_equal(projection.clips["clock_level"], [1, 1, 1])


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("battery_kw", [0.0, np.nan, 0.0], r"NaN at index (1)"),
        ("battery_kw", [0.0, 0.0], "shape (2,), expected (3,)"),
        ("battery_kw", 5.0, "shape (), expected (3,)"),
        ("battery_kw", ["a", "b", "c"], "not an array of numbers"),
        ("battery_kw", [[0.0], [0.0, 1.0], [2.0]], "not an array of numbers"),
        ("battery_absorb_kw", [np.nan] * 3, "NaN at index (0)"),
        ("clock_level", [0.0, np.nan, 1.0], "NaN at index (1)"),
        ("clock_level", [0.5, 1.0, 1.0], "has fractions"),
        ("clock_level", [np.inf, 1.0, 1.0], "beyond"),
        ("cooling_setpoint_c", [22.0], "shape (1,), expected (3,)"),
    ],
)
def test_broken_energy_fields_are_named(field, value, text, world, seen, split):
    decision = replace(Decision(dispatch=split), **{field: value})
    assert text in refuse(decision, world, seen, field)


# split ---------------------------------------------------------------------------------------


def test_a_feasible_split_passes_unchanged(world, seen, split):
    projection = project(Decision(dispatch=split), world, seen)
    assert projection.clips == {}
    assert np.allclose(projection.decision.dispatch.shares, split.shares, atol=1e-15)
    assert projection.numbers == split.shares.size + split.steps.size


def test_shares_away_from_home_are_taken_from_jobs_that_may_not_move(world, seen, split):
    shares = np.full_like(split.shares, 1.0 / split.shares.shape[2])
    projection = project(Decision(dispatch=SplitRule(shares, split.steps)), world, seen)
    kept = projection.decision.dispatch.shares
    stay = ~world.transferable
    assert np.allclose(kept[1, stay], [0.0, 1 / 3, 0.0, 1 / 3, 1 / 3])
    assert np.array_equal(projection.clips["dispatch.shares"], np.full(3, stay.sum()))


def test_rows_without_shares_stay_home_and_count(world, seen, split):
    shares = split.shares.copy()
    shares[2, 1] = 0.0
    projection = project(Decision(dispatch=SplitRule(shares, split.steps)), world, seen)
    assert np.array_equal(projection.decision.dispatch.shares[2, 1], [0, 0, 1, 0, 0])
    assert np.array_equal(projection.clips["dispatch.shares"], [0, 0, 1])


def test_steps_move_to_the_nearest_allowed_count(world, seen, split):
    steps = split.steps.copy()
    steps[0, 0] = [29, 100, -3]
    projection = project(Decision(dispatch=SplitRule(split.shares, steps)), world, seen)
    assert np.array_equal(projection.decision.dispatch.steps[0, 0], [30, 42, 6])
    assert np.array_equal(projection.clips["dispatch.steps"], [3, 0, 0])


@pytest.mark.parametrize(
    ("value", "text"),
    [(np.nan, "NaN at index (0, 0, 0)"), (np.inf, "infinite share")],
)
def test_broken_shares_are_named(value, text, world, seen, split):
    shares = split.shares.copy()
    shares[0, 0, 0] = value
    decision = Decision(dispatch=SplitRule(shares, split.steps))
    assert text in refuse(decision, world, seen, "dispatch.shares")


def test_shares_without_hold_and_drop_are_a_wrong_shape(world, seen, split):
    decision = Decision(dispatch=SplitRule(split.shares[:, :, :3], split.steps))
    assert "expected (3, 4, 5)" in refuse(decision, world, seen, "dispatch.shares")


# score ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"gpu_usd_s": np.array([0.0, np.inf, 0.0])}, "dispatch.gpu_usd_s", "infinite price"),
        ({"energy_usd_kwh": np.full(3, np.nan)}, "dispatch.energy_usd_kwh", "NaN"),
        ({"gpu_usd_s": np.zeros(2)}, "dispatch.gpu_usd_s", "expected (3,)"),
        ({"allowed": np.ones((3, 2), dtype=bool)}, "dispatch.allowed", "expected (3, 3)"),
        ({"steps_allowed": np.zeros((3, 10), dtype=bool)}, "dispatch.steps_allowed", "no step"),
        ({"late_weight": np.nan}, "dispatch.late_weight", "NaN"),
        ({"margin_s": np.inf}, "dispatch.margin_s", "not a finite number"),
        ({"delay_usd_s": "much"}, "dispatch.delay_usd_s", "not an array of numbers"),
        ({"hold_below_usd": np.zeros(3)}, "dispatch.hold_below_usd", "expected (4,)"),
    ],
)
def test_broken_score_rules_are_named(changes, field, text, world, seen):
    decision = Decision(dispatch=score_rule(world, **changes))
    assert text in refuse(decision, world, seen, field)


def test_score_rule_keeps_its_limits(world, seen):
    limits = np.array([0.0, 0.1, -np.inf, 0.0])
    decision = Decision(dispatch=score_rule(world, drop_below_usd=limits))
    projection = project(decision, world, seen)
    assert np.array_equal(projection.decision.dispatch.drop_below_usd, limits)
    assert projection.decision.dispatch.hold_below_usd is None


# per job and callback ----------------------------------------------------------------------


def per_job(world, seen, services, steps=None, otherwise=None):
    count = len(services)
    return PerJobRule(
        np.arange(count),
        np.array(services),
        np.full(count, 30) if steps is None else np.array(steps),
        rule_of(Home(), world, seen) if otherwise is None else otherwise,
    )


def test_per_job_accepts_services_hold_and_drop(world, seen):
    rule = per_job(world, seen, [0, 2, HOLD, DROP], steps=[30, 31, 6, 6])
    feasible = project(Decision(dispatch=rule), world, seen).decision.dispatch
    assert np.array_equal(feasible.services, [0, 2, HOLD, DROP])
    assert np.array_equal(feasible.steps, [30, 30, 6, 6])


@pytest.mark.parametrize("service", [3, -3])
def test_an_unknown_destination_is_named(service, world, seen):
    decision = Decision(dispatch=per_job(world, seen, [0, service]))
    message = refuse(decision, world, seen, "dispatch.services")
    assert "outside -2..2" in message


def test_per_job_arrays_must_agree_in_length(world, seen):
    rule = replace(per_job(world, seen, [0, 1]), steps=np.array([30]))
    refuse(Decision(dispatch=rule), world, seen, "dispatch.steps")


def test_per_job_needs_a_data_rule_for_the_rest(world, seen):
    callback = CallbackRule(lambda _job, _queues: Placement(0, 30))
    rule = per_job(world, seen, [0], otherwise=callback)
    refuse(Decision(dispatch=rule), world, seen, "dispatch.otherwise")


def test_an_empty_per_job_rule_is_fine(world, seen):
    rule = per_job(world, seen, [])
    assert project(Decision(dispatch=replace(rule, services=rule.jobs)), world, seen).clips == {}


def test_callback_must_be_callable(world, seen):
    refuse(Decision(dispatch=CallbackRule(place=3)), world, seen, "dispatch.place")


# the decision itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "field", "text"),
    [
        (None, "decision", "NoneType returned, expected Decision"),
        (Decision(), "dispatch", "no layer gave a dispatch rule"),
        (Decision(dispatch="greedy"), "dispatch", "str is no dispatch rule"),
    ],
)
def test_what_is_no_decision_is_named(answer, field, text, world, seen):
    assert text in refuse(answer, world, seen, field)


def test_merge_takes_the_battery_order_as_one(split):
    outer = Decision(dispatch=split, battery_kw=np.zeros(3))
    inner = Decision(clock_level=np.ones(3, dtype=np.int64), battery_cover_kw=np.full(3, 9.0))
    both = merge(outer, inner)
    assert both.battery_cover_kw is None
    assert both.clock_level is inner.clock_level
    assert both.dispatch is split


def test_merge_fills_an_open_battery_from_the_inner_layer(split):
    inner = Decision(battery_kw=np.zeros(3), battery_cover_kw=np.full(3, 9.0))
    both = merge(Decision(dispatch=split), inner)
    assert both.battery_cover_kw is inner.battery_cover_kw
