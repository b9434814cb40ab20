"""A simulated month's bill against the vectorised bill of what its meters read, to the cent.

The world books slot by slot in compiled code, whatever a controller did; the physics settles the
whole series afterwards. Both see five weeks across a change of the month.
"""

from __future__ import annotations

import numpy as np
import pytest

from cosim.physics.billing import bill, billed_flows
from cosim.physics.billing_records import Usage
from cosim.physics.local_time import local_time
from cosim.prepare.supply import PRICE, tariff
from cosim.run import run, staged
from cosim.scenario.model import Connection, Scenario

START, DAYS = "2019-01-20T00:00:00Z", 35
CENT = 0.005
PEAK = {"hours": [8, 9, 10, 11, 17, 18, 19], "weekdays": [0, 1, 2, 3, 4]}
TIERS = [
    {"usd_per_kwh": 0.02, "upto_kwh": 90},
    {"usd_per_kwh": 0.05, "upto_kwh": 200},
    {"usd_per_kwh": 0.01},
]
ENERGY = {
    "network": {"usd_per_kwh": 0.03},
    "peak": {"usd_per_kwh": 0.11, "when": [PEAK]},
    "tiers": {"blocks": TIERS, "fills": "month"},
    "night": {
        "blocks": [{"usd_per_kwh": 0.0, "upto_kwh": 40}, {"usd_per_kwh": 0.04}],
        "when": [{"hours": [0, 1, 2, 3, 4, 5]}],
    },
}
DEMAND = {
    "all": {
        "blocks": [{"usd_per_kw": 4, "upto_kw": 1}, {"usd_per_kw": 9}],
        "ratchet_share": 0.8,
        "ratchet_months": 3,
        "past_peaks_kw": [0.2, 1.4],
    },
    "peak hours": {"usd_per_kw": 12, "when": [PEAK], "minimum_kw": 0.3},
}
KINDS = {
    "blocks and peaks": {"energy": ENERGY, "demand": DEMAND, "fixed_usd_per_month": 30},
    "whole months": {"demand": DEMAND, "fixed_usd_per_month": 9, "partial_month": "full"},
    "long intervals": {"energy": ENERGY, "demand": DEMAND, "demand_interval_minutes": 120},
    "net metering": {
        "energy": ENERGY,
        "metering": "net_metering",
        "excess_usd_per_kwh": 0.02,
        "fixed_usd_per_month": 5,
    },
    "net metering, paid out": {
        "energy": {"day": {"usd_per_kwh": 0.05, "when": [PEAK]}},
        "metering": "net_metering",
        "excess": "pay",
        "excess_usd_per_kwh": 0.03,
    },
    "peaks of the whole system": {
        "demand": {
            **DEMAND,
            "system": {"usd_per_kw": 30, "counts": "system_peaks"},
            "system by day": {
                "blocks": [{"usd_per_kw": 5, "upto_kw": 0.4}, {"usd_per_kw": 20}],
                "counts": "system_peaks",
                "when": [PEAK],
            },
        },
        "system_peaks": [
            {"at": "2019-01-22T17:10:00Z", "for_h": 1},
            {"at_h": 30, "for_h": 0.1},
            {"at": "2019-02-05T07:00:00Z", "for_h": 0.5},
        ],
        "demand_interval_minutes": 30,
    },
    "all bought, all sold": {"energy": ENERGY, "demand": DEMAND, "metering": "buy_all_sell_all"},
}


def scenario(contract, loss_share=0.0):
    site = {
        "location": {"lat_deg": 50, "lon_deg": 5, "timezone": "Europe/Paris"},
        "weather": "weather/nsrdb15_brussels_2019",
        "models": ["m"],
        "gpus": {
            "kind": "x",
            "count": 2,
            "idle_w": 200,
            "server_w": 100,
            "clock": {"kind": "cubic"},
        },
        "cooling": {"kind": "constant", "pue": 1.2},
        "pv": {"peak_kw": 5.0},
        "battery": {
            "kind": "linear",
            "capacity_kwh": 3,
            "charge_kw_max": 2,
            "discharge_kw_max": 2,
        },
        "grid": {
            "price": "price/dayahead_de_fr_nl_be_2019:price_be_eur_mwh",
            "carbon": {"kind": "flat", "g_per_kwh": 300},
            "sale_share": 0.4,
            "tariff": contract,
            "connection": {"loss_share": loss_share, "metered": "bus"},
        },
    }
    timing = {"x": {"step_s": 1.0, "step_w": 700}}
    model = {"value_usd": 0.01, "quality": {"kind": "saturating", "k": 0.1}, "timing": timing}
    return Scenario.model_validate(
        {
            "name": "bill",
            "models": {"m": model},
            "sites": {"here": site},
            "clock": {"start": START, "days": DAYS, "slot_minutes": 60, "meter_seconds": 900},
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": 900}},
        }
    )


def prices_before_charges(on):
    """Wholesale and sale price of each slot without tariff and losses [USD/kWh]."""
    site = on.scenario.sites["here"]
    bare = site.grid.model_copy(update={"tariff": None, "connection": Connection()})
    plain = {"here": site.model_copy(update={"grid": bare})}
    outside = staged(on.scenario.model_copy(update={"sites": plain})).outside
    window = slice(outside.history, outside.history + on.window.slots)
    return outside.price_usd_kwh[window, 0], outside.sale_usd_kwh[window, 0]


def settled(on, result):
    """The physics' bill of the bins of a run, and what its exports earn [USD]."""
    grid, plan = on.scenario.sites["here"].grid, on.plan(1)
    start_ns, count = plan.info.start_utc_ns, len(result.bins["import_kw"])
    local = local_time(start_ns, plan.bin_ns, count, "Europe/Paris")
    read = {name: kw[:, 0] * plan.bin_h for name, kw in result.bins.items() if "_kw" in name}
    made = read["solar_kw"] + read["wind_kw"] - read["curtailed_kw"]
    flows = billed_flows(grid.tariff.metering, read["import_kw"], read["export_kw"], made)
    keep = 1.0 - grid.connection.loss_share
    price, sale = (np.repeat(s, plan.bins_per_slot) for s in prices_before_charges(on))
    past = {name: charge.past_peaks_kw for name, charge in grid.tariff.demand.items()}
    bought, sold = flows.bought_kwh / keep, flows.sold_kwh * keep
    named = named_by(grid.tariff, on.scenario.clock.start, plan.bin_ns, count)
    usage = Usage(local, bought, sold, {PRICE: price}, past_peaks_kw=past, coincident=named)
    return bill(tariff(grid.tariff, 1.0), usage), float(sale @ sold)


def named_by(terms, start, bin_ns, count):
    """Which bins a peak of the system touches, told bin by bin."""
    spans = [peak.span_ns(start) for peak in terms.system_peaks]
    return np.array(
        [
            any(begin < (k + 1) * bin_ns and k * bin_ns < end for begin, end in spans)
            for k in range(count)
        ]
    )


@pytest.mark.parametrize(
    ("kind", "loss_share"), [("blocks and peaks", 0.0), *((kind, 0.08) for kind in KINDS)]
)
def test_the_ledger_holds_the_bill_of_what_the_meters_read(kind, loss_share):
    on = staged(scenario(KINDS[kind], loss_share))
    result = run(on, policy="home", energy="price-threshold", seed=1)
    found, sold_usd = settled(on, result)
    slots, data = result.ledger.slots, result.ledger.data
    booked = {
        name: float(data[f"{name}_usd"][:slots].sum())
        for name in ("import", "export", "demand", "fixed", "true_up")
    }
    assert booked["demand"] == pytest.approx(found.kind_usd("demand"), abs=CENT)
    assert booked["fixed"] == pytest.approx(found.kind_usd("fixed"), abs=CENT)
    if "system" in kind:
        counted = [row.usd for row in found.rows if row.item.startswith("system")]
        # where the battery keeps the import at nothing in a peak, that month owes nothing
        assert len(counted) == 4
        assert sum(usd > 1.0 for usd in counted) >= 2
    net = kind.startswith("net")
    whole = found.step_usd["energy"].sum() + found.step_usd["true_up"].sum()
    if net:
        assert booked["import"] - booked["export"] + booked["true_up"] == pytest.approx(
            whole, abs=CENT
        )
    else:
        assert booked["import"] == pytest.approx(whole, abs=CENT)
        assert booked["export"] == pytest.approx(sold_usd, abs=CENT)
    for name in ("demand", "fixed", "true_up"):
        per_slot = found.step_usd[name].reshape(slots, -1).sum(axis=1)
        np.testing.assert_allclose(data[f"{name}_usd"][:slots, 0], per_slot, atol=1e-6)
