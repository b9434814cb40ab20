"""Falling limits, curves and standby against integration in tiny steps and against pencil."""

import math

import numpy as np
import pytest

from cosim.physics.battery import (
    Battery,
    Converter,
    Derating,
    Taper,
    advance,
    feasible_range_kw,
    pcs_ohmic,
)

TAPER = Taper(0.7, 0.1, 0.4, 0.05)
LINES = Battery("linear", 200.0, 150.0, 150.0, 0.93, 0.95, 0.01, 0.1, 0.9, 0.5, taper=TAPER)
CURVES = pcs_ohmic(200.0, 150.0, 150.0, taper=TAPER, self_discharge_per_h=0.01, standby_kw=0.5)


def in_kw(battery, power_kw):
    """Inflow of a charging power, by the definition of the kind."""
    c = battery.converter
    if c is None or power_kw == 0.0:
        return power_kw * battery.charge_efficiency
    x = power_kw / c.rated_kw
    dc_kw = power_kw * x / (x + c.charge_p0 + c.charge_k * x * x)
    return (math.sqrt(1 + 4 * c.charge_ohm_h * dc_kw / 200.0) - 1) * 200.0 / (2 * c.charge_ohm_h)


def out_kw(battery, power_kw):
    c = battery.converter
    if c is None:
        return power_kw / battery.discharge_efficiency
    x = power_kw / c.rated_kw
    dc_kw = c.rated_kw * (x + c.discharge_p0 + c.discharge_k * x * x)
    r = c.discharge_ohm_h
    return (1 - math.sqrt(1 - 4 * r * dc_kw / 200.0)) * 200.0 / (2 * r)


def integrate(battery, stored_kwh, power_kw, hours, pieces):
    """March in ``pieces`` midpoint steps; the power under a limit is found by table."""
    flow = in_kw if power_kw < 0 else out_kw
    powers = np.linspace(0.0, 150.0, 20001)
    flows = np.array([flow(battery, p) for p in powers])
    dt, full, empty, moved = hours / pieces, 180.0, 20.0, 0.0

    def limit_kw(stored):
        knee, end, share = (140.0, full, 0.1) if power_kw < 0 else (80.0, empty, 0.05)
        return flows[-1] * (1 - (1 - share) * min(1, max(0, (stored - knee) / (end - knee))))

    def rates(stored):
        flow_kw = min(
            flow(battery, min(abs(power_kw), 150.0)) if power_kw else 0, limit_kw(stored)
        )
        leak_kw = (0.5 if stored > 0 else 0.0) + 0.01 * stored
        if power_kw < 0:
            flow_kw = flow_kw if stored < full else min(flow_kw, leak_kw)
        elif stored <= empty or flow_kw < flows[0]:
            flow_kw = 0.0
        sign = 1.0 if power_kw < 0 else -1.0
        return sign * flow_kw - leak_kw, np.interp(flow_kw, flows, powers) if flow_kw else 0.0

    for _ in range(pieces):
        slope, _ = rates(stored_kwh)
        slope, given = rates(stored_kwh + slope * dt / 2)
        stored_kwh, moved = max(stored_kwh + slope * dt, 0.0), moved + given * dt
    return stored_kwh, moved


@pytest.mark.parametrize("battery", [LINES, CURVES], ids=["linear", "pcs_ohmic"])
@pytest.mark.parametrize("power_kw", [-150.0, -40.0, -4.0, 0.0, 5.0, 60.0, 200.0])
@pytest.mark.parametrize("start_kwh", [2.0, 30.0, 100.0, 165.0])
def test_closed_form_is_the_limit_of_tiny_steps(battery, power_kw, start_kwh):
    exact = advance(battery, start_kwh, power_kw, 3.0)
    stored_kwh, moved_kwh = integrate(battery, start_kwh, power_kw, 3.0, 3000)
    # a step that straddles full or empty is off by at most 150 kW · 3 h / 3000 = 0.15 kWh
    closed = (exact.stored_kwh, exact.charged_kwh + exact.discharged_kwh)
    assert closed == pytest.approx((stored_kwh, moved_kwh), abs=0.08)


@pytest.mark.parametrize("battery", [LINES, CURVES], ids=["linear", "pcs_ohmic"])
def test_one_five_fifteen_and_sixty_minutes_agree_over_a_day(battery):
    hourly_kw = 120.0 * np.sin(np.arange(24))
    ends = {}
    for minutes in (1, 5, 15, 60):
        stored_kwh, moved = 100.0, np.zeros(3)
        for power_kw in np.repeat(hourly_kw, 60 // minutes):
            step = advance(battery, stored_kwh, float(power_kw), minutes / 60)
            stored_kwh = step.stored_kwh
            moved += (step.charged_kwh, step.discharged_kwh, step.loss_kwh)
        ends[minutes] = (stored_kwh, *moved)
    for minutes in (1, 5, 15):
        assert ends[minutes] == pytest.approx(ends[60], rel=1e-9)


def test_the_limit_is_followed_by_pencil():
    """100 kWh, 100 kW, no loss, limit from 100 to 20 kW between 50 and 100 kWh: 1.6 kW per kWh."""
    battery = Battery("linear", 100.0, 100.0, 100.0, taper=Taper(0.5, 0.2, 0.0, 0.2))
    step = advance(battery, 40.0, -100.0, 0.6)
    # six minutes to the knee, then the limit 180 − 1.6 E is a decay towards 112.5 kWh
    assert step.stored_kwh == pytest.approx(112.5 - 62.5 * math.exp(-1.6 * 0.5), rel=1e-14)
    low_kw, _ = feasible_range_kw(battery, 60.0, 0.5)
    # held for half an hour, P ends at 60 + P/2 kWh, where the limit is 180 − 96 − 0.8 P
    assert low_kw == pytest.approx(-84.0 / 1.8, rel=1e-14)
    full = advance(battery, 90.0, -100.0, 1.0)
    assert (full.stored_kwh, full.charged_kwh) == (100.0, pytest.approx(10.0, rel=1e-14))


def test_curve_and_resistance_by_hand():
    converter = Converter(100.0, 0.01, 0.02, 0.01, 0.02, 0.04, 0.04)
    whole = {"self_discharge_per_h": 0.0, "soc_min": 0.0, "soc_max": 1.0}
    battery = pcs_ohmic(200.0, 100.0, 100.0, converter=converter, **whole)
    charge = advance(battery, 100.0, -50.0, 0.01)
    dc_kw = 50.0 * 0.5 / (0.5 + 0.01 + 0.005)
    inflow_kw = (charge.stored_kwh - 100.0) / 0.01
    assert inflow_kw + 0.04 * inflow_kw**2 / 200.0 == pytest.approx(dc_kw, rel=1e-10)
    give = advance(battery, 100.0, 50.0, 0.01)
    outflow_kw = (100.0 - give.stored_kwh) / 0.01
    dc_kw = outflow_kw - 0.04 * outflow_kw**2 / 200.0
    assert dc_kw == pytest.approx(50.0 + 1.0 + 0.5, rel=1e-10)


def test_frost_and_heat_take_power_away():
    battery = Battery("linear", 1000.0, 100.0, 100.0, derating=Derating())
    powers = {
        temp_c: feasible_range_kw(battery, 500.0, 0.1, temp_c=temp_c)
        for temp_c in (-20.0, -10.0, 0.0, 5.0, 25.0, 50.0, 55.0)
    }
    assert powers == {
        -20.0: (0.0, 0.0),
        -10.0: (0.0, 50.0),
        0.0: (0.0, 100.0),
        5.0: (-50.0, 100.0),
        25.0: (-100.0, 100.0),
        50.0: (-50.0, 50.0),
        55.0: (0.0, 0.0),
    }


def test_standby_drains_an_idle_battery_to_nothing_and_no_further():
    battery = Battery("linear", 100.0, 10.0, 10.0, standby_kw=2.0)
    step = advance(battery, 5.0, 0.0, 10.0)
    assert (step.stored_kwh, step.loss_kwh) == (0.0, pytest.approx(5.0))
    weak = advance(battery, 0.0, -1.0, 3.0)
    assert (weak.stored_kwh, weak.charged_kwh, weak.loss_kwh) == (0.0, 3.0, 3.0)


def test_a_converter_that_gets_less_than_it_needs_is_off():
    hungry = Converter(50.0, discharge_p0=0.05)
    battery = pcs_ohmic(100.0, 50.0, 50.0, converter=hungry, taper=Taper(1.0, 1.0, 0.5, 0.01))
    step = advance(battery, 60.0, 50.0, 200.0)
    # the cells' limit falls to what the converter needs without load before they are empty
    assert step.stored_kwh > 10.0
    assert feasible_range_kw(battery, step.stored_kwh, 0.1)[1] == 0.0
