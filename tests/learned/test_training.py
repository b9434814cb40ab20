"""Does a training finish, resume from any stop, reproduce, and act as it was judged?"""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="learning needs the extra `learn`")

import cosim
from cosim.cli import main as entry
from cosim.errors import UsageError
from cosim.gym.days import prepare_days
from cosim.plugins import load_policy, load_recipe
from cosim.run import run
from cosim.store.tables import read_log, write_log
from cosim.study import train as training
from cosim.study import training_folder
from cosim.study.curriculum import Plan

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
ROOT = Path(__file__).parents[2]
OPTIONS = {"warmup_slots": 9, "batch": 8, "hidden": 8, "updates_per_slot": 1.0}
WITH = [part for name, value in OPTIONS.items() for part in ("--with", f"{name}={value}")]
PLAN = Plan(4, seed=3, dates=4, evaluate_every=2)


@pytest.fixture(scope="module")
def tiny():
    return cosim.load_scenario(str(TINY))


def train(tiny, out, plan=PLAN, *, name="sac", resume=False, **options):
    recipe = load_recipe(name, {**OPTIONS, **options})
    return training.train(tiny, recipe, plan, out, resume=resume)


def without_times(rows):
    told = [{k: v for k, v in row.items() if k != "wall_s"} for row in rows]
    return [{k: v for k, v in row.items() if str(v) != "nan"} for row in told]


def left(folder):
    """What a training leaves, by file; times of the log are left out."""
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("training.parquet", "train.json")
    }
    told = json.loads(found.pop("actor.json"))
    del told["trained"]["command"]
    found["actor.json"] = told
    log = without_times(read_log(folder / "training.parquet"))
    return found, log


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """An uninterrupted training."""
    folder = tmp_path_factory.mktemp("whole") / "t"
    return train(tiny, folder), left(folder)


def test_it_leaves_a_log_and_a_checkpoint(whole):
    found, (files, log) = whole
    assert [row["episode"] for row in log] == [0, 1, 2, 3, 4]
    assert [("held_out_usd" in row) for row in log] == [True, False, True, False, True]
    assert [("return" in row) for row in log] == [False, True, True, True, True]
    assert found.before_usd == log[0]["held_out_usd"]
    assert log[-1]["updates"] == 36
    assert found.held_out_usd == max(row["held_out_usd"] for row in log if "held_out_usd" in row)
    told = files["actor.json"]
    assert told["trained"]["episodes"] == found.best_episode
    assert told["trained"]["dates"] == ["2019-04-22", "2019-04-23", "2019-04-24"]
    assert told["trained"]["held_out"] == ["2019-04-25"]
    assert {row["day"].split("/")[0] for row in log[1:]} <= set(told["trained"]["dates"])


def test_the_same_training_gives_the_same_files(tiny, whole, tmp_path):
    again = train(tiny, tmp_path / "t")
    assert again.digest == whole[0].digest
    assert left(tmp_path / "t") == whole[1]
    other = train(tiny, tmp_path / "u", Plan(4, seed=4, dates=4, evaluate_every=2))
    assert other.digest != again.digest


class PowerCutError(BaseException):
    """Nothing catches it."""


def stop_at(monkeypatch, write, after):
    """Cut the power at the n-th file that is written: before it appears, or just after."""
    count = 0
    for module, name in (
        (training_folder, "write_text"),
        (training_folder, "write_with"),
        (training_folder, "write_json"),
        (training_folder, "write_log"),
        (training, "write_checkpoint"),
    ):
        real = getattr(module, name)

        def cut(*given, real=real):
            nonlocal count
            count += 1
            if count == write and not after:
                raise PowerCutError
            real(*given)
            if count == write:
                raise PowerCutError

        monkeypatch.setattr(module, name, cut)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("write", range(2, 18))
def test_a_stop_at_any_file_loses_nothing_but_the_unfinished_episode(
    write, after, tiny, whole, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        stop_at(patch, write, after)
        with pytest.raises(PowerCutError):
            train(tiny, tmp_path / "t")
    again = train(tiny, tmp_path / "t", resume=True)
    assert again.digest == whole[0].digest
    assert left(tmp_path / "t") == whole[1]


def test_more_episodes_can_be_asked_for_later(tiny, whole, tmp_path):
    train(tiny, tmp_path / "t", Plan(2, seed=3, dates=4, evaluate_every=2))
    assert train(tiny, tmp_path / "t", resume=True).digest == whole[0].digest
    assert left(tmp_path / "t") == whole[1]


def test_another_training_is_not_resumed(tiny, tmp_path):
    train(tiny, tmp_path / "t", Plan(1, seed=3, dates=4))
    with pytest.raises(UsageError, match=r"(?s)seed: 3 there, 4 now.*name another folder"):
        train(tiny, tmp_path / "t", Plan(2, seed=4, dates=4), resume=True)
    with pytest.raises(UsageError, match=r"'hidden': 8.*'hidden': 9"):
        train(tiny, tmp_path / "t", Plan(2, seed=3, dates=4), resume=True, hidden=9)
    with pytest.raises(UsageError, match="is not empty; go on with --resume"):
        train(tiny, tmp_path / "t")
    with pytest.raises(UsageError, match="holds no training to resume"):
        train(tiny, tmp_path / "u", resume=True)
    (tmp_path / "t" / "days" / "000001.safetensors").write_bytes(b"")
    with pytest.raises(UsageError, match=r"000001\.safetensors is damaged"):
        train(tiny, tmp_path / "t", Plan(2, seed=3, dates=4), resume=True)


def test_it_stops_when_judgements_stop_to_rise(tiny, tmp_path, monkeypatch):
    marks = iter([4.0, 5.0, 7.0, 6.0, 7.0, 9.0])
    monkeypatch.setattr(training.Stage, "judge", lambda self, learner: (next(marks), 0.1))
    plan = Plan(9, seed=3, dates=4, evaluate_every=1, patience=2)
    found = train(tiny, tmp_path / "t", plan)
    assert (len(found.rows), found.best_episode, found.held_out_usd) == (4, 2, 7.0)
    assert found.stopped
    resumed = train(tiny, tmp_path / "t", plan, resume=True)
    assert (len(resumed.rows), resumed.stopped) == (4, True)


def test_what_learning_makes_worse_is_not_kept(tiny, tmp_path, monkeypatch):
    marks = iter([8.0, 7.0, 7.5, 7.9])
    with monkeypatch.context() as patch:
        patch.setattr(training.Stage, "judge", lambda self, learner: (next(marks), 0.1))
        found = train(tiny, tmp_path / "t", Plan(3, seed=3, dates=4, evaluate_every=1))
    assert (found.best_episode, found.held_out_usd, found.before_usd) == (0, 8.0, 8.0)
    told = json.loads((tmp_path / "t" / "actor.json").read_text())["trained"]
    assert (told["episodes"], told["held_out_usd"]) == (0, 8.0)
    resumed = train(tiny, tmp_path / "t", Plan(3, seed=3, dates=4), resume=True)
    assert (resumed.best_episode, resumed.before_usd, len(resumed.rows)) == (0, 8.0, 3)


def test_a_training_that_an_earlier_version_began_goes_on(tiny, whole, tmp_path):
    """It was not judged before its first episode, and its log has no row of that."""
    train(tiny, tmp_path / "t", Plan(2, seed=3, dates=4, evaluate_every=2))
    log = tmp_path / "t" / "training.parquet"
    write_log(log, [row for row in read_log(log) if row["episode"]])
    found = train(tiny, tmp_path / "t", resume=True)
    assert found.digest == whole[0].digest
    assert np.isnan(found.before_usd)
    assert [row["episode"] for row in read_log(log)] == [1, 2, 3, 4]


def test_without_held_out_days_the_last_checkpoint_is_kept(tiny, tmp_path):
    found = train(tiny, tmp_path / "t", Plan(3, seed=3, dates=1, hold_out=0))
    assert found.best_episode == 3
    assert np.isnan(found.held_out_usd)
    assert json.loads((tmp_path / "t" / "actor.json").read_text())["trained"]["episodes"] == 3


@pytest.mark.parametrize("settings", [{}, {"encoding": "split"}, {"clock": True, "battery": True}])
def test_what_acts_earns_in_a_run_what_it_was_judged_by(settings, tiny, tmp_path):
    found = train(tiny, tmp_path / "t", Plan(2, seed=3, dates=4), **settings)
    day = prepare_days(tiny, dates=[date(2019, 4, 25)])[0]
    path = f"sac@{tmp_path / 't'}"
    moved = cosim.load_scenario(str(TINY), ["clock.start=2019-04-25T08:00:00Z"])
    result = run(moved, policy=path, seed=day.seed)
    assert result.kpis["utility_usd"] == pytest.approx(found.held_out_usd, rel=1e-9)
    assert result.clips == {}


def test_hand_shaping_knows_stored_energy_and_late_work(tiny):
    import torch

    from cosim.gym.codec import Codec
    from policies.learned.shaping.wrap import shaped_by

    day = prepare_days(tiny)[0]
    codec = Codec(day.plan.info)
    recipe = load_recipe("sac", {"shaping": "hand"})
    kind = shaped_by(recipe, len(codec.view), len(codec.action), 1, codec).kind
    names = [f"{each.site}/{each.name}" for each in codec.view.columns]

    def phi(**changes):
        from policies.learned.shaping.kind import Seen

        view = torch.zeros(1, len(names))
        for name, value in changes.items():
            view[0, names.index(name.replace("__", "/"))] = value
        return float(kind.signal(Seen(view, None, view)))

    assert phi(north__soc=1.0) > phi() > phi(north__soc=-1.0)
    info = day.plan.info
    gained_usd = 0.5 * 2.0 * np.sqrt(info.battery_efficiency[0]) * 0.05
    from cosim.gym.reward import full_slot_usd

    assert phi(north__soc=1.0) - phi() == pytest.approx(gained_usd / full_slot_usd(info), rel=1e-4)
    assert phi(north__backlog=0.01) == phi()
    assert phi(north__backlog=0.9) < phi()
    with pytest.raises(UsageError, match="needs a world"):
        recipe.begin(3, 2, 1)


# the command -------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            entry.main(["train", str(TINY), *map(str, arguments)])
        shown = capsys.readouterr()
        return caught.value.code, shown.out, shown.err

    return call


def test_the_command_trains_and_names_the_next(command, whole, tmp_path):
    plan = ("--episodes", 4, "--seed", 3, "--days", 4, "--evaluate-every", 2, *WITH)
    code, out, err = command("-p", "sac", *plan, "--out", "t", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["digest"] == whole[0].digest
    assert found["returns"] == [row["return"] for row in whole[0].rows]
    assert "episode 4/4 · return" in err
    assert "0:00 left" in err
    assert err.splitlines()[-1].endswith("-p greedy-utility -p sac@t")
    assert load_policy("sac@t", kind="schedule").name == "sac"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-p", "sca"], "unknown learner `sca` — did you mean `sac`"),
        (["-p", "sac", "--resume"], "--resume needs --out"),
        (["-p", "sac", "--with", "hidden"], "must be name=value"),
        (["-p", "sac", "--days", "2"], "2 dates are too few to hold out one of every 4"),
        (["-p", "sac", "--hold-out", "1"], "test_every 1 leaves nothing"),
    ],
)
def test_words_that_make_no_sense_are_usage_errors(arguments, said, command, tmp_path):
    where = [] if "--resume" in arguments else ["--out", "t"]
    code, _, err = command(*arguments, *where)
    assert code == 2, err
    assert said in err
    assert not (tmp_path / "t").exists()


@pytest.mark.heavy
def test_a_killed_training_goes_on_to_the_identical_stream(whole, tmp_path):
    """Kill −9 in the middle, resume, and compare with the uninterrupted one."""
    line = [sys.executable, "-c", "from cosim.cli.main import main; main()", "train", str(TINY)]
    line += ["-p", "sac", "--episodes", "60", "--seed", "3", "--days", "4", *WITH, "-q"]
    environment = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}

    def begin(folder, *more):
        return subprocess.Popen([*line, "--out", str(folder), *more], env=environment)

    assert begin(tmp_path / "a").wait(300) == 0
    killed = begin(tmp_path / "b")
    until = time.monotonic() + 300
    while not (tmp_path / "b" / "days" / "000007.safetensors").is_file():
        assert time.monotonic() < until
        time.sleep(0.001)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    done = json.loads((tmp_path / "b" / "memory.json").read_text())["episodes"]
    assert 6 <= done < 60
    assert begin(tmp_path / "b", "--resume").wait(300) == 0
    assert left(tmp_path / "a") == left(tmp_path / "b")
