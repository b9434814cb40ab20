"""The identity contract: the fast engine leaves the same job table and bins as the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from random_worlds import (
    Restless,
    difference,
    engines_agree,
    even,
    holds,
    policies,
    seeds,
    stages,
)

from cosim.rng import stream
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.world.step_times import step_times
from cosim.world.step_times_batch import batch_step_times
from cosim.world.world import World

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"
PAPER = ROOT / "scenarios" / "paper" / "base.yaml"
TINY = ROOT / "tests" / "data" / "tiny.yaml"


@engines_agree
@given(stages(), policies, holds, seeds)
def test_engines_agree_to_the_last_bit(on, kinds, hold, seed):
    one, other = (
        run(on, seed=seed, make=lambda: Restless(kinds, hold), engine=engine)
        for engine in ("reference", "fast")
    )
    if told := difference(one, other, "random world"):
        pytest.fail(told)


@settings(engines_agree, max_examples=12)
@given(stages(), holds, seeds)
def test_every_step_is_recovered_as_the_reference_metered_it(on, hold, seed):
    """Counted per meter bin, the recovered ends of all steps are the reference's meters."""
    plan = on.plan(seed)
    fast, reference = (
        World(plan, Restless(["split"], hold), stream(seed, "policy", "x"), engine=engine)
        for engine in ("fast", "reference")
    )
    bins = reference.run().bins["steps"]
    fast.run()
    counted = np.zeros_like(bins)
    for site, ends_ns, images in recovered(plan, fast.engine):
        number = (ends_ns - 1) // plan.bin_ns  # a step that ends on an edge ends the bin
        np.add.at(counted[:, site], number[number < len(counted)], images)
    assert np.array_equal(counted, bins)


def recovered(plan, engine):
    """(site, ends of steps, images in each) of all jobs."""
    fates = engine.fates
    for job in np.flatnonzero(np.asarray(fates.service) >= 0).tolist():
        site = int(plan.info.service_site[fates.service[job]])
        if plan.sites[site].batch_max == 1:
            ends_ns = step_times(engine, job)
            if fates.gpu[job] >= 0:
                decode_ns = plan.services[fates.service[job]].decode_ns
                assert fates.finish_ns[job] - ends_ns[-1] in decode_ns
            yield site, ends_ns, 1
    for i, site in enumerate(plan.sites):
        for gpu in range(site.gpus if site.batch_max > 1 else 0):
            for job, ends_ns in batch_step_times(engine, i, gpu).items():
                yield i, ends_ns, int(plan.jobs.images[job])


def test_a_difference_is_told_by_the_history_of_the_first_job_in_both_engines():
    on = staged(load_scenario(QUICKSTART, ["clock.days=0.0625", "scale=0.05"]))
    one = run(on, policy="home")
    late, early = np.argsort(one.jobs.start_ns, kind="stable")[[7, 3]].tolist()
    finish_ns, gpu = one.jobs.finish_ns.copy(), one.jobs.gpu.copy()
    finish_ns[early] += 1
    gpu[late] += 1
    other = replace(one, jobs=replace(one.jobs, finish_ns=finish_ns, gpu=gpu))
    first, *histories = difference(one, other, "x").splitlines()
    assert first == f"x: 2 jobs differ; first job {early}, in finish_ns"
    assert [line.split(":")[0].strip() for line in histories] == ["reference", "fast"]
    for line, result in zip(histories, (one, other), strict=True):
        assert f"'finish_ns': {result.jobs.finish_ns[early]}," in line
        assert f"'arrival_ns': {one.jobs.arrival_ns[early]}," in line


@pytest.mark.parametrize("apart_s", [300, 20])
def test_python_is_asked_of_jobs_that_arrive_on_edges_as_in_the_reference(apart_s):
    """All jobs arrive on slot edges, many at once; then on edges of meter bins."""
    on = even(staged(load_scenario(TINY, ["workload.transferable=1.0"])), apart_s * 10**9)
    one, other = (
        run(on, seed=2, make=lambda: Restless(["callback"], 1.0), engine=engine)
        for engine in ("reference", "fast")
    )
    arrivals_ns, slot_ns = one.jobs.arrival_ns, on.plan(2).info.slot_ns
    assert len(np.unique(arrivals_ns)) < len(arrivals_ns)
    assert (arrivals_ns % slot_ns == 0).any()
    if told := difference(one, other, "jobs on edges"):
        pytest.fail(told)


@pytest.mark.parametrize("policy", ["home", "round-robin", "greedy-utility", "price-aware"])
def test_engines_agree_under_shipped_policies(policy):
    loaded = load_scenario(QUICKSTART, ["clock.days=0.125", "scale=0.05"])
    on = staged(loaded)
    one, other = (run(on, policy=policy, engine=engine) for engine in ("reference", "fast"))
    assert len(one.jobs) > 100
    assert not difference(one, other, policy)


@pytest.mark.heavy
@pytest.mark.parametrize("policy", ["greedy-utility", "round-robin"])
def test_engines_agree_over_a_million_jobs(policy):
    """A day at paper scale, with few steps so that the reference ends in minutes."""
    loaded = load_scenario(PAPER, ["workload.images={1: 1.0}", "steps=[2, 4]", "default_steps=4"])
    on = staged(loaded)
    one, other = (run(on, policy=policy, engine=engine) for engine in ("reference", "fast"))
    assert len(one.jobs) > 1_000_000
    assert not difference(one, other, policy)
