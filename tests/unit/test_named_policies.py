"""One policy under several options in one comparison: each is known by a name of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.errors import ScenarioError
from cosim.run import make_policy, run
from cosim.scenario.load import load_scenario
from cosim.study.compare import compare

TINY = Path(__file__).resolve().parents[1] / "data" / "tiny.yaml"
TWICE = "policy.compare=[home, fixed-steps, {use: fixed-steps, name: ten, with: {steps: 10}}]"


def test_both_are_played_each_with_its_own_options():
    found = compare(load_scenario(TINY, [TWICE]), seeds=[1])
    assert found.policies == ["home", "fixed-steps", "ten"]
    steps = {name: found.results[name, 1].jobs.steps for name in found.policies}
    assert set(steps["ten"].tolist()) == {10}
    assert set(steps["fixed-steps"].tolist()) == {30}


def test_a_name_changes_nothing_but_the_name():
    plain = load_scenario(TINY, ["policy.compare=[{use: fixed-steps, with: {steps: 10}}]"])
    named = load_scenario(TINY, [TWICE])
    assert run(named, policy="ten").digest == run(plain).digest
    assert run(named, policy="ten").policy == "ten"


def test_a_name_may_stand_for_a_pair_of_layers():
    pair = "policy.compare=[{use: fixed-steps+idle, name: calm, with: {steps: 14}}]"
    layers = make_policy(load_scenario(TINY, [pair]).scenario, "calm", None)
    assert (layers.schedule.name, layers.energy.name) == ("fixed-steps", "idle")
    assert layers.schedule.steps == 14


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[home, {use: home, with: {}}]", "give one of the two a `name:`"),
        ("[home, {use: fixed-steps, name: home}]", "named twice"),
        ("[{use: home, name: ../up}]", "name"),
    ],
)
def test_names_are_different_and_fit_for_folders(said, told):
    with pytest.raises(ScenarioError, match=told):
        load_scenario(TINY, [f"policy.compare={said}"])
