"""Laws of sleep, batches, lateness, samplers and caps, and that compiled numbers are the same."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cosim.physics import gpu_sleep_scalar, service_scalar
from cosim.physics.cold_start import ColdStart, swap_j, swap_ns
from cosim.physics.gpu import ClockTable
from cosim.physics.gpu_batch import BatchCurve, batch_gain, batch_quanta, batch_step_s
from cosim.physics.gpu_clock import NO_LEVEL, Roofline, cap_level, with_cap
from cosim.physics.gpu_sleep import GpuSleep, break_even_s, gap_energy_j
from cosim.physics.quality import Power, Saturating, Sigmoid, Table
from cosim.physics.quality_fit import steps_for
from cosim.physics.resolution import PixelLaw, scaled_batch
from cosim.physics.sampler import SampledCurve, Sampler
from cosim.physics.service import Lateness, lateness_row, revenue_share, settled_usd

POSITIVE = st.floats(0.001, 100.0)
UNIT = st.floats(0.0, 1.0)
LATE_NS = st.integers(-(10**12), 10**16)
LATENESS = st.builds(
    Lateness,
    kind=st.sampled_from(["hard", "step", "linear", "exponential"]),
    grace_s=st.floats(0, 600),
    scale_s=st.floats(0.01, 3600),
    cutoff_s=st.floats(600, 86_400),
    step_share=UNIT,
    penalty=st.sampled_from(["lost", "late"]),
)
BATCHES = st.builds(
    BatchCurve,
    floor_s=st.floats(0, 1),
    base_s=st.floats(0, 1),
    image_s=st.floats(1e-4, 1),
    base_j=st.floats(0, 100),
    image_j=st.floats(0.1, 100),
    batch_max=st.integers(1, 64),
)
RISING = st.one_of(
    st.builds(Sigmoid, st.floats(0.05, 2), st.floats(1, 60)),
    st.builds(Saturating, st.floats(1e-2, 1)),
    st.builds(Power, st.floats(0.2, 3), st.floats(2, 100)),
    st.lists(UNIT, min_size=2, max_size=6, unique=True).map(
        lambda values: Table(tuple(5.0 * i for i in range(len(values))), tuple(sorted(values)))
    ),
)
TABLES = st.builds(
    lambda law, clocks: law.table((*sorted(clocks), 1.0)),
    st.builds(Roofline, st.floats(0.05, 1), st.floats(0.05, 0.9)),
    st.sets(st.floats(0.2, 0.95).map(lambda x: round(x, 2)), min_size=1, max_size=5),
)


@given(LATENESS, LATE_NS, LATE_NS)
def test_no_later_job_earns_more(lateness, one, other):
    early, late = sorted((one, other))
    assert 1.0 >= revenue_share(lateness, early) >= revenue_share(lateness, late) >= 0.0


@given(LATENESS, LATE_NS, POSITIVE, POSITIVE)
def test_money_stays_between_price_and_penalty(lateness, late_ns, price_usd, penalty_usd):
    earned, due = settled_usd(lateness, late_ns, price_usd, penalty_usd)
    assert 0.0 <= earned <= price_usd
    assert 0.0 <= due <= penalty_usd
    if lateness.penalty == "lost":
        assert earned / price_usd + due / penalty_usd == pytest.approx(1.0)


@given(st.floats(0, 1e4), POSITIVE, POSITIVE, POSITIVE)
def test_a_time_out_at_break_even_spends_at_most_twice_the_needed(gap_s, saved_w, wake_s, wake_w):
    free = GpuSleep(saved_w, 0.0, wake_s, wake_w, 0.0)
    at = GpuSleep(saved_w, 0.0, wake_s, wake_w, min(break_even_s(free), 86_400.0))
    needed_j = min(saved_w * gap_s, wake_s * wake_w)
    assume(at.after_idle_s < 86_400.0)
    assert gap_energy_j(at, gap_s) <= 2 * needed_j * (1 + 1e-6) + 1e-6


@given(BATCHES)
def test_a_larger_batch_is_never_quicker_a_step_nor_slower_an_image(curve):
    sizes = np.arange(1, curve.batch_max + 1)
    assert (np.diff(batch_step_s(curve, sizes)) >= 0).all()
    assert (np.diff(batch_gain(curve, sizes)) >= -1e-12).all()
    times_ns, powers_mw = batch_quanta(curve, 0.7, 0.8)
    assert (np.diff(times_ns) >= 0).all()
    assert (powers_mw >= 0).all()


@given(BATCHES, st.floats(256, 2048), st.floats(256, 2048))
def test_more_pixels_cost_more(curve, one, other):
    law = PixelLaw(512)
    small, large = (scaled_batch(law, curve, px) for px in sorted((one, other)))
    assert small.image_s <= large.image_s
    assert small.image_j <= large.image_j
    assert small.batch_max >= large.batch_max >= 1


@example(Sigmoid(2.0, 19.0), 2.2e-311)  # below what the curve can tell from nothing
@given(RISING, UNIT)
def test_steps_for_is_the_inverse(curve, quality):
    steps = steps_for(curve, quality)
    if math.isinf(steps):
        assert float(curve(1e9)) <= quality
    elif steps > 0:
        assert float(curve(steps)) == pytest.approx(quality, abs=1e-9)
    else:
        assert float(curve(0.0)) >= quality - 1e-9


@given(RISING, st.floats(0.1, 20), st.floats(0.1, 1.0), st.integers(1, 60))
def test_no_sampler_beats_its_ceiling_or_falls_with_steps(curve, gain, ceiling, steps):
    sampled = SampledCurve(curve, Sampler(gain, 1.0, ceiling))
    assert 0.0 <= float(sampled(steps)) <= float(sampled(steps + 1)) <= ceiling


@given(TABLES, st.floats(50, 1000), st.floats(1, 1500))
def test_a_capped_gpu_keeps_its_cap_and_loses_no_speed_it_may_have(table, full_w, cap_w):
    level = cap_level(table, full_w, cap_w)
    if level == NO_LEVEL:
        assert table.power[0] * full_w > cap_w
        return
    finer, own = with_cap(table, full_w, cap_w)
    assert isinstance(finer, ClockTable)
    assert finer.power[own] * full_w <= cap_w * (1 + 1e-9)
    assert finer.speed[own] >= table.speed[level]
    assert own == len(finer.speed) - 1 or finer.power[own + 1] * full_w > cap_w * (1 - 1e-9)


SLOT = st.integers(-1, 3)


@given(SLOT, SLOT, st.integers(0, 3), SLOT)
def test_a_change_costs_time_where_it_costs_energy(held_base, held_adapter, base, adapter):
    cold = ColdStart()
    held, wanted = (held_base, held_adapter), (base, adapter)
    assert (swap_ns(cold, held, wanted) > 0) == (swap_j(cold, held, wanted) > 0)
    assert swap_ns(cold, (base, held_adapter), wanted) <= swap_ns(cold, (base + 1, -1), wanted)


def test_compiled_numbers_are_the_same():
    """One compilation of each scalar; then a grid of inputs against plain Python."""
    import numba

    share, money = (
        numba.njit(f) for f in (service_scalar.revenue_share, service_scalar.settled_usd)
    )
    swap = numba.njit(lambda a, b, c, d: service_scalar.swap_ns(a, b, c, d, 227, 44))
    gap = numba.njit(gpu_sleep_scalar.split_gap)
    late_ns = [-5, 0, 1, 10**9, 7 * 10**9, 31 * 10**9, 61 * 10**9, 10**15]
    for kind in ("hard", "step", "linear", "exponential"):
        for penalty in ("lost", "late"):
            row = lateness_row(Lateness(kind, 5.0, 30.0, 60.0, 0.8, penalty))
            for late in late_ns:
                assert share(late, row) == pytest.approx(
                    service_scalar.revenue_share(late, row), rel=1e-12
                )
                assert money(late, 2.0, 3.0, row) == pytest.approx(
                    service_scalar.settled_usd(late, 2.0, 3.0, row), rel=1e-12
                )
    for state in [(0, 1, 0, 1), (0, 1, 0, -1), (0, 1, 1, 2), (-1, -1, 0, 0)]:
        assert swap(*state) == service_scalar.swap_ns(*state, 227, 44)
    for gap_ns, after_ns in [(5, 10), (10, 10), (11, 10), (11, 0), (11, -1)]:
        assert gap(gap_ns, after_ns) == gpu_sleep_scalar.split_gap(gap_ns, after_ns)
