"""A plan that rolls: at every slot edge the hours ahead are solved from the last solve's end.

The state is what was observed: batteries, GPUs that are up, work in the queues (which takes its
GPU time first) and jobs that wait at home, due before their deadlines. If the solver gives no
usable answer the plan says so by returning none; the policies on top then do something safe, and
count it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray
from cosim.optimise import Course, Fluid, Outlook
from policies.classes import queued_gpu_s
from policies.optimising.contracts import Loads, fill_kw, look_ahead, sleeping, under_supply
from policies.optimising.customers import Arrivals, customers
from policies.optimising.facts import Overhead, plant_of, surroundings
from policies.optimising.horizon import Horizon, Periods
from policies.optimising.rooms import rooms_ahead

HASTE = 0.3
"""Least gain of an hour's wait, as a share of the most that an image pays.

Without it a plan holds work for gains that are smaller than its errors, and what is released at a
slot edge lands in one heap before the jobs that cannot wait.
"""


class RollingPlan:
    """The fluid model of a world, kept in the solver from slot to slot.

    Args:
        world: static facts.
        horizon: how far to look and how finely.
        target_load: share of the GPU time to plan for, in (0, 1].
        memory: weight of the past in the running mean of arrivals, in [0, 1).
        binary: decide by whole numbers what the linear program may blur at negative prices.
        time_s_max: limit of a solve [s]; results then depend on the machine.
        haste: least gain of an hour's wait, as a share of the most that an image pays.
        precool: plan the temperatures of machine rooms.

    Attributes:
        plant: the sites.
        customers: the groups of images.
        periods: the hours ahead.
        charges: what contracts ask for beyond prices, as the program has it laid out.
        fluid: the model.
        seen: the outlook of the last plan.
        fill_kw: power with which batteries may be filled before a billed power rises, (sites,).
    """

    def __init__(
        self,
        world: WorldInfo,
        horizon: Horizon,
        *,
        target_load: float = 1.0,
        memory: float = 0.7,
        binary: bool = False,
        time_s_max: float = np.inf,
        haste: float = HASTE,
        precool: bool = True,
    ) -> None:
        self.world, self.target_load, self.haste = world, target_load, haste
        self.plant = plant_of(world, precool=precool)
        self.customers = customers(world, float(self.plant.image_h.max()))
        self.periods = Periods(horizon.lengths(world), world.slot_h, world.slots)
        groups = self.customers.groups
        self.charges = sleeping(world, self.periods)
        self.fluid = Fluid(
            self.plant,
            groups,
            len(self.periods),
            binary=binary,
            time_s_max=time_s_max,
            charges=self.charges,
        )
        self._arrivals = Arrivals(world, self.customers.group, len(groups), memory)
        self._paid_usd = world.replicas * world.revenue_usd
        self.overhead, self.loads = Overhead(world), Loads(world.n_sites)
        self.seen: Outlook | None = None
        self.fill_kw: FloatArray | None = None

    def solve(self, observation: Observation) -> Course | None:
        """Plan the hours ahead; None without a usable answer."""
        course = self.fluid.solve(self.observe(observation))
        return course if course.answer.usable else None

    def observe(self, observation: Observation) -> Outlook:
        """Take in what was seen and say what is expected."""
        self._arrivals.update(observation)
        self.overhead.update(observation)
        load_kw = self.loads.ahead(observation, self.periods)
        ahead = look_ahead(self.world, observation, self.periods, load_kw)
        self.fill_kw = fill_kw(ahead, self.loads.off_kw)
        seen = self.outlook(observation)
        if len(self.plant.rooms):
            it_kw = self.periods.means(load_kw) / seen.pue_low
            seen = replace(seen, rooms=rooms_ahead(self.world, observation, self.periods, it_kw))
        self.seen = under_supply(self.plant, ahead, seen)
        return self.seen

    def outlook(self, observation: Observation) -> Outlook:
        """What is expected of the periods ahead."""
        world, periods = self.world, self.periods
        around = surroundings(world, observation, periods, self.overhead)
        coming = self._arrivals.ahead(periods.total) * periods.inside(observation.slot)
        arriving = periods.sums(coming)
        held, held_due = self._held(observation)
        arriving[:, 0] += held
        due = self._due(coming) + held_due
        return replace(
            around,
            gpu_h=self._spare_gpu_h(observation, around.gpu_h),
            arriving=arriving,
            due=due,
            haste_usd_h=self.haste * float(np.nanmax(self._paid_usd)),
        )

    def _held(self, observation: Observation) -> tuple[FloatArray, FloatArray]:
        """Images that wait at home, (groups,), and those due by each period, (groups, periods)."""
        count, periods = len(self.customers.groups), self.periods
        due = np.zeros((count, len(periods)))
        slot_s = self.world.slot_h * 3600.0
        ends = np.cumsum(periods.lengths)
        for job in observation.held:
            slots = max(0, int(job.slack_s / slot_s) - 1)
            at = int(np.searchsorted(ends, slots, side="right"))
            due[self.customers.group[job.home, job.class_id], min(at, len(periods) - 1)] += (
                job.images
            )
        return due.sum(axis=1), np.cumsum(due, axis=1)

    def _due(self, coming: FloatArray) -> FloatArray:
        """Images that arrive and must be served by the end of each period, (groups, periods)."""
        arrived = np.cumsum(coming, axis=1)
        last = np.cumsum(self.periods.lengths) - 1
        back = last[None, :] - self.customers.patience_slots[:, None]
        return np.where(back >= 0, np.take_along_axis(arrived, np.maximum(back, 0), axis=1), 0.0)

    def _spare_gpu_h(self, observation: Observation, up_h: FloatArray) -> FloatArray:
        """GPU time for new work: what queues need beyond work in hand comes first."""
        spare, queued = self.target_load * up_h, queued_gpu_s(self.world, observation) / 3600.0
        for period in range(spare.shape[1]):
            floor = 0.1 * spare[:, period]
            taken = np.minimum(queued, spare[:, period] - floor)
            spare[:, period] -= taken
            queued = queued - taken
        return spare

    def seen_images(self) -> FloatArray:
        """Images of each (home, class) in the first period, shape (sites, classes)."""
        assert self.seen is not None
        group = self.customers.group
        members = np.bincount(group.ravel(), minlength=len(self.customers.groups))
        return np.asarray((self.seen.arriving[:, 0] / np.maximum(members, 1))[group])
