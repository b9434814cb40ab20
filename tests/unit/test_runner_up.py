"""The best policy against the next best: who is set against whom, and when chance explains it."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.study.runner_up import runner_up, said
from cosim.study.statistics import estimate

BASE = [0.0, 1.0, -1.0, 0.5]
NEAR = [10.0, 12.0, 9.0, 11.0]
TOP = [11.0, 12.9, 10.1, 12.0]


def test_the_two_best_are_paired_seed_by_seed():
    found = runner_up({"base": BASE, "near": NEAR, "top": TOP}, "base")
    assert (found.best, found.second) == ("top", "near")
    assert found.diff_usd == pytest.approx(1.0)
    assert list(found.ci95) == pytest.approx(estimate(np.subtract(TOP, NEAR)).bounds())
    assert found.p_value < 0.01
    assert list(said(found)) == [
        "top earns 1 USD more than near, the next best, 95 % CI [0.8701, 1.13]"
    ]


def test_a_lead_that_chance_may_explain_is_said_to_be_one():
    found = runner_up({"base": BASE, "near": NEAR, "top": [9.0, 14.0, 8.0, 12.0]}, "base")
    assert found.p_value > 0.05
    (text,) = said(found)
    assert text.endswith(": which of the two is better cannot be told")


@pytest.mark.parametrize("behind_usd", [[0.0] * 4, [-20.0] * 4, [0.0, 0.0, -20.0, -20.0]])
def test_equal_policies_are_told_apart_no_more_often_than_one_time_in_twenty(behind_usd):
    """Picked because they are on top, the two best need no correction; 600 comparisons, ± 3 σ."""
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(600):
        means = {"a": 0.0, "b": 0.0, **{f"c{i}": usd for i, usd in enumerate(behind_usd)}}
        values = {p: list(mean + rng.normal(size=6)) for p, mean in means.items()}
        alarms += runner_up({"base": [-99.0] * 6, **values}, "base").ci95[0] > 0.0
    assert alarms <= 600 * 0.05 + 3 * (600 * 0.05 * 0.95) ** 0.5


@pytest.mark.parametrize(
    "utility_usd",
    [
        {"base": BASE, "near": NEAR},
        {"base": [20.0] * 4, "near": NEAR, "top": TOP},
        {"base": [1.0], "near": [2.0], "top": [3.0]},
    ],
    ids=["two", "baseline on top", "one seed"],
)
def test_nothing_is_said_where_the_baseline_or_a_single_run_says_it(utility_usd):
    assert runner_up(utility_usd, "base") is None
    assert list(said(None)) == []
