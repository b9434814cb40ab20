"""How a step grows with the images in it, against figures published for it."""

from __future__ import annotations

import pytest

from cosim.errors import TraceError
from cosim.physics.batching import BatchLaw, MeasuredLaw, batch_image_mw, batch_step_ns
from cosim.physics.gpu import ServiceTiming, power_mw, step_ns
from cosim.prepare import stage
from cosim.scenario.model import Scenario
from cosim.traces.profiles import service_profile
from cosim.traces.service_tables import batch_curve

INF = float("inf")
TIMING = ServiceTiming(step_s=0.1079, step_w=392.0, encode_s=0.04, decode_s=0.118, fixed_j=39.0)


@pytest.mark.parametrize("speed", [0.5, 0.77, 1.0])
def test_one_image_is_a_plain_step(speed):
    law = BatchLaw(0.37, 1.4)
    assert batch_step_ns(TIMING, law, speed, 1) == step_ns(TIMING, speed)
    assert batch_image_mw(TIMING, law, speed, 1, INF) == power_mw(TIMING.step_w, speed)


def test_a_step_is_a_line_in_the_images():
    law = BatchLaw(0.25)
    assert [law.time_ratio(images) for images in (1, 2, 5)] == [1.0, 1.75, 4.0]
    assert batch_step_ns(TIMING, law, 0.5, 5) == round(4.0 * 0.1079 / 0.5 * 1e9)


def test_the_board_is_shared_by_its_images():
    law = BatchLaw(0.0, 1.5)
    assert batch_image_mw(TIMING, law, 1.0, 4, INF) == round(392_000 * 1.375 / 4)
    assert batch_image_mw(TIMING, BatchLaw(0.0), 1.0, 4, INF) == 98_000


def test_the_board_draws_no_more_than_its_limit():
    law = BatchLaw(0.0, 1.5)
    assert batch_image_mw(TIMING, law, 0.5, 4, 400.0) == 50_000
    assert batch_image_mw(TIMING, law, 1.0, 4, 300.0) == 98_000  # one image draws that already


@pytest.mark.parametrize(
    ("model", "gpu", "images", "gain"),
    [  # throughput of the batch over that of one image, as ML.ENERGY v2 and v3 have it
        ("sd15", "a100", 32, 2.29),
        ("sd35-medium", "h100", 16, 1.16),
        ("flux1-dev", "h100", 16, 1.05),
        ("sdxl", "h100", 16, 2.08),
    ],
)
def test_a_measured_law_gives_the_published_gains(model, gpu, images, gain):
    law = MeasuredLaw(batch_curve(model, gpu).value)
    assert images / law.time_ratio(images) == pytest.approx(gain, rel=0.03)
    assert law.time_ratio(1) == law.board_ratio(1) == 1.0


def test_a_measured_law_agrees_with_the_profile_of_its_batch():
    """SD 3.5-Medium: its profile was published for batches of 16 too [s per step and image, W]."""
    law = MeasuredLaw(batch_curve("sd35-medium", "h100").value)
    one = service_profile("sd35-medium", "h100", stack="pytorch-diffusers")
    batch = service_profile("sd35-medium", "h100", stack="pytorch-diffusers-batch16")
    assert one.step_s * law.time_ratio(16) / 16 == pytest.approx(batch.step_s, rel=0.01)
    assert one.step_w * law.board_ratio(16) == pytest.approx(batch.step_w, rel=0.02)


def scenario(model, timing, batch_max=4):
    return Scenario.model_validate(
        {
            "name": "x",
            "models": {
                model: {
                    "quality": {"kind": "saturating", "k": 0.1},
                    "value_usd": 0.01,
                    "timing": timing,
                }
            },
            "sites": {
                "here": {
                    "location": {"lat_deg": 50, "lon_deg": 5},
                    "models": [model],
                    "gpus": {
                        "kind": "h100",
                        "count": 1,
                        "batch_max": batch_max,
                        "clock": {"kind": "table", "speed": [0.5, 1.0], "power": [0.6, 1.0]},
                    },
                    "cooling": {"kind": "constant", "pue": 1.2},
                    "grid": {
                        "price": {"kind": "flat", "usd_per_kwh": 0.1},
                        "carbon": {"kind": "flat", "g_per_kwh": 300},
                    },
                }
            },
            "clock": {"start": "2019-04-22T00:00:00Z", "days": 0.0625},
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": 100}},
        }
    )


def test_a_scenario_takes_the_law_of_the_table():
    service = stage(scenario("sd35-medium", {})).services[0]
    law = MeasuredLaw(batch_curve("sd35-medium", "h100").value)
    assert service.plan.batch_max == 4
    assert service.plan.batch_ns[1][3] == round(0.126 * law.time_ratio(4) * 1e9)
    assert service.plan.batch_mw[0][3] == round(449 * law.board_ratio(4) / 4 * 0.6 * 1000)
    assert service.plan.batch_ns[0][0] == service.plan.step_ns[0]
    assert service.plan.batch_mw[1][0] == service.plan.step_mw[1]


def test_a_scenario_may_bring_its_own_law():
    own = {"h100": {"step_s": 0.1, "step_w": 400, "batch": {"fixed_share": 0.5}}}
    plan = stage(scenario("mine", own)).services[0].plan
    assert plan.batch_ns[1] == (100_000_000, 150_000_000, 200_000_000, 250_000_000)
    assert plan.batch_mw[1] == (400_000, 200_000, 133_333, 100_000)


def test_policies_know_what_a_step_takes_up_in_a_full_batch():
    own = {"h100": {"step_s": 0.1, "step_w": 400, "batch": {"fixed_share": 0.5}}}
    info = stage(scenario("mine", own)).plan(1).info
    assert info.batch_max.tolist() == [4]
    assert info.image_step_s.tolist() == pytest.approx([0.25 / 4])
    assert info.step_w.tolist() == [400.0]


def test_an_unknown_law_is_told_with_its_fix():
    own = {"h100": {"step_s": 0.1, "step_w": 400}}
    with pytest.raises(TraceError, match=r"models\.mine\.timing\.h100\.batch: \{fixed_share") as e:
        stage(scenario("mine", own))
    assert "site `here`, model `mine`" in str(e.value)
    assert stage(scenario("mine", own, batch_max=1)).services[0].plan.batch_max == 1


def test_batches_larger_than_measured_are_refused():
    with pytest.raises(TraceError, match="measured up to 16 images"):
        stage(scenario("sd35-medium", {}, batch_max=17))


def test_gpus_that_batch_do_not_preempt():
    told = scenario("sd35-medium", {}).model_dump(mode="json")
    told["sites"]["here"]["gpus"] |= {"discipline": "edf", "preempt": True}
    with pytest.raises(ValueError, match="cannot be preempted"):
        Scenario.model_validate(told)
