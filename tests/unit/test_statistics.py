"""Do the intervals cover what they should, and do they say so when they cannot?"""

from math import sqrt

import numpy as np
import pytest

from cosim.rng import stream
from cosim.study import statistics
from cosim.study.statistics import estimate, p_better, paired_cell, share_of


def test_students_t_by_hand():
    found = estimate([1.0, 2.0, 3.0])
    half = 4.302652729911275 * 1.0 / sqrt(3)  # t table, 2 degrees of freedom
    assert found.mean == 2.0
    assert found.method == "t"
    assert found.ci95 == pytest.approx((2 - half, 2 + half))


def test_the_bootstrap_agrees_with_scipys_where_it_is_not_expanded(monkeypatch):
    """Hesterberg's expansion is switched off: then it is scipy's percentile bootstrap."""
    from scipy.stats import bootstrap

    values = stream(3, "sample").gamma(2.0, size=40)
    expected = bootstrap((values,), np.mean, method="percentile", n_resamples=9999, rng=5)
    plain = 1.959963984540054 / sqrt(40 / 39)
    monkeypatch.setattr(statistics, "_t_quantile", lambda freedom: plain)
    found = estimate(values.tolist())
    assert found.method == "bootstrap"
    spread = expected.confidence_interval.high - expected.confidence_interval.low
    assert found.ci95 == pytest.approx(tuple(expected.confidence_interval), abs=0.03 * spread)


def test_one_seed_has_no_interval_and_no_certainty():
    found = estimate([5.0])
    assert (found.mean, found.ci95, found.method, found.significant) == (5.0, None, "none", False)
    assert p_better("utility_usd", [5.0]) is None


@pytest.mark.parametrize("values", [[], [float("nan"), 1.0], [float("inf"), 1.0, 2.0]])
def test_missing_values_make_no_number(values):
    found = estimate(values)
    assert (found.mean, found.ci95, found.significant) == (None, None, False)


def test_equal_values_have_a_point_for_an_interval():
    found = estimate([0.1] * 4)
    assert (found.mean, found.ci95) == (0.1, (0.1, 0.1))
    assert found.significant
    assert not estimate([0.0] * 12).significant


@pytest.mark.parametrize("count", [2, 3, 5, 10, 20])
@pytest.mark.parametrize("draw", ["normal", "skewed"])
def test_identical_policies_are_seldom_told_apart(count, draw):
    """False alarms between equal policies: at most 8 % of 700 comparisons.

    The difference of two draws of one distribution is symmetric, whatever the distribution.
    """
    dice = stream(11, "false alarms", draw, str(count))
    alarms = 0
    for _ in range(700):
        if draw == "normal":
            values = dice.normal(size=count)
        else:
            values = dice.exponential(size=count) - dice.exponential(size=count)
        alarms += estimate(values.tolist()).significant
    assert alarms / 700 <= 0.08


def test_the_plain_bootstrap_of_few_seeds_would_be_far_too_narrow():
    """The reason for Student's t, in numbers: above 20 % false alarms with three seeds."""
    dice = stream(12, "plain bootstrap")
    misses = 0
    for _ in range(800):
        means = statistics._resampled_means(dice.normal(size=3))
        low, high = np.quantile(means, [0.025, 0.975])
        misses += not low <= 0.0 <= high
    assert misses / 800 > 0.2


@pytest.mark.parametrize("count", [3, 12])
def test_a_real_difference_is_found(count):
    differences = (10.0 + stream(4, "found").normal(size=count)).tolist()
    cell = paired_cell("late_share", [20.0 + d for d in differences], [20.0] * count)
    assert cell["significant"]
    assert cell["diff"] == pytest.approx(np.mean(differences))
    assert cell["p_better"] < 0.02  # more late jobs are worse
    assert p_better("utility_usd", differences) > 0.98


def test_p_better_knows_the_direction_and_is_even_for_no_difference():
    assert p_better("utility_usd", [1.0, 1.0]) == 1.0
    assert p_better("carbon_kg", [1.0, 1.0]) == 0.0
    assert p_better("utility_usd", [0.0, 0.0, 0.0]) == 0.5
    assert p_better("steps_mean", [1.0, 2.0]) is None
    assert p_better("utility_usd", [-1.0, 1.0]) == pytest.approx(0.5)


def test_the_same_values_give_the_same_interval():
    values = stream(9, "again").normal(size=15).tolist()
    first = estimate(values)
    statistics._picks.cache_clear()
    assert estimate(values) == first


def test_shares_keep_the_sign_of_the_part():
    assert share_of([1.0, -1.0], [-2.0, 4.0]) == [0.5, -0.25]
    assert np.isnan(share_of([1.0], [0.0])[0])
