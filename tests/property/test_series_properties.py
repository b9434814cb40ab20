"""Bin means against arithmetic in whole nanoseconds, for any steps and bins."""

from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from cosim.traces.series import Series

START = 1_546_300_800_000_000_000
VALUES = st.lists(
    st.floats(-1e4, 1e4, allow_nan=False, allow_subnormal=False), min_size=1, max_size=12
)


def exact_mean(series: Series, begin_ns: int, end_ns: int) -> Fraction:
    """Integrate value by value in exact rational arithmetic."""
    total = Fraction(0)
    for k, value in enumerate(series.values):
        low = series.start_utc_ns + k * series.step_ns
        width = min(end_ns, low + series.step_ns) - max(begin_ns, low)
        total += Fraction(float(value)) * max(width, 0)
    return total / (end_ns - begin_ns)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Series, int, int, int]:
    values, step_ns = draw(VALUES), draw(st.integers(1, 10_000_000_000))
    series = Series("x", "1", START, step_ns, np.array(values))
    length_ns = step_ns * len(values)
    bin_ns = draw(st.integers(max(1, length_ns // 50), length_ns))
    offset_ns = draw(st.integers(0, length_ns - bin_ns))
    count = draw(st.integers(1, min(60, (length_ns - offset_ns) // bin_ns)))
    return series, START + offset_ns, bin_ns, count


@given(questions())
def test_bin_means_equal_the_exact_integral(question: tuple[Series, int, int, int]) -> None:
    series, begin_ns, bin_ns, count = question
    means = series.bin_means(begin_ns, bin_ns, count)
    scale = 1e-12 * (1 + float(np.abs(series.values).max()))
    for k, mean in enumerate(means):
        low = begin_ns + k * bin_ns
        assert abs(float(exact_mean(series, low, low + bin_ns)) - mean) <= scale


@given(st.floats(-1e4, 1e4), st.integers(1, 9), st.integers(1, 10**10), st.integers(1, 10**10))
def test_a_constant_stays_itself_bit_for_bit(
    value: float, steps: int, step_ns: int, bin_ns: int
) -> None:
    series = Series("x", "1", START, step_ns, np.full(steps, value))
    count = min(50, steps * step_ns // bin_ns)
    assert np.all(series.bin_means(START, bin_ns, count) == value)


@given(questions())
def test_halving_the_bins_keeps_the_means(question: tuple[Series, int, int, int]) -> None:
    series, begin_ns, bin_ns, _ = question
    half_ns = bin_ns // 2
    assume(half_ns > 0)
    whole = series.bin_means(begin_ns, 2 * half_ns, 1)[0]
    halves = series.bin_means(begin_ns, half_ns, 2)
    assert abs(halves.mean() - whole) <= 1e-12 * (1 + float(np.abs(series.values).max()))
