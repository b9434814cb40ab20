"""Laws of bills: steps add up to rows, months to years, the running meter to the bill."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.physics.billing import bill
from cosim.physics.billing_energy import block_amounts, block_cost
from cosim.physics.billing_records import KINDS, Usage
from cosim.physics.local_time import ALWAYS, When, local_time
from cosim.physics.tariff_meter import TariffMeter
from cosim.physics.tariff_records import Block, DemandCharge, EnergyCharge, ExportCredit, Tariff
from cosim.physics.tariff_scalar import block_at, block_usd
from cosim.quantities import NS_PER_HOUR, NS_PER_MIN

PRICE = st.floats(-0.1, 1.0)
DAY = (When(hours=tuple(range(8, 20)), weekdays=tuple(range(5))),)
NIGHT = (When(hours=(*range(8), *range(20, 24)), weekdays=tuple(range(5))), When(weekdays=(5, 6)))


@st.composite
def blocks(draw, price=PRICE):
    ends = sorted(draw(st.lists(st.integers(1, 5000), max_size=3, unique=True)))
    return tuple(Block(draw(price), end) for end in [*map(float, ends), np.inf])


@st.composite
def tariffs(draw):
    metering = draw(st.sampled_from(["net_billing", "net_metering", "buy_all_sell_all"]))
    scope = st.sampled_from(["charge", "month"])
    power = blocks(st.floats(0.0, 30.0))
    sale = ExportCredit("sale", "share", share=draw(st.floats(0, 1)))
    spot = st.sampled_from([None, "spot"])
    return Tariff(
        (
            EnergyCharge("day", draw(blocks()), DAY, draw(scope), draw(spot)),
            EnergyCharge("night", draw(blocks()), NIGHT, draw(scope)),
            EnergyCharge("levy", draw(blocks()), ALWAYS, "charge", draw(spot)),
        ),
        (
            DemandCharge("any", draw(power), ratchet_share=0.7, ratchet_months=2),
            DemandCharge("peak", draw(power), DAY, minimum_kw=draw(st.floats(0, 20))),
            DemandCharge("system", draw(power), kind="coincident"),
        ),
        () if metering == "net_metering" else (sale,),
        fixed_usd_month=draw(st.floats(0, 500)),
        metering=metering,
        excess=draw(st.sampled_from(["carry", "pay"])),
        excess_usd_kwh=draw(PRICE),
        demand_interval_min=draw(st.sampled_from([15, 30, 60])),
        partial_month=draw(st.sampled_from(["prorate", "full"])),
        carbon_usd_t=draw(st.floats(0, 200)),
    )


@st.composite
def usages(draw, start=None, days=None, longest=40):
    """Quarter-hours about the end of a month, with sun, peaks, prices and system peaks."""
    days = draw(st.integers(1, longest)) if days is None else days
    when = start or datetime(2019, 3, draw(st.integers(25, 31)), tzinfo=UTC)
    zone = draw(st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/New_York"]))
    local = local_time(int(when.timestamp()) * 10**9, 15 * NS_PER_MIN, 96 * days, zone)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    net = rng.normal(draw(st.floats(-3, 3)), 4.0, local.count)
    return Usage(
        local,
        np.maximum(net, 0.0),
        np.maximum(-net, 0.0),
        {"spot": rng.normal(0.05, 0.05, local.count)},
        rng.random(local.count) < 0.002,
        rng.uniform(0, 900, local.count),
        {"any": tuple(rng.uniform(0, 60, draw(st.integers(0, 3))))},
    )


@given(tariffs(), usages())
@settings(max_examples=60, deadline=None)
def test_money_by_step_is_the_money_of_the_rows(tariff, usage):
    result = bill(tariff, usage)
    stepped = sum(float(values.sum()) for values in result.step_usd.values())
    assert stepped == pytest.approx(result.total_usd, rel=1e-9, abs=1e-6)
    for kind in ("demand", "fixed", "carbon"):
        by_step = float(result.step_usd[kind].sum())
        assert by_step == pytest.approx(result.kind_usd(kind), rel=1e-9, abs=1e-6)


@given(tariffs(), usages(longest=9), st.sampled_from([1, 4, 12, 96]))
@settings(max_examples=40, deadline=None)
def test_the_running_meter_books_the_bill_slot_by_slot(tariff, usage, per_slot):
    result = bill(tariff, usage)
    meter = TariffMeter(
        tariff, usage.local, usage.series, usage.past_peaks_kw, usage.coincident,
        usage.carbon_g_kwh,
    )  # fmt: skip
    booked = {kind: [] for kind in KINDS}
    for at in range(0, usage.local.count, per_slot):
        part = slice(at, at + per_slot)
        for kind, usd in meter.book(usage.import_kwh[part], usage.export_kwh[part]).items():
            booked[kind].append(usd)
    for kind in KINDS:
        want = result.step_usd[kind].reshape(-1, per_slot).sum(axis=1)
        np.testing.assert_allclose(booked[kind], want, rtol=1e-9, atol=1e-7, err_msg=kind)


@given(tariffs(), st.data())
@settings(max_examples=25, deadline=None)
def test_months_settled_one_by_one_are_the_year(tariff, data):
    both = data.draw(usages(datetime(2019, 1, 1, tzinfo=UTC), 59))
    local = local_time(both.local.start_utc_ns, both.local.step_ns, both.local.count, "UTC")
    cut = 31 * 96

    def part(steps, past, bank, closes):
        begin = local.start_utc_ns + steps.start * local.step_ns
        count = steps.stop - steps.start
        return Usage(
            local_time(begin, local.step_ns, count, "UTC"),
            both.import_kwh[steps], both.export_kwh[steps],
            {"spot": both.series["spot"][steps]}, both.coincident[steps],
            both.carbon_g_kwh[steps], past, bank, closes,
        )  # fmt: skip

    whole = bill(tariff, part(slice(0, local.count), both.past_peaks_kw, {}, True))
    first = bill(tariff, part(slice(0, cut), both.past_peaks_kw, {}, False))
    second = bill(tariff, part(slice(cut, local.count), first.peaks_kw, first.bank_kwh, True))
    total = first.total_usd + second.total_usd
    assert total == pytest.approx(whole.total_usd, rel=1e-9, abs=1e-6)


@given(blocks(), st.lists(st.floats(0, 1e4), min_size=1, max_size=20))
def test_blocks_share_out_every_move_of_the_meter(steps, moves):
    after = np.cumsum(moves)
    amounts = block_amounts(steps, after - np.array(moves), after)
    assert (amounts >= -1e-9).all()
    np.testing.assert_allclose(amounts.sum(axis=0), moves, atol=1e-7)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=4), st.floats(0, 1e4), st.floats(0, 1e4))
def test_rising_blocks_are_convex_and_falling_ones_concave(prices, one, other):
    middle = (one + other) / 2
    for rising in (True, False):
        ordered = sorted(prices, reverse=not rising)
        ends = [1000.0 * (k + 1) for k in range(len(ordered) - 1)] + [np.inf]
        steps = tuple(Block(price, end) for price, end in zip(ordered, ends, strict=True))
        cost = block_cost(steps, np.array([one, middle, other]))
        bend = cost[0] + cost[2] - 2 * cost[1]
        assert bend >= -1e-6 if rising else bend <= 1e-6


@given(tariffs(), usages(), st.floats(1.0, 3.0))
@settings(max_examples=40, deadline=None)
def test_power_never_costs_less_when_more_is_drawn(tariff, usage, factor):
    more = Usage(
        usage.local, usage.import_kwh * factor, usage.export_kwh, usage.series, usage.coincident,
        usage.carbon_g_kwh, usage.past_peaks_kw,
    )  # fmt: skip
    low, high = bill(tariff, usage), bill(tariff, more)
    assert high.kind_usd("demand") >= low.kind_usd("demand") - 1e-9
    for name, peaks_kw in low.peaks_kw.items():
        assert np.all(np.array(high.peaks_kw[name]) >= np.array(peaks_kw) - 1e-9)


@given(usages())
@settings(max_examples=30, deadline=None)
def test_a_peak_is_the_highest_mean_of_any_interval(usage):
    tariff = Tariff(
        (EnergyCharge("e", (Block(0.1),)),),
        (DemandCharge("d", (Block(1.0),)),),
        demand_interval_min=15,
    )
    peaks = bill(tariff, usage).peaks_kw["d"]
    power_kw = usage.import_kwh / usage.local.step_h
    for month, peak_kw in enumerate(peaks):
        assert peak_kw == pytest.approx(power_kw[usage.local.month_no == month].max())
    assert usage.local.step_ns < NS_PER_HOUR


@given(blocks(), st.floats(-100, 6000), st.floats(0.05, 1.0))
def test_one_meters_cost_is_the_bills_and_rises_as_the_block_says(steps, stand, scale):
    prices, ends = np.array([b.usd for b in steps]), np.array([b.upto for b in steps])
    mine = block_usd(prices, ends, stand, scale)
    whole = float(block_cost(steps, np.array([stand]), scale)[0])
    assert mine == pytest.approx(whole, rel=1e-9, abs=1e-9)
    if stand >= 0.0:
        at = block_at(ends, stand, scale)
        more = min(1.0, 0.5 * (ends[at] * scale - stand))
        risen = block_usd(prices, ends, stand + more, scale) - mine
        assert risen == pytest.approx(prices[at] * more, rel=1e-6, abs=1e-9)
