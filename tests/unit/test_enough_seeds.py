"""Do intervals hold at every look, and does a search for enough seeds stop where it should?"""

import json
from math import inf, nan

import numpy as np
import pytest

from cosim.errors import RunInterrupted, UsageError
from cosim.rng import stream
from cosim.run import staged
from cosim.scenario.load import load_scenario
from cosim.study.compare import compare, stored
from cosim.study.looks import Looks, enough, planned
from cosim.study.statistics import estimate, p_value
from cosim.study.until import Stopping, Target, looked, stopping_of, target_of

STUDIES = 3_000


@pytest.fixture(scope="module")
def stage(pytestconfig):
    return staged(load_scenario(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"))


def test_looks_are_planned_from_what_is_there_to_what_is_allowed():
    assert planned(2, 60).counts == (5, 8, 12, 18, 27, 40, 60)
    assert planned(10, 20).counts == (10, 15, 20)
    assert planned(5, 5).counts == (5,)
    with pytest.raises(UsageError, match="at most 4 seeds are too few: the first look is at 5"):
        planned(3, 4)
    assert enough((3, 1), 4) == (3, 1, 4, 5)
    assert enough((1, 2, 3), 2) == (1, 2)


def test_one_look_is_no_correction():
    assert Looks((8,)).error == 0.05
    assert Looks((8,)).p_value(0.03) == 0.03


def test_the_error_of_a_look_lies_between_that_of_one_and_a_share_for_each():
    """Bonferroni's share is safe for any dependence; looks at one growing sample need less."""
    looks = planned(5, 60)
    assert 0.05 / len(looks.counts) < looks.error < 0.05 / 3


def differences(draw, dice, count):
    """Differences of two equal policies: symmetric around zero, whatever each of them is."""
    if draw == "normal":
        return dice.normal(size=(STUDIES, count))
    return dice.exponential(size=(STUDIES, count)) - dice.exponential(size=(STUDIES, count))


@pytest.mark.parametrize("draw", ["normal", "skewed"])
def test_equal_policies_are_seldom_told_apart_at_any_of_seven_looks(draw):
    """At most 6.5 % of studies at all looks together; plain intervals tell 15 % or more apart."""
    looks = planned(5, 60)
    samples = differences(draw, stream(31, "looks", draw), 60)
    alarms, plain = np.zeros(STUDIES, bool), np.zeros(STUDIES, bool)
    for count in looks.counts:
        part = samples[:, :count]
        error = part.std(axis=1, ddof=1) / np.sqrt(count)
        ratio = np.abs(part.mean(axis=1)) / error
        alarms |= ratio > t_quantile(count - 1, looks.error / 2)
        plain |= ratio > t_quantile(count - 1, 0.025)
    assert alarms.mean() < 0.065
    assert plain.mean() > 0.15


def t_quantile(freedom, tail):
    from scipy.stats import t

    return float(t.ppf(1 - tail, freedom))


def test_an_interval_that_stopped_a_search_for_its_width_covers_the_truth():
    """True difference 1: the interval that was narrow enough holds it in 95 % of studies."""
    looks, dice = planned(5, 60), stream(32, "width")
    missed = 0
    for sample in 1.0 + dice.normal(size=(400, 60)):
        for count in looks.counts:
            low, high = estimate(sample[:count].tolist(), looks).ci95
            if (high - low) / 2 <= 0.5:
                break
        missed += not low <= 1.0 <= high
    assert missed / 400 <= 0.065


def test_a_repeated_p_value_is_uniform_at_worst():
    """Chance shows 5 % or less in at most 5 % of studies, taken over all looks."""
    looks, dice = planned(5, 27), stream(33, "p")
    least = [
        min(p_value(sample[:n].tolist(), looks) for n in looks.counts)
        for sample in dice.normal(size=(500, 27))
    ]
    assert np.mean(np.array(least) <= 0.05) <= 0.075


def test_estimates_under_looks_are_wider_and_say_so():
    values = stream(34, "wide").normal(size=12).tolist()
    plain, careful = estimate(values), estimate(values, planned(5, 60))
    assert careful.method == "repeated t"
    assert careful.ci95[0] < plain.ci95[0] < plain.ci95[1] < careful.ci95[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1%", Target(0.01, True)), ("2.5 %", Target(0.025, True)), ("25", Target(25.0, False)),
     ("10usd", Target(10.0, False))],
)  # fmt: skip
def test_a_width_is_read(text, expected):
    assert target_of(text) == expected
    assert expected.usd(-200.0) == (200 * expected.size if expected.relative else expected.size)


@pytest.mark.parametrize("text", ["0", "-1%", "nan", "x", "", "inf"])
def test_what_is_no_width_is_refused(text):
    with pytest.raises(UsageError, match="is no width of an interval; write 1%"):
        target_of(text)


def test_the_widest_of_all_policies_decides():
    start = Stopping(Target(1.0, False), planned(5, 5))
    base, near, far = [0.0] * 5, [1.0, 1.1, 0.9, 1.0, 1.0], [0.0, 9.0, -9.0, 3.0, 5.0]
    assert looked(start, [base, near], ["a", "b"]).reached
    both = looked(start, [base, near, far], ["a", "b", "c"])
    assert not both.reached
    assert both.half_width_usd["b"] < 1.0 < both.half_width_usd["c"]
    assert not start.reached


def test_a_search_survives_its_file_and_a_damaged_file_is_a_sentence():
    found = Stopping(Target(0.01, True), planned(5, 12), nan, {"b": inf})
    kept = json.loads(json.dumps(found.to_json(), allow_nan=False))
    again = stopping_of(kept)
    assert again.to_json() == kept
    assert again.half_width_usd == {"b": inf}
    for key in kept:
        if key in ("target", "looks", "half_width_usd"):
            with pytest.raises(UsageError, match=r"stopping\.json is damaged"):
                stopping_of({**kept, key: None})


# --- on runs ----------------------------------------------------------------------------------


WANTED = Target(0.08, True)


@pytest.fixture(scope="module")
def search(stage, tmp_path_factory):
    out = tmp_path_factory.mktemp("search") / "u"
    return compare(stage, until=WANTED, max_seeds=20, out=out)


def test_seeds_are_added_until_the_interval_is_narrow_enough(search):
    looks = search.stopping.looks
    assert search.stopping.reached
    assert search.seeds == list(range(1, len(search.seeds) + 1))
    assert len(search.seeds) in looks.counts
    low, high = search.paired["greedy-utility"]["utility_usd"]["ci95"]
    assert (high - low) / 2 <= search.stopping.target_usd
    assert (high - low) / 2 == pytest.approx(search.stopping.half_width_usd["greedy-utility"])
    assert search.notes[0].startswith("enough seeds: ")
    usd = {key: run.kpis["utility_usd"] for key, run in search.results.items()}
    for count in [n for n in looks.counts if n < len(search.seeds)]:  # none was narrow enough
        home = [usd["home", s] for s in search.seeds[:count]]
        gains = [usd["greedy-utility", s] - usd["home", s] for s in search.seeds[:count]]
        low, high = estimate(gains, looks).ci95
        assert (high - low) / 2 > WANTED.usd(np.mean(home))


def test_a_search_is_read_back_as_it_was(search):
    assert stored(search.folder).to_json() == search.to_json()
    assert search.to_json()["stopping"]["reached"]


def test_a_search_that_may_not_go_on_says_so(stage):
    found = compare(stage, until=Target(1e-9, False), max_seeds=5)
    assert len(found.seeds) == 5
    assert not found.stopping.reached
    assert found.notes[0].startswith("not enough seeds: ")
    assert "raise --max-seeds" in found.notes[0]


def test_an_interrupted_search_goes_on_as_if_nothing_had_happened(stage, search, tmp_path):
    def stop(done, total):
        if done >= 30:
            raise KeyboardInterrupt

    wanted = {"until": WANTED, "max_seeds": 20, "out": tmp_path / "i"}
    with pytest.raises(RunInterrupted, match="--resume"):
        compare(stage, **wanted, progress=stop)
    assert compare(stage, **wanted, resume=True).digest == search.digest


def test_what_cannot_be_narrowed_is_refused(stage, tmp_path):
    with pytest.raises(UsageError, match="one policy has no difference"):
        compare(stage, policies=["home"], until=Target(1.0, False), out=tmp_path / "x")
    days = staged(load_scenario(stage.base / "tiny.yaml", ["test_days=[2019-05-01..2019-05-03]"]))
    with pytest.raises(UsageError, match="more seeds do not narrow an interval over 3 days"):
        compare(days, until=Target(1.0, False), out=tmp_path / "x")
    assert not (tmp_path / "x").exists()
