"""The hours of a run that a reader can look into, decision by decision and GPU by GPU.

A day has all its hours. Of a longer window up to 24 are taken, spread evenly, so that the page
stays small; whoever wants a certain hour names it, and gets more of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from cosim.errors import UsageError
from cosim.quantities import NS_PER_HOUR, NS_PER_S
from cosim.report.inputs import Case, Ints

HOURS_MAX = 24


@dataclass(frozen=True)
class Hour:
    """One hour of the window, shorter where the window ends within it.

    Attributes:
        start: first instant, UTC.
        start_ns: the same on the simulation's clock [ns].
        end_ns: first instant after it [ns].
    """

    start: datetime
    start_ns: int
    end_ns: int

    @property
    def label(self) -> str:
        """Words for a list: ``22 Apr 2019 14:00 UTC``."""
        return f"{self.start:%d %b %Y %H:%M} UTC"

    def holds(self, instants_ns: Ints) -> Ints:
        """Positions of the instants that lie in the hour."""
        return np.flatnonzero((instants_ns >= self.start_ns) & (instants_ns < self.end_ns))


def hours_of(case: Case, asked: Sequence[datetime] = ()) -> tuple[list[Hour], int]:
    """Choose the hours that the report shows.

    Args:
        case: gives the window.
        asked: the hours a user named; empty: up to 24, spread over the window.

    Returns:
        The hours in order, and which one is shown first: the busiest.

    Raises:
        UsageError: an hour that was asked for lies outside the window.
    """
    ledger = case.first.ledger
    window_ns = ledger.slots * ledger.slot_ns
    if asked:
        starts_ns = sorted({_start_ns(case, instant, window_ns) for instant in asked})
    else:
        count = -(-window_ns // NS_PER_HOUR)
        picks = np.unique(np.linspace(0, count - 1, min(count, HOURS_MAX)).round().astype(int))
        starts_ns = [int(k) * NS_PER_HOUR for k in picks]
    hours = [_hour(case, start_ns, window_ns) for start_ns in starts_ns]
    arrivals = [len(hour.holds(case.first.jobs.arrival_ns)) for hour in hours]
    return hours, int(np.argmax(arrivals))


def _start_ns(case: Case, instant: datetime, window_ns: int) -> int:
    """The start of the hour that holds an instant, counted from the start of the window."""
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    since_ns = round((aware - case.start).total_seconds()) * NS_PER_S
    if not 0 <= since_ns < window_ns:
        end = case.start + timedelta(seconds=window_ns / NS_PER_S)
        raise UsageError(
            f"hour {aware:%Y-%m-%dT%H:%M} lies outside the window; it goes from "
            f"{case.start:%Y-%m-%dT%H:%M} to {end:%Y-%m-%dT%H:%M} (UTC)"
        )
    return since_ns // NS_PER_HOUR * NS_PER_HOUR


def _hour(case: Case, start_ns: int, window_ns: int) -> Hour:
    start = case.start + timedelta(seconds=start_ns / NS_PER_S)
    return Hour(start, start_ns, min(start_ns + NS_PER_HOUR, window_ns))
