"""Price arbitrage by two thresholds, the classical battery rule."""

from __future__ import annotations

from cosim.decision import Observation
from policies.energy.arbitrage import Thresholds, outlook, trade
from policies.energy.common import BatteryOrder, EnergyLayer


class PriceThreshold(EnergyLayer):
    """Fills the battery while power is cheap, covers the load from it while power is dear.

    Cheap and dear are quantiles of the prices forecast for the coming hours; losses are ignored.

    Args:
        q_low: quantile of the coming prices up to which the battery is filled, in [0, 1].
        q_high: quantile from which it covers the load, in [q_low, 1].
        hours: how far the coming prices are looked at [h].
        clock: ``full`` (no DVFS) or ``efficient`` (least energy per work, whatever the delay).
    """

    name = "price-threshold"

    def __init__(
        self,
        q_low: float = 0.25,
        q_high: float = 0.75,
        hours: float = 24.0,
        clock: str = "full",
    ) -> None:
        super().__init__(clock)
        self.limits = Thresholds(q_low, q_high, hours)

    def battery(self, observation: Observation) -> BatteryOrder:
        """Trade on the present price; under a flat tariff only surplus is stored."""
        seen = outlook(self.world, observation, self.limits, self.name)
        charge = (seen.now <= seen.low) & (seen.now < seen.high)
        discharge = (seen.now >= seen.high) & (seen.now > seen.low)
        return trade(self.world, observation, charge, discharge)
