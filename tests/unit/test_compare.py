"""Does a comparison come out the same however it is run, and survive what happens to it?"""

import json
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from cosim.errors import CosimError, PolicyError, RunInterrupted, UsageError
from cosim.report.inputs import as_case
from cosim.run import staged
from cosim.scenario.load import load_scenario
from cosim.study.compare import compare, stored, study_digest
from cosim.study.reproduce import lock_of, reproduce

PLUGIN = """
    import os
    from cosim.decision import Decision
    from policies.heuristics.static import Home

    class Dying(Home):
        def decide(self, seen):
            if seen.slot == 3:
                os._exit(1)
            return super().decide(seen)

    class Wrong(Home):
        def decide(self, seen):
            return Decision(dispatch=42) if seen.slot == 2 else super().decide(seen)
    """


@pytest.fixture(scope="module")
def stage(pytestconfig):
    return staged(load_scenario(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"))


@pytest.fixture(scope="module")
def whole(stage, tmp_path_factory):
    return compare(stage, out=tmp_path_factory.mktemp("runs") / "whole", command="cosim compare")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    (tmp_path / "odd_plugin.py").write_text(textwrap.dedent(PLUGIN), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def comparable(found):
    """The JSON without what is measured on the machine's clock."""
    data = found.to_json()
    for part in ("policies", "paired"):
        for row in data[part].values():
            for kpi in ("decide_ms_p50", "decide_ms_p99"):
                del row[kpi]
    return data


def test_json_is_exactly_what_was_promised(whole):
    data = json.loads(json.dumps(whole.to_json(), allow_nan=False))
    parts = ["scenario", "seeds", "baseline", "digest", "policies", "paired", "notes"]
    assert list(data) == parts
    assert data["seeds"] == [1, 2]
    assert data["baseline"] == "home"
    assert list(data["policies"]) == ["home", "greedy-utility"]
    assert list(data["paired"]) == ["greedy-utility"]
    cell = data["policies"]["home"]["utility_usd"]
    assert list(cell) == ["mean", "ci95"]
    assert cell["ci95"][0] < cell["mean"] < cell["ci95"][1]
    assert list(data["paired"]["greedy-utility"]["late_share"])[:2] == ["diff", "ci95"]
    kept = json.loads((whole.folder / "compare.json").read_text(encoding="utf-8"))
    assert kept == data


def test_differences_are_paired_by_seed(whole):
    runs = whole.results
    gains = [
        runs["greedy-utility", s].kpis["utility_usd"] - runs["home", s].kpis["utility_usd"]
        for s in (1, 2)
    ]
    assert whole.paired["greedy-utility"]["utility_usd"]["diff"] == pytest.approx(sum(gains) / 2)


def test_a_policy_against_itself_differs_by_nothing(stage):
    found = compare(stage, policies=["home"], seeds=[1])
    assert found.paired == {}
    assert found.table["home"]["utility_usd"]["ci95"] is None
    assert found.to_json()["policies"]["home"]["utility_usd"]["ci95"] is None


def test_processes_threads_and_memory_change_no_bit(stage, whole, tmp_path):
    parallel = compare(stage, jobs=2, out=tmp_path / "parallel")
    with ThreadPoolExecutor(1) as executor:
        elsewhere = compare(stage, executor=executor)
    assert comparable(parallel) == comparable(whole) == comparable(elsewhere)
    for key, run in whole.results.items():
        assert run.digest == parallel.results[key].digest == elsewhere.results[key].digest
        for name, values in run.jobs.columns().items():
            assert values.tobytes() == getattr(parallel.results[key].jobs, name).tobytes()


def test_progress_counts_every_slot_of_every_run(stage):
    for jobs in (1, 2):
        seen = []
        compare(stage, seeds=[1], jobs=jobs, progress=lambda *at, seen=seen: seen.append(at))
        assert seen[-1] == (18, 18)
        assert [done for done, _ in seen] == sorted(done for done, _ in seen)
        assert len({done for done, _ in seen}) > 2


def stop_after(slots):
    def progress(done, total):
        if done >= slots:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("jobs", [1, 2])
def test_interrupt_keeps_finished_runs_and_resume_equals_uninterrupted(
    stage, whole, tmp_path, jobs
):
    out = tmp_path / "stopped"
    with pytest.raises(RunInterrupted, match=rf"--resume --out {out}") as stopped:
        compare(stage, jobs=jobs, out=out, progress=stop_after(14))
    assert stopped.value.exit_code == 130
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    finished = [row for row in manifest["runs"] if row["status"] == "finished"]
    assert len(manifest["runs"]) == 4
    assert len(finished) < 4
    if jobs == 1:
        assert len(finished) == 1
    with pytest.raises(UsageError, match="not finished"):
        stored(out)
    assert comparable(compare(stage, out=out, resume=True)) == comparable(whole)


KILLED = """
    import os, sys
    from pathlib import Path
    from cosim.scenario.load import load_scenario
    from cosim.study.compare import compare

    def dying(done, total):
        if done >= 14:
            os.kill(os.getpid(), 9)

    if __name__ == "__main__":
        scenario, out, jobs = sys.argv[1:]
        compare(load_scenario(scenario), out=Path(out), jobs=int(jobs), progress=dying)
    """


@pytest.mark.parametrize("jobs", [1, 2])
def test_kill_9_and_resume_equals_uninterrupted(stage, whole, tmp_path, pytestconfig, jobs):
    script, out = tmp_path / "killed.py", tmp_path / "out"
    script.write_text(textwrap.dedent(KILLED), encoding="utf-8")
    tiny = pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"
    ended = subprocess.run(
        [sys.executable, script, tiny, out, str(jobs)],
        env={**os.environ, "PYTHONPATH": str(pytestconfig.rootpath)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == -9, ended.stderr
    found = compare(load_scenario(tiny), out=out, resume=True)
    assert comparable(found) == comparable(whole)


def test_resume_runs_only_what_is_missing(stage, whole):
    seen = []
    again = compare(stage, out=whole.folder, resume=True, progress=lambda *at: seen.append(at))
    assert seen == []
    assert again.digest == whole.digest


def test_a_folder_with_results_is_not_written_over(stage, whole):
    with pytest.raises(UsageError, match="--resume"):
        compare(stage, out=whole.folder)


def test_a_dead_worker_is_located_and_the_rest_resumes(stage, tmp_path, plugin):
    out = tmp_path / "dead"
    with pytest.raises(CosimError, match=r"worker process died.*odd_plugin:Dying.*--resume"):
        compare(stage, policies=["home", "odd_plugin:Dying"], seeds=[1], jobs=2, out=out)
    found = compare(stage, policies=["home"], seeds=[1], out=out, resume=True)
    assert found.baseline == "home"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_broken_contract_names_policy_slot_and_seed(stage, plugin, jobs):
    with pytest.raises(PolicyError, match=r"(?s)slot 2.*odd_plugin:Wrong`, seed 1") as broken:
        compare(stage, policies=["home", "odd_plugin:Wrong"], seeds=[1], jobs=jobs)
    assert (broken.value.slot, broken.value.exit_code) == (2, 5)


def test_an_error_before_anything_finished_leaves_no_folder(stage, tmp_path, plugin):
    out = tmp_path / "nothing"
    with pytest.raises(PolicyError):
        compare(stage, policies=["odd_plugin:Wrong"], seeds=[1], out=out)
    assert not out.exists()


def test_an_error_keeps_what_had_finished(stage, tmp_path, plugin):
    out = tmp_path / "half"
    with pytest.raises(PolicyError):
        compare(stage, policies=["home", "odd_plugin:Wrong"], seeds=[1], out=out)
    assert (out / "home" / "seed-1" / "kpis.json").is_file()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"policies": ["home", "home"]}, "policy named twice: home"),
        ({"seeds": [1, 1]}, "seed named twice: 1"),
        ({"seeds": []}, "at least one"),
        ({"resume": True}, "name the folder"),
    ],
)
def test_requests_that_make_no_sense(stage, asked, said):
    with pytest.raises(UsageError, match=said):
        compare(stage, **asked)


def test_a_stored_study_is_what_it_was_and_the_report_takes_it(whole):
    back = stored(whole.folder)
    assert back.to_json() == whole.to_json()
    case = as_case(back)
    assert case.policies == ("home", "greedy-utility")
    assert case.means["home"]["utility_usd"].low is not None


def test_the_digest_of_a_study_sees_every_run_and_no_order():
    one = {("a", 1): "x", ("b", 1): "y"}
    assert study_digest(one) == study_digest(dict(reversed(one.items())))
    assert study_digest(one) != study_digest({("a", 1): "y", ("b", 1): "x"})


def test_a_study_is_reproduced_and_a_change_is_named(whole):
    again = reproduce(whole.folder)
    assert again.matches, again.lines
    lock = lock_of(whole.folder)
    lock["digests"]["home"]["2"] = "0" * 32
    lock["kpis"]["home"]["2"]["utility_usd"] += 1.0
    lock["versions"]["numpy"] = "0.1"
    found = reproduce(lock)
    assert not found.matches
    text = "\n".join(found.lines)
    assert "home, seed 2: digest" in text
    assert "utility_usd" in text
    assert "version of numpy: 0.1 then" in text
    assert "greedy-utility, seed 1: digest" not in text


def test_a_changed_trace_is_told_beside_the_verdict_on_digests(whole):
    lock = lock_of(whole.folder)
    lock["traces"] = {"price/dayahead_de_fr_nl_be_2019:price_de_eur_mwh": "ab" * 32}
    found = reproduce(lock)
    assert found.matches
    assert found.lines[0].startswith("trace price/dayahead_de_fr_nl_be_2019:price_de_eur_mwh")


@pytest.fixture
def own_prices(tmp_path, pytestconfig):
    """The tiny scenario with a price file of the user's own beside it."""
    folder = tmp_path / "mine"
    folder.mkdir()
    rows = [f"2019-04-{d:02}T{h:02}:00:00Z,{40 + h}" for d in (21, 22, 23) for h in range(24)]
    text = "\n".join(["time_utc,price_eur_mwh", *rows]) + "\n"
    (folder / "prices.csv").write_text(text, encoding="utf-8")
    tiny = (pytestconfig.rootpath / "tests" / "data" / "tiny.yaml").read_text(encoding="utf-8")
    flat = "{kind: flat, usd_per_kwh: 0.15}"
    assert flat in tiny
    named = tiny.replace(flat, '"prices.csv:price_eur_mwh"')
    (folder / "own.yaml").write_text(named, encoding="utf-8")
    return folder / "own.yaml"


def test_own_traces_travel_with_the_study(own_prices, tmp_path):
    loaded = load_scenario(own_prices)
    found = compare(loaded, policies=["home"], seeds=[1], out=tmp_path / "out")
    (own_prices.parent / "prices.csv").unlink()
    moved = tmp_path / "elsewhere"
    found.folder.rename(moved)
    assert reproduce(moved).matches
    assert str(tmp_path) not in (moved / "manifest.json").read_text(encoding="utf-8")


def test_resume_notices_that_an_own_trace_has_changed(own_prices, tmp_path):
    out = tmp_path / "out"
    compare(load_scenario(own_prices), policies=["home"], seeds=[1], out=out)
    file = own_prices.parent / "prices.csv"
    file.write_text(file.read_text(encoding="utf-8").replace(",47", ",470"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"trace prices\.csv: its file has changed"):
        compare(load_scenario(own_prices), policies=["home"], seeds=[2], out=out, resume=True)
