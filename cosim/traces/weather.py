"""The weather at one place: sunshine, air and wind on one clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cosim.errors import TraceError
from cosim.quantities import NS_PER_DAY
from cosim.traces.place import Calendar, Place
from cosim.traces.series import Floats, Series
from cosim.traces.table import StampedTable

UNITS: Mapping[str, str] = {
    "ghi_w_m2": "W/m2",
    "dni_w_m2": "W/m2",
    "dhi_w_m2": "W/m2",
    "temp_air_c": "degC",
    "wind_speed_m_s": "m/s",
}
"""The columns that a weather file must have, and their units."""


@dataclass(frozen=True, eq=False)
class Weather:
    """Weather at one place; row *k* holds on ``[start + k·step, start + (k+1)·step)`` UTC.

    Attributes:
        name: catalogue id or path.
        start_utc_ns: start of row 0.
        step_ns: length of a row [ns].
        ghi_w_m2: global horizontal irradiance [W/m²], shape (rows,).
        dni_w_m2: direct normal irradiance [W/m²].
        dhi_w_m2: diffuse horizontal irradiance [W/m²].
        temp_air_c: air temperature [°C].
        wind_speed_m_s: wind speed [m/s] at ``place.wind_height_m``.
        place: where, and on which calendar.
    """

    name: str
    start_utc_ns: int
    step_ns: int
    ghi_w_m2: Floats
    dni_w_m2: Floats
    dhi_w_m2: Floats
    temp_air_c: Floats
    wind_speed_m_s: Floats
    place: Place

    @property
    def lat(self) -> float:
        """Latitude [deg]."""
        return self.place.lat

    @property
    def lon(self) -> float:
        """Longitude [deg]."""
        return self.place.lon

    @property
    def alt_m(self) -> float:
        """Altitude [m]."""
        return self.place.alt_m

    @property
    def tz(self) -> str:
        """IANA time zone."""
        return self.place.tz

    @property
    def calendar(self) -> Calendar:
        """Whether the rows belong to a real year."""
        return self.place.calendar

    @property
    def end_utc_ns(self) -> int:
        """End of the last row (exclusive)."""
        return self.start_utc_ns + self.step_ns * len(self.ghi_w_m2)

    def series(self, column: str) -> Series:
        """Return one column as a step series, e.g. ``temp_air_c``."""
        values: Floats = getattr(self, column)
        return Series(
            f"{self.name}:{column}", UNITS[column], self.start_utc_ns, self.step_ns, values
        )

    def shifted(self, days: int) -> Weather:
        """Move the calendar by whole days (a *mixed-year* scenario); the sun moves with it."""
        name = f"{self.name} (moved {days:+d} days)" if days else self.name
        return replace(self, name=name, start_utc_ns=self.start_utc_ns + days * NS_PER_DAY)


def weather_from(table: StampedTable, place: Place) -> Weather:
    """Pick the weather columns of a table; all of ``UNITS`` must be there."""
    missing = [column for column in UNITS if column not in table.columns]
    if missing:
        raise TraceError(
            f"trace `{table.name}`: no column {', '.join(missing)}; a weather file needs "
            f"{', '.join(UNITS)} (found: {', '.join(table.columns)})"
        )
    columns = {column: table.columns[column] for column in UNITS}
    return Weather(table.name, table.start_utc_ns, table.step_ns, place=place, **columns)
