"""When to cool a machine room ahead: shortly before power gets dearer, if that pays.

A room stores minutes of its own heat, and cold made in advance is dearer, because a colder room
makes the plant work harder. With p_0 and p_k the price now and k slots from now, c and c* the
electric power per heat removed at the upper and at the lower end of the band, H the heat set free,
Q the heat that the band stores and q the part of it that is still in the room, holding the lower
end until then gains

    p_k Q c − p_0 (Q − q) c − p_0 ((H k τ + q) c* − H k τ c)

over letting the room warm up now. The room is cooled down where that is above 0 for some k within
the time that cooling down takes.
"""

from __future__ import annotations

import math

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray

MOST_H = 1.0
"""A room that would take longer to cool down is not begun with any earlier [h]."""


class Precooling:
    """Set-points of the rooms of a world.

    Args:
        world: static facts.
    """

    def __init__(self, world: WorldInfo) -> None:
        self.world = world
        self.rooms = [site for site, mass in enumerate(world.room_kwh_k.tolist()) if mass > 0.0]

    def setpoint_c(self, observation: Observation) -> FloatArray | None:
        """Temperature to hold in each room [°C], shape (sites,); None if there is no room."""
        if not self.rooms:
            return None
        worth = marginal_usd_kwh(observation)
        aims_c = observation.room_c.copy()
        for site in self.rooms:
            early = self.pays(site, observation, worth[site].tolist())
            ends = self.world.room_low_c if early else self.world.room_high_c
            aims_c[site] = ends[site]
        return aims_c

    def pays(self, site: int, observation: Observation, worth_usd_kwh: list[float]) -> bool:
        """Whether cold made now is worth more than it costs.

        Args:
            site: a site with a room.
            observation: what is seen.
            worth_usd_kwh: what a kWh costs in the coming slots, from this one on.
        """
        coming = worth_usd_kwh[1 : 1 + self.slots_ahead(site, observation)]
        if not coming or max(coming) <= worth_usd_kwh[0]:
            return False
        now, (heat_kw, ratio, cold_ratio) = worth_usd_kwh[0], self.effort(site, observation)
        mass, low_c = self.world.room_kwh_k[site], self.world.room_low_c[site]
        band_kwh = float(mass * (self.world.room_high_c[site] - low_c))
        left_kwh = max(0.0, float(mass * (observation.room_c[site] - low_c)))
        for k, later in enumerate(coming, start=1):
            held_kwh = heat_kw * k * self.world.slot_h
            cost = now * ((held_kwh + left_kwh) * cold_ratio - held_kwh * ratio)
            if later * band_kwh * ratio - now * (band_kwh - left_kwh) * ratio > cost:
                return True
        return False

    def effort(self, site: int, observation: Observation) -> tuple[float, float, float]:
        """Heat set free [kW], and power per heat removed at the band's upper and lower end."""
        from cosim.physics.cooling_scalar import heat_kw, removal_kw

        row, outdoor_c = self.world.cooling_row[site], float(observation.temp_out_c[site])
        heat = max(heat_kw(row, float(observation.it_kw[site])), 1e-9)
        colder_k = float(self.world.room_high_c[site] - self.world.room_low_c[site])
        warm, cold = (removal_kw(row, heat, outdoor_c + more) for more in (0.0, colder_k))
        return heat, warm / heat, cold / heat

    def slots_ahead(self, site: int, observation: Observation) -> int:
        """Slots that it takes to cool a room down from where it stands, at least 1."""
        world = self.world
        warmth_kwh = world.room_kwh_k[site] * (observation.room_c[site] - world.room_low_c[site])
        spare_kw = max(float(world.heat_kw_max[site] - observation.it_kw[site]), 1e-9)
        hours = min(max(float(warmth_kwh), 0.0) / spare_kw, MOST_H)
        return max(1, math.ceil(hours / world.slot_h))


def marginal_usd_kwh(observation: Observation) -> FloatArray:
    """What one more kWh is foreseen to cost: its sale price in surplus, else its purchase price.

    Returns:
        Shape (sites, slots), the slot that begins first, as far as all forecasts reach [USD/kWh].
    """
    told = observation.forecast
    forecasts = (told.solar, told.wind, told.load, told.sale, told.price)
    slots = min(forecast.horizon for forecast in forecasts)
    solar, wind, load, sale, price = (forecast.values[:, :slots] for forecast in forecasts)
    return np.where(solar + wind > load, sale, price)
