"""Laws of ageing: however the course is cut, more use and more warmth never give capacity back."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.physics.ageing import (
    age,
    calendar_loss,
    capacity_share,
    cycle_loss,
    equivalent_full_cycles,
    new_wear,
    used_wear,
)
from cosim.physics.ageing_models import MODELS

MODEL = st.sampled_from([model() for model in MODELS.values()])
COURSE = st.lists(
    st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 1.0]) | st.floats(0.0, 1.0), min_size=1, max_size=60
)
TEMP_C = st.floats(-10.0, 50.0)


@given(MODEL, COURSE, st.lists(st.integers(0, 60), max_size=5), TEMP_C)
def test_the_sum_does_not_depend_on_the_cuts(model, course, cuts, temp_c):
    temps_c = temp_c + np.arange(len(course)) / 10.0
    whole = age(model, new_wear(0.5, temp_c), course, temps_c, 0.5)
    wear, edges = new_wear(0.5, temp_c), sorted({0, len(course), *(c % len(course) for c in cuts)})
    for start, end in pairwise(edges):
        wear = age(model, wear, course[start:end], temps_c[start:end], 0.5)
    for what in (calendar_loss, cycle_loss, equivalent_full_cycles):
        assert what(model, wear) == pytest.approx(what(model, whole), rel=1e-11, abs=1e-15)
    assert (wear.hours, wear.soc_h) == pytest.approx((whole.hours, whole.soc_h), rel=1e-12)
    assert [t.soc for t in wear.turns] == [t.soc for t in whole.turns]


@given(MODEL, COURSE, COURSE, TEMP_C)
def test_capacity_never_comes_back(model, first, second, temp_c):
    early = age(model, new_wear(0.5), first, temp_c, 1.0)
    late = age(model, early, second, temp_c, 1.0)
    assert capacity_share(model, early) <= 1.0
    assert calendar_loss(model, late) > calendar_loss(model, early)
    moved = equivalent_full_cycles(model, late) - equivalent_full_cycles(model, early)
    assert moved == pytest.approx(np.abs(np.diff([first[-1], *second])).sum() / 2, abs=1e-7)


@given(MODEL, COURSE, st.floats(0.0, 40.0), st.floats(0.1, 10.0))
def test_warmth_costs_calendar_life(model, course, temp_c, warmer_k):
    cold, warm = (age(model, new_wear(0.5), course, t, 1.0) for t in (temp_c, temp_c + warmer_k))
    assert calendar_loss(model, warm) > calendar_loss(model, cold)


@given(MODEL, st.floats(0.1, 15.0), COURSE)
def test_an_old_battery_loses_less_of_the_same_day(model, years, course):
    losses = []
    for wear in (new_wear(0.5), used_wear(model, 0.5, years)):
        after = age(model, wear, course, 25.0, 1.0)
        losses.append(calendar_loss(model, after) - calendar_loss(model, wear))
    assert losses[1] < losses[0]
