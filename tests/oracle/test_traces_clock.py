"""The sun's clock in cosim against pvlib, which computes it in another way."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pvlib
import pytest

from cosim.quantities import NS_PER_MIN
from cosim.traces.clock import clock_certificate, extraterrestrial_wh_m2, solar_noon_min
from cosim.traces.place import Place
from cosim.traces.weather import Weather

YEAR = pd.date_range("2019-01-01", "2020-01-01", freq="15min", tz="UTC", inclusive="left")
PLACES = [(52.41, 13.06), (33.45, -111.98), (-33.85, 151.2), (1.3, 103.8)]


def clear_year(lat: float, lon: float) -> Weather:
    """A cloudless year by the Haurwitz model at mid-interval sun positions."""
    middle = YEAR + pd.Timedelta("7.5min")
    sun = pvlib.solarposition.get_solarposition(middle, lat, lon)
    ghi = pvlib.clearsky.haurwitz(sun["apparent_zenith"])["ghi"].to_numpy()
    blank = np.zeros(len(YEAR))
    return Weather(
        "clear", YEAR[0].value, 15 * NS_PER_MIN, ghi, blank, blank, blank, blank, Place(lat, lon)
    )


def test_solar_noon_agrees_with_the_ephemeris() -> None:
    days = pd.date_range("2019-01-01", periods=365, tz="UTC")
    transit = pvlib.solarposition.sun_rise_set_transit_spa(days, 0.0, 0.0)["transit"]
    ours_min = solar_noon_min(np.arange(1.0, 366.0))
    theirs_min = (transit - days).dt.total_seconds().to_numpy() / 60
    assert np.abs(ours_min - theirs_min).max() < 1.0


@pytest.mark.parametrize(("lat", "lon"), PLACES)
def test_daily_sunshine_above_the_air_agrees(lat: float, lon: float) -> None:
    days = pd.date_range("2019-03-01", periods=30, freq="D", tz="UTC")
    for day in days:
        # from midnight of local mean solar time, so that the sum is over one solar day
        times = pd.date_range(day - pd.Timedelta(hours=lon / 15), periods=288, freq="5min")
        sun = pvlib.solarposition.get_solarposition(times, lat, lon)
        up = np.maximum(np.cos(np.radians(sun["zenith"].to_numpy())), 0)
        theirs_wh_m2 = 1361.0 * up.sum() / 12
        ours_wh_m2 = extraterrestrial_wh_m2(np.array([float(day.day_of_year)]), lat)[0]
        assert ours_wh_m2 == pytest.approx(theirs_wh_m2, rel=0.02)


@pytest.mark.parametrize(("lat", "lon"), PLACES)
def test_a_cloudless_year_is_certified_within_a_minute(lat: float, lon: float) -> None:
    certificate = clock_certificate(clear_year(lat, lon))
    assert certificate.clear_days > 200
    assert abs(certificate.offset_min) < 1.0


@pytest.mark.parametrize("late_min", [-45, -20, -5, 5, 20, 45])
def test_the_lateness_put_in_is_the_lateness_found(late_min: int) -> None:
    good = clear_year(52.41, 13.06)
    late = replace(good, start_utc_ns=good.start_utc_ns + late_min * NS_PER_MIN)
    certificate = clock_certificate(late)
    assert certificate.offset_min == pytest.approx(late_min, abs=1.0)
    assert certificate.status == ("ok" if abs(late_min) <= 15 else "fail")


def test_a_known_lateness_is_forgiven() -> None:
    good = clear_year(52.41, 13.06)
    late = replace(
        good,
        start_utc_ns=good.start_utc_ns + 30 * NS_PER_MIN,
        place=replace(good.place, clock_offset_min=30.0),
    )
    assert clock_certificate(late).status == "ok"
