"""The benchmark: does it measure the same work, and would it notice if it did not?"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from cosim.bench import contest, day, measure, planning, players, startup
from cosim.bench.catalogue import BENCHES, bench, meanings
from cosim.bench.measure import SHARED, Measure, estimate, identical, lap, together, turns
from cosim.bench.players import PLAYERS
from cosim.bench.sheet import Terms
from cosim.bench.sizes import SIZES, Size
from cosim.bench.year import jobs_in_parts
from cosim.cli import main as entry
from cosim.errors import CosimError, UsageError
from cosim.prepare import stage
from cosim.quantities import NS_PER_DAY, NS_PER_HOUR
from cosim.run import staged
from cosim.scenario.load import load_scenario
from cosim.world.events import NsEnvironment

ONE = Measure("fast", (2.0, 1.0, 4.0), 10, 100, 50.0, "same", "bins", events=7)
OWN = ("reference", "fast")
TINY = Size("T", 400, 2, 3)
PLACED = Size("T", 300, 3, 2, engines=OWN, asks=True)
SLOTS = Size("T", 300, 2, 3, engines=OWN, days=2, slot_min=15)
BATCHED = Size("T", 300, 2, 2, engines=OWN, batch_max=4)


@pytest.fixture
def here(monkeypatch):
    """Measure in threads of this process instead of fresh ones, and at a tiny size."""
    monkeypatch.setattr(measure, "one_process", lambda: ThreadPoolExecutor(1))
    monkeypatch.setattr(day, "one_process", lambda: ThreadPoolExecutor(1))
    monkeypatch.setitem(SIZES, "S", replace(TINY, name="S", slow="repeated"))
    monkeypatch.setitem(SIZES, "M", replace(TINY, name="M", jobs=800))
    monkeypatch.setitem(
        SIZES, "Y", replace(TINY, name="Y", jobs=900, days=2, slot_min=15, slow="scaled")
    )
    monkeypatch.setitem(SIZES, "B", replace(BATCHED, name="B"))


@pytest.fixture
def wrong(monkeypatch):
    """An engine that ends one job a nanosecond too late."""

    def play(plan, size):
        played = players._world("reference")(plan, size)
        played.fates.finish_ns[7] += 1
        return played

    monkeypatch.setitem(PLAYERS, "reference", play)


def left_with(*arguments):
    with pytest.raises(SystemExit) as caught:
        entry.main(list(arguments))
    return caught.value.code


@pytest.mark.parametrize("size", [TINY, PLACED, BATCHED, SLOTS])
def test_all_engines_do_the_same_to_every_job(size):
    plan = stage(size.scenario()).plan(5)
    played = {engine: PLAYERS[engine](plan, size) for engine in size.engines}
    for column in SHARED:
        columns = [np.array(getattr(one.fates, column)) for one in played.values()]
        assert all(np.array_equal(columns[0], other) for other in columns[1:]), column
    assert np.array_equal(played["reference"].bins, played["fast"].bins)
    assert {site.batch_max for site in plan.sites} == {size.batch_max}


@pytest.mark.parametrize(("size", "low", "high"), [(TINY, 0.05, 0.3), (PLACED, 0.2, 0.9)])
def test_jobs_move_and_gpus_are_busy(size, low, high):
    """30 % may move and half of them do; where Python is asked, waits decide."""
    plan = stage(size.scenario()).plan(5)
    fates = PLAYERS["fast"](plan, size).fates
    sites = plan.info.service_site[np.asarray(fates.service)]
    assert low < (sites != plan.jobs.home).mean() < high
    busy_ns = (np.asarray(fates.finish_ns) - np.asarray(fates.start_ns)).sum()
    assert 0.6 < busy_ns / (size.sites * size.gpus * plan.window_ns) < 1.1


def test_python_places_jobs_where_the_wait_is_shortest():
    plan = stage(PLACED.scenario()).plan(5)
    rule = players.decider(PLACED)
    rule.reset(plan.info, np.random.default_rng(1))
    job = plan.jobs
    seen = type("Seen", (), {"wait_ns": (7, 3, 3)})
    asked = {"transferable": True, "home": 0, "class_id": int(job.class_id[0])}
    place = rule.rule.place
    assert place(type("Job", (), asked), seen).service == plan.info.home_service[1]
    asked["transferable"] = False
    assert place(type("Job", (), asked), seen).service == plan.info.home_service[0]


def test_events_are_counted_without_being_changed():
    env = NsEnvironment()
    for delay_ns in (1, 2, 3, 50):
        env.timeout(delay_ns)
    env.step()
    assert [env.processed(), env.processed()] == [1, 1]
    env.step()
    env.step()
    assert env.processed() == 3


def test_an_event_per_step_in_the_slow_engines_and_one_per_slot_in_the_fast_one():
    found = {engine: lap(engine, TINY) for engine in TINY.engines}
    steps = found["fast"].steps
    assert steps > 20 * 400
    assert all(steps < found[slow].events < 2 * steps for slow in ("textbook", "reference"))
    assert 288 <= found["fast"].events < 288 + 100
    asked = lap("fast", PLACED)
    assert asked.jobs + 288 <= asked.events < asked.jobs + 288 + 100


def test_a_single_different_job_or_bin_is_noticed():
    assert identical([ONE, replace(ONE, engine="reference"), replace(ONE, bins="")])
    assert not identical([ONE, replace(ONE, digest="other")])
    assert not identical([ONE, replace(ONE, bins="other")])
    assert not identical([ONE, together([ONE, replace(ONE, digest="other")])])


def test_repetitions_become_one_measure_with_the_memory_of_the_first():
    found = together([replace(ONE, cpu_s=(1.0,)), replace(ONE, cpu_s=(3.0,), peak_mb=99.0)])
    assert (found.cpu_s, found.peak_mb, found.steady) == ((1.0, 3.0), 50.0, True)


def test_engines_take_turns():
    assert turns({"a": 2, "b": 2}) == ["a", "b", "a", "b"]
    assert turns({"slow": 1, "fast": 3}) == ["fast", "slow", "fast", "fast"]


def test_an_estimate_scales_with_the_steps_and_proves_nothing():
    scaled = estimate(ONE, replace(ONE, steps=1000, jobs=77, digest="whole"))
    assert scaled.cpu_s == (20.0, 10.0, 40.0)
    assert scaled.median_s == 20.0
    assert scaled.estimated
    assert (scaled.jobs, scaled.peak_mb, scaled.events) == (77, None, None)
    assert identical([replace(ONE, digest="other"), scaled])


def test_engines_are_compiled_before_they_are_timed(monkeypatch):
    """The reference engine's meters are compiled code too; only the textbook model has none."""
    ran = []
    for name in ("textbook", "reference", "fast"):
        monkeypatch.setitem(PLAYERS, name, lambda plan, size, name=name: ran.append(name))
    measure._prepared.cache_clear()
    for name in ("textbook", "reference", "fast"):
        measure._prepared(name, TINY)
    measure._prepared.cache_clear()
    assert ran == ["reference", "fast"]


# --- a year in parts ------------------------------------------------------------------------


def test_a_window_of_one_part_has_the_jobs_of_its_seed():
    on = stage(TINY.scenario())
    whole, parts = on.jobs(3), jobs_in_parts(on, 3)
    assert np.array_equal(whole.arrival_ns, parts.arrival_ns)
    assert np.array_equal(whole.class_id, parts.class_id)


def test_parts_follow_each_other_and_keep_the_delays():
    on = stage(replace(TINY, days=2, jobs=4000).scenario())
    jobs = jobs_in_parts(on, 3, part_ns=7 * NS_PER_HOUR)
    assert 3700 < len(jobs) < 4300
    assert np.all(np.diff(jobs.arrival_ns) >= 0)
    assert jobs.arrival_ns[-1] < 2 * NS_PER_DAY
    counts = np.bincount(jobs.arrival_ns // (12 * NS_PER_HOUR), minlength=4)
    assert counts.min() > 300
    assert 62 < jobs.delay_s.min() < jobs.delay_s.max() < 188
    assert {name: len(set(getattr(jobs, name))) for name in ("home", "images")} == {
        "home": 2,
        "images": 3,
    }


# --- sheets ---------------------------------------------------------------------------------


def test_a_contest_tells_figures_and_ratios(here):
    sheet = bench("S", Terms(repeat=2))
    assert sheet.identical
    assert list(sheet.rows) == ["textbook", "reference", "fast"]
    fast = sheet.rows["fast"]
    assert fast["repeats"] == 2
    assert fast["cpu_s_min"] <= fast["cpu_s"] <= fast["cpu_s_max"]
    assert fast["jobs_per_s"] == pytest.approx(fast["jobs"] / fast["cpu_s"])
    assert fast["steps_per_s"] == pytest.approx(fast["steps"] / fast["cpu_s"])
    assert fast["ratio_reference"] == sheet.rows["reference"]["cpu_s"] / fast["cpu_s"]
    assert sheet.rows["textbook"]["ratio_textbook"] == 1.0
    head, cells = sheet.table()
    assert all(len(row) == len(head) for row in cells)


def test_slow_engines_run_once_where_they_take_minutes(here):
    rows = bench("M", Terms(repeat=3)).rows
    assert [rows[name]["repeats"] for name in rows] == [1, 1, 3]
    assert not any(row["estimated"] for row in rows.values())


@pytest.mark.parametrize(("letter", "quick"), [("M", True), ("Y", False)])
def test_what_is_scaled_up_says_so(here, letter, quick):
    sheet = bench(letter, Terms(repeat=1, quick=quick))
    small = bench("S", Terms(repeat=1))
    assert [row["estimated"] for row in sheet.rows.values()] == [True, True, False]
    assert sheet.rows["fast"]["steps"] > small.rows["fast"]["steps"]
    assert any("estimated" in note for note in sheet.notes)
    assert sheet.identical


def test_batches_have_no_textbook_ratio_and_say_why(here):
    sheet = bench("B", Terms(repeat=1))
    assert [row["ratio_textbook"] for row in sheet.rows.values()] == [None, None]
    assert any("it has no batches" in note for note in sheet.notes)
    assert sheet.identical


def test_an_engine_that_differs_leaves_with_one(here, wrong, capsys):
    assert bench("S", Terms(repeat=1)).identical is False
    assert bench("M", Terms(repeat=1, quick=True)).identical is False
    assert left_with("bench", "--repeat", "1") == 1
    assert "DIFFERENT" in capsys.readouterr().err


def test_json_has_the_machine_and_every_figure(here, capsys):
    import json

    assert left_with("bench", "--repeat", "1", "--json", "-q") == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert shown.err == ""
    assert found["identical"] is True
    assert {"cpu", "cores", "load_average", "versions", "kernels"} <= set(found["machine"])
    wanted = {"cpu_s", "jobs_per_s", "steps_per_s", "peak_mb", "events", "digest"}
    wanted |= {"ratio_textbook", "ratio_reference"}
    assert all(wanted <= set(row) for row in found["engines"].values())


def test_slow_engines_are_scaled_up_from_a_size_they_can_run():
    for size in SIZES.values():
        assert size.small.engines == size.engines
        assert (size.small.asks, size.small.batch_max) == (size.asks, size.batch_max)
        assert size.small.jobs <= max(20_000, size.jobs // 10)


def test_an_unknown_size_is_a_usage_error():
    with pytest.raises(UsageError, match="size `Q` does not exist"):
        bench("Q", Terms())
    assert all(letter in meanings() for letter in BENCHES)


def test_every_contest_has_a_size_and_its_help():
    contests = {letter for letter, (where, _) in BENCHES.items() if where.endswith(":contest")}
    assert contests == set(SIZES)
    assert all(len(size.engines) >= 2 for size in SIZES.values())
    assert contest.COLUMNS[0].heading == "CPU s"


# --- the day and the start ------------------------------------------------------------------


def test_a_day_ends_on_disk_and_both_engines_agree_on_it(pytestconfig):
    on = staged(load_scenario(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"))
    assert day.agree(on, "home")
    found = day.lap(on, "home")
    assert found.jobs > 50
    assert found.steps > 20 * found.jobs
    assert found.files_mb > 0.01
    assert min(found.run_s, found.files_s) > 0.0


def test_commands_are_timed_against_a_bare_interpreter():
    found = startup.timed({"python": ["-c", "pass"], "slow": ["-c", "sum(range(10**7))"]}, 3)
    assert [len(times) for times in found.values()] == [3, 3]
    assert min(found["slow"]) > 1.5 * min(found["python"])
    with pytest.raises(CosimError, match="failed"):
        startup.timed({"python": ["-c", "raise SystemExit(3)"]}, 1)


@pytest.fixture
def small_plans(monkeypatch, pytestconfig):
    """The programs of planners at the scale of two sites and ninety minutes."""
    tiny = staged(load_scenario(pytestconfig.rootpath / "tests" / "data" / "tiny.yaml"))
    monkeypatch.setattr(planning, "_staged", lambda *overrides: tiny)


def test_planners_are_timed_against_their_targets(small_plans, capsys):
    assert left_with("bench", "--size", "O", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    rows = found["programs"]
    assert [row["target_s"] for row in rows.values()] == [10.0, 0.1, 60.0, 30.0]
    assert all(0.0 < row["cpu_s"] < row["target_s"] for row in rows.values())
    certified = [name for name, row in rows.items() if row["gap_percent"] is not None]
    assert certified == ["day ahead, whole numbers"]
    assert 0.0 <= rows[certified[0]]["gap_percent"] <= 0.1
    assert found["notes"] == ["all within their targets"]


def test_a_planner_that_takes_too_long_is_named(small_plans, monkeypatch):
    monkeypatch.setattr(planning, "_week", lambda: {"cpu_s": 30.1})
    sheet = bench("O", Terms())
    assert sheet.notes == ("NOT within target: week by the hour, bound",)
    assert sheet.rows["week by the hour, bound"]["cpu_s"] == 30.1
