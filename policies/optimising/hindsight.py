"""Replaying the best course in hindsight: what a policy would do that had known everything.

Whoever runs a policy with a method ``foresee`` shows it the optimum of the fluid model over the
whole run (:mod:`cosim.hindsight`). It is no competitor: it tells how much of the bound is lost
because jobs are lumps and queues form by chance, the rest being what others did not know.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cosim.decision import Decision, Observation, PerJobRule, ScoreRule, WorldInfo
from cosim.decision.info import FloatArray, IntArray
from cosim.optimise import Course, Groups, Outlook, Plant
from policies.classes import patience_s, typical_images
from policies.energy.worth import FirstPeriod, order_of
from policies.heuristics.common import score_rule
from policies.optimising.acts import Prices, prices
from policies.optimising.customers import PATIENT_SLOTS
from policies.options import number


class Hindsight:
    """Replays the prices, clocks and stored energy of the best course, everything known before.

    Where nobody shows it that course, each job takes what earns it most.

    Args:
        margin_s: spare time before the deadline that counts as being on time [s].
        delay_weight: price of waiting as long as a typical impatient job would, as a share of what
            a typical job earns.
    """

    name = "hindsight"

    def __init__(self, margin_s: float = 5.0, delay_weight: float = 0.07) -> None:
        self.margin_s = number("margin_s", margin_s, 0.0)
        self.delay_weight = number("delay_weight", delay_weight, 0.0, 10.0)
        self._shown: tuple[Plant, Groups, Outlook, Course] | None = None

    def foresee(self, plant: Plant, groups: Groups, seen: Outlook, course: Course) -> None:
        """Take in the best course; periods are the slots of the window."""
        self._shown = (plant, groups, seen, course)

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run."""
        del rng
        self.world = world
        no_limit = np.where([s is not None for s in world.supply], np.inf, np.nan)
        self._fill_kw = no_limit if world.supply else None

    def decide(self, observation: Observation) -> Decision:
        """What the best course does in this slot."""
        if self._shown is None or observation.slot >= self.world.slots:
            return Decision(dispatch=score_rule(self.world))
        slot = observation.slot
        plant, _, seen, course = self._shown
        levels = self._levels(plant, course, slot)
        energy_usd_kwh = course.energy_usd_kwh[:, slot] * seen.pue_low[:, slot]
        asked = prices(self.world, course.step_usd[:, slot], energy_usd_kwh, levels)
        first = FirstPeriod(
            course.charge_kwh[:, slot],
            course.give_kwh[:, slot],
            course.buy_kwh[:, slot],
            course.sell_kwh[:, slot],
            course.stored_usd_kwh[:, slot],
            self._fill_kw,
        )
        order = order_of(plant.store, _from(seen, slot), first)
        low, high = observation.battery_low_kw, observation.battery_high_kw
        return Decision(
            dispatch=self._urgent(observation, self._rule(course, asked, slot)),
            clock_level=levels,
            battery_kw=np.clip(order.power_kw, low, high),
            battery_absorb_kw=order.absorb_kw,
            battery_cover_kw=order.cover_kw,
        )

    def _levels(self, plant: Plant, course: Course, slot: int) -> IntArray:
        """The slowest level of each site that does the work of the slot."""
        levels = np.zeros(self.world.n_sites, dtype=np.int64)
        for site, speeds in enumerate(self.world.clock_speed):
            mine, speed = plant.mode_site == site, np.array(speeds)
            work_h = float((course.mode_h[mine, slot] * speed[plant.mode_level[mine]]).sum())
            enough = work_h <= speed * plant.gpus[site] * self.world.slot_h
            levels[site] = int(np.argmax(enough)) if enough.any() else len(speeds) - 1
        return levels

    def _rule(self, course: Course, asked: Prices, slot: int) -> ScoreRule:
        world = self.world
        mix = course.mix[:, :, slot]
        paid = (mix * world.revenue_usd).sum() / max(float(mix.sum()), 1e-9)
        waiting = paid * typical_images(world).mean() / patience_s(world)
        return score_rule(
            world,
            gpu_usd_s=asked.gpu_usd_s,
            energy_usd_kwh=asked.energy_usd_kwh,
            margin_s=self.margin_s,
            delay_usd_s=self.delay_weight * float(waiting),
            hold_below_usd=self._floors(slot),
        )

    def _floors(self, slot: int) -> FloatArray:
        """What a job of each class is worth later in the best course; −inf if it cannot wait."""
        assert self._shown is not None
        world, (_, groups, _, course) = self.world, self._shown
        images, floors = typical_images(world), np.full(len(world.classes), -np.inf)
        longest = groups.allowance_h >= np.max(groups.allowance_h)
        for k, kind in enumerate(world.classes):
            if kind.delay_lo_s < PATIENT_SLOTS * world.slot_h * 3600.0:
                continue
            mine = longest & (groups.movable == kind.transferable)
            if groups.serves is not None:
                mine &= (groups.serves == world.serves[k]).all(axis=1)
            if mine.any():
                worth = float(course.image_usd[mine, slot].min()) / world.replicas
                floors[k] = 0.98 * images[k] * worth
        return floors

    def _urgent(self, observation: Observation, rule: ScoreRule) -> ScoreRule | PerJobRule:
        """Jobs that have waited until two slots before their deadline run at home."""
        last_s = 2.0 * self.world.slot_h * 3600.0
        due = [job for job in observation.held if job.slack_s < last_s]
        if not due:
            return rule
        stay = self.world.stay_service
        home = np.array([stay[job.home, job.class_id] for job in due], dtype=np.int64)
        steps = np.array(self.world.steps, dtype=np.int64)[self.world.default_column[home]]
        return PerJobRule(np.array([job.job for job in due]), home, steps, rule)


def _from(seen: Outlook, slot: int) -> Outlook:
    """The outlook of one slot, as far as an order needs it."""
    one = slice(slot, slot + 1)
    return replace(
        seen,
        hours=seen.hours[one],
        buy_usd_kwh=seen.buy_usd_kwh[:, one],
        sell_usd_kwh=seen.sell_usd_kwh[:, one],
    )
