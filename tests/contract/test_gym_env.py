"""Do the environments keep Gymnasium's contract and their own?"""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import numpy as np
import pytest

from cosim.check.stagehand import lively
from cosim.errors import PolicyError, UsageError
from cosim.gym.days import days_of
from cosim.gym.reward import Reward
from cosim.gym.worlds import SLOT_FACTS, Settings
from cosim.prepare import stage

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import AutoresetMode  # noqa: E402

from cosim.gym import CosimEnv, CosimVectorEnv  # noqa: E402

SETTINGS = Settings(encoding="score", clock=True, battery=True, energy="idle")


@cache
def days():
    return days_of(stage(lively()), (1, 2, 3, 4))


def made(settings=SETTINGS, **options):
    return CosimEnv(days(), settings, **options)


def actions_of(env, seed=7):
    env.action_space.seed(seed)
    return [env.action_space.sample() for _ in range(days()[0].plan.info.slots)]


def played(env, seed, actions, episodes=2):
    """Everything that some episodes show."""
    shown = []
    for episode in range(episodes):
        view, info = env.reset(seed=seed if episode == 0 else None)
        shown.append((view, info["day"]))
        shown += [env.step(action) for action in actions]
    return shown


def same(one, other):
    return all(
        np.array_equal(a[0], b[0]) and a[1:] == b[1:] for a, b in zip(one, other, strict=True)
    )


# one world ---------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["score", "split"])
def test_gymnasium_accepts_it(encoding):
    check_env(made(Settings(encoding, energy="self-consumption")), skip_render_check=True)


def test_the_same_seed_gives_the_same_stream():
    one, other = made(), made()
    actions = actions_of(one)
    first = played(one, 11, actions, episodes=4)
    assert same(first, played(other, 11, actions, episodes=4))
    assert same(first, played(one, 11, actions, episodes=4))
    assert len({shown[1] for shown in first if len(shown) == 2}) > 1  # days are drawn
    assert not same(first, played(other, 12, actions, episodes=4))


def test_a_day_ends_as_a_truncation_with_its_settlement():
    env = made()
    _, info = env.reset(options={"day": 2})
    assert info == {"day": 2}
    steps = [env.step(action) for action in actions_of(env)]
    assert [step[3] for step in steps] == [False] * (len(steps) - 1) + [True]
    assert not any(step[2] for step in steps)
    assert all(set(SLOT_FACTS) <= set(step[4]) for step in steps)
    ended = steps[-1][4]
    utility_usd = sum(step[4]["utility_usd"] for step in steps)
    assert ended["day_utility_usd"] == pytest.approx(utility_usd + ended["settlement_usd"])
    assert ended["settlement_usd"] == pytest.approx(ended["drained_usd"] + ended["stored_usd"])
    with pytest.raises(UsageError, match="the window has passed: reset the environment"):
        env.step(actions_of(env)[0])


@pytest.mark.parametrize("mode", ["dense", "deadline"])
def test_settled_rewards_add_up_to_the_utility_of_the_day(mode):
    settings = Settings(energy="self-consumption", reward=Reward(mode))
    env = made(settings, settle=True)
    env.reset(options={"day": 0})
    steps = [env.step(action) for action in actions_of(env)]
    scale_usd = env.worlds.settings.reward.scale_usd(env.codec.info)
    paid_usd = scale_usd * sum(step[1] for step in steps)
    assert paid_usd == pytest.approx(steps[-1][4]["day_utility_usd"])


def test_the_scenario_names_the_energy_layer_unless_told_otherwise():
    own, told = made(Settings()), made(Settings(energy="paper-inner"))
    idle = made(Settings(energy="idle"))
    actions = actions_of(own)
    assert same(played(own, 1, actions), played(told, 1, actions))
    assert not same(played(own, 1, actions), played(idle, 1, actions))


def test_it_is_made_from_a_scenario():
    env = CosimEnv.of(lively(), SETTINGS, seeds=(5, 6))
    assert [day.seed for day in env.days] == [5, 6]
    with pytest.raises(UsageError, match=r"day 2 does not exist; there are 0\.\.1"):
        env.reset(options={"day": 2})


def test_broken_actions_are_told():
    env = made()
    env.reset(seed=0)
    with pytest.raises(PolicyError, match=r"shape \(3,\), expected"):
        env.step(np.zeros(3))
    action = actions_of(env)[0]
    action[4] = np.nan
    with pytest.raises(PolicyError, match="slot 0, field `action`: NaN at coordinate 4"):
        env.step(action)


# many worlds -------------------------------------------------------------------------------


def test_many_worlds_are_so_many_single_ones():
    singles = [made() for _ in range(3)]
    many = CosimVectorEnv(days(), 3, SETTINGS)
    rows = [actions_of(single, seed) for seed, single in enumerate(singles)]
    for seed in (21, None):
        views, infos = many.reset(seed=seed)
        for k, single in enumerate(singles):
            view, info = single.reset(seed=None if seed is None else seed + k)
            assert np.array_equal(view, views[k])
            assert info["day"] == infos["day"][k]
        for actions in zip(*rows, strict=True):
            views, rewards, ended, truncated, infos = many.step(np.stack(actions))
            assert not ended.any()
            for k, single in enumerate(singles):
                view, reward, _, over, info = single.step(actions[k])
                assert np.array_equal(view, views[k])
                assert (reward, over) == (rewards[k], truncated[k])
                assert {name: infos[name][k] for name in info} == info
        assert truncated.all()


def test_worlds_begin_anew_at_the_next_step():
    many = CosimVectorEnv(days(), 2, SETTINGS)
    assert many.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    one = made()
    many.reset(seed=3)
    one.reset(seed=3)
    for action in actions_of(one):
        views, *_ = many.step(np.stack([action, action]))
        view, *_ = one.step(action)
    assert np.array_equal(views[0], view)
    views, rewards, _, truncated, infos = many.step(np.stack([action, action]))
    view, info = one.reset()
    assert np.array_equal(views[0], view)
    assert infos["day"][0] == info["day"]
    assert (rewards == 0.0).all()
    assert not truncated.any()


def test_worlds_may_begin_anew_at_once():
    many = CosimVectorEnv(days(), 2, SETTINGS, autoreset_mode=AutoresetMode.SAME_STEP)
    later = CosimVectorEnv(days(), 2, SETTINGS)
    for env in (many, later):
        env.reset(seed=3)
    actions = actions_of(made())
    for action in actions:
        now = many.step(np.stack([action, action]))
        then = later.step(np.stack([action, action]))
    assert now[3].all()
    assert np.array_equal(np.stack(list(now[4]["final_obs"])), then[0])
    final = now[4]["final_info"]
    assert np.array_equal(final["day_utility_usd"], then[4]["day_utility_usd"])
    assert np.array_equal(now[0], later.step(np.stack([action, action]))[0])
    assert not many.step(np.stack([action, action]))[3].any()


def test_worlds_may_wait_for_a_reset():
    many = CosimVectorEnv(days(), 2, SETTINGS, autoreset_mode=AutoresetMode.DISABLED)
    many.reset(seed=3)
    for action in actions_of(made()):
        many.step(np.stack([action, action]))
    with pytest.raises(UsageError, match="the window has passed"):
        many.step(np.stack([action, action]))


def test_gymnasiums_wrappers_fit():
    from gymnasium.wrappers.vector import RecordEpisodeStatistics

    many = RecordEpisodeStatistics(CosimVectorEnv(days(), 2, SETTINGS))
    many.reset(seed=0)
    paid = np.zeros(2)
    for action in actions_of(made()):
        _, rewards, _, truncated, infos = many.step(np.stack([action, action]))
        paid += rewards
    assert truncated.all()
    assert infos["episode"]["r"] == pytest.approx(paid, rel=1e-5)


def test_days_of_worlds_can_be_named():
    many = CosimVectorEnv(days(), 3, SETTINGS)
    assert many.reset(seed=0, options={"day": 2})[1]["day"].tolist() == [2, 2, 2]
    assert many.reset(options={"day": [0, 3, 0]})[1]["day"].tolist() == [0, 3, 0]
    with pytest.raises(UsageError, match="2 days for 3 worlds"):
        many.reset(options={"day": [0, 3]})
    with pytest.raises(UsageError, match="2 seeds for 3 worlds"):
        many.reset(seed=[1, 2])
    with pytest.raises(UsageError, match="worlds begin together"):
        many.reset(options={"reset_mask": np.array([True, False, False])})
    with pytest.raises(UsageError, match="at least 1, not 0"):
        CosimVectorEnv(days(), 0, SETTINGS)


# the package -------------------------------------------------------------------------------


def test_the_package_is_light_and_says_what_is_missing():
    code = (
        "import sys\n"
        "sys.modules['gymnasium'] = None\n"
        "import cosim.gym\n"
        "print(*(m for m in ('numba', 'simpy', 'pandas') if m in sys.modules))\n"
        "from cosim.gym import Codec\n"
        "from cosim.errors import UsageError\n"
        "try:\n"
        "    cosim.gym.CosimEnv\n"
        "except UsageError as problem:\n"
        "    print(problem)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert ran[0] == ""
    assert ran[1].startswith("`cosim.gym.CosimEnv` needs gymnasium, which is not here: pip ")
