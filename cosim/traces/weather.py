"""The weather at one place: sunshine, air and wind on one clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from cosim.errors import TraceError
from cosim.quantities import NS_PER_DAY
from cosim.traces.series import Floats, Series
from cosim.traces.table import StampedTable

Calendar = Literal["actual", "nominal"]
UNITS: Mapping[str, str] = {
    "ghi_w_m2": "W/m2",
    "dni_w_m2": "W/m2",
    "dhi_w_m2": "W/m2",
    "temp_air_c": "degC",
    "wind_speed_m_s": "m/s",
}
"""The columns that a weather file must have, and their units."""


@dataclass(frozen=True)
class Place:
    """Where a weather series was taken.

    Attributes:
        lat: latitude [deg], north positive, -90 to 90.
        lon: longitude [deg], east positive, -180 to 180.
        alt_m: altitude above sea level [m].
        tz: IANA time zone, for tables and figures only; the data are UTC.
        calendar: ``actual`` year, or ``nominal`` (a typical year on a borrowed calendar).
        wind_height_m: height of the wind speed above ground [m].
        clock_offset_min: known lateness of the stamps [min], + when the sun of a row shone earlier
            than its stamp's interval says.
    """

    lat: float
    lon: float
    alt_m: float = 0.0
    tz: str = "UTC"
    calendar: Calendar = "actual"
    wind_height_m: float = 10.0
    clock_offset_min: float = 0.0

    @classmethod
    def from_about(cls, name: str, about: Mapping[str, str]) -> Place:
        """Read a place from the ``# key: value`` lines on top of a user's file."""
        problems = [
            f"  add a line `# {key}: ...` at the top" for key in ("lat", "lon") if key not in about
        ]
        numbers: dict[str, float] = {}
        limits = {
            "lat": (-90.0, 90.0),
            "lon": (-180.0, 180.0),
            "alt_m": (-500.0, 9000.0),
            "wind_height_m": (0.5, 300.0),
            "clock_offset_min": (-720.0, 720.0),
        }
        for key in limits.keys() & about.keys():
            number = _number_within(about[key], *limits[key])
            if number is None:
                problems.append(f"  `# {key}: {about[key]}` must be a number in {limits[key]}")
            else:
                numbers[key] = number
        calendar = about.get("calendar", "actual")
        if calendar not in get_args(Calendar):
            problems.append(f"  `# calendar: {calendar}` must be actual or nominal")
        if problems:
            raise TraceError("\n".join([f"trace `{name}`: place unclear", *sorted(problems)]))
        kind: Calendar = "nominal" if calendar == "nominal" else "actual"
        return cls(tz=about.get("tz", "UTC"), calendar=kind, **numbers)


def _number_within(text: str, low: float, high: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if low <= number <= high else None


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
