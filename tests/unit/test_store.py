"""Does a study on disk give back what was run, whatever happens while it is written?"""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import fields, replace

import numpy as np
import pytest

import cosim
from cosim.errors import UsageError
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.store import RunDirectory, load, new_folder, policy_slug
from cosim.store.atomic import replacing, write_json
from cosim.store.unit import scenario_from_text


@pytest.fixture(scope="module")
def stage(tiny):
    return staged(load_scenario(tiny))


@pytest.fixture(scope="module")
def result(stage):
    return run(stage, policy="greedy-utility", seed=1)


@pytest.fixture
def study(tmp_path, result):
    directory = RunDirectory.create(tmp_path / "study", result.scenario_yaml)
    directory.save(result)
    return directory


def same_arrays(one, other):
    assert list(one) == list(other)
    for name, values in one.items():
        assert values.dtype == other[name].dtype, name
        assert values.shape == other[name].shape, name
        assert values.tobytes() == other[name].tobytes(), name


def test_a_run_comes_back_bit_for_bit(study, result):
    back = RunDirectory.open(study.path).load("greedy-utility", 1)
    same_arrays(back.ledger.data, result.ledger.data)
    same_arrays(back.jobs.columns(), result.jobs.columns())
    same_arrays(back.bins, result.bins)
    tables = {"ledger", "jobs", "bins"}
    for field in fields(result):
        if field.name not in tables:
            assert getattr(back, field.name) == getattr(result, field.name), field.name
    parts = ("sites", "slots", "slot_ns")
    assert all(getattr(back.ledger, p) == getattr(result.ledger, p) for p in parts)


def test_a_kpi_that_is_not_finite_comes_back_and_the_json_stays_strict(tmp_path, result):
    odd = replace(result, kpis={**result.kpis, "delay_s_p95": float("nan")})
    directory = RunDirectory.create(tmp_path / "odd", odd.scenario_yaml)
    directory.save(odd)

    def refuse(word):
        raise AssertionError(word)

    text = (directory.folder("greedy-utility", 1) / "kpis.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=refuse)
    assert np.isnan(directory.load("greedy-utility", 1).kpis["delay_s_p95"])


def test_frames_for_pandas(study, result):
    found = cosim.load(study.path)
    kpis = found.kpis.set_index(["policy", "seed"])
    assert kpis.loc[("greedy-utility", 1), "utility_usd"] == result.kpis["utility_usd"]
    by_site = found.ledger.groupby("site").import_kwh.sum()
    for i, site in enumerate(result.ledger.sites):
        assert by_site[site] == pytest.approx(result.ledger.data["import_kwh"][:, i].sum())
    assert len(found.jobs) == len(result.jobs)
    assert found.jobs.late.mean() == pytest.approx(result.kpis["late_share"])
    assert len(found.bins) == result.bins["soc"].size


def test_the_manifest_says_what_was_run(study, result):
    manifest = json.loads((study.path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["scenario"] == "tiny"
    assert len(manifest["scenario_hash"]) == 64
    assert manifest["versions"] == result.versions
    assert (manifest["policies"], manifest["seeds"]) == (["greedy-utility"], [1])
    assert manifest["energy"] == "self-consumption"
    row = manifest["runs"][0]
    assert (row["status"], row["digest"]) == ("finished", result.digest)


@pytest.mark.parametrize("lost", ["kpis.json", "run.json", "jobs.parquet", "ledger.parquet"])
def test_a_run_without_one_of_its_files_is_not_finished(study, lost):
    (study.folder("greedy-utility", 1) / lost).unlink()
    assert not study.finished("greedy-utility", 1)
    assert list(load(study.path).runs) == []
    with pytest.raises(UsageError, match="no finished run"):
        study.load("greedy-utility", 1)


@pytest.mark.parametrize("name", ["ledger.parquet", "jobs.parquet"])
def test_damaged_tables_are_told_apart_from_bugs(study, name):
    file = study.folder("greedy-utility", 1) / name
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(UsageError, match=r"damaged"):
        study.load("greedy-utility", 1)


def test_numbers_changed_afterwards_are_noticed(study):
    marker = study.folder("greedy-utility", 1) / "kpis.json"
    mark = json.loads(marker.read_text(encoding="utf-8"))
    write_json(marker, {**mark, "digest": "0" * 32})
    with pytest.raises(UsageError, match="digest differs"):
        study.load("greedy-utility", 1)


def half_write(file):
    with replacing(file) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise ZeroDivisionError


def test_an_atomic_write_that_fails_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.json"
    write_json(file, {"a": 1})
    with pytest.raises(ZeroDivisionError):
        half_write(file)
    assert json.loads(file.read_text(encoding="utf-8")) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


KILLED = """
    import os, sys
    from pathlib import Path
    import cosim.store.atomic as atomic
    from cosim.run import run
    from cosim.scenario.load import load_scenario
    from cosim.store import RunDirectory

    scenario, folder, deadly = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    directory = RunDirectory.open(folder)
    result = run(load_scenario(scenario), policy="home", seed=2)
    flush, calls = atomic._flush, 0

    def dying(path):
        global calls
        calls += 1
        if calls == deadly:
            os.kill(os.getpid(), 9)
        flush(path)

    atomic._flush = dying
    directory.save(result)
    """


@pytest.mark.parametrize("deadly", [1, 4, 9, 10, 11])
def test_kill_9_while_writing_loses_that_run_only(study, stage, tiny, deadly):
    """Each file is flushed twice (itself, its folder's entry): the marker with calls 9 and 10."""
    code = [sys.executable, "-c", textwrap.dedent(KILLED), str(tiny), str(study.path), str(deadly)]
    ended = subprocess.run(code, env=os.environ, check=False, capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    again = RunDirectory.open(study.path)
    assert again.load("greedy-utility", 1).seed == 1
    assert again.finished("home", 2) == (deadly > 9)
    whole = run(stage, policy="home", seed=2)
    again.save(whole)
    assert again.load("home", 2).digest == whole.digest
    left = [p.name for p in again.folder("home", 2).iterdir() if p.name.startswith(".")]
    assert left == []


def test_a_study_is_not_written_over(study):
    with pytest.raises(UsageError, match="--resume"):
        RunDirectory.create(study.path, study.scenario)


def test_resume_goes_on_and_may_add_policies_and_seeds(study):
    again = RunDirectory.resume(study.path, study.scenario, policies=("home",), seeds=(1, 5))
    assert again.policies == ("greedy-utility", "home")
    assert again.seeds == (1, 5)
    assert again.finished("greedy-utility", 1)


def test_resume_of_another_study_says_what_differs(study):
    data = study.scenario.model_dump(by_alias=True)
    data["workload"]["transferable"] = 0.25
    data["sites"] = dict(reversed(data["sites"].items()))
    other = type(study.scenario).model_validate(data)
    with pytest.raises(UsageError) as refused:
        RunDirectory.resume(study.path, other, energy="idle")
    said = str(refused.value)
    assert "scenario.workload.transferable: 0.6 there, 0.25 here" in said
    assert "scenario.sites in order" in said
    assert "energy: self-consumption there, idle here" in said


def test_resume_notices_a_changed_trace_and_other_versions(study):
    study.traces = {"./p.csv:p_usd_mwh": "aa"}
    study.versions = {**study.versions, "numpy": "0.1"}
    study.write_manifest()
    with pytest.raises(UsageError) as refused:
        RunDirectory.resume(study.path, study.scenario, traces={"./p.csv:p_usd_mwh": "bb"})
    assert "trace ./p.csv:p_usd_mwh: its file has changed" in str(refused.value)
    assert "versions.numpy: 0.1 there" in str(refused.value)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}', '{"format": 1}'])
def test_a_damaged_manifest_is_a_sentence(study, content):
    (study.path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=r"manifest\.json"):
        load(study.path)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b", "..", ".", "", "C:\\x", "nul", "x" * 300, "a\x00b", "Ä"]
)
def test_no_policy_name_leads_out_of_the_folder(tmp_path, stage, name):
    directory = RunDirectory(tmp_path / "r", stage.scenario, "")
    folder = directory.folder(name, 1)
    assert folder.resolve().parent.parent == (tmp_path / "r").resolve()
    assert folder.parent.name.isascii()
    assert len(folder.parent.name) < 80


def test_slugs_are_plain_where_they_can_be_and_never_shared():
    assert policy_slug("greedy-utility") == "greedy-utility"
    names = ["home", "Home", "HOME", "m:C", "m-C", "m:C@a", "m:C@b", "m_C", "sac@best.safetensors"]
    slugs = [policy_slug(name).lower() for name in names]
    assert len(set(slugs)) == len(names)


def test_the_name_of_a_new_folder(tmp_path, stage):
    first = new_folder(stage.scenario, tmp_path)
    assert first.name.endswith(f"-tiny-{first.name[-8:]}")
    first.mkdir()
    assert new_folder(stage.scenario, tmp_path) != first


def test_a_lock_reads_back_without_its_traces_and_policies(result):
    text = result.scenario_yaml.replace("use: home", "use: no-such-policy")
    assert text != result.scenario_yaml
    found = scenario_from_text(text, "lock")
    assert found.policy.compare[0].use == "no-such-policy"
    assert scenario_from_text(result.scenario_yaml, "lock") == result.scenario
