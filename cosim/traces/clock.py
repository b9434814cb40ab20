"""Is the clock of a weather file right? The sun says.

On a clear day the sunshine is symmetric about solar noon. If stamps are late by half an hour, so
is the centre of that day's irradiance, and a solar simulation errs by 10 % an hour. The
certificate is the median distance between that centre and solar noon over a year's clear days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cosim.quantities import NS_PER_DAY, NS_PER_MIN
from cosim.traces.series import Floats
from cosim.traces.weather import Weather

Ints = NDArray[np.int64]
Status = Literal["ok", "unknown", "fail"]
TOLERANCE_MIN = 15.0
"""Largest distance from the known offset; half of the smallest usual label error, 30 min."""
MIN_CLEAR_DAYS = 3
_MIN_CLEARNESS = (
    0.45  # of the extraterrestrial daily sum: cloudless mid-latitude days reach 0.6-0.8
)
_MAX_WIGGLE = 1.05  # path of the day's curve up and down, relative to one rise and one fall
_DAY_MIN = 1440


@dataclass(frozen=True)
class ClockCertificate:
    """How far the clock of a weather series is from the sun.

    Attributes:
        trace: name of the series.
        clear_days: cloudless days that were found.
        offset_min: median of (centre of irradiance - solar noon) [min], + where stamps are late;
            NaN without clear days.
        known_min: the offset declared for this source [min].
        status: ``ok`` within 15 min of the known offset, ``fail`` beyond, ``unknown`` with fewer
            than 3 clear days.
    """

    trace: str
    clear_days: int
    offset_min: float
    known_min: float
    status: Status

    def __str__(self) -> str:
        if self.status == "unknown":
            return f"sun's clock unknown: {self.clear_days} clear day(s), {MIN_CLEAR_DAYS} needed"
        verdict = "" if self.status == "ok" else "; the stamps are shifted or name another end"
        return (
            f"sun {self.offset_min:+.1f} min from its noon on {self.clear_days} clear days "
            f"(known {self.known_min:+.1f}, tolerated {TOLERANCE_MIN:.0f}){verdict}"
        )


@dataclass(frozen=True)
class WindowCertificate:
    """The clock of a weather series for one run.

    Attributes:
        year: certificate of the whole series.
        clear_days: clear days inside the run's window.
        offset_min: median offset on these days [min]; NaN where there is none.
    """

    year: ClockCertificate
    clear_days: int
    offset_min: float


def clock_certificate(weather: Weather) -> ClockCertificate:
    """Compare the centre of irradiance with solar noon over all clear days of a series."""
    _, offsets_min = _clear_days(weather)
    known_min = weather.place.clock_offset_min
    count = len(offsets_min)
    offset_min = float(np.median(offsets_min)) if count else float("nan")
    status: Status = "ok" if abs(offset_min - known_min) <= TOLERANCE_MIN else "fail"
    if count < MIN_CLEAR_DAYS:
        status = "unknown"
    return ClockCertificate(weather.name, count, offset_min, known_min, status)


def window_certificate(weather: Weather, start_utc_ns: int, end_utc_ns: int) -> WindowCertificate:
    """Certify a run: its weather's year, and the clear days whose noon lies in the window."""
    noons_utc_ns, offsets_min = _clear_days(weather)
    within = offsets_min[(noons_utc_ns >= start_utc_ns) & (noons_utc_ns < end_utc_ns)]
    offset_min = float(np.median(within)) if len(within) else float("nan")
    return WindowCertificate(clock_certificate(weather), len(within), offset_min)


def solar_noon_min(day_of_year: Floats) -> Floats:
    """Return local mean time of solar noon [min], 720 minus the equation of time.

    Spencer (1971) as given by the NOAA solar calculator; within half a minute of an ephemeris.
    """
    angle = 2 * np.pi * (day_of_year - 1) / 365
    noon_min: Floats = 720.0 - 229.18 * (
        0.000075
        + 0.001868 * np.cos(angle)
        - 0.032077 * np.sin(angle)
        - 0.014615 * np.cos(2 * angle)
        - 0.040849 * np.sin(2 * angle)
    )
    return noon_min


def extraterrestrial_wh_m2(day_of_year: Floats, lat: float) -> Floats:
    """Return the daily sum of sunshine on a horizontal plane above the air [Wh/m²] (Spencer)."""
    angle = 2 * np.pi * (day_of_year - 1) / 365
    decl = (
        0.006918
        - 0.399912 * np.cos(angle)
        + 0.070257 * np.sin(angle)
        - 0.006758 * np.cos(2 * angle)
        + 0.000907 * np.sin(2 * angle)
    )
    phi = np.radians(lat)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(decl), -1.0, 1.0))
    mean_cos = sunset * np.sin(phi) * np.sin(decl) + np.cos(phi) * np.cos(decl) * np.sin(sunset)
    daily: Floats = 24 / np.pi * 1361.0 * np.maximum(mean_cos, 0.0)
    return daily


def _clear_days(weather: Weather) -> tuple[Ints, Floats]:
    """Return (Unix ns of solar noon, offset of the irradiance's centre [min]) of clear days."""
    ghi, tod_min, first_day = _by_solar_day(weather)
    days = first_day + np.arange(len(ghi))
    day_of_year = _day_of_year(days)
    total = ghi.sum(axis=1)
    step_h = weather.step_ns / NS_PER_MIN / 60
    beyond = extraterrestrial_wh_m2(day_of_year, weather.lat)
    wiggle = np.abs(np.diff(ghi, axis=1, prepend=0.0, append=0.0)).sum(axis=1)
    clear = (total * step_h > _MIN_CLEARNESS * beyond) & (beyond > 0) & (total > 0)
    clear &= wiggle <= _MAX_WIGGLE * 2 * ghi.max(axis=1, initial=0.0)
    noon_min = solar_noon_min(day_of_year)[clear]
    centre_min = (ghi[clear] @ tod_min) / total[clear]
    noon_utc_min = days[clear] * _DAY_MIN + noon_min - 4 * weather.lon
    noons_utc_ns = np.rint(noon_utc_min * NS_PER_MIN).astype(np.int64)
    return noons_utc_ns, centre_min - noon_min


def _by_solar_day(weather: Weather) -> tuple[Floats, Floats, int]:
    """Fold irradiance into whole days of local mean solar time.

    Returns:
        irradiance, shape (days, rows a day); minute of the day of each row's middle, shape
        (rows a day,); number of the first day since 1970. No day where the step divides none.
    """
    per_day = NS_PER_DAY // weather.step_ns
    middle_min = (weather.start_utc_ns + weather.step_ns / 2) / NS_PER_MIN + 4 * weather.lon
    first_day = int(np.ceil(middle_min / _DAY_MIN - 1e-9))
    step_min = weather.step_ns / NS_PER_MIN
    if NS_PER_DAY % weather.step_ns:
        return np.empty((0, 1)), np.zeros(1), first_day
    skip = int(np.ceil((first_day * _DAY_MIN - middle_min) / step_min - 1e-9))
    days = max(0, (len(weather.ghi_w_m2) - skip) // per_day)
    ghi = weather.ghi_w_m2[skip : skip + days * per_day].reshape(days, per_day)
    first_min = middle_min - first_day * _DAY_MIN
    tod_min: Floats = first_min + step_min * np.arange(skip, skip + per_day, dtype=np.float64)
    sunshine: Floats = np.maximum(ghi, 0.0)
    return sunshine, tod_min, first_day


def _day_of_year(days: Ints) -> Floats:
    dates = days.astype("datetime64[D]")
    years = dates.astype("datetime64[Y]").astype("datetime64[D]")
    result: Floats = (dates - years).astype(np.float64) + 1
    return result
