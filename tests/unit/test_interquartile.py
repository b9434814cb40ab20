"""Do the figures of few seeds agree with their definitions and with scipy?"""

import numpy as np
import pytest
from scipy import stats

from cosim.study.interquartile import holm, improvement, iqm, iqm_spread, p_value

DICE = np.random.default_rng(4)


def test_the_interquartile_mean_is_scipys_trimmed_mean():
    for count in (2, 3, 4, 7, 10, 13):
        values = DICE.normal(size=count)
        assert float(iqm(values)) == pytest.approx(stats.trim_mean(values, 0.25))


def test_one_seed_that_fails_does_not_decide():
    assert float(iqm(np.array([1.0, 2.0, 3.0, -1e9]))) == pytest.approx(1.5)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Normal scores around 0: of 200 intervals of ten seeds most hold 0, and not all."""
    held = [
        found.low <= 0.0 <= found.high
        for found in (iqm_spread(DICE.normal(size=10).tolist()) for _ in range(200))
    ]
    assert 0.84 < np.mean(held) < 0.995


def test_the_probability_of_improvement_counts_pairs():
    found = improvement([[1.0, 3.0]], [[2.0, 0.0]])
    assert found.value == pytest.approx(0.75)
    assert improvement([[1.0, 1.0]], [[1.0, 1.0]]).value == 0.5
    assert improvement([[2.0, 2.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]).value == 0.5


def test_it_is_the_mann_whitney_statistic():
    one, other = DICE.normal(0.5, size=9), DICE.normal(size=8)
    wanted = stats.mannwhitneyu(one, other).statistic / 72
    found = improvement([one.tolist()], [other.tolist()])
    assert found.value == pytest.approx(wanted)
    assert found.low < found.value < found.high


def test_the_p_value_is_that_of_the_exact_test():
    for shift in (0.0, 0.8, 1.6):
        one, other = DICE.normal(shift, size=8), DICE.normal(size=8)
        wanted = stats.mannwhitneyu(one, other, method="exact").pvalue
        assert p_value([one.tolist()], [other.tolist()]) == pytest.approx(wanted, abs=0.02)


def test_scenarios_are_exchanged_each_by_itself():
    """Two scenarios of other sizes of money: pooled over both nothing could be told."""
    one = [[1.0 + 0.01 * k for k in range(6)], [1001.0 + 0.01 * k for k in range(6)]]
    other = [[0.9 + 0.01 * k for k in range(6)], [1000.0 + 0.01 * k for k in range(6)]]
    assert p_value(one, other) < 0.001
    assert improvement(one, other).value == 1.0


def test_holms_correction_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_equal_scores_give_equal_figures():
    values = DICE.normal(size=10).tolist()
    assert iqm_spread(values) == iqm_spread(values)
    assert p_value([values], [values]) == pytest.approx(1.0)
