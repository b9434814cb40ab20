"""Laws of the other physics: monotone where nature is, balanced where accounts must close."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.physics.cooling import ConstantPue, Economizer, cooling_kw
from cosim.physics.gpu import (
    ClockTable,
    ServiceTiming,
    image_energy_j,
    image_ns,
    powerlaw,
    service_ns,
    step_ns,
)
from cosim.physics.quality import Power, Saturating, Sigmoid, Table, revenue_usd
from cosim.physics.tariff import grid_exchange, sale_price
from cosim.physics.wind import WindTurbine, wind_power_kw

UNIT = st.floats(0.0, 1.0)
CURVES = st.one_of(
    st.builds(Sigmoid, st.floats(0.01, 5), st.floats(0, 60)),
    st.builds(Saturating, st.floats(1e-3, 5)),
    st.builds(Power, st.floats(0.01, 5), st.floats(1, 100)),
    st.lists(UNIT, min_size=1, max_size=6).map(
        lambda values: Table(tuple(5.0 * i for i in range(len(values))), tuple(sorted(values)))
    ),
)


@given(CURVES, st.floats(0, 10))
def test_quality_rises_within_the_unit_interval(curve, v_max_usd):
    steps = np.linspace(0, 100, 101)
    quality = curve(steps)
    assert quality.shape == steps.shape
    assert (quality >= 0).all()
    assert (quality <= 1).all()
    assert (np.diff(quality) >= 0).all()
    assert (revenue_usd(curve, steps, v_max_usd) <= v_max_usd).all()


@st.composite
def economizers(draw):
    t_free = draw(st.floats(0, 30))
    cop_min = draw(st.floats(1, 4))
    return Economizer(
        fan_ratio=draw(st.floats(0, 0.2)),
        ups_loss=draw(st.floats(0, 0.2)),
        t_free_c=t_free,
        t_full_c=t_free + draw(st.floats(0.5, 20)),
        carnot_factor=draw(st.floats(0.1, 1)),
        cop_min=cop_min,
        cop_max=cop_min + draw(st.floats(0, 6)),
        evaporator_c=draw(st.floats(5, 25)),
        condenser_approach_k=draw(st.floats(0, 20)),
    )


@given(st.one_of(economizers(), st.builds(ConstantPue, st.floats(1, 3))), st.floats(0, 1e5))
def test_cooling_never_falls_as_it_gets_hotter(model, it_kw):
    overhead = cooling_kw(model, it_kw, np.linspace(-40, 60, 401))
    assert (overhead >= 0).all()
    assert (np.diff(overhead) >= -1e-9 * (1 + it_kw)).all()


@given(economizers(), st.floats(-20, 50), st.floats(0, 1e4), st.floats(0, 1e4))
def test_cooling_rises_with_it_power(model, t_out_c, a_kw, b_kw):
    low, high = sorted((a_kw, b_kw))
    assert cooling_kw(model, low, t_out_c) <= cooling_kw(model, high, t_out_c)


@st.composite
def timings(draw):
    return ServiceTiming(
        step_s=draw(st.floats(1e-3, 10)),
        step_w=draw(st.floats(0, 2000)),
        encode_s=draw(st.floats(1e-3, 10)),
        decode_s=draw(st.floats(0, 10)),
        fixed_j=draw(st.floats(0, 1e4)),
    )


@given(timings(), st.floats(0.05, 1), st.integers(1, 100), st.integers(1, 100), st.integers(1, 9))
def test_a_job_is_exactly_linear_in_steps_and_images(timing, speed, first, second, images):
    one, two = image_ns(timing, speed, first), image_ns(timing, speed, second)
    assert two - one == (second - first) * step_ns(timing, speed)
    assert service_ns(timing, speed, first, images) == images * one


@given(timings(), st.floats(0.05, 1), st.integers(1, 100))
def test_a_lower_clock_never_ends_sooner(timing, speed, steps):
    assert image_ns(timing, speed, steps) >= image_ns(timing, 1.0, steps)


@given(timings(), st.floats(0.05, 1), st.floats(0.05, 1), st.integers(1, 100))
def test_energy_scales_as_power_over_speed_up_to_rounding(timing, speed, ratio, steps):
    full = image_energy_j(timing, 1.0, 1.0, steps)
    milliwatt_j = 2e-3 * image_ns(timing, speed, steps) / 1e9
    scaled = image_energy_j(timing, speed, ratio, steps)
    assert scaled == pytest.approx(full * ratio / speed, rel=1e-5, abs=2 * milliwatt_j / ratio)


@given(st.floats(0.05, 1), st.floats(1, 12))
def test_interpolated_power_lies_between_its_levels(p0, exponent):
    table = powerlaw(p0, exponent, (0.3, 0.5, 0.7, 0.9, 1.0))
    assert isinstance(table, ClockTable)
    power = table.at(np.linspace(0.3, 1.0, 71))
    assert (np.diff(power) >= -1e-15).all()
    np.testing.assert_allclose(table.at(table.speed), table.power)


@given(st.floats(-10, 10), UNIT)
def test_selling_never_pays_more_than_buying_costs(price, share):
    assert sale_price(price, share) <= price


NET = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20).map(np.array)


@given(NET, st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_grid_connection_loses_nothing(net_kw, import_max_kw, export_max_kw):
    flow = grid_exchange(net_kw, import_max_kw, export_max_kw)
    total = flow.import_kw + flow.unserved_kw - flow.export_kw - flow.curtail_kw
    np.testing.assert_allclose(total, net_kw, rtol=1e-15, atol=1e-9)
    assert all((account >= 0).all() for account in flow)
    assert (flow.import_kw * flow.export_kw == 0).all()
    assert (flow.import_kw <= import_max_kw).all()
    assert (flow.export_kw <= export_max_kw).all()
    assert (flow.unserved_kw[flow.import_kw < import_max_kw] == 0).all()
    assert (flow.curtail_kw[flow.export_kw < export_max_kw] == 0).all()


@given(st.floats(0, 1e4), st.floats(10, 200), UNIT)
def test_wind_power_rises_to_rated_and_stops_at_cut_out(rated_kw, hub_m, shear):
    turbine = WindTurbine(rated_kw, hub_height_m=hub_m, shear_exponent=shear)
    speed = np.linspace(0, 100, 2001)
    power = wind_power_kw(turbine, speed)
    stop = 25.0 / (hub_m / 10.0) ** shear
    assert (np.diff(power[speed <= stop]) >= 0).all()
    assert (power[speed > stop * (1 + 1e-12)] == 0).all()
    assert power.max() <= rated_kw
