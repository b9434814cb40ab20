"""Do sweep and ablate work from the command line, killed, resumed, partial and on a cluster?"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPORT_MIN = 100_000


def asked(tiny, *more):
    keys = ("--grid", "workload.scale=0.5,1,2", "--grid", "money.carbon_usd_per_t=0,50")
    return ("sweep", tiny, *keys, "-p", "home", "-p", "greedy-utility", "--seeds", "1,2", *more)


def test_a_grid_of_two_keys_ends_with_table_report_and_digest(cosim, tiny):
    code, out, err = cosim(*asked(tiny, "--jobs", 1, "--json"))
    assert code == 0, err
    found = json.loads(out)
    assert (found["finished"], found["total"], len(found["points"])) == (24, 24, 6)
    assert found["digest"] in err
    folder = Path(found["folder"])
    assert (folder / "report.html").stat().st_size > REPORT_MIN
    assert len((folder / "results.csv").read_text(encoding="utf-8").splitlines()) == 25
    assert set(found["points"][0]["policies"]) == {"home", "greedy-utility"}
    assert err.splitlines()[-1].startswith(f"next: cosim compare {tiny} -o workload.scale=2")


def test_kill_9_anywhere_and_the_same_command_goes_on(cosim, tiny, tmp_path, repository_root):
    """A real process, really killed; what it had finished is not touched by the second one."""
    command = asked(tiny, "--jobs", 1, "--out", tmp_path / "killed", "-q")
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    words = "import sys; from cosim.cli.main import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", words, *map(str, command)], cwd=tmp_path, env=environment
    )
    points = tmp_path / "killed" / "points"
    until = time.monotonic() + 120
    while len(list(points.glob("*.json"))) < 3 and process.poll() is None:
        assert time.monotonic() < until, "nothing finished"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = {path: path.stat().st_mtime_ns for path in points.glob("*.json")}
    assert 3 <= len(kept) < 24
    code, out, _ = cosim(*command[:-1], "--partial", "--json", "-q")
    assert code == 0
    assert json.loads(out)["finished"] == len(kept)
    code, out, _ = cosim(*command, "--json")
    assert code == 0
    assert json.loads(out)["finished"] == 24
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    code, whole, _ = cosim(*asked(tiny, "--jobs", 1, "--out", "whole", "-q", "--json"))
    assert code == 0
    assert json.loads(whole)["digest"] == json.loads(out)["digest"]
    for name in ("results.csv", "results.parquet"):
        assert (tmp_path / "whole" / name).read_bytes() == (points.parent / name).read_bytes()


def test_a_report_can_be_had_before_anything_and_after_everything(cosim, tiny, tmp_path):
    code, _, err = cosim(*asked(tiny, "--partial", "--out", "s"))
    assert code == 0, err
    assert "partial: 0 of 24 runs" in err
    assert "without --partial" in err.splitlines()[-1]
    page = tmp_path / "s" / "report.html"
    assert "Nothing has finished yet" in page.read_text(encoding="utf-8")
    assert cosim(*asked(tiny, "--jobs", 1, "--out", "s", "-q"))[0] == 0
    page.unlink()
    code, _, err = cosim("report", "s")
    assert code == 0, err
    assert "Utility is highest" in page.read_text(encoding="utf-8")


def test_a_study_file_says_it_all(cosim, tiny, tmp_path):
    (tmp_path / "tiny.yaml").write_bytes(tiny.read_bytes())
    (tmp_path / "mine.yaml").write_text(
        """kind: study
name: mine
about: Does the load matter?
scenario: tiny.yaml
policies: [greedy-utility]
seeds: [1, 2]
axes: {workload.scale: [1, 3]}
ablations: [no-transfer]
""",
        encoding="utf-8",
    )
    code, out, err = cosim("sweep", "mine.yaml", "--jobs", 1, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["kind"] == "study"
    assert [point.get("base") for point in found["points"]] == [
        *(None, None),
        *("full, workload.scale=1", "full, workload.scale=3"),
    ]
    page = (Path(found["folder"]) / "report.html").read_text(encoding="utf-8")
    assert "Does the load matter?" in page
    code, _, err = cosim("sweep", "mine.yaml", "--grid", "scale=1,2")
    assert code == 2
    assert "says what is varied" in err


def test_ablate_tells_what_each_part_is_worth(cosim, tiny):
    parts = ("--only", "no-transfer", "--only", "no-battery", "--only", "no-renewables")
    code, out, err = cosim("ablate", tiny, *parts, "-p", "greedy-utility", "--jobs", 1, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert list(found["variants"]) == ["full", "no-transfer", "no-battery"]
    assert "left out: no-renewables: no site has sun or wind" in err
    change = found["points"][1]["change"]["greedy-utility"]["utility_usd"]
    assert change["ci95"][0] < change["diff"] < change["ci95"][1]
    assert err.splitlines()[-1] == f"next: cosim show {tiny} --levers"


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ((), 2, "nothing is varied"),
        (("--grid", "workload.scale=1:2"), 2, "a grid needs values"),
        (("--grid", "workload.scale=1,2", "--oat", "--lhs", 4), 2, "one of --oat"),
        (("--grid", "workload.scale=1,-2"), 3, "--grid workload.scale=1,-2  workload.scale"),
        (("--grid", "workload.sclae=1,2"), 3, "did you mean `scale`"),
        (("--grid", "workload.scale=1,2", "-p", "hoem"), 2, "did you mean `home`"),
        (("--grid", "workload.scale=1,2", "--cluster", "nowhere"), 2, "no Dask scheduler"),
    ],
)
def test_what_makes_no_sense_is_told_before_anything_runs(cosim, tiny, tmp_path, more, code, said):
    if "--cluster" in more:
        pytest.importorskip("distributed")
    found, _, err = cosim("sweep", tiny, *more)
    assert found == code
    assert said in err
    assert not list(tmp_path.glob("runs/*/points/*"))


def test_a_cluster_gives_the_same_bytes(cosim, tiny, tmp_path):
    """Two Dask workers, here in threads of this process; the README shows one of processes."""
    distributed = pytest.importorskip("distributed")
    here = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    )
    with here:
        address = here.scheduler_address
        code, out, err = cosim(*asked(tiny, "--cluster", address, "--out", "far", "--json"))
    assert code == 0, err
    assert json.loads(out)["finished"] == 24
    assert cosim(*asked(tiny, "--jobs", 1, "--out", "near", "-q"))[0] == 0
    for name in ("results.csv", "results.parquet", "summary.json"):
        assert (tmp_path / "far" / name).read_bytes() == (tmp_path / "near" / name).read_bytes()


def test_days_are_those_of_a_comparison(cosim, tiny, tmp_path):
    days = ("-o", "test_days=[2019-04-23, 2019-04-25]")
    keys = ("--grid", "workload.scale=1,2", "-p", "home", "--seed", 1, "--jobs", 1)
    code, out, err = cosim("sweep", tiny, *days, *keys, "--json", "--out", "s")
    assert code == 0, err
    found = json.loads(out)
    assert found["days"] == ["2019-04-23", "2019-04-25"]
    assert found["seeds"] == [120190423, 120190425]
    assert "2 points, 1 policy, 2 days with 1 seed each (paired) = 4 runs" in err
    assert "judged on 2 days: 2019-04-23, 2019-04-25" in err
    page = (tmp_path / "s" / "report.html").read_text(encoding="utf-8")
    assert "2019-04-23, 2019-04-25" in page
    assert "2 days with 1 seed each" in page
    code, out, err = cosim("sweep", tiny, *days, "--days", "window", *keys, "--json", "--out", "w")
    assert code == 0, err
    assert json.loads(out)["seeds"] == [1]
    assert "judged on" not in err
    dates = ("--days", "2019-04-23,2019-04-25")
    code, out, err = cosim("sweep", tiny, *dates, *keys, "--json", "--out", "s")
    assert code == 0, err
    assert "4 finished before" in err
    assert json.loads(out) == found
    assert err.splitlines()[-1].startswith(f"next: cosim compare {tiny} --days 2019-04-23,")


def test_a_study_file_says_which_days(cosim, tiny, tmp_path):
    (tmp_path / "tiny.yaml").write_bytes(tiny.read_bytes())
    text = """kind: study
name: days
scenario: tiny.yaml
set: {test_days: [2019-04-23]}
policies: [home]
seeds: [1]
days: %s
axes: {workload.scale: [1, 2]}
"""
    file = tmp_path / "days.yaml"
    for days, seeds in (("test", [120190423]), ("window", [1])):
        file.write_text(text % days, encoding="utf-8")
        code, out, err = cosim("sweep", file, "--partial", "--json", "--out", days)
        assert code == 0, err
        assert json.loads(out)["seeds"] == seeds
    code, out, _ = cosim("sweep", file, "--partial", "--json", "--out", "t", "--days", "test")
    assert json.loads(out)["seeds"] == [120190423]
    code, _, err = cosim("sweep", file, "--days", "2019-04-24")
    assert code == 2
    assert "sets its test_days" in err
    file.write_text(text % "tomorrow", encoding="utf-8")
    code, _, err = cosim("validate", file)
    assert code == 3
    assert "days.yaml:7" in err


def test_an_ablation_plays_the_days_too(cosim, tiny):
    asked_for = ("--only", "no-transfer", "-p", "home", "--seed", 2, "--days", "2019-04-23")
    code, out, err = cosim("ablate", tiny, *asked_for, "--partial", "--json")
    assert code == 0, err
    assert json.loads(out)["seeds"] == [220190423]
