"""Typical seeds, many policies and too narrow intervals: are they told as they are?"""

import numpy as np
import pytest
from scipy.stats import trim_mean

from cosim.rng import stream
from cosim.run import staged
from cosim.scenario.load import load_scenario
from cosim.study.compare import compare
from cosim.study.robust import false_alarm_share, iqm_cell
from cosim.study.statistics import estimate, false_alarms, holm, p_value
from cosim.study.verdict import notes, remembered


def test_the_interquartile_mean_is_the_mean_of_the_middle_half():
    values = stream(41, "iqm").normal(size=12).tolist()
    assert iqm_cell(values)["iqm"] == pytest.approx(trim_mean(values, 0.25))
    assert iqm_cell([*range(9), 1e9])["iqm"] == pytest.approx(
        (0.5 * 2 + 3 + 4 + 5 + 6 + 0.5 * 7) / 5
    )


def test_one_disaster_moves_the_mean_and_not_the_iqm():
    values = [10.0 + k / 10 for k in range(11)]
    hit = [*values[:-1], -500.0]
    assert abs(iqm_cell(hit)["iqm"] - iqm_cell(values)["iqm"]) < 0.2
    assert estimate(hit).mean < -30


def test_few_runs_or_missing_values_have_no_iqm():
    assert iqm_cell([1.0] * 9) is None
    assert iqm_cell([1.0] * 9 + [float("nan")]) is None
    same = iqm_cell([3.0] * 10)
    assert [same["iqm"], *same["ci95"]] == pytest.approx([3.0] * 3)


def test_seeds_of_each_day_are_resampled_apart():
    """Days far apart, seeds close together: strata keep every day in every resample."""
    dice = stream(42, "strata")
    days = np.repeat([0.0, 50.0, 100.0, 150.0], 4) + dice.normal(size=16)
    apart, together = iqm_cell(days.tolist(), 4), iqm_cell(days.tolist())
    assert apart["iqm"] == together["iqm"]
    width = [cell["ci95"][1] - cell["ci95"][0] for cell in (apart, together)]
    assert width[0] < 0.2 * width[1]
    single = iqm_cell(days[:12].tolist(), 12)  # one seed a day: days themselves are resampled
    assert single == iqm_cell(days[:12].tolist())


@pytest.mark.parametrize("count", [5, 9, 12])
def test_many_intervals_at_once_are_those_of_one_at_a_time(count):
    samples = stream(43, "many").normal(0.4, 1.0, size=(60, count))
    alone = [estimate(row.tolist()).significant for row in samples]
    assert false_alarms(samples).tolist() == alone
    assert 0 < sum(alone) < 60


def test_even_spreads_have_fair_intervals_and_a_single_freak_seed_has_not():
    even = stream(44, "even").normal(3.0, 1.0, size=20).tolist()
    assert 0.01 <= false_alarm_share(even) <= 0.10
    assert false_alarm_share([*[1.0] * 10, 50.0]) > 0.25  # a third of all samples miss the freak
    assert false_alarm_share([1.0] * 12) is None
    assert false_alarm_share(even[:9]) is None
    assert false_alarm_share([*even, float("nan")]) is None


def test_a_shift_does_not_change_how_often_chance_fools():
    values = stream(45, "shift").normal(size=12)
    shifted = false_alarm_share((values + 1024.0).tolist())
    assert false_alarm_share(values.tolist()) == pytest.approx(shifted, abs=0.011)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, None, 0.9]) == [1.0, None, 1.0]
    assert holm([0.02]) == [0.02]


def test_p_values_are_students():
    from scipy.stats import ttest_1samp

    values = stream(46, "p").normal(0.5, 1.0, size=7)
    assert p_value(values.tolist()) == pytest.approx(float(ttest_1samp(values, 0.0).pvalue))
    assert p_value([0.0, 0.0, 0.0]) == 1.0
    assert p_value([2.0, 2.0]) == 0.0
    assert p_value([1.0]) is None


# --- on runs ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage(pytestconfig):
    return staged(load_scenario(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"))


def test_the_same_policy_with_other_dice_is_seldom_told_apart(stage):
    """False positives on runs: `random` against itself, its dice apart, 300 times five seeds.

    Runs of different seeds differ by chance alone, so pairs of them are differences of equal
    policies. The spread of real runs is neither normal nor even.
    """
    found = compare(stage, policies=["random"], seeds=range(1, 21))
    usd = np.array([found.results["random", s].kpis["utility_usd"] for s in found.seeds])
    dice, alarms = stream(47, "alarms"), 0
    for _ in range(300):
        order = dice.permutation(20)[:10]
        alarms += estimate((usd[order[:5]] - usd[order[5:]]).tolist()).significant
    assert np.ptp(usd) > 0
    assert alarms / 300 <= 0.09


def test_equal_policies_come_out_as_equal(stage):
    found = compare(stage, policies=["home", "home+self-consumption"], seeds=[1, 2, 3])
    cell = found.paired["home+self-consumption"]["utility_usd"]
    assert (cell["diff"], cell["significant"], cell["p_value"]) == (0.0, False, 1.0)
    assert any("not significant: home+self-consumption against home" in n for n in found.notes)
    assert "false_alarms" not in found.to_json()  # there is no spread to ask


# --- sentences --------------------------------------------------------------------------------


def cell(diff, p, significant, p_holm=None):
    return {"utility_usd": {"diff": diff, "significant": significant, "p_holm": p_holm or p}}


def told(paired, alarms=None, days=1, runs=5):
    return notes("base", paired, alarms or {}, days, runs, None)


def test_a_ranking_that_chance_explains_is_warned_of():
    (said,) = told({"a": cell(1.0, 0.3, False)})
    assert said.startswith("not significant: a against base")
    assert "--until-interval" in said
    assert "more test_days" in told({"a": cell(1.0, 0.3, False)}, days=4, runs=8)[1]
    (said,) = told({"a": cell(1.0, None, False)}, runs=1)
    assert "one seed gives no interval" in said
    assert told({"a": cell(1.0, 0.01, True)}) == ()


def test_several_comparisons_are_corrected_together():
    paired = {"a": cell(1.0, 0.001, True, 0.002), "b": cell(1.0, 0.04, True, 0.06)}
    assert told(paired) == (
        "2 comparisons with base, corrected together (Holm): b no longer significant",
    )
    paired["b"] = cell(1.0, 0.01, True, 0.01)
    assert told(paired)[0].endswith("every significant difference stays so")


def test_too_narrow_intervals_are_named():
    (said,) = told({"a": cell(0.5, 0.01, True)}, {"a": 0.3}, runs=11)
    assert said.startswith("the interval of a is too narrow")
    assert "in 30 % of comparisons instead of 5 %" in said
    assert told({"a": cell(0.5, 0.01, True)}, {"a": 0.06}, runs=11) == ()


def test_days_that_were_seen_are_told():
    said = list(remembered({"sac@x": ["2019-05-01"] * 5}))
    assert said[0].startswith("not out of sample: sac@x was trained or chosen on 2019-05-01")
    assert " …" in said[0]
