"""Bills against SAM's Utilityrate5, an independent program, to the cent over 8 760 hours.

The instance is made here, not stored: a load with a daily shape, a season and noise from a fixed
seed, and a bell of sunshine. SAM's year begins on a Monday: the calendar is 2018 in UTC.
SAM asks that the blocks of all periods end alike and fills them with the month's whole
consumption (``scope="month"``); it applies a ratchet to the month's overall peak.
"""

import numpy as np
import pytest

from cosim.physics.billing import bill, billed_flows
from cosim.physics.billing_records import Usage
from cosim.physics.local_time import When, local_time
from cosim.physics.tariff_records import Block, DemandCharge, EnergyCharge, ExportCredit, Tariff
from cosim.quantities import NS_PER_HOUR

utilityrate5 = pytest.importorskip("PySAM.Utilityrate5")

MONDAY_2018_UTC_NS = 1_514_764_800 * 10**9
HOUR = np.arange(8760)
LOCAL = local_time(MONDAY_2018_UTC_NS, NS_PER_HOUR, 8760, "UTC")
DAY = (When(hours=tuple(range(8, 20)), weekdays=tuple(range(5))),)
OFF = (
    When(hours=(*range(8), *range(20, 24)), weekdays=tuple(range(5))),
    When(weekdays=(5, 6)),
)
WEEKDAY = [[1] * 8 + [2] * 12 + [1] * 4] * 12
WEEKEND = [[1] * 24] * 12
EVER = 1e38
ENDS_KWH, FIXED_USD = 60_000.0, 250.0
PRICES = {1: (0.05, 0.08), 2: (0.15, 0.22)}
SALE = {1: 0.03, 2: 0.10}
FLAT_USD_KW, DAY_USD_KW, DAY_END_KW = 9.0, (5.0, 11.0), 150.0
EXCESS_USD_KWH = 0.02
KINDS = {"net_metering": 0, "net_billing": 2, "buy_all_sell_all": 4}


@pytest.fixture(scope="module")
def load_kwh():
    rng = np.random.default_rng(20190422)
    daily = 300.0 + 120.0 * np.sin((HOUR % 24 - 8) / 24 * 2 * np.pi) + 40.0 * rng.random(8760)
    return daily * (1.0 + 0.3 * np.sin(HOUR / 8760 * 2 * np.pi + 1.0))


@pytest.fixture(scope="module")
def solar_kwh():
    shine = np.maximum(0.0, np.sin((HOUR % 24 - 6) / 12 * np.pi)) * (np.abs(HOUR % 24 - 12) < 6)
    return 900.0 * shine * (1.0 - 0.4 * np.cos(HOUR / 8760 * 2 * np.pi))


def sam(load_kwh, solar_kwh, metering, **changes):
    """SAM's bill of the year without and with the solar system, and its outputs' owner."""
    rate = {
        "en_electricity_rates": 1,
        "ur_metering_option": KINDS[metering],
        "ur_monthly_fixed_charge": FIXED_USD,
        "ur_nm_yearend_sell_rate": EXCESS_USD_KWH,
        "ur_ec_tou_mat": [
            [period, tier, end, 0, PRICES[period][tier - 1], SALE[period]]
            for period in (1, 2)
            for tier, end in ((1, ENDS_KWH), (2, EVER))
        ],
        "ur_ec_sched_weekday": WEEKDAY,
        "ur_ec_sched_weekend": WEEKEND,
        "ur_dc_enable": 1,
        "ur_dc_flat_mat": [[month, 1, EVER, FLAT_USD_KW] for month in range(12)],
        "ur_dc_tou_mat": [
            [1, 1, DAY_END_KW, 0.0],
            [1, 2, EVER, 0.0],
            [2, 1, DAY_END_KW, DAY_USD_KW[0]],
            [2, 2, EVER, DAY_USD_KW[1]],
        ],
        "ur_dc_sched_weekday": WEEKDAY,
        "ur_dc_sched_weekend": WEEKEND,
        "rate_escalation": [0],
        **changes,
    }
    model = utilityrate5.new()
    model.ElectricityRates.assign(rate)
    model.Lifetime.assign(
        {"analysis_period": 1, "system_use_lifetime_output": 0, "inflation_rate": 0}
    )
    model.SystemOutput.assign({"gen": list(solar_kwh), "degradation": [0]})
    model.Load.assign({"load": list(load_kwh), "load_escalation": [0]})
    model.execute(0)
    return model


def tariff(metering, **demand):
    two = {p: (Block(PRICES[p][0], ENDS_KWH), Block(PRICES[p][1])) for p in (1, 2)}
    sale = (
        ExportCredit("off sale", usd_kwh=SALE[1], when=OFF),
        ExportCredit("day sale", usd_kwh=SALE[2], when=DAY),
    )
    return Tariff(
        (EnergyCharge("off", two[1], OFF, "month"), EnergyCharge("day", two[2], DAY, "month")),
        (
            DemandCharge("flat", (Block(FLAT_USD_KW),), **demand),
            DemandCharge(
                "day peak", (Block(DAY_USD_KW[0], DAY_END_KW), Block(DAY_USD_KW[1])), DAY
            ),
        ),
        () if metering == "net_metering" else sale,
        fixed_usd_month=FIXED_USD,
        metering=metering,
        excess_usd_kwh=EXCESS_USD_KWH,
        demand_interval_min=60,
    )


def ours(load_kwh, solar_kwh, metering, **demand):
    bought, sold = np.maximum(load_kwh - solar_kwh, 0), np.maximum(solar_kwh - load_kwh, 0)
    flows = billed_flows(metering, bought, sold, solar_kwh)
    return bill(tariff(metering, **demand), Usage(LOCAL, flows.bought_kwh, flows.sold_kwh))


@pytest.mark.parametrize("metering", KINDS)
def test_a_year_is_billed_as_sam_bills_it(metering, load_kwh, solar_kwh):
    model = sam(load_kwh, solar_kwh, metering)
    without = ours(load_kwh, 0.0 * solar_kwh, metering)
    with_sun = ours(load_kwh, solar_kwh, metering)
    assert without.total_usd == pytest.approx(model.Outputs.utility_bill_wo_sys[1], abs=0.005)
    assert with_sun.total_usd == pytest.approx(model.Outputs.utility_bill_w_sys[1], abs=0.005)


def test_each_month_and_kind_agrees(load_kwh, solar_kwh):
    model = sam(load_kwh, solar_kwh, "net_billing")
    monthly = {kind: np.zeros(12) for kind in ("energy", "export", "flat", "day peak", "fixed")}
    for row in ours(load_kwh, solar_kwh, "net_billing").rows:
        kind = row.item if row.kind == "demand" else row.kind
        monthly[kind][row.month_key - LOCAL.month_key[0]] += row.usd
    for kind, name in (
        ("flat", "charge_w_sys_dc_fixed_ym"),
        ("day peak", "charge_w_sys_dc_tou_ym"),
        ("fixed", "charge_w_sys_fixed_ym"),
    ):
        theirs = np.array(getattr(model.Outputs, name))[1]
        np.testing.assert_allclose(monthly[kind], theirs, atol=0.005, err_msg=kind)
    whole = np.array(model.Outputs.utility_bill_w_sys_ym)[1]
    np.testing.assert_allclose(sum(monthly.values()), whole, atol=0.005)


def test_surplus_of_a_month_is_carried_and_paid_as_sam_does(load_kwh, solar_kwh):
    """Three times the sun leaves the year with a surplus of all hours, paid at its end."""
    model = sam(load_kwh, 3.0 * solar_kwh, "net_metering")
    result = ours(load_kwh, 3.0 * solar_kwh, "net_metering")
    assert any(row.item == "surplus" for row in result.rows)
    assert result.total_usd == pytest.approx(model.Outputs.utility_bill_w_sys[1], abs=0.005)


@pytest.mark.parametrize(
    ("months", "share", "minimum_kw"), [(3, 0.8, 0.0), (11, 0.7, 0.0), (2, 1.0, 400.0)]
)
def test_a_ratchet_remembers_as_sam_does(months, share, minimum_kw, load_kwh):
    model = sam(
        load_kwh,
        0.0 * load_kwh,
        "net_billing",
        ur_enable_billing_demand=1,
        ur_billing_demand_lookback_percentages=[[100.0 * share, 1]] * 12,
        ur_billing_demand_lookback_period=months,
        ur_billing_demand_minimum=minimum_kw,
        ur_dc_billing_demand_periods=[[1, 1], [2, 1]],
        ur_yearzero_usage_peaks=[0.0] * 12,
    )
    theirs_usd = np.array(model.Outputs.charge_wo_sys_dc_fixed_ym)[1]
    ratchet = {"ratchet_share": share, "ratchet_months": months, "minimum_kw": minimum_kw}
    result = ours(load_kwh, 0.0 * load_kwh, "net_billing", **ratchet)
    flat = [row for row in result.rows if row.item == "flat"]
    np.testing.assert_allclose([row.usd for row in flat], theirs_usd, atol=0.005)
    peaks_kw = np.array(result.peaks_kw["flat"])
    assert any(row.quantity > peak + 1.0 for row, peak in zip(flat, peaks_kw, strict=True))
