"""The logs of the fast engine grow as they fill: changes of clocks and switches, interruptions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from random_worlds import Restless, difference

from cosim.rng import stream
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.world import arena
from cosim.world.kernel_state import CHANGES, STINTS
from cosim.world.step_times import step_times
from cosim.world.world import World

TINY = Path(__file__).parents[1] / "data" / "tiny.yaml"
GUARDED = [
    *("clock.days=0.125", "clock.meter_seconds=20", "clock.slot_minutes=5"),
    *("sites.north.grid.import_kw_max=0.75", "sites.north.battery=null"),
    *("sites.south.grid.import_kw_max=0.75", "steps=[4, 10, 30]", "default_steps=10"),
    "workload.arrivals.jobs_per_day=24_000",
]


def steps_per_bin(plan, engine, shape):
    """The recovered steps, counted per meter bin and site."""
    counted, fates = np.zeros(shape), engine.fates
    for job in np.flatnonzero(fates.service >= 0).tolist():
        number = (step_times(engine, job) - 1) // plan.bin_ns
        site = int(plan.info.service_site[fates.service[job]])
        np.add.at(counted[:, site], number[number < shape[0]], 1)
    return counted


@pytest.mark.parametrize("kind", ["split", "callback"])
def test_a_guarded_site_changes_more_often_than_the_log_had_room(kind, monkeypatch):
    monkeypatch.setattr(arena, "_CHANGES", 32)
    on = staged(load_scenario(TINY, GUARDED))
    one, other = (
        run(on, seed=5, make=lambda: Restless([kind], 0.0), engine=engine)
        for engine in ("reference", "fast")
    )
    assert not difference(one, other, "guarded")
    plan = on.plan(5)
    world = World(plan, Restless([kind], 0.0), stream(5, "policy", "x"), engine="fast")
    bins = world.run().bins["steps"]
    assert world.engine.farm.world[CHANGES] > 4 * 32  # it has grown more than once
    assert np.array_equal(steps_per_bin(plan, world.engine, bins.shape), bins)


def test_more_jobs_are_interrupted_than_the_log_had_room(monkeypatch):
    urgent = ["sites.south.gpus.preempt=true", "sites.south.gpus.discipline=edf"]
    urgent += ["sites.north.gpus.failures={mtbf_h: 0.02, mttr_h: 0.02}"]
    changes = [*urgent, "workload.home={north: 0.3, south: 0.7}", "workload.delay.mean_s=500"]
    plan = staged(load_scenario(TINY, [*changes, "workload.arrivals.jobs_per_day=6000"])).plan(2)
    room = 20
    monkeypatch.setattr(arena, "_STINTS_AT_LEAST", room - len(plan.jobs))
    world = World(plan, Restless(["split"], 0.0), stream(2, "policy", "x"), engine="fast")
    bins = world.run().bins["steps"]
    assert world.engine.farm.world[STINTS] > 2 * room
    assert np.array_equal(steps_per_bin(plan, world.engine, bins.shape), bins)
