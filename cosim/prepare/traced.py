"""Traces laid over the window of a scenario, and the record of where each number came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError
from cosim.quantities import NS_PER_DAY
from cosim.traces.catalogue import Catalogue
from cosim.traces.clock import clock_certificate
from cosim.traces.series import Series, utc_text
from cosim.traces.weather import Weather

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """The window of a scenario in Unix time.

    Attributes:
        start_utc_ns: first instant [ns].
        end_utc_ns: end of the window [ns].
        slot_ns: length of a slot [ns].
        history: slots wanted before the window.
        future: slots wanted after it.
        mixed_years: whether traces of other years may be shifted into the window.
    """

    start_utc_ns: int
    end_utc_ns: int
    slot_ns: int
    history: int
    future: int
    mixed_years: bool

    @property
    def slots(self) -> int:
        """Slots of the window itself."""
        return (self.end_utc_ns - self.start_utc_ns) // self.slot_ns

    @property
    def year(self) -> int:
        """Year in which the window begins."""
        return datetime.fromtimestamp(self.start_utc_ns // 10**9, UTC).year


@dataclass(frozen=True)
class Provenance:
    """Where one series of a run came from.

    Attributes:
        ref: the trace as the scenario names it.
        used_for: what it feeds, e.g. ``potsdam: price``.
        id: catalogue id, or the path of a user's file.
        what: one line of description.
        place: where it was measured.
        source: packages it came from.
        owner: whose data it is.
        licence: as the source states it.
        sha256: of the file's bytes.
        coverage: first and last instant (UTC).
        calendar: ``actual``, ``nominal`` for typical years, empty for figures without a time.
        shift_days: days by which it was moved into the window; 0 if it belongs there.
        gaps: declared missing values in the whole file.
        remarks: what a user must know.
        certificate: what the sun says of a weather trace's clock, empty for other traces.
        certificate_minutes: minutes by which its stamps are late, None if unknown.
        assumed: what in the figures of a profile table is an assumption, empty for traces.
    """

    ref: str
    used_for: str
    id: str
    what: str
    place: str
    source: str
    owner: str
    licence: str
    sha256: str
    coverage: str
    calendar: str
    shift_days: int
    gaps: int
    remarks: str
    certificate: str = ""
    certificate_minutes: float | None = None
    assumed: str = ""

    def row(self) -> dict[str, Any]:
        """The record as a mapping."""
        return asdict(self)


class Tracer:
    """Reads traces for one window and remembers what was read."""

    def __init__(self, catalogue: Catalogue, base: Path | None, window: Window) -> None:
        self.catalogue, self.base, self.window = catalogue, base, window
        self.records: list[Provenance] = []

    def slots(self, ref: str, used_for: str) -> FloatArray:
        """Slot means of a series over history, window and future; NaN outside its cover."""
        series = self.catalogue.series(ref, base=self.base)
        days = self._shift(series.start_utc_ns, series.end_utc_ns, ref, weekly=True)
        series = series.shifted(days)
        self._record(ref, used_for, series, days)
        return slot_means(series, self.window)

    def weather(self, ref: str, used_for: str) -> Weather:
        """Weather moved into the window if it belongs to another year."""
        weather = self.catalogue.weather(ref, base=self.base)
        days = self._shift(weather.start_utc_ns, weather.end_utc_ns, ref, weekly=False)
        certificate = clock_certificate(weather)
        minutes = None if certificate.status == "unknown" else certificate.offset_min
        weather = weather.shifted(days)
        self._record(ref, used_for, weather.series("temp_air_c"), days)
        told = replace(self.records[-1], certificate=str(certificate), certificate_minutes=minutes)
        self.records[-1] = told
        return weather

    def requests(self, ref: str) -> None:
        """Remember a replayed request file."""
        self.records.append(self._provenance(ref, "workload: arrivals", "replayed", 0))

    def figures(self, table: str, used_for: str, what: str, assumed: str) -> None:
        """Remember figures of a profile table that carry assumptions."""
        record = self._provenance(table, used_for, "figures", 0)
        remarks = f"Assumed: {assumed}. {record.remarks}" if assumed else record.remarks
        told = replace(record, what=what, calendar="", remarks=remarks, assumed=assumed)
        self.records.append(told)

    def _shift(self, start_ns: int, end_ns: int, ref: str, *, weekly: bool) -> int:
        """Days by which a trace must be moved so that it covers the window.

        Prices and carbon keep their weekdays (multiples of 7 days), weather keeps its date.
        """
        window = self.window
        if start_ns <= window.start_utc_ns and window.end_utc_ns <= end_ns:
            return 0
        want = f"{utc_text(window.start_utc_ns)} to {utc_text(window.end_utc_ns)}"
        have = f"{utc_text(start_ns)} to {utc_text(end_ns)}"
        if not window.mixed_years:
            raise TraceError(
                f"trace `{ref}` covers {have}, the run needs {want}; choose a trace or a start "
                "that match, or declare `clock: {mixed_years: true}` to shift whole years"
            )
        for year in range(_year(start_ns), _year(end_ns - 1) + 1):
            days = self._days_from(year)
            days = round(days / 7) * 7 if weekly else days
            moved_ns = days * NS_PER_DAY
            fits = start_ns + moved_ns <= window.start_utc_ns
            if fits and window.end_utc_ns <= end_ns + moved_ns:
                return days
        raise TraceError(f"trace `{ref}` covers {have}; no whole-year shift makes it cover {want}")

    def _days_from(self, year: int) -> int:
        """Days between the window's first date in another year and in its own."""
        start = datetime.fromtimestamp(self.window.start_utc_ns // 10**9, UTC)
        day = min(start.day, 28) if start.month == 2 else start.day
        there = start.replace(year=year, day=day)
        return round((start - there) / timedelta(days=1))

    def _record(self, ref: str, used_for: str, series: Series, days: int) -> None:
        moved_ns = days * NS_PER_DAY
        first, last = series.start_utc_ns - moved_ns, series.end_utc_ns - moved_ns
        coverage = f"{utc_text(first)} to {utc_text(last)}"
        self.records.append(self._provenance(ref, used_for, coverage, days))

    def _provenance(self, ref: str, used_for: str, coverage: str, days: int) -> Provenance:
        source = ref.partition(":")[0]
        entry = self.catalogue.entries.get(source)
        return Provenance(
            ref=ref,
            used_for=used_for,
            id=source,
            what=entry.what if entry else "file of the user",
            place=entry.place if entry else "",
            source="; ".join(entry.packages) if entry else "beside the scenario",
            owner=entry.owner if entry else "",
            licence=entry.licence if entry else "",
            sha256=entry.sha256 if entry else _sha256(source, self.base),
            coverage=coverage,
            calendar=entry.calendar if entry else "actual",
            shift_days=days,
            gaps=sum(gap.steps for gap in entry.gaps) if entry else 0,
            remarks=entry.remarks if entry else "",
        )


def slot_means(series: Series, window: Window) -> FloatArray:
    """Slot means over history, window and future, shape (slots,).

    The window itself must be covered without gaps; what lies around it is NaN where it is not.
    """
    slot_ns, start_ns = window.slot_ns, window.start_utc_ns
    inside = series.bin_means(start_ns, slot_ns, window.slots)
    before = _around(series, start_ns - window.history * slot_ns, slot_ns, window.history)
    after = _around(series, window.end_utc_ns, slot_ns, window.future)
    return np.concatenate([before, inside, after])


def _around(series: Series, start_ns: int, bin_ns: int, count: int) -> FloatArray:
    """Bin means where the series covers whole bins without gaps, NaN elsewhere."""
    first = max(0, -(-(series.start_utc_ns - start_ns) // bin_ns))
    last = min(count, (series.end_utc_ns - start_ns) // bin_ns)
    values = np.full(count, np.nan)
    if last > first:
        try:
            values[first:last] = series.bin_means(start_ns + first * bin_ns, bin_ns, last - first)
        except TraceError:  # a gap outside the window is no error: forecasters do without
            return values
    return values


def _year(utc_ns: int) -> int:
    return datetime.fromtimestamp(utc_ns // 10**9, UTC).year


def _sha256(source: str, base: Path | None) -> str:
    from hashlib import sha256

    from cosim.traces.catalogue import inside

    return sha256(inside(source, base).read_bytes()).hexdigest()
