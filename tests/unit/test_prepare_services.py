"""What the keys of GPUs and models come to: clocks, caps, samplers, sizes and step counts."""

import numpy as np
import pytest

from cosim.errors import TraceError
from cosim.physics.resolution import PixelLaw
from cosim.prepare import stage
from cosim.scenario.load import load_scenario
from cosim.traces.profiles import service_profile


@pytest.fixture(scope="module")
def staged(repository_root):
    """Stages of the tiny scenario with overrides."""

    def make(*overrides):
        path = repository_root / "tests" / "data" / "tiny.yaml"
        return stage(load_scenario(path, overrides).scenario)

    return make


def test_laws_of_the_clock_become_levels(staged):
    law = "sites.north.gpus.clock={kind: powerlaw, p0: 0.5, a: 2, speed: [0.5, 1]}"
    clock = staged(law).racks[0].clock
    assert clock.speed == (0.5, 1.0)
    assert clock.power == pytest.approx((0.5 + 0.5 * 0.25, 1.0))
    roof = "sites.north.gpus.clock={kind: roofline, delta: 0.1, clock: [0.5, 1]}"
    clock = staged(roof).racks[0].clock
    assert clock.speed == pytest.approx((1 / 1.1, 1.0))  # 0.1 / 0.5 + 0.9
    assert clock.power == pytest.approx((0.6 + 0.4 / 8, 1.0))


TABLE = "sites.{}.gpus.clock={{kind: table, speed: [0.5, 0.8, 1], power: [0.4, 0.6, 1]}}"


def test_a_cap_makes_its_fastest_clock_the_full_one(staged):
    """`small` draws 350 W: 280 W is half way from 0.6 to 1 of that, so speed 0.9."""
    on = staged(TABLE.format("north"), "sites.north.gpus.cap_w=280")
    assert on.racks[0].clock.speed == pytest.approx((0.5 / 0.9, 0.8 / 0.9, 1.0))
    assert on.racks[0].clock.power == pytest.approx((0.5, 0.75, 1.0))
    service = on.services[0]
    assert service.timing.step_w == pytest.approx(280.0)
    assert service.plan.step_ns == pytest.approx((0.05e9 / 0.5, 0.05e9 / 0.8, 0.05e9 / 0.9))
    assert service.plan.step_mw == pytest.approx((140_000, 210_000, 280_000))


def test_the_hungriest_model_of_a_site_sets_the_cap(staged):
    """`large` draws 380 W; at its cap of 228 W, 0.6 of that, `small` runs as slowly beside it."""
    on = staged(TABLE.format("south"), "sites.south.gpus.cap_w=228")
    assert on.racks[1].clock.speed == pytest.approx((0.625, 1.0))
    large, small = on.services[1], on.services[2]
    assert large.timing.step_w == pytest.approx(228.0)
    assert small.timing.step_w == pytest.approx(0.6 * 350.0)
    assert small.timing.step_s == pytest.approx(0.05 / 0.8)


def test_a_cap_that_does_not_bind_changes_nothing(staged):
    plain, capped = staged(), staged("sites.north.gpus.cap_w=350")
    assert capped.racks == plain.racks
    assert [s.plan for s in capped.services] == [s.plan for s in plain.services]


def test_a_cap_below_every_clock_is_refused_with_its_site_and_key(staged):
    with pytest.raises(TraceError, match=r"site `north`, gpus\.cap_w: .*at least 140 W"):
        staged(TABLE.format("north"), "sites.north.gpus.cap_w=100")


def test_batches_count_in_the_cap(staged):
    """A batch of four draws 1.375 × 350 W = 481 W, cut to the board's 400 W; the cap holds all."""
    law = "models.small.timing.a100.batch={fixed_share: 0.5, power_ratio: 1.5}"
    on = staged(law, "sites.north.gpus.batch_max=4", "sites.north.gpus.cap_w=320")
    most_w = max(4 * on.services[0].plan.batch_mw[-1][-1], on.services[0].plan.step_mw[-1]) / 1e3
    assert most_w == pytest.approx(320.0, abs=0.01)


def test_an_own_sampler_changes_what_a_step_costs_and_is_worth(staged):
    own = "models.small.sampler={kind: own, step_gain: 3, time_factor: 0.5, ceiling: 0.9}"
    plain, sampled = staged().plan(1).info, staged(own).plan(1).info
    assert sampled.image_step_s == pytest.approx(plain.image_step_s * [0.5, 1.0, 0.5])
    six, eighteen = sampled.steps.index(6), sampled.steps.index(18)
    assert sampled.quality[0, six] == pytest.approx(0.9 * plain.quality[0, eighteen])
    assert np.array_equal(sampled.quality[1], plain.quality[1])


def test_a_published_sampler_is_told_with_its_assumptions(staged):
    on = staged("models.small.profile=sdxl", "models.small.sampler=lightning")
    info = on.plan(1).info
    assert info.image_step_s[0] == pytest.approx(0.5 * 0.05)
    four = 0.7799 / 0.8719 / (1 + np.exp(-0.26 * (60 - 10)))  # 6 steps count for 60
    assert info.quality[0, 0] == pytest.approx(four)
    (row,) = [row for row in on.provenance if row.used_for == "small: sampler"]
    assert "time_factor" in row.assumed
    assert "SenseFlow" in row.what


def test_a_size_that_was_not_measured_is_scaled_and_flagged(staged):
    profile = "models.small={profile: sdxl, quality: {k: 0.1, kind: saturating}, value_usd: 1}"
    measured = service_profile("sdxl", "a100")
    same, larger = staged(profile), staged(profile, "models.small.px=2048")
    assert same.services[0].timing.step_s == measured.step_s
    assert not same.provenance
    law = PixelLaw(1024)
    timing = larger.services[0].timing
    assert timing.step_s == pytest.approx(measured.step_s * 4**law.time_exponent)
    energy_j = measured.step_s * measured.step_w * 4**law.energy_exponent
    assert timing.step_s * timing.step_w == pytest.approx(energy_j)
    (row,) = larger.provenance
    assert "scaled from 1024 to 2048 px" in row.assumed


def test_every_model_may_have_step_counts_of_its_own(staged):
    info = (
        staged("models.small.steps=[2, 4, 8]", "steps=[10, 30]", "default_steps=30").plan(1).info
    )
    assert info.steps == (2, 4, 8, 10, 30)
    assert info.allowed_steps == [[2, 4, 8], [10, 30], [2, 4, 8]]
    assert info.default_column.tolist() == [2, 4, 2]
    assert info.revenue_usd.shape == (3, 5)
