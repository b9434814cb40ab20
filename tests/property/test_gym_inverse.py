"""Decisions said as actions: exact where they can be, nearest where not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosim.check.stagehand import lively
from cosim.decision import CallbackRule, Decision, PerJobRule, Placement, ScoreRule
from cosim.errors import UsageError
from cosim.gym.codec import Codec
from cosim.gym.inverse import nearest_action
from cosim.prepare import stage
from cosim.scenario.model import Scenario
from cosim.world.episode import Episode

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PLAN_SEED = 2


@cache
def stands(encoding):
    """A codec with every lever, and what is seen some slots into a day."""
    tree = lively().model_dump(mode="json", by_alias=True)
    tree["sites"]["one"]["weather"] = "weather/nsrdb15_brussels_2019"
    tree["sites"]["one"]["cooling"] = {"kind": "chiller"}
    tree["sites"]["one"]["room"] = {"capacity_ratio": 0.6, "allowance_k": 1}
    plan = stage(Scenario.model_validate(tree)).plan(PLAN_SEED)
    codec = Codec(plan.info, encoding=encoding, clock=True, battery=True, room=True)
    episode = Episode(plan)
    episode.reset()
    for _ in range(4):
        episode.step(codec.decode(np.zeros(len(codec.action)), episode.observe()))
    return codec, episode.observe()


def drawn(codec, seed):
    return np.random.default_rng(seed).uniform(-1.0, 1.0, len(codec.action))


def places(codec, *names):
    return [k for k, each in enumerate(codec.action.coordinates) if each.name in names]


@SLOW
@given(seed=st.integers(0, 10_000))
def test_prices_come_back(seed):
    """Without a price of steps, which prices of GPU time take over, nothing is lost."""
    codec, seen = stands("score")
    action = drawn(codec, seed)
    action[places(codec, "step_price")] = -1.0
    wished = codec.decode(action, seen)
    again = codec.decode(nearest_action(codec, wished, seen), seen)
    rule, back = wished.dispatch, again.dispatch
    assert isinstance(rule, ScoreRule)
    assert isinstance(back, ScoreRule)
    assert np.allclose(rule.gpu_usd_s, back.gpu_usd_s, rtol=1e-9)
    assert np.allclose(rule.energy_usd_kwh, back.energy_usd_kwh, rtol=1e-9)
    assert rule.delay_usd_s == pytest.approx(back.delay_usd_s, rel=1e-9)
    assert rule.margin_s == pytest.approx(back.margin_s, rel=1e-9)
    assert np.array_equal(wished.clock_level, again.clock_level)
    assert np.allclose(wished.battery_kw, again.battery_kw, rtol=1e-9, atol=1e-12)
    assert np.allclose(wished.cooling_setpoint_c, again.cooling_setpoint_c, rtol=1e-9)


@SLOW
@given(seed=st.integers(0, 10_000))
def test_shares_and_steps_come_back(seed):
    """As far as a share is not vanishing: the encoding spans about 3000 to 1."""
    codec, seen = stands("split")
    action = 0.49 * drawn(codec, seed)
    wished = codec.decode(action, seen)
    again = codec.decode(nearest_action(codec, wished, seen), seen)
    assert np.array_equal(wished.dispatch.steps, again.dispatch.steps)
    homes = codec.info.n_sites
    for group in range(len(codec.groups)):
        kind = int(np.flatnonzero(codec.groups.of_class == group)[0])
        if not codec.groups.transferable[group]:
            continue
        one, other = wished.dispatch.shares[:, kind], again.dispatch.shares[:, kind]
        assert np.allclose(one, other, atol=1e-6), homes


def test_a_step_price_is_said_by_prices_of_gpu_time():
    codec, seen = stands("score")
    action = -0.9 * np.ones(len(codec.action))
    action[places(codec, "step_price")] = -0.6
    wished = codec.decode(action, seen)
    back = codec.decode(nearest_action(codec, wished, seen), seen)
    assert np.allclose(wished.dispatch.gpu_usd_s, back.dispatch.gpu_usd_s, rtol=1e-9)


def test_weights_are_divided_out_and_closed_places_cost_most():
    codec, seen = stands("score")
    wished = codec.decode(-0.5 * np.ones(len(codec.action)), seen)
    rule = wished.dispatch
    twice = replace(
        rule,
        gpu_usd_s=2.0 * rule.gpu_usd_s,
        energy_usd_kwh=2.0 * rule.energy_usd_kwh,
        delay_usd_s=2.0 * rule.delay_usd_s,
        revenue_weight=2.0,
    )
    same = nearest_action(codec, replace(wished, dispatch=twice), seen)
    assert np.allclose(same, nearest_action(codec, wished, seen))
    shut = rule.allowed.copy()
    shut[:, 0] = False
    closed = nearest_action(codec, replace(wished, dispatch=replace(rule, allowed=shut)), seen)
    assert closed[codec.action.price_at[0, 0]] == 1.0


def test_a_battery_that_follows_its_site_is_said_by_what_it_would_do_now():
    codec, seen = stands("score")
    info, none = codec.info, np.zeros(codec.info.n_sites)
    has = codec.action.battery_at >= 0
    short = replace(seen, solar_kw=none, wind_kw=none, facility_kw=np.ones_like(none))
    dispatch = codec.decode(np.zeros(len(codec.action)), short).dispatch
    cover = Decision(dispatch, None, none, none, np.full(info.n_sites, np.inf))
    said = nearest_action(codec, cover, short)[codec.action.battery_at[has]]
    wanted = np.minimum(1.0, 1.0 / np.maximum(short.battery_high_kw[has], 1e-9))
    assert np.allclose(said, np.where(short.battery_high_kw[has] > 0.0, wanted, 0.0))
    sunny = replace(short, solar_kw=np.full(info.n_sites, 1e6))
    absorb = Decision(dispatch, None, none, np.full(info.n_sites, np.inf), none)
    said = nearest_action(codec, absorb, sunny)[codec.action.battery_at[has]]
    assert np.allclose(said, np.where(sunny.battery_low_kw[has] < 0.0, -1.0, 0.0))


def test_a_rule_of_another_kind_is_refused_with_the_encoding_that_can():
    codec, seen = stands("score")
    other, _ = stands("split")
    shares = other.decode(np.zeros(len(other.action)), seen)
    with pytest.raises(UsageError, match="encoding=split can"):
        nearest_action(codec, shares, seen)
    asks = Decision(CallbackRule(lambda job, queue: Placement(0, 1)))
    with pytest.raises(UsageError, match="nor in any other"):
        nearest_action(codec, asks, seen)
    empty = np.zeros(0, dtype=np.int64)
    listed = replace(shares, dispatch=PerJobRule(empty, empty, empty, shares.dispatch))
    assert np.array_equal(nearest_action(other, listed, seen), nearest_action(other, shares, seen))


def test_a_room_that_nobody_orders_is_at_the_upper_end_of_its_band():
    codec, seen = stands("score")
    at = codec.action.room_at[codec.action.room_at >= 0]
    assert len(at) == 1
    wished = codec.decode(np.zeros(len(codec.action)), seen)
    assert nearest_action(codec, wished, seen)[at] == pytest.approx(0.0, abs=1e-9)
    open_ = replace(wished, cooling_setpoint_c=None)
    assert nearest_action(codec, open_, seen)[at] == 1.0
