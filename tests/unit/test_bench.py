"""The benchmark: does it measure the same work, and would it notice if it did not?"""

from dataclasses import replace

import numpy as np
import pytest

from cosim.bench.catalogue import BENCHES, bench, meanings
from cosim.bench.measure import SHARED, Measure, estimate, identical, together, turns
from cosim.bench.players import PLAYERS
from cosim.bench.sheet import Terms
from cosim.bench.sizes import SIZES, Size
from cosim.errors import UsageError
from cosim.prepare import stage

ONE = Measure("fast", (2.0, 1.0, 4.0), 10, 100, 50.0, "same", "bins")


def played(size, engines):
    plan = stage(size.scenario()).plan(5)
    return plan, {engine: PLAYERS[engine](plan, size) for engine in engines}


def test_a_textbook_model_and_the_engines_do_the_same_to_every_job():
    plan, runs = played(Size("tiny", 400, 2, 3), PLAYERS)
    for column in SHARED:
        columns = [np.array(getattr(run.fates, column)) for run in runs.values()]
        assert all(np.array_equal(columns[0], other) for other in columns[1:]), column
    assert np.array_equal(runs["reference"].bins, runs["fast"].bins)
    sites = plan.info.service_site[np.asarray(runs["fast"].fates.service)]
    assert 0.05 < (sites != plan.jobs.home).mean() < 0.3  # 30 % may move, half of them do


@pytest.mark.parametrize(
    "size",
    [
        Size("batches", 400, 2, 2, ("reference", "fast"), batch_max=8),
        Size("asks", 300, 2, 3, ("reference", "fast"), asks=True),
        Size("slots", 300, 2, 3, ("reference", "fast"), days=2, slot_min=15),
    ],
    ids=lambda size: size.name,
)
def test_the_engines_do_the_same_in_every_kind_of_size(size):
    _, runs = played(size, size.engines)
    for column in SHARED:
        one, other = (np.asarray(getattr(run.fates, column)) for run in runs.values())
        assert np.array_equal(one, other), column
    assert np.array_equal(runs["reference"].bins, runs["fast"].bins)


def test_simpy_events_are_counted_where_they_happen():
    size = Size("tiny", 400, 2, 3)
    plan, runs = played(size, PLAYERS)
    steps = int((np.asarray(runs["fast"].fates.steps) * plan.jobs.images).sum())
    assert runs["reference"].events > steps  # one for every denoising step, at least
    assert runs["fast"].events < 3 * plan.info.slots  # slot edges, nothing of jobs
    asked = Size("asks", 300, 2, 3, asks=True)
    plan, runs = played(asked, ["fast"])
    assert runs["fast"].events >= len(plan.jobs)  # and one for every arrival where Python is asked


def test_a_single_different_job_or_bin_is_noticed():
    assert identical([ONE, replace(ONE, engine="reference"), replace(ONE, bins="")])
    assert not identical([ONE, replace(ONE, digest="other")])
    assert not identical([ONE, replace(ONE, bins="other")])
    assert not identical([ONE, together([ONE, replace(ONE, digest="other")])])


def test_an_estimate_scales_with_the_steps_and_proves_nothing():
    scaled = estimate(replace(ONE, engine="textbook"), replace(ONE, steps=1000))
    assert (scaled.engine, scaled.cpu_s, scaled.median_s) == ("textbook", (20.0, 10.0, 40.0), 20.0)
    assert scaled.estimated
    assert identical([replace(ONE, digest="other"), scaled])


def test_engines_take_turns():
    order = turns({"slow": 1, "fast": 4})
    assert order.count("fast") == 4
    assert order.index("slow") not in (0, len(order) - 1)


def test_the_slow_engines_are_scaled_up_from_a_size_they_can_run():
    for size in SIZES.values():
        assert size.small.engines == size.engines or size.small is SIZES["S"]
        assert size.small.jobs <= max(20_000, size.jobs // 10)


def test_an_unknown_size_is_a_usage_error():
    with pytest.raises(UsageError, match="size `Q` does not exist"):
        bench("Q", Terms())
    assert all(letter in meanings() for letter in BENCHES)
