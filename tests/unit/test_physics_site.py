"""Cooling, wind, network, tariff and carbon at values worked out by hand."""

import math

import numpy as np
import pytest

from cosim.physics.carbon import carbon_kg
from cosim.physics.cooling import (
    ConstantPue,
    Economizer,
    chiller_cop,
    chiller_share,
    cooling_kw,
    pue,
)
from cosim.physics.network import Link, transfer_ns, transfer_usd
from cosim.physics.tariff import (
    TouPeriod,
    grid_exchange,
    sale_price,
    time_of_use_price,
    tou_problems,
)
from cosim.physics.wind import WindTurbine, hub_speed_m_s, wind_power_kw


def test_constant_pue_is_proportional():
    np.testing.assert_allclose(cooling_kw(ConstantPue(1.25), [0, 100], 40.0), [0, 25])


def test_economizer_is_free_when_cold_and_all_chiller_when_hot():
    model = Economizer()
    assert pue(model, 10.0) == pytest.approx(1.11)
    assert chiller_share(model, 22.5) == pytest.approx(0.5)
    cop = 0.45 * 289.15 / (40 + 10 - 16)
    assert chiller_cop(model, 40.0) == pytest.approx(cop)
    assert pue(model, 40.0) == pytest.approx(1.11 + 1.05 / cop)


def test_default_economizer_stays_within_its_stated_band():
    temps = np.linspace(-20, 40, 121)
    assert 1.1 <= pue(Economizer(), temps).min() <= pue(Economizer(), temps).max() <= 1.4


def test_chiller_without_lift_stands_at_its_upper_clip():
    assert chiller_cop(Economizer(), 0.0) == pytest.approx(8.0)


@pytest.mark.parametrize(
    "change",
    [{"t_free_c": 30.0}, {"cop_min": 9.0}, {"fan_ratio": -0.1}, {"carnot_factor": 0.0}],
)
def test_bad_economizers_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Economizer(**change)


def test_pue_below_one_is_refused():
    with pytest.raises(ValueError, match=r"from 1 to 5"):
        ConstantPue(0.9)


def test_wind_grows_with_height_and_follows_its_curve():
    turbine = WindTurbine(rated_kw=1000.0)
    assert hub_speed_m_s(turbine, 5.0) == pytest.approx(5.0 * 10 ** (1 / 7))
    flat = WindTurbine(1000.0, hub_height_m=10.0, measured_height_m=10.0)
    speeds = [0, 2, 8, 8.5, 14, 25, 25.1]
    np.testing.assert_allclose(
        wind_power_kw(flat, speeds), [0, 0, 473.1, (473.1 + 669.3) / 2, 1000, 1000, 0]
    )


@pytest.mark.parametrize(
    "change",
    [
        {"rated_kw": -1.0},
        {"speeds_m_s": (3.0, 2.0), "power_ratio": (0.0, 1.0)},
        {"speeds_m_s": (2.0, 3.0), "power_ratio": (0.0, 1.1)},
        {"speeds_m_s": (2.0,), "power_ratio": (0.0, 1.0)},
    ],
)
def test_bad_turbines_are_refused(change):
    with pytest.raises(ValueError, match="WindTurbine"):
        WindTurbine(**({"rated_kw": 100.0} | change))


def test_transfer_takes_latency_and_bits():
    link = Link(latency_s=0.02, bandwidth_mbit_s=100.0, price_usd_per_gb=0.05)
    assert transfer_ns(link, 2.5) == 20_000_000 + 200_000_000
    assert transfer_usd(link, 2.5) == pytest.approx(0.05 * 0.0025)
    with pytest.raises(ValueError, match="megabytes"):
        transfer_ns(link, -1.0)
    with pytest.raises(ValueError, match="bandwidth_mbit_s"):
        Link(0.0, 0.0, 0.0)


def test_carbon_of_an_hour():
    np.testing.assert_allclose(carbon_kg([10, 0], [400, 500]), [4.0, 0.0])


def test_sale_price_at_both_signs():
    np.testing.assert_allclose(sale_price([0.1, 0.0, -0.1], 0.9), [0.09, 0.0, -0.11])
    with pytest.raises(ValueError, match="share"):
        sale_price(0.1, 1.2)


NIGHT = (*range(7), 22, 23)
DAY = tuple(range(7, 22))


def test_time_of_use_picks_hour_weekday_and_month():
    periods = [
        TouPeriod(0.10, NIGHT),
        TouPeriod(0.20, DAY, weekdays=(5, 6)),
        TouPeriod(0.30, DAY, weekdays=(0, 1, 2, 3, 4), months=(6, 7, 8)),
        TouPeriod(0.25, DAY, weekdays=(0, 1, 2, 3, 4), months=(1, 2, 3, 4, 5, 9, 10, 11, 12)),
    ]
    price = time_of_use_price(periods, [6.99, 7.0, 12, 12, 22], [0, 0, 6, 2, 2], [7, 7, 7, 1, 1])
    np.testing.assert_allclose(price, [0.10, 0.30, 0.20, 0.25, 0.10])


def test_uncovered_and_overlapping_hours_are_both_named():
    periods = [TouPeriod(0.1, hours=tuple(range(12))), TouPeriod(0.2, hours=tuple(range(11, 23)))]
    problems = tou_problems(periods)
    assert [p.split(" of ")[0] for p in problems] == [
        f"no period covers {12 * 7}",
        f"several periods cover {12 * 7}",
    ]
    with pytest.raises(ValueError, match=r"hour 23.*hour 11"):
        time_of_use_price(periods, 1, 1, 1)


def test_instants_off_the_calendar_are_refused():
    flat = [TouPeriod(0.1)]
    for hour, weekday, month in ((24, 0, 1), (0, 7, 1), (0, 0, 0), (0, 0, 13)):
        with pytest.raises(ValueError, match="must lie from"):
            time_of_use_price(flat, hour, weekday, month)


@pytest.mark.parametrize(
    "change", [{"hours": (24,)}, {"weekdays": ()}, {"months": (0,)}, {"price_usd_kwh": math.inf}]
)
def test_bad_periods_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        TouPeriod(**({"price_usd_kwh": 0.1} | change))


def test_grid_exchange_by_hand():
    flow = grid_exchange([120.0, 80.0, 0.0, -30.0, -90.0], 100.0, 50.0)
    np.testing.assert_allclose(flow.import_kw, [100, 80, 0, 0, 0])
    np.testing.assert_allclose(flow.export_kw, [0, 0, 0, 30, 50])
    np.testing.assert_allclose(flow.curtail_kw, [0, 0, 0, 0, 40])
    np.testing.assert_allclose(flow.unserved_kw, [20, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="export_max_kw"):
        grid_exchange(0.0, 1.0, -1.0)
