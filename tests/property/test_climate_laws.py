"""Laws of batteries, cooling and rooms in whole worlds, on random small sites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_worlds import Restless, seeds, stages

from cosim.ledger import SINKS
from cosim.run import run

runs = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def restless():
    return Restless(["split"], 0.0)


@runs
@given(stages(), seeds)
def test_energy_is_stored_delivered_or_lost(on, seed):
    """Per site, over the window: what went into a battery came out, is still there or was lost."""
    result = run(on, seed=seed, make=restless)
    data, window = result.ledger.data, slice(0, result.ledger.slots)
    start = np.array([site.stored_kwh for site in on.plan(seed).sites])
    total = {name: data[f"{name}_kwh"][window].sum(axis=0) for name in ("charge", "discharge")}
    lost = data["loss_kwh"][window].sum(axis=0)
    change = data["stored_kwh"][window][-1] - start
    assert np.allclose(total["charge"] - total["discharge"] - lost, change, atol=1e-9)
    posted = sum(
        data[f"{source}_to_loss_kwh"][window].sum(axis=0)
        for source in ("grid", "solar", "wind", "battery")
    )
    assert np.allclose(posted, lost, atol=1e-9)
    drawn = sum(data[f"grid_to_{sink}_kwh"][window] for sink in SINKS)
    assert np.allclose(drawn, data["import_kwh"][window], atol=1e-9)


@runs
@given(stages(), seeds, st.floats(0.5, 12.0))
def test_cooling_power_does_not_fall_as_it_gets_hotter(on, seed, warmer_k):
    """Above 10 °C, with the same work: in every slot, whatever the law."""
    plan = on.plan(seed)
    free = tuple(replace(site, import_kw_max=np.inf, room=None, room_c=0.0) for site in plan.sites)
    cool = np.maximum(plan.outside.temp_bin_c, 10.0)
    used = []
    for temp_c in (cool, cool + warmer_k):
        weather = replace(plan.outside, temp_bin_c=temp_c)
        there = replace(plan, sites=free, outside=weather)
        used.append(run(on, seed=seed, make=restless, plan=there).ledger.data)
    assert np.array_equal(used[0]["compute_kwh"], used[1]["compute_kwh"])
    assert (used[1]["cooling_kwh"] - used[0]["cooling_kwh"] >= -1e-12).all()


@runs
@given(stages(), seeds)
def test_a_room_is_too_warm_only_if_the_ledger_says_so(on, seed):
    """Bins above band and allowance are booked, and no room is ever colder than asked for."""
    result, plan = run(on, seed=seed, make=restless), on.plan(seed)
    booked_h = result.ledger.data["over_temp_h"].sum(axis=0)
    for i, site in enumerate(plan.sites):
        room_c = result.bins["room_c"][:, i]
        if site.room is None:
            assert not room_c.any()
            assert booked_h[i] == 0.0
            continue
        limit_c = site.room.band_high_c + site.room.allowance_k
        full_bins_h = plan.bin_h * np.count_nonzero(
            (room_c[1:] > limit_c) & (room_c[:-1] > limit_c)
        )
        assert booked_h[i] >= full_bins_h - 1e-9
        assert (booked_h[i] > 0) == bool((room_c > limit_c).any())
        assert room_c.min() >= min(site.room.band_low_c, site.room_c) - 1e-9
