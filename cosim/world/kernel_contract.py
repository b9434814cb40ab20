"""The supply contracts of a world as arrays, for compiled code, and where their meters stand."""

from __future__ import annotations

from typing import NamedTuple

from cosim.world.kernel_state import Floats2, Floats3, Ints1, Ints2

# kinds of metering; NO_CONTRACT: the site buys and sells at the price of the slot, no more
NO_CONTRACT, NET_BILLING, NET_METERING, BUY_ALL_SELL_ALL = range(4)

# columns of Contract.law
METERING, FIXED_USD_MONTH, KEEP, EXCESS_USD_KWH, PAYS_EXCESS, DEMANDS = range(6)
LAW_COLUMNS = 6

# columns of Contract.demand_law; COINCIDENT: 1 where peaks of the whole system count
RATCHET_SHARE, RATCHET_MONTHS, MINIMUM_KW, COINCIDENT = range(4)
DEMAND_LAW_COLUMNS = 4

# columns of Contract.gathered: what flowed since the demand interval began; GATHERED_NAMED: above
# 0 if a peak of the whole system touches it
GATHERED_KWH, GATHERED_H, GATHERED_NAMED = range(3)
GATHERED_COLUMNS = 3

# columns of Contract.named_kw
SUM_KW, INTERVALS = range(2)

# rows of Contract.told and of Contract.margin
BILLED_KW, USD_KW = range(2)
ADDER_USD_KWH, LEFT_KWH = range(2)

PAST = 36
"""Months before the run that a ratchet may remember."""
DEMAND_BIT = 24
"""Bits of ``when`` from here on are demand charges."""


class Contract(NamedTuple):
    """Supply contracts of all sites and where their meters stand.

    Attributes:
        law: numbers of each contract, shape (sites, LAW_COLUMNS).
        clock: start of the window in Unix time and length of the demand interval per site,
            shape (1 + sites,) [ns].
        month: billing month of each slot, from 0, shape (slots, sites).
        when: charges that apply in each slot, one bit each, shape (slots, sites).
        share: share of each month that is billed, shape (months, sites).
        energy_usd: price of each block of the energy charges, shape (sites, charges, blocks).
        energy_upto: its upper end, same shape [kWh].
        shared: 1 where all energy of the month fills a charge's blocks, shape (sites, charges).
        demand_usd: price of each block of the demand charges, shape (sites, charges, blocks).
        demand_upto: its upper end, same shape [kW].
        demand_law: ratchet, minimum and kind, shape (sites, charges, DEMAND_LAW_COLUMNS).
        named: 1 for meter bins that a peak of the whole system touches, shape (bins, sites), or
            (1, sites) where no charge counts them.
        meter_kwh: energy of the month by charge, and of all hours, shape (sites, charges + 1).
        bank_kwh: surplus that net metering carries, same shape.
        peak_kw: the month's peak by demand charge, shape (sites, charges).
        billed_usd: what has been billed for it, same shape.
        named_kw: the month's intervals that such peaks touch: sum of their means and how many,
            shape (sites, charges, 2).
        past_kw: peaks of months before, PAST of them before the run, shape (sites, charges,
            PAST + months).
        gathered: the demand interval under way, shape (sites, GATHERED_COLUMNS).
        gathered_when: charges that apply to it, shape (sites,).
        told: power billed so far and price of the next kW, shape (2, sites, charges).
        margin: what the next kWh costs above the price of the slot, and how much is left until
            that changes, shape (2, sites).
    """

    law: Floats2
    clock: Ints1
    month: Ints2
    when: Ints2
    share: Floats2
    energy_usd: Floats3
    energy_upto: Floats3
    shared: Ints2
    demand_usd: Floats3
    demand_upto: Floats3
    demand_law: Floats3
    named: Ints2
    meter_kwh: Floats2
    bank_kwh: Floats2
    peak_kw: Floats2
    billed_usd: Floats2
    named_kw: Floats3
    past_kw: Floats3
    gathered: Floats2
    gathered_when: Ints1
    told: Floats3
    margin: Floats2
