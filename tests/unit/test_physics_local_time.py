"""The local calendar of a run: months, weekdays and hours across changes of the clocks."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from cosim.physics.local_time import When, local_time, mask_of
from cosim.quantities import NS_PER_HOUR, NS_PER_MIN


def utc_ns(*date):
    return int(datetime(*date, tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "UTC"]
)
def test_every_step_is_where_the_zone_puts_it(zone):
    start, step_ns = utc_ns(2019, 1, 1), 30 * NS_PER_MIN
    local = local_time(start, step_ns, 48 * 365, zone)
    for k in range(0, local.count, 7):
        told = datetime.fromtimestamp((start + k * step_ns) / 1e9, UTC).astimezone(ZoneInfo(zone))
        key = 12 * told.year + told.month - 1
        got = (local.month[k], local.weekday[k], local.hour[k], local.month_key[local.month_no[k]])
        assert got == (told.month, told.weekday(), told.hour, key)


def test_the_day_of_spring_has_23_hours_and_its_month_one_less():
    local = local_time(utc_ns(2019, 3, 30, 23), NS_PER_HOUR, 23, "Europe/Berlin")
    assert 2 not in local.hour
    assert local.month_h == pytest.approx([743.0])
    autumn = local_time(utc_ns(2019, 10, 26, 22), NS_PER_HOUR, 25, "Europe/Berlin")
    assert autumn.hour.tolist() == [0, 1, 2, 2, *range(3, 24)]


def test_a_run_knows_the_months_that_it_covers():
    local = local_time(utc_ns(2019, 1, 31), NS_PER_HOUR, 72, "UTC")
    assert local.first_step.tolist() == [0, 24]
    assert local.last_step.tolist() == [23, 71]
    assert local.coverage == pytest.approx([1 / 31, 2 / 28])


def test_sets_of_hours_add_up():
    local = local_time(utc_ns(2019, 7, 5), NS_PER_HOUR, 48, "UTC")  # a Friday and a Saturday
    night = When(hours=(22, 23), weekdays=(4,))
    weekend = When(weekdays=(5, 6))
    assert mask_of((night, weekend), local).sum() == 2 + 24


@pytest.mark.parametrize("change", [{"hours": (24,)}, {"weekdays": ()}, {"months": (0, 13)}])
def test_hours_off_the_calendar_are_refused(change):
    with pytest.raises(ValueError, match=f"When.{next(iter(change))}"):
        When(**change)


def test_an_unknown_zone_is_refused_with_the_nearest_one():
    with pytest.raises(ValueError, match="did you mean 'Europe/Berlin'"):
        local_time(0, NS_PER_HOUR, 1, "Europe/Berlim")


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="count = 0"):
        local_time(0, NS_PER_HOUR, 0, "UTC")
    assert np.all(local_time(0, NS_PER_HOUR, 1, "UTC").month_key == 1970 * 12)
