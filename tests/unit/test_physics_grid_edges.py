"""Backup, connection, outages, demand response and the 24/7 score at values worked by hand."""

from datetime import UTC, datetime

import numpy as np
import pytest

from cosim.physics.backup import (
    DIESEL_KWH_PER_GAL,
    BackupState,
    Generator,
    at_rest,
    backup,
    diesel,
    gas,
    row,
)
from cosim.physics.balance import Connection, balance, metered
from cosim.physics.demand_response import (
    Baseline,
    DemandResponse,
    DrEvent,
    baseline_kwh,
    firm_limits,
    settle,
)
from cosim.physics.grid_limits import GridEvent, bin_limits, islanded
from cosim.physics.local_time import local_time
from cosim.physics.matching import (
    SiteFlows,
    fossil_intensity_g_kwh,
    grid_cfe_share,
    location_carbon_kg,
    matching,
    store_cfe_share,
)
from cosim.quantities import NS_PER_HOUR, NS_PER_MIN

WARM = BackupState(1.0, np.inf)


@pytest.mark.parametrize(
    ("load", "gal_h"), [(0.3, 21.6 + 0.2 * 14.8), (0.5, 36.4), (0.75, 52.1), (1.0, 71.1)]
)
def test_a_diesel_burns_what_the_chart_says(load, gal_h):
    step = backup(diesel(1000.0), 1000.0 * load, WARM, 1.0)
    assert step.fuel_kwh / DIESEL_KWH_PER_GAL == pytest.approx(gal_h)
    assert step.carbon_kg == pytest.approx(gal_h * 0.138 * 73.96)
    assert step.cost_usd == pytest.approx(gal_h * 4.01 + 10.0 * load, rel=0.01)


def test_a_gas_engine_has_the_published_part_load():
    full, half = (backup(gas(1000.0), kw, WARM, 1.0).fuel_kwh / kw for kw in (1000.0, 500.0))
    assert 1.0 / full == pytest.approx(0.3901)
    assert full / half == pytest.approx(40.7 / 45.7)
    at_30 = backup(gas(1000.0), 300.0, WARM, 1.0).fuel_kwh / 300.0
    assert full / at_30 == pytest.approx(34.4 / 45.7, rel=0.03)


def test_a_generator_starts_waits_and_stops():
    machine = diesel(100.0)
    first = backup(machine, 80.0, at_rest(machine), 1 / 60)
    assert first.on_h == pytest.approx(50 / 3600)
    second = backup(machine, 80.0, first.state, 1 / 60)
    assert second.on_h == pytest.approx(1 / 60)
    assert backup(machine, 0.0, second.state, 1 / 60).state.warm_h == 0.0


def test_a_generator_keeps_to_minimum_rating_and_permit():
    machine = diesel(100.0, run_hours_max=0.5)
    assert backup(machine, 5.0, WARM, 0.1).power_kw == pytest.approx(30.0)
    assert backup(machine, 500.0, WARM, 0.1).power_kw == pytest.approx(100.0)
    step = backup(machine, 50.0, BackupState(1.0, 0.5), 2.0)
    assert (step.on_h, step.state.left_h) == (0.5, 0.0)
    assert backup(machine, 50.0, step.state, 1.0).on_h == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heat_rate": (9.0, 2.9, 2.8, 2.8)}, "rise with load"),
        ({"heat_rate": (0.5, 2.9, 2.8, 2.8)}, "from 1 to 20"),
        ({"min_load": 1.5}, "min_load"),
        ({"kind": "coal"}, "'diesel' or 'gas'"),
        ({"run_hours_max": -1.0}, "run_hours_max"),
    ],
)
def test_impossible_generators_are_refused(change, message):
    good = {
        "kind": "gas", "rated_kw": 1.0, "heat_rate": (3.6, 2.9, 2.7, 2.6), "min_load": 0.2,
        "start_delay_s": 1.0, "fuel_usd_kwh": 0.1, "upkeep_usd_kwh": 0.0, "fuel_kg_kwh": 0.2,
    }  # fmt: skip
    Generator(**good)
    with pytest.raises(ValueError, match=message):
        Generator(**{**good, **change})


def test_a_site_without_a_generator_has_a_row_of_zeros():
    assert not row(None).any()


@pytest.mark.parametrize(
    ("net_kw", "limits", "expected"),
    [
        (80.0, (100.0, 50.0), (80, 0, 0, 0, 0, 0)),
        (150.0, (100.0, 50.0), (100, 0, 0, 50, 0, 0)),
        (300.0, (100.0, 50.0), (100, 0, 0, 120, 0, 80)),
        (-80.0, (100.0, 50.0), (0, 50, 30, 0, 0, 0)),
        (90.0, (0.0, 0.0), (0, 0, 0, 90, 0, 0)),
        (6.0, (0.0, 0.0), (0, 0, 0, 36, 30, 0)),
        (110.0, (100.0, 50.0), (74, 0, 0, 36, 0, 0)),
        (-90.0, (0.0, 0.0), (0, 0, 90, 0, 0, 0)),
    ],
)
def test_the_order_in_which_a_bin_is_closed(net_kw, limits, expected):
    got = balance(net_kw, *limits, 1 / 60, generator=diesel(120.0), state=WARM)
    assert got[:6] == pytest.approx(expected)


def test_a_called_generator_replaces_import_and_never_exports():
    got = balance(90.0, 100.0, 50.0, 0.5, generator=diesel(120.0), state=WARM, called_kw=60.0)
    assert got[:6] == pytest.approx((30, 0, 0, 60, 0, 0))
    idle = balance(-5.0, 100.0, 50.0, 0.5, generator=diesel(120.0), state=WARM, called_kw=60.0)
    assert (idle.backup_kw, idle.export_kw) == (0.0, 5.0)


def test_without_a_generator_a_shortage_is_unserved():
    assert balance(150.0, 100.0, np.inf, 1.0)[:6] == pytest.approx((100, 0, 0, 0, 0, 50))


def test_a_shortage_while_starting_is_unserved():
    machine = diesel(120.0)
    got = balance(150.0, 100.0, 0.0, 1 / 60, generator=machine, state=at_rest(machine))
    assert got.unserved_kw == pytest.approx(50.0 * 10 / 60)
    assert got.backup_kw == pytest.approx(50.0 * 50 / 60)


def test_impossible_bins_are_refused():
    for numbers in ((np.nan, 1.0, 1.0, 1.0), (1.0, -1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 0.0)):
        with pytest.raises(ValueError, match="net must be finite"):
            balance(*numbers)


def test_who_pays_for_losses():
    at_bus = metered(Connection(loss_share=0.05, metered="bus"), [95.0, 0.0], [0.0, 100.0])
    np.testing.assert_allclose(at_bus, [[100.0, 0.0], [0.0, 95.0]])
    at_site = metered(Connection(loss_share=0.05), [95.0], [7.0])
    np.testing.assert_allclose(at_site, [[95.0], [7.0]])
    with pytest.raises(ValueError, match=r"loss_share.*export_kw_max.*'site' or 'bus'"):
        Connection(loss_share=0.9, export_kw_max=-1.0, metered="roof")


def test_outages_and_caps_are_limits_of_bins():
    minute = NS_PER_MIN
    events = (
        GridEvent(90 * 10**9, 3 * minute),
        GridEvent(2 * minute, 5 * minute, import_kw_max=40.0, export_kw_max=np.inf),
        GridEvent(-minute, 1, 70.0, 70.0),
        GridEvent(9 * minute, 99 * minute, 1.0, 1.0),
    )
    limits = bin_limits(100.0, np.inf, events, 0, minute, 6)
    assert limits.import_max_kw.tolist() == [70, 0, 0, 40, 40, 100]
    assert limits.export_max_kw.tolist() == [70, 0, 0, np.inf, np.inf, np.inf]
    assert islanded(limits).tolist() == [False, True, True, False, False, False]
    with pytest.raises(ValueError, match=r"ends at 3.*import_kw_max = -1"):
        GridEvent(5, 3, import_kw_max=-1.0)


START = int(datetime(2019, 1, 7, tzinfo=UTC).timestamp()) * 10**9  # a Monday
HOURS = local_time(START, NS_PER_HOUR, 24 * 15, "UTC")


def call(day, **changes):
    begin = START + (24 * day + 16) * NS_PER_HOUR
    terms = {"kind": "reduction", "kw": 30.0, "payment_usd_kwh": 2.0, "penalty_usd_kwh": 1.0}
    return DrEvent(begin, begin + 2 * NS_PER_HOUR, **{**terms, **changes})


def daily(factors):
    """Import of 100 kW by day times a factor of each day."""
    return np.repeat(100.0 * np.asarray(factors, dtype=float), 24)


def test_a_baseline_takes_recent_days_of_the_same_kind_without_a_call():
    # Mo-Fr 1..5, weekend 50, Mo-Fr 6..10, weekend 50, Mo
    factors = [1, 2, 3, 4, 5, 50, 50, 6, 7, 8, 9, 10, 50, 50, 20]
    use, event = daily(factors), call(14)
    plain = Baseline(days=10, highest=10, adjust_share=0.0)
    assert baseline_kwh(plain, event, (event,), HOURS, use) == pytest.approx([550.0] * 2)
    best = Baseline(days=4, highest=2, adjust_share=0.0)
    assert baseline_kwh(best, event, (event,), HOURS, use) == pytest.approx([950.0] * 2)
    other = call(11)
    called = baseline_kwh(best, event, (event, other), HOURS, use)
    assert called == pytest.approx([850.0] * 2)
    adjusted = baseline_kwh(Baseline(10, 10, 0.2), event, (event,), HOURS, use)
    assert adjusted == pytest.approx([550.0 * 1.2] * 2)


def test_no_earlier_day_is_a_sentence():
    event = call(0)
    with pytest.raises(ValueError, match="no earlier day"):
        baseline_kwh(Baseline(), event, (event,), HOURS, daily(np.ones(15)))


def test_a_reduction_is_paid_up_to_what_was_asked_and_fined_where_it_is_missing():
    use = daily(np.ones(15))
    steps = slice(24 * 3 + 16, 24 * 3 + 18)
    use[steps] = [60.0, 90.0]
    result = settle(call(3), HOURS, use, np.array([100.0, 100.0]))
    assert result == pytest.approx((200.0, 150.0, 30.0 + 10.0, 20.0, 40.0 * 2.0 - 20.0 * 1.0))
    with pytest.raises(ValueError, match=r"baseline of shape \(2,\)"):
        settle(call(3), HOURS, use)


def test_a_soft_cap_fines_what_is_above_it_and_a_firm_one_is_a_limit():
    use = daily(np.ones(15))
    result = settle(call(3, kind="cap", kw=70.0), HOURS, use)
    assert (result.missing_kwh, result.usd) == pytest.approx((60.0, -60.0))
    firm = call(3, kind="cap", kw=70.0, firm=True)
    (event,) = firm_limits(DemandResponse((firm, call(4))))
    assert (event.import_kw_max, event.export_kw_max) == (70.0, np.inf)
    with pytest.raises(ValueError, match=r"'cap' or 'reduction'.*only a cap"):
        call(3, kind="plea", firm=True)
    with pytest.raises(ValueError, match="at most days"):
        Baseline(days=5, highest=6)


def flows(**changes):
    names = SiteFlows.__dataclass_fields__
    return SiteFlows(**{**{n: np.zeros(4) for n in names}, **changes})


def test_the_score_is_hourly_and_surplus_of_an_hour_helps_no_other():
    site = flows(load_kwh=np.full(4, 10.0), green_kwh=np.array([12.0, 6.0, 30.0, 0.0]),
                 import_kwh=np.array([0.0, 4.0, 0.0, 10.0]))  # fmt: skip
    grid = np.full(4, 0.5)
    by_hour = matching(site, grid, 1)
    np.testing.assert_allclose(by_hour.hour_score, [1.0, 0.8, 1.0, 0.5])
    assert by_hour.score == pytest.approx(3.3 / 4)
    two_steps = matching(site, grid, 2)
    np.testing.assert_allclose(two_steps.hour_score, [1.0, 1.0])
    assert matching(flows(), grid, 1).score == 1.0


def test_a_battery_gives_what_it_was_given():
    site = flows(
        load_kwh=np.full(4, 5.0),
        green_to_store_kwh=np.array([6.0, 0.0, 0.0, 0.0]),
        grid_to_store_kwh=np.array([0.0, 2.0, 0.0, 0.0]),
        from_store_kwh=np.array([0.0, 0.0, 5.0, 0.0]),
        stored_kwh=np.array([6.0, 8.0, 3.0, 3.0]),
    )
    shares = store_cfe_share(site, np.array([0.0, 0.5, 0.9, 0.9]))
    np.testing.assert_allclose(shares, [1.0, 7 / 8, 7 / 8, 7 / 8])
    assert matching(site, np.zeros(4), 1).matched_kwh[2] == pytest.approx(5.0 * 6 / 8)


def test_the_grids_share_is_estimated_from_its_intensity():
    np.testing.assert_allclose(grid_cfe_share([0.0, 400.0, 900.0], 800.0), [1.0, 0.5, 0.0])
    assert fossil_intensity_g_kwh([400.0, 200.0], [0.5, 0.75]) == pytest.approx(800.0)
    with pytest.raises(ValueError, match="from 200 to 1500"):
        grid_cfe_share([1.0], 20.0)
    with pytest.raises(ValueError, match="nothing is known"):
        fossil_intensity_g_kwh([0.0], [1.0])


def test_location_based_carbon_counts_import_and_fuel():
    assert location_carbon_kg([10.0, 5.0], [400.0, 200.0], [3.0]) == pytest.approx(8.0)
