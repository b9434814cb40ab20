"""The battery's closed form against integration in tiny steps and against worked examples."""

import math

import numpy as np
import pytest

from cosim.physics.battery import Battery, advance, ideal, linear


def integrate(battery, stored_kwh, power_kw, hours, pieces):
    """March the store in ``pieces`` explicit Euler steps; returns (stored, charged, given)."""
    dt = hours / pieces
    full, empty = battery.soc_max * battery.capacity_kwh, battery.soc_min * battery.capacity_kwh
    charged = given = 0.0
    for _ in range(pieces):
        leak = battery.self_discharge_per_h * stored_kwh * dt
        take = min(max(-power_kw, 0.0), battery.charge_kw_max) * dt
        give = min(max(power_kw, 0.0), battery.discharge_kw_max) * dt
        take = min(take, max(0.0, full - stored_kwh + leak) / battery.charge_efficiency)
        give = min(give, max(0.0, stored_kwh - leak - empty) * battery.discharge_efficiency)
        stored_kwh += take * battery.charge_efficiency - give / battery.discharge_efficiency - leak
        charged, given = charged + take, given + give
    return stored_kwh, charged, given


LEAKY = Battery("linear", 200.0, 80.0, 120.0, 0.93, 0.95, 0.02, 0.1, 0.9)


@pytest.mark.parametrize("power_kw", [-200.0, -60.0, -3.0, 0.0, 5.0, 90.0, 300.0])
@pytest.mark.parametrize("start_soc", [0.05, 0.1, 0.5, 0.89, 0.9])
def test_closed_form_is_the_limit_of_tiny_steps(power_kw, start_soc):
    exact = advance(LEAKY, start_soc * 200.0, power_kw, 3.0)
    coarse = np.array(integrate(LEAKY, start_soc * 200.0, power_kw, 3.0, 4000))
    closed = np.array([exact.stored_kwh, exact.charged_kwh, exact.discharged_kwh])
    # Euler's own error is 1.4e-3 kWh at 4000 pieces and half of that at 8000
    np.testing.assert_allclose(closed, coarse, atol=2e-3)


def test_a_day_of_orders_by_hand():
    """Capacity 100, window 10 to 90 %, η 0.9 and 0.8, no leak; worked with pencil."""
    battery = Battery("linear", 100.0, 40.0, 40.0, 0.9, 0.8, 0.0, 0.1, 0.9)
    ledger = []
    stored = 50.0
    for power_kw, hours in ((-20.0, 1.0), (-40.0, 1.0), (10.0, 2.0), (40.0, 2.0), (0.0, 5.0)):
        step = advance(battery, stored, power_kw, hours)
        stored = step.stored_kwh
        ledger.append((stored, step.charged_kwh, step.discharged_kwh, step.loss_kwh))
    expected = [
        (68.0, 20.0, 0.0, 2.0),
        (90.0, 22.0 / 0.9, 0.0, 22.0 / 0.9 - 22.0),
        (65.0, 0.0, 20.0, 5.0),
        (10.0, 0.0, 44.0, 11.0),
        (10.0, 0.0, 0.0, 0.0),
    ]
    np.testing.assert_allclose(ledger, expected, atol=1e-12)


def test_charging_against_a_leak_approaches_its_balance():
    battery = Battery("linear", 1000.0, 50.0, 50.0, 1.0, 1.0, 0.1)
    step = advance(battery, 0.0, -20.0, 7.0)
    assert step.stored_kwh == pytest.approx(200.0 * (1 - math.exp(-0.7)), rel=1e-13)


def test_the_papers_battery_only_adds_and_subtracts():
    battery = ideal(8.0, 4.0, 4.0)
    stored = 4.0
    orders = np.random.default_rng(11).uniform(-4, 4, 288)
    by_hand = stored
    for power_kw in orders:
        low, high = -min(4.0, (8.0 - by_hand) * 12), min(4.0, by_hand * 12)
        by_hand -= min(max(power_kw, low), high) / 12
        stored = advance(battery, stored, power_kw, 1 / 12).stored_kwh
    assert stored == pytest.approx(by_hand, abs=1e-12)


def test_one_five_fifteen_and_sixty_minutes_agree_over_a_day():
    battery = linear(100.0, 50.0, 50.0)
    hourly = 60.0 * np.sin(np.arange(24))
    ends = {}
    for minutes in (1, 5, 15, 60):
        stored, loss = 50.0, 0.0
        for power_kw in np.repeat(hourly, 60 // minutes):
            step = advance(battery, stored, float(power_kw), minutes / 60)
            stored, loss = step.stored_kwh, loss + step.loss_kwh
        ends[minutes] = (stored, loss)
    for minutes in (1, 5, 15):
        assert ends[minutes] == pytest.approx(ends[60], rel=1e-11)
