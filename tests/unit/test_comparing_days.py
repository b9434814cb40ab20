"""Are policies judged on the days that are meant, and is the day what chance varies?"""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cosim.errors import ScenarioError, UsageError
from cosim.report.lock import read_lock
from cosim.report.page import write_report
from cosim.run import run
from cosim.scenario.days import begun, day_of
from cosim.scenario.load import load_scenario
from cosim.study.compare import compare, stored
from cosim.study.provenance import trained_on
from cosim.study.reproduce import lock_of, reproduce
from cosim.study.statistics import by_day, estimate

DAYS = ("2019-05-01", "2019-05-02", "2019-05-03")


@pytest.fixture(scope="module")
def loaded(pytestconfig):
    file = pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"
    return load_scenario(file, ["test_days=[2019-05-01..2019-05-03]", "seeds=[1, 2]"])


@pytest.fixture(scope="module")
def whole(loaded, tmp_path_factory):
    return compare(loaded, out=tmp_path_factory.mktemp("days") / "whole")


def test_each_day_is_played_at_its_date_with_seeds_of_its_own(loaded, whole):
    assert whole.days == DAYS
    assert whole.seeds[:3] == [120190501, 220190501, 120190502]
    assert len(whole.results) == 12
    for (policy, seed), result in whole.results.items():
        assert result.scenario.clock.start.date() == day_of(seed)
        alone = begun(loaded.scenario, day_of(seed))
        if policy == "home":
            assert run(alone, policy="home", seed=seed).digest == result.digest
    arrivals = [whole.results["home", seed].jobs.arrival_ns[:5].tolist() for seed in whole.seeds]
    assert len({tuple(row) for row in arrivals}) == 6  # no two days share their jobs


def test_intervals_are_over_days(whole):
    runs = whole.results
    gains = [
        runs["greedy-utility", s].kpis["utility_usd"] - runs["home", s].kpis["utility_usd"]
        for s in whole.seeds
    ]
    cell = whole.paired["greedy-utility"]["utility_usd"]
    expected = estimate(np.reshape(gains, (3, 2)).mean(axis=1).tolist())
    assert cell["diff"] == pytest.approx(np.mean(gains))
    assert tuple(cell["ci95"]) == pytest.approx(expected.ci95)
    assert by_day(gains, 1) == gains
    assert any("intervals are over days" in note for note in whole.notes)
    assert whole.to_json()["days"] == list(DAYS)


def test_the_folder_gives_the_same_back(whole):
    again = stored(whole.folder)
    assert again.to_json() == whole.to_json()
    assert json.loads((whole.folder / "compare.json").read_text("utf-8")) == whole.to_json()
    assert again.results["home", 120190502].scenario.clock.start.day == 2


def test_the_scenarios_own_window_is_still_there(loaded):
    own = compare(loaded, days="window", seeds=[1], policies=["home"])
    assert (own.days, own.seeds) == ((), [1])
    assert own.results["home", 1].scenario.clock.start.day == 22


def test_an_executor_changes_no_bit(loaded, whole):
    with ThreadPoolExecutor(1) as executor:
        assert compare(loaded, executor=executor).digest == whole.digest


def test_resuming_adds_seeds_to_the_same_days_only(loaded, whole, tmp_path):
    out = tmp_path / "r"
    compare(loaded, out=out, seeds=[1])
    more = compare(loaded, out=out, seeds=[1, 2], resume=True)
    assert more.digest == whole.digest
    assert stored(out).to_json()["paired"] == more.to_json()["paired"]
    with pytest.raises(
        UsageError, match=r"days: 2019-05-01, .* there, the scenario's window here"
    ):
        compare(loaded, out=out, days="window", resume=True)


def test_days_are_reproduced_from_folder_and_report(whole, tmp_path):
    page = write_report(whole, tmp_path / "report.html")
    text = page.read_text(encoding="utf-8")
    assert "over 3 days with 2 paired seeds each" in text
    assert "intervals are over days" in text
    for lock in (lock_of(whole.folder), read_lock(page)):
        found = reproduce(lock)
        assert found.matches, found.lines
        assert found.lines[-1] == "12 of 12 runs give the same digest"


def test_a_lock_whose_days_were_changed_is_refused(whole, tmp_path):
    page = write_report(whole, tmp_path / "report.html")
    text = page.read_text(encoding="utf-8")
    for wrong, place in (('"days": ["2019-05-01", "2019-05-02"]', "seeds"), ('"days": 5', "days")):
        kept = '"days": ["2019-05-01", "2019-05-02", "2019-05-03"]'
        assert kept in text
        (tmp_path / "bad.html").write_text(text.replace(kept, wrong), encoding="utf-8")
        with pytest.raises(ScenarioError, match=place):
            read_lock(tmp_path / "bad.html")


def checkpoint(folder, **trained):
    folder.mkdir()
    (folder / "actor.json").write_text(json.dumps({"trained": trained}), encoding="utf-8")
    return f"sac@{folder}"


def test_a_learner_that_has_seen_the_days_is_named(loaded, tmp_path):
    scenario = loaded.scenario
    seen = checkpoint(tmp_path / "a", dates=["2019-05-02", "2019-04-01"], held_out=["2019-05-03"])
    clean = checkpoint(tmp_path / "b", dates=["2019-04-01"], held_out=["2019-04-02"])
    odd = checkpoint(tmp_path / "c", dates=["?", 5], held_out=None)
    names = ["home", seen, clean, odd, f"sac@{tmp_path}/none"]
    assert trained_on(scenario, names, DAYS) == {seen: ["2019-05-02", "2019-05-03"]}
    assert trained_on(scenario, names, ()) == {}
    assert trained_on(begun(scenario, day_of(120190401)), [clean], ()) == {clean: ["2019-04-01"]}
    assert trained_on(scenario, [f"{seen}+idle"], DAYS)


def test_what_is_under_way_shows_the_days_that_are_whole(whole, tmp_path):
    folder = tmp_path / "half"
    shutil.copytree(whole.folder, folder)
    shutil.rmtree(folder / "home" / "seed-220190502")
    found = stored(folder, so_far=True)
    assert found.days == ("2019-05-01", "2019-05-03")
    assert found.seeds == [s for s in whole.seeds if day_of(s).day != 2]
    assert found.unfinished == 4
    kpis = [whole.results["home", seed].kpis["utility_usd"] for seed in found.seeds]
    assert found.table["home"]["utility_usd"]["mean"] == pytest.approx(np.mean(kpis))
    for seed in whole.seeds:
        shutil.rmtree(folder / "home" / f"seed-{seed}", ignore_errors=True)
    with pytest.raises(UsageError, match="no day is finished"):
        stored(folder, so_far=True)
