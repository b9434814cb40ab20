"""Do verdicts on the paper's claims follow the rules, on numbers whose truth is known?"""

import pytest

from cosim.study.paper_verdict import (
    FAILS,
    HOLDS,
    OPEN,
    contest,
    near,
    positive,
    rising,
    together,
    told,
)


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([10.0, 11.0, 12.0], HOLDS),
        ([-10.0, -11.0, -12.0], FAILS),
        ([-1.0, 5.0, 9.0], OPEN),
        ([10.0], OPEN),
        ([10.0, float("nan"), 12.0], OPEN),
        ([0.0, 0.0, 0.0], OPEN),
    ],
)
def test_the_interval_decides_and_one_seed_or_a_missing_number_cannot(values, verdict):
    assert positive(values) == verdict


def test_a_course_rises_if_its_ends_differ_and_no_step_surely_falls():
    low, middle, high = [1.0, 1.1, 0.9], [5.0, 5.2, 5.1], [9.0, 9.1, 9.2]
    assert rising([low, middle, high]) == HOLDS
    assert rising([high, middle, low]) == FAILS
    assert rising([low, high, middle]) == FAILS
    assert rising([low, [0.0, 5.0, 1.0], high]) == HOLDS
    assert rising([low, [1.3, 1.0, 0.8]]) == OPEN


def test_one_part_that_fails_fails_the_whole_and_one_that_is_open_leaves_it_open():
    assert together([HOLDS, HOLDS]) == HOLDS
    assert together([HOLDS, OPEN]) == OPEN
    assert together([HOLDS, OPEN, FAILS]) == FAILS
    assert together([]) == OPEN


@pytest.mark.parametrize(
    ("chance", "p", "verdict"),
    [(0.9, 0.01, HOLDS), (0.1, 0.01, FAILS), (0.9, 0.2, OPEN), (0.5, 0.01, OPEN)],
)
def test_a_contest_needs_a_small_p_value(chance, p, verdict):
    assert contest(chance, p) == verdict


def test_a_ratio_is_near_within_a_factor_to_either_side():
    assert [near(ratio, 2.0) for ratio in (1.3, 1.4, 3.0, 3.1)] == [FAILS, HOLDS, HOLDS, FAILS]


def test_numbers_are_told_with_their_interval_and_without_a_negative_zero():
    assert told([-0.001, 0.0, 0.001], 1, "USD") == "0.0 [0.0, 0.0] USD"
    assert told([-1.0, -1.0]) == "−1 [−1, −1]"
    assert told([7.0]) == "7 (one seed)"
    assert told([float("nan"), 1.0]) == "missing"
