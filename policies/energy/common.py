"""What the energy layers share: the run they are in, their clock option, a battery order.

An energy layer leaves the dispatch open; the scheduling policy above it gives that.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.decision import Decision, Observation, WorldInfo
from cosim.decision.info import FloatArray, IntArray
from policies.options import choice

CLOCKS = ("full", "efficient")


class BatteryOrder(NamedTuple):
    """Set-point (+ discharging) and the surplus and load it may follow beyond it [kW]."""

    power_kw: FloatArray
    absorb_kw: FloatArray
    cover_kw: FloatArray


class EnergyLayer:
    """Base of the energy layers: clock by option, battery by the subclass.

    Args:
        clock: ``full`` runs GPUs at full speed (no DVFS), ``efficient`` at the level of least
            energy per unit of work, whatever the delay.
    """

    name = "energy"
    clocks: tuple[str, ...] = CLOCKS
    steady = False
    """Whether every slot is decided alike, so that it is enough to ask once."""
    world: WorldInfo

    def __init__(self, clock: str = "full") -> None:
        self.clock = choice("clock", clock, self.clocks)

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:  # a layer without dice
        """Begin a run."""
        del rng
        self.world = world
        self.top_level = np.array([len(t) - 1 for t in world.clock_speed], dtype=np.int64)
        self.efficient_level = np.array(
            [int(np.argmin(w)) for w in work_energy_w(world)], dtype=np.int64
        )

    def decide(self, observation: Observation) -> Decision:
        """Set clock, battery and room of this slot; leave the dispatch to the outer layer."""
        order = self.battery(observation)
        return Decision(
            clock_level=self.clock_level(observation),
            battery_kw=order.power_kw,
            battery_absorb_kw=order.absorb_kw,
            battery_cover_kw=order.cover_kw,
            cooling_setpoint_c=self.setpoint_c(observation),
        )

    def clock_level(self, observation: Observation) -> IntArray:  # the base looks at nothing
        """Clock level of each site, shape (sites,)."""
        del observation
        return self.top_level if self.clock == "full" else self.efficient_level

    def setpoint_c(self, observation: Observation) -> FloatArray | None:  # likewise
        """Temperature of each room [°C], shape (sites,); None holds the band's upper end."""
        del observation
        return None

    def battery(self, observation: Observation) -> BatteryOrder:
        """Battery order of each site."""
        raise NotImplementedError


def work_energy_w(world: WorldInfo) -> list[FloatArray]:
    """Energy of a full-speed second of work at each clock level, per site [J per s, so W].

    A slower GPU works longer, and would have idled in that time, so a level costs
    (P_step·power ratio − P_idle) / speed ratio beyond idling. P_step is the mean over the site's
    services.
    """
    tables = []
    for site, (speeds, powers) in enumerate(
        zip(world.clock_speed, world.clock_power, strict=True)
    ):
        step_w = float(world.step_w[world.service_site == site].mean())
        beyond_idle_w = step_w * np.array(powers) - world.idle_w[site]
        tables.append(np.asarray(beyond_idle_w / np.array(speeds)))
    return tables


def nothing_kw(world: WorldInfo) -> FloatArray:
    """Zero power at each site [kW], shape (sites,)."""
    return np.zeros(world.n_sites)


def unlimited_kw(world: WorldInfo) -> FloatArray:
    """As much power as the battery can give or take at each site [kW], shape (sites,)."""
    return np.full(world.n_sites, np.inf)
