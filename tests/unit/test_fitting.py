"""Trained policies that a scenario names: found, told from strangers, not left out in silence."""

import shutil

import pytest
from drawn_checkpoint import save_drawn

from cosim.errors import OtherWorldError, UsageError
from cosim.run import placed, run, staged
from cosim.scenario.load import load_scenario
from cosim.scenario.lock import world_hash
from cosim.study.compare import compare, stored
from cosim.study.fitting import cast_of
from cosim.study.provenance import trained_in, trained_on

COMPARE = "policy.compare=[home, {use: sac@trained/sac, name: sac}]"
PATIENT = "workload.flexible={share: 0.5, hours: [1, 2]}"
"""Work that can wait adds a number to the actions: another world."""


@pytest.fixture
def folder(pytestconfig, tmp_path):
    shutil.copy(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml", tmp_path / "mine.yaml")
    world = staged(load_scenario(tmp_path / "mine.yaml")).plan(1).info
    here = {"scenario": "tiny", "world_hash": world_hash(load_scenario(tmp_path / "mine.yaml"))}
    told = {"trained": {"dates": ["2019-04-22"], "held_out": [], **here}}
    save_drawn(tmp_path / "trained" / "sac", world, told=told)
    return tmp_path


def test_who_fits_acts_under_the_scenarios_name_for_it(folder):
    found = compare(load_scenario(folder / "mine.yaml", [COMPARE]), seeds=[1])
    assert found.policies == ["home", "sac"]
    assert not any("left out" in note for note in found.notes)
    assert "sac was trained or chosen on 2019-04-22" in found.notes[0]


def test_who_does_not_fit_is_left_out_and_named(folder):
    loaded = load_scenario(folder / "mine.yaml", [COMPARE, PATIENT])
    found = compare(loaded, seeds=[1], out=folder / "study")
    assert found.policies == ["home"]
    assert any(note.startswith("sac is left out: checkpoint ") for note in found.notes)
    cast = cast_of(staged(loaded))
    assert cast.names == ("home",)
    assert "trained in a world of another make" in cast.left_out["sac"]


def test_a_study_that_is_read_back_still_says_who_was_left_out(folder):
    loaded = load_scenario(folder / "mine.yaml", ["seeds=[1, 2]", COMPARE, PATIENT])
    found = compare(loaded, out=folder / "study")
    assert stored(folder / "study").to_json() == found.to_json()
    assert any("left out" in note for note in found.notes)


def test_what_has_to_be_known_is_written_before_the_first_run(folder):
    seen = []
    compare(
        load_scenario(folder / "mine.yaml", [COMPARE, PATIENT]),
        seeds=[1],
        out=folder / "study",
        progress=lambda done, total: seen.append((folder / "study" / "cautions.json").read_text()),
    )
    assert "sac is left out" in seen[0]


def test_who_is_asked_for_by_name_is_never_left_out(folder):
    loaded = load_scenario(folder / "mine.yaml", [COMPARE, PATIENT])
    with pytest.raises(OtherWorldError, match="trained in a world of another make"):
        compare(loaded, policies=["home", "sac"], seeds=[1])


def test_nobody_left_and_a_lost_checkpoint_are_errors(folder):
    alone = "policy.compare=[{use: sac@trained/sac, name: sac}]"
    with pytest.raises(UsageError, match="no policy of the scenario fits it: checkpoint"):
        cast_of(staged(load_scenario(folder / "mine.yaml", [alone, PATIENT])))
    lost = "policy.compare=[home, {use: sac@trained/gone, name: sac}]"
    with pytest.raises(UsageError, match="there is no such folder"):
        cast_of(staged(load_scenario(folder / "mine.yaml", [lost])))


def test_a_checkpoint_lies_beside_the_yaml_or_with_the_package(folder, tmp_path, monkeypatch):
    loaded = load_scenario(folder / "mine.yaml", [COMPARE])
    package, elsewhere = tmp_path / "package", tmp_path / "elsewhere"
    shutil.copytree(folder / "trained", package / "trained")
    monkeypatch.setattr("cosim.run.bundled", lambda name: package)
    mine, shipped = folder / "trained" / "sac", package / "trained" / "sac"
    assert placed("sac@trained/sac", loaded.scenario, folder) == f"sac@{mine}"
    assert placed("sac@trained/sac", loaded.scenario, elsewhere) == f"sac@{shipped}"
    unnamed = "sac@runs/mine"  # from the command line: where the user stands
    assert placed(unnamed, loaded.scenario, elsewhere) == unnamed


def test_days_that_a_named_checkpoint_has_seen_are_told(folder):
    scenario = load_scenario(folder / "mine.yaml", [COMPARE]).scenario
    assert trained_on(scenario, ["sac"], ["2019-04-22"], folder) == {"sac": ["2019-04-22"]}
    assert trained_on(scenario, ["sac"], ["2019-05-01"], folder) == {}


@pytest.mark.parametrize("same", ["name=other", "engine=reference", "seeds=[5]", "about=new"])
def test_a_world_by_another_name_is_the_one_that_it_learned_in(folder, same):
    scenario = load_scenario(folder / "mine.yaml", [COMPARE, same]).scenario
    assert trained_in([scenario], ["home", "sac"], folder) == {}


def test_a_learner_in_another_world_is_named(folder):
    sunny = load_scenario(folder / "mine.yaml", [COMPARE, "workload.scale=0.5", "seeds=[1, 2]"])
    found = compare(sunny, out=folder / "study")
    said = "out of distribution: sac was trained in tiny and is judged in another world"
    assert any(note.startswith(said) for note in found.notes)
    shutil.rmtree(folder / "trained")
    assert stored(folder / "study").notes == found.notes


def test_it_acts_as_the_same_policy_named_in_full(folder):
    loaded = load_scenario(folder / "mine.yaml", [COMPARE])
    named = run(loaded, policy="sac", seed=1)
    assert named.digest == run(loaded, policy=f"sac@{folder}/trained/sac", seed=1).digest
