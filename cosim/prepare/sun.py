"""Solar power of a site over a stretch of meter bins, kept in a cache between runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError
from cosim.physics.solar import cached_pv_kw
from cosim.physics.solar_records import Location, PvArray, WeatherArrays
from cosim.scenario.model import Site
from cosim.traces.weather import Weather


def solar_kw(
    site: Site,
    scale: float,
    weather: Weather,
    start_utc_ns: int,
    bin_ns: int,
    count: int,
    cache: Path | None,
) -> NDArray[np.float64]:
    """Mean AC power of a site's solar field in each bin [kW], shape (count,).

    Args:
        site: the site; its coordinates, not those of the weather, place the sun.
        scale: the scenario's scale.
        weather: weather that covers the bins.
        start_utc_ns: start of the first bin [ns].
        bin_ns: length of a bin [ns].
        count: number of bins.
        cache: folder of computed series, None for no cache.
    """
    if site.pv is None:
        return np.zeros(count)
    pv = site.pv
    array = PvArray(
        peak_kw=pv.peak_kw * scale,
        tilt_deg=pv.tilt_deg,
        azimuth_deg=pv.azimuth_deg,
        dc_ac_ratio=pv.dc_ac_ratio,
        losses=pv.losses,
        mounting=pv.mounting,
        albedo=pv.albedo,
    )
    place = site.location
    first = (start_utc_ns - weather.start_utc_ns) // weather.step_ns
    last = -(-(start_utc_ns + count * bin_ns - weather.start_utc_ns) // weather.step_ns)
    part = slice(first, last)
    ghi_w_m2 = weather.ghi_w_m2[part]
    if np.isnan(ghi_w_m2).any():
        raise TraceError(f"trace `{weather.name}` has gaps in its irradiance in the window")
    first_ns = weather.start_utc_ns + first * weather.step_ns
    return cached_pv_kw(
        cache,
        WeatherArrays(
            ghi_w_m2,
            weather.dni_w_m2[part],
            weather.dhi_w_m2[part],
            weather.temp_air_c[part],
            weather.wind_speed_m_s[part],
        ),
        Location(place.lat_deg, place.lon_deg, place.alt_m),
        array,
        start_utc_ns=first_ns,
        step_ns=weather.step_ns,
        out_bin_ns=bin_ns,
        count=count,
        offset_ns=start_utc_ns - first_ns,
    )
