"""The clock on the wall of a site: which month, weekday and hour each step of a run falls in.

Tariffs speak local time. A step is one meter bin or slot; its place in the calendar is that of its
first instant, in the site's time zone with daylight saving time: 2019-03-31 in Berlin has 23
hours, none of which is 02:00, and 2019-10-27 has 25, two of which are 02:00.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from cosim.physics.ranges import refuse
from cosim.quantities import NS_PER_HOUR, NS_PER_S

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ALL_HOURS: tuple[int, ...] = tuple(range(24))
ALL_WEEKDAYS: tuple[int, ...] = tuple(range(7))
ALL_MONTHS: tuple[int, ...] = tuple(range(1, 13))
_QUARTER_S = 900


@dataclass(frozen=True)
class LocalTime:
    """Calendar of the steps of a run at one site.

    Attributes:
        start_utc_ns: first instant of the first step, Unix time [ns].
        step_ns: length of a step [ns].
        month: 1 to 12 of each step, shape (steps,).
        weekday: 0 for Monday to 6 for Sunday, shape (steps,).
        hour: hour of the local day, 0 to 23, shape (steps,).
        month_no: billing month of each step, counted from the run's first, shape (steps,).
        month_key: 12 · year + month − 1 of each billing month, shape (months,).
        month_h: hours of each billing month, daylight saving included [h], shape (months,).
    """

    start_utc_ns: int
    step_ns: int
    month: Ints
    weekday: Ints
    hour: Ints
    month_no: Ints
    month_key: Ints
    month_h: Floats

    @property
    def count(self) -> int:
        """Number of steps."""
        return self.month.size

    @property
    def months(self) -> int:
        """Number of billing months that the steps touch."""
        return self.month_key.size

    @property
    def step_h(self) -> float:
        """Length of a step [h]."""
        return self.step_ns / NS_PER_HOUR

    @property
    def first_step(self) -> Ints:
        """First step of each billing month, shape (months,)."""
        return np.searchsorted(self.month_no, np.arange(self.months)).astype(np.int64)

    @property
    def last_step(self) -> Ints:
        """Last step of each billing month, shape (months,)."""
        return np.append(self.first_step[1:], self.count) - 1

    @property
    def coverage(self) -> Floats:
        """Share of each billing month that the steps cover, in (0, 1], shape (months,)."""
        covered_h = np.bincount(self.month_no, minlength=self.months) * self.step_h
        return np.minimum(covered_h / self.month_h, 1.0)


def local_time(start_utc_ns: int, step_ns: int, count: int, timezone: str) -> LocalTime:
    """Return the local calendar of equal steps.

    Args:
        start_utc_ns: start of the first step, Unix time [ns].
        step_ns: length of a step [ns], above 0.
        count: number of steps, at least 1.
        timezone: IANA name, ``Europe/Berlin``.

    Raises:
        ValueError: an unknown zone (with the nearest known one), or no steps.
    """
    refuse([] if step_ns > 0 and count > 0 else [f"step_ns = {step_ns}, count = {count}: above 0"])
    zone = _zone(timezone)
    utc_s = (start_utc_ns + step_ns * np.arange(count, dtype=np.int64)) // NS_PER_S
    local_s = utc_s + _offsets_s(utc_s, zone)
    days = (local_s // 86_400).astype("datetime64[D]")
    month_of = days.astype("datetime64[M]").astype(np.int64)
    keys, month_no = np.unique(month_of + 1970 * 12, return_inverse=True)
    return LocalTime(
        start_utc_ns,
        step_ns,
        month_of % 12 + 1,
        (days.astype(np.int64) + 3) % 7,
        local_s % 86_400 // 3600,
        month_no.astype(np.int64),
        keys,
        np.array([_month_h(int(key), zone) for key in keys]),
    )


def _zone(timezone: str) -> ZoneInfo:
    known = available_timezones()
    if timezone in known:
        return ZoneInfo(timezone)
    near = get_close_matches(timezone, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"timezone = {timezone!r}: no such IANA zone{hint}")


def _offsets_s(utc_s: Ints, zone: ZoneInfo) -> Ints:
    """Return the zone's offset from UTC at each instant [s]; zones change on quarter hours."""
    quarters, place = np.unique(utc_s // _QUARTER_S, return_inverse=True)
    days, day_of = np.unique(quarters // 96, return_inverse=True)
    edges = np.array([_offset_s(int(d) * 86_400, zone) for d in np.append(days, days[-1] + 1)])
    after = np.array([_offset_s((int(d) + 1) * 86_400, zone) for d in days])
    offsets = edges[:-1][day_of]
    for k in np.flatnonzero((edges[:-1] != after)[day_of]):
        offsets[k] = _offset_s(int(quarters[k]) * _QUARTER_S, zone)
    return np.asarray(offsets[place], dtype=np.int64)


def _offset_s(utc_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(utc_s, UTC).astimezone(zone).utcoffset()
    return round((offset or timedelta()).total_seconds())


def _month_h(key: int, zone: ZoneInfo) -> float:
    """Hours between the local midnights that begin a month and the next one."""
    begin, end = (datetime(k // 12, k % 12 + 1, 1, tzinfo=zone) for k in (key, key + 1))
    return (end.timestamp() - begin.timestamp()) / 3600.0


def members(label: str, values: Sequence[int], allowed: Sequence[int]) -> list[str]:
    """Return a problem if a set of hours, weekdays or months is empty or leaves the calendar."""
    wrong = sorted(set(values) - set(allowed))
    if values and not wrong:
        return []
    shown = wrong if wrong else "()"
    return [f"{label} = {shown}: must be whole numbers from {allowed[0]} to {allowed[-1]}"]


@dataclass(frozen=True)
class When:
    """A set of hours of the local calendar; by default all of them.

    Weekday nights and weekends are two sets: a charge takes several and applies in each.

    Attributes:
        hours: hours of the day, 0 for 00:00 to 01:00.
        weekdays: 0 for Monday to 6 for Sunday.
        months: 1 for January to 12.
    """

    hours: tuple[int, ...] = ALL_HOURS
    weekdays: tuple[int, ...] = ALL_WEEKDAYS
    months: tuple[int, ...] = ALL_MONTHS

    SOURCE: ClassVar[str] = "month × weekday × local hour, as in published rate schedules"
    EQUATION: ClassVar[str] = "applies if month ∈ months and weekday ∈ weekdays and hour ∈ hours"

    def __post_init__(self) -> None:
        refuse(
            members("When.hours", self.hours, ALL_HOURS)
            + members("When.weekdays", self.weekdays, ALL_WEEKDAYS)
            + members("When.months", self.months, ALL_MONTHS)
        )

    def cells(self) -> NDArray[np.bool_]:
        """Return which (month − 1, weekday, hour) it holds, shape (12, 7, 24)."""
        table = np.zeros((12, 7, 24), dtype=np.bool_)
        months = [month - 1 for month in self.months]
        table[np.ix_(months, list(self.weekdays), list(self.hours))] = True
        return table


ALWAYS: tuple[When, ...] = (When(),)
"""All hours of the year."""


def cells_of(when: Sequence[When]) -> NDArray[np.bool_]:
    """Return which (month − 1, weekday, hour) any of several sets holds, shape (12, 7, 24)."""
    table = np.zeros((12, 7, 24), dtype=np.bool_)
    for each in when:
        table |= each.cells()
    return table


def mask_of(when: Sequence[When], local: LocalTime) -> NDArray[np.bool_]:
    """Return whether any of several sets holds each step, shape (steps,)."""
    return np.asarray(cells_of(when)[local.month - 1, local.weekday, local.hour])
