"""Deferral: tolerant jobs wait while the signal is high, and run in time."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.decision import ClassInfo, HeldJob, PerJobRule, ScoreRule, project
from cosim.plugins import load_policy

HURRIED, PATIENT = 0, 1
SLOT_S = 300.0


@pytest.fixture
def world(make_world):
    classes = (
        ClassInfo("hurried", 60.0, 90.0, True, 1, 3, 2.0),
        ClassInfo("patient", 3600.0, 7200.0, True, 1, 3, 2.0),
    )
    return make_world(classes=classes)


@pytest.fixture
def see(world, make_observation):
    """An observation in which power is cheaper after half an hour than now, or the other way."""

    def look(now=0.10, later=0.02, **changes):
        foreseen = np.full((3, 288), later)
        foreseen[:, :6] = now
        calm = {"arrivals": np.zeros((3, 2), dtype=np.int64), "forecast_price": foreseen}
        prices = {"price_usd_kwh": np.full(3, now), "sale_usd_kwh": np.zeros(3)}
        return make_observation(world, **{**calm, **prices, **changes})

    return look


def rule_of(observation, world, name="defer", **options):
    policy = load_policy(name, options, kind="schedule")
    policy.reset(world, np.random.default_rng(1))
    decision = policy.decide(observation)
    assert project(decision, world, observation, policy=name).clips == {}
    return decision.dispatch


def test_only_classes_that_can_wait_are_held_while_power_is_dear(see, world):
    rule = rule_of(see(), world)
    assert rule.hold_below_usd.tolist() == [-np.inf, np.inf]


def test_nobody_waits_when_it_will_not_become_cheaper(see, world):
    for now, later in ((0.02, 0.10), (0.05, 0.05)):
        rule = rule_of(see(now, later), world)
        assert isinstance(rule, ScoreRule)
        assert rule.hold_below_usd is None


def test_a_class_waits_only_for_what_lies_within_its_patience(see, world, make_world):
    short = tuple(
        ClassInfo(k.name, k.delay_lo_s / 4.0, k.delay_hi_s, True, 1, 3, 2.0) for k in world.classes
    )  # the cheap hours begin after 30 min; a quarter of an hour does not reach them
    assert rule_of(see(), make_world(classes=short)).hold_below_usd is None


@pytest.mark.parametrize(("threshold", "held"), [(0.05, True), (0.15, False)])
def test_a_threshold_looks_at_the_present_alone(see, world, threshold, held):
    rule = rule_of(see(0.10, 0.50), world, form="threshold", threshold=threshold)
    assert (rule.hold_below_usd is not None) is held


def test_held_jobs_run_when_their_time_is_up_and_not_before(see, world):
    held = tuple(HeldJob(number, 1, PATIENT, 2, slack) for number, slack in ((7, 200.0), (8, 9e3)))
    rule = rule_of(see(held=held), world)
    assert isinstance(rule, PerJobRule)
    assert rule.jobs.tolist() == [7]
    assert rule.otherwise.hold_below_usd[PATIENT] == np.inf
    # an empty world: the most valuable image that is done within 200 s, wherever that is
    assert rule.services.tolist() == [2]
    assert rule.steps.tolist() == [max(world.steps)]


def test_what_is_due_goes_where_it_is_still_in_time(see, world):
    held = (HeldJob(7, 0, PATIENT, 1, 100.0),)
    backlog = np.array([2.0, 4.0, 8.0 * 1000.0])
    rule = rule_of(see(held=held, backlog_gpu_s=backlog), world)
    assert rule.services.tolist() == [1]


def test_nothing_more_is_held_than_idle_gpus_can_run(see, world):
    many = tuple(HeldJob(number, 1, PATIENT, 3, 9e3) for number in range(2000))
    assert rule_of(see(held=many), world).hold_below_usd is None
    assert rule_of(see(held=many), world, fill=10.0).hold_below_usd is not None
    assert rule_of(see(busy_share=np.ones(3)), world).hold_below_usd is None


def test_wait_awhile_looks_at_carbon(see, world):
    dirty = {"carbon_g_kwh": np.full(3, 300.0), "forecast_carbon": np.full((3, 288), 100.0)}
    cheap_now = see(0.02, 0.10, **dirty)
    assert rule_of(cheap_now, world).hold_below_usd is None
    assert rule_of(cheap_now, world, "wait-awhile").hold_below_usd[PATIENT] == np.inf


def test_wrong_options_are_told(world):
    for options, said in (
        ({"form": "x"}, "quantile, threshold"),
        ({"quantile": 2}, "from 0 to 1"),
    ):
        with pytest.raises(Exception, match=said):
            load_policy("defer", options, kind="schedule")
