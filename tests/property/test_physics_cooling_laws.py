"""Laws of cooling: dearer with heat and load, balanced, and the same however time is cut."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cosim.physics.chiller import Chiller
from cosim.physics.cooling import ConstantPue, Economizer, cooling_kw, pue
from cosim.physics.thermal import (
    Thermal,
    feasible_range_kw,
    for_load,
    row,
    step,
    throttle_levels,
)
from cosim.physics.thermal_scalar import thermal_step

SHARE = st.floats(0, 0.1)


@st.composite
def chillers(draw):
    free = draw(st.none() | st.floats(-5, 20))
    cycles = draw(st.floats(0.05, 1))
    return Chiller(
        design_it_kw=1000.0,
        fixed_ratio=draw(SHARE),
        ups_idle_ratio=draw(SHARE),
        ups_ratio=draw(SHARE),
        fan_ratio=draw(SHARE),
        fan_exponent=draw(st.floats(1, 3)),
        flow_min=draw(st.floats(0, 1)),
        pump_ratio=draw(SHARE),
        oversize=draw(st.floats(0.5, 3)),
        reference_cop=draw(st.floats(2, 8)),
        part_load_min=cycles,
        unload_min=draw(st.floats(cycles, 1)),
        chilled_water_c=draw(st.floats(5, 10)),
        t_free_c=free,
        t_full_c=None if free is None else free + draw(st.floats(1, 20)),
    )


MODELS = st.one_of(
    chillers(), st.builds(ConstantPue, st.floats(1, 2)), st.just(Economizer()),
    st.builds(Economizer, t_free_c=st.floats(0, 20), t_full_c=st.floats(21, 40)),
)  # fmt: skip
ROOMS = st.builds(
    Thermal,
    mass_kwh_k=st.floats(1, 50),
    capacity_kw=st.floats(500, 3000),
    envelope_kw_k=st.sampled_from([0.0, 1e-7, 0.5, 5.0]),
)
ROOM_C = st.floats(10, 40)
SETPOINT = st.none() | st.floats(15, 30)
IT_KW = st.floats(0, 1500)
OUT_C = st.floats(-20, 45)
HOURS = st.floats(0.01, 4)


@given(chillers(), IT_KW)
def test_a_chiller_never_gets_cheaper_with_heat(model, it_kw):
    power = cooling_kw(model, it_kw, np.linspace(10, 60, 120))
    assert (np.diff(power) >= -1e-9 * power[1:]).all()


@given(MODELS, OUT_C)
def test_cooling_power_rises_with_it_power(model, t_out_c):
    power = cooling_kw(model, np.linspace(0, 2000, 60), t_out_c)
    assert (np.diff(power) >= -1e-9 * (1 + power[1:])).all()


@given(MODELS, st.floats(0.05, 2))
def test_pue_is_never_below_one(model, load):
    assert (pue(model, np.linspace(-40, 60, 21), load) >= 1.0).all()


@given(MODELS, ROOMS, ROOM_C, IT_KW, OUT_C, HOURS, SETPOINT)
def test_no_heat_is_lost_or_made(model, room, room_c, it_kw, t_out_c, hours, setpoint_c):
    done = step(model, room, room_c, it_kw, t_out_c, hours, setpoint_c)
    gained_kwh = room.mass_kwh_k * (done.room_c - room_c)
    flows = (done.heat_kwh, done.removed_kwh, abs(done.envelope_kwh), abs(gained_kwh))
    residual = gained_kwh - (done.heat_kwh - done.removed_kwh + done.envelope_kwh)
    assert abs(residual) <= 1e-9 * (1.0 + max(flows))
    assert 0.0 <= done.over_h <= hours
    assert done.room_c_max >= max(room_c, done.room_c)
    assert done.cooling_kw >= 0.0


@given(MODELS, ROOMS, ROOM_C, IT_KW, OUT_C, SETPOINT, st.sampled_from([4, 12, 60]))
def test_cutting_an_hour_changes_nothing(model, room, room_c, it_kw, t_out_c, setpoint_c, parts):
    whole = step(model, room, room_c, it_kw, t_out_c, 1.0, setpoint_c)
    spent_kwh = over_h = 0.0
    top_c = room_c
    for _ in range(parts):
        done = step(model, room, room_c, it_kw, t_out_c, 1.0 / parts, setpoint_c)
        room_c = done.room_c
        spent_kwh += done.cooling_kw / parts
        over_h += done.over_h
        top_c = max(top_c, done.room_c_max)
    assert room_c == pytest.approx(whole.room_c, abs=1e-9)
    assert spent_kwh == pytest.approx(whole.cooling_kw, rel=1e-9, abs=1e-6)
    assert over_h == pytest.approx(whole.over_h, abs=1e-7)
    assert top_c == pytest.approx(whole.room_c_max, abs=1e-9)


@given(MODELS, IT_KW, st.floats(-20, 40), HOURS, st.floats(18, 27))
def test_a_setpoint_is_held_while_the_plant_suffices(model, it_kw, t_out_c, hours, setpoint_c):
    room = for_load(1000.0, capacity_ratio=3.0)
    if isinstance(model, Chiller):
        model = replace(model, oversize=5.0)
    heat_kw = step(model, room, setpoint_c, it_kw, t_out_c, 1.0, setpoint_c).heat_kwh
    held_kw = heat_kw + room.envelope_kw_k * (t_out_c - setpoint_c)
    done = step(model, room, setpoint_c, it_kw, t_out_c, hours, setpoint_c)
    if held_kw >= 0.0:
        assert done.room_c == setpoint_c
    else:
        assert done.room_c < setpoint_c


@given(MODELS, st.floats(100, 1000), st.floats(10, 40), st.floats(18, 26))
def test_a_lower_setpoint_costs_more_now_and_less_later(model, it_kw, t_out_c, setpoint_c):
    room = for_load(1000.0)
    usual = step(model, room, 27.0, it_kw, t_out_c, 0.1)
    early = step(model, room, 27.0, it_kw, t_out_c, 0.1, setpoint_c)
    assume(early.removed_kwh > usual.removed_kwh)  # a plant at its limit cannot store cold
    after = step(model, room, early.room_c, it_kw, t_out_c, 0.5)
    always = step(model, room, usual.room_c, it_kw, t_out_c, 0.5)
    assert early.cooling_kw >= usual.cooling_kw - 1e-9
    assert after.cooling_kw <= always.cooling_kw + 1e-9
    assert early.room_c <= usual.room_c


@given(MODELS, ROOMS, ROOM_C, IT_KW, OUT_C, HOURS, st.floats(18, 27))
def test_every_setpoint_lies_in_the_feasible_range(
    model, room, room_c, it_kw, t_out_c, hours, setpoint_c
):
    low, high = feasible_range_kw(model, room, room_c, it_kw, t_out_c, hours)
    power = step(model, room, room_c, it_kw, t_out_c, hours, setpoint_c).cooling_kw
    assert low - 1e-6 <= power <= high + 1e-6


@given(ROOMS, ROOM_C, ROOM_C)
def test_a_hotter_room_never_throttles_less(room, a_c, b_c):
    low, high = sorted((a_c, b_c))
    assert 0 <= throttle_levels(room, low) <= throttle_levels(room, high)
    assert throttle_levels(room, room.band_high_c + room.allowance_k) == 0


@given(MODELS, st.none() | ROOMS, ROOM_C, SETPOINT, IT_KW, OUT_C, HOURS)
def test_rows_and_records_say_the_same(model, room, room_c, setpoint_c, it_kw, t_out_c, hours):
    order_c = math.nan if setpoint_c is None else setpoint_c
    state = thermal_step(row(model, room).tolist(), room_c, order_c, it_kw, t_out_c, hours)
    if room is None:
        expected = (room_c, float(cooling_kw(model, it_kw, t_out_c)), room_c, 0.0)
        assert state == pytest.approx(expected)
    else:
        done = step(model, room, room_c, it_kw, t_out_c, hours, setpoint_c)
        assert state == pytest.approx(done[:4], rel=1e-12, abs=1e-9)
