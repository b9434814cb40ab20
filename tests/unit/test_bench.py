"""The benchmark: does it measure the same work, and would it notice if it did not?"""

from dataclasses import replace

import numpy as np
import pytest

from cosim.bench.measure import PLAYERS, SHARED, Measure, estimate, identical
from cosim.bench.sizes import SIZES, Size, size_named
from cosim.errors import UsageError
from cosim.prepare import stage

ONE = Measure("fast", (2.0, 1.0, 4.0), 10, 100, 50.0, "same", "bins")


def test_a_textbook_model_and_the_engines_do_the_same_to_every_job():
    plan = stage(Size("tiny", 400, 2, 3).scenario()).plan(5)
    played = {engine: play(plan) for engine, play in PLAYERS.items()}
    for column in SHARED:
        columns = [np.array(getattr(fates, column)) for fates, _ in played.values()]
        assert all(np.array_equal(columns[0], other) for other in columns[1:]), column
    assert np.array_equal(played["reference"][1], played["fast"][1])
    fates, _ = played["fast"]
    sites = plan.info.service_site[np.asarray(fates.service)]
    assert 0.05 < (sites != plan.jobs.home).mean() < 0.3  # 30 % may move, half of them do


def test_a_single_different_job_or_bin_is_noticed():
    assert identical([ONE, replace(ONE, engine="reference"), replace(ONE, bins="")])
    assert not identical([ONE, replace(ONE, digest="other")])
    assert not identical([ONE, replace(ONE, bins="other")])


def test_an_estimate_scales_with_the_steps_and_proves_nothing():
    scaled = estimate("fast", SIZES["M"], ONE, 1000)
    assert scaled.cpu_s == (20.0, 10.0, 40.0)
    assert scaled.median_s == 20.0
    assert scaled.estimated
    assert identical([replace(ONE, digest="other"), scaled])


def test_an_unknown_size_is_a_usage_error():
    with pytest.raises(UsageError, match="size `Q` does not exist"):
        size_named("Q")
