"""Laws that every battery obeys, whatever its size, state and orders."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.physics.battery import (
    Battery,
    advance,
    feasible_range_kw,
    round_trip_efficiency,
)

FLOATS = {"allow_nan": False, "allow_infinity": False}


@st.composite
def batteries(draw):
    capacity = draw(st.floats(1.0, 1e4))
    low = draw(st.sampled_from([0.0, 0.1, 0.4]))
    return Battery(
        "linear",
        capacity,
        capacity * draw(st.floats(0.0, 4.0)),
        capacity * draw(st.floats(0.0, 4.0)),
        draw(st.floats(0.7, 1.0)),
        draw(st.floats(0.7, 1.0)),
        draw(st.sampled_from([0.0, 1e-9, 4e-5, 1e-2, 0.1])),
        low,
        draw(st.floats(low + 0.1, 1.0)),
    )


@st.composite
def cases(draw):
    battery = draw(batteries())
    stored_kwh = draw(st.floats(0.0, 1.0)) * battery.soc_max * battery.capacity_kwh
    power_kw = draw(st.floats(-5.0, 5.0)) * battery.capacity_kwh
    return battery, stored_kwh, power_kw, draw(st.floats(1e-3, 24.0))


@given(cases())
def test_energy_is_conserved(case):
    battery, stored_kwh, power_kw, hours = case
    step = advance(battery, stored_kwh, power_kw, hours)
    change = step.stored_kwh - stored_kwh
    scale = battery.capacity_kwh + step.charged_kwh + step.discharged_kwh
    assert abs(step.charged_kwh - step.discharged_kwh - step.loss_kwh - change) <= 1e-12 * scale
    assert step.power_kw * hours == pytest.approx(
        step.discharged_kwh - step.charged_kwh, rel=1e-12, abs=1e-12 * scale
    )


@given(cases())
def test_state_power_and_losses_stay_in_their_ranges(case):
    battery, stored_kwh, power_kw, hours = case
    step = advance(battery, stored_kwh, power_kw, hours)
    assert 0.0 <= step.stored_kwh <= battery.soc_max * battery.capacity_kwh
    assert step.loss_kwh >= -1e-12 * battery.capacity_kwh
    assert min(step.charged_kwh, step.discharged_kwh) == 0.0
    assert step.power_kw * power_kw >= 0.0
    assert abs(step.power_kw) <= abs(power_kw) * (1 + 1e-12)
    assert step.discharged_kwh == 0.0 or step.stored_kwh <= stored_kwh


@given(cases(), st.sampled_from([2, 4, 12, 60]))
def test_cutting_an_interval_changes_nothing(case, parts):
    battery, stored_kwh, power_kw, hours = case
    whole = advance(battery, stored_kwh, power_kw, hours)
    charged = discharged = loss = 0.0
    for _ in range(parts):
        step = advance(battery, stored_kwh, power_kw, hours / parts)
        stored_kwh, loss = step.stored_kwh, loss + step.loss_kwh
        charged, discharged = charged + step.charged_kwh, discharged + step.discharged_kwh
    scale = battery.capacity_kwh + whole.charged_kwh
    for in_parts, at_once in (
        (stored_kwh, whole.stored_kwh),
        (charged, whole.charged_kwh),
        (discharged, whole.discharged_kwh),
        (loss, whole.loss_kwh),
    ):
        assert abs(in_parts - at_once) <= 1e-10 * scale


@given(cases())
def test_a_feasible_power_is_never_limited_and_more_always_is(case):
    battery, stored_kwh, _, hours = case
    low_kw, high_kw = feasible_range_kw(battery, stored_kwh, hours)
    assert -battery.charge_kw_max <= low_kw <= 0.0 <= high_kw <= battery.discharge_kw_max
    margin_kw = 1e-6 * battery.capacity_kwh
    for edge_kw, sign in ((low_kw, -1.0), (high_kw, 1.0)):
        inside_kw = math.copysign(max(0.0, abs(edge_kw) - margin_kw), sign)
        assert not advance(battery, stored_kwh, inside_kw, hours).limited
        assert advance(battery, stored_kwh, edge_kw + 2 * sign * margin_kw, hours).limited


@given(batteries(), st.floats(1e-3, 10.0), st.floats(1e-3, 10.0))
def test_a_round_trip_never_gains(battery, charge_h, discharge_h):
    stored_kwh = battery.soc_min * battery.capacity_kwh
    in_step = advance(battery, stored_kwh, -battery.charge_kw_max, charge_h)
    out_step = advance(battery, in_step.stored_kwh, battery.discharge_kw_max, discharge_h)
    limit = round_trip_efficiency(battery) * in_step.charged_kwh
    assert out_step.discharged_kwh <= limit * (1 + 1e-12) + 1e-12 * battery.capacity_kwh


@settings(max_examples=50)
@given(cases())
def test_asking_for_more_never_stores_less(case):
    battery, stored_kwh, power_kw, hours = case
    ends = [
        advance(battery, stored_kwh, power_kw * share, hours).stored_kwh
        for share in (0.0, 0.25, 0.5, 1.0)
    ]
    if power_kw > 0:
        ends.reverse()
    slack = 1e-12 * battery.capacity_kwh
    assert all(a <= b + slack for a, b in pairwise(ends))
