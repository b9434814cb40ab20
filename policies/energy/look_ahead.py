"""The energy layer that plans: a linear program over battery, room and grid for the hours ahead.

The load is taken as the forecaster has it; so any scheduler can be put on top. What is planned
for the mean of a slot is done within it by the worth of stored energy
(:mod:`policies.energy.worth`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray, IntArray
from cosim.optimise import Charges, ChargeSide, EnergySide, Layout, Outlook, Plant, Solver
from policies.energy.clock import ClockGovernor
from policies.energy.common import CLOCKS, BatteryOrder, EnergyLayer, nothing_kw
from policies.energy.worth import FirstPeriod, order_of
from policies.optimising.contracts import Loads, fill_kw, look_ahead, sleeping, under_supply
from policies.optimising.facts import Overhead, plant_of, surroundings
from policies.optimising.horizon import Horizon, Periods
from policies.optimising.rooms import rooms_ahead, setpoints_c
from policies.options import choice, number


class LookAhead(EnergyLayer):
    """Plans battery and grid over the hours ahead by a linear program, solved anew every slot.

    Machine rooms are cooled ahead where that pays (:mod:`policies.optimising.rooms`).
    Rests on the forecasts of prices, sun, wind and load, and on the supply contract: demand
    charges, price steps, calls, announced limits (:mod:`policies.optimising.contracts`).
    On `paper/base-small`, seeds 3, 4, 5, under the same scheduler and at full clocks, it earns
    64 USD a day more than `paper-inner` (5 230 against 5 165; idle batteries: 5 221), by
    ``cosim compare scenarios/paper/base-small.yaml -p home -p lp-price --seeds 3,4,5`` with
    ``policy: {energy: …}`` and the option ``energy: below`` of `lp-price`.

    Args:
        clock: ``full`` (no DVFS), ``efficient`` (least energy per work, whatever the delay) or
            ``adaptive`` (as in ``paper-inner``).
        horizon_h: how far to plan [h].
        tail: later periods are at most this part of the time until them; 0: slots throughout.
        margin: share of the tolerated delay kept free by the adaptive clock, in [0, 0.9].
        precool: ``on`` cools rooms ahead where that pays, ``off`` holds the band's upper end.
    """

    name = "look-ahead"
    clocks = (*CLOCKS, "adaptive")

    def __init__(
        self,
        clock: str = "full",
        horizon_h: float = 24.0,
        tail: float = 8.0,
        margin: float = 0.2,
        precool: str = "on",
    ) -> None:
        super().__init__(clock)
        self.horizon = Horizon(horizon_h, tail)
        self.margin = number("margin", margin, 0.0, 0.9)
        self.precool = choice("precool", precool, ("on", "off"))

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run with a cold solver."""
        super().reset(world, rng)
        self.governor = ClockGovernor(world, self.margin)
        self.periods = Periods(self.horizon.lengths(world), world.slot_h, world.slots)
        self.overhead = Overhead(world)
        self.loads = Loads(world.n_sites)
        charges = sleeping(world, self.periods)
        plant = plant_of(world, precool=self.precool == "on")
        self.model = EnergyPlan(plant, len(self.periods), charges)
        self.fallbacks = 0
        self._aims_c: FloatArray | None = None

    def clock_level(self, observation: Observation) -> IntArray:
        """Clock level of each site, shape (sites,)."""
        if self.clock == "adaptive":
            return self.governor.levels(observation)
        return super().clock_level(observation)

    def battery(self, observation: Observation) -> BatteryOrder:
        """The first period of the plan; without one the batteries follow sun and wind."""
        world, store = self.world, self.model.plant.store
        seen, plan = self._planned(observation)
        self._aims_c = None
        if plan is None:
            self.fallbacks += 1
            surplus = np.full(world.n_sites, np.inf)
            return BatteryOrder(nothing_kw(world), surplus, surplus)
        if len(self.model.plant.rooms):
            self._aims_c = setpoints_c(world, observation, plan.cold_kwh)
        order = order_of(store, seen, plan)
        low, high = observation.battery_low_kw, observation.battery_high_kw
        return order._replace(power_kw=np.clip(order.power_kw, low, high))

    def _planned(self, observation: Observation) -> tuple[Outlook, FirstPeriod | None]:
        """What is expected, and the first period of the plan for it; None if there is no plan."""
        periods = self.periods
        peaks = any(self.world.demand_charges)
        usual_kw = self.loads.ahead(observation, periods)
        load_kw = usual_kw if peaks else periods.ahead(observation.forecast.load.values)
        ahead = look_ahead(self.world, observation, periods, load_kw)
        seen = under_supply(self.model.plant, ahead, self._seen(observation, load_kw))
        load_kwh = periods.sums(load_kw * periods.inside(observation.slot)) * periods.slot_h
        plan = self.model.solve(seen, load_kwh)
        if plan is not None:
            off_kw = self.loads.off_kw
            plan = replace(plan, fill_kw=fill_kw(ahead, off_kw), off_kw=off_kw)
        return seen, plan

    def _seen(self, observation: Observation, load_kw: FloatArray) -> Outlook:
        """Prices, sun and wind; where rooms are planned, what the expected load lets them do."""
        if not len(self.model.plant.rooms):
            return surroundings(self.world, observation, self.periods, self.overhead)
        self.overhead.update(observation)
        seen = surroundings(self.world, observation, self.periods, self.overhead)
        it_kw = self.periods.means(load_kw) / seen.pue_low
        rooms = rooms_ahead(self.world, observation, self.periods, it_kw)
        return replace(seen, rooms=rooms)

    def setpoint_c(self, observation: Observation) -> FloatArray | None:
        """What the plan that was made for the batteries has the rooms be [°C], shape (sites,)."""
        del observation
        return self._aims_c

    def remarks(self) -> list[str]:
        """What a reader of the run should know."""
        if not self.fallbacks:
            return []
        said = "in which batteries followed sun and wind"
        return [f"{self.name}: no plan in {self.fallbacks} slots, {said}"]


class EnergyPlan:
    """The electrical side on its own, under a given load, kept in the solver.

    Args:
        plant: the sites.
        periods: number of periods.
        charges: what contracts ask for beyond prices, None without any.
    """

    def __init__(self, plant: Plant, periods: int, charges: Charges | None = None) -> None:
        self.plant = plant
        layout = Layout()
        self.side = EnergySide(layout, plant, periods, periods)
        self.charges = None if charges is None else ChargeSide(layout, self.side, charges)
        self.solver = Solver(layout.program(), unit=0.1)

    def solve(self, seen: Outlook, load_kwh: FloatArray) -> FirstPeriod | None:
        """Plan; None without a usable answer.

        Args:
            seen: prices, sun and wind.
            load_kwh: load of each facility, shape (sites, periods).
        """
        side, solver = self.side, self.solver
        side.fill(solver, seen, load_kwh, load_kwh)
        solver.set_range(side.load, load_kwh, load_kwh)
        if self.charges is not None and seen.charges is not None:
            self.charges.fill(solver, seen.charges)
        answer = solver.solve()
        if not answer.usable:
            return None
        x = answer.values
        return FirstPeriod(
            charge_kwh=x[side.charge[:, 0]],
            give_kwh=x[side.give[:, 0]],
            buy_kwh=x[side.buy[:, 0]],
            sell_kwh=x[side.sell[:, 0]],
            stored_usd_kwh=answer.worth[side.step[:, 0]],
            cold_kwh=side.cold_kwh(x)[:, 0],
        )
