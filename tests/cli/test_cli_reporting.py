"""Do report, report --watch and timeline do what they say with finished and unfinished work?"""

import json

import pytest

from cosim.cli import main as entry


@pytest.fixture(scope="module")
def study(tmp_path_factory, tiny):
    """A finished comparison of two policies on two seeds."""
    folder = tmp_path_factory.mktemp("study") / "c"
    asked = ["compare", str(tiny), "--seeds", "1,2", "--jobs", "1", "--out", str(folder), "-q"]
    with pytest.raises(SystemExit) as caught:
        entry.main(asked)
    assert caught.value.code == 0
    return folder


def test_an_hour_is_written_for_a_viewer(cosim, study, tmp_path):
    code, _, err = cosim("timeline", study, "-p", "greedy-utility", "--seed", 2, "--out", "t.json")
    assert code == 0, err
    found = json.loads((tmp_path / "t.json").read_text())
    assert found["otherData"]["policy"] == "greedy-utility"
    assert any(event["ph"] == "X" for event in found["traceEvents"])
    code, _, err = cosim("timeline", study, "-p", "nobody")
    assert code == 2
    assert "it has: home seed 1" in err


def test_a_report_of_an_hour_outside_the_window_is_refused(cosim, study, tmp_path):
    code, _, err = cosim("report", study, "--hour", "1999-01-01T00", "--out", "r.html")
    assert code == 2
    assert "outside the window; it goes from" in err
    assert not (tmp_path / "r.html").exists()


def test_watching_finished_work_writes_once_and_ends(cosim, study, tmp_path):
    code, _, err = cosim("report", study, "--watch", "--out", "r.html")
    assert code == 0, err
    assert "4 of 4 runs: r.html" in err
    assert "Work under way" not in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_watching_goes_on_until_the_last_run_is_there(cosim, study, tmp_path, monkeypatch):
    marker = study / "greedy-utility" / "seed-2" / "kpis.json"
    text = marker.read_text()
    marker.unlink()
    seen = []

    def finish(seconds):
        seen.append((tmp_path / "r.html").read_text(encoding="utf-8"))
        marker.write_text(text)

    monkeypatch.setattr("cosim.cli.report.sleep", finish)
    try:
        code, _, err = cosim("report", study, "--watch", "--out", "r.html")
    finally:
        marker.write_text(text)
    assert code == 0, err
    assert "3 of 4 runs: r.html" in err
    assert "4 of 4 runs: r.html" in err
    assert len(seen) == 1
    assert "Work under way" in seen[0]
    assert "2 runs of this study are not in here yet" in seen[0]


def test_watching_waits_for_the_first_seed(cosim, study, monkeypatch):
    markers = [study / "greedy-utility" / f"seed-{seed}" / "kpis.json" for seed in (1, 2)]
    texts = [marker.read_text() for marker in markers]
    for marker in markers:
        marker.unlink()

    def finish(seconds):
        for marker, text in zip(markers, texts, strict=True):
            marker.write_text(text)

    monkeypatch.setattr("cosim.cli.report.sleep", finish)
    try:
        code, _, err = cosim("report", study, "--watch", "--out", "r.html")
    finally:
        finish(0)
    assert code == 0, err
    assert "not yet: " in err
    assert "no seed is finished under all policies yet" in err


def test_without_a_browser_pictures_are_refused_with_what_to_do(cosim, study, monkeypatch):
    monkeypatch.setenv("COSIM_BROWSER", "no-such-browser")
    code, _, err = cosim("report", study, "--png", "figures", "--out", "r.html")
    assert code == 2
    assert "install Chromium" in err


def test_flags_that_need_one_run_say_so(cosim, study):
    assert cosim("report", study, study, "--watch")[0] == 2
    assert cosim("report", study, study, "--out", "r.html")[0] == 2
