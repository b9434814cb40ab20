"""The cooling laws in compiled code are those of plain Python."""

import math

import numpy as np
import pytest
from numba import njit

from cosim.physics import cooling_scalar, thermal_scalar
from cosim.physics.chiller import Chiller
from cosim.physics.cooling import ConstantPue, Economizer
from cosim.physics.cooling import row as cooling_row
from cosim.physics.thermal import Thermal, for_load, row

MODELS = (
    ConstantPue(1.3),
    Economizer(),
    Chiller(1000.0),
    Chiller(1000.0, t_free_c=5.0, t_full_c=15.0, fan_exponent=2.6),
)
ROOMS = (None, for_load(1000.0), Thermal(2.0, 900.0), Thermal(5.0, 1200.0, envelope_kw_k=1e-9))
CASES = 400


@pytest.fixture(scope="module")
def compiled():
    step, throttle = thermal_scalar.thermal_step, thermal_scalar.throttle_levels
    instant = cooling_scalar.cooling_kw

    @njit(error_model="numpy")
    def call(parameters, cases):
        out = np.empty((cases.shape[0], 6))
        for i in range(cases.shape[0]):
            room_c, order_c, it_kw, t_out_c, hours = cases[i]
            out[i, :4] = step(parameters, room_c, order_c, it_kw, t_out_c, hours)
            out[i, 4] = throttle(parameters, room_c)
            out[i, 5] = instant(parameters, it_kw, t_out_c)
        return out

    return call


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(7)
    order_c = np.where(rng.random(CASES) < 0.2, math.nan, rng.uniform(15, 30, CASES))
    columns = (
        rng.uniform(15, 40, CASES),
        order_c,
        rng.uniform(0, 1500, CASES),
        rng.uniform(-20, 50, CASES),
        rng.uniform(0.01, 1, CASES),
    )
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("room", ROOMS, ids=["none", "usual", "weak", "adiabatic"])
def test_compiled_is_plain(compiled, cases, model, room):
    parameters = row(model, room)
    plain = [
        (
            *thermal_scalar.thermal_step(parameters, *case),
            thermal_scalar.throttle_levels(parameters, case[0]),
            cooling_scalar.cooling_kw(parameters, case[2], case[3]),
        )
        for case in cases
    ]
    np.testing.assert_allclose(compiled(parameters, cases), plain, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_row_begins_with_the_law_and_ends_with_the_room(model):
    alone, whole = cooling_row(model), row(model, for_load(1000.0))
    np.testing.assert_array_equal(whole[: cooling_scalar.COLUMNS], alone)
    assert whole[thermal_scalar.MASS] == 10.0
