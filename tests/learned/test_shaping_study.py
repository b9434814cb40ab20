"""Does the shaping ablation train every arm, resume from any stop, and say what its logs say?"""

import csv
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
from cosim.plugins import load_recipe
from cosim.run import run
from cosim.store.tables import read_log
from cosim.study import shaping_study, train
from cosim.study.curriculum import Plan
from cosim.study.shaping_arms import arms, chosen
from cosim.study.shaping_verdict import read_studies
from cosim.study.stacked_training import Beat

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
ROOT = Path(__file__).parents[2]
OPTIONS = {"warmup_slots": 9, "batch": 8, "hidden": 8, "updates_per_slot": 1.0, "rate": 3e-4}
WITH = [part for name, value in OPTIONS.items() for part in ("--with", f"{name}={value}")]
DESIGN = shaping_study.Design(Beat((3, 4, 5), 3, 2), 4, 4, OPTIONS)
TWO = ("sac-noise-additive",)
LINE = ["--seeds", "1..3", "--episodes", "3", "--judge-every", "2", "--days", "4", *WITH]


@pytest.fixture(scope="module")
def tiny():
    return cosim.load_scenario(str(TINY))


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("ablation") / "out"
    return out, shaping_study.ablate(tiny, DESIGN, chosen(TWO), out)


def without_times(rows):
    return [{k: v for k, v in row.items() if k != "train_cpu_s"} for row in rows]


def test_every_arm_of_the_table_is_there():
    names = list(arms())
    assert names[0] == "sac"
    assert len(names) == 22
    kinds = ("diffusion-return", "dress", "dress-constant", "dnn", "reward-net", "cgan", "noise")
    for kind in kinds:
        assert {f"sac-{kind}-potential", f"sac-{kind}-additive"} <= set(names)
    assert {"td3", "td3-reward-net-additive", "sac-diffusion-return-anneal"} <= set(names)


@pytest.mark.parametrize("arm", arms().values(), ids=str)
def test_every_arm_is_a_learner_of_the_testbed(arm):
    options = arm.options(DESIGN.common, 500)
    recipe = load_recipe(arm.learner, options)
    assert (recipe.shaping, recipe.wrap) == (arm.shaping, arm.wrap)
    assert recipe.anneal_updates == (300 if arm.wrap == "anneal" else 0)
    own = {"shaping", "wrap", "latent", "anneal_updates"}
    assert {k: v for k, v in options.items() if k not in own} == DESIGN.common


def test_an_arm_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="no arm is called `sac-dres`"):
        chosen(["sac-dres"])
    assert [arm.name for arm in chosen(["td3"])] == ["sac", "td3"]


def test_a_seed_of_the_study_plays_what_cosim_train_plays(tiny, whole, tmp_path):
    """Same days, same jobs, same learner: the first judgements agree with a single training."""
    _, folder = whole
    recipe = load_recipe("sac", {**DESIGN.common, "shaping": "none", "wrap": "potential"})
    for seed in DESIGN.beat.seeds:
        plan = Plan(3, seed, 4, 4, evaluate_every=2)
        alone = train.train(tiny, recipe, plan, tmp_path / str(seed))
        mine = [row for row in folder.log("sac") if row["seed"] == seed and row["episode"]]
        its = [row for row in alone.rows if np.isfinite(row.get("held_out_usd", np.nan))]
        assert [row["updates"] for row in mine] == [row["updates"] for row in its]
        for one, other in zip(mine, its, strict=True):
            assert one["held_out_usd"] == pytest.approx(other["held_out_usd"], rel=1e-3)


def test_the_logs_hold_a_row_per_judgement_and_seed(whole):
    _, folder = whole
    rows = folder.log("sac-noise-additive")
    assert [(row["episode"], row["seed"]) for row in rows] == [
        (episode, seed) for episode in (0, 2, 3) for seed in (3, 4, 5)
    ]
    spent = [row["train_cpu_s"] for row in rows]
    assert spent[0] == 0.0
    assert spent == sorted(spent)
    assert spent[-1] > 0.0
    table = read_log(folder.path / "training.parquet")
    assert len(table) == 18
    with (folder.path / "training.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 18


def test_what_has_ended_is_kept_and_the_rest_is_trained(tiny, whole, tmp_path):
    """Only the first arm at first; going on changes nothing of it and gives the other's rows."""
    _, folder = whole
    shaping_study.ablate(tiny, DESIGN, chosen(["sac"]), tmp_path)
    kept = tmp_path / "tiny" / "arms" / "sac.parquet"
    before = kept.read_bytes()
    with pytest.raises(UsageError, match="go on with --resume"):
        shaping_study.ablate(tiny, DESIGN, chosen(TWO), tmp_path)
    other = shaping_study.ablate(tiny, DESIGN, chosen(TWO), tmp_path, resume=True)
    assert kept.read_bytes() == before
    for arm in ("sac", *TWO):
        assert str(without_times(other.log(arm))) == str(without_times(folder.log(arm)))


def test_another_study_is_not_gone_on_with(tiny, whole):
    out, _ = whole
    other = shaping_study.Design(Beat((3, 4, 5), 4, 2), 4, 4, {**OPTIONS, "hidden": 9})
    with pytest.raises(UsageError) as caught:
        shaping_study.ablate(tiny, other, chosen(TWO), out, resume=True)
    assert "episodes: 3 there, 4 now" in str(caught.value)
    assert "options: " in str(caught.value)


def test_classical_policies_are_played_on_the_same_days(tiny, whole):
    _, folder = whole
    day = folder.terms()["held_out"]
    assert len(day) == 1
    moved = cosim.load_scenario(str(TINY), [f"clock.start={day[0]}T08:00:00Z"])
    wanted = run(moved, policy="greedy-utility", seed=1).kpis["utility_usd"]
    found = folder.references()["greedy-utility"]["held_out_usd"]
    assert found == pytest.approx(wanted)


# the command -------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            entry.main(["shaping", str(TINY), *map(str, arguments)])
        shown = capsys.readouterr()
        return caught.value.code, shown.out, shown.err

    return call


def test_the_command_writes_the_page_from_the_logs(command, tmp_path, monkeypatch):
    line = (*LINE, "--arms", "sac-reward-net-*", "--arms", "sac-diffusion-return-*")
    monkeypatch.setattr(sys, "argv", ["cosim", "shaping", "tiny.yaml"])
    code, out, err = command(*line, "--out", "p", "--json")
    assert code == 0, err
    found = json.loads(out)
    page = (tmp_path / "p" / "README.md").read_text(encoding="utf-8")
    (study,) = read_studies(tmp_path / "p")
    names = list(study.courses)
    assert names[0] == "sac"
    assert len(names) == 7
    for name in names:
        assert f"| `{name}` |" in page
        scores = np.sort(study.scores(name, "final"))
        assert found["scenarios"]["tiny"]["arms"][name]["final"]["value"] == pytest.approx(
            scores.mean()
        )
    assert "cosim shaping tiny.yaml" in page
    assert "sac-diffusion-return-anneal against sac-reward-net-anneal" in page
    for axis in ("steps", "time"):
        picture = (tmp_path / "p" / "tiny" / f"curves-{axis}.svg").read_text(encoding="utf-8")
        assert picture.count("<polyline") == 2 * 4
    assert "page: p/README.md" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--arms", "sca"], "no arm is called `sca`"),
        (["--with", "breadth=3"], "breadth"),
        (["--seeds", "10"], "name two or more: --seeds 1..10 are ten"),
        (["--days", "2"], "2 dates are too few to hold out one of every 4"),
    ],
)
def test_words_that_make_no_sense_are_usage_errors(arguments, said, command, tmp_path):
    code, _, err = command(*arguments, "--out", "p")
    assert code in (2, 5), err
    assert said in err
    assert not (tmp_path / "p").exists()


@pytest.mark.heavy
def test_a_killed_study_loses_the_running_arm_at_most(whole, tmp_path):
    """Kill −9 in the second arm, go on, and compare with the uninterrupted one."""
    line = [sys.executable, "-c", "from cosim.cli.main import main; main()", "shaping", str(TINY)]
    line += [*LINE, "--episodes", "40", "--arms", *TWO, "-q", "--out"]
    environment = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT))}

    def begin(folder, *more):
        return subprocess.Popen([*line, str(folder), *more], env=environment)

    assert begin(tmp_path / "a").wait(300) == 0
    killed = begin(tmp_path / "b")
    first = tmp_path / "b" / "tiny" / "arms" / "sac.parquet"
    until = time.monotonic() + 300
    while not first.is_file():
        assert time.monotonic() < until
        time.sleep(0.001)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (first.parent / f"{TWO[0]}.parquet").is_file()
    before = first.read_bytes()
    assert begin(tmp_path / "b", "--resume").wait(300) == 0
    assert first.read_bytes() == before
    logs = [read_log(tmp_path / side / "tiny" / "training.parquet") for side in "ab"]
    assert str(without_times(logs[0])) == str(without_times(logs[1]))
