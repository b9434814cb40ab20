"""The chiller plant at values worked out by hand, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from cosim.physics.chiller import AIR_COOLED_90_1_2010 as CURVES
from cosim.physics.chiller import Chiller, ChillerCurves, biquadratic
from cosim.physics.cooling import chiller_share, cooling_kw, pue

FLAT = ChillerCurves(
    (1.0, 0, 0, 0, 0, 0), (1.0, 0, 0, 0, 0, 0), (0.2, 0.3, 0.5), (5, 20), (10, 50), "made up"
)
BARE = {
    "fixed_ratio": 0.0,
    "ups_idle_ratio": 0.0,
    "ups_ratio": 0.0,
    "fan_ratio": 0.0,
    "pump_ratio": 0.0,
}


def test_curves_are_one_at_their_reference_point():
    assert biquadratic(CURVES.capacity, 6.67, 35.0) == pytest.approx(1.0, abs=5e-4)
    assert biquadratic(CURVES.input_ratio, 6.67, 35.0) == pytest.approx(1.0, abs=5e-4)
    assert sum(CURVES.part_load) == pytest.approx(0.999)


def test_full_load_at_the_reference_point_draws_heat_over_cop():
    plant = Chiller(1000.0, **BARE, oversize=1.0, chilled_water_c=6.67)
    assert cooling_kw(plant, 1000.0, 35.0) == pytest.approx(1000.0 / 2.80, rel=2e-3)


def test_part_load_follows_the_curve_between_its_least_load_and_full_load():
    plant = Chiller(
        100.0, **BARE, oversize=1.0, reference_cop=4.0, part_load_min=0.2, unload_min=0.2,
        curves=FLAT,
    )  # fmt: skip
    half = 25.0 * (0.2 + 0.3 * 0.5 + 0.5 * 0.25)
    least = 25.0 * (0.2 + 0.3 * 0.2 + 0.5 * 0.04)
    loads = [0.0, 10.0, 20.0, 50.0, 100.0, 130.0]
    np.testing.assert_allclose(
        cooling_kw(plant, loads, 30.0), [0.0, least / 2, least, half, 25.0, 32.5]
    )


def test_a_machine_that_runs_bypasses_what_it_cannot_unload():
    plant = Chiller(
        100.0, **BARE, oversize=1.0, reference_cop=4.0, part_load_min=0.1, unload_min=0.5,
        curves=FLAT,
    )  # fmt: skip
    half = 25.0 * (0.2 + 0.3 * 0.5 + 0.5 * 0.25)
    powers = cooling_kw(plant, [5.0, 10.0, 30.0, 50.0], 30.0)
    np.testing.assert_allclose(powers, [half / 2, half, half, half])


def test_overheads_add_up_and_their_heat_is_cooled_too():
    shares = {"fixed_ratio": 0.01, "ups_idle_ratio": 0.02, "ups_ratio": 0.03, "fan_ratio": 0.05}
    plant = Chiller(
        100.0, **shares, fan_exponent=2.0, flow_min=0.5, pump_ratio=0.1, oversize=1.0,
        reference_cop=4.0, curves=FLAT,
    )  # fmt: skip
    inside = 2.0 + 0.03 * 60.0 + 5.0 * 0.6**2
    heat = 60.0 + inside
    full = 100.0 + 2.0 + 3.0 + 5.0
    chiller = full / 4.0 * (0.2 + 0.3 * heat / full + 0.5 * (heat / full) ** 2)
    assert cooling_kw(plant, 60.0, 20.0) == pytest.approx(1.0 + inside + 0.1 * heat + chiller)
    idle = cooling_kw(plant, 0.0, 20.0)
    assert idle > 1.0 + 2.0 + 5.0 * 0.5**2


def test_free_cooling_takes_the_chillers_share_when_it_is_cold():
    plant = Chiller(1000.0, t_free_c=5.0, t_full_c=15.0)
    always = Chiller(1000.0)
    np.testing.assert_allclose(chiller_share(plant, [0.0, 10.0, 20.0]), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(chiller_share(always, [-60.0, 20.0]), [1.0, 1.0])
    assert pue(plant, 5.0) == pytest.approx(1.0 + 0.005 + 0.005 + 0.025 + 0.03)
    assert pue(plant, 20.0) == pytest.approx(pue(always, 20.0))


def test_a_plant_that_is_hardly_used_is_inefficient_but_sane():
    loads = [0.05, 0.1, 0.3, 0.6, 1.0]
    values = [float(pue(Chiller(1000.0), 30.0, load)) for load in loads]
    assert values == sorted(values, reverse=True)
    assert values[0] < 2.2


def test_the_slip_that_rewards_heat_is_not_in_it():
    """A copy of the older EnergyPlus curve in circulation draws less at 40 °C than at 0 °C."""
    hot, cold = pue(Chiller(1000.0), 40.0), pue(Chiller(1000.0), 0.0)
    assert hot - 1.0 > 1.4 * (cold - 1.0)


@pytest.mark.parametrize(
    "change",
    [
        {"design_it_kw": 0.0},
        {"reference_cop": 0.5},
        {"chilled_water_c": 14.0},
        {"t_free_c": 5.0},
        {"t_free_c": 15.0, "t_full_c": 5.0},
        {"flow_min": 1.5},
        {"unload_min": 0.2},
    ],
)
def test_bad_plants_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        Chiller(**({"design_it_kw": 100.0} | change))


def test_everything_wrong_is_said_at_once():
    with pytest.raises(ValueError, match=r"design_it_kw.*pump_ratio.*t_free_c.*chilled_water_c"):
        Chiller(-1.0, pump_ratio=3.0, t_free_c=1.0, chilled_water_c=99.0)


def test_curves_that_get_cheaper_with_heat_are_refused():
    falling = replace(CURVES, input_ratio=(2.0, 0.0, 0.0, -0.02, 0.0, 0.0))
    with pytest.raises(ValueError, match="cheaper as it gets hotter"):
        Chiller(100.0, curves=falling)
    with pytest.raises(ValueError, match="above 0"):
        Chiller(100.0, curves=replace(CURVES, capacity=(1.0, 0, 0, -0.03, 0, 0)))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"capacity": (1.0,)}, "capacity"),
        ({"part_load": (1.0, -0.1, 0.1)}, "part_load"),
        ({"water_c": (10.0, 5.0)}, "water_c"),
    ],
)
def test_bad_curves_are_refused(change, word):
    with pytest.raises(ValueError, match=word):
        replace(CURVES, **change)


@pytest.mark.parametrize("load", [0.0, -1.0, float("nan"), float("inf")])
def test_a_load_must_be_above_zero(load):
    with pytest.raises(ValueError, match="load"):
        pue(Chiller(100.0), 20.0, load)
