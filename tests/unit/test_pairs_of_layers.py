"""Does a pair of scheduler and energy layer mean what its parts mean on their own?"""

import pytest

from cosim.errors import ScenarioError, UsageError
from cosim.plugins import parted
from cosim.run import layers_of, run, staged
from cosim.scenario.load import load_scenario
from cosim.scenario.names import policy_fault, registered


@pytest.fixture(scope="module")
def stage(tiny):
    return staged(load_scenario(tiny))


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("home", ("home", None)),
        ("home+idle", ("home", "idle")),
        ("sac@runs/a+b", ("sac@runs/a+b", None)),
        ("sac@runs/a+b+idle", ("sac@runs/a+b", "idle")),
        ("sac@runs/x+look-ahead", ("sac@runs/x", "look-ahead")),
        ("mine:Mine+my.layers:Layer", ("mine:Mine", "my.layers:Layer")),
        ("sac@runs/x+my.layers:Layer", ("sac@runs/x", "my.layers:Layer")),
        ("home+nonsense", ("home", "nonsense")),
        ("+idle", ("+idle", None)),
    ],
)
def test_a_pair_is_parted_and_a_path_is_left_whole(spec, parts):
    assert parted(spec) == parts


def test_a_pair_runs_as_its_parts_do(stage):
    pair = run(stage, policy="greedy-utility+idle", seed=1)
    parts = run(stage, policy="greedy-utility", energy="idle", seed=1)
    other = run(stage, policy="greedy-utility", seed=1)
    assert (pair.policy, pair.energy) == ("greedy-utility+idle", "idle")
    assert pair.digest == parts.digest != other.digest


def test_a_pair_rolls_the_dice_of_its_scheduler(stage):
    """Chance is common to `random` under every energy layer, so that pairs can be compared."""
    one, other = (
        run(stage, policy=f"random+{layer}", seed=1) for layer in ("idle", "paper-inner")
    )
    assert one.digest != other.digest
    assert one.jobs.service.tolist() == other.jobs.service.tolist()
    assert one.jobs.steps.tolist() == other.jobs.steps.tolist()


def test_the_nearest_word_decides_on_the_energy_layer(stage):
    scenario = stage.scenario
    assert layers_of(scenario, "home", None) == ("home", "self-consumption")
    assert layers_of(scenario, "home", "idle") == ("home", "idle")
    assert layers_of(scenario, "home+paper-inner", "idle") == ("home", "paper-inner")


def test_options_of_a_scheduler_reach_its_pair(tiny):
    specs = "policy.compare=[{use: fixed-steps, with: {steps: 10}}]"
    on = staged(load_scenario(tiny, [specs]))
    assert set(run(on, policy="fixed-steps+idle", seed=1).jobs.steps.tolist()) == {10}


def test_an_unknown_part_is_named():
    known = registered("schedule")
    assert policy_fault("home+idle", "schedule", known) == ""
    assert "no energy layer `idel` — did you mean `idle`" in policy_fault(
        "home+idel", "schedule", known
    )
    both = policy_fault("hom+idel", "schedule", known)
    assert "no policy `hom`" in both
    assert "no energy layer `idel`" in both


def test_a_scenario_may_compare_pairs_and_is_told_where_one_is_wrong(tiny):
    loaded = load_scenario(tiny, ["policy.compare=[home, home+idle]"])
    assert [spec.use for spec in loaded.scenario.policy.compare] == ["home", "home+idle"]
    with pytest.raises(ScenarioError, match=r"policy\.compare\.1  no energy layer `idel`"):
        load_scenario(tiny, ["policy.compare=[home, home+idel]"])


def test_a_scheduler_is_no_energy_layer(stage):
    with pytest.raises(UsageError, match="is a scheduling policy; an energy layer is needed"):
        run(stage, policy="home+cheapest", seed=1)
