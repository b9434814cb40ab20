"""Are learners told the truth of their training days, and do they make use of it?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="learning needs the extra `learn`")

import cosim  # noqa: E402
from cosim.errors import UsageError  # noqa: E402
from cosim.gym.days import dates_from, prepare_days  # noqa: E402
from cosim.gym.learner import Lessons, Worths  # noqa: E402
from cosim.gym.worlds import Settings, Worlds  # noqa: E402
from cosim.hindsight import hindsight  # noqa: E402
from cosim.run import run  # noqa: E402
from cosim.study import lessons as study  # noqa: E402
from cosim.study import train as training  # noqa: E402
from cosim.study.curriculum import Plan  # noqa: E402
from cosim.world.kernel_seat import REWARD  # noqa: E402
from policies.learned.recipes import Sac, SacDemo, Td3  # noqa: E402
from policies.learned.shaping.kind import Seen  # noqa: E402
from policies.learned.shaping.wrap import shaped_by  # noqa: E402

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
SMALL = {
    **{"hidden": 16, "batch": 16, "updates_per_slot": 1.0},
    **{"imitation_updates": 30, "hold_updates": 9},
}
ALL = Settings(clock=True, battery=True)


@pytest.fixture(scope="module")
def tiny():
    return cosim.load_scenario(str(TINY))


@pytest.fixture(scope="module")
def day(tiny):
    return prepare_days(tiny)[0]


# days of others ----------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["price-aware", "optimiser", "hindsight", "price-aware+idle"])
def test_a_demonstration_earned_what_its_actions_earn(spec, day):
    """Played again by its numbers alone, without the policy, it brings the same, to the bit."""
    shown = study.demonstrate(spec, day, ALL)
    worlds = Worlds([day], 1, ALL)
    worlds.begin([0])
    for k, action in enumerate(shown.actions):
        assert np.array_equal(worlds.lockstep.views[0], shown.views[k])
        worlds.lockstep.actions[0] = action
        worlds.step()
        assert np.float32(worlds.lockstep.money[0, REWARD]) == shown.rewards[k]
    assert worlds.lockstep.over
    assert np.abs(shown.actions).max() <= 1.0


def test_what_can_be_said_exactly_brings_what_the_policy_brings(tiny, day, monkeypatch):
    told = {}
    play = study.played

    def seen(worlds):
        episode = play(worlds)
        told.update(worlds.settlement(0))
        return episode

    monkeypatch.setattr(study, "played", seen)
    study.demonstrate("greedy-utility", day, Settings())
    result = run(tiny, policy="greedy-utility", seed=1)
    assert told["day_utility_usd"] == pytest.approx(result.kpis["utility_usd"], rel=1e-9)


def test_only_training_days_are_shown_and_looked_back_on(tiny, monkeypatch):
    played, looked = [], []
    monkeypatch.setattr(study, "demonstrate", lambda spec, day, how: played.append((spec, day)))
    monkeypatch.setattr(
        study, "worths_of", lambda days: looked.extend(day.date.isoformat() for day in days)
    )
    days = prepare_days(tiny, dates=dates_from(tiny.scenario.clock.start.date(), 3))
    recipe = SacDemo(demonstrations="home, optimiser+idle", shaping="dual")
    study.lessons_for(recipe, days[:2])
    dates = [day.date.isoformat() for day in days]
    assert [(spec, day.date.isoformat()) for spec, day in played] == [
        (spec, each) for spec in ("home", "optimiser+idle") for each in dates[:2]
    ]
    assert looked == dates[:2]
    assert study.lessons_for(Sac(), days) is None


def test_a_policy_that_the_encoding_cannot_say_is_named(tiny, tmp_path):
    recipe = SacDemo(demonstrations="lp-split", **SMALL)
    with pytest.raises(UsageError, match="encoding=split can"):
        training.train(tiny, recipe, Plan(1, dates=2, hold_out=2), tmp_path / "t")
    assert not (tmp_path / "t").exists()
    split = SacDemo(demonstrations="lp-split", encoding="split", **SMALL)
    found = training.train(tiny, split, Plan(1, dates=2, hold_out=2), tmp_path / "u")
    assert found.rows[-1]["updates"] == 9


# what learners make of them ----------------------------------------------------------------


def masters(target, count=6):
    """Days on which somebody did the best that can be done."""
    days = [target.drawn() for _ in range(count)]
    best = [0.5 * day.views[:-1, : target.coordinates] for day in days]
    return [
        replace(day, actions=acts, rewards=np.ones(day.slots, np.float32))
        for day, acts in zip(days, best, strict=True)
    ]


@pytest.mark.parametrize("base", [Sac, Td3])
def test_imitation_reaches_what_was_shown_before_the_first_day(base, make_target):
    target = make_target(4)
    options = {"hidden": 32, "batch": 64, "rate": 3e-3, "demonstrations": "x", "entropy": -2.0}
    shown = Lessons(tuple(masters(target, 20)))
    recipe = base(imitation_updates=400, **options)
    learner = recipe.begin(target.columns, target.coordinates, 1, None, shown)
    assert target.play(learner, explore=False, slots=200).rewards.mean() > 0.99
    assert target.play(learner, slots=200).rewards.mean() > 0.9  # and it does not try anything
    green = base(imitation_updates=0, **options)
    learner = green.begin(target.columns, target.coordinates, 1, None, shown)
    assert target.play(learner, explore=False, slots=200).rewards.mean() < 0.97


@pytest.mark.parametrize(("share", "rows"), [(0.5, 8), (0.25, 4), (0.0, 0)])
def test_a_share_of_each_batch_is_drawn_from_them(share, rows, make_target):
    target = make_target(5)
    recipe = Sac(demonstrations="x", shown_share=share, hidden=16, batch=16)
    learner = recipe.begin(3, 2, 1, None, Lessons(tuple(masters(target))))
    learner.learn([target.drawn()])
    sample, count = learner._drawn()
    assert count == rows
    assert len(sample.rewards) == len(sample.later) == 16
    assert (sample.rewards[16 - rows :] == 1.0).all()
    assert (sample.rewards[: 16 - rows] != 1.0).all()


def test_the_policy_is_held_while_critics_learn(make_target):
    target = make_target(6)
    recipe = Sac(demonstrations="x", hold_updates=16, imitation_updates=5, hidden=16, batch=16)
    learner = recipe.begin(3, 2, 1, None, Lessons(tuple(masters(target))))
    before = learner.act(np.zeros((1, 3), np.float32), explore=False).copy()
    weights = learner.algorithm.actor.arrays()
    critics = learner.algorithm.critics.arrays()
    learner.learn([target.play(learner)])
    for name, array in learner.algorithm.actor.arrays().items():
        assert np.array_equal(array, weights[name])
    name = "layer0.weight"
    assert not np.array_equal(learner.algorithm.critics.arrays()[name], critics[name])
    learner.learn([target.play(learner)])
    assert not np.array_equal(learner.act(np.zeros((1, 3), np.float32), explore=False), before)


@pytest.mark.parametrize("base", [Sac, Td3])
def test_holding_on_to_others_keeps_the_policy_near_them(base, make_target):
    """Shown what is worse than the best: a high weight stays there, a weight of 0 leaves."""
    target = make_target(7)
    worse = [replace(day, actions=day.actions + 0.4) for day in masters(target, 20)]
    paid = [replace(day, rewards=1.0 - 2 * 0.16 * np.ones(day.slots, np.float32)) for day in worse]
    views = target.drawn(200).views

    def apart(weight):
        recipe = base(
            demonstrations="x",
            imitation_updates=300,
            imitation=weight,
            gamma=0.5,
            rate=2e-3,
            first_temperature=0.01,
            entropy=-2.0,
            noise=0.3,
            hidden=32,
            batch=64,
        )
        learner = recipe.begin(3, 2, 1, None, Lessons(tuple(paid)))
        for _ in range(30):
            learner.learn([target.play(learner)])
        shown = 0.5 * views[:, : target.coordinates] + 0.4
        return float(((learner.act(views, explore=False) - shown) ** 2).mean())

    held = apart(100.0)
    assert held < 0.01
    assert apart(0.0) > 3.0 * held


def test_weight_of_imitation_fades():
    recipe = Sac(imitation=0.4, imitation_fade=100)
    assert [recipe.hold_at(n) for n in (0, 50, 100, 200)] == pytest.approx([0.4, 0.2, 0.0, 0.0])
    assert Sac(imitation=0.4).hold_at(10**6) == 0.4


def test_a_taught_learner_that_was_put_away_goes_on_identically(make_target):
    target = make_target(8)
    told = Lessons(tuple(masters(target)))
    recipe = Sac(demonstrations="x", centred=True, imitation=0.1, imitation_fade=100, **SMALL)
    learner = recipe.begin(3, 2, 1, None, told)
    days = [target.play(learner)]
    learner.learn(days)
    kept = learner.memory()
    other = recipe.begin(3, 2, 1, None, told)
    other.recall(days)
    other.restore(kept)
    next_day = target.drawn()
    assert learner.learn([next_day]) == other.learn([next_day])
    for name, array in learner.memory().tensors.items():
        assert np.array_equal(array, other.memory().tensors[name]), name


# training ----------------------------------------------------------------------------------


def test_a_taught_training_resumes_without_being_told_again(tiny, tmp_path, monkeypatch):
    recipe = SacDemo(demonstrations="greedy-utility", shaping="dual", **SMALL)
    whole = training.train(tiny, recipe, Plan(3, dates=2, hold_out=2), tmp_path / "a")
    training.train(tiny, recipe, Plan(1, dates=2, hold_out=2), tmp_path / "b")
    monkeypatch.setattr(training, "lessons_for", None)
    again = training.train(tiny, recipe, Plan(3, dates=2, hold_out=2), tmp_path / "b", resume=True)
    assert whole.digest == again.digest
    assert whole.rows[-1]["updates"] == 27


def test_damaged_lessons_are_told(tiny, tmp_path):
    from cosim.gym.tensors import to_bytes

    recipe = SacDemo(demonstrations="home+idle", encoding="split", **SMALL)
    training.train(tiny, recipe, Plan(1, dates=2, hold_out=2), tmp_path / "a")
    path = tmp_path / "a" / "lessons.safetensors"
    path.write_bytes(to_bytes({"000000.views": np.zeros((2, 3), np.float32)}))
    with pytest.raises(UsageError, match=r"lacks '000000\.actions'"):
        training.train(tiny, recipe, Plan(2, dates=2, hold_out=2), tmp_path / "a", resume=True)


# worths ------------------------------------------------------------------------------------


def test_worths_are_the_duals_of_the_best_course_by_the_hour(day):
    found, course, info = study.worths_of([day]), hindsight(day.plan).course, day.plan.info
    assert found.stored_usd_kwh.shape == found.gpu_usd_s.shape == (24, info.n_sites)
    first_hour = slice(0, 6)  # from 8 h UTC on, in slots of ten minutes
    assert found.stored_usd_kwh[8] == pytest.approx(course.stored_usd_kwh[:, first_hour].mean(1))
    assert found.gpu_usd_s[8] * 3600 == pytest.approx(course.gpu_usd_h[:, first_hour].mean(1))
    mean = course.stored_usd_kwh[:, : info.slots].mean(axis=1)
    assert found.stored_usd_kwh[20] == pytest.approx(mean)  # no slot falls into that hour


def test_the_dual_potential_is_worth_by_the_hour(day):
    from cosim.gym.codec import Codec
    from cosim.gym.reward import full_slot_usd

    codec, hours = Codec(day.plan.info), np.arange(24.0)[:, None]
    worths = Worths(hours * np.array([[0.01, 0.0]]), hours * np.array([[0.0, 0.001]]))
    recipe = Sac(shaping="dual")
    kind = shaped_by(recipe, len(codec.view), 1, 1, codec, Lessons((), worths)).kind
    names = [f"{each.site or 'all'}/{each.name}" for each in codec.view.columns]
    scale_usd, kwh = full_slot_usd(day.plan.info), float(day.plan.info.battery_kwh[0])

    width = codec.view.columns[names.index("south/backlog")].width

    def phi(hour, **changes):
        angle = 2.0 * np.pi * (hour + 0.01) / 24.0
        given = {"all/clock_sin": np.sin(angle), "all/clock_cos": np.cos(angle), **changes}
        view = torch.zeros(1, len(names))
        for name, value in given.items():
            view[0, names.index(name)] = value
        return float(kind.signal(Seen(view, None, view))) * scale_usd

    for hour in (0, 3, 12, 21, 23):
        gained = phi(hour, **{"north/soc": 1.0}) - phi(hour, **{"north/soc": -1.0})
        assert gained == pytest.approx(kwh * 0.01 * hour, rel=1e-4, abs=1e-6)
        lost = phi(hour) - phi(hour, **{"south/backlog": 0.5})
        assert lost == pytest.approx(width * 0.001 * hour, rel=1e-4, abs=1e-6)
    with pytest.raises(UsageError, match="training days to look back on"):
        recipe.begin(len(codec.view), 1, 1, codec)
