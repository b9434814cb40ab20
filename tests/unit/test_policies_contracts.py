"""Do planners know the supply contract: peaks, steps, calls, outages, apart metering?

One site whose ten GPUs wait nearly all the time, at 2.1 kW, four hours in slots of five minutes.
"""

from __future__ import annotations

from dataclasses import replace

import energy_site
import numpy as np
import pytest

from cosim.hindsight import hindsight
from cosim.prepare.stage import stage
from cosim.run import run

HOURS = 4.0
BATTERY = {"kind": "linear", "capacity_kwh": 10.0, "charge_kw_max": 4.0, "discharge_kw_max": 4.0}
SLOTS = 48


def outcome(energy, *, price=None, load=0.001, policy="home", battery=BATTERY, **grid):
    """A run of a site under an energy layer; the ledger by column, and the hindsight bound."""
    site = {
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
            **grid,
        },
        "battery": battery,
    }
    on = stage(energy_site.scenario(hours=HOURS, slot_minutes=5, load=load, **site))
    plan = on.plan(1)
    if price is not None:
        values = plan.outside.price_usd_kwh.copy()
        first = plan.outside.history
        values[first : first + SLOTS, 0] = price
        values[first + SLOTS :, 0] = price[-1]
        outside = replace(plan.outside, price_usd_kwh=values, sale_usd_kwh=0.9 * values)
        plan = replace(plan, outside=outside)
    result = run(on, policy=policy, energy=energy, seed=1, plan=plan)
    return result, hindsight(plan).bound_usd


def column(result, name):
    return result.ledger.data[name][:SLOTS, 0]


DEMAND = {"partial_month": "full", "demand": {"all": {"usd_per_kw": 5.0}}}
CHEAP_THEN_DEAR = np.repeat([0.04, 0.12], [SLOTS // 2, SLOTS // 2])


def test_a_battery_that_knows_prices_alone_raises_the_peak_and_one_that_plans_does_not():
    layers = ("idle", "paper-inner", "look-ahead")
    found = {e: outcome(e, price=CHEAP_THEN_DEAR, tariff=DEMAND) for e in layers}
    demand = {e: column(r, "demand_usd").sum() for e, (r, _) in found.items()}
    utility = {e: r.kpis["utility_usd"] for e, (r, _) in found.items()}
    assert demand["paper-inner"] > 1.5 * demand["idle"]
    assert demand["look-ahead"] < 0.9 * demand["idle"]
    assert utility["look-ahead"] > utility["idle"] > utility["paper-inner"]
    assert all(r.kpis["utility_usd"] <= bound for r, bound in found.values())


def test_a_peak_that_counts_in_some_hours_is_shaved_in_those():
    """The charge counts from 12 to 14 h local: the battery is full by then and carries load."""
    charge = {"usd_per_kw": 20.0, "when": [{"hours": [13]}]}
    tariff = {"partial_month": "full", "demand": {"noon": charge}}
    idle, _ = outcome("idle", tariff=tariff)
    shaved, bound = outcome("look-ahead", tariff=tariff)
    active = np.flatnonzero(column(idle, "demand_usd") > 0.0)
    assert len(active)
    assert column(shaved, "demand_usd").sum() < 0.6 * column(idle, "demand_usd").sum()
    assert shaved.kpis["utility_usd"] <= bound


@pytest.mark.parametrize("policy", ["home", "lp-price"])
def test_a_call_is_answered_by_the_battery(policy):
    call = {
        **{"at_h": 2.0, "for_h": 0.5, "kind": "reduction", "power_kw": 2.0, "baseline_kw": 2.1},
        **{"payment_usd_per_kwh": 2.0, "penalty_usd_per_kwh": 1.0, "notice_h": 3},
    }
    idle, _ = outcome("idle", demand_response={"calls": [call]})
    called, bound = outcome("look-ahead", policy=policy, demand_response={"calls": [call]})
    assert column(called, "dr_usd").sum() > column(idle, "dr_usd").sum() + 0.5
    assert called.kpis["utility_usd"] <= bound


def test_a_soft_cap_is_kept_where_its_penalty_is_high():
    call = {"at_h": 2.0, "for_h": 0.5, "kind": "cap", "power_kw": 1.0, "penalty_usd_per_kwh": 3}
    call["notice_h"] = 3
    idle, _ = outcome("idle", demand_response={"calls": [call]})
    called, bound = outcome("look-ahead", demand_response={"calls": [call]})
    assert column(idle, "dr_usd").sum() < -1.0
    assert column(called, "dr_usd").sum() > 0.1 * column(idle, "dr_usd").sum()
    assert called.kpis["utility_usd"] <= bound


def test_an_announced_outage_is_met_with_a_full_battery():
    limit, empty = {"at_h": 2.0, "for_h": 0.75, "notice_h": 3}, {**BATTERY, "soc_start": 0.1}
    grid = {"battery": empty, "connection": {"limits": [limit]}}
    idle, _ = outcome("idle", **grid)
    ready, bound = outcome("look-ahead", **grid)
    dark = [column(r, "unserved_kwh").sum() for r in (idle, ready)]
    assert dark[0] > 1.0
    assert dark[1] < 0.1 * dark[0]
    assert ready.kpis["utility_usd"] <= bound


def test_a_price_step_is_put_off_for_dearer_hours():
    """Of the cheap block 60 % are left when prices triple: charging must not eat it up."""
    blocks = [{"usd_per_kwh": 0.0, "upto_kwh": 5.0}, {"usd_per_kwh": 0.3}]
    tariff = {"partial_month": "full", "energy": {"tiers": {"blocks": blocks}}}
    idle, _ = outcome("idle", price=CHEAP_THEN_DEAR, tariff=tariff)
    planned, bound = outcome("look-ahead", price=CHEAP_THEN_DEAR, tariff=tariff)
    assert planned.kpis["energy_cost_usd"] < idle.kpis["energy_cost_usd"]
    assert planned.kpis["utility_usd"] <= bound


@pytest.mark.parametrize("metering", ["net_metering", "buy_all_sell_all"])
def test_other_meterings_are_planned_and_bounded(metering):
    tariff = {"metering": metering, "energy": {"levy": {"usd_per_kwh": 0.02}}}
    planned, bound = outcome("look-ahead", policy="lp-price", tariff=tariff)
    assert not any("no plan" in note for note in planned.warnings)
    assert planned.kpis["utility_usd"] <= bound
