"""Energy layers: feasible orders, and what they do under given prices, loads and delays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosim.decision import Decision, Notice, merge, project
from cosim.errors import PolicyError
from cosim.physics.chiller import Chiller
from cosim.physics.cooling import Economizer
from cosim.physics.thermal import Thermal
from cosim.physics.thermal import row as cooling_row
from cosim.plugins import available, load_policy
from cosim.quantities import NS_PER_HOUR, NS_PER_MIN
from policies.energy.clock import ClockGovernor
from policies.energy.common import work_energy_w
from policies.heuristics.static import Home

LAYERS = sorted(available("energy"))


def decide(name, world, observation, **options):
    layer = load_policy(name, options, kind="energy")
    layer.reset(world, np.random.default_rng(0))
    return layer.decide(observation)


def with_jobs(decision, world, observation):
    outer = Home()
    outer.reset(world, np.random.default_rng(0))
    return merge(outer.decide(observation), decision)


def day(low, high, world, sites=3):
    """A day of prices: half of it low, half of it high."""
    half = np.full(144, low)
    return np.tile(np.concatenate([half, np.full(144, high)]), (sites, 1))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("now", [0.0, 0.05, 1.0, -0.05])
def test_every_layer_is_feasible(name, now, world, make_observation):
    price = np.full(3, now)
    seen = make_observation(world, price_usd_kwh=price, forecast_price=day(0.02, 0.09, world))
    decision = with_jobs(decide(name, world, seen), world, seen)
    assert project(decision, world, seen, policy=name).clips == {}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_leaves_the_jobs_open_and_works_with_two_models(
    name, make_two_model_world, make_observation
):
    world = make_two_model_world()
    seen = make_observation(world)
    decision = decide(name, world, seen)
    assert decision.dispatch is None
    assert isinstance(decision, Decision)
    assert project(with_jobs(decision, world, seen), world, seen).clips == {}


@pytest.mark.parametrize("name", LAYERS)
def test_full_clock_switches_dvfs_off(name, world, make_observation):
    seen = make_observation(world, clock_level=np.zeros(3, dtype=np.int64))
    assert (decide(name, world, seen, clock="full").clock_level == 3).all()


@pytest.mark.parametrize("name", LAYERS)
def test_efficient_clock_takes_the_least_energy_per_work(name, world, make_observation):
    level = decide(name, world, make_observation(world), clock="efficient").clock_level
    for site, step_w in enumerate(world.step_w):
        speed, power = (np.array(t[site]) for t in (world.clock_speed, world.clock_power))
        # An hour of fixed work, the rest of the hour idling: total energy at each level.
        busy = 0.5 / speed
        total = busy * step_w * power + (1 - busy) * world.idle_w[site]
        assert level[site] == int(total.argmin())


def test_idle_orders_nothing(world, make_observation):
    decision = decide("idle", world, make_observation(world))
    for order in (decision.battery_kw, decision.battery_absorb_kw, decision.battery_cover_kw):
        assert np.array_equal(order, np.zeros(3))


def test_self_consumption_follows_sun_and_load(world, make_observation):
    decision = decide("self-consumption", world, make_observation(world))
    assert np.array_equal(decision.battery_kw, np.zeros(3))
    assert np.isinf(decision.battery_absorb_kw).all()
    assert np.isinf(decision.battery_cover_kw).all()


@pytest.mark.parametrize("name", ["price-threshold", "paper-inner"])
def test_traders_charge_cheap_and_cover_dear(name, world, make_observation):
    prices = day(0.02, 0.09, world)
    cheap = make_observation(world, price_usd_kwh=np.full(3, 0.02), forecast_price=prices)
    decision = decide(name, world, cheap)
    # Site 0 has 50 kW of charger and 100 kW of headroom, site 1 no battery.
    assert np.allclose(decision.battery_kw, [-50.0, 0.0, -200.0])
    assert np.isinf(decision.battery_absorb_kw).all()
    assert np.array_equal(decision.battery_cover_kw, np.zeros(3))
    dear = make_observation(world, price_usd_kwh=np.full(3, 0.09), forecast_price=prices)
    decision = decide(name, world, dear)
    assert np.array_equal(decision.battery_kw, np.zeros(3))
    assert np.isinf(decision.battery_cover_kw).all()


@pytest.mark.parametrize("name", ["price-threshold", "paper-inner"])
def test_traders_rest_under_a_flat_tariff(name, world, make_observation):
    decision = decide(name, world, make_observation(world, forecast_price=0.05))
    assert np.array_equal(decision.battery_kw, np.zeros(3))
    assert np.array_equal(decision.battery_cover_kw, np.zeros(3))


def test_only_the_inner_layer_minds_losses(world, make_observation):
    """A spread of 5 % does not pay for a round trip of 0.88."""
    prices = day(0.100, 0.105, world)
    seen = make_observation(world, price_usd_kwh=np.full(3, 0.100), forecast_price=prices)
    assert decide("price-threshold", world, seen).battery_kw[0] < 0.0
    assert decide("paper-inner", world, seen).battery_kw[0] == 0.0


def test_wear_can_stop_the_trade(make_world, make_observation):
    prices = day(0.02, 0.09, None)
    for wear, charges in ((0.0, True), (0.08, False)):
        world = make_world(wear_usd_kwh=np.full(3, wear))
        seen = make_observation(world, price_usd_kwh=np.full(3, 0.02), forecast_price=prices)
        assert (decide("paper-inner", world, seen).battery_kw[0] < 0.0) == charges


def test_charging_keeps_below_the_import_limit(world, make_observation):
    prices = day(0.02, 0.09, world)
    seen = make_observation(
        world,
        price_usd_kwh=np.full(3, 0.02),
        forecast_price=prices,
        forecast_load=np.array([180.0, 100.0, 500.0]),
    )
    decision = decide("paper-inner", world, seen)
    assert np.allclose(decision.battery_kw, [-20.0, 0.0, 0.0])
    # Site 2 draws 100 kW more than it may import: the battery covers exactly that.
    assert np.allclose(decision.battery_cover_kw, [0.0, 0.0, 100.0])


def test_a_short_forecast_is_enough_and_an_empty_one_is_named(world, make_observation):
    seen = make_observation(world, forecast_price=np.array([[0.05, 0.2]] * 3))
    assert decide("price-threshold", world, seen).battery_kw[0] < 0.0
    empty = make_observation(world, forecast_price=np.zeros((3, 0)))
    with pytest.raises(PolicyError, match="at least one slot"):
        decide("price-threshold", world, empty)


def test_hours_limit_how_far_prices_count(world, make_observation):
    """The dear half of the day lies beyond two hours: then 0.02 is no low price."""
    seen = make_observation(
        world, price_usd_kwh=np.full(3, 0.02), forecast_price=day(0.02, 0.09, world)
    )
    assert decide("price-threshold", world, seen, hours=2.0).battery_kw[0] == 0.0
    assert decide("price-threshold", world, seen, hours=24.0).battery_kw[0] < 0.0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"q_low": 0.8, "q_high": 0.2}, "exceeds"),
        ({"q_low": -0.1}, "from 0 to 1"),
        ({"hours": 0}, "from 0.25 to 168"),
        ({"clock": "fast"}, "one of: full, efficient"),
    ],
)
def test_bad_options_are_policy_errors(options, text):
    with pytest.raises(PolicyError, match=text):
        load_policy("price-threshold", options, kind="energy")


# the clock governor -----------------------------------------------------------------------


def settle(world, make_observation, slots=12, **seen):
    """Let the governor act for some slots, feeding its level back; return the last levels."""
    governor = ClockGovernor(world, margin=0.2)
    level = np.array([3, 3, 3])
    for _ in range(slots):
        level = governor.levels(make_observation(world, clock_level=level, **seen))
    return level


def test_a_calm_site_slows_to_its_best_level(world, make_observation):
    level = settle(
        world, make_observation, busy_share=np.full(3, 0.1), delay_p95_s=np.full(3, 0.1)
    )
    assert np.array_equal(level, [int(np.argmin(w)) for w in work_energy_w(world)])


def test_one_level_down_at_a_time(world, make_observation):
    calm = {"busy_share": np.full(3, 0.1), "delay_p95_s": np.full(3, 0.1)}
    assert np.array_equal(settle(world, make_observation, slots=1, **calm), [2, 2, 2])


@pytest.mark.parametrize(
    "pressure",
    [
        {"delay_p95_s": np.full(3, 1.1)},
        {"busy_share": np.full(3, 1.0)},
        {"backlog_gpu_s": np.array([2, 4, 8]) * 60.0},
        {"oldest_slack_s": np.full(3, 2.0)},
    ],
)
def test_pressure_of_any_kind_keeps_the_top_level(pressure, world, make_observation):
    calm = {"busy_share": np.full(3, 0.1), "delay_p95_s": np.full(3, 0.1)}
    assert np.array_equal(settle(world, make_observation, **{**calm, **pressure}), [3, 3, 3])


def test_pressure_speeds_up_at_once_and_as_far_as_needed(world, make_observation):
    governor = ClockGovernor(world, margin=0.2)
    slow = np.zeros(3, dtype=np.int64)
    # Half busy at speed 0.6: level 2 predicts r · (0.6 / 0.9) · 0.5 / (1 − 0.3 / 0.9) = r / 2.
    ratio = np.array([1.55, 1.65, 4.0])
    seen = make_observation(world, clock_level=slow, delay_p95_s=ratio)
    assert np.array_equal(governor.levels(seen), [2, 3, 3])


def test_a_level_that_just_meets_the_limit_is_not_entered(world, make_observation):
    """Hysteresis: at 0.75 of full delay the next level predicts 0.8 or so: stay."""
    kept = settle(
        world,
        make_observation,
        busy_share=np.full(3, 0.02),
        delay_p95_s=np.full(3, 0.7),
        backlog_gpu_s=np.zeros(3),
    )
    assert np.array_equal(kept, [3, 3, 3])


@pytest.mark.parametrize("starts_in_min", [0, 4, 5])
def test_the_inner_layer_answers_calls_of_the_slot_that_begins(
    starts_in_min, world, make_observation
):
    seen = make_observation(world, price_usd_kwh=np.full(3, 0.02))
    begin_ns = seen.time_ns + starts_in_min * NS_PER_MIN
    span = (begin_ns, begin_ns + NS_PER_HOUR, 0)
    cap = Notice(0, "cap", *span, 90.0, np.inf, penalty_usd_kwh=1.0, firm=False)
    less = Notice(2, "reduction", *span, np.inf, np.inf, reduction_kw=70.0, firm=False)
    calm = decide("paper-inner", world, seen).battery_cover_kw
    called = replace(seen, grid=replace(seen.grid, notices=(cap, less)))
    cover_kw = decide("paper-inner", world, called).battery_cover_kw
    if starts_in_min < 5:  # the slots of this world
        assert cover_kw.tolist() == [10.0, calm[1], 70.0]
    else:
        assert np.array_equal(cover_kw, calm)


def test_nothing_is_bought_for_the_battery_above_a_cap(world, make_observation):
    seen = make_observation(
        world, price_usd_kwh=np.full(3, 0.01), forecast_price=day(0.01, 0.09, world)
    )
    cap = Notice(0, "cap", seen.time_ns, seen.time_ns + 1, 0, 110.0, np.inf, firm=False)
    free = decide("paper-inner", world, seen).battery_kw
    held = decide(
        "paper-inner", world, replace(seen, grid=replace(seen.grid, notices=(cap,)))
    ).battery_kw
    assert free[0] < -10.0
    assert held[0] == pytest.approx(-10.0)  # 100 kW of load under a cap of 110 kW


# rooms -------------------------------------------------------------------------------------


def roomy(make_world, cooling, mass_kwh_k=1.0):
    """The first site has a room for 150 kW: 9 kWh of cold in its band."""
    made = Thermal(mass_kwh_k=mass_kwh_k, capacity_kw=210.0)
    rows = [cooling_row(cooling, made), *(2 * [cooling_row(cooling, None)])]
    return make_world(
        room_kwh_k=np.array([mass_kwh_k, 0.0, 0.0]),
        room_low_c=np.array([18.0, -np.inf, -np.inf]),
        room_high_c=np.array([27.0, np.inf, np.inf]),
        heat_kw_max=np.array([210.0, np.inf, np.inf]),
        cooling_row=np.stack([np.pad(row, (0, len(rows[0]) - len(row))) for row in rows]),
    )


def stepping(world, now, later, at=1):
    """Prices that change after some slots."""
    price = np.full((3, 288), now)
    price[:, at:] = later
    return {"forecast_price": price, "price_usd_kwh": np.full(3, now)}


CHILLER = Chiller(design_it_kw=150.0)


@pytest.mark.parametrize(
    ("now", "later", "at", "early"),
    [
        (0.05, 0.20, 1, True),
        (0.05, 0.05, 1, False),
        (0.05, 0.055, 1, False),  # not enough: a colder room makes the plant work harder
        (0.20, 0.05, 1, False),
        (0.05, 0.20, 12, False),  # in an hour: cold would have to be held meanwhile
        (-0.05, 0.05, 1, True),
    ],
)
def test_the_room_is_cooled_ahead_of_dearer_power_only(
    now, later, at, early, make_world, make_observation
):
    world = roomy(make_world, CHILLER)
    seen = make_observation(world, temp_out_c=np.full(3, 25.0), **stepping(world, now, later, at))
    decision = decide("paper-inner", world, seen)
    assert decision.cooling_setpoint_c[0] == (18.0 if early else 27.0)
    assert project(with_jobs(decision, world, seen), world, seen).clips == {}
    assert decide("paper-inner", world, seen, precool="off").cooling_setpoint_c is None


def test_what_costs_nothing_to_cool_is_not_cooled_ahead(make_world, make_observation):
    """In the cold an economizer runs no compressor: there is nothing to save."""
    world = roomy(make_world, Economizer())
    for outdoor_c, early in ((0.0, False), (8.0, False), (35.0, True)):
        temp_c = np.full(3, outdoor_c)
        seen = make_observation(world, temp_out_c=temp_c, **stepping(world, 0.05, 0.3))
        aim_c = decide("paper-inner", world, seen).cooling_setpoint_c[0]
        assert aim_c == (18.0 if early else 27.0), outdoor_c


def test_surplus_is_stored_as_cold_before_it_ends(make_world, make_observation):
    """Under one price, power is worth its sale price as long as the sun gives more than needed."""
    world = roomy(make_world, CHILLER)
    solar = np.zeros((3, 288))
    solar[:, :1] = 500.0
    sale = np.full(3, 0.01)
    seen = make_observation(world, forecast_solar=solar, forecast_sale=sale)
    assert decide("paper-inner", world, seen).cooling_setpoint_c[0] == 18.0
    solar[:, :60] = 500.0
    still = make_observation(world, forecast_solar=solar, forecast_sale=sale)
    assert decide("paper-inner", world, still).cooling_setpoint_c[0] == 27.0


@pytest.mark.parametrize("name", LAYERS)
def test_without_rooms_no_temperature_is_ordered(name, world, make_observation):
    assert decide(name, world, make_observation(world)).cooling_setpoint_c is None


def test_forecasts_that_reach_less_far_at_the_end_are_looked_at_as_far_as_they_reach(
    make_world, make_observation
):
    world = roomy(make_world, CHILLER)
    for slots, early in ((5, True), (1, False)):
        price = stepping(world, 0.05, 0.2)["forecast_price"][:, :slots]
        seen = make_observation(world, forecast_price=price)
        aim_c = decide("paper-inner", world, seen).cooling_setpoint_c[0]
        assert aim_c == (18.0 if early else 27.0)
