"""What surrounded a run: prices, sun, wind, weather and failures, by the periods of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cosim.hindsight.contracts import (
    cheapest_less_first,
    nets_below_first,
    note_calls,
    note_contract,
)
from cosim.hindsight.crowd import periods_of
from cosim.hindsight.rooms import rooms_of
from cosim.hindsight.waste import burnt_kwh, drain_kwh
from cosim.optimise import ChargeBook, Outlook, Plant
from cosim.physics.cooling import ConstantPue, CoolingModel, Economizer, pue
from cosim.physics.grid_limits import bin_limits
from cosim.quantities import NS_PER_HOUR
from cosim.world.plan import Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
PUE_MOST = 10.0
"""PUE that no site exceeds."""


def outlook_of(plan: Plan, plant: Plant, arriving: FloatArray, due: FloatArray) -> Outlook:
    """What the window and its drain really brought."""
    info, outside, slots = plan.info, plan.outside, plan.info.slots
    lengths, _ = periods_of(plan)
    hours = lengths * info.slot_h
    rows = np.minimum(np.arange(len(hours)), slots - 1)
    window = slice(outside.history, outside.history + slots)
    price, carbon = outside.price_usd_kwh[window].T, outside.carbon_g_kwh[window].T
    buy = (price + info.carbon_usd_kg * carbon / 1000.0)[:, rows]
    green = _per_slot(plan, outside.solar_bin_kw + outside.wind_bin_kw)
    pues = np.stack([_pue(plan, plant, site) for site in info.place.tolist()], axis=1)
    up_h = plant.gpus[:, None] * hours - _down_h(plan, len(hours))
    seen = Outlook(
        hours=hours,
        buy_usd_kwh=buy,
        sell_usd_kwh=outside.sale_usd_kwh[window].T[:, rows],
        green_kwh=_padded(green.mean(axis=2) * info.slot_h, len(hours), 0.0),
        green_most_kwh=_padded(green.max(axis=2) * info.slot_h, len(hours), 0.0),
        green_least_kwh=_padded(green.min(axis=2) * info.slot_h, len(hours), 0.0),
        pue_low=pues[0][:, rows],
        pue_high=pues[1][:, rows],
        gpu_h=up_h,
        up_h=up_h,
        arriving=arriving,
        due=due,
        stored_kwh=np.array([site.stored_kwh for site in plan.sites]),
        kept_usd_kwh=price.mean(axis=1) * np.sqrt(info.battery_efficiency),
        burnt_kwh=burnt_kwh(plan),
        drain_kwh=drain_kwh(plan),
        rooms=rooms_of(plan, plant),
    )
    return under_contract(plan, plant, seen)


def under_contract(plan: Plan, plant: Plant, seen: Outlook) -> Outlook:
    """The same under the contracts, limits and calls of the sites; unchanged without any."""
    sites, slots = plan.sites, plan.info.slots
    if not any(site.contract or site.calls or site.grid_events for site in sites):
        return seen
    reach_kwh = plant.reach_kw(seen.pue_high[:, :slots]) * plan.info.slot_h
    if seen.rooms is not None:
        reach_kwh[plant.rooms] += seen.rooms.most_kwh
    book, limits = ChargeBook(), [_limits_kwh(plan, i, reach_kwh[i]) for i in range(len(sites))]
    for site in range(len(sites)):
        note_contract(book, plan, site)
        note_calls(book, plan, site, np.minimum(limits[site][0], reach_kwh[site]))
    most_in, most_out = (
        _padded(np.array(part), seen.periods, np.inf) for part in zip(*limits, strict=True)
    )
    return replace(
        _priced(plan, plant, seen),
        import_kwh=most_in,
        export_kwh=most_out,
        charges=book.charges(),
    )


def _limits_kwh(plan: Plan, site: int, reach_kwh: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Most that may be bought and sold in each slot.

    Purchases are finite where any bin of the slot has a limit, and where the cheapest block would
    let a kWh be bought to be sold.
    """
    at, count = plan.sites[site], plan.info.slots * plan.bins_per_slot
    bins = bin_limits(
        *(at.import_kw_max, at.export_kw_max, at.grid_events),
        *(plan.info.start_utc_ns, plan.bin_ns, count),
    )
    sums = [kw.reshape(plan.info.slots, -1).sum(axis=1) * plan.bin_h for kw in bins]
    lowest = bins.import_max_kw.reshape(plan.info.slots, -1).min(axis=1)
    limited = np.isfinite(lowest) | nets_below_first(at.contract)
    return np.where(limited, np.minimum(reach_kwh, sums[0]), sums[0]), sums[1]


def _priced(plan: Plan, plant: Plant, seen: Outlook) -> Outlook:
    """Prices at the cheapest blocks; where load and generation are apart, each has its own."""
    slots, buy = plan.info.slots, seen.buy_usd_kwh.copy()
    rows = np.minimum(np.arange(seen.periods), slots - 1)
    for i, site in enumerate(plan.sites):
        if site.contract is not None:
            buy[i] -= cheapest_less_first(site.contract)[rows]
    if plant.whole_load is None:
        return replace(seen, buy_usd_kwh=buy)
    apart, window = plant.whole_load[:, None], np.arange(seen.periods) < slots
    carbon = plan.outside.carbon_g_kwh[plan.outside.history :][:slots].T[:, rows]
    carbon_usd = plan.info.carbon_usd_kg * carbon / 1000.0
    return replace(
        seen,
        buy_usd_kwh=np.where(apart & window, carbon_usd, buy),
        sell_usd_kwh=np.where(
            apart & window, np.minimum(seen.sell_usd_kwh, 0.0), seen.sell_usd_kwh
        ),
        load_usd_kwh=buy - carbon_usd,
        made_usd_kwh=seen.sell_usd_kwh,
    )


def _per_slot(plan: Plan, bins: FloatArray) -> FloatArray:
    """A series of bins by site, slot and bin of the slot."""
    shape = (plan.info.slots, plan.bins_per_slot, plan.info.n_sites)
    return np.moveaxis(bins.reshape(shape), 2, 0)


def _padded(values: FloatArray, length: int, rest: float) -> FloatArray:
    out = np.full((values.shape[0], length), rest)
    out[:, : values.shape[1]] = values
    return out


def _pue(plan: Plan, plant: Plant, site: int) -> FloatArray:
    """Least and greatest PUE of each slot, shape (2, slots); in the drain the last bin's holds."""
    at = plan.sites[site]
    model: CoolingModel = at.cooling
    open_room = at.room is not None and site not in plant.rooms
    if open_room or not isinstance(model, ConstantPue | Economizer):
        return np.array([[_least_pue(model)], [PUE_MOST]]) * np.ones(plan.info.slots)
    bins = pue(model, plan.outside.temp_bin_c[:, site]).reshape(plan.info.slots, -1)
    return np.stack([bins.min(axis=1), bins.max(axis=1)])


def _least_pue(model: CoolingModel) -> float:
    """PUE while the heat is left in the room; an economiser's other parts follow its load."""
    if isinstance(model, Economizer):
        return 1.0 + model.fixed_overhead + model.fan_ratio + model.ups_loss
    return 1.0


def _down_h(plan: Plan, periods: int) -> FloatArray:
    """GPU time lost to failures in each period, shape (sites, periods)."""
    slot_ns, slots = plan.info.slot_ns, plan.info.slots
    lost_ns = np.zeros((plan.info.n_sites, periods))
    since: dict[tuple[int, int], int] = {}
    edges = np.arange(slots + 1) * slot_ns
    ends = [(f.site, f.gpu, f.at_ns, f.up) for f in plan.faults]
    for site, gpu, at_ns, up in ends:
        begun = since.pop((site, gpu), None)
        if begun is not None:
            lost_ns[site, :slots] += np.diff(np.clip(edges, begun, at_ns)).astype(np.float64)
        if not up:
            since[site, gpu] = at_ns if begun is None else begun
    for (site, _), begun in since.items():
        lost_ns[site, :slots] += np.diff(np.maximum(edges, begun)).astype(np.float64)
    return np.asarray(lost_ns / NS_PER_HOUR)
