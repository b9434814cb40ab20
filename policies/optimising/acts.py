"""From a plan to what can be ordered: prices or shares for jobs, clock levels, battery orders."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.decision import HOLD, Decision, Observation, PerJobRule, ScoreRule, SplitRule, WorldInfo
from cosim.decision.info import FloatArray, IntArray
from cosim.optimise import Course
from policies.classes import patience_s, typical_images
from policies.energy.worth import FirstPeriod, order_of
from policies.heuristics.common import score_rule
from policies.optimising.rolling import RollingPlan
from policies.optimising.rooms import setpoints_c

NEAR = 1e-9
"""Energies and prices below this are the solver's rounding."""


# clocks and batteries -------------------------------------------------------------------------


def clock_levels(
    plan: RollingPlan, course: Course, spare_gpu_h: FloatArray, busy_max: float
) -> IntArray:
    """The slowest level of each site that does the work of the first period with ease, (sites,).

    The linear program mixes levels and knows no queues; a site has one level and needs spare time.

    Args:
        plan: the plan.
        course: what it would do.
        spare_gpu_h: GPU time for new work, shape (sites,).
        busy_max: share of it that the work may take at the level chosen.
    """
    world, plant = plan.world, plan.plant
    levels = np.zeros(world.n_sites, dtype=np.int64)
    for site, speeds in enumerate(world.clock_speed):
        mine = plant.mode_site == site
        speed = np.array(speeds)
        work_h = float((course.mode_h[mine, 0] * speed[plant.mode_level[mine]]).sum())
        enough = work_h <= busy_max * speed * spare_gpu_h[site]
        levels[site] = int(np.argmax(enough)) if enough.any() else len(speeds) - 1
    return levels


def energy_decision(plan: RollingPlan, course: Course, observation: Observation) -> Decision:
    """The battery order within what the batteries can do, and the temperatures of the rooms."""
    assert plan.seen is not None
    first = FirstPeriod(
        charge_kwh=course.charge_kwh[:, 0],
        give_kwh=course.give_kwh[:, 0],
        buy_kwh=course.buy_kwh[:, 0],
        sell_kwh=course.sell_kwh[:, 0],
        stored_usd_kwh=course.stored_usd_kwh[:, 0],
        fill_kw=plan.fill_kw,
        off_kw=plan.loads.off_kw,
    )
    order = order_of(plan.plant.store, plan.seen, first)
    low, high = observation.battery_low_kw, observation.battery_high_kw
    return Decision(
        battery_kw=np.clip(order.power_kw, low, high),
        battery_absorb_kw=order.absorb_kw,
        battery_cover_kw=order.cover_kw,
        cooling_setpoint_c=(
            setpoints_c(plan.world, observation, course.cold_kwh[:, 0])
            if len(plan.plant.rooms)
            else None
        ),
    )


# jobs -----------------------------------------------------------------------------------------


def prices(
    world: WorldInfo, step_usd: FloatArray, energy_usd_kwh: FloatArray, levels: IntArray
) -> Prices:
    """The prices of a plan as a rule understands them.

    The plan mixes clock levels and prices a denoising step; a rule prices GPU time and energy at
    one level. With the plan's price of energy, the price of GPU time is set such that a step costs
    at that level what it costs in the plan.

    Args:
        world: static facts.
        step_usd: what a denoising step costs in the plan, shape (services,).
        energy_usd_kwh: what a kWh of IT energy costs in it, shape (sites,).
        levels: clock level of each site.
    """
    at = world.service_site
    energy_usd_kwh = energy_usd_kwh[at]
    speed = np.array([world.clock_speed[site][levels[site]] for site in at])
    power = np.array([world.clock_power[site][levels[site]] for site in at])
    beyond_kw = (world.step_w * power - world.idle_w[at]) / 1000.0
    step_h = world.image_step_s / speed / 3600.0
    energy_usd = energy_usd_kwh * beyond_kw * step_h
    gpu_usd_h = (step_usd / world.replicas - energy_usd) / step_h
    return Prices(np.maximum(gpu_usd_h, 0.0) / 3600.0, energy_usd_kwh)


class Prices(NamedTuple):
    """Prices of the plan.

    Attributes:
        gpu_usd_s: of a GPU-second at each service, shape (services,).
        energy_usd_kwh: of a kWh of IT energy, same shape.
    """

    gpu_usd_s: FloatArray
    energy_usd_kwh: FloatArray


def holds(plan: RollingPlan, course: Course) -> FloatArray:
    """Share of the images of each group in hand that the plan leaves for later, (groups,)."""
    assert plan.seen is not None
    groups = plan.customers.groups
    now = (
        np.bincount(plan.fluid.work.route_group, course.run[:, 0], len(groups)) + course.miss[:, 0]
    )
    there = plan.seen.arriving[:, 0]
    kept = np.divide(there - now, there, out=np.zeros(len(groups)), where=there > NEAR)
    return np.where(groups.patient, np.clip(kept, 0.0, 1.0), 0.0)


def score(
    plan: RollingPlan, course: Course, asked: Prices, margin_s: float, delay_weight: float
) -> ScoreRule:
    """The prices of the plan as a rule; classes of which it keeps most wait."""
    world = plan.world
    kept = holds(plan, course)[plan.customers.group].min(axis=0)
    return score_rule(
        world,
        gpu_usd_s=asked.gpu_usd_s,
        energy_usd_kwh=asked.energy_usd_kwh,
        margin_s=margin_s,
        delay_usd_s=delay_weight * delay_price_usd_s(plan, course),
        hold_below_usd=np.where(kept > 0.5, np.inf, -np.inf),
    )


def delay_price_usd_s(plan: RollingPlan, course: Course) -> float:
    """What a typical job earns in the first period, per second of an impatient job's patience."""
    served = course.mix[:, :, 0].sum()
    if served <= NEAR:
        return 0.0
    paid = (course.mix[:, :, 0] * plan.world.revenue_usd).sum() / served
    return float(paid * typical_images(plan.world).mean() / patience_s(plan.world))


def shares(plan: RollingPlan, course: Course) -> SplitRule:
    """The routes of the plan as shares, its mixes of steps as one count per class and place."""
    world, customers = plan.world, plan.customers
    sites, kinds, services = world.n_sites, len(world.classes), world.n_services
    work, group = plan.fluid.work, customers.group
    run = np.zeros((len(customers.groups), services + 2))
    np.add.at(run, (work.route_group, work.route_service), np.maximum(course.run[:, 0], 0.0))
    run[:, services + 1] = np.maximum(course.miss[:, 0], 0.0)
    kept = holds(plan, course)
    run[:, services] = kept / np.maximum(1.0 - kept, NEAR) * run.sum(axis=1)
    some = run.sum(axis=1) > NEAR
    home = np.zeros_like(run)
    home[np.arange(len(run)), customers.stay] = 1.0
    run = np.where(some[:, None], run, home)
    part = (run / run.sum(axis=1, keepdims=True))[group]
    flow = part[:, :, :services] * plan.seen_images()[:, :, None]
    steps = np.empty((sites, kinds, services), dtype=np.int64)
    for service in range(services):
        steps[:, :, service] = _steps(plan, course.mix[service, :, 0], flow[:, :, service])
    return SplitRule(part, steps)


def _steps(plan: RollingPlan, mix: FloatArray, flow: FloatArray) -> IntArray:
    """Hand out the step counts of a mix to the flows to a service, large flows first.

    Every flow takes the count of which most is left for its size, so that the shares of the mix
    are met as nearly as whole flows can.
    """
    counts = np.array(plan.world.steps, dtype=np.int64)
    total, wanted = mix.sum(), float(flow.sum())
    if total <= NEAR or wanted <= NEAR:
        return np.full(flow.shape, counts[int(np.searchsorted(counts, plan.world.default_steps))])
    left = mix / total * wanted
    out = np.empty(flow.size, dtype=np.int64)
    sizes = flow.ravel()
    for at in np.argsort(-sizes, kind="stable").tolist():
        best = int(np.argmax(left))
        out[at] = counts[best]
        left[best] -= sizes[at]
    return out.reshape(flow.shape)


def release(
    plan: RollingPlan,
    course: Course,
    asked: Prices,
    observation: Observation,
    otherwise: ScoreRule | SplitRule,
) -> ScoreRule | SplitRule | PerJobRule:
    """Place the jobs that wait: as many of each group as the plan serves now, most urgent first.

    They go where the plan sends their group, by largest remainder, with the steps that earn most
    at its prices; the others go on waiting.
    """
    if not observation.held:
        return otherwise
    world, work = plan.world, plan.fluid.work
    gain = world.revenue_usd - asked.gpu_usd_s[:, None] * world.image_s()
    energy_usd = asked.energy_usd_kwh[:, None] * world.image_kwh()
    gain = np.where(world.steps_open, gain - energy_usd, -np.inf)
    steps = np.array(world.steps, dtype=np.int64)[gain.argmax(axis=1)]
    left = np.zeros((len(plan.customers.groups), world.n_services))
    np.add.at(left, (work.route_group, work.route_service), np.maximum(course.run[:, 0], 0.0))
    jobs = sorted(observation.held, key=lambda job: (job.slack_s, job.job))
    last_s = 2.0 * world.slot_h * 3600.0
    placed = []
    for job in jobs:
        group = plan.customers.group[job.home, job.class_id]
        service = int(np.argmax(left[group]))
        if left[group, service] >= 0.5 * job.images or job.slack_s < last_s:
            if left[group, service] <= 0.0:
                service = int(_best(world, gain, job.home, job.class_id))
            left[group, service] -= job.images
            placed.append((job.job, service, int(steps[service])))
        else:
            placed.append((job.job, HOLD, 0))
    table = np.array(placed, dtype=np.int64)
    return PerJobRule(table[:, 0], table[:, 1], table[:, 2], otherwise)


def _best(world: WorldInfo, gain: FloatArray, home: int, kind: int) -> int:
    """The service that earns most for a job that must not wait any longer."""
    best = gain.max(axis=1) - world.transfer_usd[home, world.service_site]
    return int(np.argmax(np.where(world.reachable[home, kind], best, -np.inf)))
