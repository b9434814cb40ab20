"""A running meter: books each slot's share of the bill when the slot has happened.

:class:`TariffMeter` is fed slot by slot and books what :func:`cosim.physics.billing.bill` would
book in the same steps, so that a run's bookings are its bill: energy at once, demand when the
month's billed power rises, fixed charges with a month's first step, the true-up of net metering
and coincident peaks with its last. Before a slot it tells the marginal view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics.billing import KG_PER_T
from cosim.physics.billing_demand import floor_kw, interval_ns
from cosim.physics.billing_energy import (
    WHOLE,
    after_bank,
    billed_share,
    block_amounts,
    block_cost,
)
from cosim.physics.billing_records import KINDS, Floats, Kind, Usage, check_usage
from cosim.physics.carbon import carbon_kg
from cosim.physics.local_time import LocalTime, mask_of
from cosim.physics.tariff_records import DemandCharge, Tariff
from cosim.physics.tariff_view import DemandView, MarginalView, price_view


class _Month:
    """What a meter remembers within a month: energy by charge [kWh] and billed power [kW]."""

    def __init__(self, tariff: Tariff) -> None:
        names = [charge.name for charge in tariff.energy]
        self.meter_kwh: dict[str, float] = dict.fromkeys(names, 0.0)
        self.net_kwh: dict[str, float] = dict.fromkeys([*names, WHOLE], 0.0)
        self.peak_kw: dict[str, float] = {charge.name: 0.0 for charge in tariff.demand}
        self.billed_usd: dict[str, float] = {charge.name: 0.0 for charge in tariff.demand}
        self.named_kw: dict[str, list[float]] = {charge.name: [] for charge in tariff.demand}


class _Interval(NamedTuple):
    """The demand interval that is under way: its import [kWh], length so far [h], first step."""

    import_kwh: float
    hours: float
    first_step: int
    named: bool


@dataclass
class TariffMeter:
    """A contract's meter over the steps (meter bins or slots) of a run.

    Attributes:
        tariff: the contract.
        local: calendar of all steps of the run.
        series: price series by name [USD/kWh], shape (steps,).
        past_peaks_kw: for each demand charge the peaks of preceding months, oldest first [kW].
        coincident: steps that are the system's peaks, where a charge needs them, shape (steps,).
        carbon_g_kwh: intensity of import [g/kWh], where carbon has a price, shape (steps,).
        bank_kwh: surplus that net metering carries in [kWh].
        closes: True if surplus that is still carried at the end is paid out.
        done: steps booked so far.
    """

    tariff: Tariff
    local: LocalTime
    series: Mapping[str, Floats] = field(default_factory=dict)
    past_peaks_kw: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    coincident: NDArray[np.bool_] | None = None
    carbon_g_kwh: Floats | None = None
    bank_kwh: Mapping[str, float] = field(default_factory=dict)
    closes: bool = True
    done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        nothing = np.zeros(self.local.count)
        facts = (self.series, self.coincident, self.carbon_g_kwh)
        check_usage(self.tariff, Usage(self.local, nothing, nothing, *facts))
        self._prices = price_view(self.tariff, self.local, self.series)
        self._share = billed_share(self.tariff, self.local)
        # what does not depend on the meter is one price per step; the blocks are told apart
        self._stepped = [c for c in self.tariff.energy if len(c.blocks) > 1]
        self._flat_usd_kwh = self._prices.price_usd_kwh.copy()
        for charge in self._stepped:
            self._flat_usd_kwh -= charge.blocks[0].usd * mask_of(charge.when, self.local)
        self._masks = {c.name: mask_of(c.when, self.local) for c in self.tariff.energy}
        self._counts = {c.name: mask_of(c.when, self.local) for c in self.tariff.demand}
        self._past = {c.name: list(self.past_peaks_kw.get(c.name, ())) for c in self.tariff.demand}
        self._bank = {c: float(self.bank_kwh.get(c, 0.0)) for c in (*self._masks, WHOLE)}
        self._month = _Month(self.tariff)
        self._first, self._last = self.local.first_step, self.local.last_step
        self._interval_ns = interval_ns(self.tariff, self.local.step_ns)
        self._open: _Interval | None = None

    def book(self, import_kwh: Floats, export_kwh: Floats) -> dict[Kind, float]:
        """Read the meter for the next steps and return what they cost [USD], − a credit.

        Args:
            import_kwh: energy bought in each of them [kWh], shape (steps read,).
            export_kwh: energy sold in each of them [kWh], same shape.
        """
        booked: dict[Kind, float] = dict.fromkeys(KINDS, 0.0)
        end, place = self.done + len(import_kwh), 0
        while self.done < end:
            month = int(self.local.month_no[self.done])
            stop = min(end, int(self._last[month]) + 1)
            part = slice(place, place + stop - self.done)
            self._book(month, slice(self.done, stop), import_kwh[part], export_kwh[part], booked)
            place, self.done = part.stop, stop
        return booked

    def view(self) -> MarginalView:
        """Return what the next kWh and kW cost, before the next step is read.

        Under net metering the prices are those of the first block: the month decides the block.
        """
        step = min(self.done, self.local.count - 1)
        month = int(self.local.month_no[step])
        state = self._month if step != self._first[month] else _Month(self.tariff)
        price, left_kwh = float(self._prices.price_usd_kwh[step]), np.inf
        for charge in self._stepped:
            if self._masks[charge.name][step] and self.tariff.metering != "net_metering":
                ends = [block.upto * self._share[month] for block in charge.blocks]
                at = int(np.searchsorted(ends, state.meter_kwh[charge.name], side="right"))
                price += charge.blocks[at].usd - charge.blocks[0].usd
                left_kwh = min(left_kwh, ends[at] - state.meter_kwh[charge.name])
        demand = tuple(self._demand_view(c, step, month, state) for c in self.tariff.demand)
        return MarginalView(price, float(self._prices.sale_usd_kwh[step]), left_kwh, demand)

    def _demand_view(
        self, charge: DemandCharge, step: int, month: int, state: _Month
    ) -> DemandView:
        billed_kw = max(state.peak_kw[charge.name], floor_kw(charge, self._past[charge.name]))
        ends = [block.upto for block in charge.blocks]
        at = int(np.searchsorted(ends, billed_kw, side="right"))
        usd_kw = charge.blocks[at].usd * float(self._share[month])
        return DemandView(charge.name, bool(self._counts[charge.name][step]), billed_kw, usd_kw)

    def _book(
        self, month: int, steps: slice, bought: Floats, sold: Floats, booked: dict[Kind, float]
    ) -> None:
        """Book steps that lie in one month."""
        if steps.start == self._first[month]:
            self._month = _Month(self.tariff)
            booked["fixed"] += self.tariff.fixed_usd_month * float(self._share[month])
        if self.tariff.metering == "net_metering":
            self._net(steps, bought - sold, booked)
        else:
            self._buy(month, steps, bought, booked)
            booked["export"] -= float(self._prices.sale_usd_kwh[steps] @ sold)
        if self.carbon_g_kwh is not None:
            kg = float(carbon_kg(bought, self.carbon_g_kwh[steps]).sum())
            booked["carbon"] += kg * self.tariff.carbon_usd_t / KG_PER_T
        if self.tariff.demand:
            self._power(month, steps, bought, booked)
        if steps.stop == self._last[month] + 1:
            self._end_month(month, booked)

    def _buy(self, month: int, steps: slice, bought: Floats, booked: dict[Kind, float]) -> None:
        booked["energy"] += float(self._flat_usd_kwh[steps] @ bought)
        for charge in self._stepped:
            mask = self._masks[charge.name][steps]
            counted = bought * (mask | (charge.scope == "month"))
            after = self._month.meter_kwh[charge.name] + np.cumsum(counted)
            amounts = block_amounts(charge.blocks, after - counted, after, self._share[month])
            prices = np.array([block.usd for block in charge.blocks])
            booked["energy"] += float((prices @ amounts) @ mask)
            self._month.meter_kwh[charge.name] = float(after[-1])

    def _net(self, steps: slice, net: Floats, booked: dict[Kind, float]) -> None:
        booked["energy"] += float(self._prices.price_usd_kwh[steps] @ net)
        for name, mask in self._masks.items():
            self._month.net_kwh[name] += float(net @ mask[steps])
        self._month.net_kwh[WHOLE] += float(net.sum())

    def _power(self, month: int, steps: slice, bought: Floats, booked: dict[Kind, float]) -> None:
        """Gather steps into demand intervals and bill each one that ends."""
        length_ns, step_ns = self._interval_ns, self.local.step_ns
        for step, energy_kwh in zip(range(steps.start, steps.stop), bought, strict=True):
            named = self.coincident is not None and bool(self.coincident[step])
            old = self._open or _Interval(0.0, 0.0, step, False)
            self._open = _Interval(
                old.import_kwh + float(energy_kwh),
                old.hours + self.local.step_h,
                old.first_step,
                old.named or named,
            )
            end_ns = self.local.start_utc_ns + (step + 1) * step_ns
            if end_ns % length_ns == 0 or step == self._last[month]:
                self._bill_interval(self._open, booked)
                self._open = None

    def _bill_interval(self, done: _Interval, booked: dict[Kind, float]) -> None:
        demand_kw, state = done.import_kwh / done.hours, self._month
        month = int(self.local.month_no[done.first_step])
        for charge in self.tariff.demand:
            counts = bool(self._counts[charge.name][done.first_step])
            if charge.kind == "peak":
                counted_kw = demand_kw if counts else 0.0
                state.peak_kw[charge.name] = max(state.peak_kw[charge.name], counted_kw)
                self._bill_power(charge, state.peak_kw[charge.name], month, booked)
            elif done.named and counts:
                state.named_kw[charge.name].append(demand_kw)

    def _bill_power(
        self, charge: DemandCharge, peak_kw: float, month: int, booked: dict[Kind, float]
    ) -> None:
        billed_kw = max(peak_kw, floor_kw(charge, self._past[charge.name]))
        usd = float(block_cost(charge.blocks, np.array([billed_kw]))[0] * self._share[month])
        booked["demand"] += usd - self._month.billed_usd[charge.name]
        self._month.billed_usd[charge.name] = usd

    def _end_month(self, month: int, booked: dict[Kind, float]) -> None:
        for charge in self.tariff.demand:
            named_kw = self._month.named_kw[charge.name]
            if charge.kind == "coincident":
                self._month.peak_kw[charge.name] = float(np.mean(named_kw)) if named_kw else 0.0
                self._bill_power(charge, self._month.peak_kw[charge.name], month, booked)
            self._past[charge.name].append(self._month.peak_kw[charge.name])
        if self.tariff.metering == "net_metering":
            booked["true_up"] += self._true_up(month)

    def _true_up(self, month: int) -> float:
        """What net metering adds at a month's end to the first blocks that were booked [USD]."""
        net, energy = self._month.net_kwh, self.tariff.energy
        billable = after_bank(net, self._bank)
        shared = sum(billable[c.name] for c in energy if c.scope == "month")
        usd = 0.0
        for charge in energy:
            kwh = billable[charge.name]
            whole = shared if charge.scope == "month" else kwh
            cost = float(block_cost(charge.blocks, np.array([whole]), self._share[month])[0])
            usd += (cost * kwh / whole if whole else 0.0) - charge.blocks[0].usd * net[charge.name]
        if self.tariff.excess == "pay" or (self.closes and month == self.local.months - 1):
            usd -= self._bank[WHOLE] * self.tariff.excess_usd_kwh
            self._bank.update(dict.fromkeys(self._bank, 0.0))
        return usd
