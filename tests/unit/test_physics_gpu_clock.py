"""Clock laws and power caps at values worked out by hand."""

import numpy as np
import pytest

from cosim.physics.gpu import ClockTable
from cosim.physics.gpu_clock import (
    NO_LEVEL,
    STABLE_DIFFUSION_FITS,
    ZEUS_FITS,
    PowerLaw,
    Roofline,
    cap_level,
    capped_speed,
    roofline,
    roofline_through,
    with_cap,
)
from cosim.traces.profiles import dvfs_table

TABLE = ClockTable((0.5, 0.8, 1.0), (0.4, 0.6, 1.0))


def test_a_clock_bound_load_is_as_fast_as_its_clock():
    table = roofline(1.0, (0.5, 0.75, 1.0), p0=0.2)
    assert table.speed == pytest.approx((0.5, 0.75, 1.0))
    assert table.power == pytest.approx((0.2 + 0.8 / 8, 0.2 + 0.8 * 0.421875, 1.0))


def test_a_memory_bound_load_hardly_slows():
    # t = 0.1 / 0.5 + 0.9 = 1.1 at half the clock
    assert Roofline(0.1, 0.5).speed(0.5) == pytest.approx(1 / 1.1)


def test_the_fit_to_stable_diffusion_goes_through_its_published_optimum():
    fit, clock = STABLE_DIFFUSION_FITS["a100"], 945 / 1410
    assert 1 / fit.speed(clock) == pytest.approx(1.0233)
    assert fit.power(clock) / fit.speed(clock) == pytest.approx(1 - 0.2567)
    assert fit.power(clock) == pytest.approx(0.726, abs=1e-3)
    assert fit.delta == pytest.approx(0.05, abs=0.01)


def test_a_point_that_costs_no_time_leaves_the_roofline_undetermined():
    with pytest.raises(ValueError, match=r"delta = 0\.0: must be from above|delta"):
        roofline_through(0.74, 0.0, 0.1)


@pytest.mark.parametrize("kind", ["v100", "a40"])
def test_power_laws_agree_with_the_measured_levels_within_their_error(kind):
    table, law = dvfs_table(kind), ZEUS_FITS[kind]
    swept = [i for i, source in enumerate(table.sources) if source.startswith("Zeus")]
    assert len(swept) >= 4
    fitted = law.table((*table.speed_ratio[swept].tolist(), 1.0)).power[:-1]
    errors = np.subtract(fitted, table.power_ratio[swept])
    assert np.sqrt(np.mean(errors**2)) <= 1.5 * law.rms_error


def test_a_cap_picks_the_highest_level_under_it():
    assert cap_level(TABLE, 400.0, 500.0) == 2
    assert cap_level(TABLE, 400.0, 399.0) == 1
    assert cap_level(TABLE, 400.0, 160.0) == 0
    assert cap_level(TABLE, 400.0, 159.0) == NO_LEVEL


def test_a_cap_between_levels_makes_a_level_of_its_own():
    # 320 W of 400 W is 0.8, halfway from 0.6 to 1, hence halfway from speed 0.8 to 1
    assert capped_speed(TABLE, 400.0, 320.0) == pytest.approx(0.9)
    table, level = with_cap(TABLE, 400.0, 320.0)
    assert level == 2
    assert table.speed == pytest.approx((0.5, 0.8, 0.9, 1.0))
    assert table.power[level] * 400.0 == pytest.approx(320.0)


def test_a_cap_on_a_level_or_above_all_adds_none():
    assert with_cap(TABLE, 400.0, 240.0) == (TABLE, 1)
    assert with_cap(TABLE, 400.0, 4000.0) == (TABLE, 2)


def test_a_cap_below_the_lowest_level_says_what_is_allowed():
    with pytest.raises(ValueError, match="must be at least 160 W"):
        capped_speed(TABLE, 400.0, 100.0)


def test_records_name_every_field_out_of_range():
    with pytest.raises(ValueError, match=r"(?s)p0.*a = 0\.5"):
        PowerLaw(0.0, 0.5)
