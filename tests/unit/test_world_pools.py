"""Several pools of GPUs behind one meter: what they share, and what each has of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.errors import ScenarioError
from cosim.gym.env import CosimEnv
from cosim.gym.worlds import Settings
from cosim.hindsight import hindsight
from cosim.plugins import available
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.scenario.lock import lock_text
from cosim.scenario.pools import places, pool_sites

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
OLD = "{kind: a100, count: 2, idle_w: 40, server_w: 80, models: [large], clock: {kind: cubic}}"
POOL = f"sites.north.pools={{old: {OLD}}}"
BUSY = "workload.arrivals.jobs_per_day=12000"


def pooled(*overrides):
    return load_scenario(TINY, [POOL, *overrides])


def played(*overrides, policy="greedy-utility", engine="fast", energy="self-consumption"):
    loaded = pooled(BUSY, *overrides, f"policy.energy={energy}")
    return run(staged(loaded), policy=policy, seed=1, engine=engine)


# what a world is made of -------------------------------------------------------------------


def test_a_further_pool_stands_after_its_site_and_shares_its_meter():
    on = staged(pooled())
    info = on.plan(1).info
    assert info.sites == ("north", "north/old", "south")
    assert info.place.tolist() == places(on.scenario) == [0, 0, 2]
    assert info.services == ("north", "north/old", "south/large", "south/small")
    assert info.gpus.tolist() == [2, 2, 2]
    assert info.battery_kwh.tolist() == [2.0, 0.0, 0.0]
    assert info.transfer_s[0, 1] == info.transfer_usd[0, 1] == 0.0 < info.transfer_s[1, 2]
    assert info.at_home.tolist() == [[True, True, False, False]] * 2 + [[False, False, True, True]]


def test_customers_come_to_sites_as_they_did_before_the_pool_was_there():
    jobs, alone = staged(pooled()).jobs(1), staged(load_scenario(TINY)).jobs(1)
    assert np.array_equal(jobs.home, np.array([0, 2])[alone.home])
    assert np.array_equal(jobs.arrival_ns, alone.arrival_ns)


def test_a_pool_runs_the_models_of_its_site_where_it_names_none():
    own = OLD.replace("models: [large], ", "")
    found = pool_sites(load_scenario(TINY, [f"sites.north.pools={{old: {own}}}"]).scenario)
    assert found["north/old"].models == ("small",)


def test_a_lock_keeps_the_pools(tmp_path):
    path = tmp_path / "lock.yaml"
    path.write_text(lock_text(pooled()))
    assert load_scenario(path).scenario == pooled().scenario


@pytest.mark.parametrize(
    ("override", "where", "said"),
    [
        ("sites.north.pools.old.models=[larger]", "pools.old.models", "large"),
        ("sites.north.pools.old.preload=small", "sites.north", "pools.old.preload"),
        ("sites.north.pools.old={kind: a1000, count: 1}", "pools.old.kind", "`a100`"),
        ("sites.north.pools.old.count=0", "pools.old.count", "above 0"),
        ("sites.north.pools={a/b: {kind: a100, count: 1}}", "sites.north", "`a/b`"),
        ("faults=[{site: north/older, at_h: 0, for_h: 1}]", "faults.0.site", "`north/old`"),
    ],
)
def test_mistakes_in_a_pool_are_told_with_their_place(override, where, said):
    with pytest.raises(ScenarioError) as error:
        staged(pooled(override))
    assert any(where in p.path and said in p.message for p in error.value.problems)


# what pools share --------------------------------------------------------------------------


SAME = {"policy": "earliest-finish", "seed": 1}


def with_a_site_apart(folder):
    """The tiny scenario with the further pool as a site of its own, to which nobody comes."""
    text, path = TINY.read_text(), folder / "apart.yaml"
    apart = f"  apart:\n    extends: north\n    models: [large]\n    gpus: {OLD}\n"
    apart = apart.replace(", models: [large]", "")
    path.write_text(text.replace("workload:\n", apart + "workload:\n"))
    return path


def test_pools_cost_what_sites_apart_would_where_nothing_is_shared(tmp_path):
    """Flat prices, PUE a constant, no battery, all jobs may move at once and for nothing."""
    alike = ["workload.transferable=1.0", "network={latency_ms: 0, bandwidth_mbit_s: 1e9}"]
    alike += ["network.usd_per_gb=0", "sites.north.battery=null"]
    alike += ["sites.north.grid.price={kind: flat, usd_per_kwh: 0.1}"]
    together = played(*alike, policy="earliest-finish")
    alone = ["sites.apart.battery=null", "sites.apart.grid.price={kind: flat, usd_per_kwh: 0.1}"]
    loaded = load_scenario(with_a_site_apart(tmp_path), [BUSY, *alike, *alone])
    apart = run(staged(loaded), **SAME)
    order = {"north": "north", "north/old": "apart", "south": "south"}
    names = list(apart.ledger.sites)
    rows = [names.index(order[name]) for name in together.ledger.sites]
    for column in ("jobs_finished", "jobs_late", "steps", "busy_share", "revenue_usd"):
        assert together.ledger.data[column] == pytest.approx(apart.ledger.data[column][:, rows])
    for column in ("import_kwh", "import_usd", "compute_kwh", "idle_kwh", "cooling_kwh"):
        assert together.ledger.total(column) == pytest.approx(apart.ledger.total(column))
        assert not together.ledger.data[column][:, 1].any()
    assert together.kpis["utility_usd"] == pytest.approx(apart.kpis["utility_usd"])


def test_sun_of_the_site_feeds_both_pools():
    """A field that covers either pool alone covers both only in part."""
    sun = "sites.north.pv={peak_kw: 2.0}"
    weather = "sites.north.weather=weather/nsrdb15_potsdam_2019"
    result = played(sun, weather, "sites.north.battery=null")
    bins, ledger = result.bins, result.ledger
    load_kw = sum(bins[name][:, 0] for name in ("compute_kw", "idle_kw", "cooling_kw"))
    sold = bins["export_kw"][:, 0] + bins["curtailed_kw"][:, 0]
    assert bins["solar_kw"][:, 0].max() > 0.3
    assert np.allclose(load_kw + sold, bins["solar_kw"][:, 0] + bins["import_kw"][:, 0])
    assert not ledger.data["solar_kwh"][:, 1].any()


def test_a_demand_charge_sees_the_sum_of_the_pools():
    tariff = "sites.north.grid.tariff={demand: {peak: {usd_per_kw: 10}}, partial_month: full}"
    result = played(tariff, "sites.north.battery=null", energy="idle")
    minutes = result.bins["import_kw"][:, 0].reshape(-1, 15).mean(axis=1)
    assert result.kpis["demand_usd"] == pytest.approx(10 * minutes.max())


def test_pools_are_cooled_by_one_plant_that_is_built_for_both():
    weather = ["sites.north.weather=weather/nsrdb15_potsdam_2019"]
    weather += [
        "sites.north.cooling={kind: chiller}",
        "sites.south.cooling={kind: constant, pue: 1.2}",
    ]
    on = staged(pooled(*weather))
    site, further = on.plan(1).sites[:2]
    full_kw = 2 * (350 + 100) / 1000 + 2 * (380 + 80) / 1000
    assert site.cooling.design_it_kw == pytest.approx(full_kw) == further.cooling.design_it_kw


@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_the_first_pool_goes_before_the_others_where_the_limit_is_tight(engine):
    """All GPUs waiting draw 0.66 kW; 1.05 kW carries one that works beside them."""
    clock = "clock={kind: table, speed: [0.9, 1.0], power: [0.9, 1.0]}"
    fixed = [f"sites.north.gpus.{clock}", f"sites.north.pools.old.{clock}"]
    fixed += ["workload.arrivals.jobs_per_day=40000", "sites.north.battery=null"]
    limit, rest = "sites.north.grid.import_kw_max=1.05", {"engine": engine, "energy": "idle"}
    tight = played(limit, *fixed, policy="round-robin", **rest)
    free = played(*fixed, policy="round-robin", **rest)
    assert free.bins["import_kw"][:, 0].max() > 1.5
    assert tight.bins["import_kw"][:, 0].max() <= 1.05 + 1e-9
    assert tight.ledger.total("unserved_kwh") < 0.01 * tight.ledger.total("import_kwh")
    kept = tight.bins["busy_share"].mean(axis=0) / free.bins["busy_share"].mean(axis=0)
    assert kept[0] > 2.0 * kept[1] > 0.0


@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_a_room_that_is_too_warm_slows_all_its_pools(engine):
    room = "sites.north.room={capacity_ratio: 0.25, mass_wh_per_k_kw: 2, allowance_k: 0.5}"
    weather = ["sites.north.weather=weather/nsrdb15_potsdam_2019"]
    weather += ["sites.south.room=null", "sites.north.cooling={kind: economizer}"]
    weather += ["sites.south.cooling={kind: constant, pue: 1.2}"]
    result = played(room, *weather, engine=engine, policy="round-robin")
    throttled = result.ledger.data["throttled_gpu_h"].sum(axis=0)
    assert throttled[0] > 0.0 < throttled[1]
    assert throttled[2] == 0.0


def test_pools_see_the_price_of_their_site_and_one_forecast_of_it():
    trace = "price/dayahead_de_fr_nl_be_2019:price_de_eur_mwh"
    on = staged(pooled("forecast={kind: noisy}", f"sites.north.grid.price={trace}"))
    plan = on.plan(3)
    assert np.array_equal(plan.outside.price_usd_kwh[:, 0], plan.outside.price_usd_kwh[:, 1])
    for path in plan.errors.paths.values():
        assert np.array_equal(path[:, 0], path[:, 1])
    assert (plan.errors.paths["price_usd_kwh"][:, 0] != 0.0).any()


# what else knows of sites ------------------------------------------------------------------


def test_jobs_share_the_energy_of_the_meter_among_all_pools():
    result = played()
    assert result.jobs.energy_wh.sum() == pytest.approx(1000 * result.kpis["energy_kwh"])
    assert (result.jobs.energy_wh[result.jobs.site == 1] > 0.0).all()


def test_going_to_another_pool_of_the_site_is_no_move():
    """Jobs that may not leave home use both pools of it, at once and for nothing."""
    jobs = played("workload.transferable=0.0").jobs
    stayed = jobs.home == 0
    assert set(jobs.site[stayed].tolist()) >= {0, 1}
    assert set(jobs.site[~stayed].tolist()) == {2}
    assert not jobs.transfer_usd.any()
    assert (jobs.landed_ns == jobs.decided_ns)[jobs.landed_ns >= 0].all()
    result = played("workload.transferable=0.0")
    assert result.kpis["moved_share"] == 0.0


@pytest.mark.parametrize("policy", sorted(available("schedule")))
def test_every_scheduler_runs_on_pools(policy):
    result = played("clock.days=0.03125", "clock.slot_minutes=5", policy=policy)
    assert result.ledger.data["residual_kwh"].max() < 1e-9
    assert len(result.jobs) > 100
    assert result.jobs.late.mean() < 1.0


@pytest.mark.parametrize("energy", sorted(available("energy")))
def test_every_energy_layer_runs_on_pools(energy):
    limit = "sites.north.grid.import_kw_max=1.5"
    result = played("clock.days=0.03125", "clock.slot_minutes=5", limit, energy=energy)
    assert not result.ledger.data["charge_kwh"][:, 1].any()
    assert result.ledger.data["residual_kwh"].max() < 1e-9


def test_nobody_beats_hindsight_on_pools():
    on = staged(pooled(BUSY, "sites.south.models=[large]"))
    bound = hindsight(on.plan(1)).bound_usd
    for policy in ("lp-price", "greedy-utility"):
        assert run(on, policy=policy, seed=1).kpis["utility_usd"] <= bound


def test_a_learner_has_a_clock_for_each_pool_and_a_battery_for_each_meter():
    env = CosimEnv.of(pooled(), Settings(clock=True, battery=True))
    names = [(c.name, c.place) for c in env.codec.action.coordinates]
    assert [site for name, site in names if name == "clock"] == ["north", "north/old", "south"]
    assert {site for name, site in names if name.startswith("battery")} == {"north"}
