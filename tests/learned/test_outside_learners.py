"""Do known programs learn through our trainer, act in numpy, and go on as if never stopped?"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="learning needs the extra `learn`")
pytest.importorskip("stable_baselines3", reason="learning needs the extra `learn`")

import cosim
from cosim.decision import Layered
from cosim.gym.checkpoint import read_checkpoint, write_checkpoint
from cosim.gym.tensors import from_bytes, to_bytes
from cosim.plugins import load_policy, load_recipe
from cosim.run import run
from cosim.study import train as training
from cosim.study.curriculum import Plan
from policies.learned.actor import read_actor
from policies.learned.outside_recipes import Sb3Ppo, Sb3Sac, Sb3Td3

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
ALL = [Sb3Ppo, Sb3Sac, Sb3Td3]
SMALL = {"hidden": 16, "batch": 16}
NAMES = [each.name for each in ALL]


def options_of(maker, **changes):
    own = {"days": 2} if maker is Sb3Ppo else {"warmup_slots": 16}
    return {**SMALL, **own, **changes}


@pytest.mark.parametrize("maker", ALL, ids=NAMES)
def test_a_known_optimum_is_reached(maker, make_target):
    target = make_target(1)
    better = {"rate": 3e-3, "gamma": 0.5, "hidden": 32, "batch": 64}
    learner = maker(**options_of(maker, **better)).begin(3, 2, 5)
    for _ in range(60 if maker is Sb3Ppo else 30):
        learner.learn([target.play(learner)])
    assert target.play(learner, explore=False, slots=300).rewards.mean() > 0.95


@pytest.mark.parametrize("maker", ALL, ids=NAMES)
def test_what_was_put_away_goes_on_identically_whatever_else_draws(maker, make_target):
    import torch

    target = make_target(2)
    recipe = maker(**options_of(maker))
    learner, days = recipe.begin(3, 2, 4), []
    for _ in range(2):
        days.append(target.play(learner))
        learner.learn(days[-1:])
    kept = learner.memory()
    other = recipe.begin(3, 2, 9)
    torch.manual_seed(1), np.random.seed(1)  # noqa: NPY002 others' dice
    other.recall(days)
    other.restore(type(kept)(kept.facts, from_bytes(to_bytes(kept.tensors), Path("memory"))))
    views = target.drawn(4).views
    assert np.array_equal(learner.act(views, explore=True), other.act(views, explore=True))
    for _ in range(2):
        day = target.drawn()
        assert learner.learn([day]) == other.learn([day])
    one, two = learner.memory(), other.memory()
    assert one.facts == two.facts
    for name, array in one.tensors.items():
        assert np.array_equal(array, two.tensors[name]), name


@pytest.mark.parametrize("maker", ALL, ids=NAMES)
def test_the_numpy_actor_does_what_their_own_does(maker, make_target, tmp_path):
    target = make_target(3)
    learner = maker(**options_of(maker)).begin(3, 2, 4)
    for _ in range(2):
        learner.learn([target.play(learner)])
    views = target.drawn(20).views
    theirs, _ = learner.model.predict(views, deterministic=True)
    assert np.allclose(learner.act(views, explore=False), theirs, atol=1e-5)
    actor = learner.actor()
    write_checkpoint(tmp_path, actor.facts, actor.tensors)
    read = read_actor(read_checkpoint(tmp_path), 3, 2)
    assert np.array_equal(read.mean(views), learner.act(views, explore=False))


@pytest.mark.parametrize("maker", ALL, ids=NAMES)
def test_a_training_resumes_and_its_checkpoint_acts(maker, tmp_path):
    tiny = cosim.load_scenario(str(TINY))
    name = f"policies.learned.outside_recipes:{maker.__name__}"
    recipe = load_recipe(name, options_of(maker))
    whole = training.train(tiny, recipe, Plan(4, dates=2, hold_out=2), tmp_path / "a")
    training.train(tiny, recipe, Plan(3, dates=2, hold_out=2), tmp_path / "b")
    again = training.train(tiny, recipe, Plan(4, dates=2, hold_out=2), tmp_path / "b", resume=True)
    assert whole.digest == again.digest
    assert whole.rows[-1]["updates"] > 0
    layer = load_policy("self-consumption", kind="energy")
    policy = Layered(maker.play(str(tmp_path / "a")), layer)
    assert run(tiny, make=lambda: policy, seed=1).clips == {}


@pytest.mark.parametrize(
    ("maker", "options", "said"),
    [
        (Sb3Ppo, {"days": 0}, "`days` is 0"),
        (Sb3Sac, {"encoding": "prices"}, "score, split"),
        (Sb3Td3, {"noise": 2.0}, "from 0 to 1"),
        (Sb3Sac, {"clock": 1}, "true or false"),
    ],
)
def test_wrong_options_are_told(maker, options, said):
    with pytest.raises(ValueError, match=said):
        maker(**options)
