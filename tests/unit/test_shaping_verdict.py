"""Does the verdict of an ablation follow from its logs, by hand-made ones whose truth is known?"""

import numpy as np
import pytest

from cosim.report.shaping_page import figure, page
from cosim.study.shaping_verdict import Course, Study, against_baseline, arm_row, questions

DICE = np.random.default_rng(0)
SEEDS = 10


def course(levels, cpu_s, late=0.2):
    usd = np.array(levels)[:, None] + DICE.normal(size=(len(levels), SEEDS))
    episode = 2.0 * np.arange(len(levels))
    spent = cpu_s * np.arange(len(levels)) / (len(levels) - 1)
    return Course(episode, 10.0 * episode, spent, usd, np.full(usd.shape, late))


def study(name="one", gap=50.0):
    terms = {
        "seeds": list(range(SEEDS)),
        "episodes": 6,
        "judge_every": 2,
        "slots": 10,
        "dates": ["2019-06-03"],
        "held_out": ["2019-06-06"],
        "options": {"hidden": 64},
        "command": "cosim shaping one.yaml",
    }
    courses = {
        "sac": course([0.0, 100.0, 200.0, 300.0], 60.0),
        "sac-dress-additive": course([0.0, 100.0, 200.0, 300.0 - gap], 240.0),
        "sac-reward-net-additive": course([0.0, 250.0, 300.0, 300.0 + gap], 120.0),
        "sac-noise-additive": course([0.0, 100.0, 200.0, 300.0], 60.0),
    }
    return Study(name, terms, None, courses)


def test_what_differs_is_told_and_what_does_not_is_not():
    found = against_baseline([study()], "final")
    assert {name: each.verdict for name, each in found.items()} == {
        "sac-dress-additive": "worse",
        "sac-reward-net-additive": "better",
        "sac-noise-additive": "no difference shown",
    }
    assert found["sac-reward-net-additive"].chance.value == 1.0


def test_equal_time_is_paid_for_in_episodes():
    """DRESS took four times as long: within SAC's time it was judged at its beginning only."""
    one = study()
    row = arm_row(one, "sac-dress-additive")
    assert row["timed_episode"] == 0
    assert row["timed"].value == pytest.approx(0.0, abs=1.0)
    assert arm_row(one, "sac-reward-net-additive")["timed_episode"] == 2
    assert against_baseline([one], "timed")["sac-reward-net-additive"].verdict == "worse"
    assert arm_row(one, "sac")["timed"] == arm_row(one, "sac")["final"]


def test_who_learns_sooner_scores_higher_over_the_course():
    found = against_baseline([study(gap=0.0)], "course")
    assert found["sac-reward-net-additive"].verdict == "better"
    assert found["sac-dress-additive"].verdict == "no difference shown"


def test_several_scenarios_are_judged_over_the_arms_they_share():
    one, two = study("one"), study("two", gap=-50.0)
    found = against_baseline([one, two], "final")
    assert found["sac-reward-net-additive"].chance.value == pytest.approx(0.5, abs=0.01)
    assert found["sac-reward-net-additive"].verdict == "no difference shown"
    less = Study("three", two.terms, None, {"sac": two.courses["sac"]})
    assert against_baseline([one, less], "final") == {}


def test_the_deciding_pairs_are_asked_where_both_arms_are():
    found = questions([study()], "final")
    assert list(found) == ["sac-dress-additive against sac-noise-additive"]
    assert next(iter(found.values())).verdict == "worse"


def test_the_page_says_what_is_significant():
    told = page([study()])
    final = next(line for line in told.splitlines() if "(equal environment steps)" in line)
    assert "significantly better than plain SAC: `sac-reward-net-additive`" in final
    assert "significantly worse than plain SAC: `sac-dress-additive`" in final
    assert "no difference shown: `sac-noise-additive`" in final
    assert "cosim shaping one.yaml" in told
    flat = page([Study("one", study().terms, None, {"sac": study().courses["sac"]})])
    assert "no arm but plain SAC has ended" in flat


def test_the_page_tells_options_that_are_not_the_usual_ones():
    one = study()
    assert "Given on the command line" not in page([one])
    one.terms["options"] = {"encoding": "score", "hidden": 64}
    assert "Given on the command line: `encoding=score`." in page([one])


def test_curves_of_both_axes_show_every_arm():
    one = study()
    for axis, word in (("steps", "environment steps"), ("time", "processor time")):
        drawn = figure(one, axis)
        assert word in drawn
        assert drawn.count("<polyline") == 2 * 3  # each panel has SAC and one arm
        assert "nan" not in drawn
