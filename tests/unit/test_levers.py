"""Does the relevance table measure what each lever is worth, and say so when it is nothing?"""

import json
from math import isnan

import pytest

from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.scenario.model import Scenario
from cosim.study.levers import levers, net_cost_usd
from cosim.study.loads import loads
from cosim.study.variants import changed, energy_layer, no_transfer, present, without


@pytest.fixture(scope="module")
def stage(pytestconfig):
    return staged(load_scenario(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"))


@pytest.fixture(scope="module")
def table(stage):
    return levers(stage)


def row(table, name):
    return next(lever for lever in table.rows if lever.name == name)


def test_load_by_hand(stage):
    """Images of a site × (steps × time of a step) over GPUs × time, from the drawn jobs."""
    jobs = stage.plan(1).jobs
    found = {(load.site, load.steps): load for load in loads(stage, 1)}
    images = int(jobs.images[jobs.home == 1].sum())
    expected = images * 30 * 0.15 / (2 * 5400)  # `large` on 2 GPUs for 90 minutes
    assert found["south", 30].mean == pytest.approx(expected)
    assert found["south", 42].mean == pytest.approx(expected * 42 / 30)
    first = int(jobs.images[(jobs.home == 1) & (jobs.arrival_ns < 3600 * 10**9)].sum())
    rest = images - first
    fullest = max(first / 3600, rest / 1800) * 30 * 0.15 / 2
    assert found["south", 30].peak == pytest.approx(fullest)


def test_a_lever_is_the_difference_of_two_runs(stage, table):
    """Transfer, recomputed from runs of our own."""
    name = table.policy
    off = changed(stage.scenario, energy_layer("paper-inner"), no_transfer)
    on = changed(stage.scenario, energy_layer("paper-inner"))
    shares = []
    for seed in table.seeds:
        have = run(on, policy=name, seed=seed).kpis["utility_usd"]
        lack = run(off, policy=name, seed=seed).kpis["utility_usd"]
        shares.append(100 * (have - lack) / abs(have))
    found = row(table, "transfer")
    assert found.effect == pytest.approx(sum(shares) / 2)
    assert found.ci95[0] < found.effect < found.ci95[1]
    assert found.passed == (found.effect >= 5.0)


def test_an_absent_lever_is_not_run_and_does_not_pass(stage, table):
    assert "solar" not in present(stage)
    solar = row(table, "solar")
    assert isnan(solar.effect)
    assert not solar.passed
    assert "no site has a solar field" in solar.detail
    assert not table.passed


def test_json_is_strict_and_complete(table):
    data = json.loads(json.dumps(table.to_json(), allow_nan=False))
    assert data["passed"] is False
    assert {lever["name"] for lever in data["levers"]} == {
        *("sparsity", "steps", "transfer", "DVFS", "battery", "solar", "wind")
    }
    assert {"site", "steps", "mean", "peak"} == set(data["loads"][0])


def test_variants_change_one_thing(stage):
    scenario = stage.scenario
    bare = changed(scenario, without("battery"))
    assert isinstance(bare, Scenario)
    assert all(site.battery is None for site in bare.sites.values())
    assert changed(bare) == bare
    assert scenario.sites["north"].battery is not None
    assert changed(scenario) == scenario


def test_options_of_the_scenarios_own_layer_stay(stage):
    own = changed(stage.scenario, energy_layer("paper-inner", margin=0.1))
    full = changed(own, energy_layer("paper-inner", clock="full"))
    assert full.policy.energy.options == {"margin": 0.1, "clock": "full"}
    other = changed(own, energy_layer("idle"))
    assert other.policy.energy.options == {}


def test_net_cost_counts_what_is_left_in_the_battery():
    kpis = dict.fromkeys(
        ("energy_cost_usd", "unserved_usd", "wear_usd", "carbon_usd", "demand_usd"), 1.0
    )
    # demand charges are part of the energy cost
    assert net_cost_usd({**kpis, "settlement_usd": 2.0}) == 2.0


def test_one_seed_gives_no_interval(stage):
    assert all(lever.ci95 is None for lever in levers(stage, seeds=[3]).rows)
