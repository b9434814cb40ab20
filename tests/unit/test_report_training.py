"""The report of trainings: are curves, bands and words those of the logs?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from training_sample import a_training

from cosim.errors import UsageError
from cosim.report import figures_training as figures
from cosim.report.progress import progress_of
from cosim.report.training import is_training, lessons, read_training
from cosim.report.training_page import render_training, training_panels, write_training_report


@pytest.fixture
def pair(tmp_path):
    return [read_training(a_training(tmp_path / f"s{seed}", seed)) for seed in (2, 1)]


def test_seeds_of_one_learner_form_one_band(pair):
    (lesson,) = lessons(pair)
    assert lesson.name == "jemas"
    assert [t.seed for t in lesson.trainings] == [1, 2]
    drawn = figures.returns([lesson])
    line = next(t for t in drawn.data if t.name == "jemas")
    low, high = (
        next(t for t in drawn.data if t.name == f"jemas, {edge} seed")
        for edge in ("lowest", "highest")
    )
    assert np.all(low.y <= line.y + 1e-6)
    assert np.all(line.y <= high.y + 1e-6)
    first = np.mean([t.rows[0]["return"] for t in pair])
    last = np.mean([[r["return"] for r in t.rows[-10:]] for t in pair])
    assert line.y[0] == pytest.approx(first, rel=1e-5)
    assert line.y[-1] == pytest.approx(last, rel=1e-5)


def test_the_bonus_has_an_axis_of_its_own_where_there_is_one(pair, tmp_path):
    drawn = figures.returns(lessons(pair))
    bonus = next(t for t in drawn.data if t.name == "jemas, bonus")
    assert bonus.yaxis == "y2"
    assert math.isnan(bonus.y[0])
    assert bonus.y[-1] == pytest.approx(-0.01 * np.mean(range(14, 24)), rel=1e-5)
    plain = read_training(a_training(tmp_path / "plain", episodes=2))
    assert {t.yaxis for t in figures.returns(lessons([plain])).data} <= {None, "y"}


def test_a_mean_takes_in_the_last_values_that_there_are():
    table = np.array([[1.0, np.nan, 3.0, 5.0], [np.nan, np.nan, 2.0, 4.0]])
    np.testing.assert_allclose(
        figures.smooth(table, 2), [[1.0, 1.0, 3.0, 4.0], [np.nan, np.nan, 2.0, 3.0]]
    )


def test_other_options_make_another_curve_named_after_them(tmp_path):
    both = [
        read_training(a_training(tmp_path / f"eta{eta}", options={"eta": eta, "tau": 0.01}))
        for eta in (0.1, 0.4)
    ]
    assert [lesson.name for lesson in lessons(both)] == ["jemas (eta=0.1)", "jemas (eta=0.4)"]


def test_trainings_on_other_days_do_not_compare(tmp_path):
    both = [
        read_training(a_training(tmp_path / day, held_out=[day]))
        for day in ("2019-04-23", "2019-04-24")
    ]
    with pytest.raises(UsageError, match="differ in held_out"):
        lessons(both)


def test_the_page_says_what_held_out_days_brought(pair, tmp_path):
    html = render_training(pair)
    assert "jemas earned 22.00 USD on a held-out day at its best (2 trainings)." in html
    assert '<td class="num">18</td>' in html  # the episode of the best judgement
    keys = [panel.key for panel in training_panels(lessons(pair))]
    assert keys == ["returns", "held-out", "late-shares"]
    alone = read_training(a_training(tmp_path / "few", episodes=4))
    assert "nothing says how it does on other days" in render_training([alone])


def test_a_page_of_folders_is_written_and_progress_told(tmp_path):
    folders = [a_training(tmp_path / f"s{seed}", seed, episodes=3 + seed) for seed in (1, 2)]
    assert write_training_report(folders, tmp_path / "curves.html").stat().st_size > 10_000
    now = progress_of(folders)
    assert (now.done, now.total, now.complete, now.words) == (9, None, False, "9 episodes")


def test_a_training_without_an_episode_or_with_damage_is_told_in_words(tmp_path):
    folder = a_training(tmp_path / "s1")
    assert is_training(folder)
    assert not is_training(tmp_path)
    with pytest.raises(UsageError, match=r"no train\.json"):
        read_training(tmp_path)
    (folder / "training.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(UsageError, match="damaged"):
        read_training(folder)
    (folder / "training.parquet").unlink()
    with pytest.raises(UsageError, match="no finished episode yet"):
        read_training(folder)
