"""What the ageing report says in money and words, and what ageing refuses."""

import math

import numpy as np
import pytest

from cosim.physics.ageing import age, calendar_loss, cycle_loss, new_wear, used_wear
from cosim.physics.ageing_models import Lfp250Ah, Naumann
from cosim.physics.ageing_report import report

DAY = np.array([0.9, 0.9, 0.1, 0.1, 0.5, 0.5])


def test_loss_in_shares_and_money():
    model, start = Lfp250Ah(), new_wear(0.5)
    end = age(model, start, np.tile(DAY, 10), 25.0, 4.0)
    told = report(
        model, start, end, capacity_kwh=1000.0, replacement_usd_kwh=150.0, end_of_life=0.7
    )
    lost = calendar_loss(model, end) + cycle_loss(model, end)
    assert told.model == "LFP 250 Ah prismatic (BLAST-Lite 2019)"
    assert told.days == pytest.approx(10.0)
    assert told.capacity_share == pytest.approx(1.0 - lost)
    assert told.cost_usd == pytest.approx(lost * 150_000 / 0.3)
    assert told.efc == pytest.approx(8.0)
    assert told.mean_soc == pytest.approx(0.5)
    assert told.wear_usd_kwh == pytest.approx(told.cycle_loss * 150_000 / 0.3 / 8000.0)
    assert told.notes == (
        "LFP 250 Ah prismatic (BLAST-Lite 2019): 0.40 equivalent full cycles outside depth from "
        "0.8 to 1 or C-rate from 0 to 0.65 per hour; extrapolated",
    )


def test_heat_and_shallow_cycles_are_told():
    model, start = Lfp250Ah(), new_wear(0.5)
    end = age(model, start, [0.6, 0.5, 0.6, 0.5], [50.0, 50.0, 25.0, 25.0], 1.0)
    told = report(model, start, end, capacity_kwh=100.0)
    assert "2.0 h outside from 10 to 45 °C" in told.notes[0]
    assert "0.20 equivalent full cycles outside depth" in told.notes[1]


def test_a_battery_in_mid_life_goes_on_from_there():
    model = Naumann()
    start = used_wear(model, 0.5, 4.0, cycles_per_day=0.5)
    assert calendar_loss(model, start) == pytest.approx(2 * 0.0425, rel=0.01)
    assert start.efc == 4 * 365 * 0.5 * 0.8
    end = age(model, start, DAY, 25.0, 4.0)
    told = report(model, start, end, capacity_kwh=1000.0)
    assert told.efc == pytest.approx(0.8)
    assert 0.0 < told.calendar_loss < calendar_loss(model, age(model, new_wear(0.5), DAY, 25, 4.0))


def test_nothing_happened():
    told = report(Naumann(), new_wear(0.3), new_wear(0.3), capacity_kwh=10.0)
    assert (told.cost_usd, told.wear_usd_kwh, told.mean_soc, told.notes) == (0.0, 0.0, 0.3, ())
    wear = new_wear(0.3)
    assert age(Naumann(), wear, [], 25.0, 1.0) is wear


def test_bad_courses_are_refused_with_all_problems():
    with pytest.raises(ValueError, match=r"step_h = 0\.0.*soc from.*temp_c from"):
        age(Naumann(), new_wear(0.5), [0.5, 1.2], [25.0, 900.0], 0.0)
    with pytest.raises(ValueError, match="soc from nan"):
        age(Naumann(), new_wear(0.5), [math.nan], 25.0, 1.0)
    with pytest.raises(ValueError, match="one-dimensional"):
        age(Naumann(), new_wear(0.5), [[0.5]], 25.0, 1.0)
    with pytest.raises(ValueError, match="end_of_life"):
        report(Naumann(), new_wear(0.5), new_wear(0.5), capacity_kwh=1.0, end_of_life=1.0)
