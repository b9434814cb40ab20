"""Does the workload say what the scenario asked for, and refuse what it cannot mean?"""

from __future__ import annotations

import gzip
import math
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cosim.errors import TraceError
from cosim.quantities import NS_PER_DAY, NS_PER_HOUR, NS_PER_S
from cosim.traces.arrivals import (
    PROFILES,
    Demand,
    Gamma,
    Mmpp,
    Surge,
    arrivals_ns,
    diurnal_rate,
    generate,
    profile_named,
)
from cosim.traces.catalogue import bundled
from cosim.traces.fit import fit_workload
from cosim.traces.jobs import JobSet, class_of, classes
from cosim.traces.marks import (
    Choice,
    ExponentialDelay,
    Flexible,
    LogNormalDelay,
    Marks,
    UniformDelay,
)
from cosim.traces.replay import read_jobs_csv
from cosim.traces.requests import read_requests

MARKS = Marks()
EDGES = {"delay_edges_s": MARKS.delay_edges_s(4), "image_edges": MARKS.image_edges()}
DAY = {"start_utc_ns": 0, "duration_ns": NS_PER_DAY, "seed": 5}


def replay(path: Path, **changes: object) -> JobSet:
    options = {
        "name": path.name,
        "sites": ("paris", "berlin"),
        "models": ("sd15", "sdxl"),
        "marks": MARKS,
        **DAY,
        **EDGES,
        **changes,
    }
    return read_jobs_csv(path, **options)  # type: ignore[arg-type]


def written(folder: Path, text: str) -> Path:
    path = folder / "requests.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_office_profile_peaks_at_1_6_times_its_mean() -> None:
    office = PROFILES["office"]
    assert np.mean(office) == pytest.approx(1.0, abs=1e-15)
    assert max(office) == 1.6
    assert office.index(max(office)) == 14


def test_night_profile_is_the_one_of_the_cited_table() -> None:
    table = tomllib.loads((bundled("traces") / "profiles/workload_gentd26.toml").read_text())
    spells = {"h00": 1, "h01_04": 4, "h05_15": 11, "h16_20": 5, "h21_23": 3}
    shares = [table["gentd26-night"][key] for key, hours in spells.items() for _ in range(hours)]
    assert sum(shares) == pytest.approx(100.0)
    assert PROFILES["gentd26-night"] == pytest.approx([24 * s / 100 for s in shares])
    assert shares[0] == table["whole"]["share_pct_hour_0"]
    assert sum(shares[21:]) == pytest.approx(table["whole"]["share_pct_hours_21_23"])


def test_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(TraceError, match="did you mean `office`"):
        profile_named("ofice")


def test_profile_follows_local_time_through_a_change_of_the_clock() -> None:
    """Paris, 31 March 2019: at 01:00 UTC local time jumps from 02:00 to 03:00."""
    only_hour_3 = tuple(float(h == 3) for h in range(24))
    offsets = (1.0,) + (2.0,) * 23
    rate = diurnal_rate(Demand("p", 0, 24.0, only_hour_3, utc_offset_h=offsets), 0, NS_PER_DAY)
    busy = rate.jobs > 0
    assert rate.edges_ns[:-1][busy].tolist() == [NS_PER_HOUR]
    assert rate.jobs.sum() == pytest.approx(24.0)


def test_half_hour_zone_and_late_start_are_cut_at_the_local_hour() -> None:
    only_hour_6 = tuple(float(h == 6) for h in range(24))
    demand = Demand("delhi", 0, 24.0, only_hour_6, utc_offset_h=(5.5,))
    rate = diurnal_rate(demand, 10 * 60 * NS_PER_S, 4 * NS_PER_HOUR)
    begin_ns = rate.edges_ns[:-1][rate.jobs > 0]
    assert begin_ns[0] == 20 * 60 * NS_PER_S
    assert rate.jobs.sum() == pytest.approx(24.0)


def test_no_job_falls_in_an_hour_without_demand() -> None:
    shop = tuple(float(9 <= h < 17) for h in range(24))
    for process in (Gamma(3.0), Mmpp(8, 60, 600)):
        hours = arrivals_ns(Demand("s", 0, 5000.0, shop, process), **DAY) // NS_PER_HOUR
        assert len(hours) > 1000
        assert hours.min() >= 9
        assert hours.max() < 17


def test_a_surge_multiplies_the_rate_of_its_time_and_no_other() -> None:
    calm = Demand("s", 0, 48_000.0)
    surge = replace(calm, surges=(Surge(6 * NS_PER_HOUR, 8 * NS_PER_HOUR, 3.0),))
    before, after = (arrivals_ns(d, **DAY) // NS_PER_HOUR for d in (calm, surge))
    in_surge = (after >= 6) & (after < 8)
    assert in_surge.sum() == pytest.approx(3 * 2 * 2000, abs=4 * math.sqrt(12_000))
    assert (~in_surge).sum() == pytest.approx(22 * 2000, abs=4 * math.sqrt(44_000))
    assert np.array_equal(before[before < 6], after[after < 6])


def test_surges_that_overlap_multiply_and_a_factor_of_nothing_ends_demand() -> None:
    twice = Surge(0, 2 * NS_PER_HOUR, 2.0)
    nothing = Surge(NS_PER_HOUR, 3 * NS_PER_HOUR, 0.0)
    hours = arrivals_ns(Demand("s", 0, 24_000.0, surges=(twice, nothing)), **DAY) // NS_PER_HOUR
    assert (hours == 0).sum() == pytest.approx(2000, abs=4 * math.sqrt(2000))
    assert not ((hours == 1) | (hours == 2)).any()
    assert (hours >= 3).sum() == pytest.approx(21_000, abs=4 * math.sqrt(21_000))


def test_no_demand_and_no_window_give_no_jobs() -> None:
    nothing = generate([Demand("a", 0, 0.0)], MARKS, **DAY, **EDGES)
    assert len(nothing) == 0
    window = {**DAY, "duration_ns": 0}
    assert len(generate([Demand("a", 0, 10.0)], MARKS, **window, **EDGES)) == 0


def test_a_window_beyond_memory_is_refused() -> None:
    with pytest.raises(TraceError, match="lower jobs_per_day"):
        arrivals_ns(Demand("a", 0, 1e12), **DAY)


def test_wrong_number_of_offsets_is_refused() -> None:
    with pytest.raises(TraceError, match="one per hour"):
        arrivals_ns(Demand("a", 0, 10.0, utc_offset_h=(1.0, 2.0)), **DAY)


@pytest.mark.parametrize("build", [
    lambda: Gamma(0.0),
    lambda: Mmpp(0.5, 10, 10),
    lambda: Mmpp(2, 0.1, 10),
    lambda: Surge(5, 5, 1.0),
    lambda: Surge(0, 5, -1.0),
    lambda: Demand("a", 0, -1.0),
    lambda: Demand("a", 0, 1.0, (1.0,) * 23),
    lambda: Demand("a", 0, 1.0, (0.0,) * 24),
    lambda: Choice((1,), (-1.0,)),
    lambda: Choice((), ()),
    lambda: classes((0.0, 0.0), (1, 2)),
])  # fmt: skip
def test_meaningless_parameters_are_refused(build: object) -> None:
    with pytest.raises(ValueError, match=r"must be|weights|no time"):
        build()  # type: ignore[operator]


def test_class_of_agrees_with_the_bounds_of_the_classes() -> None:
    jobs = generate([Demand("a", 0, 3000.0)], MARKS, **DAY, **EDGES)
    listed = classes(**EDGES)
    assert len(listed) == 4 * 2 * 2
    for job in range(len(jobs)):
        of = listed[jobs.class_id[job]]
        assert of.delay_lo_s <= jobs.delay_s[job] < of.delay_hi_s
        assert of.transferable == jobs.transferable[job]
        assert of.images_lo <= jobs.images[job] <= of.images_hi


def test_delay_classes_are_equally_likely_and_flexible_jobs_have_their_own() -> None:
    for delay in (UniformDelay(100.0), LogNormalDelay(60.0, 0.8), ExponentialDelay(90.0)):
        marks = Marks(delay=delay)
        delay_s = marks.draw(1, "a", 20_000).delay_ns / NS_PER_S
        counts, _ = np.histogram(delay_s, marks.delay_edges_s(4))
        assert counts / 20_000 == pytest.approx([0.25] * 4, abs=0.015)
    flexible = Marks(flexible=Flexible(0.25))
    assert flexible.delay_edges_s(4)[-2:] == (3600.0, math.inf)
    patient = flexible.draw(1, "a", 20_000).delay_ns >= 3600 * NS_PER_S
    assert patient.mean() == pytest.approx(0.25, abs=0.015)


def test_a_job_outside_all_bins_belongs_to_the_nearest() -> None:
    ids = class_of(
        np.array([1.0, 999.0]), np.array([False, False]), np.array([1, 9], dtype=np.int32),
        (10.0, 20.0, 30.0), (2, 4, 6),
    )  # fmt: skip
    assert ids.tolist() == [0, 5]


def test_sizes_follow_images() -> None:
    jobs = generate([Demand("a", 0, 500.0)], MARKS, **DAY, **EDGES)
    assert np.array_equal(jobs.output_mb, jobs.images * MARKS.mb_per_image)
    assert set(jobs.input_mb) == {MARKS.mb_per_prompt}
    assert set(jobs.model_asked) == {-1}


def test_arrays_of_a_job_set_cannot_be_changed() -> None:
    jobs = generate([Demand("a", 0, 500.0)], MARKS, **DAY, **EDGES)
    with pytest.raises(ValueError, match="read-only"):
        jobs.images[0] = 7


def test_replay_keeps_what_is_recorded_and_draws_the_rest(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "t_s,home,images,steps,tolerated_s,transferable,model\n"
        "0.5,berlin,4,40,60,no,sdxl\n"
        "2,,,,,yes,\n",
    )
    jobs = replay(path)
    assert jobs.arrival_ns.tolist() == [NS_PER_S // 2, 2 * NS_PER_S]
    assert (jobs.home[0], jobs.images[0], jobs.steps_asked[0]) == (1, 4, 40)
    assert (jobs.delay_s[0], jobs.model_asked[0]) == (60.0, 1)
    assert jobs.transferable.tolist() == [False, True]
    assert 62.5 <= jobs.delay_s[1] < 187.5


def test_replay_places_utc_stamps_in_the_window(tmp_path: Path) -> None:
    path = written(
        tmp_path, "time_utc\n1969-12-31T00:00:00Z\n".replace("1969", "1999")
        + "2000-01-01T00:00:05Z\n2000-01-01T03:00:00+02:00\n2000-01-03T00:00:00Z\n",
    )  # fmt: skip
    jobs = replay(path, start_utc_ns=946_684_800 * NS_PER_S)
    assert jobs.arrival_ns.tolist() == [5 * NS_PER_S, NS_PER_HOUR]
    with pytest.raises(TraceError, match="no request falls in the window"):
        replay(path, start_utc_ns=0)


def test_replay_repeats_and_scales(tmp_path: Path) -> None:
    path = written(tmp_path, "t_s\n" + "".join(f"{k}\n" for k in range(1000)))
    once = replay(path)
    again = replay(path, repeat_ns=NS_PER_HOUR)
    assert len(once) == 1000
    assert len(again) == 24_000
    half, more = replay(path, scale=0.5), replay(path, scale=2.25)
    assert set(half.arrival_ns) < set(once.arrival_ns) < set(more.arrival_ns)
    assert len(half) == pytest.approx(500, abs=60)
    assert len(more) == pytest.approx(2250, abs=60)
    assert len(replay(path, scale=0.0)) == 0


def test_bundled_hour_plays_as_a_burst_shape() -> None:
    path = bundled("traces") / "jobs/azure_llm_2023_conv_1h.csv.gz"
    with gzip.open(path, "rt") as rows:
        count = sum(1 for _ in rows) - 1
    jobs = replay(path, repeat_ns=NS_PER_HOUR, duration_ns=2 * NS_PER_HOUR)
    assert len(jobs) == 2 * count
    first = jobs.arrival_ns[:count]
    assert np.array_equal(jobs.arrival_ns[count:], first + NS_PER_HOUR)


def test_every_mistake_is_reported_with_its_line(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "t_s,home,images,tolerated_s,transferable,model\n"
        "5,pariss,1,10,yes,sd15\n"
        "3,paris,0,10,yes,sd15\n"
        "6,paris,1.5,nan,perhaps,sd14\n"
        "6,paris,1,-4,no,sdxl\n",
    )
    with pytest.raises(TraceError) as caught:
        replay(path)
    text = str(caught.value)
    for needle in (
        "line 2: `home`: no site `pariss` — did you mean `paris`?",
        "line 3: goes back by 2 s",
        "line 3: `images`: `0` is not a whole number",
        "line 4: `images`: `1.5`",
        "line 4: `model`: no model `sd14`",
        "line 4: `tolerated_s`: `nan`",
        "line 4: `transferable`: `perhaps`",
        "line 5: `tolerated_s`: `-4`",
    ):
        assert needle in text
    assert "8 problems" in text


@pytest.mark.parametrize(("text", "needle"), [
    ("t_s\n", "no requests"),
    ("", "no requests"),
    ("t_s,time_utc\n1,2019-01-01T00:00:00Z\n", "either `t_s` or `time_utc`"),
    ("images\n1\n", "either `t_s` or `time_utc`"),
    ("t_s,image\n1,2\n", "did you mean `images`"),
    ("t_s,t_s\n1,2\n", "appears twice"),
    ("t_s,images\n1\n", "1 fields where the head has 2"),
    ("t_s\n-1\n", "not a number of seconds"),
    ("t_s\nnan\n", "not a number of seconds"),
    ("t_s\ninf\n", "not a number of seconds"),
    ("time_utc\n2019-03-31T02:30:00\n", "without an offset from UTC"),
    ("time_utc\nyesterday\n", "is not a stamp"),
    ('t_s,home\n1,"par\n', "not a CSV file"),
])  # fmt: skip
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, text: str, needle: str) -> None:
    with pytest.raises(TraceError, match=needle.replace("?", r"\?")):
        replay(written(tmp_path, text))


def test_long_lists_of_mistakes_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path, "t_s\n" + "x\n" * 50)
    with pytest.raises(TraceError, match="and 30 more"):
        read_requests(path, "mine")


def test_fit_reads_columns_of_other_traces_and_needs_enough_rows(tmp_path: Path) -> None:
    rows = "".join(f"{k * 600},{1 + k % 2},30\n" for k in range(300))
    fit = fit_workload(written(tmp_path, "t_s,num_images,num_steps\n" + rows))
    assert fit.images == {1: 0.5, 2: 0.5}
    assert fit.steps_asked == {30: 1.0}
    assert fit.jobs_per_day == pytest.approx(144.0)
    assert fit.gap_cv == pytest.approx(0.0)
    assert fit.mmpp is None
    assert fit.profile == pytest.approx([1.0] * 24)
    assert fit.scenario()["arrivals"]["process"] == {"kind": "gamma", "cv": 0.01}
    with pytest.raises(TraceError, match="at least 100"):
        fit_workload(written(tmp_path, "t_s\n1\n2\n"))
