"""The supply contract's meter, compiled: what each slot adds to the bill of its month.

It books what :func:`cosim.physics.billing.bill` books, slot by slot: energy at once, demand when
the month's billed power rises, the fixed charge with a month's first slot, the true-up of net
metering with its last. Import and export at the price of the slot (every charge in its first
block) stand in the ledger already (:func:`cosim.world.kernel_meter.settle`); here comes the rest.
After the window energy costs what it cost in its last slot, and nothing else is booked.
"""

from __future__ import annotations

import math

from cosim.physics.tariff_scalar import block_at, block_usd
from cosim.world.compiled import inlined, piece
from cosim.world.kernel_contract import (
    ADDER_USD_KWH,
    BILLED_KW,
    BUY_ALL_SELL_ALL,
    COINCIDENT,
    DEMAND_BIT,
    DEMANDS,
    EXCESS_USD_KWH,
    FIXED_USD_MONTH,
    GATHERED_H,
    GATHERED_KWH,
    GATHERED_NAMED,
    INTERVALS,
    KEEP,
    LEFT_KWH,
    METERING,
    MINIMUM_KW,
    NET_METERING,
    NO_CONTRACT,
    PAST,
    PAYS_EXCESS,
    RATCHET_MONTHS,
    RATCHET_SHARE,
    SUM_KW,
    USD_KW,
    Contract,
)
from cosim.world.kernel_grid import (
    BIN_H,
    BIN_NS,
    BINS_PER_SLOT,
    DEMAND_USD,
    EXPORT,
    EXPORT_USD,
    FIXED_USD,
    IMPORT,
    IMPORT_USD,
    POOLS,
    PRICE_NOW,
    TRUE_UP_USD,
    Grid,
)
from cosim.world.kernel_memory import read_contract, read_grid


@inlined
def begins(contract: Contract, site: int, slot: int) -> bool:
    """Whether a slot is the first of its billing month."""
    month = contract.month
    return slot == 0 or bool(month[slot, site] != month[slot - 1, site])


@inlined
def ends(contract: Contract, site: int, slot: int) -> bool:
    """Whether a slot is the last of its billing month or of the window."""
    month = contract.month
    return slot == len(month) - 1 or bool(month[slot, site] != month[slot + 1, site])


@inlined
def applies(when: int, charge: int) -> bool:
    """Whether a charge is among those that apply."""
    return (when >> charge) & 1 == 1


# booking -----------------------------------------------------------------------------------


@inlined
def begin_month(contract: Contract, grid: Grid, site: int, slot: int) -> None:
    """Set the month's meters to zero and book the fixed charge."""
    contract.meter_kwh[site] = 0.0
    contract.peak_kw[site] = 0.0
    contract.billed_usd[site] = 0.0
    contract.named_kw[site] = 0.0
    share = contract.share[contract.month[slot, site], site]
    grid.rows[slot, FIXED_USD, site] += contract.law[site, FIXED_USD_MONTH] * share


@inlined
def metered_kwh(contract: Contract, grid: Grid, site: int, bin_no: int) -> tuple[float, float]:
    """What the contract's meter reads as bought and sold in a bin [kWh]."""
    table, hours, law = grid.bins[bin_no, site], grid.scalars[BIN_H], contract.law[site]
    bought, sold = table[6] * hours, table[7] * hours
    if law[METERING] == BUY_ALL_SELL_ALL:
        made = (table[3] + table[4] - table[8]) * hours
        net = bought - sold + made
        bought, sold = max(net, 0.0), made + max(-net, 0.0)
    return bought / law[KEEP], sold * law[KEEP]


@inlined
def buy(contract: Contract, grid: Grid, site: int, slot: int) -> None:
    """Book what blocks cost beyond the first, or whole load and generation apart."""
    row, keep = grid.rows[slot], contract.law[site, KEEP]
    bought = row[IMPORT, site] / keep
    if contract.law[site, METERING] == BUY_ALL_SELL_ALL:
        bought, sold = 0.0, 0.0
        for at in range(grid.clock[BINS_PER_SLOT]):
            parts = metered_kwh(contract, grid, site, slot * grid.clock[BINS_PER_SLOT] + at)
            bought, sold = bought + parts[0], sold + parts[1]
        row[IMPORT_USD, site] = bought * keep * grid.price[slot, site]
        row[EXPORT_USD, site] = sold / keep * grid.sale[slot, site]
    share = contract.share[contract.month[slot, site], site]
    for charge in range(contract.energy_usd.shape[1]):
        upto, on = contract.energy_upto[site, charge], applies(contract.when[slot, site], charge)
        if math.isinf(upto[0]) or not (on or contract.shared[site, charge] != 0):
            continue
        prices, before = contract.energy_usd[site, charge], contract.meter_kwh[site, charge]
        contract.meter_kwh[site, charge] = before + bought
        if on:
            cost = block_usd(prices, upto, before + bought, share)
            cost -= block_usd(prices, upto, before, share)
            row[IMPORT_USD, site] += cost - prices[0] * bought


@inlined
def note_net(contract: Contract, grid: Grid, site: int, slot: int) -> None:
    """Note a slot's difference of import and export for the month's true-up."""
    row, keep = grid.rows[slot], contract.law[site, KEEP]
    net = row[IMPORT, site] / keep - row[EXPORT, site] * keep
    charges = contract.energy_usd.shape[1]
    for charge in range(charges):
        if applies(contract.when[slot, site], charge):
            contract.meter_kwh[site, charge] += net
    contract.meter_kwh[site, charges] += net


@inlined
def gather(contract: Contract, grid: Grid, site: int, slot: int) -> None:
    """Gather the bins of a slot into demand intervals and bill each one that ends."""
    start_ns, length_ns = contract.clock[0], contract.clock[1 + site]
    bins, span_ns, so_far = grid.clock[BINS_PER_SLOT], grid.clock[BIN_NS], contract.gathered[site]
    for at in range(bins):
        bin_no = slot * bins + at
        if so_far[GATHERED_H] == 0.0:
            contract.gathered_when[site] = contract.when[slot, site]
        so_far[GATHERED_KWH] += metered_kwh(contract, grid, site, bin_no)[0]
        so_far[GATHERED_H] += grid.scalars[BIN_H]
        so_far[GATHERED_NAMED] += contract.named[min(bin_no, len(contract.named) - 1), site]
        last = at == bins - 1 and ends(contract, site, slot)
        if last or (start_ns + (bin_no + 1) * span_ns) % length_ns == 0:
            bill_interval(contract, grid, site, slot, so_far[GATHERED_KWH] / so_far[GATHERED_H])
            so_far[:] = 0.0


@inlined
def bill_interval(contract: Contract, grid: Grid, site: int, slot: int, power_kw: float) -> None:
    """Bill what the mean power of an interval adds to the month's demand charges."""
    for charge in range(int(contract.law[site, DEMANDS])):
        counts = applies(contract.gathered_when[site], DEMAND_BIT + charge)
        if contract.demand_law[site, charge, COINCIDENT] != 0.0:
            if counts and contract.gathered[site, GATHERED_NAMED] > 0.0:
                contract.named_kw[site, charge, SUM_KW] += power_kw
                contract.named_kw[site, charge, INTERVALS] += 1.0
            continue
        if counts:
            contract.peak_kw[site, charge] = max(contract.peak_kw[site, charge], power_kw)
        billed_kw = max(contract.peak_kw[site, charge], floor_kw(contract, site, charge, slot))
        bill_power(contract, grid, site, charge, slot, billed_kw)


@inlined
def bill_power(
    contract: Contract, grid: Grid, site: int, charge: int, slot: int, billed_kw: float
) -> None:
    """Book what a demand charge has risen by, now that so much power is billed."""
    share = contract.share[contract.month[slot, site], site]
    prices, upto = contract.demand_usd[site, charge], contract.demand_upto[site, charge]
    usd = block_usd(prices, upto, billed_kw, 1.0) * share
    grid.rows[slot, DEMAND_USD, site] += usd - contract.billed_usd[site, charge]
    contract.billed_usd[site, charge] = usd


@inlined
def floor_kw(contract: Contract, site: int, charge: int, slot: int) -> float:
    """Power that is billed whatever the month's peak [kW]: minimum and ratchet."""
    law, highest_kw = contract.demand_law[site, charge], 0.0
    at = PAST + contract.month[slot, site]
    for back in range(1, int(law[RATCHET_MONTHS]) + 1):
        highest_kw = max(highest_kw, contract.past_kw[site, charge, at - back])
    return float(max(law[MINIMUM_KW], law[RATCHET_SHARE] * highest_kw))


@inlined
def end_month(contract: Contract, grid: Grid, site: int, slot: int) -> None:
    """Remember the month's peaks and settle net metering."""
    at = PAST + contract.month[slot, site]
    for charge in range(int(contract.law[site, DEMANDS])):
        named = contract.named_kw[site, charge]
        if contract.demand_law[site, charge, COINCIDENT] != 0.0 and named[INTERVALS] > 0.0:
            contract.peak_kw[site, charge] = named[SUM_KW] / named[INTERVALS]
            bill_power(contract, grid, site, charge, slot, contract.peak_kw[site, charge])
        contract.past_kw[site, charge, at] = contract.peak_kw[site, charge]
    if contract.law[site, METERING] == NET_METERING:
        grid.rows[slot, TRUE_UP_USD, site] += true_up_usd(contract, site, slot)


@inlined
def true_up_usd(contract: Contract, site: int, slot: int) -> float:
    """What net metering adds at a month's end to the first blocks that were booked [USD]."""
    meter, bank = contract.meter_kwh[site], contract.bank_kwh[site]
    charges, usd, shared_kwh = contract.energy_usd.shape[1], 0.0, 0.0
    share = contract.share[contract.month[slot, site], site]
    for charge in range(charges):
        usd -= contract.energy_usd[site, charge, 0] * meter[charge]
    for charge in range(charges + 1):
        rest = meter[charge] - bank[charge]
        meter[charge], bank[charge] = max(rest, 0.0), max(-rest, 0.0)
        if charge < charges and contract.shared[site, charge] != 0:
            shared_kwh += meter[charge]
    for charge in range(charges):
        whole = shared_kwh if contract.shared[site, charge] != 0 else meter[charge]
        if whole > 0.0:
            prices, upto = contract.energy_usd[site, charge], contract.energy_upto[site, charge]
            usd += block_usd(prices, upto, whole, share) * meter[charge] / whole
    if contract.law[site, PAYS_EXCESS] != 0.0 or slot == len(contract.month) - 1:
        usd -= bank[charges] * contract.law[site, EXCESS_USD_KWH]
        bank[:] = 0.0
    return float(usd)


@piece
def book(memory: int, slot: int) -> None:
    """Book a slot that has been settled at its price."""
    contract, grid = read_contract(memory), read_grid(memory)
    row = grid.rows[slot]
    for site in range(len(contract.law)):
        law = contract.law[site]
        if law[METERING] == NO_CONTRACT:
            continue
        if slot >= len(contract.month):
            row[IMPORT_USD, site] += row[IMPORT, site] * contract.margin[ADDER_USD_KWH, site]
            continue
        if begins(contract, site, slot):
            begin_month(contract, grid, site, slot)
        if law[METERING] == NET_METERING:
            note_net(contract, grid, site, slot)
        else:
            buy(contract, grid, site, slot)
        if law[DEMANDS] > 0.0:
            gather(contract, grid, site, slot)
        if ends(contract, site, slot):
            end_month(contract, grid, site, slot)


# telling -----------------------------------------------------------------------------------


@inlined
def tell_energy(contract: Contract, site: int, slot: int, fresh: bool) -> None:
    """Tell in which blocks the next kWh falls."""
    share, margin = contract.share[contract.month[slot, site], site], contract.margin
    keep = contract.law[site, KEEP]
    for charge in range(contract.energy_usd.shape[1]):
        upto, prices = contract.energy_upto[site, charge], contract.energy_usd[site, charge]
        if math.isinf(upto[0]) or not applies(contract.when[slot, site], charge):
            continue
        stand_kwh = 0.0 if fresh else contract.meter_kwh[site, charge]
        at = block_at(upto, stand_kwh, share)
        margin[ADDER_USD_KWH, site] += (prices[at] - prices[0]) / keep
        left_kwh = (upto[at] * share - stand_kwh) * keep
        margin[LEFT_KWH, site] = min(margin[LEFT_KWH, site], left_kwh)


@inlined
def tell_demand(contract: Contract, site: int, slot: int, fresh: bool) -> None:
    """Tell the power that is billed already, and what the next kW would cost."""
    share = contract.share[contract.month[slot, site], site]
    for charge in range(int(contract.law[site, DEMANDS])):
        peak_kw = 0.0 if fresh else contract.peak_kw[site, charge]
        billed_kw = max(peak_kw, floor_kw(contract, site, charge, slot))
        if contract.demand_law[site, charge, COINCIDENT] != 0.0:
            billed_kw = math.inf  # no peak of the site's own counts
        at = block_at(contract.demand_upto[site, charge], billed_kw, 1.0)
        contract.told[BILLED_KW, site, charge] = billed_kw
        contract.told[USD_KW, site, charge] = contract.demand_usd[site, charge, at] * share


@piece
def tell(memory: int, slot: int) -> None:
    """Tell what the next kWh and kW will cost; after the window nothing is metered."""
    contract, grid = read_contract(memory), read_grid(memory)
    now = min(slot, len(grid.price) - 1)
    for site in range(len(contract.law)):
        law = contract.law[site]
        if law[METERING] != NO_CONTRACT and slot < len(contract.month):
            fresh = begins(contract, site, slot)
            contract.margin[ADDER_USD_KWH, site], contract.margin[LEFT_KWH, site] = 0.0, math.inf
            if law[METERING] != NET_METERING:
                tell_energy(contract, site, slot, fresh)
            tell_demand(contract, site, slot, fresh)
        adder_usd_kwh = contract.margin[ADDER_USD_KWH, site]
        for pool in range(site, site + int(grid.site[site, POOLS])):
            grid.seen[PRICE_NOW, pool] = grid.price[now, pool] + adder_usd_kwh
