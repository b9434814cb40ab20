"""One model at several sizes and as an adapter: services of their own that share their weights."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.physics.resolution import scaled_timing
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.traces.service_tables import family_of, pixel_law
from cosim.world.loading import loading


@pytest.fixture(scope="module")
def stage(repository_root):
    path = repository_root / "scenarios/what-if/soft-service.yaml"
    return staged(load_scenario(path, ["clock={start: 2019-04-22T11:00:00Z, days: 0.0625}"]))


def test_a_size_has_the_step_that_the_law_of_pixels_gives_it(stage):
    names = list(stage.scenario.models)
    large, small = (
        next(s for s in stage.services if names[s.model] == name) for name in ("sdxl", "sdxl-768")
    )
    law = pixel_law(1024, family_of("sdxl")).value
    assert small.timing.step_s == scaled_timing(law, large.timing, 768).step_s
    assert small.timing.step_s < large.timing.step_s
    (row,) = [r for r in stage.provenance if r.used_for == "sdxl-768 on h100: timing"]
    assert "from 1024 to 768 px" in row.assumed


def test_changing_size_loads_nothing_and_an_adapter_its_own_part(stage):
    plans = [service.plan for service in stage.services]
    at = {stage.scenario.sites["paris"].models[k]: 1 + k for k in range(3)}
    assert loading(plans, None, at["sdxl"], at["sdxl-768"]).ns == 0
    assert loading(plans, None, at["sdxl-lightning"], at["sdxl"]).ns == 0
    assert loading(plans, None, at["sdxl-768"], at["sdxl-lightning"]).ns == 4_400_000_000


def test_jobs_are_spread_over_sizes_and_the_figures_of_the_service_are_told(stage):
    results = [
        run(stage, policy="greedy-utility", seed=2, engine=engine)
        for engine in ("fast", "reference")
    ]
    assert results[0].digest == results[1].digest
    jobs, kpis = results[0].jobs, results[0].kpis
    used = np.bincount(jobs.service[jobs.ran], minlength=5)
    assert (used > 0).sum() >= 4
    assert used[2:4].sum() > 100
    steps = np.unique(jobs.steps[jobs.ran & (jobs.service == 3)])
    assert set(steps.tolist()) <= {4, 6}
    assert {"turned_away_share", "given_up_share", "asleep_share"} <= set(kpis)
    assert kpis["dropped_share"] == pytest.approx(
        kpis["turned_away_share"] + kpis["given_up_share"]
    )
