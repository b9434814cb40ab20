"""Laws of pools whose jobs are interrupted: by more urgent ones, and by GPUs that fail."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosim.decision import Decision, SplitRule
from cosim.quantities import NS_PER_HOUR
from cosim.rng import stream
from cosim.run import run, staged
from cosim.scenario.model import Scenario
from cosim.world.step_times import step_times, stints_of
from cosim.world.world import World

MODELS = {
    name: {
        "quality": {"kind": "saturating", "k": 0.1},
        "value_usd": 0.001,
        "load_s": load_s,
        "timing": {"x": {"step_s": step_s, "step_w": 400, "decode_s": 0.3, "fixed_j": 40}},
    }
    for name, load_s, step_s in (("light", 3, 0.21), ("heavy", 7, 0.5))
}


@st.composite
def scenarios(draw):
    discipline = draw(st.sampled_from(["fcfs", "edf", "srs", "priority"]))
    site = {
        "location": {"lat_deg": 50, "lon_deg": 5},
        "models": draw(st.sampled_from([["light"], ["heavy", "light"]])),
        "gpus": {
            "kind": "x",
            "count": draw(st.integers(1, 4)),
            "idle_w": 60,
            "server_w": 100,
            "discipline": discipline,
            "preempt": discipline != "fcfs" and draw(st.booleans()),
            "failures": draw(st.sampled_from([None, {"mtbf_h": 0.3, "mttr_h": 0.1}])),
            "clock": {"kind": "table", "speed": [1.0], "power": [1.0]},
        },
        "cooling": {"kind": "constant", "pue": 1.3},
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
        },
    }
    return Scenario.model_validate(
        {
            "name": "random",
            "models": MODELS,
            "sites": {"north": site, "south": site},
            "clock": {
                "start": "2019-04-22T09:00:00Z",
                "days": 0.0625,
                "slot_minutes": 5,
                "meter_seconds": draw(st.sampled_from([20, 60])),
            },
            "workload": {
                "arrivals": {"kind": "generated", "jobs_per_day": draw(st.integers(500, 20_000))},
                "flexible": {"share": 0.3},
                "priority": draw(st.sampled_from([[0], [2, 1, 1, 0]])),
            },
            "faults": [{"site": "south", "gpus": 1, "at_h": 0.3, "for_h": 0.4}],
            "replicas": 2,
            "steps": [4, 10, 30],
            "default_steps": 10,
        }
    )


class Scattered:
    """Spread jobs over all services, with steps that differ by class."""

    def reset(self, world, rng):
        shape = (world.n_sites, len(world.classes), world.n_services)
        shares = np.zeros((*shape[:2], shape[2] + 2))
        shares[:, :, : shape[2]] = 1.0 / shape[2]
        home = world.service_site == np.arange(world.n_sites)[:, None]
        shares[:, ~world.transferable, : shape[2]] = (home / home.sum(axis=1, keepdims=True))[
            :, None
        ]
        self.rule = SplitRule(shares, rng.choice(world.steps, shape))

    def decide(self, seen):
        return Decision(
            self.rule,
            battery_kw=np.zeros(len(seen.soc)),
            battery_absorb_kw=np.zeros(len(seen.soc)),
            battery_cover_kw=np.zeros(len(seen.soc)),
        )


laws = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def down_spans(plan):
    """Spans in which each (site, GPU) is down."""
    spans, begun = {}, {}
    for fault in plan.faults:
        if fault.up:
            span = (begun.pop(fault[1:3]), fault.at_ns)
            spans.setdefault(fault[1:3], []).append(span)
        else:
            begun[fault[1:3]] = fault.at_ns
    assert not begun  # every failure has its repair
    return spans


@laws
@given(scenarios(), st.integers(0, 99))
def test_a_gpu_runs_one_job_at_a_time_and_none_while_it_is_down(scenario, seed):
    plan = staged(scenario).plan(seed)
    watched = []
    world = World(
        plan,
        Scattered(),
        stream(seed, "policy", "x"),
        engine="fast",
        watch=lambda seen, _: watched.append(seen),
    )
    outcome = world.run()
    spans, fates = down_spans(plan), outcome.state
    stints, steps = {}, 0
    for job in range(len(plan.jobs)):
        mine = stints_of(world.engine, job)
        site = int(plan.info.service_site[fates.service[job]])
        assert fates.landed_ns[job] <= fates.start_ns[job] < fates.finish_ns[job]
        assert all(a.end_ns <= b.begin_ns for a, b in pairwise(mine))
        for stint in mine:
            if stint.begin_ns <= stint.end_ns:
                stints.setdefault((site, stint.gpu), []).append((stint.begin_ns, stint.end_ns))
        steps += len(step_times(world.engine, job))
        asked = int(plan.jobs.images[job]) * int(fates.steps[job])
        lost = len(step_times(world.engine, job)) - asked
        assert lost >= 0
        assert lost == 0 or plan.faults
    assert steps == outcome.ledger.total("steps")
    for gpu, busy in stints.items():
        everything = sorted([*busy, *spans.get(gpu, [])])
        assert all(a[1] <= b[0] for a, b in pairwise(everything))
    for seen in watched:
        up = seen.gpus_up
        at_work = np.rint(seen.busy_share * plan.info.gpus)
        assert (at_work <= up).all()
        assert (at_work[seen.queue_jobs > 0] == up[seen.queue_jobs > 0]).all()


@laws
@given(scenarios(), st.integers(0, 99))
def test_energy_and_lost_gpu_hours_add_up(scenario, seed):
    on = staged(scenario)
    result = run(on, seed=seed, make=Scattered)
    jobs_kwh = 2 * result.jobs.energy_pj.astype(float).sum() / 3.6e18
    assert result.ledger.total("compute_kwh") == pytest.approx(jobs_kwh, rel=1e-9)
    plan = on.plan(seed)
    lost_ns = sum(
        min(end, plan.window_ns) - min(begin, plan.window_ns)
        for spans in down_spans(plan).values()
        for begin, end in spans
    )
    assert result.ledger.total("gpu_down_h") == pytest.approx(2 * lost_ns / NS_PER_HOUR)
    busy_h = 2 * result.bins["busy_share"] * plan.info.gpus * scenario.clock.meter_seconds / 3600
    idle_kwh = result.ledger.data["idle_kwh"].sum()
    there_h = 2 * plan.info.gpus.sum() * 1.5
    waiting_h = there_h - busy_h.sum() - 2 * lost_ns / NS_PER_HOUR
    assert idle_kwh == pytest.approx(0.06 * waiting_h + 0.1 * there_h, rel=1e-9)


@laws
@given(scenarios(), st.integers(0, 99))
def test_nothing_depends_on_how_the_meter_cuts_time(scenario, seed):
    clock = scenario.clock
    cuts = (
        scenario.model_copy(update={"clock": clock.model_copy(update={"meter_seconds": s})})
        for s in (20, 300)
    )
    a, b = (run(cut, seed=seed, make=Scattered).jobs for cut in cuts)
    for column in ("start_ns", "finish_ns", "gpu", "energy_pj"):
        assert np.array_equal(getattr(a, column), getattr(b, column))


@laws
@given(scenarios(), st.integers(0, 99))
def test_failures_of_a_site_do_not_depend_on_the_others(scenario, seed):
    alone = scenario.model_copy(update={"sites": {"north": scenario.sites["north"]}, "faults": ()})
    mine = [row for row in staged(scenario).plan(seed).faults if row.site == 0]
    assert mine == list(staged(alone).plan(seed).faults)
    longer = scenario.clock.model_copy(update={"days": 0.125})
    more = staged(scenario.model_copy(update={"clock": longer})).plan(seed).faults
    assert {*mine} <= {*more}
