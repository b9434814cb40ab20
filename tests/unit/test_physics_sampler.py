"""Fits, inverses and samplers on published points."""

import numpy as np
import pytest

from cosim.errors import TraceError
from cosim.physics.gpu import ServiceTiming, image_ns
from cosim.physics.quality import Power, Saturating, Sigmoid, Table
from cosim.physics.quality_fit import equivalent_steps, fit_power, fit_saturating, steps_for
from cosim.physics.sampler import (
    SampledCurve,
    Sampler,
    from_scores,
    sampled_table,
    sampled_timing,
)
from cosim.traces.profiles import check_tables, quality_points
from cosim.traces.service_tables import batch_curve, embodied_carbon, sampler, samplers

PLMS = quality_points("sd15", "partiprompts")


def test_a_fit_finds_the_curve_that_made_its_points():
    steps = np.array([4.0, 10.0, 20.0, 40.0])
    assert fit_saturating(steps, Saturating(0.08)(steps)).k == pytest.approx(0.08, rel=1e-6)
    found = fit_power(steps, Power(0.4, 50.0)(steps))
    assert (found.exponent, found.steps_full) == (pytest.approx(0.4), pytest.approx(50.0))


@pytest.mark.parametrize("fit", [fit_saturating, fit_power])
def test_a_fit_refuses_quality_that_falls(fit):
    with pytest.raises(ValueError, match="must rise with steps"):
        fit([10, 20], [0.5, 0.4])


def test_steps_beyond_reach_are_infinite():
    assert steps_for(Sigmoid(0.2, 14), 1.0) == float("inf")
    assert steps_for(Table((5, 10), (0.1, 0.6)), 0.7) == float("inf")
    assert steps_for(Power(0.5, 40), 1.0) == 40
    assert steps_for(Sigmoid(0.2, 14), 0.5) == pytest.approx(14)


def test_the_first_crossing_of_a_table_that_wobbles():
    assert steps_for(Table((4, 8, 12, 16), (0.0, 0.8, 0.4, 1.0)), 0.6) == pytest.approx(7.0)


def test_a_score_is_worth_reference_steps():
    # DeepCache, 50 steps: 29.46 between PLMS at 25 (29.33) and 50 (29.51)
    worth = equivalent_steps(*(points.tolist() for points in PLMS), 29.46)
    assert worth == pytest.approx(25 + 25 * 0.13 / 0.18)
    with pytest.raises(ValueError, match=r"must be at least 28\.58"):
        equivalent_steps(*(points.tolist() for points in PLMS), 27.0)


def test_the_table_repeats_the_points_that_it_compares_with():
    found = sampler("sd15", "deepcache-n5").value
    worth = equivalent_steps(*(points.tolist() for points in PLMS), 29.46)
    assert found.step_gain * 50 == pytest.approx(worth)
    assert 1 / found.time_factor == pytest.approx(2.15, abs=0.01)


def test_one_reference_point_caps_the_quality():
    found = from_scores(4, 0.7799, (40,), (0.8719,), 0.5)
    assert found == Sampler(10.0, 0.5, 0.7799 / 0.8719)
    assert from_scores(4, 0.9777, (40,), (0.8719,), 0.5).ceiling == 1.0


def test_what_is_read_into_one_point_is_called_an_assumption():
    assert set(sampler("sdxl", "lightning").assumed) == {"time_factor", "step_gain", "ceiling"}
    assert sampler("sd15", "deepcache-n5").assumed == ()


def test_ten_steps_of_a_good_schedule_count_for_twenty():
    curve = Sigmoid(0.2, 14)
    ays = SampledCurve(curve, sampler("sdxl", "ays").value)
    assert float(ays(10)) == pytest.approx(float(curve(20)))


def test_four_distilled_steps_against_forty():
    lightning = sampler("sdxl", "lightning").value
    timing = ServiceTiming(0.1079, 392, 0.0316, 0.1264, 39)
    fast = image_ns(sampled_timing(lightning, timing), 1.0, 4)
    assert fast == 158_000_000 + 4 * 53_950_000
    assert fast < image_ns(timing, 1.0, 40) / 10
    table = sampled_table(SampledCurve(Sigmoid(0.2, 14), lightning), [2, 4])
    assert table.steps == (2.0, 4.0)
    assert table.values[1] == pytest.approx(0.894, abs=0.006)


def test_a_sampler_without_a_score_says_so():
    assert ("sdxl", "turbo", False) in samplers()
    with pytest.raises(TraceError, match=r"samplers\.csv:\d+: no score was published for `turbo`"):
        sampler("sdxl", "turbo")


@pytest.mark.parametrize(
    ("read", "hint"),
    [
        (lambda: sampler("sdxl", "lighting"), "lightning"),
        (lambda: batch_curve("sdlx", "h100"), "sdxl"),
        (lambda: embodied_carbon("h10"), "h100"),
    ],
)
def test_a_near_miss_is_suggested(read, hint):
    with pytest.raises(TraceError, match=f"did you mean .*{hint}"):
        read()


def test_every_row_of_every_table_can_be_read():
    assert check_tables() == []
