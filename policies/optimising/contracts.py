"""Supply contracts, limits and calls in a plan of the hours ahead.

* A demand charge prices the rise of the month's billed power above what it is by now, in full
  however short the plan looks: a peak is paid once, and whatever later day could have made it
  would pay the same. What a later day will raise anyway is not foreseen. Where a plan reaches
  into the next month that month's peak starts from its minimum.
* Sun and wind that serve the load do not count: one dull calm interval makes the peak.
* Means of periods stand for demand intervals. Batteries are filled from the grid up to the billed
  power less twice what net loads were off lately (:class:`Loads`).
* Price steps beyond a month's amount count where they rise; one that is reached already is in the
  price, whichever way it goes. Under net metering a month's end decides; plans use first prices.
* A called reduction counts against the load that is foreseen less sun and wind; a cap by its
  penalty. Announced limits and firm caps are limits of their share of a period.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cosim.decision import GridView, Notice, Observation, Supply, WorldInfo
from cosim.decision.info import BoolArray, FloatArray, IntArray
from cosim.optimise import BUY, METERED, ChargeBook, Charges, Outlook, Plant
from policies.optimising.horizon import Periods

MEMORY = 0.9
"""Weight of the past in running means of loads and of their errors."""
WIDE = 2.0
"""Root mean squares of the error that charging stays below a power that is billed already."""


class Loads:
    """What the facilities are expected to draw: the next slot as the last, then the usual.

    A forecast that holds the last load for hours would spread a battery over hours for every
    spike; against the usual load a plan shaves the spike and keeps the rest. Where yesterday is
    known the forecast stands.

    Args:
        sites: number of sites.
    """

    def __init__(self, sites: int) -> None:
        self._usual_kw = np.zeros(sites)
        self._square = np.zeros(sites)
        self._expected_kw: FloatArray | None = None

    def ahead(self, observation: Observation, periods: Periods) -> FloatArray:
        """Take in the last slot; returns the expected load, shape (sites, slots ahead) [kW]."""
        told, now_kw = observation.forecast, observation.facility_kw
        self._note(observation)
        load_kw = periods.ahead(told.load.values).copy()
        later = load_kw[:, 1:]
        held = later == now_kw[:, None]
        load_kw[:, 1:] = np.where(held, self._usual_kw[:, None], later)
        load_kw[:, 0] = now_kw
        green_kw = told.solar.values[:, 0] + told.wind.values[:, 0]
        self._expected_kw = load_kw[:, 0] - green_kw
        return load_kw

    def _note(self, observation: Observation) -> None:
        if observation.slot == 0:
            return
        load_kw = observation.facility_kw
        first = observation.slot == 1
        self._usual_kw = load_kw if first else MEMORY * self._usual_kw + (1 - MEMORY) * load_kw
        if self._expected_kw is not None:
            green_kw = observation.solar_kw + observation.wind_kw
            off_kw = load_kw - green_kw - self._expected_kw
            self._square = MEMORY * self._square + (1.0 - MEMORY) * off_kw**2

    @property
    def off_kw(self) -> FloatArray:
        """By how much load less sun and wind is off: its root mean square, shape (sites,)."""
        return np.sqrt(self._square)


class Ahead(NamedTuple):
    """What a plan's charges are made of.

    Attributes:
        world: static facts.
        grid: what the grid operator has said, and where the contracts' meters are.
        time_ns: simulated instant of the slot edge [ns].
        periods: the hours ahead.
        slots: slot of the window that each slot ahead is, the last of them at most, (total,).
        inside: 1 for slots ahead that belong to the window, same shape.
        served_kw: load that sun and wind are foreseen to serve, shape (sites, total).
        net_kw: load less sun and wind as foreseen, at least 0, shape (sites, total).
        carbon_usd_kwh: price of the carbon of imports, shape (sites, periods).
    """

    world: WorldInfo
    grid: GridView
    time_ns: int
    periods: Periods
    slots: IntArray
    inside: FloatArray
    served_kw: FloatArray
    net_kw: FloatArray
    carbon_usd_kwh: FloatArray

    def months(self, supply: Supply) -> IntArray:
        """Billing month of each period, shape (periods,)."""
        return np.asarray(supply.month[self.slots[self.periods.first]])


def look_ahead(world: WorldInfo, now: Observation, periods: Periods, load_kw: FloatArray) -> Ahead:
    """Gather what charges are made of."""
    told = now.forecast
    green_kw = periods.ahead(told.solar.values) + periods.ahead(told.wind.values)
    carbon = periods.means(periods.ahead(told.carbon.values)) / 1000.0
    return Ahead(
        world=world,
        grid=now.grid,
        time_ns=now.time_ns,
        periods=periods,
        slots=np.minimum(now.slot + np.arange(periods.total), world.slots - 1),
        inside=periods.inside(now.slot),
        served_kw=np.minimum(green_kw, load_kw),
        net_kw=np.maximum(load_kw - green_kw, 0.0),
        carbon_usd_kwh=world.carbon_usd_kg * carbon,
    )


def sleeping(world: WorldInfo, periods: Periods) -> Charges | None:
    """The charges of a world as rows to lay a program out with; None where there are none."""
    if not world.supply:
        return None
    sites, charges = world.n_sites, max(len(s.peak_floor_kw) for s in world.supply if s)
    tiers = [tier.charge for s in world.supply if s for tier in s.tiers]
    grid = GridView(
        import_kw_max=world.import_kw_max,
        export_kw_max=world.export_kw_max,
        notices=(),
        block_left_kwh=np.full(sites, np.inf),
        demand_billed_kw=np.zeros((sites, charges)),
        demand_usd_kw=np.zeros((sites, charges)),
        metered_kwh=np.zeros((sites, 1 + max(tiers, default=0))),
    )
    nothing = np.zeros((sites, periods.total))
    slots = np.minimum(np.arange(periods.total), world.slots - 1)
    ahead = Ahead(
        *(world, grid, 0, periods, slots, periods.inside(0)),
        *(nothing, nothing, nothing[:, : len(periods)]),
    )
    book, hours = ChargeBook(), periods.hours(0)
    for site, supply in enumerate(world.supply):
        if supply is not None:
            _note(book, ahead, site, supply, hours)
    return book.charges()


def under_supply(plant: Plant, ahead: Ahead, seen: Outlook) -> Outlook:
    """The outlook under the supply of every site; unchanged where no site has anything of it."""
    supplies = ahead.world.supply
    if not supplies:
        return seen
    book, buy = ChargeBook(), seen.buy_usd_kwh.copy()
    for site, supply in enumerate(supplies):
        if supply is not None:
            buy[site] += _note(book, ahead, site, supply, seen.hours)
    seen = replace(seen, buy_usd_kwh=buy, charges=book.charges())
    if any(supply and supply.limited for supply in supplies):
        most = [_limits_kwh(plant, ahead, site, seen) for site in range(ahead.world.n_sites)]
        seen = replace(
            seen,
            import_kwh=np.array([each[0] for each in most]),
            export_kwh=np.array([each[1] for each in most]),
        )
    return seen if plant.whole_load is None else _apart(plant.whole_load, ahead, seen)


def _note(
    book: ChargeBook, ahead: Ahead, site: int, supply: Supply, hours: FloatArray
) -> FloatArray:
    """Note all charges of a site, always in the same rows; returns the rise of its prices."""
    _note_peaks(book, ahead, site, supply, hours)
    rise = _note_tiers(book, ahead, site, supply)
    if supply.called:
        _note_calls(book, ahead, site)
    return rise


def fill_kw(ahead: Ahead, off_kw: FloatArray) -> FloatArray | None:
    """Power with which batteries may be filled before a billed power rises, shape (sites,).

    NaN at sites without a supply beyond prices, None where there is no other.

    Args:
        ahead: what charges are made of.
        off_kw: by how much net loads are off.
    """
    if not ahead.world.supply:
        return None
    active = ahead.world.demand_active
    room_kw = np.where([s is not None for s in ahead.world.supply], np.inf, np.nan)
    for site, supply in enumerate(ahead.world.supply):
        for charge in range(len(supply.peak_floor_kw) if supply else 0):
            if active[ahead.slots[0], site, charge]:
                billed_kw = ahead.grid.demand_billed_kw[site, charge] - WIDE * off_kw[site]
                room_kw[site] = min(room_kw[site], billed_kw - ahead.net_kw[site, 0])
    return np.maximum(room_kw, 0.0)


def whole_load(world: WorldInfo) -> BoolArray | None:
    """Sites that buy their whole load and sell all generation, None without any."""
    apart = [s is not None and s.metering == "buy_all_sell_all" for s in world.supply]
    return np.array(apart) if any(apart) else None


def _apart(apart: BoolArray, ahead: Ahead, seen: Outlook) -> Outlook:
    """Where load and generation are apart, what flows in costs its carbon alone."""
    carbon_usd, mine = ahead.carbon_usd_kwh, apart[:, None]
    return replace(
        seen,
        buy_usd_kwh=np.where(mine, carbon_usd, seen.buy_usd_kwh),
        sell_usd_kwh=np.where(mine, np.minimum(seen.sell_usd_kwh, 0.0), seen.sell_usd_kwh),
        load_usd_kwh=seen.buy_usd_kwh - carbon_usd,
        made_usd_kwh=seen.sell_usd_kwh,
    )


# the contract ------------------------------------------------------------------------------


def _note_peaks(
    book: ChargeBook, ahead: Ahead, site: int, supply: Supply, hours: FloatArray
) -> None:
    """What the billed power of this month and of the next rises by, for every demand charge."""
    grid, months = ahead.grid, ahead.months(supply)
    now, last = int(months[0]), len(supply.peak_usd_kw) - 1
    served_kw = ahead.periods.means(ahead.served_kw[site])
    length_h = np.where(hours > 0.0, hours, ahead.periods.lengths * ahead.periods.slot_h)
    for charge, floor_kw in enumerate(supply.peak_floor_kw.tolist()):
        active = ahead.world.demand_active[ahead.slots, site, charge] * ahead.inside
        counts = ahead.periods.sums(active) > 0.0
        stands = [(now, grid.demand_usd_kw[site, charge], grid.demand_billed_kw[site, charge])]
        if last > 0:
            following = min(now + 1, last)
            stands.append((now + 1, supply.peak_usd_kw[following, charge], floor_kw))
        for month, usd_kw, billed_kw in stands:
            over = book.over(float(usd_kw))
            for period in range(len(ahead.periods)):
                asked = counts[period] and months[period] == month
                free_kw = float(billed_kw) - served_kw[period]
                row = book.row(over, free_kw if asked else np.inf)
                book.add(row, METERED, site, [period], 1.0 / (length_h[period] * supply.keep))


def _note_tiers(book: ChargeBook, ahead: Ahead, site: int, supply: Supply) -> FloatArray:
    """Steps that are still to come, where prices rise; returns the rise of those reached."""
    months, periods = ahead.months(supply), ahead.periods
    rise, now = np.zeros(len(periods)), int(months[0])
    for tier in supply.tiers:
        left_kwh = tier.from_kwh[now] - ahead.grid.metered_kwh[site, tier.charge]
        share = periods.means(tier.active[ahead.slots].astype(np.float64))
        share = np.where(months == now, share, 0.0)
        row = book.row(book.over(tier.usd_kwh), _rest(left_kwh, tier.usd_kwh))
        book.add(row, METERED, site, np.arange(len(periods)), share / supply.keep)
        if left_kwh <= 0.0:
            rise += share * tier.usd_kwh / supply.keep
    return rise


def _rest(left_kwh: float, usd_kwh: float) -> float:
    """What may be used before a step; no limit where it was reached or prices fall."""
    return left_kwh if left_kwh > 0.0 and usd_kwh > 0.0 else np.inf


# calls and limits --------------------------------------------------------------------------


def _touched(ahead: Ahead, notice: Notice) -> FloatArray:
    """Share of each slot ahead that lies in a notice, 0 beyond the window, shape (total,)."""
    begin_ns = ahead.time_ns + np.arange(ahead.periods.total) * ahead.world.slot_ns
    end_ns = begin_ns + ahead.world.slot_ns
    overlap = np.minimum(end_ns, notice.end_ns) - np.maximum(begin_ns, notice.begin_ns)
    return np.asarray(np.clip(overlap / ahead.world.slot_ns, 0.0, 1.0) * ahead.inside)


def _note_calls(book: ChargeBook, ahead: Ahead, site: int) -> None:
    """For every period an amount above caps and one short of reductions; slots count whole."""
    slot_h, net_kw = ahead.periods.slot_h, ahead.net_kw[site]
    mine = [n for n in ahead.grid.notices if n.site == site]
    for kind in ("cap", "reduction"):
        calls = [n for n in mine if n.kind == kind]
        shape = (len(calls), ahead.periods.total)
        touched = np.array([_touched(ahead, n) > 0.0 for n in calls]).reshape(shape)
        usd = np.zeros(ahead.periods.total)
        free_kw, asked_kw = net_kw.copy(), np.zeros(ahead.periods.total)
        for call, where in zip(calls, touched, strict=True):
            usd[where] = call.payment_usd_kwh + call.penalty_usd_kwh
            asked_kw[where] = call.reduction_kw
            cap_kw = call.import_kw_max if kind == "cap" else np.inf
            free_kw[where] = np.minimum(net_kw[where] - call.reduction_kw, cap_kw)
        any_call = ahead.periods.sums(np.asarray(touched.any(axis=0), dtype=np.float64)) > 0.0
        free = ahead.periods.sums(np.asarray(slot_h * free_kw))
        asked = ahead.periods.sums(np.asarray(slot_h * asked_kw))
        worth = np.maximum.reduceat(usd, ahead.periods.first)
        for period in range(len(ahead.periods)):
            most = float(asked[period]) if kind == "reduction" else np.inf
            over = book.over(float(worth[period]), most=most)
            row = book.row(over, float(free[period]) if any_call[period] else np.inf)
            book.add(row, BUY, site, [period], 1.0)


def _limits_kwh(
    plant: Plant, ahead: Ahead, site: int, seen: Outlook
) -> tuple[FloatArray, FloatArray]:
    """Most that may be bought and sold in each period, shape (periods,) each."""
    reach_kw = float(plant.reach_kw(seen.pue_high)[site].max() + seen.green_most_kwh[site].max())
    ends = (ahead.world.import_kw_max[site], ahead.world.export_kw_max[site])
    found = []
    for which, normal_kw in enumerate(ends):
        kw = np.full(ahead.periods.total, normal_kw)
        for notice in ahead.grid.notices:
            lower_kw = (notice.import_kw_max, notice.export_kw_max)[which]
            if notice.site == site and notice.firm and np.isfinite(lower_kw):
                share = _touched(ahead, notice)
                usual = np.minimum(kw, reach_kw)
                less = np.minimum(usual, (1.0 - share) * usual + share * lower_kw)
                kw = np.where(share > 0.0, less, kw)
        sums = ahead.periods.sums(np.where(ahead.inside > 0.0, kw, 0.0))
        found.append(sums * ahead.periods.slot_h)
    return found[0], found[1]
