"""One hour of a run: do marks, minutes and bars say what the jobs did?"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import numpy as np
import pytest
import report_sample as sample

from cosim.errors import UsageError
from cosim.quantities import NS_PER_HOUR, NS_PER_MIN, NS_PER_S
from cosim.report.figures_hour import decisions
from cosim.report.figures_occupancy import busy_shares, occupancy
from cosim.report.hours import hours_of
from cosim.report.inputs import as_case
from cosim.report.lanes import lanes_of
from cosim.report.panels import panels


def numbers(spec):
    flat = np.frombuffer(base64.b64decode(spec["bdata"]), dtype=f"<{spec['dtype']}")
    return flat.reshape([int(n) for n in spec["shape"].split(",")]) if "shape" in spec else flat


@pytest.fixture(scope="module")
def case():
    return as_case(sample.comparison(("home", "cheapest"), seeds=(1,)))


def test_a_day_has_all_its_hours_and_shows_the_busiest_first(case):
    hours, shown = hours_of(case)
    assert [hour.start.hour for hour in hours] == list(range(24))
    counts = np.bincount(case.first.jobs.arrival_ns // NS_PER_HOUR, minlength=24)
    assert shown == int(np.argmax(counts))


@pytest.mark.parametrize("tz", [None, UTC])
def test_an_hour_that_was_asked_for_is_the_only_one(case, tz):
    asked = datetime(2019, 4, 22, 14, 20, tzinfo=tz)
    hours, shown = hours_of(case, [asked, asked])
    assert (len(hours), shown) == (1, 0)
    assert hours[0].label == "22 Apr 2019 14:00 UTC"
    assert hours[0].start_ns == 14 * NS_PER_HOUR


def test_an_hour_outside_the_window_is_refused_with_the_window(case):
    with pytest.raises(UsageError, match="2019-04-22T00:00 to 2019-04-23T00:00"):
        hours_of(case, [datetime(2019, 4, 23, tzinfo=UTC)])


def test_every_job_of_the_hour_is_a_mark_at_its_tolerance_steps_and_place(case):
    hours, shown = hours_of(case)
    figure = decisions(case, "cheapest", hours[shown], 10_000)
    jobs, sites = case.shown("cheapest").jobs, case.first.ledger.sites
    seen = set()
    for trace in figure["data"]:
        x, y = numbers(trace["x"]), numbers(trace["y"])
        open_marks = numbers(trace["marker"]["symbol"]) >= 100
        rows = numbers(trace["customdata"])
        for tolerated, steps, late, row in zip(x, y, open_marks, rows, strict=True):
            job = int(row[0])
            seen.add(job)
            asked_s = (jobs.deadline_ns[job] - jobs.arrival_ns[job]) / NS_PER_S
            assert tolerated == pytest.approx(asked_s, rel=1e-6)
            assert round(float(steps)) == jobs.steps[job]
            assert late == jobs.late[job]
            assert row[1] == jobs.home[job]
            place = "refused" if jobs.service[job] < 0 else sites[jobs.site[job]]
            assert trace["name"] == place
    assert seen == set(hours[shown].holds(jobs.arrival_ns).tolist())


def test_where_marks_are_picked_the_note_says_so(case):
    hours, shown = hours_of(case)
    figure = decisions(case, "home", hours[shown], 20)
    drawn = sum(len(numbers(trace["x"])) for trace in figure["data"])
    assert 10 <= drawn <= 20
    assert f"{drawn} of " in figure["layout"]["meta"]["note"]


def test_minutes_are_busy_as_counted_second_by_second():
    hour = hours_of(as_case(sample.run("home", 1)))[0][3]
    chance = np.random.default_rng(5)
    start = np.sort(hour.start_ns + chance.integers(-60, 3600, 90) * NS_PER_S)
    finish = start + chance.integers(1, 70, 90) * NS_PER_S
    gpu = chance.integers(0, 2, 90)

    class Jobs:
        site = np.zeros(90, dtype=int)
        start_ns, finish_ns = start, finish

    Jobs.gpu = gpu
    found = np.flatnonzero(finish > hour.start_ns)
    shares = busy_shares(Jobs, found, [(0, 0), (0, 1)], hour)
    for row in range(2):
        second = np.zeros(3600 + 200)
        for j in found[gpu[found] == row]:
            first = (start[j] - hour.start_ns) // NS_PER_S
            last = (finish[j] - hour.start_ns) // NS_PER_S
            second[max(0, first) : last] = 1
        counted = second[:3600].reshape(60, 60).mean(axis=1)
        np.testing.assert_allclose(shares[row], counted, atol=1e-12)


def test_bars_lie_where_the_jobs_ran(case):
    hours, shown = hours_of(case)
    hour, jobs = hours[shown], case.shown("cheapest").jobs
    figure = occupancy(case, "cheapest", hour, 10_000)
    names = figure["layout"]["yaxis"]["ticktext"]
    bars = [trace for trace in figure["data"] if trace["type"] == "bar"]
    seen = 0
    for trace in bars:
        columns = [numbers(trace[name]) for name in ("base", "x", "y", "customdata")]
        for base, length, y, (job, images, steps) in zip(*columns, strict=True):
            j = int(job)
            begun_min = (jobs.start_ns[j] - hour.start_ns) / NS_PER_MIN
            assert base == pytest.approx(begun_min, abs=1e-5)
            took_min = (jobs.finish_ns[j] - jobs.start_ns[j]) / NS_PER_MIN
            assert length == pytest.approx(took_min, rel=1e-5)
            site = case.first.ledger.sites[jobs.site[j]]
            assert names[round(float(y))] == f"{site} · GPU {jobs.gpu[j]}"
            assert (images, steps) == (jobs.images[j], jobs.steps[j])
            seen += 1
    inside = (jobs.start_ns >= 0) & (jobs.start_ns < hour.end_ns)
    assert seen == int((inside & (jobs.finish_ns > hour.start_ns)).sum()) > 50
    assert figure["layout"]["meta"]["until"] == 60.0


def test_too_many_bars_end_where_the_page_says(case):
    hours, shown = hours_of(case)
    figure = occupancy(case, "home", hours[shown], 40)
    bars = [trace for trace in figure["data"] if trace["type"] == "bar"]
    starts = np.concatenate([numbers(trace["base"]) for trace in bars])
    until = figure["layout"]["meta"]["until"]
    assert len(starts) == 40
    assert starts.max() <= until < 60.0
    assert "puts them in" in occupancy(case, "home", hours[shown], 0)["layout"]["meta"]["note"]


def test_jobs_that_share_a_gpu_do_not_cover_each_other():
    class Jobs:
        site = np.zeros(4, dtype=int)
        gpu = np.zeros(4, dtype=int)
        start_ns = np.array([0, 10, 20, 40])
        finish_ns = np.array([30, 25, 50, 60])

    place, height = lanes_of(Jobs, np.arange(4), [(0, 0)])
    assert len(set(height)) == 1
    for a in range(4):
        for b in range(a):
            together = Jobs.start_ns[a] < Jobs.finish_ns[b]
            together &= Jobs.start_ns[b] < Jobs.finish_ns[a]
            if together:
                assert abs(place[a] - place[b]) >= height[0] - 1e-12
    assert place.min() - height[0] / 2 >= -0.5
    assert place.max() + height[0] / 2 <= 0.5


def test_a_large_study_keeps_its_page_small(case):
    hours, shown = hours_of(case)
    for panel in panels(case, hours, shown)["hour"]:
        assert len(panel.figures) == len(case.policies) * len(hours)
        assert len(panel.data) < 1_500_000
