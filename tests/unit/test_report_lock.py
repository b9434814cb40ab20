"""The lock: what went in comes out, damage is named, and nothing else is trusted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import report_sample as sample

from cosim.errors import ScenarioError, UsageError
from cosim.report import lock as lock_module
from cosim.report.lock import LOCK_ID, read_lock
from cosim.report.page import write_report

GOOD = {
    "format": 1,
    "scenario_yaml": "name: x\n",
    "policies": ["home"],
    "seeds": [1],
    "engine": "reference",
    "versions": {"cosim": "0.1.0"},
    "traces": {"price/x:eur_mwh": "ab" * 32},
    "digests": {"home": {"1": "ab" * 16}},
    "kpis": {"home": {"1": {"utility_usd": 1.5, "quality_mean": None}}},
}


def page(tmp_path, text: str) -> Path:
    path = tmp_path / "report.html"
    path.write_text(f'<html><script type="application/json" id="{LOCK_ID}">{text}</script></html>')
    return path


def test_round_trip_through_a_report(tmp_path):
    compared = sample.comparison(("home", "greedy-utility"), seeds=(1, 2))
    for run in compared.results.values():
        run.scenario_yaml = "name: sample\nabout: '</script> & <!-- 5 < 6 \u2028 ü'\n"
    lock = read_lock(write_report(compared, tmp_path / "report.html"))
    run = compared.results["greedy-utility", 2]
    assert lock["scenario_yaml"] == run.scenario_yaml
    assert lock["policies"] == ["home", "greedy-utility"]
    assert lock["seeds"] == [1, 2]
    assert lock["digests"]["greedy-utility"]["2"] == run.digest
    assert lock["kpis"]["greedy-utility"]["2"] == run.kpis
    assert lock["traces"] == {"carbon/sample:g_kwh": "ab" * 32}
    assert lock["engine"] == run.scenario.engine
    assert lock["energy"]["home"] == "paper-inner"


def test_a_kpi_that_is_not_finite_becomes_null(tmp_path):
    run = sample.run("home", 1)
    run.kpis["quality_mean"] = float("nan")
    lock = read_lock(write_report(run, tmp_path / "report.html"))
    assert lock["kpis"]["home"]["1"]["quality_mean"] is None


def test_a_good_lock_is_read(tmp_path):
    assert read_lock(page(tmp_path, json.dumps(GOOD))) == GOOD


def test_another_page_is_refused(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<html><script>1</script></html>")
    with pytest.raises(UsageError, match="not a report of cosim"):
        read_lock(path)


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_lock(tmp_path / "none.html")


def test_a_binary_file_is_a_usage_error(tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_lock(path)


def test_a_file_over_the_bound_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(lock_module, "BYTES_MAX", 100)
    with pytest.raises(UsageError, match="at most"):
        read_lock(page(tmp_path, json.dumps(GOOD)))


@pytest.mark.parametrize("text", ["{", "", "[1]", "[" * 100_000, '"name"'])
def test_text_that_is_no_object_is_damage(tmp_path, text):
    with pytest.raises(ScenarioError, match="is not"):
        read_lock(page(tmp_path, text))


def test_two_locks_are_damage(tmp_path):
    path = page(tmp_path, json.dumps(GOOD))
    path.write_text(path.read_text() * 2)
    with pytest.raises(ScenarioError, match="2 times"):
        read_lock(path)


def test_all_wrong_fields_are_named_at_once(tmp_path):
    bad = {**GOOD, "seeds": [True], "digests": {"home": {"1": "XYZ"}}, "engine": 5}
    del bad["scenario_yaml"]
    with pytest.raises(ScenarioError) as caught:
        read_lock(page(tmp_path, json.dumps(bad)))
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {f"{LOCK_ID}.{k}" for k in ("seeds", "digests", "engine", "scenario_yaml")}
    assert str(tmp_path / "report.html") in str(caught.value)


def test_a_later_format_is_named(tmp_path):
    with pytest.raises(ScenarioError, match="reads format 1"):
        read_lock(page(tmp_path, json.dumps({**GOOD, "format": 2})))


def test_reading_needs_neither_plotly_nor_jinja():
    code = (
        "import sys, cosim.report.lock; "
        "sys.exit(bool({'plotly', 'jinja2', 'pandas', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
