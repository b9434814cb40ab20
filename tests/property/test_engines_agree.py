"""The identity contract: the fast engine leaves the same job table and bins as the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cosim.decision import (
    DROP,
    HOLD,
    CallbackRule,
    Decision,
    PerJobRule,
    Placement,
    ScoreRule,
    SplitRule,
)
from cosim.rng import stream
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.scenario.model import Scenario
from cosim.world.step_times import step_times
from cosim.world.world import World

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
QUICKSTART, PAPER = SCENARIOS / "quickstart.yaml", SCENARIOS / "paper" / "base.yaml"
COLUMNS = (
    *("service", "steps", "gpu", "decided_ns", "landed_ns", "start_ns", "finish_ns"),
    *("delivered_ns", "energy_pj", "transfer_usd", "late"),
)
MODELS = {
    "light": {
        "quality": {"kind": "sigmoid", "a": 0.26, "c0": 10},
        "value_usd": 0.001,
        "load_s": 3,
        "load_w": 120,
        "timing": {
            "x": {"step_s": 0.21, "step_w": 400, "encode_s": 0.1, "decode_s": 0.3, "fixed_j": 40}
        },
    },
    "heavy": {
        "quality": {"kind": "saturating", "k": 0.1},
        "value_usd": 0.004,
        "load_s": 7,
        "timing": {"x": {"step_s": 0.9, "step_w": 700}},
    },
    "round": {  # phases of whole seconds: boundaries fall on meter and slot edges
        "quality": {"kind": "saturating", "k": 0.2},
        "value_usd": 0.002,
        "load_s": 5,
        "load_w": 0,
        "timing": {"x": {"step_s": 1.0, "step_w": 500, "encode_s": 1.0, "decode_s": 0.0}},
    },
}


class Restless:
    """A policy that draws a rule of a random kind and random clocks at every slot edge."""

    def __init__(self, kinds, hold):
        self.kinds, self.hold = kinds, hold

    def reset(self, world, rng):
        self.world, self.rng = world, rng

    def decide(self, seen):
        self.seen = seen
        kind = self.kinds[self.rng.integers(len(self.kinds))]
        top = np.array([len(levels) for levels in self.world.clock_speed])
        clock = self.rng.integers(0, top) if self.rng.random() < 0.8 else None
        battery = self.rng.uniform(-2, 2, self.world.n_sites)
        return Decision(dispatch=getattr(self, kind)(), clock_level=clock, battery_kw=battery)

    def split(self):
        world, rng = self.world, self.rng
        shape = (world.n_sites, len(world.classes), world.n_services)
        shares = rng.dirichlet(np.full(shape[2] + 2, 0.5), shape[:2])
        shares[:, :, -2:] *= self.hold
        shares[:, :, : shape[2]] += 1e-3
        return SplitRule(shares, rng.choice(world.steps, shape))

    def score(self):
        world, rng = self.world, self.rng
        classes, services = len(world.classes), world.n_services
        steps = rng.random((services, len(world.steps))) < 0.5
        steps[:, 0] = True
        low = rng.uniform(-0.01, 0.02, (2, classes))
        return ScoreRule(
            gpu_usd_s=rng.choice([0.0, 1e-4, 3e-4], services),
            energy_usd_kwh=rng.uniform(-0.1, 0.4, services),
            allowed=rng.random((world.n_sites, services)) < 0.7,
            steps_allowed=steps,
            revenue_weight=float(rng.choice([0.0, 1.0])),
            late_weight=float(rng.choice([0.0, 1.0, 3.0])),
            transfer_weight=float(rng.choice([0.0, 1.0])),
            delay_usd_s=float(rng.choice([0.0, 1e-5])),
            margin_s=float(rng.choice([0.0, 5.0])),
            hold_below_usd=low[0] if rng.random() < self.hold else None,
            drop_below_usd=low[1] - 0.02 if rng.random() < self.hold else None,
        )

    def per_job(self):
        rng = self.rng
        held = [job.job for job in self.seen.held]
        soon = rng.integers(0, 60, 4).tolist()
        jobs = np.unique(np.array([*held[::2], *soon], dtype=np.int64))
        services = rng.choice([HOLD, DROP], len(jobs))
        steps = rng.choice(self.world.steps, len(jobs))
        return PerJobRule(jobs, services, steps, self.split())

    def callback(self):
        return CallbackRule(self.place)

    def place(self, job, view):
        """Join the shortest wait that the job may join; hold and drop a few."""
        world = self.world
        if (job.job * 7919 + view.now_ns) % 11 < 2 * self.hold:
            return Placement((HOLD, DROP)[job.job % 2], 0)
        services = [
            s
            for s, site in enumerate(world.service_site.tolist())
            if job.transferable or site == job.home
        ]
        best = min(services, key=lambda s: (view.wait_ns[int(world.service_site[s])], s))
        load = sum(view.backlog_ns) // 10**9 + sum(view.clock_level)
        return Placement(best, world.steps[load % len(world.steps)])


@st.composite
def sites(draw):
    discipline = draw(st.sampled_from(["fcfs", "edf", "srs", "priority"]))
    return {
        "location": {"lat_deg": 50, "lon_deg": 5, "timezone": "Europe/Paris"},
        "weather": "weather/nsrdb15_brussels_2019",
        "models": draw(
            st.sampled_from(
                [["light"], ["heavy"], ["round"], ["light", "heavy"], ["round", "light", "heavy"]]
            )
        ),
        "gpus": {
            "kind": "x",
            "count": draw(st.sampled_from([1, 2, 3, 5])),
            "idle_w": 60,
            "server_w": 100,
            "discipline": discipline,
            "preempt": discipline != "fcfs" and draw(st.booleans()),
            "failures": draw(st.sampled_from([None, {"mtbf_h": 0.4, "mttr_h": 0.07}])),
            "clock": {"kind": "table", "speed": [0.5, 0.9, 1.0], "power": [0.5, 0.7, 1.0]},
        },
        "cooling": {"kind": "constant", "pue": 1.3},
        "pv": draw(st.sampled_from([None, {"peak_kw": 3.0}])),
        "battery": draw(
            st.sampled_from(
                [
                    None,
                    {
                        "kind": "linear",
                        "capacity_kwh": 0.6,
                        "charge_kw_max": 1.0,
                        "discharge_kw_max": 1.0,
                    },
                ]
            )
        ),
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
            "import_kw_max": draw(st.sampled_from([None, None, 0.7, 1.3, 2.0])),
        },
    }


@st.composite
def outages(draw, names):
    return {
        "site": draw(st.sampled_from(names)),
        "gpus": draw(st.sampled_from(["all", 1])),
        "at_h": draw(st.sampled_from([0, 1 / 12, 0.51, 1])),  # on slot edges and between them
        "for_h": draw(st.sampled_from([0.25, 0.07, 2])),
    }


@st.composite
def scenarios(draw):
    names = ["north", "south", "west"][: draw(st.integers(1, 3))]
    drawn = {name: draw(sites()) for name in names}
    gpus = sum(site["gpus"]["count"] for site in drawn.values())
    load = draw(st.sampled_from([0.3, 0.9, 1.5]))  # of GPUs that need about 25 s per job
    return Scenario.model_validate(
        {
            "name": "random",
            "models": MODELS,
            "sites": drawn,
            "clock": {
                "start": "2019-04-22T09:00:00Z",
                "days": 0.0625,
                "slot_minutes": draw(st.sampled_from([5, 15])),
                "meter_seconds": draw(st.sampled_from([20, 60])),
            },
            "workload": {
                "arrivals": {
                    "kind": "generated",
                    "jobs_per_day": load * gpus * 86_400 / 25,
                    "process": draw(
                        st.sampled_from([{"kind": "poisson"}, {"kind": "gamma", "cv": 3}])
                    ),
                },
                "transferable": draw(st.sampled_from([0.0, 0.6])),
                "flexible": draw(st.sampled_from([None, {"share": 0.3}])),
                "priority": draw(st.sampled_from([[0], [3, 1, 1], [0, 7, -2, 7]])),
            },
            "faults": draw(st.lists(outages(names), max_size=2)),
            "network": {"latency_ms": draw(st.sampled_from([0, 20, 60_000]))},
            "steps": [4, 10, 30],
            "default_steps": 10,
        }
    )


def difference(one, other, name):
    """What two runs disagree in, with both histories of the first job that differs."""
    for column in COLUMNS:
        a, b = getattr(one.jobs, column), getattr(other.jobs, column)
        wrong = np.flatnonzero(a != b)
        if len(wrong):
            begun = np.where(one.jobs.start_ns < 0, np.iinfo(np.int64).max, one.jobs.start_ns)
            job = wrong[np.argmin(begun[wrong])]
            rows = [
                {name: getattr(result.jobs, name)[job] for name in ("arrival_ns", *COLUMNS)}
                for result in (one, other)
            ]
            return f"{name}: {len(wrong)} jobs differ in {column}; first job {job}\n" + "\n".join(
                f"  {engine}: {row}"
                for engine, row in zip(("reference", "fast"), rows, strict=True)
            )
    for column, values in one.bins.items():
        wrong = np.argwhere(values != other.bins[column])
        if len(wrong):
            at = tuple(wrong[0])
            pair = f"{values[at]!r} and {other.bins[column][at]!r}"
            return f"{name}: {column} differs in (bin, site) {at}: {pair}"
    for column, values in one.ledger.data.items():
        if column != "decide_ms" and not np.array_equal(values, other.ledger.data[column]):
            return f"{name}: ledger column {column} differs"
    return "" if one.digest == other.digest else f"{name}: digests differ"


KINDS = ["split", "score", "per_job", "callback"]
agree = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@agree
@given(
    scenarios(),
    st.sampled_from([[kind] for kind in KINDS] + [KINDS]),
    st.sampled_from([0.0, 1.0]),
    st.integers(0, 99),
)
def test_engines_agree_to_the_last_bit(scenario, kinds, hold, seed):
    on = staged(scenario)
    one, other = (
        run(on, seed=seed, make=lambda: Restless(kinds, hold), engine=engine)
        for engine in ("reference", "fast")
    )
    assert not difference(one, other, "random world")


@settings(agree, max_examples=8)
@given(scenarios(), st.sampled_from([0.0, 1.0]), st.integers(0, 99))
def test_every_step_is_recovered_as_the_reference_metered_it(scenario, hold, seed):
    """Counted per meter bin, the recovered ends of all steps are the reference's meters."""
    plan = staged(scenario).plan(seed)
    fast, reference = (
        World(plan, Restless(["split"], hold), stream(seed, "policy", "x"), engine=engine)
        for engine in ("fast", "reference")
    )
    bins = reference.run().bins["steps"]
    fates = fast.run().state
    counted = np.zeros_like(bins)
    for job in np.flatnonzero(np.asarray(fates.service) >= 0).tolist():
        ends_ns = step_times(fast.engine, job)
        site = int(plan.info.service_site[fates.service[job]])
        decode_ns = plan.services[fates.service[job]].decode_ns
        assert fates.finish_ns[job] - ends_ns[-1] in decode_ns
        number = (ends_ns - 1) // plan.bin_ns  # a step that ends on an edge ends the bin
        np.add.at(counted[:, site], number[number < len(counted)], 1)
    assert np.array_equal(counted, bins)


def test_a_difference_is_told_by_the_history_of_the_first_job_in_both_engines():
    on = staged(load_scenario(QUICKSTART, ["clock.days=0.0625", "scale=0.05"]))
    one = run(on, policy="home")
    late, early = np.argsort(one.jobs.start_ns, kind="stable")[[7, 3]]
    finish_ns = one.jobs.finish_ns.copy()
    finish_ns[[late, early]] += [5, 1]
    other = replace(one, jobs=replace(one.jobs, finish_ns=finish_ns))
    first, *histories = difference(one, other, "x").splitlines()
    assert first == f"x: 2 jobs differ in finish_ns; first job {early}"
    assert [line.split(":")[0].strip() for line in histories] == ["reference", "fast"]
    for line, result in zip(histories, (one, other), strict=True):
        assert f"'finish_ns': np.int64({result.jobs.finish_ns[early]})" in line
        assert f"'arrival_ns': np.int64({one.jobs.arrival_ns[early]})" in line


@pytest.mark.parametrize("policy", ["home", "round-robin", "greedy-utility", "price-aware"])
def test_engines_agree_under_shipped_policies(policy):
    loaded = load_scenario(QUICKSTART, ["clock.days=0.125", "scale=0.05"])
    on = staged(loaded)
    one, other = (run(on, policy=policy, engine=engine) for engine in ("reference", "fast"))
    assert len(one.jobs) > 100
    assert not difference(one, other, policy)


@pytest.mark.heavy
@pytest.mark.parametrize("policy", ["greedy-utility", "round-robin"])
def test_engines_agree_over_a_million_jobs(policy):
    """A day at paper scale, with few steps so that the reference ends in minutes."""
    loaded = load_scenario(PAPER, ["workload.images={1: 1.0}", "steps=[2, 4]", "default_steps=4"])
    on = staged(loaded)
    one, other = (run(on, policy=policy, engine=engine) for engine in ("reference", "fast"))
    assert len(one.jobs) > 1_000_000
    assert not difference(one, other, policy)
