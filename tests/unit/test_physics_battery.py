"""The battery at values worked out by hand, and what it refuses."""

import math

import pytest

from cosim.physics.battery import (
    Battery,
    advance,
    feasible_range_kw,
    ideal,
    linear,
    round_trip_efficiency,
)

PLAIN = Battery("linear", 100.0, 50.0, 40.0, 0.9, 0.8, 0.0, 0.1, 0.9)


def test_ideal_range_is_the_papers():
    battery = ideal(100.0, 50.0, 40.0)
    assert feasible_range_kw(battery, 60.0, 1.0) == (-40.0, 40.0)
    assert feasible_range_kw(battery, 60.0, 0.5) == (-50.0, 40.0)
    assert feasible_range_kw(battery, 10.0, 1.0) == (-50.0, 10.0)


def test_linear_range_minds_efficiency_and_window():
    low, high = feasible_range_kw(PLAIN, 55.0, 1.0)
    assert low == pytest.approx(-35.0 / 0.9)
    assert high == pytest.approx(min(40.0, 45.0 * 0.8))


def test_range_is_nothing_at_the_ends():
    assert feasible_range_kw(PLAIN, 90.0, 1.0)[0] == 0.0
    assert feasible_range_kw(PLAIN, 10.0, 1.0)[1] == 0.0
    assert feasible_range_kw(PLAIN, 5.0, 1.0)[1] == 0.0


def test_charging_stops_when_full():
    step = advance(PLAIN, 81.0, -20.0, 1.0)
    assert step.stored_kwh == pytest.approx(90.0)
    assert step.charged_kwh == pytest.approx(10.0)
    assert step.power_kw == pytest.approx(-10.0)
    assert step.loss_kwh == pytest.approx(1.0)
    assert step.limited


def test_discharging_stops_when_empty():
    step = advance(PLAIN, 20.0, 16.0, 1.0)
    assert step.stored_kwh == pytest.approx(10.0)
    assert step.discharged_kwh == pytest.approx(8.0)
    assert step.loss_kwh == pytest.approx(2.0)
    assert step.limited


def test_power_beyond_the_converter_is_clipped_and_said():
    step = advance(PLAIN, 50.0, -80.0, 0.1)
    assert (step.power_kw, step.limited) == (pytest.approx(-50.0), True)
    assert not advance(PLAIN, 50.0, -50.0, 0.1).limited


def test_idle_decays_exponentially_even_below_the_window():
    leaky = Battery("linear", 100.0, 50.0, 50.0, 1.0, 1.0, 0.01, 0.5, 1.0)
    step = advance(leaky, 50.0, 0.0, 10.0)
    assert step.stored_kwh == pytest.approx(50.0 * math.exp(-0.1))
    assert step.loss_kwh == pytest.approx(50.0 * (1 - math.exp(-0.1)))
    assert not step.limited


def test_a_full_battery_takes_what_it_leaks():
    leaky = Battery("linear", 100.0, 50.0, 50.0, 0.9, 0.9, 0.01)
    step = advance(leaky, 100.0, -50.0, 2.0)
    assert step.stored_kwh == pytest.approx(100.0)
    assert step.charged_kwh == pytest.approx(0.01 * 100.0 / 0.9 * 2.0)


def test_a_trickle_below_the_leak_never_fills():
    leaky = Battery("linear", 100.0, 50.0, 50.0, 1.0, 1.0, 0.01)
    step = advance(leaky, 100.0, -0.5, 1000.0)
    assert step.stored_kwh == pytest.approx(50.0, rel=1e-3)
    assert not step.limited


def test_round_trip_is_the_product():
    assert round_trip_efficiency(PLAIN) == pytest.approx(0.72)
    assert round_trip_efficiency(linear(100, 50, 50, round_trip=0.88)) == pytest.approx(0.88)


@pytest.mark.parametrize(
    "change",
    [
        {"capacity_kwh": 0.0},
        {"capacity_kwh": -1.0},
        {"charge_kw_max": -1.0},
        {"charge_efficiency": 1.1},
        {"soc_min": 0.9, "soc_max": 0.1},
        {"self_discharge_per_h": math.nan},
        {"kind": "ideal", "charge_efficiency": 0.9},
        {"kind": "magic"},
    ],
)
def test_bad_batteries_are_refused(change):
    fields = {
        "kind": "linear",
        "capacity_kwh": 100.0,
        "charge_kw_max": 50.0,
        "discharge_kw_max": 50.0,
    }
    with pytest.raises(ValueError, match=next(iter(change))):
        Battery(**(fields | change))


@pytest.mark.parametrize("stored_kwh", [-1.0, 95.0, math.nan])
def test_impossible_states_are_refused(stored_kwh):
    with pytest.raises(ValueError, match="from 0 to 90 kWh"):
        advance(PLAIN, stored_kwh, 0.0, 1.0)


def test_impossible_powers_and_spans_are_refused():
    with pytest.raises(ValueError, match="power_kw"):
        advance(PLAIN, 50.0, math.nan, 1.0)
    with pytest.raises(ValueError, match="duration_h"):
        feasible_range_kw(PLAIN, 50.0, 0.0)
    with pytest.raises(ValueError, match="round_trip"):
        linear(100, 50, 50, round_trip=0.0)
