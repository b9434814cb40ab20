"""JEMAS Eq. 10 made impossible: battery, lowest clock, paused GPUs, and only then unserved energy.

MODEL: where the import limit does not suffice the clock falls to its lowest level, then GPUs pause
at their next step boundary; what remains is booked as unserved, never a silent violation.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_supply import BACKUPS

from cosim.rng import stream
from cosim.run import make_policy, staged
from cosim.scenario.model import Scenario
from cosim.world.world import World

GPUS, STEP_KW, IDLE_KW, PUE = 3, 0.8, 0.06, 1.2
BEGUN_H = 4 / 3600
"""A model load or a step that has begun goes on for at most so long."""


@st.composite
def tight_sites(draw):
    store = {"kind": "linear", "capacity_kwh": 0.4, "charge_kw_max": 1, "discharge_kw_max": 0.9}
    span = {"at_h": draw(st.sampled_from([0.2, 0.5, 1.01])), "for_h": 0.6, "export_kw_max": None}
    return {
        "location": {"lat_deg": 50, "lon_deg": 5},
        "weather": "weather/nsrdb15_brussels_2019",
        "models": ["m"],
        "gpus": {
            "kind": "x",
            "count": GPUS,
            "idle_w": 1000 * IDLE_KW,
            "server_w": 100,
            "clock": {"kind": "table", "speed": [0.6, 0.9, 1.0], "power": [0.5, 0.7, 1.0]},
        },
        "cooling": {"kind": "constant", "pue": PUE},
        "pv": draw(st.sampled_from([None, {"peak_kw": 2.0}])),
        "battery": draw(st.sampled_from([None, store])),
        "backup": draw(st.sampled_from([None, *BACKUPS])),
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
            "import_kw_max": draw(st.sampled_from([None, 2.4, 1.5])),
            "connection": {
                "limits": [{**span, "import_kw_max": draw(st.sampled_from([0, 0.3, 1.0, 1.9]))}]
            },
        },
    }


@st.composite
def tight_worlds(draw):
    timing = {"x": {"step_s": 0.5, "step_w": 1000 * STEP_KW}}
    model = {"value_usd": 0.01, "quality": {"kind": "saturating", "k": 0.1}, "timing": timing}
    return Scenario.model_validate(
        {
            "name": "tight",
            "models": {"m": {**model, "load_s": 3}},
            "sites": {"here": draw(tight_sites())},
            "clock": {"start": "2019-04-22T09:00:00Z", "days": 0.125, "slot_minutes": 15},
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": 20_000}},
        }
    )


@settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(tight_worlds(), st.sampled_from(["idle", "self-consumption", "price-threshold"]))
def test_energy_is_unserved_only_when_everything_else_has_been_done(scenario, energy):
    plan = staged(scenario).plan(1)
    world = World(plan, make_policy(scenario, "home", energy), stream(1, "policy", "home"))
    bins = {name: table[:, 0] for name, table in world.run().bins.items()}
    limits = world._works.books.grid.import_kw[:, 0]
    if len(limits) == 1:
        limits = np.repeat(limits, len(bins["soc"]))
    close(bins, limits)
    for k in np.flatnonzero(bins["unserved_kw"] > 1e-9):
        if not starting(plan.sites[0].backup, bins, k):
            assert bins["import_kw"][k] == pytest.approx(limits[k], abs=1e-9)
        exhausted(plan.sites[0].battery, bins, k)
        paused(plan.sites[0].backup, bins, k, plan.bin_h)


def close(bins, limits):
    """JEMAS Eq. 10 in every bin, within the limits."""
    need = bins["compute_kw"] + bins["idle_kw"] + bins["cooling_kw"] - bins["unserved_kw"]
    own = bins["solar_kw"] + bins["wind_kw"] + bins["battery_kw"] + bins["backup_kw"]
    grid = bins["import_kw"] - bins["export_kw"] - bins["curtailed_kw"]
    np.testing.assert_allclose(own + grid, need, atol=1e-9)
    assert (bins["import_kw"] <= limits + 1e-9).all()


def starting(machine, bins, k):
    """Whether the generator was not yet on when a bin began, or is no longer when it ends."""
    if machine is None:
        return False
    before = k > 0 and bins["backup_kw"][k - 1] > 0
    after = k + 1 < len(bins["soc"]) and bins["backup_kw"][k + 1] > 0
    return not (before and after)


def exhausted(battery, bins, k):
    """The battery gives all that it can: its power, or what it holds above its window."""
    if battery is not None:
        empty = bins["soc"][k] <= battery.soc_min + 1e-6
        assert empty or bins["battery_kw"][k] >= battery.discharge_kw_max - 1e-6


def paused(machine, bins, k, bin_h):
    """No GPU draws power in the dark beyond what it had begun."""
    begun_kwh = GPUS * STEP_KW * BEGUN_H
    if starting(machine, bins, k) or bins["unserved_kw"][k] * bin_h <= PUE * begun_kwh:
        return
    assert bins["compute_kw"][k] * bin_h <= begun_kwh
