"""Do the parts of a regret add up, and is a run's energy never cheaper than the least for it?"""

from __future__ import annotations

import xml.etree.ElementTree as ET

import energy_site
import numpy as np
import pytest

from cosim.hindsight import hindsight
from cosim.hindsight.energy import least_energy_usd
from cosim.prepare.stage import stage
from cosim.run import run
from cosim.study.regret import energy_usd, load_kwh, regret
from cosim.study.regret_figure import figure

BATTERY = {"kind": "linear", "capacity_kwh": 10.0, "charge_kw_max": 4.0, "discharge_kw_max": 4.0}
TIMES = [
    {"hours": list(range(11)), "usd_per_kwh": 0.02},
    {"hours": list(range(11, 24)), "usd_per_kwh": 0.5},
]
GRID = {
    "price": {"kind": "time-of-use", "periods": TIMES},
    "carbon": {"kind": "flat", "g_per_kwh": 300},
}


def on(**changes):
    grid = {**GRID, **changes}
    return stage(energy_site.scenario(hours=2.0, slot_minutes=15, battery=BATTERY, grid=grid))


def test_parts_add_up_to_the_regret_and_the_bound_is_the_bound():
    there = on()
    found = regret(there, ["price-aware"], [1, 2], energy="look-ahead")
    assert list(found.rows) == ["home", "price-aware", "hindsight"]
    for row in found.rows.values():
        parts = np.sum([row[n] for n in ("lumps_usd", "planning_usd", "forecasts_usd")], axis=0)
        assert row["regret_usd"] == pytest.approx(parts.tolist())
        assert min(row["regret_usd"]) >= 0.0
        assert min(row["energy_excess_share"]) >= -1e-6
    bound = hindsight(there.plan(2)).bound_usd
    home = found.rows["home"]
    assert home["utility_usd"][1] + home["regret_usd"][1] == pytest.approx(bound)
    assert home["closed_share"] == [0.0, 0.0]
    better = found.rows["price-aware"]["closed_share"]
    assert all(0.0 < share <= 1.0 for share in better)


def test_an_idle_battery_leaves_money_that_a_planned_one_takes():
    """Cheap until 11 h, then 25 times as dear: nearly all that there is to gain is gained."""
    there = on()
    plan = there.plan(1)
    idle, planned = (
        run(there, policy="home", energy=e, seed=1, plan=plan) for e in ("idle", "look-ahead")
    )
    least = [least_energy_usd(plan, load_kwh(r)) for r in (idle, planned)]
    assert load_kwh(idle) == pytest.approx(load_kwh(planned))
    assert least[0] == pytest.approx(least[1])
    left = [energy_usd(r) - least[0] for r in (idle, planned)]
    assert left[0] > 1.0
    assert 0.0 <= left[1] < 0.1 * left[0]


def test_least_energy_knows_the_contract():
    demand = {"partial_month": "full", "demand": {"all": {"usd_per_kw": 5.0}}}
    with_peak, without = on(tariff=demand), on()
    found = run(without, policy="home", energy="idle", seed=1)
    cost = [least_energy_usd(s.plan(1), load_kwh(found)) for s in (without, with_peak)]
    mean_kw = float(load_kwh(found).sum()) / 2.0  # of which 4 kWh of the battery carry 2 kW
    assert cost[1] > cost[0] + 5.0 * (mean_kw - 4.0 / 2.0)


def test_the_figure_is_well_formed_and_names_every_policy():
    found = regret(on(), [], [1]).to_json()
    drawn = ET.fromstring(figure(found))
    words = " ".join(text for text in drawn.itertext())
    assert all(name in words for name in ("home", "hindsight", "lumps", "forecasts"))
    assert found["paired_utility_usd"]["hindsight"]["home"]["diff"] > 0.0
