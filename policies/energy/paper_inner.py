"""The paper's inner layer: clocks as slow as deadlines allow, batteries that trade on forecasts.

JEMAS (arXiv 2605.02965) lets a heuristic manage energy below the scheduling policy but does not
publish it; this one follows the order clock, cooling, battery, grid. Cooling is the minimum that
holds the band; where the scenario models a room, it is cooled ahead when power is about to get
dearer (:mod:`policies.energy.room`). The grid closes the balance (JEMAS Eq. 10) in the world.
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import BoolArray, FloatArray, IntArray
from policies.energy.arbitrage import (
    Outlook,
    Thresholds,
    calls_now,
    import_limit_kw,
    net_load_kw,
    outlook,
    trade,
)
from policies.energy.clock import ClockGovernor
from policies.energy.common import CLOCKS, BatteryOrder, EnergyLayer
from policies.energy.room import Precooling
from policies.options import choice, number

TIE_USD_KWH = 1e-9
"""A gain below this is a rounding error of a mean of equal prices, no reason to trade."""


class PaperInner(EnergyLayer):
    """Slowest useful clock that meets deadlines; battery charges cheap, covers load when dear.

    Trades only where the spread of forecast prices pays for losses and wear, absorbs any surplus,
    and covers what exceeds the grid's import limit or a cap, and reductions that are called for.

    Args:
        clock: ``adaptive``, ``full`` (no DVFS) or ``efficient`` (least energy, whatever the
            delay).
        margin: share of the tolerated delay kept free by the adaptive clock, in [0, 0.9].
        q_low: quantile of the coming prices up to which the battery is filled, in [0, 1].
        q_high: quantile from which it covers the load, in [q_low, 1].
        hours: how far the coming prices are looked at [h].
        precool: ``on`` cools rooms ahead where that pays, ``off`` holds the band's upper end.
    """

    name = "paper-inner"
    clocks = ("adaptive", *CLOCKS)

    def __init__(
        self,
        clock: str = "adaptive",
        margin: float = 0.2,
        q_low: float = 0.25,
        q_high: float = 0.75,
        hours: float = 24.0,
        precool: str = "on",
    ) -> None:
        super().__init__(clock)
        self.margin = number("margin", margin, 0.0, 0.9)
        self.limits = Thresholds(q_low, q_high, hours)
        self.precool = choice("precool", precool, ("on", "off"))

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run."""
        super().reset(world, rng)
        self.governor = ClockGovernor(world, self.margin)
        self.precooling = Precooling(world)

    def clock_level(self, observation: Observation) -> IntArray:
        """Step 1: the lowest-energy clock that is predicted to meet the deadlines."""
        if self.clock == "adaptive":
            return self.governor.levels(observation)
        return super().clock_level(observation)

    def setpoint_c(self, observation: Observation) -> FloatArray | None:
        """Step 2: the least cooling that holds the band, ahead of dearer power a little more."""
        return self.precooling.setpoint_c(observation) if self.precool == "on" else None

    def battery(self, observation: Observation) -> BatteryOrder:
        """Step 3: absorb surplus, buy cheap, use when dear, above the limit, or when called."""
        seen = outlook(self.world, observation, self.limits, self.name)
        order = trade(self.world, observation, self.buys(seen), self.uses(seen))
        limit_kw = import_limit_kw(self.world, observation)
        above_kw = np.maximum(net_load_kw(observation) - limit_kw, 0.0)
        for call in calls_now(self.world, observation):
            above_kw[call.site] = max(above_kw[call.site], call.reduction_kw)
        return order._replace(cover_kw=np.maximum(order.cover_kw, above_kw))

    def buys(self, seen: Outlook) -> BoolArray:
        """Whether a kWh bought now earns more than it costs when it is used in dear hours."""
        world = self.world
        worth = world.battery_efficiency * (seen.dear - world.wear_usd_kwh)
        return np.asarray((seen.now <= seen.low) & (worth > seen.now + TIE_USD_KWH))

    def uses(self, seen: Outlook) -> BoolArray:
        """Whether a kWh used now earns more than its replacement in cheap hours costs."""
        world = self.world
        worth = world.battery_efficiency * (seen.now - world.wear_usd_kwh)
        return np.asarray((seen.now >= seen.high) & (worth > seen.cheap + TIE_USD_KWH))
