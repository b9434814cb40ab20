"""The two plainest energy layers: leave the battery alone, or let it follow sun and wind."""

from __future__ import annotations

from cosim.decision import Observation
from policies.energy.common import BatteryOrder, EnergyLayer, nothing_kw, unlimited_kw


class Idle(EnergyLayer):
    """Leaves the battery alone; GPUs run at full speed.

    The yardstick of what batteries and clocks are worth.

    Args:
        clock: ``full`` (no DVFS) or ``efficient`` (least energy per work, whatever the delay).
    """

    name = "idle"
    steady = True

    def battery(self, observation: Observation) -> BatteryOrder:
        """Neither charge nor discharge."""
        del observation
        nothing = nothing_kw(self.world)
        return BatteryOrder(nothing, nothing, nothing)


class SelfConsumption(EnergyLayer):
    """Stores surplus renewable power and covers the site's load with it; prices play no role.

    Acts within each meter bin, so it needs no forecast; GPUs run at full speed.

    Args:
        clock: ``full`` (no DVFS) or ``efficient`` (least energy per work, whatever the delay).
    """

    name = "self-consumption"
    steady = True

    def battery(self, observation: Observation) -> BatteryOrder:
        """Absorb any surplus, cover any load."""
        del observation
        unlimited = unlimited_kw(self.world)
        return BatteryOrder(nothing_kw(self.world), unlimited, unlimited)
