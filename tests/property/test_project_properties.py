"""Whatever a policy returns: the projection is feasible, and projecting again moves nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cosim.decision import Decision, SplitRule, project
from policies.energy.clock import ClockGovernor
from policies.heuristics.market import clearing_prices

SETTINGS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # the worlds are immutable
)

power_kw = st.floats(-1e6, 1e6) | st.sampled_from([np.inf, -np.inf, 0.0])
share = st.floats(-2.0, 1e6) | st.just(0.0)
levels = arrays(np.int64, 3, elements=st.integers(-5, 9))


@st.composite
def decisions(draw):
    """A decision of the right shapes with any numbers that are numbers."""
    rule = SplitRule(
        draw(arrays(np.float64, (3, 4, 5), elements=share)),
        draw(arrays(np.int64, (3, 4, 3), elements=st.integers(-100, 100))),
    )
    orders = [draw(st.none() | arrays(np.float64, 3, elements=power_kw)) for _ in range(3)]
    return Decision(rule, draw(st.none() | levels), *orders)


@pytest.fixture
def seen(world, make_observation):
    return make_observation(world)


@SETTINGS
@given(decision=decisions())
def test_projection_is_feasible(decision, world, seen):
    feasible = project(decision, world, seen).decision
    assert (feasible.battery_kw >= seen.battery_low_kw).all()
    assert (feasible.battery_kw <= seen.battery_high_kw).all()
    assert (feasible.battery_absorb_kw >= 0.0).all()
    assert (feasible.battery_cover_kw >= 0.0).all()
    rule = feasible.dispatch
    assert (rule.shares >= 0.0).all()
    assert np.allclose(rule.shares.sum(axis=2), 1.0)
    assert (rule.shares[:, :, :3][~world.reachable] == 0.0).all()
    assert np.isin(rule.steps, world.steps).all()
    if feasible.clock_level is not None:
        top = np.array([len(table) - 1 for table in world.clock_speed])
        assert ((feasible.clock_level >= 0) & (feasible.clock_level <= top)).all()


@SETTINGS
@given(decision=decisions())
def test_projecting_twice_changes_nothing(decision, world, seen):
    once = project(decision, world, seen).decision
    twice = project(once, world, seen)
    assert twice.clips == {}
    for name in ("clock_level", "battery_kw", "battery_absorb_kw", "battery_cover_kw"):
        assert np.array_equal(getattr(twice.decision, name), getattr(once, name)), name
    assert np.array_equal(twice.decision.dispatch.steps, once.dispatch.steps)
    assert np.allclose(twice.decision.dispatch.shares, once.dispatch.shares, rtol=0, atol=1e-15)


@SETTINGS
@given(decision=decisions())
def test_clips_never_exceed_the_numbers_decided(decision, world, seen):
    projection = project(decision, world, seen)
    assert 0 <= sum(int(c.sum()) for c in projection.clips.values()) <= projection.numbers


@SETTINGS
@given(
    images_s=arrays(np.float64, (3, 2), elements=st.floats(0.0, 1e4)),
    gpus=arrays(np.float64, 3, elements=st.floats(0.1, 100.0)),
    energy=arrays(np.float64, 3, elements=st.floats(-1.0, 10.0)),
)
def test_market_prices_are_finite_and_not_negative(images_s, gpus, energy, world):
    prices = clearing_prices(
        world,
        images_s=images_s,
        capacity_gpus=gpus,
        energy_usd_kwh=energy,
        start_usd_s=np.zeros(3),
    )
    assert np.isfinite(prices).all()
    assert (prices >= 0.0).all()


@SETTINGS
@given(
    level=arrays(np.int64, 3, elements=st.integers(0, 3)),
    busy=arrays(np.float64, 3, elements=st.floats(0.0, 1.0)),
    ratio=arrays(np.float64, 3, elements=st.floats(0.0, 50.0)),
    backlog=arrays(np.float64, 3, elements=st.floats(0.0, 1e5)),
)
def test_governor_levels_exist_and_pressure_never_slows_down(
    level, busy, ratio, backlog, world, make_observation
):
    seen = make_observation(
        world, clock_level=level, busy_share=busy, delay_p95_s=ratio, backlog_gpu_s=backlog
    )
    chosen = ClockGovernor(world, margin=0.2).levels(seen)
    assert ((chosen >= 0) & (chosen <= 3)).all()
    assert (chosen >= level - 1).all()
    late = ratio > 1.0
    assert (chosen[late] >= level[late]).all()
