"""Looking at the world at a slot edge: what an operator would know, nothing that is to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.decision import HeldJob, Observation
from cosim.quantities import NS_PER_DAY
from cosim.world.jobstate import Ended

if TYPE_CHECKING:
    from cosim.world.world import World

FloatArray = NDArray[np.float64]


def observe(world: World, slot: int) -> Observation:
    """Make the observation of the slot that begins now."""
    plan, now_ns = world.plan, world.env.now
    outside, row = plan.outside, world.last_row
    now = outside.history + min(slot, plan.info.slots - 1)
    utc_ns = plan.info.start_utc_ns + now_ns
    zeros, glance = np.zeros(plan.info.n_sites), world.engine.glance()
    ranges = np.array([f.range_kw(plan.info.slot_h) for f in world.facilities])
    if slot >= plan.info.slots:
        ranges[:] = 0.0
    it_kwh = row["compute_kwh"] + row["idle_kwh"] if row else zeros
    load_kwh = it_kwh + row["cooling_kwh"] if row else zeros
    return Observation(
        slot=slot,
        time_ns=now_ns,
        utc_ns=utc_ns,
        day_fraction=utc_ns % NS_PER_DAY / NS_PER_DAY,
        queue_jobs=_fixed(glance.waiting, np.int64),
        backlog_gpu_s=_fixed([backlog_ns / 1e9 for backlog_ns in glance.backlog_ns]),
        busy_share=_fixed([n / s.gpus for n, s in zip(glance.busy, plan.sites, strict=True)]),
        gpus_up=_fixed(world.engine.gpus_up(), np.int64),
        oldest_slack_s=_fixed([_slack_s(due_ns, now_ns) for due_ns in glance.due_ns]),
        delay_p95_s=_fixed([_delay_ratio(done) for done in world.ended]),
        arrivals=_fixed(world.engine.arrived(), np.int64),
        held=tuple(_held(world, job, now_ns) for job in world.engine.held()),
        clock_level=_fixed(world.levels, np.int64),
        facility_kw=_fixed(load_kwh / plan.info.slot_h),
        it_kw=_fixed(it_kwh / plan.info.slot_h),
        stored_kwh=_fixed([f.stored_kwh for f in world.facilities]),
        soc=_fixed([f.soc for f in world.facilities]),
        battery_low_kw=_fixed(ranges[:, 0]),
        battery_high_kw=_fixed(ranges[:, 1]),
        price_usd_kwh=_fixed(outside.price_usd_kwh[now]),
        sale_usd_kwh=_fixed(outside.sale_usd_kwh[now]),
        carbon_g_kwh=_fixed(_last(outside.carbon_g_kwh, now)),
        solar_kw=_fixed(_last(outside.solar_kw, now)),
        wind_kw=_fixed(_last(outside.wind_kw, now)),
        temp_out_c=_fixed(_last(outside.temp_out_c, now)),
        forecast=world.forecaster.issue(slot, now_ns),
    )


def _fixed(values: Any, kind: Any = np.float64) -> Any:
    """A read-only array."""
    array = np.array(values, dtype=kind)
    array.flags.writeable = False
    return array


def _last(series: FloatArray, now: int) -> FloatArray:
    """The last measured slot of a series; at the very beginning nothing is known but calm."""
    return np.nan_to_num(series[now - 1]) if now else np.zeros(series.shape[1])


def _slack_s(due_ns: int | None, now_ns: int) -> float:
    return float("inf") if due_ns is None else (due_ns - now_ns) / 1e9


def _delay_ratio(done: Ended) -> float:
    """95th percentile of delay over tolerated delay of the jobs that ended in the last slot."""
    if not len(done.delivered_ns):
        return 0.0
    tolerated_ns = np.maximum(1, done.deadline_ns - done.arrival_ns)
    ratio = (done.delivered_ns - done.arrival_ns) / tolerated_ns
    place = 0.95 * (len(ratio) - 1)
    low = int(place)
    high = min(low + 1, len(ratio) - 1)
    ordered = np.partition(ratio, (low, high))  # np.quantile at a tenth of its price
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def _held(world: World, job: int, now_ns: int) -> HeldJob:
    jobs = world.plan.jobs
    slack_s = (int(jobs.deadline_ns[job]) - now_ns) / 1e9
    return HeldJob(
        int(job), int(jobs.home[job]), int(jobs.class_id[job]), int(jobs.images[job]), slack_s
    )
