"""The checkpoints that come with the scenarios: small, honest about their days, worth having."""

import sys
from pathlib import Path

import pytest

from cosim import load_scenario
from cosim.gym.checkpoint import read_checkpoint
from cosim.run import run, staged
from cosim.scenario.days import dates_of
from cosim.scenario.lock import world_hash
from cosim.study.fitting import cast_of

SCENARIOS = Path(__file__).parents[2] / "scenarios"
HOMES = {"quickstart": "quickstart.yaml", "base-small": "paper/base-small.yaml"}
SHIPPED = sorted(path.parent for path in (SCENARIOS / "trained").glob("*/*/actor.json"))
NAMES = [f"{home.parent.name}/{home.name}" for home in SHIPPED]


def scenario_of(home):
    return load_scenario(SCENARIOS / HOMES[home.parent.name])


def test_each_scenario_has_its_learners():
    assert [name.partition("/")[0] for name in NAMES] == ["base-small"] * 3 + ["quickstart"] * 2
    for file in HOMES.values():
        cast = cast_of(load_scenario(SCENARIOS / file))
        assert not cast.left_out
        assert {"sac", "jemas", "optimiser", "greedy-utility"} <= set(cast.names)


@pytest.mark.parametrize("home", SHIPPED, ids=NAMES)
def test_it_is_small_and_says_how_it_was_made(home):
    assert sum(path.stat().st_size for path in home.iterdir()) < 500_000
    assert {path.name for path in home.iterdir()} == {"actor.json", "actor.safetensors"}
    trained = read_checkpoint(home).fact("trained", dict)
    assert trained["command"].startswith("cosim train scenarios/")
    assert len(trained["seeds"]["results"]) == 3
    assert trained["world_hash"] == world_hash(scenario_of(home))


@pytest.mark.parametrize("home", SHIPPED, ids=NAMES)
def test_it_has_seen_no_day_that_it_is_judged_on(home):
    scenario = scenario_of(home).scenario
    judged = dates_of(scenario, "test_days") or (scenario.clock.start.date(),)
    trained = read_checkpoint(home).fact("trained", dict)
    seen = {*trained["dates"], *trained["held_out"]}
    assert seen == {day.isoformat() for day in dates_of(scenario, "train_days")}
    assert not seen & {day.isoformat() for day in judged}


@pytest.mark.parametrize("home", SHIPPED, ids=NAMES)
def test_it_earns_more_than_the_greedy_heuristic(home):
    on = staged(scenario_of(home))
    path = f"{home.name}@{home}"
    learned, greedy = (run(on, policy=p, seed=1) for p in (path, "greedy-utility"))
    assert learned.kpis["utility_usd"] > greedy.kpis["utility_usd"]
    assert learned.kpis["late_share"] < 0.076  # of the paper
    assert learned.clips == {}


def test_acting_loads_no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    part = load_scenario(SCENARIOS / "quickstart.yaml", ["clock.days=0.25"])
    assert run(part, policy="sac", seed=2).clips == {}


def test_a_scenario_of_another_make_goes_without():
    cast = cast_of(load_scenario(SCENARIOS / "paper" / "flex.yaml"))
    assert set(cast.left_out) == {"sac", "jemas", "sac-demo"}
    assert "price-aware" in cast.names
