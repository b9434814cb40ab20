"""A quantity that holds still for a while and then jumps: prices, sunshine, carbon intensity.

Value *k* of a ``Series`` holds on ``[start + k·step, start + (k+1)·step)``, UTC. A day of hourly
prices is 24 values; the mean over any five minutes is that hour's price, and over 10:40 to 11:20
half of one and half of the next. Means are exact, whether or not bins and steps divide.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError
from cosim.quantities import NS_PER_DAY, NS_PER_S

Floats = NDArray[np.float64]


def utc_text(utc_ns: int) -> str:
    """Write a Unix-nanosecond instant as ``2019-04-22T00:00:00Z`` (whole seconds)."""
    return f"{datetime.fromtimestamp(utc_ns // NS_PER_S, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, eq=False)
class Series:
    """A step function of time.

    Attributes:
        name: where it came from, e.g. ``price/dayahead_nl_2015_2024:price_nl_eur_mwh``.
        unit: published unit of the values, e.g. ``EUR/MWh``.
        start_utc_ns: Unix nanoseconds at which value 0 begins.
        step_ns: how long each value holds [ns], > 0.
        values: shape (steps,), contiguous and read-only; NaN marks a declared gap.
    """

    name: str
    unit: str
    start_utc_ns: int
    step_ns: int
    values: Floats

    def __post_init__(self) -> None:
        if self.step_ns <= 0 or self.values.ndim != 1 or self.values.size == 0:
            raise TraceError(
                f"trace `{self.name}`: step {self.step_ns} ns and shape {self.values.shape}; "
                "a series needs a step > 0 and at least one value in one dimension"
            )
        frozen = np.ascontiguousarray(self.values, dtype=np.float64).view()
        frozen.setflags(write=False)
        object.__setattr__(self, "values", frozen)

    @property
    def end_utc_ns(self) -> int:
        """Unix nanoseconds at which the last value stops to hold (exclusive)."""
        return self.start_utc_ns + self.step_ns * len(self.values)

    def at(self, utc_ns: int) -> float:
        """Return the value that holds at an instant; a value outside or in a gap is an error."""
        self.require_cover(utc_ns, utc_ns + 1)
        return float(self.values[(utc_ns - self.start_utc_ns) // self.step_ns])

    def bin_means(self, start_utc_ns: int, bin_ns: int, count: int) -> Floats:
        """Average over ``count`` consecutive bins, weighted by time.

        Args:
            start_utc_ns: where the first bin begins.
            bin_ns: width of a bin [ns], > 0; need neither divide nor be divided by the step.
            count: how many bins, >= 0.

        Returns:
            Means in the series' unit, shape (count,); a bin inside one step is exactly that value.

        Raises:
            TraceError: if the bins reach outside the series or touch a gap.
        """
        if bin_ns <= 0 or count < 0:
            raise TraceError(
                f"trace `{self.name}`: {count} bins of {bin_ns} ns; "
                "need count >= 0 and a width > 0 ns"
            )
        if count == 0:
            return np.empty(0)
        self.require_cover(start_utc_ns, start_utc_ns + bin_ns * count)
        return self._means(start_utc_ns - self.start_utc_ns, bin_ns, count)

    def _means(self, offset_ns: int, bin_ns: int, count: int) -> Floats:
        """Cut time at every bin edge and step edge, then add up the pieces of each bin."""
        end_ns = offset_ns + bin_ns * count
        bin_edges = offset_ns + bin_ns * np.arange(count, dtype=np.int64)
        first_step, last_step = offset_ns // self.step_ns + 1, (end_ns - 1) // self.step_ns
        step_edges = self.step_ns * np.arange(first_step, last_step + 1, dtype=np.int64)
        starts = np.union1d(bin_edges, step_edges)
        widths = np.diff(starts, append=end_ns)
        pieces = self.values[starts // self.step_ns]
        first_piece = np.searchsorted(starts, bin_edges)
        anchors = pieces[
            first_piece
        ]  # sum differences: equal pieces then give their value exactly
        bins = (starts - offset_ns) // bin_ns
        spread = (pieces - anchors[bins]) * (widths / bin_ns)
        means: Floats = anchors + np.add.reduceat(spread, first_piece)
        return means

    def shifted(self, days: int) -> Series:
        """Return the same values on a calendar moved by whole days (a *mixed-year* scenario)."""
        name = f"{self.name} (moved {days:+d} days)" if days else self.name
        return replace(self, name=name, start_utc_ns=self.start_utc_ns + days * NS_PER_DAY)

    def require_cover(self, start_utc_ns: int, end_utc_ns: int) -> None:
        """Raise ``TraceError`` unless ``[start, end)`` lies inside the series and has no gap."""
        if start_utc_ns < self.start_utc_ns or end_utc_ns > self.end_utc_ns:
            raise TraceError(
                f"trace `{self.name}` covers {self._span(self.start_utc_ns, self.end_utc_ns)}, "
                f"but {self._span(start_utc_ns, end_utc_ns)} was asked; move the scenario's clock "
                "into the covered span, choose another trace or declare clock.mixed_years: true"
            )
        first = (start_utc_ns - self.start_utc_ns) // self.step_ns
        stop = -((self.start_utc_ns - end_utc_ns) // self.step_ns)
        gaps = first + np.flatnonzero(np.isnan(self.values[first:stop]))
        if gaps.size:
            begin = self.start_utc_ns + int(gaps[0]) * self.step_ns
            raise TraceError(
                f"trace `{self.name}` has {gaps.size} missing value(s) in "
                f"{self._span(start_utc_ns, end_utc_ns)}, the first at {utc_text(begin)}; "
                "choose a window or a column without gaps"
            )

    @staticmethod
    def _span(start_utc_ns: int, end_utc_ns: int) -> str:
        return f"{utc_text(start_utc_ns)} to {utc_text(end_utc_ns)}"
