"""The world that policies are checked in, and the future of it that is changed behind their backs.

Three sites, two hours in slots of ten minutes, a few hundred jobs, two models at one site; prices
jump, sun and wind come and go. One site's prices are public a day ahead, one's for two slots,
one's for the running slot only, so that what is public differs from site to site.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.prepare import stage
from cosim.rng import stream
from cosim.scenario.model import Scenario
from cosim.traces.jobs import JobSet
from cosim.world.plan import Outside, Plan

FloatArray = NDArray[np.float64]
PUBLIC_SLOTS = (10_000, 2, 1)
_MARKS = (
    "home",
    "images",
    "steps_asked",
    "model_asked",
    "transferable",
    "class_id",
    "input_mb",
    "output_mb",
)


def _site(count: int, models: list[str], **more: Any) -> dict[str, Any]:
    return {
        "location": {"lat_deg": 50.0, "lon_deg": 5.0},
        "models": models,
        "gpus": {
            "kind": "check-gpu",
            "count": count,
            "idle_w": 60,
            "server_w": 90,
            "clock": {"kind": "cubic"},
        },
        "cooling": {"kind": "constant", "pue": 1.2},
        "grid": {
            "price": {"kind": "flat", "usd_per_kwh": 0.1},
            "carbon": {"kind": "flat", "g_per_kwh": 300},
        },
        **more,
    }


def _model(step_s: float, value_usd: float, middle: float) -> dict[str, Any]:
    return {
        "quality": {"kind": "sigmoid", "a": 0.2, "c0": middle},
        "value_usd": value_usd,
        "load_s": 15,
        "timing": {"check-gpu": {"step_s": step_s, "step_w": 400, "encode_s": 0.1}},
    }


def lively() -> Scenario:
    """The scenario of the check."""
    store = {"kind": "linear", "capacity_kwh": 3, "charge_kw_max": 2, "discharge_kw_max": 2}
    return Scenario.model_validate(
        {
            "name": "check",
            "clock": {"start": "2019-04-22T08:00:00Z", "days": 2 / 24, "slot_minutes": 10},
            "models": {"light": _model(0.06, 0.01, 10), "heavy": _model(0.25, 0.04, 16)},
            "sites": {
                "one": _site(2, ["light"], battery=store),
                "two": _site(3, ["heavy", "light"]),
                "three": _site(4, ["heavy"], battery=store),
            },
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": 3600}},
            "forecast": {"horizon_hours": 4},
        }
    )


def lively_plan(seed: int) -> Plan:
    """The plan of the check: the scenario with lively prices, carbon, weather, sun and wind."""
    plan = stage(lively()).plan(seed)
    return replace(plan, outside=_lively(plan, seed))


def _lively(plan: Plan, seed: int) -> Outside:
    outside, slots = plan.outside, plan.info.slots
    rows, sites = outside.price_usd_kwh.shape
    dice = stream(seed, "check", "outside")
    price = 0.1 + 0.08 * dice.normal(size=(rows, sites))
    series: dict[str, Any] = {
        "price_usd_kwh": price,
        "sale_usd_kwh": price - 0.1 * np.abs(price),
        "carbon_g_kwh": 300 + 150 * dice.random((rows, sites)),
        "solar_kw": 4.0 * dice.random((rows, sites)),
        "wind_kw": 3.0 * dice.random((rows, sites)),
        "temp_out_c": 12 + 8 * dice.normal(size=(rows, sites)),
    }
    now = np.arange(1, slots + 1)[:, None]
    until = np.where(np.array(PUBLIC_SLOTS) > slots, 10_000, now + np.array(PUBLIC_SLOTS) - 1)
    return replace(
        outside, **series, **_bins(plan, series), published_until=until.astype(np.int64)
    )


def _bins(plan: Plan, series: dict[str, Any]) -> dict[str, Any]:
    """Meter bins that repeat their slot's mean."""
    first, slots = plan.outside.history, plan.info.slots
    names = {"solar_kw": "solar_bin_kw", "wind_kw": "wind_bin_kw", "temp_out_c": "temp_bin_c"}
    return {
        bins: np.repeat(series[slot][first : first + slots], plan.bins_per_slot, axis=0)
        for slot, bins in names.items()
    }


def other_future(plan: Plan, slot: int) -> Plan:
    """The same plan with everything else from the beginning of a slot on that is not public then.

    Measured series change from the slot that begins (its own mean is not measured yet), prices
    from the first slot whose price is not public, jobs from the first that arrives after the edge.
    """
    dice = stream(slot, "check", "other future")
    return replace(
        plan,
        outside=_other_outside(plan, slot, dice),
        jobs=_other_jobs(plan.jobs, slot * plan.info.slot_ns, dice),
    )


def _other_outside(plan: Plan, slot: int, dice: np.random.Generator) -> Outside:
    outside = plan.outside
    rows = np.arange(len(outside.price_usd_kwh))[:, None] - outside.history
    unmeasured = np.broadcast_to(rows >= slot, outside.price_usd_kwh.shape)
    unpublished = rows >= np.maximum(outside.published_until[slot], slot + 1)[None, :]
    bins = np.arange(len(outside.solar_bin_kw))[:, None] >= slot * plan.bins_per_slot
    changes: dict[str, Any] = {}
    for name in ("price_usd_kwh", "sale_usd_kwh"):
        changes[name] = _moved(getattr(outside, name), unpublished, -0.5)
    for name in ("carbon_g_kwh", "solar_kw", "wind_kw", "temp_out_c"):
        changes[name] = _moved(getattr(outside, name), unmeasured, dice.uniform(5, 15))
    for name in ("solar_bin_kw", "wind_bin_kw", "temp_bin_c"):
        changes[name] = _moved(getattr(outside, name), bins, dice.uniform(5, 15))
    return replace(outside, **changes)


def _moved(values: FloatArray, where: NDArray[np.bool_], by: float) -> FloatArray:
    return np.where(where, values + by, values)


def _other_jobs(jobs: JobSet, edge_ns: int, dice: np.random.Generator) -> JobSet:
    """Other work after an instant: a third stays away, the rest ask for something else."""
    later = np.flatnonzero(jobs.arrival_ns >= edge_ns)
    wishes = dice.permutation(later)
    order = np.concatenate([np.flatnonzero(jobs.arrival_ns < edge_ns), wishes])
    delay_ns = (jobs.deadline_ns - jobs.arrival_ns)[order]
    mixed = {name: getattr(jobs, name)[order] for name in _MARKS}
    arrival_ns = jobs.arrival_ns.copy()
    changed = JobSet(arrival_ns=arrival_ns, deadline_ns=arrival_ns + delay_ns, **mixed)
    stays = np.ones(len(jobs), dtype=np.bool_)
    stays[later[dice.random(len(later)) < 1 / 3]] = False
    return changed.pick(stays)
