"""Forecasts: what is public, what is opinion, and that shares of energy sum to the meters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cosim.ledger import LOADS
from cosim.run import run, staged
from cosim.scenario.load import load_scenario

ROOT = Path(__file__).parents[2]
QUICK = ROOT / "scenarios" / "quickstart.yaml"
HOUR = 12  # slots


def seen(*overrides, policy="home"):
    """Observations and the stage of a stretch of the quickstart."""
    stage = staged(load_scenario(QUICK, ["workload.scale=0.02", *overrides]))
    log = []
    run(stage, policy=policy, energy="idle", seed=1, watch=lambda o, d: log.append(o))
    return stage, log


@pytest.fixture(scope="module")
def day():
    return seen("clock.days=0.5")


def truth(stage, name, slot, count):
    outside = stage.outside
    first = outside.history + slot
    return getattr(outside, name)[first : first + count].T


def test_prices_are_public_until_midnight_and_after_the_gate_until_the_next(day):
    """22 April 2019, UTC+2: the gate of 12:45 local is 10:45 UTC, midnight is 22:00 UTC."""
    stage, log = day
    for slot, until in ((0, 22 * HOUR), (10 * HOUR + 8, 22 * HOUR), (10 * HOUR + 9, 46 * HOUR)):
        price = log[slot].forecast.price
        known = min(until - slot, price.horizon)
        assert price.published.sum(axis=1).tolist() == [known] * 3
        np.testing.assert_array_equal(
            price.values[:, :known], truth(stage, "price_usd_kwh", slot, known)
        )
    first = log[0].forecast.price  # what follows the public hours repeats them from the start
    beyond = first.horizon - 22 * HOUR
    np.testing.assert_array_equal(first.values[:, 22 * HOUR :], first.values[:, :beyond])


def test_the_sun_is_expected_as_it_was_yesterday(day):
    stage, log = day
    solar = log[6 * HOUR].forecast.solar
    assert not solar.published.any()
    yesterday = truth(stage, "solar_kw", 6 * HOUR - 24 * HOUR, 24 * HOUR)
    np.testing.assert_array_equal(solar.values, yesterday)
    assert not np.allclose(solar.values, truth(stage, "solar_kw", 6 * HOUR, 24 * HOUR))


def test_persistence_holds_the_last_measurement_and_perfect_knows():
    window = ("clock.start=2019-04-22T08:00:00Z", "clock.days=0.0625")
    stage, log = seen("forecast.kind=persistence", *window)
    last = truth(stage, "wind_kw", 5, 1)
    np.testing.assert_array_equal(log[6].forecast.wind.values, np.repeat(last, 24 * HOUR, axis=1))
    stage, log = seen("forecast.kind=perfect", *window)
    np.testing.assert_array_equal(
        log[6].forecast.solar.values, truth(stage, "solar_kw", 6, 24 * HOUR)
    )


def test_observations_cannot_be_written_to(day):
    _, log = day
    with pytest.raises(ValueError, match="read-only"):
        log[0].price_usd_kwh[0] = 0.0
    with pytest.raises(ValueError, match="read-only"):
        log[0].forecast.price.values[0, 0] = 0.0


def test_shares_of_energy_carbon_and_cost_sum_to_the_meters():
    stage = staged(load_scenario(QUICK, ["clock.days=0.0625", "workload.scale=0.3"]))
    result = run(stage, policy="greedy-utility", seed=2)
    data, jobs = result.ledger.data, result.jobs
    for site in range(3):
        mine = jobs.site == site
        load = sum(data[f"{load}_kwh"][:, site].sum() for load in LOADS)
        assert jobs.energy_wh[mine].sum() == pytest.approx(1000 * load, rel=1e-9)
        cost = (data["import_usd"] - data["export_usd"])[:, site].sum()
        assert jobs.cost_usd[mine].sum() == pytest.approx(cost, rel=1e-9)
        carbon = 1000 * data["carbon_kg"][:, site].sum()
        assert jobs.carbon_g[mine].sum() == pytest.approx(carbon, rel=1e-9)


@pytest.mark.parametrize("kind", ["seasonal", "persistence", "noisy", "perfect"])
def test_a_drain_that_outlasts_every_series_is_foreseen_too(kind):
    """A site that is asked for days of work in ninety minutes."""
    changes = [
        *("sites.south=null", "workload.home=null", "workload.scale=70", "steps=[30]"),
        *("sites.north.models=[large]", "sites.north.gpus.count=1", "policy.energy=paper-inner"),
        f"forecast.kind={kind}",
    ]
    tiny = Path(__file__).resolve().parents[1] / "data" / "tiny.yaml"
    result = run(load_scenario(tiny, changes), policy="home", seed=1)
    assert result.jobs.finish_ns.max() > 26 * 3600 * 10**9
    assert result.jobs.ran.all()
