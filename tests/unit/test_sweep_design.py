"""Are axes read as they were meant, and points laid where each design says?"""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cosim.errors import UsageError
from cosim.scenario.yaml12 import Place
from cosim.study.design import Axis, axis_of, lay_points


def rows(points):
    return [{setting.key: setting.value for setting in row} for row in points]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=0.5,1,2", (0.5, 1, 2)),
        ("a.b=perfect,seasonal", ("perfect", "seasonal")),
        ("a.b=null,{kind: linear, x: 2}", (None, {"kind": "linear", "x": 2})),
        ("a.b=[6, 22],[30]", ([6, 22], [30])),
        ("a.b=NO,true", ("NO", True)),
    ],
)
def test_lists_follow_the_rules_of_the_scenario_file(text, values):
    axis = axis_of(text, "--grid")
    assert (axis.key, axis.values) == ("a.b", values)
    assert axis.place.file == f"--grid {text}"


def test_ranges_are_linear_or_logarithmic():
    axis = axis_of("a=1e-2:1:log", "--grid")
    assert (axis.low, axis.high, axis.log) == (0.01, 1.0, True)
    assert [axis.at(u) for u in (0, 0.5)] == [0.01, 0.1]
    assert axis_of("a=-2:2", "--grid").at(0.5) == 0.0


@pytest.mark.parametrize(
    "text", ["a", "a=", "=1", "a..b=1", "a=2:1", "a=1:1", "a=-1:2:log", "a={b"]
)
def test_what_is_no_axis_is_refused_with_its_flag(text):
    with pytest.raises(UsageError, match="--grid"):
        axis_of(text, "--grid")


def test_a_grid_meets_every_combination_once():
    axes = [axis_of("a=1,2", "g"), axis_of("b=x,y,z", "g")]
    found = rows(lay_points(axes, "grid", None))
    assert len(found) == 6
    assert {(row["a"], row["b"]) for row in found} == {(a, b) for a in (1, 2) for b in "xyz"}


def test_one_at_a_time_leaves_all_other_keys_and_takes_the_ends_of_a_range():
    axes = [axis_of("a=1:5", "g"), axis_of("b=x,y", "g")]
    found = rows(lay_points(axes, "one-at-a-time", None))
    assert found == [{}, {"a": 1.0}, {"a": 5.0}, {"b": "x"}, {"b": "y"}]


@settings(deadline=None)  # the first call imports scipy
@given(st.integers(1, 40), st.floats(0.1, 10), st.floats(0.1, 10))
def test_a_latin_hypercube_has_one_point_in_every_slice_of_every_axis(count, low, width):
    axes = [
        Axis("a", Place("g"), low=low, high=low + width),
        Axis("b", Place("g"), low=low, high=low + width, log=True),
    ]
    found = rows(lay_points(axes, "latin-hypercube", count))
    shares = sorted((row["a"] - low) / width for row in found)
    logs = sorted(math.log(row["b"] / low) / math.log1p(width / low) for row in found)
    for k, pair in enumerate(zip(shares, logs, strict=True)):
        for share in pair:  # six digits are kept
            assert k / count - 1e-4 / width <= share <= (k + 1) / count + 1e-4 / width


def test_sobol_points_are_even_in_halves_and_the_same_on_every_call():
    axes = [axis_of("a=0:1", "g"), axis_of("b=low,high", "g")]
    found = rows(lay_points(axes, "sobol", 16))
    assert found == rows(lay_points(axes, "sobol", 16))
    for half in ("low", "high"):
        assert sum(row["b"] == half and row["a"] < 0.5 for row in found) == 4
    with pytest.raises(UsageError, match="64 or 128"):
        lay_points(axes, "sobol", 100)


def test_whole_keys_get_whole_numbers_evenly_and_no_point_twice():
    axis = Axis("n", Place("g"), low=1, high=4, whole=True)
    assert [axis.at(u) for u in (0, 0.25, 0.5, 0.999)] == [1, 2, 3, 4]
    found = rows(lay_points([axis], "latin-hypercube", 50))
    assert sorted(row["n"] for row in found) == [1, 2, 3, 4]
    assert axis.stops == (1, 4)


def test_a_range_makes_no_grid_and_a_key_is_varied_once():
    with pytest.raises(UsageError, match="a grid needs values"):
        lay_points([axis_of("a=0:1", "g")], "grid", None)
    with pytest.raises(UsageError, match="varied twice: a"):
        lay_points([axis_of("a=1,2", "g"), axis_of("a=3,4", "g")], "grid", None)
