"""The battery's functions of numbers give the same in Python and compiled."""

import numba
import numpy as np
import pytest

from cosim.physics import battery_row, battery_scalar
from cosim.physics.battery import Derating, Taper, ideal, linear, pcs_ohmic, row


@numba.njit(error_model="numpy")
def compiled_advance(numbers, stored_kwh, temp_c, power_kw, hours):
    return battery_scalar.advance(numbers, stored_kwh, temp_c, power_kw, hours)


@numba.njit(error_model="numpy")
def compiled_range(numbers, stored_kwh, temp_c, hours):
    return battery_scalar.range_kw(numbers, stored_kwh, temp_c, hours)


PARTS = {"taper": Taper(0.6, 0.05, 0.3, 0.02), "derating": Derating(), "standby_kw": 0.2}
ROWS = {
    "none": np.zeros(battery_row.WIDTH),
    "ideal": row(ideal(100.0, 50.0, 40.0)),
    "linear": row(linear(100.0, 50.0, 40.0, self_discharge_per_h=0.01)),
    "pcs_ohmic": row(pcs_ohmic(100.0, 50.0, 40.0)),
    "tapering": row(pcs_ohmic(100.0, 50.0, 40.0, **PARTS)),
}


@pytest.mark.parametrize("numbers", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("power_kw", [-80.0, -7.0, -1e-3, 0.0, 1e-3, 9.0, 90.0])
def test_compiled_and_python_agree(numbers, power_kw):
    for share in (0.0, 0.05, 0.1, 0.5, 0.88, 0.9):
        stored_kwh = share * numbers[battery_row.CAPACITY_KWH]
        case = (numbers, stored_kwh, 7.0, power_kw, 1.5)
        python = battery_scalar.advance(*case)
        np.testing.assert_allclose(compiled_advance(*case), python, rtol=1e-12, atol=1e-11)
        case = (numbers, stored_kwh, 7.0, 1.5)
        python = battery_scalar.range_kw(*case)
        np.testing.assert_allclose(compiled_range(*case), python, rtol=1e-12, atol=1e-11)


def test_a_row_of_zeros_is_no_battery():
    none = ROWS["none"]
    assert battery_scalar.range_kw(none, 0.0, 25.0, 1.0) == (0.0, 0.0)
    for power_kw in (-5.0, 0.0, 5.0):
        assert battery_scalar.advance(none, 0.0, 25.0, power_kw, 1.0) == (0.0,) * 5


def test_a_faded_capacity_loses_only_what_no_longer_fits():
    numbers = ROWS["linear"].copy()
    assert battery_scalar.with_capacity(numbers, 85.0, 90.0) == (81.0, 4.0)
    assert battery_scalar.with_capacity(numbers, 50.0, 80.0) == (50.0, 0.0)
    assert numbers[battery_row.CAPACITY_KWH] == 80.0
    floating_kw = 0.01 * 72.0 / np.sqrt(0.88)
    assert battery_scalar.range_kw(numbers, 72.0, 25.0, 1.0)[0] == pytest.approx(-floating_kw)
