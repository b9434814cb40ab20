"""The timeline of an hour: does every event stand where the job was?"""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
import pytest
import report_sample as sample

from cosim.report.hours import hours_of
from cosim.report.inputs import as_case
from cosim.report.timeline import FIRST_GPU, QUEUE, TRANSFER, timeline, write_timeline


@pytest.fixture(scope="module")
def run():
    return sample.run("cheapest", 1)


@pytest.fixture(scope="module")
def hour(run):
    hours, shown = hours_of(as_case(run))
    return hours[shown]


@pytest.fixture(scope="module")
def events(run, hour):
    return list(timeline(run, hour, steps=True))


def test_a_bar_for_each_job_that_ran_on_its_gpu_of_its_site(run, hour, events):
    bars = {e["name"]: e for e in events if e["ph"] == "X" and e["cat"] != "step"}
    jobs = run.jobs
    wanted = (jobs.site >= 0) & (jobs.arrival_ns < hour.end_ns)
    wanted &= jobs.delivered_ns >= hour.start_ns
    assert set(bars) == {f"job {job}" for job in np.flatnonzero(wanted)}
    for job in np.flatnonzero(wanted)[::7]:
        bar = bars[f"job {job}"]
        assert (bar["pid"], bar["tid"]) == (jobs.site[job] + 1, FIRST_GPU + jobs.gpu[job])
        assert bar["ts"] * 1000 == pytest.approx(jobs.start_ns[job], abs=1)
        assert bar["dur"] * 1000 == pytest.approx(jobs.finish_ns[job] - jobs.start_ns[job], abs=1)
        assert bar["args"]["home"] == run.ledger.sites[jobs.home[job]]
        assert (bar["cat"] == "late") == jobs.late[job]


def test_steps_part_a_job_without_gap(run, events):
    steps = defaultdict(list)
    for e in events:
        if e["ph"] == "X" and e["cat"] == "step":
            steps[e["pid"], e["tid"]].append(e)
    bars = [e for e in events if e["ph"] == "X" and e["cat"] != "step"]
    total = sum(e["args"]["images"] * e["args"]["steps"] for e in bars)
    assert sum(map(len, steps.values())) == total > 1000
    one = bars[0]
    mine = [
        e
        for e in steps[one["pid"], one["tid"]]
        if one["ts"] <= e["ts"] and e["ts"] + e["dur"] <= one["ts"] + one["dur"] + 1e-6
    ]
    assert sum(e["dur"] for e in mine) >= one["dur"] - 1e-3


def test_waiting_and_moving_begin_and_end_once(run, events):
    spells = defaultdict(list)
    for e in events:
        if e["ph"] in "be":
            spells[e["id"]].append(e)
            assert e["tid"] == {"waiting": QUEUE, "transfer": TRANSFER}[e["cat"]]
    assert spells
    for begin, end in spells.values():
        assert (begin["ph"], end["ph"]) == ("b", "e")
        assert begin["ts"] < end["ts"]
    moved = {int(key.split("-")[1]) for key in spells if key.startswith("transfer")}
    assert all(run.jobs.site[job] != run.jobs.home[job] for job in moved)


def test_counters_are_those_of_the_ledger(run, hour, events):
    powers = [e for e in events if e["ph"] == "C" and e["name"] == "power" and e["pid"] == 2]
    assert len(powers) == 12
    slot = hour.start_ns // run.ledger.slot_ns
    bought_kw = run.ledger.data["import_kwh"][slot, 1] * 12
    assert powers[0]["args"]["import_kw"] == pytest.approx(bought_kw)


def test_the_file_is_what_viewers_read(run, hour, tmp_path):
    path = tmp_path / "timeline.json"
    count = write_timeline(run, hour, path)
    found = json.loads(path.read_text())
    assert len(found["traceEvents"]) == count
    assert found["otherData"]["policy"] == "cheapest"
    assert not any(e.get("cat") == "step" for e in found["traceEvents"])
    names = {e["args"]["name"] for e in found["traceEvents"] if e["name"] == "process_name"}
    assert names == set(run.ledger.sites)
