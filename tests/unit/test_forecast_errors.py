"""The noisy forecaster: how far it misses, how that grows, and what it never gets wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.prepare.forecast_errors import day_error
from cosim.run import run, staged
from cosim.scenario.load import load_scenario

QUICK = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"
HOUR = 12  # slots
NAMES = ("price", "sale", "carbon", "solar", "wind", "temperature")


def seen(*overrides, kind="noisy", seed=1, policy="home"):
    """A stage and what was foreseen at the edges of some hours of the quickstart."""
    given = [f"forecast.kind={kind}", "workload.scale=0.01", "clock.days=0.25", *overrides]
    stage, log = staged(load_scenario(QUICK, given)), []
    run(stage, policy=policy, energy="idle", seed=seed, watch=lambda o, d: log.append(o))
    return stage, log


def values(observation, name):
    return getattr(observation.forecast, name).values


def test_without_error_it_is_perfect():
    exact, same = seen(kind="perfect")[1], seen("forecast.error_level=0")[1]
    for name in NAMES:
        np.testing.assert_allclose(values(same[30], name), values(exact[30], name), atol=1e-9)


def test_what_is_public_is_never_missed_and_what_is_dark_stays_dark():
    (_, noisy), (_, exact) = seen("forecast.error_level=3"), seen(kind="perfect")
    price = noisy[0].forecast.price
    assert price.published.any()
    np.testing.assert_array_equal(
        price.values[price.published], values(exact[0], "price")[price.published]
    )
    sun, true_sun = values(noisy[0], "solar"), values(exact[0], "solar")
    assert (sun[true_sun == 0.0] == 0.0).all()
    assert (sun >= 0.0).all()
    assert (values(noisy[0], "carbon") >= 0.0).all()


def test_seeds_differ_and_policies_do_not():
    one, same, other = seen()[1], seen(policy="greedy-utility")[1], seen(seed=2)[1]
    np.testing.assert_array_equal(values(one[20], "wind"), values(same[20], "wind"))
    assert not np.array_equal(values(one[20], "wind"), values(other[20], "wind"))


@pytest.fixture(scope="module")
def misses():
    """Errors of temperature forecasts over many seeds, shape (seeds, leads), and their scale."""
    rows, stage = [], staged(load_scenario(QUICK, ["forecast.kind=noisy", "clock.days=0.25"]))
    outside = stage.outside
    for seed in range(300):
        errors = stage.plan(seed).errors
        path, first = errors.paths["temp_out_c"][:, 0], outside.history
        leads = np.arange(1, 1 + 24 * HOUR)
        rows.append(path[first : first + 24 * HOUR] - errors.keep**leads * path[first - 1])
    sigma = day_error(outside.temp_out_c, outside.history, relative=False)[0]
    return np.array(rows), sigma, errors.keep


def test_errors_grow_with_the_lead_to_those_of_yesterdays_value(misses):
    found, sigma, keep = misses
    rms = np.sqrt((found**2).mean(axis=0))
    expected = sigma * np.sqrt(1.0 - keep ** (2.0 * np.arange(1, 1 + 24 * HOUR)))
    assert rms[0] < 0.25 * sigma
    assert rms[-HOUR:].mean() == pytest.approx(sigma, rel=0.15)
    np.testing.assert_allclose(rms, expected, rtol=0.2)


def test_neighbouring_slots_are_missed_alike(misses):
    found, _, _ = misses
    far, next_to_it, hours_later = found[:, 100], found[:, 101], found[:, 280]
    assert np.corrcoef(far, next_to_it)[0, 1] > 0.95
    assert abs(np.corrcoef(far, hours_later)[0, 1]) < 0.3


def test_the_same_slot_is_missed_less_the_later_it_is_forecast():
    stage = staged(load_scenario(QUICK, ["forecast.kind=noisy", "clock.days=0.25"]))
    target, first = stage.outside.history + 60, stage.outside.history
    sums = np.zeros(3)
    for seed in range(60):
        errors = stage.plan(seed).errors
        path = errors.paths["wind_kw"]
        for k, issued in enumerate((first, first + 40, first + 58)):
            left = path[target] - errors.keep ** (target - issued) * path[issued]
            sums[k] += (left**2).sum()
    assert sums[0] > sums[1] > sums[2] > 0.0


def test_the_scale_is_the_change_from_one_day_to_the_next():
    series = np.array([[1.0, 0.0], [3.0, 0.0], [4.0, np.nan], [3.0, 0.0]])
    np.testing.assert_allclose(day_error(series, 2, relative=False), [np.sqrt(4.5), 0.0])
    relative = day_error(series, 2, relative=True)
    np.testing.assert_allclose(relative, [np.sqrt(4.5) / np.sqrt(35.0 / 4.0), 0.0])
