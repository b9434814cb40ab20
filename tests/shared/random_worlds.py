"""Random whole worlds for both engines, and what two runs of one of them disagree in.

Everything that an engine knows is drawn together: disciplines, preemption, batches, failures,
clocks, further pools of GPUs, limits of the grid by time, tariffs, calls, backups, models and
adapters in memory, sleep, full queues, jobs that are given up, transfers, holds, every kind of
rule, soft and hard deadlines, outages of the network and of batteries, batteries and their ageing,
cooling and rooms that get too warm, and arrivals that fall on edges.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from random_supply import backups, terms

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
from cosim.prepare.stage import Stage
from cosim.run import staged
from cosim.scenario.model import Scenario

COLUMNS = (
    *("service", "steps", "gpu", "decided_ns", "landed_ns", "start_ns", "finish_ns"),
    *("delivered_ns", "dropped_ns", "energy_pj", "transfer_usd", "late"),
)
MODELS = {
    "light": {
        "quality": {"kind": "sigmoid", "a": 0.26, "c0": 10},
        "value_usd": 0.001,
        "load_s": 3,
        "load_w": 120,
        "timing": {
            "x": {
                "step_s": 0.21,
                "step_w": 400,
                "encode_s": 0.1,
                "decode_s": 0.3,
                "fixed_j": 40,
                "batch": {"fixed_share": 0.6, "power_ratio": 1.3},
            }
        },
    },
    "heavy": {
        "quality": {"kind": "saturating", "k": 0.1},
        "value_usd": 0.004,
        "load_times": {"quantiles": [0.1, 0.5, 0.9], "seconds": [2, 7, 19]},
        "timing": {"x": {"step_s": 0.9, "step_w": 700, "batch": {"fixed_share": 0.1}}},
    },
    "round": {  # phases of whole seconds: boundaries fall on meter and slot edges
        "quality": {"kind": "saturating", "k": 0.2},
        "value_usd": 0.002,
        "load_s": 5,
        "load_w": 0,
        "timing": {
            "x": {
                "step_s": 1.0,
                "step_w": 500,
                "encode_s": 1.0,
                "decode_s": 0.0,
                "batch": {"fixed_share": 0.5, "power_ratio": 0.9},
            }
        },
    },
}
MODELS["tinted"] = {  # an adapter that loads in less time than it takes
    "quality": {"kind": "sigmoid", "a": 0.3, "c0": 9},
    "value_usd": 0.002,
    "adapter_of": "light",
    "load_s": 1.5,
    "load_w": 90,
}
MODELS["larger"] = {  # the same weights at another size: nothing to load
    "quality": {"kind": "saturating", "k": 0.1},
    "value_usd": 0.006,
    "adapter_of": "heavy",
    "load_s": 0,
    "timing": {"x": {"step_s": 1.4, "step_w": 700, "batch": {"fixed_share": 0.1}}},
}
SLEEP = [
    None,
    {"after_s": 0, "sleep_w": 0, "wake_s": 0},
    {"after_s": 7, "sleep_w": 20, "wake_s": 3, "wake_w": 45},
    {"after_s": 60, "sleep_w": 20, "wake_s": 1},
]
KINDS = ["split", "score", "per_job", "callback"]
SIZE = {"capacity_kwh": 0.6, "charge_kw_max": 1.0, "discharge_kw_max": 1.0}
BATTERIES = [
    None,
    {"kind": "linear", **SIZE},
    {"kind": "linear", **SIZE, "outages": [{"at_h": 0.26, "for_h": 0.4}]},
    {
        "kind": "pcs_ohmic",
        **SIZE,
        "taper": {},
        "derating": {},
        "standby_kw": 0.02,
        "cell_temperature": {"kind": "outdoor", "offset_k": -8, "low_c": -10},
        "ageing": {"model": "lfp_250ah", "age_years": 0},
    },
]
COOLING = [
    {"kind": "constant", "pue": 1.3},
    {"kind": "economizer", "free_below_c": 5, "full_above_c": 15},
    {"kind": "chiller", "free_below_c": 5, "full_above_c": 12},
]
ROOMS = [
    None,
    {},
    {"capacity_ratio": 0.5, "mass_wh_per_k_kw": 3, "allowance_k": 1, "start_c": 20},
]

# no shrinking: every attempt runs two whole worlds, so that it would take minutes and often end at
# another difference; `difference` names the first job that differs instead
engines_agree = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
policies = st.sampled_from([[kind] for kind in KINDS] + [KINDS])
holds = st.sampled_from([0.0, 1.0])
seeds = st.integers(0, 99)


# worlds ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Even(Stage):
    """A stage whose jobs arrive on multiples of a time, so that much happens at one instant."""

    apart_ns: int = 1

    def plan(self, seed):
        plan = super().plan(seed)
        late_ns = -plan.jobs.arrival_ns % self.apart_ns
        jobs = replace(
            plan.jobs,
            arrival_ns=plan.jobs.arrival_ns + late_ns,
            deadline_ns=plan.jobs.deadline_ns + late_ns,
        )
        return replace(plan, jobs=jobs)


def even(on, apart_ns):
    """The stage with arrivals on multiples of a time."""
    return Even(**{f.name: getattr(on, f.name) for f in fields(on)}, apart_ns=apart_ns)


@st.composite
def stages(draw, batching=False):
    """A random scenario, its jobs perhaps arriving on edges; perhaps batches at its first site."""
    on, apart_s = staged(draw(scenarios(batching))), draw(st.sampled_from([0, 0, 0.5, 60]))
    return even(on, round(apart_s * 1e9)) if apart_s else on


@st.composite
def sites(draw, batch_max):
    discipline = draw(st.sampled_from(["fcfs", "edf", "srs", "priority"]))
    models = [["light"], ["heavy"], ["round"], ["light", "heavy"], ["round", "light", "heavy"]]
    models += [["light", "tinted"], ["tinted"], ["larger", "tinted", "light", "heavy"]]
    pool = {
        "kind": "x",
        "count": draw(st.sampled_from([1, 2, 3, 5])),
        "idle_w": 60,
        "server_w": 100,
        "discipline": discipline,
        "batch_max": batch_max,
        "queue_limit": draw(st.sampled_from([None, None, 0, 1, 5])),
        "drop_late": draw(st.sampled_from(["never", "after_deadline"])),
        "sleep": draw(st.sampled_from(SLEEP)),
        "preempt": batch_max == 1 and discipline != "fcfs" and draw(st.booleans()),
        "failures": draw(st.sampled_from([None, {"mtbf_h": 0.4, "mttr_h": 0.07}])),
        "clock": {"kind": "table", "speed": [0.5, 0.9, 1.0], "power": [0.5, 0.7, 1.0]},
    }
    older = {
        "kind": "x",
        "count": draw(st.sampled_from([1, 2])),
        "idle_w": 40,
        "server_w": 100,
        "models": draw(st.sampled_from([[], ["heavy", "light"]])),
        "clock": {"kind": "table", "speed": [0.6, 1.0], "power": [0.6, 1.0]},
    }
    return {
        "location": {"lat_deg": 50, "lon_deg": 5, "timezone": "Europe/Paris"},
        "weather": "weather/nsrdb15_brussels_2019",
        "models": draw(st.sampled_from(models)),
        "gpus": pool,
        "pools": draw(st.sampled_from([{}, {}, {"older": older}])),
        "cooling": draw(st.sampled_from(COOLING)),
        "room": draw(st.sampled_from(ROOMS)),
        "pv": draw(st.sampled_from([None, {"peak_kw": 3.0}])),
        "battery": draw(st.sampled_from(BATTERIES)),
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
            "import_kw_max": draw(st.sampled_from([None, None, 0.7, 1.3, 2.0])),
            **draw(terms()),
        },
        "backup": draw(backups()),
    }


SHARES = st.sampled_from([0.0, 0.5, 1.0])
LATENESS = st.one_of(
    st.just({"kind": "hard"}),
    st.fixed_dictionaries({"kind": st.just("step"), "grace_s": st.just(40), "share": SHARES}),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["linear", "exponential"]),
            "grace_s": st.sampled_from([0, 30]),
            "scale_s": st.sampled_from([1, 90]),
            "share": SHARES,
            "penalty": st.sampled_from(["lost", "late"]),
        }
    ),
)


@st.composite
def models(draw):
    """The models, each with a bargain of its own."""
    return {name: {**model, "lateness": draw(LATENESS)} for name, model in MODELS.items()}


@st.composite
def outages(draw, names):
    return {
        "site": draw(st.sampled_from(names)),
        "gpus": draw(st.sampled_from(["all", 1])),
        "at_h": draw(st.sampled_from([0, 1 / 12, 0.51, 1])),  # on slot edges and between them
        "for_h": draw(st.sampled_from([0.25, 0.07, 2])),
    }


@st.composite
def cuts(draw, names):
    return {
        "site": draw(st.sampled_from(names)),
        "at_h": draw(st.sampled_from([0, 1 / 12, 0.4321, 1.49])),
        "for_h": draw(st.sampled_from([0.25, 0.0321, 1])),
    }


@st.composite
def scenarios(draw, batching=False):
    """A random scenario of up to three sites; a GPU-time of about 25 s for each job."""
    names = ["north", "south", "west"][: draw(st.integers(1, 3))]
    sizes = [draw(st.sampled_from([1, 1, 1, 2, 3, 4, 8, 16])) for _ in names]
    if batching:
        sizes[0] = max(2, sizes[0])
    drawn = {name: draw(sites(size)) for name, size in zip(names, sizes, strict=True)}
    gpus = sum(site["gpus"]["count"] for site in drawn.values())
    load = draw(st.sampled_from([0.3, 0.6, 0.9, 1.2, 1.5]))
    arrivals = {
        "kind": "generated",
        "jobs_per_day": load * gpus * 86_400 / 25,
        "process": draw(st.sampled_from([{"kind": "poisson"}, {"kind": "gamma", "cv": 3}])),
    }
    return Scenario.model_validate(
        {
            "name": "random",
            "models": draw(models()),
            "sites": drawn,
            "clock": {
                "start": "2019-04-22T09:00:00Z",
                "days": 0.0625,
                "slot_minutes": draw(st.sampled_from([5, 15])),
                "meter_seconds": draw(st.sampled_from([20, 60])),
            },
            "workload": {
                "arrivals": arrivals,
                "transferable": draw(st.sampled_from([0.0, 0.6])),
                "flexible": draw(st.sampled_from([None, {"share": 0.3}])),
                "priority": draw(st.sampled_from([[0], [3, 1, 1], [0, 7, -2, 7]])),
            },
            "faults": draw(st.lists(outages(names), max_size=2)),
            "network": {
                "latency_ms": draw(st.sampled_from([0, 20, 60_000])),
                "outages": draw(st.lists(cuts(names), max_size=2)),
            },
            "steps": [4, 10, 30],
            "default_steps": 10,
        }
    )


# a policy ----------------------------------------------------------------------------------


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
        room_c = self.rng.uniform(15, 30, self.world.n_sites) if self.rng.random() < 0.6 else None
        return Decision(
            dispatch=getattr(self, kind)(),
            clock_level=clock,
            battery_kw=battery,
            cooling_setpoint_c=room_c,
        )

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


# what differs ------------------------------------------------------------------------------


def difference(one, other, name):
    """What two runs disagree in, with both histories of the first job that differs."""
    unlike = {c: getattr(one.jobs, c) != getattr(other.jobs, c) for c in COLUMNS}
    wrong = np.flatnonzero(np.any(list(unlike.values()), axis=0))
    if len(wrong):
        begun = np.where(one.jobs.start_ns < 0, np.iinfo(np.int64).max, one.jobs.start_ns)
        job = int(wrong[np.argmin(begun[wrong])])
        columns = ", ".join(column for column in COLUMNS if unlike[column][job])
        lines = [f"{name}: {len(wrong)} jobs differ; first job {job}, in {columns}"]
        for engine, result in (("reference", one), ("fast", other)):
            row = {c: getattr(result.jobs, c)[job].item() for c in ("arrival_ns", *COLUMNS)}
            lines.append(f"  {engine}: {row}")
        return "\n".join(lines)
    for column, values in one.bins.items():
        wrong = np.argwhere(values != other.bins[column])
        if len(wrong):
            at = tuple(wrong[0].tolist())
            pair = f"{values[at]!r} and {other.bins[column][at]!r}"
            return f"{name}: {column} differs in (bin, site) {at}: {pair}"
    for column, values in one.ledger.data.items():
        if column != "decide_ms" and not np.array_equal(values, other.ledger.data[column]):
            return f"{name}: ledger column {column} differs"
    return "" if one.digest == other.digest else f"{name}: digests differ"
