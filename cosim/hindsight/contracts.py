"""What supply contracts and calls cost a run at least, as charges of the fluid model.

Every policy's imports and exports, slot by slot, are a point of the model; here stands a bill of
that point that is never above the one that the world books:

* peaks count over whole demand intervals and slots, ratchets only on months before the run;
* energy charges whose price falls from block to block, or whose blocks all energy of the month
  fills, count at their cheapest block; prices that rise are exact;
* net metering pays nothing for a surplus but what the contract pays for all exports;
* a call is paid in full where its baseline comes from the run's own days; with an agreed one it
  is exact where the price of missing it lets it be, else on the line above it.
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np

from cosim.optimise import BUY, METERED, SELL, ChargeBook
from cosim.optimise.program import FloatArray
from cosim.physics.billing_demand import floor_kw, interval_ns
from cosim.physics.billing_energy import billed_share, block_cost
from cosim.physics.demand_response import DrEvent, event_steps
from cosim.physics.local_time import mask_of
from cosim.physics.tariff_records import Block, DemandCharge, EnergyCharge
from cosim.world.plan import CallPlan, Plan, SupplyContract

NET = "net_metering"
WHOLE = "buy_all_sell_all"


class Bill(NamedTuple):
    """Where a contract's charges are noted.

    Attributes:
        book: takes them.
        site: index of the site.
        contract: the contract.
    """

    book: ChargeBook
    site: int
    contract: SupplyContract


def note_contract(book: ChargeBook, plan: Plan, site: int) -> None:
    """Note what the contract of a site costs beyond the price of the slot."""
    contract = plan.sites[site].contract
    if contract is None:
        return
    bill, tariff = Bill(book, site, contract), contract.tariff
    shares = billed_share(tariff, contract.local)
    book.certain_usd += tariff.fixed_usd_month * float(shares.sum())
    for number, charge in enumerate(tariff.demand):
        if charge.kind == "peak":
            _note_demand(bill, plan, number, shares)
    if tariff.metering == NET:
        _note_surplus(bill)
    else:
        for energy in tariff.energy:
            _note_tiers(bill, energy, shares)


def cheapest_less_first(contract: SupplyContract) -> FloatArray:
    """What the cheapest block costs less than the first, in sum over charges, shape (slots,)."""
    less = np.zeros(contract.local.count)
    for charge in contract.tariff.energy:
        drop = charge.blocks[0].usd - min(block.usd for block in charge.blocks)
        less += drop * mask_of(charge.when, contract.local)
    return np.asarray(less / contract.keep)


def may_pay_for_use(contract: SupplyContract) -> bool:
    """Whether net metering pays for using energy under some charge: then nothing bounds it."""
    lowest = min(block.usd for charge in contract.tariff.energy for block in charge.blocks)
    return contract.tariff.metering == NET and lowest < 0.0


def nets_below_first(contract: SupplyContract | None) -> bool:
    """Whether net metering credits exports at more than its cheapest block costs."""
    if contract is None or contract.tariff.metering != NET:
        return False
    return bool((cheapest_less_first(contract) > 0.0).any())


# power -------------------------------------------------------------------------------------


def _note_demand(bill: Bill, plan: Plan, number: int, shares: FloatArray) -> None:
    contract = bill.contract
    charge = contract.tariff.demand[number]
    for month, share in enumerate(shares.tolist()):
        floor = floor_kw(charge, _past_kw(contract, charge, month))
        bill.book.certain_usd += share * float(block_cost(charge.blocks, np.array([floor]))[0])
        steps = _steps_above(charge.blocks, floor)
        for usd_kw, from_kw in steps:
            over = bill.book.over(share * usd_kw)
            for slots, hours in _intervals(bill, plan, charge, month):
                row = bill.book.row(over, from_kw)
                value = 1.0 / (hours * contract.keep)
                bill.book.add(row, METERED, bill.site, slots, value)


def _past_kw(contract: SupplyContract, charge: DemandCharge, month: int) -> tuple[float, ...]:
    """Peaks of the months before one; those of the run itself are taken as 0."""
    return (*contract.past_peaks_kw.get(charge.name, ()), *(0.0 for _ in range(month)))


def _steps_above(blocks: tuple[Block, ...], floor_kw: float) -> list[tuple[float, float]]:
    """(rise of the price, from where on) above a power; where prices fall, the cheapest."""
    above = [block for block in blocks if block.upto > floor_kw]
    prices = [block.usd for block in above]
    if any(later < sooner for sooner, later in pairwise(prices)):
        return [(min(prices), floor_kw)]
    begins = [floor_kw, *(block.upto for block in above[:-1])]
    rises = [prices[0], *(b - a for a, b in pairwise(prices))]
    return list(zip(rises, begins, strict=True))


def _intervals(
    bill: Bill, plan: Plan, charge: DemandCharge, month: int
) -> list[tuple[list[int], float]]:
    """(slots, length [h]) of the demand intervals that count in a month; none off the clock."""
    local, info = bill.contract.local, plan.info
    length_ns = interval_ns(bill.contract.tariff, plan.bin_ns)
    if max(length_ns, info.slot_ns) % min(length_ns, info.slot_ns):
        return []
    if info.start_utc_ns % min(length_ns, info.slot_ns):
        return []
    active = mask_of(charge.when, local)
    slots = np.flatnonzero(local.month_no == month).tolist()
    begin_ns = [info.start_utc_ns + slot * info.slot_ns for slot in range(local.count)]
    groups = [list(g) for _, g in groupby(slots, key=lambda slot: begin_ns[slot] // length_ns)]
    return [(g, len(g) * info.slot_h) for g in groups if active[g[0]]]


# energy ------------------------------------------------------------------------------------


def _note_tiers(bill: Bill, charge: EnergyCharge, shares: FloatArray) -> None:
    """Blocks whose price rises: what is used beyond the beginning of each."""
    prices = [block.usd for block in charge.blocks]
    if charge.scope == "month" or prices != sorted(prices):
        return
    local, active = bill.contract.local, mask_of(charge.when, bill.contract.local)
    for month, share in enumerate(shares.tolist()):
        slots = np.flatnonzero(active & (local.month_no == month))
        for lower, upper in pairwise(charge.blocks):
            row = bill.book.row(bill.book.over(upper.usd - lower.usd), lower.upto * share)
            bill.book.add(row, METERED, bill.site, slots, 1.0 / bill.contract.keep)


def _note_surplus(bill: Bill) -> None:
    """Net metering takes a surplus of the whole run back, and pays at most for all exports."""
    contract, site, keep = bill.contract, bill.site, bill.contract.keep
    for charge in contract.tariff.energy:
        usd = min(block.usd for block in charge.blocks)
        if usd > 0.0:
            slots = np.flatnonzero(mask_of(charge.when, contract.local))
            row = bill.book.row(bill.book.over(usd), 0.0)
            bill.book.add(row, SELL, site, slots, keep)
            bill.book.add(row, BUY, site, slots, -1.0 / keep)
    if contract.tariff.excess_usd_kwh > 0.0:
        everything = np.arange(contract.local.count)
        less = bill.book.over(contract.tariff.excess_usd_kwh, least=-np.inf, most=0.0)
        bill.book.add(bill.book.row(less, 0.0), SELL, site, everything, -keep)


# calls -------------------------------------------------------------------------------------


def note_calls(book: ChargeBook, plan: Plan, site: int, most_kwh: FloatArray) -> None:
    """Note what the calls at a site cost at least.

    Args:
        book: takes it.
        plan: the run.
        site: the site.
        most_kwh: most that the site can buy in each slot, shape (slots,).
    """
    calls = plan.sites[site].calls
    if calls is None:
        return
    for event, agreed_kw in calls.each():
        slots = event_steps(event, calls.local)
        asked_kwh = event.kw * calls.local.step_h
        if event.kind == "cap":
            for slot in slots.tolist():
                row = book.row(book.over(event.penalty_usd_kwh), asked_kwh)
                book.add(row, BUY, site, [slot], 1.0)
            continue
        book.certain_usd -= asked_kwh * len(slots) * event.payment_usd_kwh
        if agreed_kw is not None:
            _note_reduction(book, site, calls, event, agreed_kw, most_kwh[slots])


def _note_reduction(
    book: ChargeBook,
    site: int,
    calls: CallPlan,
    event: DrEvent,
    agreed_kw: float,
    most_kwh: FloatArray,
) -> None:
    """What is missing from a reduction: at least what lies above the line over its settlement.

    Settled is min(asked, max(0, baseline − used)), which is not concave where more is used than
    the baseline; the line goes from full use, which earns nothing, to the last full reduction.
    """
    asked, expected = event.kw * calls.local.step_h, agreed_kw * calls.local.step_h
    reached = min(asked, expected)
    for slot, most in zip(
        event_steps(event, calls.local).tolist(), most_kwh.tolist(), strict=True
    ):
        over = book.over(event.payment_usd_kwh + event.penalty_usd_kwh, least=asked - reached)
        full = expected - reached
        slope = 1.0 if most <= expected else reached / (most - full)
        end = expected if most <= expected else most
        row = book.row(over, slope * end - asked)
        book.add(row, BUY, site, [slot], slope)
