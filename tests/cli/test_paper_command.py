"""Does `cosim paper` make figures end to end, keep them, and write its pages from the data?"""

import json
from html.parser import HTMLParser
from pathlib import Path

from cosim.study.paper_facts import KPIS

SHORT = ("-o", "clock.days=0.041666666666666664", "-o", "workload.scale=0.1", "--seeds", "1,2")
TWO = ("paper", "--only", "fig04", "--only", "fig15", *SHORT, "--jobs", 1)


def test_two_figures_end_to_end_and_what_is_made_is_kept(cosim):
    code, out, err = cosim(*TWO, "--json")
    assert code == 0, err
    claims = json.loads(out)["claims"]
    assert set(claims) == {"fig04", "fig15"}
    assert "Figure 15: jobs that may move: made" in err
    page = Path("reports/paper/README.md").read_text(encoding="utf-8")
    for claim in (claim for each in claims.values() for claim in each):
        assert f"| {claim['result']} | **{claim['verdict']}** |" in page
    rows = Path("reports/paper/fig15.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 4 * 3 * 2
    assert set(KPIS) < set(rows[0].split(","))
    before = {path: path.read_bytes() for path in Path("reports/paper").iterdir()}
    points = {path: path.stat().st_mtime_ns for path in Path("runs/paper").iterdir()}
    code, out, err = cosim(*TWO)
    assert (code, err.count(": kept"), err.count(": made")) == (0, 2, 0)
    assert before == {path: path.read_bytes() for path in Path("reports/paper").iterdir()}
    assert points == {path: path.stat().st_mtime_ns for path in Path("runs/paper").iterdir()}


def test_a_run_that_is_missing_is_made_again_alone(cosim):
    assert cosim("paper", "--only", "fig06", *SHORT, "--jobs", 1, "-q") == (0, "", "")
    points = sorted(Path("runs/paper").iterdir())
    whole = Path("reports/paper/fig06.json").read_bytes()
    kept = {path: path.stat().st_mtime_ns for path in points[1:]}
    points[0].unlink()
    Path("reports/paper/fig06.json").unlink()
    assert cosim("paper", "--only", "fig06", *SHORT, "--jobs", 1, "-q") == (0, "", "")
    assert Path("reports/paper/fig06.json").read_bytes() == whole
    assert kept == {path: path.stat().st_mtime_ns for path in points[1:]}


def test_the_page_without_scripts_names_no_outside_address(cosim):
    assert cosim("paper", "--only", "fig02", "--jobs", 1, "-q")[0] == 0
    text = Path("reports/paper/index.html").read_text(encoding="utf-8")
    seen = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            seen.append((tag, dict(attrs)))

    Reader().feed(text)
    assert "script" not in {tag for tag, _ in seen}
    assert [each["href"] for tag, each in seen if tag == "a"] == ["fig02.csv"]
    assert "svg" in {tag for tag, _ in seen}


def test_unknown_figures_and_policies_are_refused_before_anything_runs(cosim):
    code, _, err = cosim("paper", "--only", "fig13")
    assert (code, Path("runs").exists()) == (2, False)
    assert "fig12" in err
    assert cosim("paper", "-p", "hom")[0] == 2
