"""Does a seed of a stack learn what it would learn alone, whatever learns beside it?"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra `learn`")

from cosim.gym.learner import Stackable  # noqa: E402
from policies.learned.recipe import KINDS  # noqa: E402
from policies.learned.recipes import Sac, Td3  # noqa: E402

SEEDS = (5, 2, 11)
LEARNED = [name for name in KINDS if name not in ("hand", "dual")]  # those two need a world
ARMS = [("none", "potential")]
ARMS += [(kind, wrap) for kind in LEARNED for wrap in ("potential", "additive", "anneal")]


def begun(maker, options, target):
    recipe = maker(**options)
    size = (target.columns, target.coordinates)
    return recipe.begin_stack(*size, SEEDS), [recipe.begin(*size, seed) for seed in SEEDS]


def play_all(stack, days, *, slots=16):
    """A day of each seed: views are drawn, so that they do not depend on what was done."""
    dice = np.random.default_rng(days)
    views = dice.uniform(-1, 1, (len(SEEDS), slots + 1, 3)).astype(np.float32)
    actions = [stack.act(views[:, [k]], explore=True)[:, 0] for k in range(slots)]
    actions = np.stack(actions, axis=1).astype(np.float32)
    rewards = 1.0 - ((actions - 0.5 * views[:, :-1, :2]) ** 2).sum(axis=2)
    return views, actions, rewards.astype(np.float32)


def episodes_of(views, actions, rewards):
    from cosim.gym.learner import Episode

    return [Episode(*each) for each in zip(views, actions, rewards, strict=True)]


@pytest.mark.parametrize("maker", [Sac, Td3])
@pytest.mark.parametrize(("kind", "wrap"), ARMS)
def test_a_seed_of_a_stack_is_the_seed_alone(maker, kind, wrap, make_target, tiny_options):
    options = {**tiny_options, "shaping": kind, "wrap": wrap, "n_step": 2}
    stack, alone = begun(maker, {**options, "anneal_updates": 40}, make_target)
    for day in range(2):
        seen = play_all(stack, day)
        for number, learner in enumerate(alone):
            acts = [learner.act(view[None], explore=True)[0] for view in seen[0][number, :-1]]
            assert seen[1][number] == pytest.approx(np.array(acts), abs=1e-4)
        episodes = episodes_of(*seen)
        stack.learn(episodes)
        for learner, episode in zip(alone, episodes, strict=True):
            learner.learn([episode])
    assert stack.updates == alone[0].updates == 32
    for number, learner in enumerate(alone):
        mine, its = stack.actor(number), learner.actor()
        assert mine.facts == its.facts
        assert set(mine.tensors) == set(its.tensors)
        for name, array in its.tensors.items():
            assert mine.tensors[name] == pytest.approx(array, abs=1e-4), name


def test_the_actors_did_learn_and_differ(make_target, tiny_options):
    """The comparison above is of moved weights, not of where they began."""
    stack, alone = begun(Sac, tiny_options, make_target)
    began = [learner.actor().tensors["layer1.weight"] for learner in alone]
    stack.learn(episodes_of(*play_all(stack, 0)))
    ended = [stack.actor(k).tensors["layer1.weight"] for k in range(len(SEEDS))]
    for one, other in zip(began, ended, strict=True):
        assert np.abs(one - other).max() > 1e-3
    assert np.abs(ended[0] - ended[1]).max() > 1e-2


def test_a_seed_does_not_feel_its_neighbours(make_target, tiny_options):
    """Other days of the other seeds change nothing for the first."""
    options = {**tiny_options, "shaping": "diffusion-return", "wrap": "additive"}
    one, two = (begun(Sac, options, make_target)[0] for _ in range(2))
    episodes = episodes_of(*play_all(one, 0))
    episodes_of(*play_all(two, 0))
    other = [episodes[0], *episodes_of(*play_all(begun(Td3, options, make_target)[0], 7))[1:]]
    one.learn(episodes)
    two.learn(other)
    for name, array in one.actor(0).tensors.items():
        assert array == pytest.approx(two.actor(0).tensors[name], abs=1e-6)
    assert not np.allclose(
        one.actor(1).tensors["layer0.weight"], two.actor(1).tensors["layer0.weight"], atol=1e-4
    )


def test_several_worlds_of_each_seed_are_judged_at_once(make_target, tiny_options):
    stack, alone = begun(Sac, tiny_options, make_target)
    views = np.random.default_rng(0).uniform(-1, 1, (3, 5, 3)).astype(np.float32)
    told = stack.act(views, explore=False)
    assert told.shape == (3, 5, 2)
    for number, learner in enumerate(alone):
        assert told[number] == pytest.approx(learner.act(views[number], explore=False), abs=1e-6)


def test_days_that_do_not_fit_are_refused(make_target, tiny_options):
    stack, _ = begun(Sac, tiny_options, make_target)
    target = make_target(1)
    with pytest.raises(ValueError, match="for 3 seeds"):
        stack.learn([target.drawn()])
    with pytest.raises(ValueError, match=r"\[16, 16, 8\] slots"):
        stack.learn([target.drawn(), target.drawn(), target.drawn(8)])


def test_recipes_of_the_testbed_can_be_stacked():
    assert isinstance(Sac(), Stackable)
