"""Does a sweep of 200 points give the same bytes serially, on processes, on Dask, after kill -9?

Every process here is a real one. The same is asked of a few points with every run of the suite, in
`test_sweep_command.py` (Dask, kill -9) and `tests/unit/test_sweep.py` (processes).
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

COMMAND = "import sys; from cosim.cli.main import main; main(sys.argv[1:])"
FILES = ("results.csv", "results.parquet", "summary.json")
POINTS = 200
STUCK_S = 600


@pytest.fixture
def cosim(tmp_path, repository_root):
    """Begin a command in a process of its own, in an empty folder."""
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}

    def begin(*arguments):
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
        )

    return begin


def asked(tiny, folder, *how):
    keys = (
        *("--grid", "workload.scale=0.5:3", "--grid", "money.carbon_usd_per_t=0:200"),
        *("--grid", "sites.north.battery.capacity_kwh=0.5:5:log"),
    )
    runs = ("-p", "price-aware", "--seed", 1, "--out", folder, "-q", "--json")
    return ("sweep", tiny, "--lhs", POINTS, *keys, *runs, *how)


def told(process):
    out, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(out)


def killed(process, folder):
    """Kill a sweep in its middle; returns what it had finished and when."""
    until = time.monotonic() + STUCK_S
    while len(list(folder.glob("points/*.json"))) < POINTS // 2 and process.poll() is None:
        assert time.monotonic() < until, "it does not get on"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    return {path: path.stat().st_mtime_ns for path in folder.glob("points/*.json")}


@pytest.mark.heavy
def test_one_digest_wherever_it_runs_and_after_a_kill(cosim, tiny, tmp_path):
    distributed = pytest.importorskip("distributed")
    serial = told(cosim(*asked(tiny, "serial", "--jobs", 1)))
    assert serial["finished"] == len(serial["points"]) == POINTS
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    ) as workers:
        far = ("--cluster", workers.scheduler_address)
        found = {"dask": told(cosim(*asked(tiny, "dask", *far)))}
    half = asked(tiny, "half", "--jobs", 2)
    kept = killed(cosim(*half), tmp_path / "half")
    assert POINTS // 2 <= len(kept) < POINTS
    found["half"] = told(cosim(*half))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    for folder, result in found.items():
        assert result["digest"] == serial["digest"]
        for name in FILES:
            here, there = tmp_path / folder / name, tmp_path / "serial" / name
            assert here.read_bytes() == there.read_bytes()
