"""GPU times and energies at values worked out by hand."""

import numpy as np
import pytest

from cosim.physics.gpu import (
    ClockTable,
    ServiceTiming,
    best_level,
    cubic,
    decode_ns,
    encode_ns,
    energy_per_work,
    fixed_power_mw,
    guard_int64,
    image_energy_j,
    image_ns,
    load_ns,
    power_mw,
    powerlaw,
    service_ns,
    step_ns,
)
from cosim.quantities import INT64_MAX

SDXL_A100 = ServiceTiming(
    step_s=0.1079, step_w=392.0, encode_s=0.04, decode_s=0.118, fixed_j=39.0, load_s=22.7
)


def test_time_of_an_image_is_linear_in_its_steps():
    assert image_ns(SDXL_A100, 1.0, 25) == 158_000_000 + 25 * 107_900_000
    assert service_ns(SDXL_A100, 1.0, 25, 4) == 4 * (158_000_000 + 25 * 107_900_000)


def test_energy_of_an_image_agrees_with_the_published_total():
    # ML.ENERGY: 39 J + 42.3 J per step on an A100, 25 steps
    assert image_energy_j(SDXL_A100, 1.0, 1.0, 25) == pytest.approx(39 + 42.3 * 25, rel=1e-3)


def test_a_lower_clock_stretches_every_phase_but_not_the_load():
    assert step_ns(SDXL_A100, 0.5) == 215_800_000
    assert (encode_ns(SDXL_A100, 0.5), decode_ns(SDXL_A100, 0.5)) == (80_000_000, 236_000_000)
    assert load_ns(SDXL_A100) == 22_700_000_000


def test_energy_at_a_lower_clock_is_power_ratio_over_speed():
    full = image_energy_j(SDXL_A100, 1.0, 1.0, 30)
    assert image_energy_j(SDXL_A100, 0.8, 0.6, 30) == pytest.approx(full * 0.6 / 0.8, rel=1e-5)


def test_powers_are_integer_milliwatts():
    assert power_mw(392.0, 0.5) == 196_000
    assert fixed_power_mw(SDXL_A100, 1.0) == round(39 / 0.158 * 1000)
    bare = ServiceTiming(step_s=0.1, step_w=100, encode_s=0, decode_s=0, fixed_j=0)
    assert fixed_power_mw(bare, 1.0) == 0
    assert image_energy_j(bare, 1.0, 1.0, 10) == pytest.approx(100.0)


def test_clock_table_interpolates_between_levels_and_not_beyond():
    table = ClockTable((0.5, 1.0), (0.4, 1.0))
    np.testing.assert_allclose(table.at([0.5, 0.75, 1.0]), [0.4, 0.7, 1.0])
    with pytest.raises(ValueError, match=r"from 0.5 to 1"):
        table.at(0.4)


def test_cubic_by_hand_and_best_level():
    table = cubic(0.3, (0.5, 0.8, 1.0))
    np.testing.assert_allclose(table.power, [0.3 + 0.7 * 0.125, 0.3 + 0.7 * 0.512, 1.0])
    np.testing.assert_allclose(energy_per_work(table), [0.775, 0.823, 1.0], atol=5e-4)
    assert best_level(table) == 0


def test_energy_is_u_shaped_on_the_measured_v100_fit():
    speeds = tuple(np.linspace(0.5, 1.0, 51))
    table = powerlaw(0.47, 7.7, speeds)
    best = speeds[best_level(table)]
    assert 0.70 < best < 0.85
    assert 0.70 < energy_per_work(table).min() < 0.80


def test_of_equal_levels_the_faster_wins():
    assert best_level(ClockTable((0.5, 1.0), (0.5, 1.0))) == 1


@pytest.mark.parametrize(
    ("speed", "power"),
    [
        ((0.5, 0.9), (0.4, 0.9)),
        ((1.0, 0.5), (1.0, 0.4)),
        ((0.5, 1.0), (1.0,)),
        ((), ()),
        ((0.0, 1.0), (0.4, 1.0)),
        ((0.5, 0.7, 1.0), (0.6, 0.5, 1.0)),
    ],
)
def test_bad_clock_tables_are_refused(speed, power):
    with pytest.raises(ValueError, match="ClockTable"):
        ClockTable(speed, power)


@pytest.mark.parametrize(
    "change", [{"step_s": 0}, {"step_w": -1}, {"encode_s": float("nan")}, {"load_s": -1}]
)
def test_bad_timings_are_refused(change):
    fields = {"step_s": 0.1, "step_w": 300, "encode_s": 0.1, "decode_s": 0.1, "fixed_j": 10}
    with pytest.raises(ValueError, match=next(iter(change))):
        ServiceTiming(**(fields | change))


def test_fixed_energy_without_fixed_time_is_refused():
    with pytest.raises(ValueError, match="fixed_j"):
        ServiceTiming(step_s=0.1, step_w=300, encode_s=0, decode_s=0, fixed_j=10)


def test_speed_outside_the_unit_interval_is_refused():
    with pytest.raises(ValueError, match="speed"):
        step_ns(SDXL_A100, 0.0)


def test_guard_stops_exactly_where_64_bits_end():
    guard_int64("edge", INT64_MAX // 1000, 1000)
    with pytest.raises(ValueError, match=r"edge: .* at most"):
        guard_int64("edge", INT64_MAX // 1000 + 1, 1000)
    with pytest.raises(ValueError, match="pool"):
        guard_int64("pool", 300 * 10**9, 700_000, count=80)
