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
