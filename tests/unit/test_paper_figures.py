"""Are the paper's figures sound: their files, what they read from stored trainings, their form?"""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from cosim.errors import UsageError
from cosim.report.paper_svg import draw
from cosim.report.svg import ticks
from cosim.study.paper import FIGURES, Terms, chosen, findings, make
from cosim.study.paper_finding import Chart, Finding, Line, Panel, read_finding
from cosim.study.paper_settings import BEST_ETA, JEMAS, SETTINGS
from cosim.study.paper_verdict import FAILS, HOLDS, OPEN
from cosim.study.shaping_folder import ShapingFolder

SEEDS = 10
DICE = np.random.default_rng(3)


@pytest.fixture
def terms(tmp_path, pytestconfig):
    scenarios = pytestconfig.rootpath / "scenarios" / "paper"
    folders = (tmp_path / name for name in ("out", "runs", "ablation", "training"))
    return Terms(scenarios, *folders)


def untold(name, done, total):
    pass


def rows(level, cpu_s=60.0, late=0.2):
    return [
        {
            "seed": seed,
            "episode": episode,
            "env_steps": 288 * episode,
            "train_cpu_s": cpu_s * episode / 6,
            "held_out_usd": level * episode / 6 + float(DICE.normal()),
            "held_out_late_share": late + 0.001 * float(DICE.normal()),
        }
        for episode in (0, 3, 6)
        for seed in range(1, SEEDS + 1)
    ]


def store(folder, name, logs):
    """A stored ablation whose truth is known."""
    kept = ShapingFolder(folder / name)
    asked = {
        "seeds": list(range(1, SEEDS + 1)),
        "episodes": 6,
        "slots": 288,
        "dates": ["2019-06-03", "2019-06-04"],
        "held_out": ["2019-06-06"],
    }
    kept.open(asked, "name: test\n", resume=False)
    for arm, log in logs.items():
        kept.keep(arm, log)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_every_figure_has_a_file_that_is_laid_out(figure, terms):
    work = figure.lay(terms.scenarios / f"{figure.name}.yaml", terms)
    assert "paper" in work.about or "igure" in work.about or "Table" in work.about
    assert figure.lay(terms.scenarios / f"{figure.name}.yaml", terms).key == work.key


def test_the_key_follows_what_goes_into_a_figure(terms):
    (figure,) = chosen(["fig15"])
    path = terms.scenarios / "fig15.yaml"
    keys = {
        figure.lay(path, changed).key
        for changed in (
            terms,
            replace(terms, seeds=(1, 2)),
            replace(terms, overrides=("workload.scale=0.5",)),
            replace(terms, policies=("cheapest",)),
            replace(terms, scale="full"),
        )
    }
    assert len(keys) == 5


def test_a_policy_that_the_file_has_is_not_played_twice(terms):
    (figure,) = chosen(["fig15"])
    path = terms.scenarios / "fig15.yaml"
    again = replace(terms, policies=("price-aware",))
    assert figure.lay(path, again).key == figure.lay(path, terms).key


def test_a_figure_that_is_unknown_names_the_nearest():
    with pytest.raises(UsageError, match="fig11"):
        chosen(["fig1l"])


def test_learning_curves_judge_what_is_stored_and_are_made_anew_when_it_changes(terms):
    (figure,) = chosen(["fig07"])
    assert make(figure, terms, untold)
    (missing,) = (finding for each, finding in findings(terms.out) if each == figure)
    assert {claim.verdict for claim in missing.found.claims} == {OPEN}
    assert not make(figure, terms, untold)
    arms = {
        "sac": rows(100.0, late=0.9),
        JEMAS: rows(500.0, cpu_s=144.0, late=0.1),
        "sac-dnn-additive": rows(900.0, late=0.3),
    }
    store(terms.ablation, "paper-base-small", arms)
    assert make(figure, terms, untold)
    found = read_finding(terms.out, "fig07")
    verdicts = [claim.verdict for claim in found.found.claims]
    assert verdicts == [OPEN, FAILS, HOLDS, OPEN, OPEN, HOLDS]
    assert found.verdict == FAILS
    (table,) = chosen(["table3"])
    assert make(table, terms, untold)
    (claim,) = read_finding(terms.out, "table3").found.claims
    assert (claim.verdict, claim.result) == (HOLDS, "×2.4 (paper-base-small)")


def test_weights_are_judged_against_the_papers(terms):
    for level, setting in enumerate(SETTINGS["fig08"]):
        usd = 900.0 if setting == BEST_ETA else 100.0 * level
        store(terms.training / "fig08" / setting, "paper-fig08", {JEMAS: rows(usd)})
    (figure,) = chosen(["fig08"])
    make(figure, terms, untold)
    found = read_finding(terms.out, "fig08")
    assert [claim.verdict for claim in found.found.claims] == [HOLDS] * 3


def test_a_finding_survives_its_file(tmp_path):
    line = Line("a", (0.0, 1.0), (1.0, None), (0.5, None), (1.5, None))
    chart = Chart("x", (Panel("one", "USD", (line, replace(line, style="dots"))),))
    found = read_finding(tmp_path, "fig02")
    assert found is None
    from cosim.study.paper_finding import Found
    from cosim.study.paper_verdict import Judged

    claims = (Judged("It holds.", "home", "1 [1, 2]", HOLDS),)
    table = (("head",), ("cell",))
    finding = Finding("fig02", "k", "About.", ("a.yaml",), Found(claims, {"x": [1]}, chart, table))
    finding.write(tmp_path)
    assert read_finding(tmp_path, "fig02") == replace(finding)
    assert (tmp_path / "fig02.csv").read_text(encoding="utf-8") == "x\n1\n"


def test_a_damaged_finding_is_named(tmp_path):
    (tmp_path / "fig02.json").write_text('{"format": 1, "figure": "fig02"}', encoding="utf-8")
    with pytest.raises(UsageError, match="damaged"):
        read_finding(tmp_path, "fig02")


def test_a_drawing_is_sound_xml_with_every_line_and_escaped_names():
    lines = tuple(Line(f"<{k}>", (0.0, 1.0, 2.0), (1.0, None, 3.0 + k)) for k in range(3))
    level = Panel("level", "1", (Line("flat", (1.0,), (2.0,)),))
    root = ElementTree.fromstring(draw(Chart("steps & co", (Panel("p", "USD", lines), level))))
    drawn = [each for each in root.iter() if each.tag.endswith("polyline")]
    assert len(drawn) == 4
    assert "<1>" in {each.text for each in root.iter() if each.text}


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.0, 1.0), (-3.0, 120.0), (1e5, 1.2e5), (0.91, 0.93), (-3_600.0, 3_700.0), (-0.1, 9.9)],
)
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 6
    assert all(low <= value <= high for value in found)
