"""TensorBoard: does it show the log, each episode once, however often a training was taken up?"""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="learning needs the extra `learn`")

import cosim
from cosim.cli import main as entry
from cosim.errors import UsageError
from cosim.plugins import load_recipe
from cosim.store.tables import read_log
from cosim.study.curriculum import Plan
from cosim.study.train import train
from cosim.study.train_seeds import train_seeds

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
OPTIONS = {"warmup_slots": 9, "batch": 8, "hidden": 8, "shaping": "noise"}
WITH = [part for name, value in OPTIONS.items() for part in ("--with", f"{name}={value}")]


@pytest.fixture(scope="module")
def tiny():
    return cosim.load_scenario(str(TINY))


def shown(folder):
    """What TensorBoard's own reader finds: tag → {episode: value}, and when each was written."""
    pytest.importorskip("tensorboard", reason="learning needs the extra `learn`")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder / "tensorboard"))
    reader.Reload()
    found = {tag: reader.Scalars(tag) for tag in reader.Tags()["scalars"]}
    for events in found.values():  # each episode once
        assert len({event.step for event in events}) == len(events)
    values = {tag: {e.step: e.value for e in events} for tag, events in found.items()}
    return values, {tag: [e.wall_time for e in events] for tag, events in found.items()}


def logged(folder, name):
    rows = read_log(folder / "training.parquet")
    return {row["episode"]: row[name] for row in rows if np.isfinite(row[name])}


def go(tiny, out, episodes, **given):
    plan = Plan(episodes, seed=9, dates=4, evaluate_every=2)
    return train(tiny, load_recipe("sac", OPTIONS), plan, out, **given)


def test_what_is_shown_is_the_log(tiny, tmp_path):
    go(tiny, tmp_path / "t", 5, scalars=True)
    values, times = shown(tmp_path / "t")
    for tag, name in (
        ("episode/return", "return"),
        ("episode/utility_usd", "utility_usd"),
        ("episode/late_share", "late_share"),
        ("held_out/utility_usd", "held_out_usd"),
        ("shaping/bonus_mean", "bonus_mean"),
        ("learning/critic_loss", "critic_loss"),
    ):
        assert values[tag] == pytest.approx(logged(tmp_path / "t", name), rel=1e-6), tag
    assert list(values["held_out/utility_usd"]) == [0, 2, 4, 5]
    assert list(values["episode/return"]) == [1, 2, 3, 4, 5]
    assert not {tag for tag in values if tag.endswith(("episode", "day"))}
    assert times["episode/return"] == sorted(times["episode/return"])


@pytest.mark.parametrize("first", [False, True])
def test_a_training_that_goes_on_shows_every_episode_once(first, tiny, tmp_path):
    go(tiny, tmp_path / "t", 2, scalars=first)
    go(tiny, tmp_path / "t", 4, scalars=True, resume=True)
    values, times = shown(tmp_path / "t")
    assert values["episode/return"] == pytest.approx(logged(tmp_path / "t", "return"), rel=1e-6)
    assert times["episode/return"] == sorted(times["episode/return"])
    go(tiny, tmp_path / "t", 4, scalars=True, resume=True)  # nothing is left to play
    assert shown(tmp_path / "t")[0] == values
    assert len(list((tmp_path / "t" / "tensorboard").iterdir())) == 1


def test_each_of_several_seeds_shows_its_own(tiny, tmp_path):
    plan = Plan(1, dates=4)
    train_seeds(tiny, load_recipe("sac", OPTIONS), plan, (2, 1), tmp_path / "t", scalars=True)
    for seed in (1, 2):
        folder = tmp_path / "t" / f"seed-{seed}"
        assert shown(folder)[0]["episode/return"] == pytest.approx(logged(folder, "return"))


def test_where_it_is_missing_the_extra_is_named(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    said = r"--tensorboard needs `tensorboard`, .*pip install 'cosim-testbed\[learn\]'"
    with pytest.raises(UsageError, match=said):
        go(tiny, tmp_path / "t", 1, scalars=True)
    line = ["train", str(TINY), "-p", "sac", *WITH, "--days", "4", "--episodes", "1"]
    for seeds in ((), ("--seeds", "1..2", "--jobs", "1")):
        with pytest.raises(SystemExit) as caught:
            entry.main([*line, *seeds, "--tensorboard", "--out", str(tmp_path / "t")])
        assert caught.value.code == 2
        assert "pip install 'cosim-testbed[learn]'" in capsys.readouterr().err
    assert not (tmp_path / "t").exists()
