"""The grid's edges in a running world: outages, limits, losses, backup, calls, what is told."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.decision import project
from cosim.physics.backup import at_rest as engine_at_rest
from cosim.physics.backup import backup, diesel
from cosim.physics.demand_response import Baseline, DrEvent, baseline_kwh, settle
from cosim.physics.local_time import local_time
from cosim.quantities import NS_PER_HOUR
from cosim.run import make_policy, run, staged
from cosim.scenario.model import Scenario
from cosim.world.episode import Episode

# one server that idles at 2.0 kW with cooling, whatever happens
IDLE_KW = 2.0
BIN_H = 1 / 60


def scenario(grid=None, *, hours=3.0, jobs=1e-6, **site):
    timing = {"x": {"step_s": 1.0, "step_w": 2600}}
    return Scenario.model_validate(
        {
            "name": "edges",
            "models": {
                "m": {
                    "value_usd": 0.01,
                    "quality": {"kind": "saturating", "k": 0.1},
                    "timing": timing,
                }
            },
            "sites": {
                "here": {
                    "location": {"lat_deg": 50, "lon_deg": 5},
                    "models": ["m"],
                    "gpus": {
                        "kind": "x",
                        "count": 2,
                        "idle_w": 600,
                        "server_w": 200,
                        "clock": {"kind": "table", "speed": [0.5, 1.0], "power": [0.5, 1.0]},
                    },
                    "cooling": {"kind": "constant", "pue": 1.25},
                    "grid": {
                        "price": {"kind": "flat", "usd_per_kwh": 0.1},
                        "carbon": {"kind": "flat", "g_per_kwh": 300},
                        **(grid or {}),
                    },
                    **site,
                }
            },
            "clock": {"start": "2019-04-22T09:00:00Z", "days": hours / 24, "slot_minutes": 15},
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": jobs}},
        }
    )


OUTAGE = {"connection": {"limits": [{"at_h": 1.0, "for_h": 0.5}]}}


def test_an_outage_leaves_the_site_in_the_dark_and_only_then():
    result = run(scenario(OUTAGE), policy="home", energy="idle")
    unserved, bought = result.bins["unserved_kw"][:, 0], result.bins["import_kw"][:, 0]
    dark = np.zeros(180, dtype=bool)
    dark[60:90] = True
    np.testing.assert_allclose(unserved, np.where(dark, IDLE_KW, 0.0), atol=1e-9)
    np.testing.assert_allclose(bought, np.where(dark, 0.0, IDLE_KW), atol=1e-9)
    assert result.kpis["unserved_kwh"] == pytest.approx(IDLE_KW * 0.5)
    assert result.kpis["unserved_usd"] == pytest.approx(5.0 * IDLE_KW * 0.5)


def test_work_pauses_in_an_outage_and_goes_on_after_it():
    busy = scenario(OUTAGE, jobs=20_000)
    for engine in ("fast", "reference"):
        result = run(busy, policy="home", energy="idle", engine=engine)
        power = result.bins["compute_kw"][:, 0]
        assert power[30:60].min() > 4.0
        assert power[61:90].max() == 0.0  # what was begun has ended in the first minute
        assert power[91:].min() > 4.0


def test_a_generator_carries_an_outage_after_its_start():
    machine = {"kind": "diesel", "rated_kw": 8.0}
    result = run(scenario(OUTAGE, backup=machine), policy="home", energy="idle")
    did = backup(diesel(8.0), IDLE_KW, engine_at_rest(diesel(8.0)), 0.5)
    assert did.power_kw == pytest.approx(2.4)  # its minimum load
    kpis = result.kpis
    assert kpis["unserved_kwh"] == pytest.approx(IDLE_KW * 10 / 3600)
    assert kpis["backup_kwh"] == pytest.approx(2.4 * did.on_h)
    assert kpis["spilled_kwh"] == pytest.approx(0.4 * did.on_h)
    assert kpis["backup_h"] == pytest.approx(did.on_h)
    assert kpis["backup_usd"] == pytest.approx(did.cost_usd)
    grid_kg = 0.3 * kpis["grid_import_kwh"]
    assert kpis["carbon_kg"] == pytest.approx(grid_kg + did.carbon_kg)
    assert kpis["energy_cost_usd"] == pytest.approx(kpis["import_usd"] + did.cost_usd)
    used = result.bins["backup_kw"][60:90, 0]
    np.testing.assert_allclose(used[1:], IDLE_KW)
    assert used[0] == pytest.approx(IDLE_KW * 50 / 60)


def test_a_generator_lets_work_go_on_until_its_hours_are_used_up():
    machine = {"kind": "gas", "rated_kw": 20.0, "run_hours_max": 0.25, "start_delay_s": 0}
    result = run(scenario(OUTAGE, backup=machine, jobs=20_000), policy="home", energy="idle")
    power = result.bins["compute_kw"][:, 0]
    assert power[60:75].min() > 4.0
    assert power[75] < 0.1  # the steps that had begun
    assert power[76:90].max() == 0.0
    assert result.kpis["backup_h"] == pytest.approx(0.25)


def test_the_battery_comes_before_the_generator():
    store = {"kind": "ideal", "capacity_kwh": 4, "charge_kw_max": 4, "discharge_kw_max": 4}
    machine = {"kind": "diesel", "rated_kw": 8.0, "start_delay_s": 0}
    site = scenario(OUTAGE, backup=machine, battery={**store, "soc": [0.375, 1.0]})
    result = run(site, policy="home", energy="idle")
    given = result.bins["battery_kw"][60:90, 0]
    np.testing.assert_allclose(given[:15], IDLE_KW, atol=1e-9)  # 0.5 kWh of 2 kWh may be used
    np.testing.assert_allclose(given[15:], 0.0, atol=1e-9)
    assert result.bins["backup_kw"][60:75, 0].max() == 0.0
    np.testing.assert_allclose(result.bins["backup_kw"][75:90, 0], IDLE_KW)
    assert result.kpis["unserved_kwh"] == 0.0


def test_a_lower_limit_holds_for_its_time_and_a_null_keeps_the_grids():
    limit = {"at_h": 1, "for_h": 0.5, "import_kw_max": 1.5, "export_kw_max": None}
    site = scenario({"connection": {"limits": [limit]}, "import_kw_max": 9.0})
    result = run(site, policy="home", energy="idle")
    bought = result.bins["import_kw"][:, 0]
    np.testing.assert_allclose(bought[60:90], 1.5)
    np.testing.assert_allclose(np.delete(bought, np.s_[60:90]), IDLE_KW)


def test_curtailed_sun_costs_what_the_scenario_says():
    sunny = {"pv": {"peak_kw": 30}, "weather": "weather/nsrdb15_brussels_2019"}
    grid = {"export_kw_max": 1.0, "connection": {"curtailment_usd_per_kwh": 0.04}}
    result = run(scenario(grid, **sunny), policy="home", energy="idle")
    assert result.kpis["curtailed_kwh"] > 10
    cost = 0.04 * result.kpis["curtailed_kwh"]
    assert result.kpis["curtailment_usd"] == pytest.approx(cost)
    kpis = result.kpis
    net = kpis["import_usd"] - kpis["export_usd"] + cost
    assert kpis["energy_cost_usd"] == pytest.approx(net)


@pytest.mark.parametrize(("metered", "factor"), [("site", 1.0), ("bus", 1 / 0.92)])
def test_losses_are_paid_where_the_contract_meters(metered, factor):
    result = run(
        scenario({"connection": {"loss_share": 0.08, "metered": metered}}),
        policy="home",
        energy="idle",
    )
    assert result.kpis["grid_import_kwh"] == pytest.approx(3 * IDLE_KW)
    assert result.kpis["import_usd"] == pytest.approx(3 * IDLE_KW * 0.1 * factor)
    sale = result.ledger.data["sale_usd_kwh"][0, 0]
    assert sale == pytest.approx(0.09 / factor)


# calls -------------------------------------------------------------------------------------

CAP = {"at_h": 1, "for_h": 0.5, "kind": "cap", "power_kw": 1.2}


def call(**keys):
    return {"demand_response": {"calls": [{**CAP, **keys}]}}


def test_a_soft_cap_costs_its_penalty_and_a_firm_one_is_a_limit():
    soft = run(scenario(call(penalty_usd_per_kwh=3)), policy="home", energy="idle")
    assert soft.kpis["dr_usd"] == pytest.approx(-3 * 0.8 * 0.5)
    assert soft.kpis["unserved_kwh"] == 0.0
    slot = np.flatnonzero(soft.ledger.data["dr_usd"][:, 0])
    assert slot.tolist() == [5]  # the last that it touches
    firm = run(scenario(call(penalty_usd_per_kwh=3, firm=True)), policy="home", energy="idle")
    assert firm.kpis["dr_usd"] == 0.0
    assert firm.kpis["unserved_kwh"] == pytest.approx(0.8 * 0.5)


def test_a_reduction_is_paid_against_an_agreed_baseline():
    asked = {"kind": "reduction", "power_kw": 1.5, "baseline_kw": 3.0}
    pay = {"payment_usd_per_kwh": 2.0, "penalty_usd_per_kwh": 0.5}
    result = run(scenario(call(**asked, **pay)), policy="home", energy="idle")
    # 1 kW less than agreed, of 1.5 kW asked
    assert result.kpis["dr_usd"] == pytest.approx((2.0 * 1.0 - 0.5 * 0.5) * 0.5)
    assert result.kpis["energy_cost_usd"] == pytest.approx(
        result.kpis["import_usd"] - result.kpis["dr_usd"]
    )


def test_a_measured_baseline_looks_back_over_the_days_of_the_window():
    asked = {"kind": "reduction", "power_kw": 1.0, "at_h": 50, "payment_usd_per_kwh": 1.0}
    site = scenario(call(**asked), hours=72, jobs=3000)
    result = run(site, policy="home", energy="idle")
    slots = result.ledger.slots
    start_ns = staged(site).plan(1).info.start_utc_ns
    local = local_time(start_ns, NS_PER_HOUR // 4, slots, "UTC")
    begin_ns = start_ns + 50 * NS_PER_HOUR
    event = DrEvent(begin_ns, begin_ns + NS_PER_HOUR // 2, "reduction", 1.0, 1.0)
    bought = result.ledger.data["import_kwh"][:slots, 0]
    expected = baseline_kwh(Baseline(), event, [event], local, bought)
    assert expected.size == 2
    found = settle(event, local, bought, expected)
    assert result.kpis["dr_usd"] == pytest.approx(found.usd)


# what is told ------------------------------------------------------------------------------


def watched(site):
    seen = []
    run(site, policy="home", energy="idle", watch=lambda o, d: seen.append(o))
    return seen


def test_calls_and_outages_are_told_when_they_are_public():
    limits = {"limits": [{"at_h": 2, "for_h": 0.25, "notice_h": 0.5}]}
    grid = {**call(notice_h=0.25, penalty_usd_per_kwh=1), "connection": limits}
    seen = watched(scenario(grid))
    told = [tuple((n.kind, n.import_kw_max) for n in o.grid.notices) for o in seen[:12]]
    cap, outage = ("cap", 1.2), ("limit", 0.0)
    assert told == [
        (),
        (),
        (),
        (cap,),
        (cap,),
        (cap,),
        (outage,),
        (outage,),
        (outage,),
        (),
        (),
        (),
    ]
    in_force = [o.grid.import_kw_max[0] for o in seen[:12]]
    assert in_force == [np.inf] * 8 + [0.0] + [np.inf] * 3


def test_the_price_of_the_next_kwh_and_kw_is_told():
    tariff = {
        "energy": {
            "tiers": {"blocks": [{"usd_per_kwh": 0.0, "upto_kwh": 100}, {"usd_per_kwh": 0.3}]}
        },
        "demand": {"peak": {"usd_per_kw": 30.0, "minimum_kw": 1.0}},
    }
    share = 3 / 720  # of April's hours
    seen = watched(scenario({"tariff": tariff}))
    price = [o.price_usd_kwh[0] for o in seen[:12]]
    end_kwh = 100 * share
    assert price == [0.1 if slot * 0.5 < end_kwh else 0.4 for slot in range(12)]
    assert seen[0].grid.block_left_kwh[0] == pytest.approx(end_kwh)
    billed = [o.grid.demand_billed_kw[0, 0] for o in seen[:3]]
    assert billed == pytest.approx([1.0, IDLE_KW, IDLE_KW])
    assert seen[0].grid.demand_usd_kw[0, 0] == pytest.approx(30.0 * share)
    info = staged(scenario({"tariff": tariff})).plan(1).info
    assert info.demand_charges == (("peak",),)
    assert info.demand_active.shape == (12, 1, 1)
    assert info.demand_active.all()


def test_a_site_without_a_contract_is_told_nothing_of_demand():
    seen = watched(scenario())
    assert seen[0].grid.demand_billed_kw.shape == (1, 0)
    assert np.isinf(seen[0].grid.block_left_kwh).all()
    assert seen[3].grid is seen[5].grid  # nothing changes, so it is made once


def test_what_slots_are_told_to_have_cost_is_what_the_ledger_holds():
    tariff = {"demand": {"peak": {"usd_per_kw": 30.0}}, "fixed_usd_per_month": 90}
    grid = {**OUTAGE, **call(at_h=2, penalty_usd_per_kwh=3), "tariff": tariff}
    site = scenario(grid, backup={"kind": "diesel", "rated_kw": 4})
    plan, told = staged(site).plan(1), []
    policy = make_policy(site, "home", "idle")
    policy.reset(plan.info, np.random.default_rng(1))
    episode = Episode(plan)
    episode.reset()
    while not episode.over:
        seen = episode.observe()
        decided = project(policy.decide(seen), plan.info, seen, policy="home").decision
        episode.step(decided)
        told.append(episode.outcome().energy_cost_usd[0])
    ledger = run(site, policy="home", energy="idle").ledger
    slots = slice(0, ledger.slots)
    np.testing.assert_allclose(told, ledger.energy_cost_usd()[slots, 0], atol=1e-12)
    for name in ("demand", "fixed", "backup"):
        assert ledger.data[f"{name}_usd"].sum() > 0.0
    assert ledger.data["dr_usd"].sum() < 0.0
