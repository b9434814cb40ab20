"""The benchmark of a training: are its figures those of the times it took?"""

import pytest

from cosim.bench import training
from cosim.bench.sheet import Terms


def test_minutes_and_shares_follow_from_the_times(monkeypatch):
    times = iter([([1.0, 2.0, 3.0], [18.0, 10.0, 30.0])] * 3 + [([0.3], [2.7])] * 3)
    monkeypatch.setattr(
        training, "_clocked", lambda *given: training._Clocked(*map(list, next(times)))
    )
    monkeypatch.setattr(training, "prepare_days", lambda loaded, dates: ())
    said = []
    sheet = training.training("T", Terms(3, tell=said.append))
    assert list(sheet.rows) == [f"{place}, {name}" for name, place, _, _ in training.TIMED]
    first, last = (list(sheet.rows.values())[at] for at in (0, -1))
    assert first["played_percent"] == pytest.approx(10.0)
    assert first["minutes"] == pytest.approx(550 * 20.0 / 60)
    assert (first["learned_s_min"], first["learned_s_max"]) == (10.0, 30.0)
    assert last["minutes"] == pytest.approx(27.5)
    _, long, busy = sheet.notes
    assert long.endswith(", ".join(list(sheet.rows)[:3]))
    assert busy.endswith("none")
    assert len(said) == len(sheet.rows)


def test_all_its_learners_exist_and_decide_what_it_says():
    from cosim.plugins import load_recipe

    for _, _, learner, options in training.TIMED:
        settings = load_recipe(learner, options).settings
        assert settings.clock == settings.battery == settings.room == options["clock"]
