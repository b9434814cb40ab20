"""Laws of the grid's edges: a bin always closes, cutting it changes nothing, compiled = Python."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.physics.backup import BackupState, at_rest, backup, diesel, gas, row
from cosim.physics.balance import balance
from cosim.physics.matching import (
    SiteFlows,
    fossil_intensity_g_kwh,
    grid_cfe_share,
    matching,
)

LIMIT = st.one_of(st.floats(0, 500), st.just(math.inf))
HOURS = st.floats(1e-3, 4.0)
MACHINE = st.one_of(
    st.none(),
    st.builds(diesel, st.floats(1, 500), run_hours_max=st.floats(0, 10)),
    st.builds(gas, st.floats(1, 500)),
)


def state_of(machine, warm_h):
    return BackupState(warm_h, machine.run_hours_max) if machine else BackupState(0.0, 0.0)


@given(st.floats(-600, 600), LIMIT, LIMIT, st.floats(0, 600), MACHINE, st.floats(0, 0.1), HOURS)
def test_every_bin_closes_within_its_limits(net, imports, exports, called, machine, warm, hours):
    got = balance(
        net, imports, exports, hours,
        generator=machine, state=state_of(machine, warm), called_kw=called,
    )  # fmt: skip
    supply = got.import_kw + got.backup_kw - got.spilled_kw + got.unserved_kw
    assert supply - got.export_kw - got.curtailed_kw == pytest.approx(net, abs=1e-9)
    assert min(got[:9]) >= -1e-12
    assert got.import_kw <= imports + 1e-9
    assert got.export_kw <= exports + 1e-9
    assert got.import_kw * got.export_kw == 0.0
    assert got.unserved_kw * got.curtailed_kw == 0.0
    if machine is None:
        assert got.backup_kw == got.fuel_kwh == 0.0
    elif got.export_kw > 0.0:
        assert got.backup_kw == 0.0


@given(MACHINE, st.floats(0, 600), HOURS, st.floats(0.01, 0.99))
def test_cutting_an_interval_does_not_change_what_the_backup_does(machine, need, hours, cut):
    if machine is None:
        return
    whole = backup(machine, need, at_rest(machine), hours)
    first = backup(machine, need, at_rest(machine), hours * cut)
    second = backup(machine, need, first.state, hours * (1.0 - cut))
    for name in ("on_h", "fuel_kwh", "cost_usd", "carbon_kg"):
        parts = getattr(first, name) + getattr(second, name)
        assert parts == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-9)
    if math.isfinite(machine.run_hours_max):
        assert second.state.left_h == pytest.approx(whole.state.left_h, abs=1e-9)


@given(MACHINE, st.floats(0, 600), st.floats(0, 100))
def test_more_power_burns_more_fuel_and_never_more_than_it_gives_back(machine, need, more):
    if machine is None:
        return
    warm = BackupState(1.0, math.inf)
    low, high = (backup(machine, kw, warm, 1.0) for kw in (need, need + more))
    assert high.fuel_kwh >= low.fuel_kwh - 1e-9
    assert low.power_kw * low.on_h <= low.fuel_kwh


@pytest.fixture(scope="module")
def compiled():
    """The balance as the meter loop will call it."""
    import numba

    from cosim.physics.balance_scalar import balance as law

    @numba.njit(error_model="numpy")
    def call(generator, net, imports, exports, called, warm, left, hours):
        return law(generator, net, imports, exports, called, warm, left, hours)

    return law, call


def test_compiled_and_plain_python_agree(compiled):
    law, call = compiled
    rng = np.random.default_rng(3)
    machines = [row(None), row(diesel(120.0)), row(gas(80.0))]
    for k in range(600):
        numbers = (
            rng.uniform(-300, 300), rng.choice([0.0, 50.0, math.inf]),
            rng.choice([0.0, 40.0, math.inf]), rng.choice([0.0, 60.0]),
            rng.choice([0.0, 1e-3, 1.0]), rng.choice([0.0, 0.01, math.inf]),
            rng.choice([1 / 60, 0.25, 1.0]),
        )  # fmt: skip
        numbers = tuple(float(each) for each in numbers)
        plain, fast = law(machines[k % 3], *numbers), call(machines[k % 3], *numbers)
        np.testing.assert_allclose(fast, plain, rtol=1e-12, atol=1e-12, err_msg=str(numbers))


@given(st.integers(0, 2**32), st.floats(200, 1200))
def test_a_score_lies_between_none_and_all_and_the_grid_only_helps(seed, fossil):
    rng = np.random.default_rng(seed)
    n = 24
    green, load = rng.uniform(0, 20, n), rng.uniform(0, 20, n)
    zero = np.zeros(n)
    site = SiteFlows(load, green, zero, zero, zero, np.maximum(load - green, 0.0), zero)
    share = rng.random(n)
    alone, helped = matching(site, zero, 4), matching(site, share, 4)
    assert 0.0 <= alone.score <= helped.score <= 1.0
    assert matching(site, np.ones(n), 4).score == pytest.approx(1.0)
    # a mix of clean and one kind of fossil is told exactly
    intensity = (1.0 - share) * fossil
    assert fossil_intensity_g_kwh(intensity, share) == pytest.approx(fossil)
    np.testing.assert_allclose(grid_cfe_share(intensity, fossil), share, atol=1e-12)
