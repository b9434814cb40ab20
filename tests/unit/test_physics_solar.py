"""The solar chain's edges: nights, clipping, finer bins, missing components, the cache."""

import numpy as np
import pytest

from cosim.physics.solar import (
    Location,
    PvArray,
    WeatherArrays,
    cached_pv_kw,
    pv_key,
    pv_power_kw,
)
from cosim.quantities import NS_PER_MIN, NS_PER_S

MIDSUMMER_NS = 1_561_075_200 * NS_PER_S  # 2019-06-21T00:00Z
PLACE = Location(52.4, 13.1, 42.0)
SOUTH = PvArray(100.0, 30.0)


def clear_day(step_min=15, scale=1.0):
    """Return a smooth summer day: GHI a sine from 03 to 19 UTC, a third of it diffuse at noon."""
    hours = (np.arange(24 * 60 // step_min) + 0.5) * step_min / 60
    height = np.maximum(np.sin(np.pi * (hours - 3) / 16), 0.0) * ((hours > 3) & (hours < 19))
    ghi = 850.0 * scale * height
    dni = np.where(height > 0.2, 800.0 * scale * height**0.4, 0.0)
    dhi = np.maximum(ghi - dni * height * 0.88, 0.1 * ghi)
    full = np.full_like
    return WeatherArrays(ghi, dni, dhi, full(ghi, 20.0), full(ghi, 3.0))


def run(weather, array=SOUTH, step_min=15, bin_min=15, count=None, offset_min=0):
    count = 24 * 60 // bin_min if count is None else count
    return pv_power_kw(
        weather,
        PLACE,
        array,
        start_utc_ns=MIDSUMMER_NS,
        step_ns=step_min * NS_PER_MIN,
        out_bin_ns=bin_min * NS_PER_MIN,
        count=count,
        offset_ns=offset_min * NS_PER_MIN,
    )


def test_nights_are_zero_and_days_are_not():
    power = run(clear_day())
    assert (power[:12] == 0).all()
    assert (power[-16:] == 0).all()
    assert 50 < power.max() < 80


def test_hardly_any_light_gives_nothing_and_no_overflow():
    faint = clear_day(scale=1e-310)
    assert (run(faint) == 0).all()


def test_a_small_inverter_clips():
    small = PvArray(100.0, 30.0, dc_ac_ratio=2.0)
    power = run(clear_day(), small)
    assert power.max() == pytest.approx(50.0)
    assert (power == power.max()).sum() > 4


def test_a_roof_is_warmer_than_a_rack():
    roof = PvArray(100.0, 30.0, mounting="roof")
    ratio = run(clear_day(), roof).sum() / run(clear_day()).sum()
    assert 0.96 < ratio < 1.0


@pytest.mark.parametrize("bin_min", [1, 5, 10, 30, 60])
def test_energy_does_not_depend_on_the_bin(bin_min):
    whole = run(clear_day()).sum() * 15
    assert run(clear_day(), bin_min=bin_min).sum() * bin_min == pytest.approx(whole, rel=2e-3)


def test_coarse_bins_are_means_of_the_fine_ones():
    fine, coarse = run(clear_day()), run(clear_day(), bin_min=60)
    np.testing.assert_allclose(fine.reshape(-1, 4).mean(axis=1), coarse, rtol=1e-12)


def test_finer_bins_follow_the_moving_sun():
    hourly = clear_day(step_min=60)
    stairs = np.repeat(run(hourly, step_min=60, bin_min=60), 60)
    smooth = run(hourly, step_min=60, bin_min=1)
    jump = np.abs(np.diff(smooth)).max()
    assert jump < 0.5 * np.abs(np.diff(stairs)).max()
    assert smooth.sum() == pytest.approx(stairs.sum(), rel=5e-3)


def test_an_offset_window_is_a_part_of_the_whole():
    whole = run(clear_day(), bin_min=5)
    np.testing.assert_allclose(
        run(clear_day(), bin_min=5, count=60, offset_min=480), whole[96:156], rtol=1e-12
    )


def test_unknown_components_are_completed():
    full = clear_day()
    nothing = np.full_like(full.ghi_w_m2, np.nan)
    known = run(full).sum()
    parts = (full.temp_air_c, full.wind_speed_m_s)
    only_ghi = WeatherArrays(full.ghi_w_m2, nothing, None, *parts)
    assert only_ghi.dni_w_m2 is None
    assert run(only_ghi).sum() == pytest.approx(known, rel=0.10)
    without_dni = WeatherArrays(full.ghi_w_m2, None, full.dhi_w_m2, *parts)
    assert run(without_dni).sum() == pytest.approx(known, rel=0.05)
    without_dhi = WeatherArrays(full.ghi_w_m2, full.dni_w_m2, None, *parts)
    assert run(without_dhi).sum() == pytest.approx(known, rel=0.05)


def test_gaps_and_ragged_columns_are_refused():
    day = clear_day()
    holed = day.temp_air_c.copy()
    holed[[3, 7]] = np.nan
    with pytest.raises(ValueError, match=r"temp_air_c: 2 entries not finite, first at index 3"):
        WeatherArrays(day.ghi_w_m2, None, None, holed, day.wind_speed_m_s)
    with pytest.raises(ValueError, match="differ in shape"):
        WeatherArrays(day.ghi_w_m2[1:], None, None, day.temp_air_c, day.wind_speed_m_s)


def test_bins_outside_the_weather_are_refused():
    with pytest.raises(ValueError, match="has 96 intervals"):
        run(clear_day(), count=97)
    with pytest.raises(ValueError, match="has 96 intervals"):
        run(clear_day(), count=1, offset_min=-15)
    assert run(clear_day(), count=0).shape == (0,)


@pytest.mark.parametrize(
    "change",
    [{"tilt_deg": 91.0}, {"peak_kw": -1.0}, {"mounting": "floating"}, {"gamma_per_k": 0.01}],
)
def test_bad_arrays_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        PvArray(**({"peak_kw": 100.0, "tilt_deg": 30.0} | change))


def test_latitude_is_checked():
    with pytest.raises(ValueError, match="latitude_deg"):
        Location(91.0, 0.0)


def cached(folder, weather, array=SOUTH):
    return cached_pv_kw(
        folder,
        weather,
        PLACE,
        array,
        start_utc_ns=MIDSUMMER_NS,
        step_ns=15 * NS_PER_MIN,
        out_bin_ns=15 * NS_PER_MIN,
        count=96,
    )


def test_cache_returns_what_was_computed_and_is_really_read(tmp_path):
    first = cached(tmp_path / "pv", clear_day())
    (kept,) = (tmp_path / "pv").iterdir()
    np.testing.assert_array_equal(first, run(clear_day()))
    np.save(kept, first * 0.5)
    np.testing.assert_array_equal(cached(tmp_path / "pv", clear_day()), first * 0.5)


@pytest.mark.parametrize("damage", [b"", b"not an array", b"\x93NUMPY\x01\x00v\x00"])
def test_a_damaged_file_is_computed_anew_and_replaced(tmp_path, damage):
    first = cached(tmp_path, clear_day())
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage)
    np.testing.assert_array_equal(cached(tmp_path, clear_day()), first)
    np.testing.assert_array_equal(np.load(kept), first)


@pytest.mark.parametrize("wrong", [np.zeros(95), np.full(96, np.nan), np.full(96, 1e9), "text"])
def test_a_file_that_cannot_be_ours_is_replaced(tmp_path, wrong):
    first = cached(tmp_path, clear_day())
    (kept,) = tmp_path.iterdir()
    np.save(kept, np.array(wrong))
    np.testing.assert_array_equal(cached(tmp_path, clear_day()), first)


def test_a_pickle_in_the_cache_is_never_executed(tmp_path):
    first = cached(tmp_path, clear_day())
    (kept,) = tmp_path.iterdir()
    np.save(kept, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.testing.assert_array_equal(cached(tmp_path, clear_day()), first)


def test_anything_that_matters_changes_the_key():
    day = clear_day()
    parts = (day.ghi_w_m2, None, day.dhi_w_m2, day.temp_air_c, day.wind_speed_m_s)
    keys = {
        pv_key(day, PLACE, SOUTH, 1, 2),
        pv_key(clear_day(scale=0.9), PLACE, SOUTH, 1, 2),
        pv_key(WeatherArrays(*parts), PLACE, SOUTH, 1, 2),
        pv_key(day, Location(52.4, 13.2, 42.0), SOUTH, 1, 2),
        pv_key(day, PLACE, PvArray(100.0, 31.0), 1, 2),
        pv_key(day, PLACE, SOUTH, 1, 3),
    }
    assert len(keys) == 6
    assert pv_key(clear_day(), PLACE, SOUTH, 1, 2) in keys


def test_no_cache_folder_means_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cached(None, clear_day())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_does_not_stop_the_run(tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    np.testing.assert_array_equal(cached(blocker / "pv", clear_day()), run(clear_day()))
