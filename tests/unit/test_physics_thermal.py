"""The machine room at values worked out by hand."""

import math

import pytest

from cosim.physics.chiller import Chiller
from cosim.physics.cooling import ConstantPue, Economizer, cooling_kw
from cosim.physics.thermal import (
    Thermal,
    feasible_range_kw,
    for_load,
    row,
    step,
    throttle_levels,
)
from cosim.physics.thermal_scalar import thermal_step

HALF = ConstantPue(1.5)
"""Half a kW for each kW of heat."""

ROOM = Thermal(mass_kwh_k=10.0, capacity_kw=1500.0)


def test_held_at_the_top_it_draws_what_the_room_free_model_draws():
    for model in (HALF, Economizer(), Chiller(1000.0)):
        held = step(model, ROOM, 27.0, 800.0, 15.0, 0.5)
        assert held.room_c == 27.0
        assert held.cooling_kw == pytest.approx(float(cooling_kw(model, 800.0, 15.0)))
        assert held.removed_kwh == pytest.approx(held.heat_kwh)


def test_without_cooling_it_warms_as_its_mass_says():
    broken = Thermal(mass_kwh_k=10.0, capacity_kw=1e-9)
    hot = step(HALF, broken, 27.0, 1000.0, 15.0, 0.1)
    assert hot.room_c == pytest.approx(37.0)
    assert hot.over_h == pytest.approx(0.05)
    assert hot.room_c_max == hot.room_c


def test_precooling_costs_now_and_is_free_later():
    # 500 kW to spare cool 10 kWh/K by 5 K in 0.1 h
    down = step(HALF, ROOM, 27.0, 1000.0, 15.0, 0.2, 22.0)
    assert down.room_c == 22.0
    assert down.removed_kwh == pytest.approx(0.1 * 1500 + 0.1 * 1000)
    assert down.cooling_kw == pytest.approx(0.5 * 1250)
    # back up, 50 kWh of heat are not removed: 0.05 h of rest
    up = step(HALF, ROOM, 22.0, 1000.0, 15.0, 0.2)
    assert up.room_c == 27.0
    assert up.removed_kwh == pytest.approx(0.15 * 1000)


def test_walls_let_heat_in_and_out():
    room = Thermal(10.0, 1500.0, envelope_kw_k=2.0)
    summer = step(HALF, room, 27.0, 1000.0, 37.0, 1.0)
    winter = step(HALF, room, 27.0, 1000.0, -13.0, 1.0)
    assert summer.cooling_kw == pytest.approx(0.5 * 1020)
    assert winter.cooling_kw == pytest.approx(0.5 * 920)
    assert summer.envelope_kwh == pytest.approx(20)
    assert winter.envelope_kwh == pytest.approx(-80)


def test_an_empty_room_in_winter_cools_and_is_not_heated():
    room = Thermal(10.0, 1500.0, envelope_kw_k=2.0)
    cold = step(HALF, room, 27.0, 0.0, -13.0, 5.0)
    assert cold.room_c == pytest.approx(-13.0 + 40.0 * math.exp(-1.0))
    assert cold.cooling_kw == 0.0


def test_a_colder_room_needs_colder_air():
    # at 18 °C outdoors an economiser is free at 27 °C indoors and half chiller at 22.5 °C
    model, adiabatic = Economizer(), Thermal(10.0, 1500.0)
    warm = step(model, adiabatic, 27.0, 1000.0, 18.0, 1.0, 27.0)
    cool = step(model, adiabatic, 22.5, 1000.0, 18.0, 1.0, 22.5)
    assert warm.cooling_kw == pytest.approx(110.0)
    assert cool.cooling_kw == pytest.approx(float(cooling_kw(model, 1000.0, 22.5)))


def test_orders_are_clipped_to_the_band():
    assert step(HALF, ROOM, 20.0, 100.0, 15.0, 1.0, 99.0).room_c <= 27.0
    assert step(HALF, ROOM, 18.0, 100.0, 15.0, 1.0, -5.0).room_c == 18.0


def test_the_chiller_limits_what_the_room_can_lose():
    plant = Chiller(1000.0, oversize=0.8)
    hot = step(plant, for_load(1000.0), 27.0, 1000.0, 35.0, 1.0)
    assert hot.room_c > 27.0
    assert hot.removed_kwh < hot.heat_kwh


def test_throttling_steps_down_level_by_level():
    room = Thermal(10.0, 1500.0, allowance_k=5.0, level_k=2.0)
    temps = [20.0, 32.0, 32.001, 34.0, 34.001, 41.9]
    assert [throttle_levels(room, t) for t in temps] == [0, 0, 1, 1, 2, 5]


def test_without_a_room_heat_leaves_at_once():
    at = row(Economizer(), None)
    state = thermal_step(at, 27.0, math.nan, 500.0, 25.0, 0.25)
    assert state == (27.0, pytest.approx(float(cooling_kw(Economizer(), 500.0, 25.0))), 27.0, 0.0)


def test_the_range_is_that_of_the_band():
    low, high = feasible_range_kw(HALF, ROOM, 25.0, 1000.0, 15.0, 0.01)
    assert low == 0.0  # 2 K of room: 0.02 h of rest
    assert high == pytest.approx(0.5 * 1500)


def test_a_room_in_proportion_to_its_load():
    room = for_load(2000.0)
    assert (room.mass_kwh_k, room.capacity_kw, room.envelope_kw_k) == (20.0, 2800.0, 2.0)
    minute = step(HALF, Thermal(room.mass_kwh_k, 1e-9), 27.0, 2000.0, 15.0, 1 / 60)
    assert 1.0 < minute.room_c - 27.0 < 5.0


@pytest.mark.parametrize(
    "change",
    [{"mass_kwh_k": 0.0}, {"capacity_kw": -1.0}, {"band_low_c": 28.0}, {"level_k": 0.0}],
)
def test_bad_rooms_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Thermal(**({"mass_kwh_k": 1.0, "capacity_kw": 10.0} | change))


def test_bad_states_are_all_named():
    with pytest.raises(ValueError, match=r"room_c.*t_out_c.*it_kw.*duration_h"):
        step(HALF, ROOM, math.nan, -1.0, math.inf, 0.0)
