"""Bills worked out by hand, and what a tariff refuses."""

from datetime import UTC, datetime

import numpy as np
import pytest

from cosim.physics.billing import bill, billed_flows
from cosim.physics.billing_records import Usage
from cosim.physics.local_time import When, local_time
from cosim.physics.tariff_meter import TariffMeter
from cosim.physics.tariff_records import Block, DemandCharge, EnergyCharge, ExportCredit, Tariff
from cosim.physics.tariff_view import arbitrage_steps, price_view
from cosim.quantities import NS_PER_HOUR, NS_PER_MIN

FLAT = (EnergyCharge("energy", (Block(0.1),)),)


def month(hours=744, step_ns=NS_PER_HOUR, day=1):
    start = int(datetime(2019, 1, day, tzinfo=UTC).timestamp()) * 10**9
    return local_time(start, step_ns, hours, "UTC")


def constant(local, import_kwh=0.0, export_kwh=0.0, **more):
    return Usage(local, np.full(local.count, import_kwh), np.full(local.count, export_kwh), **more)


def rows(result):
    return {row.item: (row.quantity, row.usd) for row in result.rows}


def test_a_plain_month():
    tariff = Tariff(
        FLAT,
        (DemandCharge("demand", (Block(12.0),)),),
        (ExportCredit("sale", usd_kwh=0.04),),
        fixed_usd_month=30.0,
        carbon_usd_t=50.0,
    )
    local = month()
    usage = constant(local, 10.0, 2.0, carbon_g_kwh=np.full(744, 400.0))
    got = rows(bill(tariff, usage))
    assert got["energy"] == pytest.approx((7440.0, 744.0))
    assert got["sale"] == pytest.approx((1488.0, -59.52))
    assert got["demand"] == pytest.approx((10.0, 120.0))
    assert got["fixed charge"] == pytest.approx((1.0, 30.0))
    assert got["carbon"] == pytest.approx((2976.0, 148.8))


@pytest.mark.parametrize(("second", "total"), [(0.3, 100.0 + 2 * 102.0), (0.05, 100.0 + 34.0)])
def test_blocks_rise_and_fall(second, total):
    tariff = Tariff((EnergyCharge("energy", (Block(0.1, 1000.0), Block(second))),))
    got = bill(tariff, constant(month(), 1680.0 / 744))
    assert got.total_usd == pytest.approx(total)
    assert rows(got)["energy, block 2"][0] == pytest.approx(680.0)


def test_blocks_of_the_month_are_filled_in_the_order_of_use():
    """1 kWh an hour: the first 100 h of the month fill block one, day hours after it are dear."""
    day = (When(hours=tuple(range(8, 20))),)
    tariff = Tariff(
        (EnergyCharge("all", (Block(0.0),)),
         EnergyCharge("day", (Block(0.1, 100.0), Block(1.0)), day, "month"))
    )  # fmt: skip
    cheap_day_h = sum(8 <= h % 24 < 20 for h in range(100))
    got = bill(tariff, constant(month(), 1.0))
    assert got.total_usd == pytest.approx(0.1 * cheap_day_h + 1.0 * (372 - cheap_day_h))


def test_demand_is_the_mean_of_its_interval():
    local = month(96, 15 * NS_PER_MIN)
    usage = constant(local)
    usage.import_kwh[5] = 10.0  # 40 kW for a quarter of an hour
    for minutes, peak_kw in ((15, 40.0), (30, 20.0), (60, 10.0)):
        tariff = Tariff(FLAT, (DemandCharge("d", (Block(1.0),)),), demand_interval_min=minutes)
        assert bill(tariff, usage).peaks_kw["d"] == pytest.approx((peak_kw,))


def test_demand_is_booked_by_the_interval_that_raises_the_peak():
    tariff = Tariff(
        FLAT, (DemandCharge("d", (Block(2.0),)),), partial_month="full", demand_interval_min=60
    )
    usage = Usage(month(5), np.array([3.0, 1.0, 5.0, 5.0, 4.0]), np.zeros(5))
    np.testing.assert_allclose(bill(tariff, usage).step_usd["demand"], [6, 0, 4, 0, 0])


def test_a_ratchet_and_a_minimum_hold_the_billed_power_up():
    ratchet = DemandCharge("r", (Block(1.0),), ratchet_share=0.8, ratchet_months=2)
    minimum = DemandCharge("m", (Block(1.0),), minimum_kw=50.0)
    usage = constant(month(), 20.0, past_peaks_kw={"r": (500.0, 100.0, 60.0)})
    got = rows(bill(Tariff(FLAT, (ratchet, minimum)), usage))
    assert got["r"] == pytest.approx((80.0, 80.0))
    assert got["m"] == pytest.approx((50.0, 50.0))


def test_a_coincident_charge_looks_at_the_systems_peaks_only():
    named = np.zeros(744, dtype=bool)
    named[[100, 200]] = True
    usage = constant(month(), 1.0, coincident=named)
    usage.import_kwh[[100, 200, 300]] = [4.0, 8.0, 99.0]
    tariff = Tariff(FLAT, (DemandCharge("4CP", (Block(10.0),), kind="coincident"),))
    assert rows(bill(tariff, usage))["4CP"] == pytest.approx((6.0, 60.0))


def test_part_of_a_month_is_billed_in_part_or_in_full():
    charges = ((DemandCharge("d", (Block(31.0),)),), ())
    blocks = (EnergyCharge("e", (Block(0.0, 310.0), Block(1.0))),)
    usage = constant(month(24), 1.0)
    prorated = rows(bill(Tariff(blocks, *charges, fixed_usd_month=62.0), usage))
    assert prorated["d"][1] == pytest.approx(1.0)
    assert prorated["fixed charge"][1] == pytest.approx(2.0)
    assert prorated["e, block 2"] == pytest.approx((14.0, 14.0))
    full = Tariff(blocks, *charges, fixed_usd_month=62.0, partial_month="full")
    assert bill(full, usage).total_usd == pytest.approx(31.0 + 62.0)


def test_a_wholesale_price_comes_on_top_of_an_adder_and_export_gets_a_share():
    price = np.linspace(-0.05, 0.1, 744)
    tariff = Tariff(
        (EnergyCharge("network", (Block(0.02),), series="spot"),),
        export=(ExportCredit("sale", "share", share=0.9),),
    )
    usage = constant(month(), 2.0, 1.0, series={"spot": price})
    whole = price + 0.02
    got = bill(tariff, usage)
    np.testing.assert_allclose(got.step_usd["energy"], 2.0 * whole, atol=1e-15)
    np.testing.assert_allclose(-got.step_usd["export"], whole - 0.1 * np.abs(whole), atol=1e-15)
    assert arbitrage_steps(price_view(tariff, usage.local, usage.series)) == 0


def test_a_feed_in_price_above_the_purchase_price_is_seen():
    tariff = Tariff(FLAT, export=(ExportCredit("sale", usd_kwh=0.12),))
    assert arbitrage_steps(price_view(tariff, month(), {})) == 744


def test_net_metering_carries_a_surplus_and_pays_what_is_left():
    tariff = Tariff(FLAT, metering="net_metering", excess_usd_kwh=0.02)
    local = month(744 + 672)
    net = np.where(local.month_no == 0, -1.0, 0.5)
    usage = Usage(local, np.maximum(net, 0.0), np.maximum(-net, 0.0))
    got = bill(tariff, usage)
    assert got.total_usd == pytest.approx(-(744 - 336) * 0.02)
    first = bill(tariff, constant(month(), 0.0, 1.0, closes=False))
    assert first.bank_kwh["energy"] == first.bank_kwh["*"] == pytest.approx(744.0)
    assert first.total_usd == pytest.approx(0.0)
    paid = Tariff(FLAT, metering="net_metering", excess="pay", excess_usd_kwh=0.02)
    assert bill(paid, usage).total_usd == pytest.approx(-744 * 0.02 + 336 * 0.1)


def test_buying_all_and_selling_all_keeps_the_net_flow():
    bought, sold = billed_flows(
        "buy_all_sell_all", np.array([0.0, 5.0, 0.0]), np.array([3.0, 0.0, 2.0]),
        np.array([7.0, 1.0, 0.0]),
    )  # fmt: skip
    assert bought.tolist() == [4.0, 6.0, 0.0]
    assert sold.tolist() == [7.0, 1.0, 2.0]


def test_the_marginal_view_tells_block_peak_and_prices():
    tariff = Tariff(
        (EnergyCharge("e", (Block(0.1, 50.0), Block(0.3))),),
        (DemandCharge("d", (Block(8.0), ), (When(hours=(0, 1)),)),),
        (ExportCredit("s", "share", share=0.5),),
        partial_month="full",
        demand_interval_min=60,
    )  # fmt: skip
    meter = TariffMeter(tariff, month())
    assert meter.view().block_left_kwh == pytest.approx(50.0)
    meter.book(np.array([40.0]), np.zeros(1))
    view = meter.view()
    assert (view.price_usd_kwh, view.block_left_kwh) == pytest.approx((0.1, 10.0))
    assert view.demand[0] == ("d", True, pytest.approx(40.0), pytest.approx(8.0))
    meter.book(np.array([20.0, 500.0]), np.zeros(2))
    view = meter.view()
    assert (view.price_usd_kwh, view.sale_usd_kwh) == pytest.approx((0.3, 0.05))
    assert np.isinf(view.block_left_kwh)
    assert view.demand[0] == ("d", False, pytest.approx(40.0), pytest.approx(8.0))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Tariff((EnergyCharge("e", (Block(0.1),), (When(hours=(1, 2)),)),)),
            "1848 of 2016",
        ),
        (lambda: EnergyCharge("e", (Block(0.1, 10.0),)), "last block must be open"),
        (lambda: EnergyCharge("e", (Block(0.1, 10.0), Block(0.2, 5.0), Block(1.0))), "rise"),
        (lambda: EnergyCharge("e", (Block(1000.0),)), "from -100 to 100 USD/kWh"),
        (lambda: DemandCharge("d", (Block(1.0),), ratchet_share=0.5), "both ratchet"),
        (lambda: DemandCharge("d", (Block(1.0),), kind="mean"), "'peak' or 'coincident'"),
        (lambda: ExportCredit("x", "series"), "name of a series"),
        (lambda: Tariff(FLAT + FLAT), "used twice: energy"),
        (lambda: Tariff(FLAT, metering="gross"), "net_metering"),
        (
            lambda: Tariff(FLAT, export=(ExportCredit("s"),), metering="net_metering"),
            "net metering credits",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_a_usage_lacks_is_named_all_at_once():
    tariff = Tariff(
        (EnergyCharge("e", (Block(0.0),), series="spot"),),
        (DemandCharge("4CP", (Block(1.0),), kind="coincident"),),
        carbon_usd_t=10.0,
    )
    with pytest.raises(ValueError, match=r"'spot'.*system's peaks.*intensity"):
        bill(tariff, constant(month(), 1.0))
    with pytest.raises(ValueError, match=r"import_kwh falls to -1.*export_kwh has shape"):
        Usage(month(2), np.array([-1.0, 0.0]), np.zeros(3))


def test_steps_that_do_not_fit_the_demand_interval_are_refused():
    tariff = Tariff(FLAT, (DemandCharge("d", (Block(1.0),)),), demand_interval_min=15)
    with pytest.raises(ValueError, match="demand_interval_min = 15"):
        bill(tariff, constant(month(10, 10 * NS_PER_MIN), 1.0))
