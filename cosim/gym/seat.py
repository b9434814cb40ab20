"""Laying out a learner's seat: tables by which compiled code reads actions and writes views."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cosim.decision import ScoreRule, WorldInfo
from cosim.decision.info import FloatArray, IntArray
from cosim.gym.actions import Action, worth_usd
from cosim.gym.groups import Groups
from cosim.gym.reward import Reward
from cosim.gym.views import Float32Array, View
from cosim.world.clockwork import Clockwork
from cosim.world.dispatch import Dispatcher
from cosim.world.kernel_seat import (
    DEFAULT_STEP,
    DELAY_AT,
    ENCODING,
    MARGIN_AT,
    META_ENTRIES,
    MODE,
    ORDER_COLUMNS,
    ORDER_ROOM_C,
    OUTER_BATTERY,
    OUTER_CLOCK,
    OUTER_ROOM,
    REFUSE_AT,
    STEP_PRICE_AT,
    TOLD,
    Seat,
)
from cosim.world.observe import Lookout
from cosim.world.plan import Plan
from cosim.world.rule_tables import RuleTables


def lay_seat(info: WorldInfo, action: Action, view: View, groups: Groups) -> Seat:
    """Lay out what reading an action takes; nothing of a plan yet."""
    sites, services, kinds = info.n_sites, info.n_services, len(info.classes)
    size, steps = len(action), len(info.steps)
    levels = int(info.top_level.max()) + 1
    return Seat(
        meta=_meta(info, action),
        open_at=action.open_at,
        steps_at=action.steps_at,
        price_at=action.price_at,
        hold_at=action.hold_at,
        clock_at=action.clock_at,
        battery_at=action.battery_at,
        room_at=action.room_at,
        limits=action.limits,
        group=groups.of_class,
        worth=worth_usd(info),
        images=np.array([each.images_mean for each in info.classes]),
        step_s=np.array(info.image_step_s, dtype=np.float64),
        choices=np.zeros((levels * services, steps, 0), dtype=np.int64),
        seconds=np.zeros((levels, services, steps)),
        energy_kwh=np.zeros((levels, services, steps)),
        earned=np.zeros((services, steps)),
        missed=np.zeros((services, steps)),
        options=np.zeros((sites, 2, services + 1), dtype=np.int64),
        clean=np.zeros(size),
        weights=np.zeros(size),
        shares=np.zeros((sites, len(groups), services + 2)),
        steps=np.zeros((len(groups), services), dtype=np.int64),
        prices=np.zeros((2, services)),
        margin_s=np.zeros(1),
        delay_usd_s=np.zeros(1),
        floor_usd=np.zeros((2, kinds)),
        level=info.top_level.copy(),
        order=_no_orders(sites),
        known=np.zeros((0, len(view)), dtype=np.float32),
        live=view.live,
        maps=view.maps,
        arrived=np.zeros((sites, len(groups))),
        waits=np.zeros(sites),
        cursor=np.zeros(TOLD + sites, dtype=np.int64),
        by_due=np.zeros(0, dtype=np.int32),
        fines=np.zeros(0),
        waiting=np.zeros(0, dtype=np.int32),
        law=np.ones(2),
    )


def _no_orders(sites: int) -> FloatArray:
    order = np.zeros((sites, ORDER_COLUMNS))
    order[:, ORDER_ROOM_C] = np.nan
    return order


def _meta(info: WorldInfo, action: Action) -> IntArray:
    meta = np.zeros(META_ENTRIES, dtype=np.int64)
    meta[ENCODING] = action.kind
    meta[DEFAULT_STEP] = info.steps.index(info.default_steps)
    meta[STEP_PRICE_AT], meta[MARGIN_AT] = action.step_price_at, action.margin_at
    meta[REFUSE_AT], meta[DELAY_AT] = action.refuse_at, action.delay_at
    meta[OUTER_CLOCK], meta[OUTER_BATTERY] = action.clock, action.battery
    meta[OUTER_ROOM] = action.room
    return meta


class Offers(NamedTuple):
    """What a ScoreRule weighs at every service and clock level; see :class:`Seat`.

    Attributes:
        choices: steps and times, rows level · services + service.
        seconds: GPU-seconds of an image, shape (levels, services, steps).
        energy_kwh: energy of an image beyond idling, same shape.
        earned: paid on time, shape (services, steps) [USD].
        missed: penalty when late, same shape [USD].
        options: open services of each home.
    """

    choices: IntArray
    seconds: FloatArray
    energy_kwh: FloatArray
    earned: FloatArray
    missed: FloatArray
    options: IntArray


def offers(plan: Plan) -> Offers:
    """Work out what a ScoreRule weighs, by asking its own tables at prices of one and of zero.

    A score is linear in the prices and in the weights, so that three questions per clock level
    tell all; whatever a scorer takes into account is taken into account here.
    """
    levels = max(site.levels for site in plan.sites)
    asked = [_asked(plan, level) for level in range(levels)]
    free = asked[0]
    return Offers(
        choices=np.concatenate([each.choices for each in asked]),
        seconds=np.stack([each.seconds for each in asked]),
        energy_kwh=np.stack([each.energy_kwh for each in asked]),
        earned=free.earned,
        missed=free.missed,
        options=free.options,
    )


def _asked(plan: Plan, level: int) -> Offers:
    at = [min(level, site.levels - 1) for site in plan.sites]
    tables = RuleTables(plan, Dispatcher(plan, [], at, "gym"))
    none, one = 0.0, 1.0

    def scores(gpu: float, energy: float, weight: float) -> FloatArray:
        tables.fill(_rule(plan.info, gpu, energy, weight))
        return tables.rules.scores.copy()

    money = scores(none, none, one)
    return Offers(
        choices=tables.rules.choices.copy(),
        seconds=-scores(one, none, none)[:, :, 0],
        energy_kwh=-scores(none, one, none)[:, :, 0],
        earned=money[:, :, 0].copy(),
        missed=-money[:, :, 1],
        options=tables.rules.options.copy(),
    )


def _rule(info: WorldInfo, gpu: float, energy: float, weight: float) -> ScoreRule:
    services = info.n_services
    return ScoreRule(
        gpu_usd_s=np.full(services, gpu),
        energy_usd_kwh=np.full(services, energy),
        allowed=np.ones((info.n_sites, services), dtype=np.bool_),
        steps_allowed=np.ones((services, len(info.steps)), dtype=np.bool_),
        revenue_weight=weight,
        late_weight=weight,
    )


def take_seat(seat: Seat, plan: Plan, known: Float32Array, reward: Reward) -> Seat:
    """Seat a learner in a plan.

    Args:
        seat: the layout; its wish, working memory and counters are made anew.
        plan: what is played.
        known: views of what does not depend on the run, shape (slots + 1, columns).
        reward: what the learner is told of the money.
    """
    jobs, meta = len(plan.jobs), seat.meta.copy()
    meta[MODE] = reward.kind
    anew = {name: getattr(seat, name).copy() for name in _OWN}
    return seat._replace(
        **anew,
        **offers(plan)._asdict(),
        meta=meta,
        known=known,
        by_due=np.argsort(plan.jobs.deadline_ns, kind="stable").astype(np.int32),
        fines=np.zeros(jobs),
        waiting=np.zeros(jobs, dtype=np.int32),
        law=np.array([reward.tolerance, reward.scale_usd(plan.info)]),
    )


def known_views(plan: Plan, view: View) -> Float32Array:
    """Views of every slot edge of a plan in which nobody asks for anything, (slots + 1, columns).

    What does not depend on the run is as it will be seen: prices, forecasts, the time of day.
    """
    quiet = replace(plan, jobs=plan.jobs.pick(slice(0, 0)))
    works = Clockwork(quiet, "gym", "fast")
    lookout, slot_ns = Lookout(works.books), plan.info.slot_ns
    seen = (
        lookout.observe(slot, slot * slot_ns, works.engine, works.forecaster)
        for slot in range(plan.info.slots + 1)
    )
    return np.stack([view.encode(each) for each in seen])


_OWN = (
    *("clean", "weights", "shares", "steps", "prices", "margin_s", "floor_usd"),
    *("delay_usd_s", "level", "order", "arrived", "waits", "cursor"),
)
