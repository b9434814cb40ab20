"""The energy part of a bill: blocks, price series, export credits, net metering.

Every kWh has a place on its charge's meter, which starts at 0 each month. A step that moves the
meter from m₀ to m₁ costs F(m₁) − F(m₀), where F is the piecewise linear cost of the month's
consumption, so steps add up to the month and no step has to know the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics.billing_records import BillRow, Floats, Kind, Usage
from cosim.physics.local_time import LocalTime, mask_of
from cosim.physics.tariff import sale_price
from cosim.physics.tariff_records import Block, EnergyCharge, ExportCredit, Tariff


def block_amounts(
    blocks: tuple[Block, ...], before: Floats, after: Floats, scale: Floats | float = 1.0
) -> Floats:
    """Return how much of each move of a meter falls into each block.

    Args:
        blocks: the steps of the price.
        before: meter before each step [kWh or kW].
        after: meter after it, same shape.
        scale: multiplies the ends of the blocks (share of a month that is billed).

    Returns:
        Amounts of shape (blocks, steps); their sum over blocks is ``after − before``.
    """
    ends = [block.upto for block in blocks]
    amounts, low = [], np.zeros_like(after)
    for end in ends:
        high = np.full_like(after, np.inf) if np.isinf(end) else end * scale + np.zeros_like(after)
        amounts.append(np.clip(after, low, high) - np.clip(before, low, high))
        low = high
    amounts[0] = amounts[0] + np.minimum(after, 0.0) - np.minimum(before, 0.0)
    return np.array(amounts)


def block_cost(blocks: tuple[Block, ...], amount: Floats, scale: Floats | float = 1.0) -> Floats:
    """Return the cost F of a month's consumption or peak [USD]; negative amounts in block one."""
    prices = np.array([block.usd for block in blocks])
    return np.asarray(prices @ block_amounts(blocks, np.zeros_like(amount), amount, scale))


def first_block_usd_kwh(
    charge: EnergyCharge, local: LocalTime, series: Mapping[str, Floats]
) -> Floats:
    """Return the price of a charge in its first block, 0 where it does not apply [USD/kWh]."""
    extra = series[charge.series] if charge.series is not None else 0.0
    return np.where(mask_of(charge.when, local), charge.blocks[0].usd + extra, 0.0)


def purchase_price(tariff: Tariff, local: LocalTime, series: Mapping[str, Floats]) -> Floats:
    """Return the price of import with every charge in its first block [USD/kWh], (steps,)."""
    prices = [first_block_usd_kwh(c, local, series) for c in tariff.energy]
    return np.asarray(np.sum(prices, axis=0))


def credit_price(
    credit: ExportCredit, purchase_usd_kwh: Floats, local: LocalTime, series: Mapping[str, Floats]
) -> Floats:
    """Return what one credit pays for export, 0 where it does not apply [USD/kWh]."""
    price = np.full(local.count, credit.usd_kwh)
    if credit.kind == "share":
        price = sale_price(purchase_usd_kwh, credit.share)
    elif credit.series is not None:
        price = price + series[credit.series]
    return np.where(mask_of(credit.when, local), price, 0.0)


def export_price(tariff: Tariff, local: LocalTime, series: Mapping[str, Floats]) -> Floats:
    """Return the price of export [USD/kWh], shape (steps,); that of import under net metering."""
    purchase = purchase_price(tariff, local, series)
    if tariff.metering == "net_metering":
        return purchase
    credits = [credit_price(c, purchase, local, series) for c in tariff.export]
    return np.asarray(np.sum([np.zeros(local.count), *credits], axis=0))


WHOLE = "*"
"""Name under which net metering keeps the surplus of all charges together."""


class EnergyPart(NamedTuple):
    """Rows of the energy part, the same by step [USD], and the surplus carried on [kWh]."""

    rows: list[BillRow]
    energy_usd: Floats
    export_usd: Floats
    true_up_usd: Floats
    bank_kwh: dict[str, float]


def billed_share(tariff: Tariff, local: LocalTime) -> Floats:
    """Return the share of each month that is billed, shape (months,)."""
    return local.coverage if tariff.partial_month == "prorate" else np.ones(local.months)


def energy_part(tariff: Tariff, usage: Usage) -> EnergyPart:
    """Return what import and export cost under any metering."""
    if tariff.metering == "net_metering":
        return _net_metering(tariff, usage)
    return _bought_and_sold(tariff, usage)


def _bought_and_sold(tariff: Tariff, usage: Usage) -> EnergyPart:
    local, zeros = usage.local, np.zeros(usage.local.count)
    scale = billed_share(tariff, local)[local.month_no]
    rows: list[BillRow] = []
    energy = zeros.copy()
    for charge in tariff.energy:
        mask = mask_of(charge.when, local)
        counted = usage.import_kwh * (mask | (charge.scope == "month"))
        before, after = month_meter(counted, local)
        amounts = block_amounts(charge.blocks, before, after, scale) * mask
        for label, price, kwh in _priced(charge, amounts, usage.import_kwh * mask, usage.series):
            energy += price * kwh
            rows += _monthly(local, "energy", label, kwh, price * kwh)
    export = zeros.copy()
    purchase = purchase_price(tariff, local, usage.series)
    for credit in tariff.export:
        kwh = usage.export_kwh * mask_of(credit.when, local)
        usd = -credit_price(credit, purchase, local, usage.series) * kwh
        export += usd
        rows += _monthly(local, "export", credit.name, kwh, usd)
    return EnergyPart(rows, energy, export, zeros, {})


def month_meter(counted_kwh: Floats, local: LocalTime) -> tuple[Floats, Floats]:
    """Return a meter that starts at 0 each month, before and after each step [kWh]."""
    running = np.cumsum(counted_kwh)
    at_start = np.append(0.0, running[local.last_step[:-1]])
    after = running - at_start[local.month_no]
    return np.append(0.0, after[:-1]) * (np.diff(local.month_no, prepend=-1) == 0), after


def _priced(
    charge: EnergyCharge, amounts: Floats, kwh: Floats, series: Mapping[str, Floats]
) -> Iterator[tuple[str, Floats | float, Floats]]:
    """Yield (label, price, energy by step) of each block and of the charge's price series."""
    several = len(charge.blocks) > 1
    for number, (block, amount) in enumerate(zip(charge.blocks, amounts, strict=True), 1):
        if block.usd != 0.0 or charge.series is None:
            yield f"{charge.name}, block {number}" if several else charge.name, block.usd, amount
    if charge.series is not None:
        yield f"{charge.name}, {charge.series}", series[charge.series], kwh


def _monthly(
    local: LocalTime, kind: Kind, item: str, quantity: Floats, usd: Floats
) -> list[BillRow]:
    """One row per month of a quantity and its cost by step."""
    kwh = np.bincount(local.month_no, quantity, local.months)
    cost = np.bincount(local.month_no, usd, local.months)
    return [
        BillRow(int(key), kind, item, float(q), "kWh", float(c))
        for key, q, c in zip(local.month_key, kwh, cost, strict=True)
    ]


def _net_metering(tariff: Tariff, usage: Usage) -> EnergyPart:
    """Bill each month's difference of import and export, charge by charge.

    Steps are booked at the price of the first block; the true-up in the month's last step makes
    the month right: blocks, and surplus carried or paid. Blocks shared by several charges (scope
    ``month``) are divided among them in proportion to their energy, as SAM does.
    """
    local = usage.local
    net = usage.import_kwh - usage.export_kwh
    scale = billed_share(tariff, local)
    by_charge = {
        c.name: np.bincount(local.month_no, net * mask_of(c.when, local), local.months)
        for c in tariff.energy
    }
    by_charge[WHOLE] = np.bincount(local.month_no, net, local.months)
    bank = {name: float(usage.bank_kwh.get(name, 0.0)) for name in by_charge}
    rows: list[BillRow] = []
    booked, true_up = np.zeros(local.count), np.zeros(local.count)
    for charge in tariff.energy:
        booked += net * first_block_usd_kwh(charge, local, usage.series)
    for month, last in enumerate(local.last_step):
        billable = after_bank({n: float(v[month]) for n, v in by_charge.items()}, bank)
        steps = local.month_no == month
        month_rows = _net_rows(tariff, usage, int(month), billable, float(scale[month]), steps)
        closing = usage.closes and month == local.months - 1
        month_rows += _surplus_rows(tariff, int(local.month_key[month]), bank, closing)
        true_up[last] = sum(row.usd for row in month_rows) - booked[steps].sum()
        rows += month_rows
    return EnergyPart(rows, booked, np.zeros(local.count), true_up, bank)


def after_bank(net_kwh: Mapping[str, float], bank: dict[str, float]) -> dict[str, float]:
    """Set a month's net energy against the bank; what is billed [kWh], the bank is updated."""
    billable = {}
    for name, net in net_kwh.items():
        rest = net - bank[name]
        billable[name] = max(rest, 0.0)
        bank[name] = max(-rest, 0.0)
    return billable


def _net_rows(
    tariff: Tariff,
    usage: Usage,
    month: int,
    billable: Mapping[str, float],
    scale: float,
    steps: NDArray[np.bool_],
) -> list[BillRow]:
    shared_kwh = sum(billable[c.name] for c in tariff.energy if c.scope == "month")
    key, rows = int(usage.local.month_key[month]), []
    for charge in tariff.energy:
        kwh = billable[charge.name]
        whole = shared_kwh if charge.scope == "month" else kwh
        usd = float(block_cost(charge.blocks, np.array([whole]), scale)[0])
        rows.append(
            BillRow(key, "energy", charge.name, kwh, "kWh", usd * kwh / whole if whole else 0.0)
        )
        if charge.series is not None:
            price = np.where(
                mask_of(charge.when, usage.local) & steps, usage.series[charge.series], 0
            )
            net = usage.import_kwh - usage.export_kwh
            label = f"{charge.name}, {charge.series}"
            rows.append(BillRow(key, "energy", label, kwh, "kWh", float(price @ net)))
    return rows


def _surplus_rows(
    tariff: Tariff, key: int, bank: dict[str, float], closing: bool
) -> list[BillRow]:
    """Pay out surplus: each month where the tariff pays it, at the end where it is carried.

    What is paid is the surplus of all hours together, as in SAM; that of one charge offsets later
    months of the same charge only.
    """
    if not (closing or tariff.excess == "pay"):
        return []
    kwh = bank[WHOLE]
    bank.update(dict.fromkeys(bank, 0.0))
    usd = -kwh * tariff.excess_usd_kwh
    return [BillRow(key, "export", "surplus", kwh, "kWh", usd)] if kwh > 0.0 else []
