"""Sleep, batches, embodied carbon and resolution at published or hand-made values."""

import numpy as np
import pytest

from cosim.physics.embodied import EmbodiedCarbon, embodied_kg, gpu_hour_kg
from cosim.physics.gpu import ServiceTiming
from cosim.physics.gpu_batch import (
    BatchCurve,
    batch_gain,
    batch_power_w,
    batch_quanta,
    batch_step_j,
    batch_step_s,
)
from cosim.physics.gpu_sleep import (
    GpuSleep,
    break_even_s,
    expected_gap_saving_j,
    gap_energy_j,
    pool_saving_w,
)
from cosim.physics.resolution import PixelLaw, pixel_ratio, scaled_batch, scaled_timing
from cosim.physics.resolution import value_factor as price_factor
from cosim.traces.service_tables import batch_curve, embodied_carbon, gpu_sleep, pixel_law

SLEEP = GpuSleep(idle_w=120, sleep_w=70, wake_s=10, wake_w=150, after_idle_s=60)


def test_a_short_gap_is_waited_out():
    assert gap_energy_j(SLEEP, 60.0) == pytest.approx(60 * 120)


def test_a_long_gap_is_slept_through_and_paid_for_at_its_end():
    assert gap_energy_j(SLEEP, 100.0) == pytest.approx(60 * 120 + 40 * 70 + 10 * 150)


def test_break_even_counts_waking_and_the_model():
    assert break_even_s(SLEEP) == pytest.approx(30.0)
    assert break_even_s(SLEEP, reload_j=3500) == pytest.approx(100.0)
    flat = GpuSleep(100, 100, 1, 100, 0)
    assert break_even_s(flat) == float("inf")


def test_the_expected_saving_is_the_mean_over_exponential_gaps():
    gaps = -200.0 * np.log1p(-(np.arange(20_000) + 0.5) / 20_000)
    saved = [120 * gap - gap_energy_j(SLEEP, gap) for gap in gaps]
    assert expected_gap_saving_j(SLEEP, 200.0) == pytest.approx(np.mean(saved), rel=2e-3)


def test_a_pool_saves_gap_by_gap():
    per_gap_j = expected_gap_saving_j(SLEEP, 200.0, 1000.0)
    assert pool_saving_w(SLEEP, 20, 0.6, 200.0, 1000.0) == pytest.approx(
        20 * 0.4 / 200 * per_gap_j
    )


def test_a_sleeper_that_draws_more_than_a_waiter_is_refused():
    with pytest.raises(ValueError, match="must be at most idle_w"):
        GpuSleep(50, 60, 1, 50, 0)


@pytest.mark.parametrize(
    ("model", "gpu", "images", "watts"),
    [
        ("sdxl-turbo", "h100", 1, 212),
        ("sdxl-turbo", "h100", 16, 677),
        ("sdxl", "h100", 1, 429),
        ("sdxl", "h100", 8, 677),
        ("sdxl", "a100", 8, 386),
        ("sd35-medium", "h100", 1, 449),
        ("sd35-medium", "h100", 16, 529),
        ("flux1-dev", "h100", 1, 683),
        ("flux1-dev", "b200", 1, 861),
    ],
)
def test_batch_power_meets_the_published_watts(model, gpu, images, watts):
    curve = batch_curve(model, gpu).value
    assert float(batch_power_w(curve, images)) == pytest.approx(watts, rel=0.05)


@pytest.mark.parametrize(
    ("model", "gpu", "images", "seconds_25"),
    [("sdxl", "h100", 1, 2.258), ("sdxl", "h100", 8, 8.936), ("sd15", "a100", 64, 25.0)],
)
def test_batch_time_meets_the_published_seconds(model, gpu, images, seconds_25):
    curve = batch_curve(model, gpu).value
    assert 25 * float(batch_step_s(curve, images)) == pytest.approx(seconds_25, rel=0.04)


def test_batching_pays_for_small_models_and_hardly_for_large_ones():
    assert float(batch_gain(batch_curve("sd15", "a100").value, 32)) == pytest.approx(2.3, abs=0.1)
    assert float(batch_gain(batch_curve("flux1-dev", "h100").value, 16)) < 1.08


def test_a_batch_that_was_not_measured_is_refused():
    with pytest.raises(ValueError, match="must be from 1 to 4"):
        batch_step_j(BatchCurve(0, 0.1, 0.1, 1, 1, 4), 5)


def test_quanta_of_a_clock_level():
    curve = BatchCurve(floor_s=0.3, base_s=0.1, image_s=0.1, base_j=10, image_j=20, batch_max=3)
    times_ns, powers_mw = batch_quanta(curve, 0.5, 0.8)
    assert times_ns.tolist() == [600_000_000, 600_000_000, 800_000_000]
    assert powers_mw.tolist() == [80_000, 133_333, 140_000]


def test_bloom_hours_as_published():
    # 0.056 kg per server-hour and 0.003 kg per GPU-hour (arXiv 2211.02001)
    server = EmbodiedCarbon(0.0, 2500.0, 1, 6.0, 0.85)
    gpu = EmbodiedCarbon(150.0, 0.0, 8, 6.0, 0.85)
    assert gpu_hour_kg(server) == pytest.approx(0.056, abs=5e-4)
    assert gpu_hour_kg(gpu) == pytest.approx(0.003, abs=5e-4)


def test_the_example_of_the_docstring():
    h100 = embodied_carbon("h100").value
    used = EmbodiedCarbon(h100.gpu_kg, h100.server_kg, h100.gpus_per_server, 6.0, 0.85)
    assert 1000 * gpu_hour_kg(used) == pytest.approx(10.7, abs=0.1)
    assert embodied_kg(used, 10.0) == pytest.approx(10 * gpu_hour_kg(used))


def test_the_pixel_law_is_what_the_two_unets_show():
    law = pixel_law(512).value
    small, large = batch_curve("sd15", "a100").value, batch_curve("sd21", "a100").value
    scaled = scaled_batch(law, small, 768)
    assert scaled.image_s == pytest.approx(large.image_s, rel=0.01)
    assert scaled.image_j == pytest.approx(large.image_j, rel=0.01)
    assert (scaled.floor_s, scaled.base_j) == (small.floor_s, small.base_j)


def test_the_published_span_of_energy_contains_the_exponent():
    # doubling the edge: 1.3 to 4.7 times the energy (arXiv 2506.17016)
    law = PixelLaw(512)
    assert 1.3 < pixel_ratio(law, 1024) ** law.energy_exponent < 4.7


def test_four_times_the_pixels_of_a_single_image():
    law = PixelLaw(512, time_exponent=1.0, energy_exponent=1.5, value_exponent=0.5)
    timing = scaled_timing(law, ServiceTiming(0.1, 100, 1.0, 1.0, 50, 22.7, 150), 1024)
    assert (timing.step_s, timing.step_w) == (pytest.approx(0.4), pytest.approx(200))
    assert (timing.encode_s, timing.decode_s) == (1.0, 4.0)
    assert timing.fixed_j == pytest.approx(125)
    assert (timing.load_s, timing.load_w) == (22.7, 150)
    assert price_factor(law, 1024) == pytest.approx(2.0)


def test_measured_idle_powers_differ_by_the_context():
    published = gpu_sleep("h100")
    assert published.value.idle_w - published.value.sleep_w == pytest.approx(49.9)
    assert "wake_s" in published.assumed


def test_every_record_says_its_equation_and_source():
    import dataclasses
    import importlib

    names = (
        "cold_start embodied gpu gpu_batch gpu_clock gpu_sleep quality resolution sampler service"
    )
    records = {
        record
        for name in names.split()
        for record in vars(importlib.import_module(f"cosim.physics.{name}")).values()
        if isinstance(record, type) and dataclasses.is_dataclass(record)
        if record.__module__ == f"cosim.physics.{name}"
    }
    silent = {r.__name__ for r in records if not getattr(r, "SOURCE", "")}
    assert silent == {"Capped", "SampledCurve"}, "only products of documented records have none"
    assert len(records) >= 16
