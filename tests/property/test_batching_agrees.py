"""The identity contract where GPUs batch, and laws that batches obey, on random whole worlds."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.prepare.stage import Stage
from cosim.rng import stream
from cosim.run import run, staged
from cosim.scenario.model import Scenario
from cosim.world.pool_batches import BatchPool
from cosim.world.pool_steps import StepPool
from cosim.world.step_times import step_times
from cosim.world.step_times_batch import batch_step_times
from cosim.world.world import World


def _plain():
    """The strategies and the comparison of the identity contract without batches."""
    path = Path(__file__).with_name("test_engines_agree.py")
    spec = importlib.util.spec_from_file_location("engines_agree", path)
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    if not hasattr(module, "difference"):
        spec.loader.exec_module(module)
    return module


plain = _plain()
LAWS = {  # of the models, in order; the last so that boundaries fall on meter and slot edges
    "light": {"fixed_share": 0.6, "power_ratio": 1.3},
    "heavy": {"fixed_share": 0.1},
    "round": {"fixed_share": 0.5, "power_ratio": 0.9},
}


@dataclass(frozen=True)
class Even(Stage):
    """A stage whose jobs arrive on whole half seconds, so that much happens at one instant."""

    def plan(self, seed):
        plan = super().plan(seed)
        late_ns = -plan.jobs.arrival_ns % 500_000_000
        jobs = replace(
            plan.jobs,
            arrival_ns=plan.jobs.arrival_ns + late_ns,
            deadline_ns=plan.jobs.deadline_ns + late_ns,
        )
        return replace(plan, jobs=jobs)


@st.composite
def scenarios(draw):
    """A random scenario with batches at one site at least."""
    drawn = draw(plain.scenarios()).model_dump(mode="json")
    sizes = [draw(st.sampled_from([1, 2, 3, 4, 8, 16])) for _ in drawn["sites"]]
    sizes[0] = max(2, sizes[0])
    for site, most in zip(drawn["sites"].values(), sizes, strict=True):
        site["gpus"]["batch_max"] = most
        site["gpus"]["preempt"] = site["gpus"]["preempt"] and most == 1
    for name, law in LAWS.items():
        drawn["models"][name]["timing"]["x"]["batch"] = law
    drawn["workload"]["arrivals"]["jobs_per_day"] *= draw(st.sampled_from([1.0, 1.5]))
    return Scenario.model_validate(drawn)


def prepared(scenario, even):
    """The scenario's stage; its jobs come on whole half seconds, or when they like."""
    on = staged(scenario)
    return Even(**{f.name: getattr(on, f.name) for f in fields(on)}) if even else on


policies = st.sampled_from([[kind] for kind in plain.KINDS] + [plain.KINDS])
holds = st.sampled_from([0.0, 1.0])
seeds = st.integers(0, 99)


@plain.agree
@given(scenarios(), st.booleans(), policies, holds, seeds)
def test_engines_agree_to_the_last_bit_where_gpus_batch(scenario, even, kinds, hold, seed):
    on = prepared(scenario, even)
    one, other = (
        run(on, seed=seed, make=lambda: plain.Restless(kinds, hold), engine=engine)
        for engine in ("reference", "fast")
    )
    assert not plain.difference(one, other, "random world with batches")


@settings(plain.agree, max_examples=10)
@given(scenarios(), st.booleans(), holds, seeds)
def test_every_step_of_a_batch_is_recovered_as_the_reference_metered_it(
    scenario, even, hold, seed
):
    """Counted per meter bin, the recovered steps of all images are the reference's meters."""
    plan = prepared(scenario, even).plan(seed)
    fast, reference = (
        World(plan, plain.Restless(["split"], hold), stream(seed, "policy", "x"), engine=engine)
        for engine in ("fast", "reference")
    )
    bins = reference.run().bins["steps"]
    fates = fast.run().state
    counted = np.zeros_like(bins)
    for site, gpu in batching_gpus(plan):
        for job, ends_ns in batch_step_times(fast.engine, site, gpu).items():
            assert len(ends_ns) >= (fates.steps[job] if fates.gpu[job] == gpu else 0)
            number = (ends_ns - 1) // plan.bin_ns  # a step that ends on an edge ends the bin
            number = number[number < len(counted)]
            np.add.at(counted[:, site], number, int(plan.jobs.images[job]))
    for site in {site for site, _ in batching_gpus(plan)}:
        assert np.array_equal(counted[:, site], bins[:, site])


@settings(plain.agree, max_examples=10)
@given(scenarios(), st.booleans(), holds, seeds)
def test_batches_obey_their_laws(scenario, even, hold, seed):
    """No job lost; one model and at most B images on a GPU; energy of jobs is that of meters."""
    on = prepared(scenario, even)
    result = run(on, seed=seed, make=lambda: plain.Restless(["split"], hold), engine="fast")
    jobs, plan = result.jobs, on.plan(seed)
    ran = np.flatnonzero(jobs.service >= 0)
    assert (jobs.landed_ns[ran] <= jobs.start_ns[ran]).all()
    assert (jobs.start_ns[ran] < jobs.finish_ns[ran]).all()
    compute_kwh = result.ledger.data["compute_kwh"].sum()
    assert np.isclose(jobs.energy_pj.astype(float).sum() / 3.6e18, compute_kwh, rtol=1e-9)
    place = np.asarray(plan.info.service_site)[jobs.service]
    hit = {fault.site for fault in plan.faults}  # there a job may have started elsewhere
    for site, gpu in batching_gpus(plan):
        if site in hit:
            continue
        here = ran[(place[ran] == site) & (jobs.gpu[ran] == gpu)]
        for job in here.tolist():
            beside = here[
                (jobs.start_ns[here] <= jobs.start_ns[job])
                & (jobs.start_ns[job] < jobs.finish_ns[here])
            ]
            assert len(set(jobs.service[beside].tolist())) == 1
            images = plan.jobs.images[beside].sum()
            assert images <= plan.sites[site].batch_max or len(beside) == 1


def test_the_steps_of_a_job_are_told_per_image():
    scenario = plain.SCENARIOS / "quickstart.yaml"
    changes = ["clock.days=0.0625", "scale=0.05", "sites.brussels.gpus.batch_max=4"]
    on = staged(plain.load_scenario(scenario, changes))
    plan = on.plan(1)
    world = World(plan, plain.Restless(["split"], 0.0), stream(1, "policy", "x"), engine="fast")
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


@settings(plain.agree, max_examples=15)
@given(scenarios(), st.booleans(), holds, seeds)
def test_a_batch_of_one_image_is_the_plain_pool(scenario, even, hold, seed):
    """Jobs of one image: whichever of the two pools runs them, nothing differs."""
    plan = prepared(scenario, even).plan(seed)
    ones = replace(plan.jobs, images=np.ones_like(plan.jobs.images))
    services = tuple(replace(s, batch_ns=(), batch_mw=()) for s in plan.services)
    sites = tuple(replace(site, batch_max=1) for site in plan.sites)
    plan = replace(plan, jobs=ones, services=services, sites=sites)
    worlds = [
        World(plan, plain.Restless(["split"], hold), stream(seed, "policy", "x")) for _ in range(2)
    ]
    worlds[1].engine.pools = [
        BatchPool(worlds[1].env, i, site, plan.services, worlds[1].engine.fates)
        for i, site in enumerate(plan.sites)
    ]
    assert all(type(pool) is StepPool for pool in worlds[0].engine.pools)
    one, other = (world.run() for world in worlds)
    for name in ("service", "steps", "gpu", "landed_ns", "start_ns", "finish_ns", "energy_pj"):
        assert getattr(one.state, name) == getattr(other.state, name), name
    for name, values in one.bins.items():
        assert np.array_equal(values, other.bins[name]), name
