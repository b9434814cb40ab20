"""Days to learn from and days to judge on: the same scenario begun at other dates.

    train_days: [2019-04-01..2019-04-20]
    test_days: [2019-04-22, 2019-05-06..2019-05-12]

A day is the scenario's window begun at a date, at the scenario's own time of day. A range is cut
into windows that follow each other and end by its last date. No two windows may overlap, so
nothing that a policy was trained or tuned on comes back when it is judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

if TYPE_CHECKING:
    from cosim.scenario.model import Scenario

DATES_MAX = 2_000
SEEDS_MAX = 10_000
Key = Literal["train_days", "test_days"]
KEYS: tuple[Key, ...] = ("train_days", "test_days")
Finding = tuple[tuple[str | int, ...], str]


def dates_in(text: str, days: float = 1.0) -> tuple[date, ...]:
    """Dates at which windows begin.

    Args:
        text: ``2019-04-22``, or a range ``2019-04-01..2019-04-20`` with both ends.
        days: length of a window [days]; windows of a range follow each other.

    Returns:
        The dates; none where a range is shorter than a window.

    Raises:
        ValueError: the text is neither, the range runs backwards or has too many dates.
    """
    first, dots, last = text.partition("..")
    begin, end = _date(first), _date(last if dots else first)
    if end < begin:
        raise ValueError(f"`{text}` runs backwards; write {end}..{begin}")
    if (end - begin).days >= DATES_MAX:
        raise ValueError(f"`{text}` has more than {DATES_MAX} dates")
    if not dots:
        return (begin,)
    step = math.ceil(days)
    count = ((end - begin).days + 1) // step
    return tuple(begin + timedelta(days=k * step) for k in range(count))


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text.strip())
    except ValueError:
        found = None
    if found is None or len(text.strip()) != len("2019-04-22"):
        raise ValueError(
            f"`{text.strip()}` is no date; write 2019-04-22, or a range 2019-04-01..2019-04-20"
        )
    return found


def _readable(text: str) -> str:
    dates_in(text)
    return text


DaySpan = Annotated[
    str,
    AfterValidator(_readable),
    Field(json_schema_extra={"examples": ["2019-04-22", "2019-04-01..2019-04-20"]}),
]
DayList = tuple[DaySpan, ...]


def dates_of(scenario: Scenario, key: Key) -> tuple[date, ...]:
    """Dates at which the windows to train or to test on begin, in ascending order."""
    spans: tuple[str, ...] = getattr(scenario, key) or ()
    return tuple(sorted(d for text in spans for d in dates_in(text, scenario.clock.days)))


def begun(scenario: Scenario, day: date) -> Scenario:
    """The scenario with its window begun at another date, at its own time of day (UTC)."""
    start = datetime.combine(day, scenario.clock.start.timetz())
    clock = scenario.clock.model_copy(update={"start": start})
    return scenario.model_copy(update={"clock": clock})


# --- seeds: every day has its own, so that days share no dice ---------------------------------


def seed_on(seed: int, day: date) -> int:
    """The seed of a run on a date: the seed and the date in digits, 3 on 2019-04-22 → 320190422.

    Days whose jobs came from the same dice would rise and fall together, and more of them would
    seem to say more than they do.
    """
    return seed * 10**8 + day.year * 10**4 + day.month * 100 + day.day


def day_of(seed: int) -> date:
    """The date in a seed that :func:`seed_on` made.

    Raises:
        ValueError: it made it not.
    """
    digits = seed % 10**8
    return date(digits // 10**4, digits // 100 % 100, digits % 100)


# --- what is wrong ----------------------------------------------------------------------------


def day_findings(scenario: Scenario) -> Iterator[Finding]:
    """Yield ranges shorter than a window, windows that overlap and instants that are no hours."""
    length = timedelta(days=scenario.clock.days)
    found: list[tuple[date, tuple[str | int, ...]]] = []
    for key in KEYS:
        if getattr(scenario, key) == ():
            yield (key,), "is empty; leave it out, or name dates"
        for i, text in enumerate(getattr(scenario, key) or ()):
            dates = dates_in(text, scenario.clock.days)
            if not dates:
                yield (key, i), f"`{text}` is shorter than a window of {_length(scenario)}"
            found += [(day, (key, i)) for day in dates]
    said: set[tuple[str | int, ...]] = set()
    for (day, one), (other, place) in pairwise(sorted(found, key=lambda row: row[0])):
        if other - day < length and place not in said:
            said.add(place)
            names = f"`{'.'.join(map(str, one))}` begun at {day} and this one begun at {other}"
            yield place, f"windows of {_length(scenario)} overlap: {names}"


def _length(scenario: Scenario) -> str:
    days = scenario.clock.days
    return "a day" if days == 1 else f"{days:g} days"


def windows_in(
    spans: object, start: datetime, days: float
) -> Iterator[tuple[int, datetime, datetime]]:
    """Yield (item, begin, end) of the windows in raw data; what cannot be read is left out."""
    for i, text in enumerate(spans if isinstance(spans, Sequence) else ()):
        try:
            dates = dates_in(text, days) if isinstance(text, str) else ()
        except ValueError:
            continue
        for day in dates:
            begin = datetime.combine(day, start.astimezone(UTC).timetz())
            yield i, begin, begin + timedelta(days=days)
