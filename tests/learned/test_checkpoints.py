"""Does a policy act from its checkpoint, and from nothing else?"""

import json
from pathlib import Path

import drawn_checkpoint
import numpy as np
import pytest

import cosim
from cosim.check.stagehand import lively_plan
from cosim.errors import PolicyError, UsageError
from cosim.gym.checkpoint import read_checkpoint, write_checkpoint
from cosim.plugins import available, load_policy, load_recipe
from cosim.run import make_policy
from policies.learned.actor import Moments, Scaling
from policies.learned.recipe import Recipe

OURS = ("sac", "td3", "jemas", "sac-demo", "sac-diffusion", "sac-distributed", "diffusion-policy")
NAMES = (*OURS, "sb3-ppo", "sb3-sac", "sb3-td3")


def save_drawn(folder, name="sac", **made):
    """A checkpoint for the lively world of the contract check."""
    return drawn_checkpoint.save_drawn(folder, lively_plan(1).info, name, **made)


def change(folder, **facts):
    path = folder / "actor.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def test_every_learner_is_registered_and_names_itself():
    assert set(NAMES) == set(available("learner"))
    for name in NAMES:
        assert load_recipe(name).name == name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("settings", [{}, {"clock": True, "battery": True}])
def test_a_learned_policy_keeps_the_contract_of_all_policies(name, settings, tmp_path):
    save_drawn(tmp_path, name, gaussian=name != "td3", **settings)
    cosim.check_policy(f"{name}@{tmp_path}", slots=range(0, 12, 3))


def test_acting_loads_no_torch(tmp_path, monkeypatch):
    save_drawn(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    cosim.check_policy(f"sac@{tmp_path}", slots=[0])


def test_a_file_of_the_folder_names_it_too(tmp_path):
    save_drawn(tmp_path)
    for name in ("actor.json", "actor.safetensors"):
        policy = load_policy(f"sac@{tmp_path / name}", kind="schedule")
        assert policy.checkpoint.folder == tmp_path


def test_a_learner_without_a_checkpoint_says_how_to_make_one():
    with pytest.raises(UsageError, match=r"`td3@FOLDER`, made by cosim train SCENARIO -p td3"):
        load_policy("td3", kind="schedule")
    with pytest.raises(UsageError, match="`home` is a scheduling policy; a learner is needed"):
        load_recipe("home")
    with pytest.raises(UsageError, match="unknown learner `scs` — did you mean `sac`"):
        load_recipe("scs")


def cut(folder):
    path = folder / "actor.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def link_out(folder):
    (folder / "actor.safetensors").rename(folder.parent / "elsewhere")
    (folder / "actor.safetensors").symlink_to(folder.parent / "elsewhere")


def swap(folder):
    save_drawn(folder.parent / "other", seed=1)
    (folder.parent / "other" / "actor.safetensors").replace(folder / "actor.safetensors")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: (f / "actor.json").unlink(), "has no actor.json"),
        (lambda f: (f / "actor.json").write_text("{"), "actor.json is not JSON"),
        (lambda f: (f / "actor.json").write_text("[]"), "not a JSON object"),
        (lambda f: change(f, format=2), "format 2; this version reads format 1"),
        (lambda f: change(f, policy="td3"), "it was trained as `td3`"),
        (lambda f: change(f, policy=None), "`policy` in actor.json is None; a str is needed"),
        (cut, "is damaged"),
        (link_out, "a link that leads out of the folder"),
        (swap, "not the file that actor.json was written for"),
    ],
)
def test_a_broken_checkpoint_is_refused_when_it_is_named(spoil, said, tmp_path):
    folder = tmp_path / "mine"
    save_drawn(folder)
    spoil(folder)
    with pytest.raises(UsageError, match=said) as caught:
        load_policy(f"sac@{folder}", kind="schedule")
    assert str(folder) in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="nowhere: there is no such folder"):
        load_policy(f"sac@{tmp_path / 'nowhere'}", kind="schedule")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"hidden": [8]}, r"array `layer1.weight` is float32 of shape \(8, 8\)"),
        ({"hidden": []}, "whole numbers from 1 on are needed"),
        ({"hidden": [8, True]}, "whole numbers from 1 on are needed"),
        ({"hidden": [8, 8, 8]}, "`layer2"),
        ({"gaussian": "yes"}, "a bool is needed"),
        ({"ends": "sin"}, "must be one of: tanh, clip"),
        ({"settings": {}}, "needed are"),
        (
            {
                "settings": {
                    "encoding": "scor",
                    "clock": False,
                    "battery": False,
                    "refuse": False,
                    "detail": "compact",
                }
            },
            "encoding `scor` does not exist",
        ),
        ({"view": ["all/clock_sin"]}, "another make: its view has 1 numbers there"),
        ({"action": ["x/price"] * 3}, "number 0 of its action is `x/price` there"),
    ],
)
def test_numbers_that_do_not_fit_are_refused_before_the_first_slot(facts, said, tmp_path):
    save_drawn(tmp_path)
    change(tmp_path, **facts)
    policy = load_policy(f"sac@{tmp_path}", kind="schedule")
    with pytest.raises(UsageError, match=said):
        policy.reset(lively_plan(1).info, np.random.default_rng(0))


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    save_drawn(tmp_path)
    found = read_checkpoint(tmp_path)
    found.tensors["layer1.bias"][3] = np.nan
    write_checkpoint(tmp_path, found.facts, found.tensors)
    policy = load_policy(f"sac@{tmp_path}", kind="schedule")
    with pytest.raises(
        UsageError, match=r"array `layer1\.bias` holds a number that is not finite"
    ):
        policy.reset(lively_plan(1).info, np.random.default_rng(0))


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../b", "~/x", "a\\..\\b", "C:x"])
def test_a_scenario_leads_to_no_checkpoint_outside(path, tmp_path):
    from cosim.errors import ScenarioError
    from cosim.scenario.load import load_scenario

    text = (Path(__file__).parents[1] / "data" / "tiny.yaml").read_text(encoding="utf-8")
    named = text.replace("compare: [home,", f"compare: ['sac@{path}',")
    (tmp_path / "mine.yaml").write_text(named, encoding="utf-8")
    with pytest.raises(ScenarioError, match="leads out of the folder"):
        load_scenario(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text(text.replace("home,", "sac@runs/mine,"), encoding="utf-8")
    load_scenario(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shaping": "dres"}, "option `shaping` is 'dres'; it must be one of: none, diffusion"),
        ({"hidden": 0}, "option `hidden` is 0"),
        ({"gamma": 1.0}, "option `gamma` is 1.0"),
        ({"clock": 1}, "option `clock` is 1; it must be true or false"),
        ({"denoising_steps": 4}, "option `denoising_steps` is 4, not 1, 3, 5, 7"),
        ({"learning_rate": 1}, "unknown option `learning_rate`"),
        ({"eta": float("nan")}, "option `eta` is nan"),
    ],
)
def test_options_of_a_learner_are_checked(options, said):
    with pytest.raises(PolicyError, match=said):
        load_recipe("sac", options)


def test_learning_without_its_extra_says_what_to_install(tmp_path, monkeypatch):
    from cosim.study.curriculum import Plan
    from cosim.study.train import train

    def begin(*given):
        raise ModuleNotFoundError(name="torch")

    monkeypatch.setattr(Recipe, "begin", begin)
    tiny = cosim.load_scenario(str(Path(__file__).parents[1] / "data" / "tiny.yaml"))
    with pytest.raises(UsageError, match=r"needs `torch`, .*pip install 'cosim-testbed\[learn\]'"):
        train(tiny, load_recipe("sac"), Plan(1, dates=1, hold_out=0), tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_moments_are_those_of_all_views():
    dice = np.random.default_rng(3)
    parts = [dice.normal(2.0, 3.0, (rows, 4)).astype(np.float32) for rows in (1, 7, 30)]
    moments = Moments(4)
    for part in parts:
        moments.add(part)
    whole = np.concatenate(parts).astype(np.float64)
    assert moments.scaling().mean == pytest.approx(whole.mean(axis=0), rel=1e-5)
    assert moments.scaling().variance == pytest.approx(whole.var(axis=0), rel=1e-5)


def test_before_anything_was_seen_views_pass_as_they_are():
    views = np.array([[0.5, -1.0]], dtype=np.float32)
    assert Moments(2).scaling()(views) == pytest.approx(views)
    far = Scaling(np.zeros(2, np.float32), np.zeros(2, np.float32))(100 * views)
    assert far.tolist() == [[10.0, -10.0]]


def test_a_checkpoint_that_a_scenario_names_lies_beside_it(tmp_path, monkeypatch):
    save_drawn(tmp_path / "study" / "runs" / "mine")
    text = (Path(__file__).parents[1] / "data" / "tiny.yaml").read_text(encoding="utf-8")
    text = text.replace("compare: [home, greedy-utility]", "compare: [sac@runs/mine]")
    (tmp_path / "study" / "mine.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    loaded = cosim.load_scenario(str(tmp_path / "study" / "mine.yaml"))
    base = Path(loaded.folder)
    for name in (None, "sac@runs/mine"):
        policy = make_policy(loaded.scenario, name, None, base)
        assert policy.schedule.checkpoint.folder == tmp_path / "study" / "runs" / "mine"
    with pytest.raises(UsageError, match="runs/mine: there is no such folder"):
        make_policy(loaded.scenario, None, None)
    with pytest.raises(UsageError, match="checkpoint runs/other: there is no such folder"):
        make_policy(loaded.scenario, "sac@runs/other", None, base)  # named by hand: from here
