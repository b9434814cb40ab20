"""By how much forecasts will be wrong: errors that grow with the lead, as bad as one asks for.

An error is what a stationary AR(1) process x still has in store. At slot s the forecast of slot t
misses by σ·(x_t − a^(t−s) x_s): nothing at lead 0, then growing as σ·sqrt(1 − a^(2(t−s))) towards
σ, alike for neighbouring slots, and smaller the later the same slot is forecast. σ is measured on
the traces: at ``error_level: 1`` a far forecast misses as yesterday's value does in the root mean
square.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cosim.quantities import hours_from_ns
from cosim.rng import stream
from cosim.scenario.model import Scenario
from cosim.scenario.pools import places
from cosim.world.plan import Errors, Outside

FloatArray = NDArray[np.float64]

RELATIVE = ("solar_kw", "wind_kw")
"""Forecast as a factor on the truth, so that nothing shines at night."""
ABSOLUTE = ("price_usd_kwh", "sale_usd_kwh", "carbon_g_kwh", "temp_out_c")


def draw_errors(
    scenario: Scenario, outside: Outside, slot_ns: int, day: int, seed: int
) -> Errors | None:
    """Draw the errors of a run's forecasts; None where the forecaster is not ``noisy``.

    Args:
        scenario: the scenario.
        outside: the series that are forecast.
        slot_ns: length of a slot [ns].
        day: slots in a day.
        seed: the run's seed.
    """
    if scenario.forecast.kind != "noisy":
        return None
    keep = math.exp(-hours_from_ns(slot_ns) / scenario.forecast.error_hours)
    sites, at = tuple(scenario.sites), np.array(places(scenario))
    first = np.unique(at)  # pools behind one meter share its forecasts
    paths = {}
    for name in (*ABSOLUTE, *RELATIVE):
        series: FloatArray = getattr(outside, name)
        sigma = scenario.forecast.error_level * day_error(series, day, relative=name in RELATIVE)
        dice = (stream(seed, "forecast", name, site) for site in sites)
        x = [_ar1(rng.standard_normal(len(series)), keep) for rng in dice]
        paths[name] = sigma * np.stack(x, axis=1)[:, np.searchsorted(first, at)]
    return Errors(keep, paths, frozenset(RELATIVE))


def _ar1(dice: FloatArray, keep: float) -> FloatArray:
    """A stationary AR(1) path of unit variance."""
    from scipy.signal import lfilter

    dice = dice * math.sqrt(1.0 - keep * keep)
    dice[0] /= math.sqrt(1.0 - keep * keep)
    return np.asarray(lfilter([1.0], [1.0, -keep], dice), dtype=np.float64)


def day_error(series: FloatArray, day: int, *, relative: bool) -> FloatArray:
    """Root mean square by which a value differs from that of the day before, shape (sites,).

    Args:
        series: shape (slots, sites); hours that no trace covers (NaN) are left out.
        day: slots in a day.
        relative: in shares of the root mean square of the series, 0 where that is 0.
    """
    change = series[day:] - series[:-day]
    counted = np.maximum(1, np.isfinite(change).sum(axis=0))
    rms = np.sqrt(np.nansum(change**2, axis=0) / counted)
    if not relative:
        return np.asarray(rms)
    size = np.sqrt(np.nansum(series**2, axis=0) / np.maximum(1, np.isfinite(series).sum(axis=0)))
    return np.asarray(np.divide(rms, size, out=np.zeros_like(rms), where=size > 0.0))
