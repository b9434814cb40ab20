"""Quality and revenue curves at values worked out by hand."""

import math

import numpy as np
import pytest

from cosim.physics.quality import (
    Power,
    Saturating,
    Sigmoid,
    Table,
    combined_quality,
    rescaled,
    revenue_usd,
)
from cosim.physics.quality_fit import fit_sigmoid


def test_sigmoid_is_half_at_its_midpoint_and_known_one_step_scale_away():
    curve = Sigmoid(a=0.2, c0=14)
    assert curve(14) == pytest.approx(0.5)
    assert curve(19) == pytest.approx(1 / (1 + math.exp(-1.0)))


def test_saturating_reaches_a_known_share():
    assert Saturating(k=0.1)(10) == pytest.approx(1 - math.exp(-1))


def test_power_is_full_from_its_full_steps_on():
    curve = Power(exponent=0.5, steps_full=40)
    np.testing.assert_allclose(curve([10, 40, 50]), [0.5, 1.0, 1.0])


def test_table_interpolates_and_holds_its_ends():
    curve = Table(steps=(10, 20), values=(0.2, 0.8))
    np.testing.assert_allclose(curve([0, 10, 15, 20, 99]), [0.2, 0.2, 0.5, 0.8, 0.8])


def test_combined_quality_by_hand():
    assert combined_quality(20, 28) == pytest.approx(0.5 * 0.8 + 0.5 * 0.8)
    assert combined_quality(30, 35, weight=0.25) == pytest.approx(0.25 * 0.7 + 0.75)


def test_rescaled_spans_zero_to_one():
    np.testing.assert_allclose(rescaled([28.58, 29.33, 29.51]), [0, 0.75 / 0.93, 1], atol=1e-12)


def test_rescaled_refuses_a_constant():
    with pytest.raises(ValueError, match="two different"):
        rescaled([0.5, 0.5])


@pytest.mark.parametrize(("a", "c0"), [(0.26, 10), (0.20, 14), (0.18, 16)])
def test_fit_recovers_the_curve_that_made_the_data(a, c0):
    steps = np.arange(6, 51, 4)
    found = fit_sigmoid(steps, Sigmoid(a, c0)(steps))
    assert (found.a, found.c0) == pytest.approx((a, c0), rel=1e-6)


def test_fit_is_close_on_noisy_data():
    steps = np.arange(6, 51, 4)
    noise = np.random.default_rng(3).normal(0, 0.02, steps.size)
    found = fit_sigmoid(steps, np.clip(Sigmoid(0.2, 14)(steps) + noise, 0, 1))
    assert (found.a, found.c0) == pytest.approx((0.2, 14), rel=0.15)


@pytest.mark.parametrize(
    ("steps", "quality", "words"),
    [
        ([1, 2], [0.1, 0.2], "at least 3"),
        ([1, 2, 3], [0.3, 0.2, 0.1], "must rise"),
        ([1, 2, 3], [0.3, 0.2, 1.1], "quality"),
        ([1, 2, 3], [0.3, 0.3, 0.3], "must rise"),
    ],
)
def test_fit_refuses_what_is_no_sigmoid(steps, quality, words):
    with pytest.raises(ValueError, match=words):
        fit_sigmoid(steps, quality)


def test_revenue_scales_quality():
    assert revenue_usd(Sigmoid(0.2, 14), 14, 0.04) == pytest.approx(0.02)
    with pytest.raises(ValueError, match="v_max_usd"):
        revenue_usd(Sigmoid(0.2, 14), 14, -1.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sigmoid(a=0, c0=10),
        lambda: Sigmoid(a=math.nan, c0=10),
        lambda: Saturating(k=-1),
        lambda: Power(exponent=0, steps_full=10),
        lambda: Table(steps=(10, 10), values=(0, 1)),
        lambda: Table(steps=(10, 20), values=(0, 1.1)),
        lambda: Table(steps=(), values=()),
        lambda: combined_quality(20, 28, weight=2),
    ],
)
def test_bad_curves_are_refused_with_what_is_allowed(make):
    with pytest.raises(ValueError, match="must"):
        make()


def test_all_mistakes_of_a_record_are_reported_together():
    with pytest.raises(ValueError, match=r"Power\.exponent.*Power\.steps_full"):
        Power(exponent=-1, steps_full=-1)
