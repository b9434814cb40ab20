"""A photovoltaic array: weather in, AC power out.

The chain is made of pvlib's *functions*: sun position in the middle of each interval (NREL SPA),
transposition (Perez et al., Solar Energy 44, 1990), reflection of the beam (physical IAM, De
Soto et al. 2006), cell temperature (Faiman, Prog. Photovolt. 16, 2008), PVWatts DC, losses,
inverter and clipping (Dobos, NREL/TP-6A20-62641, 2014). Where only global irradiance is known,
Erbs et al. (1982) split it.

Weather comes in intervals, often coarser than a meter bin. Within an interval the clear-sky
index is held and the sun moves: each component keeps its mean over the interval and takes the
shape of a clear sky (Haurwitz, 1945) seen from the bin's own sun position. Sub-interval clouds
are not invented.
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics.array_cache import read_array, write_array
from cosim.physics.solar_records import FAIMAN_U, Floats, Location, PvArray, WeatherArrays

__all__ = ["Location", "PvArray", "WeatherArrays", "cached_pv_kw", "pv_key", "pv_power_kw"]

MODEL_VERSION = "1"
_SHAPE_MAX = 10.0
_CLEAR_MIN_W_M2 = 1.0
_COS_Z_MIN = 0.065


@dataclass(frozen=True)
class _Grid:
    """The instants at which the chain is evaluated, and the interval each belongs to."""

    mid_utc_ns: NDArray[np.int64]
    interval: NDArray[np.intp]
    per_bin: int


def pv_power_kw(
    weather: WeatherArrays,
    location: Location,
    array: PvArray,
    *,
    start_utc_ns: int,
    step_ns: int,
    out_bin_ns: int,
    count: int,
    offset_ns: int = 0,
) -> Floats:
    """Return the AC power of an array, mean over each output bin [kW].

    Args:
        weather: interval means; entry k covers ``start_utc_ns + [k, k + 1) · step_ns``.
        location: where the array stands.
        array: the modules and their inverter.
        start_utc_ns: start of the first weather interval, Unix time [ns].
        step_ns: length of a weather interval [ns].
        out_bin_ns: length of an output bin [ns].
        count: number of output bins.
        offset_ns: start of the first output bin after ``start_utc_ns`` [ns].

    Returns:
        Power in [0, ``array.ac_limit_kw``], shape (count,).

    Raises:
        ValueError: if the weather does not cover the output bins.
    """
    grid = _grid(start_utc_ns, step_ns, out_bin_ns, count, offset_ns)
    last = int(grid.interval[-1]) if count else 0
    if offset_ns < 0 or last >= weather.ghi_w_m2.size:
        raise ValueError(
            f"weather has {weather.ghi_w_m2.size} intervals; the bins asked for need "
            f"intervals {int(grid.interval[0]) if count else 0} to {last}"
        )
    power_kw = np.zeros(grid.interval.size)
    lit = np.flatnonzero(weather.ghi_w_m2[grid.interval] > 0.0)
    if lit.size and array.peak_kw > 0.0:
        part = _Grid(grid.mid_utc_ns[lit], grid.interval[lit], grid.per_bin)
        power_kw[lit] = _chain_kw(weather, location, array, part)
    return np.asarray(power_kw.reshape(count, grid.per_bin).mean(axis=1))


def _grid(start_utc_ns: int, step_ns: int, bin_ns: int, count: int, offset_ns: int) -> _Grid:
    """Return the coarsest grid whose cells lie in one weather interval and one output bin."""
    if min(step_ns, bin_ns) <= 0 or count < 0:
        raise ValueError(
            f"step_ns = {step_ns}, out_bin_ns = {bin_ns}, count = {count}: lengths must be above 0"
        )
    cell_ns = math.gcd(step_ns, bin_ns, offset_ns)
    per_bin = bin_ns // cell_ns
    begin_ns = offset_ns + cell_ns * np.arange(count * per_bin, dtype=np.int64)
    mid_utc_ns = start_utc_ns + begin_ns + cell_ns // 2
    return _Grid(mid_utc_ns, (begin_ns // step_ns).astype(np.intp), per_bin)


class _Sun(NamedTuple):
    """Where the sun stands: refracted zenith and azimuth [deg], and the day of the year."""

    zenith: Floats
    azimuth: Floats
    day_of_year: NDArray[np.int64]


class _Irradiance(NamedTuple):
    """Global and diffuse horizontal and direct normal irradiance [W/m²]."""

    ghi: Floats
    dni: Floats
    dhi: Floats


def _sun(utc_ns: NDArray[np.int64], location: Location) -> _Sun:
    """Return SPA sun positions (Reda & Andreas, NREL/TP-560-34302) at Unix times [ns]."""
    import pandas as pd
    from pvlib.solarposition import spa_python

    times = pd.DatetimeIndex(utc_ns.astype("datetime64[ns]"), tz="UTC")
    table = spa_python(
        times, location.latitude_deg, location.longitude_deg, altitude=location.altitude_m
    )
    return _Sun(
        np.asarray(table["apparent_zenith"], dtype=np.float64),
        np.asarray(table["azimuth"], dtype=np.float64),
        np.asarray(times.day_of_year, dtype=np.int64),
    )


def _chain_kw(weather: WeatherArrays, location: Location, array: PvArray, grid: _Grid) -> Floats:
    sun = _sun(grid.mid_utc_ns, location)
    here = weather.take(grid.interval)
    means = _components(here, sun)
    poa, effective = _plane(array, _moving_sun(grid.interval, sun.zenith, means), sun)
    return _electric_kw(array, poa, effective, here.temp_air_c, here.wind_speed_m_s)


def _components(weather: WeatherArrays, sun: _Sun) -> _Irradiance:
    """Return (GHI, DNI, DHI) [W/m²], completing what is unknown.

    One missing component follows from closure, GHI = DNI cos z + DHI; both from Erbs.
    """
    from pvlib.irradiance import erbs

    ghi, dni, dhi = weather.ghi_w_m2, weather.dni_w_m2, weather.dhi_w_m2
    cos_z = np.cos(np.radians(sun.zenith))
    if dhi is None:
        if dni is None:
            split = erbs(ghi, sun.zenith, sun.day_of_year)
            return _Irradiance(ghi, np.asarray(split["dni"]), np.asarray(split["dhi"]))
        dhi = np.maximum(ghi - dni * np.maximum(cos_z, 0.0), 0.0)
    if dni is None:
        beam = np.maximum(ghi - dhi, 0.0) / np.maximum(cos_z, _COS_Z_MIN)
        dni = np.where(cos_z > _COS_Z_MIN, beam, 0.0)
    return _Irradiance(ghi, dni, dhi)


def _moving_sun(interval: NDArray[np.intp], zenith: Floats, means: _Irradiance) -> _Irradiance:
    """Shape the interval means (GHI, DNI, DHI) like a clear sky under the moving sun.

    Horizontal components follow Haurwitz' clear sky, 1098 cos z exp(−0.057 / cos z) [W/m²], the
    beam follows it over cos z; each keeps its mean over the interval. Where the sun is down for
    the whole interval, or one cell is one interval, nothing changes.
    """
    cos_z = np.maximum(np.cos(np.radians(zenith)), 1e-9)
    beam = 1098.0 * np.exp(-0.057 / cos_z)
    flat = _shape(interval, beam * cos_z)
    return _Irradiance(means.ghi * flat, means.dni * _shape(interval, beam), means.dhi * flat)


def _shape(interval: NDArray[np.intp], clear: Floats) -> Floats:
    """Return ``clear`` over its mean in each interval, 1 where that is dark."""
    _, place = np.unique(interval, return_inverse=True)
    mean = (np.bincount(place, clear) / np.bincount(place))[place]
    ratio = np.divide(clear, mean, out=np.ones_like(clear), where=mean > _CLEAR_MIN_W_M2)
    return np.minimum(ratio, _SHAPE_MAX)


def _plane(array: PvArray, light: _Irradiance, sun: _Sun) -> tuple[Floats, Floats]:
    """Return irradiance on the plane and what of it enters the modules [W/m²]."""
    from pvlib import iam, irradiance

    incidence = irradiance.aoi(array.tilt_deg, array.azimuth_deg, sun.zenith, sun.azimuth)
    facing = np.where(sun.zenith < 90.0, np.maximum(np.cos(np.radians(incidence)), 0.0), 0.0)
    beam = light.dni * facing
    ground = irradiance.get_ground_diffuse(array.tilt_deg, light.ghi, array.albedo)
    diffuse = _sky(array, light, sun) + ground
    return beam + diffuse, beam * np.nan_to_num(iam.physical(incidence)) + diffuse


def _sky(array: PvArray, light: _Irradiance, sun: _Sun) -> Floats:
    """Return the sky's diffuse irradiance on the plane [W/m²] (Perez et al., 1990)."""
    from pvlib import atmosphere, irradiance

    diffuse = irradiance.perez(
        array.tilt_deg,
        array.azimuth_deg,
        light.dhi,
        light.dni,
        irradiance.get_extra_radiation(sun.day_of_year),
        sun.zenith,
        sun.azimuth,
        atmosphere.get_relative_airmass(sun.zenith),
    )
    return np.nan_to_num(np.asarray(diffuse, dtype=np.float64))


def _electric_kw(
    array: PvArray, poa: Floats, effective: Floats, temp_air_c: Floats, wind_speed_m_s: Floats
) -> Floats:
    """Return AC power [kW] by Faiman's cell temperature and PVWatts' DC and inverter."""
    from pvlib import inverter, pvsystem, temperature

    u0, u1 = FAIMAN_U[array.mounting]
    cell_c = temperature.faiman(poa, temp_air_c, wind_speed_m_s, u0, u1)
    dc_kw = pvsystem.pvwatts_dc(effective, cell_c, array.peak_kw, array.gamma_per_k)
    dc_limit_kw = array.ac_limit_kw / array.inverter_efficiency
    given_kw = np.maximum(dc_kw, 0.0) * (1.0 - array.losses)
    # PVWatts' inverter gives nothing below 0.6 % of its limit, but divides by what it is given
    given_kw = np.where(given_kw < 1e-6 * dc_limit_kw, 0.0, given_kw)
    ac_kw = inverter.pvwatts(given_kw, dc_limit_kw, array.inverter_efficiency)
    return np.maximum(np.asarray(ac_kw, dtype=np.float64), 0.0)


def pv_key(weather: WeatherArrays, location: Location, array: PvArray, *numbers: int) -> str:
    """Return a hash of everything that the power depends on, as 32 hexadecimal digits."""
    digest = blake2b(digest_size=16)
    facts = (MODEL_VERSION, FAIMAN_U, astuple(location), astuple(array), numbers)
    digest.update(repr(facts).encode())
    for name in weather.__dataclass_fields__:
        values = getattr(weather, name)
        digest.update(name.encode() if values is None else np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def cached_pv_kw(
    cache_dir: Path | None,
    weather: WeatherArrays,
    location: Location,
    array: PvArray,
    *,
    start_utc_ns: int,
    step_ns: int,
    out_bin_ns: int,
    count: int,
    offset_ns: int = 0,
) -> Floats:
    """Return ``pv_power_kw``, kept in a file so that a site's window is computed once.

    Args:
        cache_dir: folder of the cache, made if absent; None computes without one.
        weather: see ``pv_power_kw``, as are the other arguments.
        location: where the array stands.
        array: the modules and their inverter.
        start_utc_ns: start of the first weather interval, Unix time [ns].
        step_ns: length of a weather interval [ns].
        out_bin_ns: length of an output bin [ns].
        count: number of output bins.
        offset_ns: start of the first output bin after ``start_utc_ns`` [ns].

    Returns:
        Power per bin [kW], shape (count,). A damaged file is computed anew and replaced.
    """
    window = (start_utc_ns, step_ns, out_bin_ns, count, offset_ns)
    path = cache_dir and cache_dir / f"pv-{pv_key(weather, location, array, *window)}.npy"
    kept = read_array(path, count, 0.0, array.ac_limit_kw) if path else None
    if kept is not None:
        return kept
    power_kw = pv_power_kw(
        weather,
        location,
        array,
        start_utc_ns=start_utc_ns,
        step_ns=step_ns,
        out_bin_ns=out_bin_ns,
        count=count,
        offset_ns=offset_ns,
    )
    if path:
        write_array(path, power_kw)
    return power_kw
