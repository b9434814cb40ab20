"""Where a weather series was taken, and whether its rows belong to a real year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from cosim.errors import TraceError

Calendar = Literal["actual", "nominal"]


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
