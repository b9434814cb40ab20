"""Settling a supply contract: the meter's readings in, an itemised bill out.

The bill is vectorised over a run (a year of hours takes milliseconds) and books the same money by
step, so that a ledger of slots sums to it. It agrees to the cent with SAM's Utilityrate5 on time
of use, tiers, flat and time-of-use demand, ratchet, fixed charges, net billing, net metering and
buy-all-sell-all (``tests/oracle/test_bill_against_sam.py``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cosim.physics.billing_demand import demand_part
from cosim.physics.billing_energy import billed_share, energy_part
from cosim.physics.billing_records import Bill, BillRow, Floats, Kind, Usage, check_usage
from cosim.physics.carbon import carbon_kg
from cosim.physics.tariff_records import Metering, Tariff

KG_PER_T = 1000.0


def bill(tariff: Tariff, usage: Usage) -> Bill:
    """Return the bill of a run.

    Import and export are not netted across steps unless the tariff is net metering, and the sum
    of ``step_usd`` equals the sum of the rows. Bills of whole months add up: settling January and
    then February, with January's ``peaks_kw`` and ``bank_kwh`` carried in, is settling both.

    Args:
        tariff: the contract.
        usage: the meter's readings, at the side where the contract meters them.

    Raises:
        ValueError: a price series, system peaks or carbon intensity that the tariff needs is
            missing, or steps and demand interval do not fit each other.
    """
    check_usage(tariff, usage)
    energy = energy_part(tariff, usage)
    demand = demand_part(tariff, usage)
    fixed_rows, fixed_usd = _fixed(tariff, usage)
    carbon_rows, carbon_usd = _carbon(tariff, usage)
    steps: dict[Kind, Floats] = {
        "energy": energy.energy_usd,
        "export": energy.export_usd,
        "demand": demand.demand_usd,
        "fixed": fixed_usd,
        "true_up": energy.true_up_usd,
        "carbon": carbon_usd,
    }
    rows = sorted(
        (*energy.rows, *demand.rows, *fixed_rows, *carbon_rows), key=lambda row: row.month_key
    )
    return Bill(tuple(rows), steps, demand.peaks_kw, energy.bank_kwh)


def _fixed(tariff: Tariff, usage: Usage) -> tuple[list[BillRow], Floats]:
    local, booked = usage.local, np.zeros(usage.local.count)
    if tariff.fixed_usd_month == 0.0:
        return [], booked
    share = billed_share(tariff, local)
    booked[local.first_step] = tariff.fixed_usd_month * share
    return [
        BillRow(int(key), "fixed", "fixed charge", float(part), "month", float(part * usd))
        for key, part, usd in zip(
            local.month_key, share, np.full(local.months, tariff.fixed_usd_month), strict=True
        )
    ], booked


def _carbon(tariff: Tariff, usage: Usage) -> tuple[list[BillRow], Floats]:
    local = usage.local
    if tariff.carbon_usd_t == 0.0 or usage.carbon_g_kwh is None:
        return [], np.zeros(local.count)
    kg = carbon_kg(usage.import_kwh, usage.carbon_g_kwh)
    price_usd_kg = tariff.carbon_usd_t / KG_PER_T
    monthly = np.bincount(local.month_no, kg, local.months)
    rows = [
        BillRow(int(key), "carbon", "carbon", float(each), "kg", float(each * price_usd_kg))
        for key, each in zip(local.month_key, monthly, strict=True)
    ]
    return rows, kg * price_usd_kg


class BilledFlows(NamedTuple):
    """Energy that a contract buys and sells in each step [kWh]; bought − sold is the net flow."""

    bought_kwh: Floats
    sold_kwh: Floats


def billed_flows(
    metering: Metering, import_kwh: Floats, export_kwh: Floats, generation_kwh: Floats
) -> BilledFlows:
    """Return what is bought and sold under a metering arrangement.

    ``buy_all_sell_all`` has a meter of its own for sun and wind: all that they deliver is sold and
    the whole load is bought, the battery counting as load when it charges and as less load when
    it discharges. The other arrangements see the connection only.

    Args:
        metering: the arrangement.
        import_kwh: energy that came in through the connection [kWh], shape (steps,).
        export_kwh: energy that went out [kWh], shape (steps,).
        generation_kwh: energy of sun and wind that was not curtailed [kWh], shape (steps,).
    """
    if metering != "buy_all_sell_all":
        return BilledFlows(import_kwh, export_kwh)
    bought = import_kwh - export_kwh + generation_kwh
    # a battery that discharges into the grid is not generation: it lowers what is bought, and
    # where nothing is left to lower, the rest is sold like an export
    return BilledFlows(np.maximum(bought, 0.0), generation_kwh + np.maximum(-bought, 0.0))
