"""Laws of every kind of battery with every part: curves, tapering, temperature, standby, age."""

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cosim.physics.battery import Battery, Converter, Derating, Taper, advance, feasible_range_kw


@st.composite
def batteries(draw):
    capacity_kwh = draw(st.floats(1.0, 1e4))
    low = draw(st.sampled_from([0.0, 0.1, 0.4]))
    high = draw(st.floats(low + 0.1, 1.0))
    rated_kw = capacity_kwh * draw(st.floats(0.1, 2.0))
    parts = {
        "self_discharge_per_h": draw(st.sampled_from([0.0, 4e-5, 1e-2])),
        "soc_min": low,
        "soc_max": high,
        "standby_kw": capacity_kwh * draw(st.sampled_from([0.0, 1e-4, 1e-2])),
        "taper": draw(st.none() | tapers()),
        "derating": draw(st.none() | st.just(Derating())),
    }
    powers_kw = rated_kw * draw(st.floats(0.1, 1.0)), rated_kw * draw(st.floats(0.1, 1.0))
    if draw(st.booleans()):
        return Battery("linear", capacity_kwh, *powers_kw, 0.93, 0.95, **parts)
    ohms = {"charge_ohm_h": 0.041, "discharge_ohm_h": draw(st.sampled_from([0.0, 0.041]))}
    converter = Converter(rated_kw, discharge_k=draw(st.sampled_from([0.0, 0.018])), **ohms)
    return Battery("pcs_ohmic", capacity_kwh, *powers_kw, converter=converter, **parts)


@st.composite
def tapers(draw):
    shares = st.sampled_from([0.01, 0.2, 1.0])
    return Taper(draw(st.floats(0.0, 1.0)), draw(shares), draw(st.floats(0.0, 1.0)), draw(shares))


@st.composite
def cases(draw):
    battery = draw(batteries())
    inside = {
        "temp_c": draw(st.sampled_from([25.0, -15.0, 3.0, 50.0, 60.0])),
        "capacity_kwh": battery.capacity_kwh * draw(st.sampled_from([1.0, 0.8])),
    }
    stored_kwh = draw(st.floats(0.0, 1.0)) * battery.soc_max * inside["capacity_kwh"]
    power_kw = draw(st.floats(-2.5, 2.5)) * battery.capacity_kwh
    return battery, stored_kwh, power_kw, draw(st.floats(1e-3, 24.0)), inside


def best_efficiencies(battery):
    if battery.converter is None:
        return battery.charge_efficiency, battery.discharge_efficiency
    c = battery.converter  # x / (x + p0 + K x²) is highest where p0 = K x²
    return (
        1.0 / (1.0 + 2.0 * (c.charge_p0 * c.charge_k) ** 0.5),
        1.0 / (1.0 + 2.0 * (c.discharge_p0 * c.discharge_k) ** 0.5),
    )


@given(cases())
def test_energy_is_conserved_and_nothing_is_gained(case):
    battery, stored_kwh, power_kw, hours, inside = case
    step = advance(battery, stored_kwh, power_kw, hours, **inside)
    scale_kwh = battery.capacity_kwh + step.charged_kwh + step.discharged_kwh
    change_kwh = step.charged_kwh - step.discharged_kwh - step.loss_kwh
    assert step.stored_kwh - stored_kwh == pytest.approx(change_kwh, abs=1e-11 * scale_kwh)
    assert step.loss_kwh >= -1e-11 * scale_kwh
    assert min(step.charged_kwh, step.discharged_kwh) == 0.0
    assert 0.0 <= step.stored_kwh <= battery.soc_max * inside["capacity_kwh"] * (1 + 1e-12)
    assert abs(step.power_kw) <= abs(power_kw) * (1 + 1e-9)


@given(cases())
def test_no_power_is_above_the_best_efficiency(case):
    battery, stored_kwh, power_kw, hours, inside = case
    step = advance(battery, stored_kwh, power_kw, hours, **inside)
    gain_kwh = step.stored_kwh - stored_kwh
    slack_kwh = 1e-11 * (battery.capacity_kwh + step.charged_kwh + step.discharged_kwh)
    best = best_efficiencies(battery)
    assert gain_kwh <= step.charged_kwh * best[0] - step.discharged_kwh / best[1] + slack_kwh


@settings(max_examples=300)
@given(cases(), st.sampled_from([2, 7, 60]))
def test_cutting_an_interval_changes_nothing(case, parts):
    battery, stored_kwh, power_kw, hours, inside = case
    whole = advance(battery, stored_kwh, power_kw, hours, **inside)
    sums = [0.0, 0.0, 0.0]
    for _ in range(parts):
        step = advance(battery, stored_kwh, power_kw, hours / parts, **inside)
        stored_kwh = step.stored_kwh
        moved = (step.charged_kwh, step.discharged_kwh, step.loss_kwh)
        sums = [a + x for a, x in zip(sums, moved, strict=True)]
    scale_kwh = battery.capacity_kwh + whole.charged_kwh
    expected = (whole.stored_kwh, whole.charged_kwh, whole.discharged_kwh, whole.loss_kwh)
    assert (stored_kwh, *sums) == pytest.approx(expected, abs=1e-9 * scale_kwh)


@given(cases())
def test_the_range_can_be_held_and_a_little_more_cannot(case):
    battery, stored_kwh, _, hours, inside = case
    for edge_kw in feasible_range_kw(battery, stored_kwh, hours, **inside):
        assume(edge_kw == 0.0 or abs(edge_kw) > 1e-6 * battery.capacity_kwh)
        step = advance(battery, stored_kwh, edge_kw, hours, **inside)
        assert step.power_kw == pytest.approx(edge_kw, rel=1e-8, abs=0.0)
    # 1e-5 of the converter is a watt of 100 kW; a falling limit bites at the last moment only,
    # where what is missing goes with the square of the excess
    most_kw = max(battery.charge_kw_max, battery.discharge_kw_max)
    more_kw = (1e-3 if battery.taper else 1e-5) * most_kw
    low_kw, high_kw = feasible_range_kw(battery, stored_kwh, hours, **inside)
    assert advance(battery, stored_kwh, low_kw - more_kw, hours, **inside).limited
    assert advance(battery, stored_kwh, high_kw + more_kw, hours, **inside).limited


@given(cases())
def test_asking_for_more_charge_never_stores_less(case):
    battery, stored_kwh, power_kw, hours, inside = case
    asked_kw = [power_kw * share for share in (0.0, 1e-3, 0.25, 0.5, 1.0)]
    ends = [advance(battery, stored_kwh, p, hours, **inside).stored_kwh for p in asked_kw]
    if power_kw > 0:
        ends.reverse()
    slack_kwh = 1e-11 * battery.capacity_kwh
    assert all(a <= b + slack_kwh for a, b in pairwise(ends))


@given(cases(), st.floats(1e-3, 10.0), st.floats(1e-3, 10.0))
def test_a_round_trip_never_gains(case, charge_h, discharge_h):
    battery, _, _, _, inside = case
    start_kwh = battery.soc_min * inside["capacity_kwh"]
    filled = advance(battery, start_kwh, -battery.charge_kw_max, charge_h, **inside)
    emptied = advance(battery, filled.stored_kwh, battery.discharge_kw_max, discharge_h, **inside)
    slack_kwh = 1e-11 * battery.capacity_kwh
    charge, discharge = best_efficiencies(battery)
    assert charge * discharge < 1.0
    assert emptied.discharged_kwh <= charge * discharge * filled.charged_kwh + slack_kwh


@given(cases(), st.floats(0.5, 1.0))
def test_an_older_battery_holds_no_more_power(case, share):
    battery, stored_kwh, _, hours, inside = case
    smaller = inside | {"capacity_kwh": inside["capacity_kwh"] * share}
    assume(stored_kwh <= battery.soc_max * smaller["capacity_kwh"])
    new_kw = feasible_range_kw(battery, stored_kwh, hours, **inside)[0]
    old_kw = feasible_range_kw(battery, stored_kwh, hours, **smaller)[0]
    assert old_kw >= new_kw - 1e-9 * battery.capacity_kwh
