"""Several seeds at once: is the best kept, are the others told, does any way of running agree?"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="learning needs the extra `learn`")

import cosim
from cosim.cli import main as entry
from cosim.errors import UsageError
from cosim.gym.checkpoint import read_checkpoint
from cosim.plugins import load_policy, load_recipe
from cosim.report.progress import progress_of
from cosim.report.training_page import write_training_report
from cosim.store.tables import read_log
from cosim.study import train as training
from cosim.study import train_seeds as seeded
from cosim.study.curriculum import Plan
from cosim.study.seed_pool import side_by_side

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
ROOT = Path(__file__).parents[2]
OPTIONS = {"warmup_slots": 9, "batch": 8, "hidden": 8}
WITH = [part for name, value in OPTIONS.items() for part in ("--with", f"{name}={value}")]
PLAN = Plan(3, dates=4, evaluate_every=2)
SEEDS = (4, 9, 2)


@pytest.fixture(scope="module")
def tiny():
    return cosim.load_scenario(str(TINY))


def train(tiny, out, seeds=SEEDS, plan=PLAN, **given):
    return seeded.train_seeds(tiny, load_recipe("sac", OPTIONS), plan, seeds, out, **given)


def left(folder):
    """What trainings leave, by file; times are left out."""
    names = [path for path in folder.rglob("*") if path.is_file()]
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in names
        if path.name not in ("training.parquet", "train.json")
    }
    logs = [read_log(path) for path in sorted(folder.rglob("training.parquet"))]
    told = [{k: str(v) for k, v in row.items() if k != "wall_s"} for log in logs for row in log]
    return found, told


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """Three seeds, one after the other."""
    folder = tmp_path_factory.mktemp("seeds") / "t"
    return train(tiny, folder), left(folder)


def test_the_best_seed_acts_and_all_are_told(tiny, whole):
    found, _ = whole
    usd = [each.held_out_usd for each in found.results]
    assert [each.seed for each in found.results] == list(SEEDS)
    assert len(set(usd)) == len(usd)
    best = found.results[int(np.argmax(usd))]
    assert found.kept == best
    kept = read_checkpoint(found.folder)
    assert (
        kept.tensors.keys() == read_checkpoint(found.folder / f"seed-{best.seed}").tensors.keys()
    )
    assert kept.facts["trained"]["seed"] == best.seed
    assert kept.facts["trained"]["held_out_usd"] == best.held_out_usd
    told = kept.facts["trained"]["seeds"]
    assert told["kept_seed"] == best.seed
    assert told["held_out_median_usd"] == sorted(usd)[1]
    low, high = told["held_out_iqr_usd"]
    assert sorted(usd)[0] < low < told["held_out_median_usd"] < high < sorted(usd)[2]
    assert [each["held_out_usd"] for each in told["results"]] == usd
    assert json.loads((found.folder / "seeds.json").read_text())["results"] == told["results"]
    assert load_policy(f"sac@{found.folder}", kind="schedule").name == "sac"


def test_each_seed_is_the_training_that_it_would_be_alone(tiny, whole, tmp_path):
    alone = training.train(
        tiny,
        load_recipe("sac", OPTIONS),
        Plan(3, seed=9, dates=4, evaluate_every=2),
        tmp_path / "t",
    )
    nine = next(each for each in whole[0].results if each.seed == 9)
    assert (alone.digest, alone.held_out_usd) == (nine.digest, nine.held_out_usd)
    last = [row["held_out_usd"] for row in alone.rows if "held_out_usd" in row][-1]
    assert (nine.held_out_last_usd, nine.held_out_before_usd) == (last, alone.before_usd)


class PowerCutError(BaseException):
    """Nothing catches it."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["read_checkpoint", "write_checkpoint", "write_json", "sweep"])
def test_a_stop_between_and_after_seeds_loses_nothing(
    name, after, tiny, whole, tmp_path, monkeypatch
):
    """Stops within a seed are those of a training (test_training.py)."""
    if name == "sweep":  # as a stop leaves a seed that had not begun
        train(tiny, tmp_path / "t", SEEDS[:2])
        half = tmp_path / "t" / "seed-2"
        half.mkdir()
        (half / ".train.json.1.tmp").write_text("{", encoding="utf-8")
    else:
        real = getattr(seeded, name)

        def cut(*given):
            if after:
                real(*given)
            raise PowerCutError

        with monkeypatch.context() as patch:
            patch.setattr(seeded, name, cut)
            with pytest.raises(PowerCutError):
                train(tiny, tmp_path / "t")
    if (tmp_path / "t").exists():
        again = train(tiny, tmp_path / "t", resume=True)
        assert again.digest == whole[0].digest
        assert left(tmp_path / "t") == whole[1]
    else:
        assert (name, after) == ("write_json", False)  # before anything was written


def test_seeds_can_be_added_and_not_left_out(tiny, whole, tmp_path):
    train(tiny, tmp_path / "t", (4, 9))
    with pytest.raises(UsageError, match="begun with more seeds: 9; name them, too"):
        train(tiny, tmp_path / "t", (4, 2), resume=True)
    assert train(tiny, tmp_path / "t", resume=True).digest == whole[0].digest
    assert left(tmp_path / "t") == whole[1]


def test_what_makes_no_sense_is_said(tiny, whole, tmp_path):
    with pytest.raises(UsageError, match="chosen on held-out days; hold some out"):
        train(tiny, tmp_path / "t", plan=Plan(1, dates=1, hold_out=0))
    with pytest.raises(UsageError, match=r"it has no seeds\.json; none began"):
        train(tiny, tmp_path / "t", resume=True)
    with pytest.raises(UsageError, match="is not empty; go on with --resume"):
        train(tiny, whole[0].folder)
    with pytest.raises(UsageError, match=r"it has no seeds\.json; that of one seed goes on with"):
        train(tiny, whole[0].folder / "seed-4", resume=True)
    with pytest.raises(UsageError, match="it holds several seeds: name them with --seeds"):
        training.train(tiny, load_recipe("sac", OPTIONS), PLAN, whole[0].folder, resume=True)
    assert not (tmp_path / "t").exists()


def test_a_report_shows_all_seeds(whole, tmp_path):
    folder = whole[0].folder
    assert progress_of([folder]).done == 9
    page = write_training_report([folder], tmp_path / "curves.html").read_text(encoding="utf-8")
    assert "(3 trainings)" in page


def test_episodes_are_counted_over_all_seeds():
    told = []

    def order(seed, tell):
        if seed != 7:  # seed 7 had ended before
            tell(1, 2, {"return": 0.5})
        if seed == 9:
            tell(2, 2, {"return": 0.6})
        return 10 * seed

    said = {"jobs": 1, "told": lambda *given: told.append(given)}
    assert side_by_side(order, (8, 7, 9), 2, **said) == {8: 80, 7: 70, 9: 90}
    assert [(done, total, row["seed"]) for done, total, row in told] == [
        (1, 6, 8),  # and then stops early, which counts as both of its episodes
        (5, 6, 9),
        (6, 6, 9),
    ]


def test_an_error_in_a_process_names_its_seed(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", str(ROOT)))
    train(tiny, tmp_path / "t", SEEDS[:1], Plan(1, dates=4))
    (tmp_path / "t" / "seed-2").write_text("in the way", encoding="utf-8")
    with pytest.raises(UsageError, match=r"(?s)is not empty.*in the training of seed 2"):
        train(tiny, tmp_path / "t", (4, 2), Plan(1, dates=4), jobs=2, resume=True)


# the command -------------------------------------------------------------------------------


def test_the_command_gives_the_same_in_processes(whole, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", str(ROOT)))
    line = ["train", str(TINY), "-p", "sac", "--seeds", "4,9,2", "--jobs", "2", *WITH]
    line += ["--episodes", "3", "--days", "4", "--evaluate-every", "2", "--out", "t", "--json"]
    with pytest.raises(SystemExit) as caught:
        entry.main(line)
    shown = capsys.readouterr()
    assert caught.value.code == 0, shown.err
    found = json.loads(shown.out)
    assert found["digest"] == whole[0].digest
    assert found["kept_seed"] == whole[0].kept.seed
    assert "episode 9/9 · seed" in shown.err
    assert "which is what to expect of one training" in shown.err
    files, log = left(tmp_path / "t")
    other, other_log = whole[1]
    assert log == other_log
    assert {k: v for k, v in files.items() if not k.endswith("actor.json")} == {
        k: v for k, v in other.items() if not k.endswith("actor.json")
    }


@pytest.mark.heavy
def test_killed_trainings_go_on_to_the_same_end(whole, tmp_path):
    """Kill −9 of the one that began them, processes and all, in the middle; then resume."""
    line = [sys.executable, "-c", "from cosim.cli.main import main; main()", "train", str(TINY)]
    line += ["-p", "sac", "--episodes", "12", "--seeds", "3..4", "--jobs", "2", "--days", "4"]
    line += [*WITH, "-q"]
    environment = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}

    def begin(folder, *more):
        return subprocess.Popen([*line, "--out", str(folder), *more], env=environment)

    assert begin(tmp_path / "a").wait(300) == 0
    killed, until = begin(tmp_path / "b"), time.monotonic() + 300
    while len(list((tmp_path / "b").glob("seed-*/days/000003.safetensors"))) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    time.sleep(2.0)  # its processes end with it
    assert begin(tmp_path / "b", "--resume").wait(300) == 0
    ends = [json.loads((tmp_path / side / "seeds.json").read_text()) for side in "ab"]
    assert ends[0] == ends[1]
