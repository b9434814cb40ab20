"""The supply contracts of a world, laid out once from a plan for compiled code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.physics.billing_demand import interval_ns
from cosim.physics.billing_energy import billed_share
from cosim.physics.local_time import When, mask_of
from cosim.physics.tariff_records import Block
from cosim.world import kernel_contract as at
from cosim.world.plan import Plan, SupplyContract

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_METERING = {
    "net_billing": at.NET_BILLING,
    "net_metering": at.NET_METERING,
    "buy_all_sell_all": at.BUY_ALL_SELL_ALL,
}


def lay_contracts(plan: Plan) -> at.Contract:
    """Lay out the contracts of a run; where there is none, arrays are empty."""
    contracts = [site.contract for site in plan.sites]
    energy, demand = (_all_blocks(contracts, kind) for kind in ("energy", "demand"))
    sites, months = len(contracts), max((c.local.months for c in contracts if c), default=0)
    charges = demand[0].shape[:2]
    return at.Contract(
        law=np.array([_law(contract) for contract in contracts]),
        clock=np.array([plan.info.start_utc_ns, *(_interval(c, plan) for c in contracts)]),
        month=_per_slot(contracts, lambda c: c.local.month_no),
        when=_per_slot(contracts, _when),
        share=_shares(contracts, months),
        energy_usd=energy[0],
        energy_upto=energy[1],
        shared=_shared(contracts, energy[0].shape[1]),
        demand_usd=demand[0],
        demand_upto=demand[1],
        demand_law=_demand_law(contracts, charges[1]),
        named=_named(contracts),
        meter_kwh=np.zeros((sites, energy[0].shape[1] + 1)),
        bank_kwh=np.zeros((sites, energy[0].shape[1] + 1)),
        peak_kw=np.zeros(charges),
        billed_usd=np.zeros(charges),
        named_kw=np.zeros((*charges, 2)),
        past_kw=_past(contracts, charges[1], months),
        gathered=np.zeros((sites, at.GATHERED_COLUMNS)),
        gathered_when=np.zeros(sites, dtype=np.int64),
        told=np.stack([np.full(charges, np.inf), np.zeros(charges)]),
        margin=np.stack([np.zeros(sites), np.full(sites, np.inf)]),
    )


def changing(contract: at.Contract) -> list[NDArray[Any]]:
    """What a run changes."""
    return [
        *(contract.meter_kwh, contract.bank_kwh, contract.peak_kw, contract.billed_usd),
        *(contract.named_kw, contract.past_kw, contract.gathered, contract.gathered_when),
        *(contract.told, contract.margin),
    ]


def _law(contract: SupplyContract | None) -> FloatArray:
    row = np.zeros(at.LAW_COLUMNS)
    if contract is not None:
        tariff = contract.tariff
        row[at.METERING], row[at.KEEP] = _METERING[tariff.metering], contract.keep
        row[at.FIXED_USD_MONTH] = tariff.fixed_usd_month
        row[at.EXCESS_USD_KWH] = tariff.excess_usd_kwh
        row[at.PAYS_EXCESS] = tariff.excess == "pay"
        row[at.DEMANDS] = len(tariff.demand)
    return row


def _interval(contract: SupplyContract | None, plan: Plan) -> int:
    return plan.bin_ns if contract is None else interval_ns(contract.tariff, plan.bin_ns)


def _per_slot(
    contracts: Sequence[SupplyContract | None], of: Callable[[SupplyContract], IntArray]
) -> IntArray:
    """A number per slot of each contract, shape (slots, sites); of no slots without contracts."""
    slots = max((c.local.count for c in contracts if c), default=0)
    table = np.zeros((slots, len(contracts)), dtype=np.int64)
    for site, contract in enumerate(contracts):
        if contract is not None:
            table[:, site] = of(contract)
    return table


def _when(contract: SupplyContract) -> IntArray:
    bits = np.zeros(contract.local.count, dtype=np.int64)
    charges: list[tuple[int, tuple[When, ...]]] = [
        *((k, charge.when) for k, charge in enumerate(contract.tariff.energy)),
        *((at.DEMAND_BIT + k, charge.when) for k, charge in enumerate(contract.tariff.demand)),
    ]
    for bit, when in charges:
        bits |= mask_of(when, contract.local).astype(np.int64) << bit
    return bits


def _shares(contracts: Sequence[SupplyContract | None], months: int) -> FloatArray:
    shares = np.ones((months, len(contracts)))
    for site, contract in enumerate(contracts):
        if contract is not None:
            found = billed_share(contract.tariff, contract.local)
            shares[: len(found), site] = found
    return shares


def _all_blocks(
    contracts: Sequence[SupplyContract | None], kind: str
) -> tuple[FloatArray, FloatArray]:
    """Prices and upper ends of the blocks of all charges of a kind, padded alike."""
    charges = [[c.blocks for c in getattr(x.tariff, kind)] if x else [] for x in contracts]
    longest = max((len(blocks) for site in charges for blocks in site), default=1)
    shape = (len(contracts), max(len(site) for site in charges), longest)
    prices, ends = np.zeros(shape), np.full(shape, np.inf)
    for site, rows in enumerate(charges):
        for k, blocks in enumerate(rows):
            _put(blocks, prices[site, k], ends[site, k])
    return prices, ends


def _put(blocks: Sequence[Block], prices: FloatArray, ends: FloatArray) -> None:
    prices[: len(blocks)] = [block.usd for block in blocks]
    ends[: len(blocks)] = [block.upto for block in blocks]


def _shared(contracts: Sequence[SupplyContract | None], charges: int) -> IntArray:
    table = np.zeros((len(contracts), charges), dtype=np.int64)
    for site, contract in enumerate(contracts):
        for k, charge in enumerate(contract.tariff.energy if contract else ()):
            table[site, k] = charge.scope == "month"
    return table


def _demand_law(contracts: Sequence[SupplyContract | None], charges: int) -> FloatArray:
    table = np.zeros((len(contracts), charges, at.DEMAND_LAW_COLUMNS))
    for site, contract in enumerate(contracts):
        for k, charge in enumerate(contract.tariff.demand if contract else ()):
            row = (charge.ratchet_share, charge.ratchet_months, charge.minimum_kw)
            table[site, k] = (*row, charge.kind == "coincident")
    return table


def _named(contracts: Sequence[SupplyContract | None]) -> IntArray:
    """Bins that peaks of the whole system touch; a row of zeros where none counts."""
    bins = max((len(c.named) for c in contracts if c and c.named.any()), default=1)
    table = np.zeros((bins, len(contracts)), dtype=np.int64)
    for site, contract in enumerate(contracts):
        if contract is not None and contract.named.any():
            table[:, site] = contract.named
    return table


def _past(contracts: Sequence[SupplyContract | None], charges: int, months: int) -> FloatArray:
    """Peaks of the months before the run, oldest first, up to the run's own."""
    table = np.zeros((len(contracts), charges, at.PAST + months))
    for site, contract in enumerate(contracts):
        for k, charge in enumerate(contract.tariff.demand if contract else ()):
            before = (contract.past_peaks_kw if contract else {}).get(charge.name, ())[-at.PAST :]
            table[site, k, at.PAST - len(before) : at.PAST] = before
    return table
