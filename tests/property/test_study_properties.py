"""Laws of the statistics and of the names of folders, for any numbers and any words."""

import json
from math import isfinite
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cosim.check.fingerprint import fingerprint
from cosim.store.atomic import finite
from cosim.store.names import policy_slug
from cosim.study.statistics import estimate, p_better, paired_cell

NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 6))
SAMPLES = st.lists(NUMBERS, min_size=2, max_size=14)


@given(SAMPLES)
def test_an_interval_holds_its_mean(values):
    found = estimate(values)
    low, high = found.ci95
    slack = 1e-9 * max(1.0, *map(abs, values))
    assert low - slack <= found.mean <= high + slack
    assert min(values) - slack <= found.mean <= max(values) + slack


@given(SAMPLES, st.sampled_from([-3.0, 0.5, 2.0, 10.0]), NUMBERS)
def test_units_do_not_matter(values, factor, shift):
    """The interval of a linear change is the change of the interval."""
    found = estimate(values)
    moved = estimate([factor * v + shift for v in values])
    ends = sorted(factor * end + shift for end in found.ci95)
    scale = max(1.0, abs(shift), *(abs(factor * v) for v in values))
    if len(values) < 10 or factor > 0:  # a bootstrap's quantiles are not exactly mirrored
        assert np.allclose(moved.ci95, ends, rtol=0, atol=1e-7 * scale)


@given(SAMPLES)
def test_better_and_worse_make_one(values):
    for kpi in ("utility_usd", "late_share"):
        up, down = p_better(kpi, values), p_better(kpi, [-v for v in values])
        assert abs(up + down - 1.0) < 1e-9
        assert 0.0 <= up <= 1.0


@given(SAMPLES)
def test_a_policy_never_beats_itself(values):
    cell = paired_cell("utility_usd", values, values)
    assert (cell["diff"], cell["significant"], cell["p_better"]) == (0.0, False, 0.5)


@given(st.text(max_size=80))
def test_a_slug_is_one_harmless_path_part(name):
    slug = policy_slug(name)
    assert PurePosixPath(slug).parts == (slug,)
    assert PureWindowsPath(slug).parts == (slug,)
    assert slug.isascii()
    assert slug[0] not in ".-_"
    assert 0 < len(slug) <= 80


@given(st.text(max_size=30), st.text(max_size=30))
def test_two_names_have_two_folders_also_where_capitals_are_the_same(one, other):
    assert (policy_slug(one).lower() == policy_slug(other).lower()) == (one == other)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(JSON)
def test_json_is_strict_whatever_the_numbers(data):
    json.loads(json.dumps(finite(data), allow_nan=False))


@given(st.lists(st.floats(), max_size=5), st.lists(st.floats(), max_size=5))
def test_fingerprints_tell_arrays_apart_by_their_bits(one, other):
    a, b = np.array(one, dtype=np.float64), np.array(other, dtype=np.float64)
    assert (fingerprint(a) == fingerprint(b)) == (a.tobytes() == b.tobytes())
    assert fingerprint(a) == fingerprint(a.copy())
    if all(map(isfinite, one)) and any(one):
        assert fingerprint(a) != fingerprint(-a)
