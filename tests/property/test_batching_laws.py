"""Laws that batches obey, on random whole worlds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from random_worlds import Restless, engines_agree, holds, seeds, stages

from cosim.rng import stream
from cosim.run import staged
from cosim.scenario.load import load_scenario
from cosim.world.pool_batches import BatchPool
from cosim.world.pool_steps import StepPool
from cosim.world.step_times import step_times
from cosim.world.step_times_batch import stints_on
from cosim.world.world import World

QUICKSTART = Path(__file__).resolve().parents[2] / "scenarios" / "quickstart.yaml"


@settings(engines_agree, max_examples=10)
@given(stages(batching=True), holds, seeds)
def test_batches_obey_their_laws(on, hold, seed):
    """No job lost; one model and at most B images on a GPU; energy of jobs is that of meters."""
    plan = on.plan(seed)
    rng = stream(seed, "policy", "x")
    world = World(plan, Restless(["split"], hold), rng, engine="fast")
    outcome = world.run()
    fates, images = outcome.state, plan.jobs.images
    sent = np.flatnonzero(fates.service >= 0)
    assert (fates.landed_ns[sent] <= fates.finish_ns[sent]).all()
    ran = sent[fates.gpu[sent] >= 0]
    assert (fates.landed_ns[ran] <= fates.start_ns[ran]).all()
    assert (fates.start_ns[ran] < fates.finish_ns[ran]).all()
    compute_kwh = outcome.ledger.data["compute_kwh"].sum()
    assert np.isclose(fates.energy_pj.astype(float).sum() / 3.6e18, compute_kwh, rtol=1e-9)
    seen = set()
    for site, gpu in batching_gpus(plan):
        stints = stints_on(world.engine, site, gpu)
        down_ns = [f.at_ns for f in plan.faults if f[1:] == (site, gpu, False)]
        for stint in stints:
            here = [s.job for s in stints if s.begin_ns <= stint.begin_ns < s.end_ns]
            assert len({int(fates.service[job]) for job in here}) <= 1
            held = sum(int(images[job]) for job in here)
            assert held <= plan.sites[site].batch_max or len(here) == 1
            if fates.finish_ns[stint.job] == stint.end_ns and fates.gpu[stint.job] >= 0:
                seen.add(stint.job)
                assert not any(stint.begin_ns <= at_ns < stint.end_ns for at_ns in down_ns)
            else:
                assert stint.end_ns in down_ns
    batching = [site.batch_max > 1 for site in plan.sites]
    assert seen == {j for j in ran.tolist() if batching[plan.info.service_site[fates.service[j]]]}


def test_the_steps_of_a_job_are_told_per_image():
    changes = ["clock.days=0.0625", "scale=0.05", "sites.brussels.gpus.batch_max=4"]
    on = staged(load_scenario(QUICKSTART, changes))
    plan = on.plan(1)
    world = World(plan, Restless(["split"], 0.0), stream(1, "policy", "x"), engine="fast")
    fates = world.run().state
    site = plan.info.sites.index("brussels")
    place = np.asarray(plan.info.service_site)[np.maximum(fates.service, 0)]
    some = np.flatnonzero((fates.service >= 0) & (place == site))[:20]
    assert len(some)
    for job in some.tolist():
        ends_ns = step_times(world.engine, job)
        assert len(ends_ns) == fates.steps[job] * plan.jobs.images[job]
        assert (np.diff(ends_ns) >= 0).all()
        assert len(np.unique(ends_ns)) == fates.steps[job]


def batching_gpus(plan):
    """(site, GPU) of all GPUs that batch."""
    return [(i, gpu) for i, s in enumerate(plan.sites) if s.batch_max > 1 for gpu in range(s.gpus)]


@settings(engines_agree, max_examples=15)
@given(stages(batching=True), holds, seeds)
def test_a_batch_of_one_image_is_the_plain_pool(on, hold, seed):
    """Jobs of one image: whichever of the two pools runs them, nothing differs."""
    plan = on.plan(seed)
    ones = replace(plan.jobs, images=np.ones_like(plan.jobs.images))
    services = tuple(replace(s, batch_ns=(), batch_mw=()) for s in plan.services)
    sites = tuple(replace(site, batch_max=1, preempt=False) for site in plan.sites)
    plan = replace(plan, jobs=ones, services=services, sites=sites)
    worlds = [
        World(plan, Restless(["split"], hold), stream(seed, "policy", "x")) for _ in range(2)
    ]
    worlds[1].engine.pools = [
        BatchPool(worlds[1].engine.env, i, site, plan.services, worlds[1].engine.fates)
        for i, site in enumerate(plan.sites)
    ]
    assert all(type(pool) is StepPool for pool in worlds[0].engine.pools)
    one, other = (world.run() for world in worlds)
    for name in ("service", "steps", "gpu", "landed_ns", "start_ns", "finish_ns", "energy_pj"):
        assert getattr(one.state, name) == getattr(other.state, name), name
    for name, values in one.bins.items():
        assert np.array_equal(values, other.bins[name]), name
