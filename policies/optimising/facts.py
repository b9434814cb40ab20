"""The plant as a policy may know it, and the outlook that it makes of an observation."""

from __future__ import annotations

import numpy as np

from cosim.decision import Observation, WorldInfo
from cosim.decision.info import FloatArray
from cosim.optimise import Outlook, Plant, Store
from cosim.quantities import J_PER_KWH
from policies.heuristics.common import PUE_MAX
from policies.optimising.contracts import whole_load
from policies.optimising.horizon import Periods
from policies.optimising.rooms import at_rest, rooms_of

UNSERVED_USD_KWH = 10.0
"""Price at which a plan would rather leave load in the dark: far above any work's worth."""
PUE_START = 1.2
"""Assumed until the first slot has been metered."""


def plant_of(world: WorldInfo, *, precool: bool = True) -> Plant:
    """The sites, services and clock levels of a world; GPU-hours of simulated GPUs.

    Args:
        world: static facts.
        precool: whether rooms may be cooled ahead; else they stay at the top of their band.
    """
    modes = [
        (service, level, speed, world.clock_power[site][level] / speed)
        for service, site in enumerate(world.service_site.tolist())
        for level, speed in enumerate(world.clock_speed[site])
    ]
    service, level, speed, energy = (np.array(c) for c in zip(*modes, strict=True))
    fixed_h, step_h = world.image_fixed_s / 3600.0, world.image_step_s / 3600.0
    to_kwh = world.replicas / J_PER_KWH
    step_j = world.image_step_s * world.step_w
    return Plant(
        gpus=world.gpus.astype(np.float64),
        idle_kw=world.replicas * world.idle_w / 1000.0,
        busy_kw=world.replicas * _busy_w(world) / 1000.0,
        image_kwh_max=float((to_kwh * (world.image_fixed_j + world.steps[-1] * step_j)).max()),
        in_hand=(world.gpus * world.batch_max).astype(np.float64),
        server_kw=world.replicas * world.gpus * world.server_w / 1000.0,
        service_site=world.service_site,
        steps=np.array(world.steps, dtype=np.float64),
        revenue_usd=np.where(world.steps_open, world.replicas * world.revenue_usd, -np.inf),
        image_h=world.image_s() / 3600.0,
        mode_service=service.astype(np.int64),
        mode_level=level.astype(np.int64),
        fixed_h=fixed_h[service] / speed,
        fixed_kwh=to_kwh * world.image_fixed_j[service] * energy,
        step_h=step_h[service] / speed,
        step_kwh=to_kwh * step_j[service] * energy,
        store=store_of(world),
        import_kw=world.import_kw_max,
        export_kw=world.export_kw_max,
        unserved_usd_kwh=UNSERVED_USD_KWH,
        backup_kw=world.backup_kw if world.backup_kw.any() else None,
        backup_usd_kwh=np.array([s.backup_usd_kwh if s else 0.0 for s in world.supply]),
        whole_load=whole_load(world),
        place=world.place,
        rooms=rooms_of(world) if precool else np.zeros(0, dtype=np.int64),
    )


def _busy_w(world: WorldInfo) -> FloatArray:
    """Most that a GPU draws in a step, per site [W]."""
    most = world.idle_w.astype(np.float64).copy()
    np.maximum.at(most, world.service_site, world.step_w)
    return most


def store_of(world: WorldInfo) -> Store:
    """The batteries with losses split evenly between charging and discharging."""
    one_way = np.sqrt(world.battery_efficiency)
    return Store(
        low_kwh=world.soc_min * world.battery_kwh,
        high_kwh=world.soc_max * world.battery_kwh,
        charge_kw=world.battery_charge_kw,
        give_kw=world.battery_discharge_kw,
        charge_efficiency=one_way,
        give_efficiency=one_way,
        wear_usd_kwh=world.wear_usd_kwh,
    )


class Overhead:
    """PUE by outdoor temperature, learned from the meters: the mean ratio seen in each degree.

    That of a room at the top of its band: what a colder one adds is for the plan to add.

    Args:
        world: static facts.
    """

    def __init__(self, world: WorldInfo) -> None:
        self._world = world
        self._sums: list[dict[int, tuple[float, int]]] = [{} for _ in range(world.n_sites)]
        self._room_c: FloatArray | None = None

    def update(self, observation: Observation) -> None:
        """Take in the last slot."""
        resting = at_rest(self._world, self._room_c, observation)
        self._room_c = observation.room_c
        for site, (load, it) in enumerate(
            zip(observation.facility_kw.tolist(), observation.it_kw.tolist(), strict=True)
        ):
            if it > 0.0:
                degree = round(float(observation.temp_out_c[site]))
                total, count = self._sums[site].get(degree, (0.0, 0))
                told = resting[site]
                ratio = min(max(load / it if told is None else told, 1.0), PUE_MAX)
                self._sums[site][degree] = (total + ratio, count + 1)

    def pue(self, temp_out_c: FloatArray) -> FloatArray:
        """Expected PUE at the temperatures ahead, shape (sites, …)."""
        rows = []
        for site, sums in enumerate(self._sums):
            degrees = sorted(sums)
            means = [sums[d][0] / sums[d][1] for d in degrees]
            at = temp_out_c[site]
            rows.append(np.interp(at, degrees, means) if degrees else np.full(at.shape, PUE_START))
        return np.array(rows)


def surroundings(
    world: WorldInfo, observation: Observation, periods: Periods, overhead: Overhead
) -> Outlook:
    """Prices, sun, wind and overhead of the periods ahead; no work yet."""
    seen, slot = observation.forecast, observation.slot
    inside, hours = periods.inside(slot), periods.hours(slot)
    carbon = world.carbon_usd_kg * periods.ahead(seen.carbon.values) / 1000.0
    price = periods.ahead(seen.price.values)
    green_kw = periods.ahead(seen.solar.values) + periods.ahead(seen.wind.values)
    green = periods.sums(np.maximum(green_kw, 0.0) * inside) * periods.slot_h
    pue = overhead.pue(periods.means(periods.ahead(seen.temperature.values)))[world.place]
    buy = periods.means(price + carbon)
    gpu_h = observation.gpus_up[:, None] * hours
    return Outlook(
        hours=hours,
        buy_usd_kwh=buy,
        sell_usd_kwh=np.minimum(periods.means(periods.ahead(seen.sale.values)), buy),
        green_kwh=green,
        green_most_kwh=green,
        green_least_kwh=green,
        pue_low=pue,
        pue_high=pue,
        gpu_h=gpu_h,
        up_h=gpu_h,
        arriving=np.zeros((0, len(periods))),
        due=np.zeros((0, len(periods))),
        stored_kwh=observation.stored_kwh,
        kept_usd_kwh=_kept_usd_kwh(world, price, inside),
    )


def _kept_usd_kwh(world: WorldInfo, price: FloatArray, inside: FloatArray) -> FloatArray:
    """What a kWh left in the battery is worth: as the books settle it, at the mean price."""
    ahead = max(1.0, float(inside.sum()))
    mean = (price * inside).sum(axis=1) / ahead
    return np.asarray(mean * np.sqrt(world.battery_efficiency))
