"""Step series: what holds when, and what is refused."""

import numpy as np
import pytest

from cosim.errors import TraceError
from cosim.quantities import NS_PER_DAY, NS_PER_HOUR, NS_PER_MIN
from cosim.traces.series import Series, utc_text

START = 1_546_300_800_000_000_000  # 2019-01-01T00:00Z


def hourly(*values: float) -> Series:
    return Series("price/test:x", "EUR/MWh", START, NS_PER_HOUR, np.array(values))


def test_value_holds_from_its_stamp_until_the_next() -> None:
    series = hourly(10, 20, 30)
    assert series.at(START) == 10
    assert series.at(START + NS_PER_HOUR - 1) == 10
    assert series.at(START + NS_PER_HOUR) == 20
    assert series.end_utc_ns == START + 3 * NS_PER_HOUR


def test_bins_finer_than_the_step_repeat_the_value_exactly() -> None:
    means = hourly(0.1, 0.7).bin_means(START + 50 * NS_PER_MIN, 5 * NS_PER_MIN, 4)
    assert means.tolist() == [0.1, 0.1, 0.7, 0.7]


def test_bins_that_straddle_steps_are_weighted_by_time() -> None:
    # 40-minute bins over hours of 0, 30 and 60: 0 | 20 min of 0, 20 of 30 | 30 | 60
    means = hourly(0, 30, 60).bin_means(START, 40 * NS_PER_MIN, 4)
    np.testing.assert_allclose(means, [0, 15, 30, 60], rtol=1e-14)
    assert means[0] == 0
    assert means[3] == 60


def test_one_bin_over_many_steps_is_their_mean() -> None:
    means = hourly(1, 2, 3, 4).bin_means(START + NS_PER_HOUR // 2, 3 * NS_PER_HOUR, 1)
    assert means[0] == pytest.approx((0.5 + 2 + 3 + 4 * 0.5) / 3)


def test_no_bins_is_an_empty_answer() -> None:
    assert hourly(1).bin_means(START, NS_PER_MIN, 0).shape == (0,)


@pytest.mark.parametrize(("start", "count"), [(START - 1, 1), (START + 2 * NS_PER_HOUR, 61)])
def test_outside_is_refused_with_both_spans(start: int, count: int) -> None:
    with pytest.raises(TraceError) as caught:
        hourly(1, 2, 3).bin_means(start, NS_PER_MIN, count)
    assert "price/test:x" in str(caught.value)
    assert "2019-01-01T00:00:00Z to 2019-01-01T03:00:00Z" in str(caught.value)
    assert utc_text(start) in str(caught.value)


def test_a_gap_is_refused_only_where_it_lies() -> None:
    series = hourly(1, float("nan"), 3)
    assert series.at(START) == 1
    assert series.bin_means(START + 2 * NS_PER_HOUR, NS_PER_HOUR, 1).tolist() == [3]
    with pytest.raises(TraceError, match=r"1 missing value.*2019-01-01T01:00:00Z"):
        series.bin_means(START, NS_PER_HOUR + 1, 1)


def test_moving_days_keeps_values_and_says_so() -> None:
    moved = hourly(1, 2).shifted(-365)
    assert moved.start_utc_ns == START - 365 * NS_PER_DAY
    assert moved.values.tolist() == [1, 2]
    assert "moved -365 days" in moved.name
    assert hourly(1).shifted(0).name == "price/test:x"


def test_values_cannot_be_changed_and_the_callers_array_can() -> None:
    mine = np.array([1.0, 2.0])
    series = Series("x", "1", START, NS_PER_HOUR, mine)
    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 5
    mine[0] = 7  # the caller keeps an array that can be written


@pytest.mark.parametrize(("step_ns", "values"), [(0, [1.0]), (-1, [1.0]), (1, []), (1, [[1.0]])])
def test_impossible_series_are_refused(step_ns: int, values: list[float]) -> None:
    with pytest.raises(TraceError, match="step > 0"):
        Series("x", "1", START, step_ns, np.array(values))


def test_impossible_bins_are_refused() -> None:
    with pytest.raises(TraceError, match="width > 0"):
        hourly(1).bin_means(START, 0, 1)
