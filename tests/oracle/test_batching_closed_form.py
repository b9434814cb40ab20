"""A saturated batching GPU against the closed form of its cycle.

Jobs of one class, n of which fill a batch of B = n·m images: in a cycle of c steps each of the n
jobs is decoded once and another one encoded, so that B images take c·g(B) + B·t⁰.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cosim.decision import Decision, SplitRule
from cosim.rng import stream
from cosim.run import staged
from cosim.scenario.model import Scenario
from cosim.world.world import World


class AtHome:
    """Every job stays and takes the same steps."""

    def __init__(self, steps):
        self.steps = steps

    def reset(self, world, rng):
        shape = (world.n_sites, len(world.classes), world.n_services)
        self.rule = SplitRule(
            np.concatenate([np.ones(shape), np.zeros((*shape[:2], 2))], axis=2),
            np.full(shape, self.steps),
        )

    def decide(self, seen):
        return Decision(dispatch=self.rule)


def saturated(batch_max, images, steps, encode_s=0.05, share=0.4):
    """A plan in which far more jobs arrive than one GPU can run."""
    timing = {
        "step_s": 1.0,
        "step_w": 400,
        "encode_s": encode_s,
        "decode_s": 2 * encode_s,
        "fixed_j": 10 if encode_s else 0,
        "batch": {"fixed_share": share, "power_ratio": 1.2},
    }
    cycle_s = steps * (share + (1 - share) * batch_max) + batch_max * 3 * encode_s
    scenario = Scenario.model_validate(
        {
            "name": "saturated",
            "models": {
                "only": {
                    "quality": {"kind": "saturating", "k": 0.1},
                    "value_usd": 0.01,
                    "timing": {"x": timing},
                }
            },
            "sites": {
                "here": {
                    "location": {"lat_deg": 50, "lon_deg": 5},
                    "models": ["only"],
                    "gpus": {
                        "kind": "x",
                        "count": 1,
                        "idle_w": 50,
                        "server_w": 0,
                        "batch_max": batch_max,
                        "clock": {"kind": "table", "speed": [1.0], "power": [1.0]},
                    },
                    "cooling": {"kind": "constant", "pue": 1.0},
                    "grid": {
                        "price": {"kind": "flat", "usd_per_kwh": 0.1},
                        "carbon": {"kind": "flat", "g_per_kwh": 300},
                    },
                }
            },
            "clock": {"start": "2019-04-22T00:00:00Z", "days": 0.0625},
            "workload": {
                "arrivals": {
                    "kind": "generated",
                    "jobs_per_day": 5 * batch_max / images * 86_400 / cycle_s,
                },
                "images": {images: 1.0},
            },
            "steps": [steps],
            "default_steps": steps,
        }
    )
    return staged(scenario).plan(1)


@pytest.mark.parametrize("engine", ["reference", "fast"])
@pytest.mark.parametrize(
    ("batch_max", "images", "steps", "encode_s", "share"),
    [(8, 1, 20, 0.05, 0.4), (8, 2, 20, 0.0, 0.4), (16, 4, 30, 0.2, 0.9), (3, 3, 10, 0.1, 0.0)],
)
def test_a_full_batch_turns_over_in_its_closed_form(
    engine, batch_max, images, steps, encode_s, share
):
    plan = saturated(batch_max, images, steps, encode_s, share)
    state = World(plan, AtHome(steps), stream(1, "policy", "x"), engine=engine).run().state
    service, jobs = plan.services[0], batch_max // images
    fixed_ns = service.encode_ns[0] + service.decode_ns[0]
    cycle_ns = steps * service.batch_ns[0][-1] + batch_max * fixed_ns
    ends_ns = np.sort(np.asarray(state.finish_ns))
    middle = slice(len(ends_ns) // 4, len(ends_ns) // 2)  # full from before until after
    assert (ends_ns[jobs:][middle] - ends_ns[:-jobs][middle] == cycle_ns).all()
    step_pj = service.batch_ns[0][-1] * service.batch_mw[0][-1]
    image_pj = fixed_ns * service.fixed_mw[0] + steps * step_pj
    order = np.argsort(np.asarray(state.finish_ns))
    assert (np.asarray(state.energy_pj)[order][jobs:][middle] == images * image_pj).all()
    assert service.image_pj(0, steps) == image_pj
    # what estimates and policies reckon with is this cycle, but for a nanosecond per step
    believed_ns = jobs * service.job_ns(0, steps, images)
    assert cycle_ns - batch_max * steps <= believed_ns <= cycle_ns


@pytest.mark.parametrize("share", [0.0, 0.6])
def test_batching_pays_by_its_share(share):
    """The same jobs end sooner by what the law promises, up to the first and the last batch."""
    plan = saturated(8, 1, 30, 0.0, share)
    alone = replace(
        plan,
        sites=tuple(replace(site, batch_max=1) for site in plan.sites),
        services=tuple(replace(s, batch_ns=(), batch_mw=()) for s in plan.services),
    )
    ends_ns = [
        max(World(p, AtHome(30), stream(1, "policy", "x"), engine="fast").run().state.finish_ns)
        for p in (plan, alone)
    ]
    gain = 8 / (share + (1 - share) * 8)
    assert ends_ns[1] / ends_ns[0] == pytest.approx(gain, rel=0.02)
