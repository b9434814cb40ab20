"""Does the page of a sweep say what its numbers say, finished or not?"""

import json
import re
from dataclasses import replace

import pytest

from cosim.report.effects import bars, curve, stops
from cosim.report.sweep_page import headline, render_sweep
from cosim.store.points import Mark
from cosim.study.sweep_results import Sweep, SweptPoint

SEEDS = (1, 2, 3, 4)


def mark(usd):
    names = ("utility_usd", "energy_cost_usd", "late_share", "quality_mean", "carbon_kg")
    return Mark("ab" * 16, {**dict.fromkeys(names, 0.5), "utility_usd": usd}, 1.0, 1.0)


def point(label, usd, *, settings=None, values=None, base=None, variant="", seeds=SEEDS):
    """A point where a policy earns ``usd`` and the seed in cents, the second policy twice that."""
    marks = {
        (policy, seed): mark(times * (usd + seed / 100))
        for policy, times in (("home", 1), ("better", 2))
        for seed in seeds
    }
    settings = settings or {}
    return SweptPoint(label, variant, settings, values or settings, base, marks)


def swept(points, tmp_path, *, design="one-at-a-time", axes=(), variants=None):
    kept = tuple({"key": key, "values": [1], "log": False} for key in axes)
    terms = ("sweep", "<b>&amp;", "why?", design, "idle", ("home", "better"), SEEDS)
    return Sweep(tmp_path, *terms, kept, variants or {}, (), tuple(points), "cosim sweep")


@pytest.fixture
def one_at_a_time(tmp_path):
    points = [
        point("base", 10, values={"a": 1.0, "b": "x"}),
        point("a=0", 7, settings={"a": 0}, values={"a": 0.0, "b": "x"}, base=0),
        point("a=2", 12, settings={"a": 2}, values={"a": 2.0, "b": "x"}, base=0),
        point("b=y", 10.5, settings={"b": "y"}, values={"a": 1.0, "b": "y"}, base=0),
    ]
    return swept(points, tmp_path, axes=("a", "b"))


def test_bars_are_the_paired_changes_largest_first(one_at_a_time):
    found = bars(one_at_a_time, "better", "utility_usd")
    assert [(bar.row, bar.value) for bar in found] == [("a", "0"), ("a", "2"), ("b", "y")]
    assert [bar.change.value for bar in found] == pytest.approx([-6, 4, 1])
    assert headline(one_at_a_time) == "a = 0 moves utility most: −6.000 USD under better"


def test_a_curve_holds_the_other_keys_still(one_at_a_time):
    along = stops(one_at_a_time, "a")
    assert [(stop.value, stop.points) for stop in along] == [(0, (1,)), (1, (0,)), (2, (2,))]
    course = curve(one_at_a_time, along, "home", "utility_usd")
    assert [each.value for each in course] == pytest.approx([7.025, 10.025, 12.025])
    assert all(each.low < each.value < each.high for each in course)
    assert [stop.value for stop in stops(one_at_a_time, "b")] == ["x", "y"]


def test_in_a_grid_the_other_keys_average_out_seed_by_seed(tmp_path):
    points = [
        point(f"a={a}, b={b}", 10 * a + b, settings={"a": a, "b": b})
        for a in (1, 2)
        for b in (0, 4)
    ]
    found = swept(points, tmp_path, design="grid", axes=("a", "b"))
    course = curve(found, stops(found, "a"), "home", "utility_usd")
    assert [each.value for each in course] == pytest.approx([12.025, 22.025])
    assert course[0].high - course[0].low < 0.1  # spread over seeds, not over b
    assert headline(found) == "Utility is highest, 48.05 USD, at a=2, b=4 under better"


def test_many_sampled_values_are_gathered_into_groups_of_equal_size(tmp_path):
    points = [point(f"a={k}", k, settings={"a": float(k)}) for k in range(40)]
    along = stops(swept(points, tmp_path, design="sobol", axes=("a",)), "a")
    assert [len(stop.points) for stop in along] == [5] * 8
    assert [stop.value for stop in along][:2] == [2.0, 7.0]


def test_what_chance_explains_is_not_called_an_effect(tmp_path):
    noisy = {("home", s): mark(10 + (-1) ** s) for s in SEEDS}
    noisy |= {("better", s): mark(10 + (-1) ** s) for s in SEEDS}
    points = [
        point("full", 10, variant="full"),
        SweptPoint("no-x", "no-x", {}, {}, 0, noisy),
    ]
    found = swept(points, tmp_path, design="grid", variants={"full": "", "no-x": ""})
    first = Sweep(**{**vars(found), "policies": ("home",)})
    assert headline(first) == "Nothing that was changed moves utility beyond chance"


def test_the_page_is_whole_and_escapes_what_users_wrote(one_at_a_time):
    html = render_sweep(one_at_a_time)
    figures = re.findall(r'<figure data-panel="([^"]+)"', html)
    assert figures == ["tornado", "response-0", "response-1"]
    for text in re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL):
        assert json.loads(text)[0]["data"]
    assert "<b>&amp;" not in html.split("<main", 1)[1].split("<script", 1)[0]
    assert one_at_a_time.digest in html
    assert "16 of 16" not in html  # four points × two policies × four seeds
    assert "32 of 32" in html


def test_an_unfinished_sweep_says_how_far_it_has_come(tmp_path):
    points = [point("base", 10), point("a=2", 12, settings={"a": 2}, base=0, seeds=(1, 3))]
    found = swept([*points, point("a=3", 1, settings={"a": 3}, base=0, seeds=())], tmp_path)
    html = render_sweep(found)
    assert "12 of 24 runs have finished" in html
    assert found.change(1, "home", "utility_usd")["diff"] == pytest.approx(2)
    assert found.change(2, "home", "utility_usd")["diff"] is None
    assert "Nothing has finished yet" in render_sweep(
        swept([point("base", 1, seeds=())], tmp_path)
    )


def test_cautions_stand_on_the_page_and_in_the_summary(one_at_a_time):
    seen = replace(one_at_a_time, cautions=("not out of sample: <sac>",))
    assert "not out of sample: &lt;sac&gt;" in render_sweep(seen)
    assert seen.to_json()["cautions"] == ["not out of sample: <sac>"]
    assert "cautions" not in one_at_a_time.to_json()
