"""Does a sweep run each point once, wherever it runs, and lose nothing that has finished?"""

import json
import pickle
import shutil
import textwrap
from concurrent.futures import Executor, Future

import pytest

from cosim.errors import CosimError, RunInterrupted, UsageError
from cosim.report.effects import curve, stops
from cosim.run import run
from cosim.scenario.load import draft
from cosim.store.points import PointStore
from cosim.store.tables import read_results
from cosim.study import sweep as sweeping
from cosim.study.compare import compare
from cosim.study.design import Axis, axis_of
from cosim.study.plan import ablation_plan, sweep_plan
from cosim.study.sweep import addresses, folder_of, sweep
from cosim.study.sweep_results import load_sweep
from cosim.study.units import Unit, attempt

FILES = ("results.csv", "results.parquet", "summary.json")
POLICIES = ("home", "greedy-utility")


class Elsewhere(Executor):
    """Another machine: what goes there and back is pickled, and the last asked ends first."""

    def __init__(self):
        self.waiting = []

    def submit(self, function, /, *arguments):
        future = Future()
        self.waiting.append((future, pickle.dumps((function, arguments))))
        if len(self.waiting) == 3:
            self.finish()
        return future

    def finish(self):
        for future, sent in reversed(self.waiting):
            function, arguments = pickle.loads(sent)
            future.set_result(pickle.loads(pickle.dumps(function(*arguments))))
        self.waiting.clear()


def planned(path, *, loads="0.5,1,2", seeds=(1, 2), policies=POLICIES, design="one-at-a-time"):
    axis = axis_of(f"workload.scale={loads}", "--grid")
    return sweep_plan(draft(path), [axis], design=design, policies=policies, seeds=seeds)


@pytest.fixture(scope="module")
def plan(tiny):
    return planned(tiny, loads="0.5,2", seeds=(1, 2, 3))


@pytest.fixture(scope="module")
def whole(plan, tmp_path_factory):
    return sweep(plan, tmp_path_factory.mktemp("sweep") / "whole")


@pytest.fixture
def counted(monkeypatch):
    """How many units each call of the runner was given."""
    counts = []
    real = sweeping.run_units

    def counting(stages, units, **how):
        counts.append(len(units))
        return real(stages, units, **how)

    monkeypatch.setattr(sweeping, "run_units", counting)
    return counts


def contents(found):
    return [(found.folder / name).read_bytes() for name in FILES]


def test_every_run_is_that_of_its_own_scenario(whole, tiny):
    doubled = draft(tiny, ["workload.scale=2"]).checked().scenario
    for seed in (1, 3):
        alone = run(doubled, policy="greedy-utility", seed=seed)
        mark = whole.points[2].marks["greedy-utility", seed]
        assert mark.digest == alone.digest
        assert mark.kpis["utility_usd"] == alone.kpis["utility_usd"]


def test_changes_and_leads_are_paired_by_seed(whole):
    base, point = whole.points[0], whole.points[2]
    changes = [
        point.marks["home", s].kpis["utility_usd"] - base.marks["home", s].kpis["utility_usd"]
        for s in (1, 2, 3)
    ]
    cell = whole.change(2, "home", "utility_usd")
    assert cell["diff"] == pytest.approx(sum(changes) / 3)
    assert cell["ci95"][0] < cell["diff"] < cell["ci95"][1]
    leads = [
        point.marks["greedy-utility", s].kpis["late_share"]
        - point.marks["home", s].kpis["late_share"]
        for s in (1, 2, 3)
    ]
    assert whole.lead(2, "greedy-utility", "late_share")["diff"] == pytest.approx(sum(leads) / 3)


@pytest.mark.parametrize("how", ["processes", "elsewhere"])
def test_where_it_runs_changes_no_byte(how, plan, whole, tmp_path):
    far = Elsewhere()
    asked = {"jobs": 2} if how == "processes" else {"executor": far}
    found = sweep(plan, tmp_path / how, **asked)
    assert found.digest == whole.digest
    assert contents(found) == contents(whole)


def test_what_has_finished_is_not_run_again(plan, whole, tmp_path, counted):
    folder = tmp_path / "half"
    shutil.copytree(whole.folder, folder)
    kept = sorted((folder / "points").iterdir())
    for file in kept[:5]:
        file.unlink()
    (folder / "points" / f".{kept[0].name}.99.tmp").write_text('{"digest": "ab')  # as kill -9 does
    before = {file: file.stat().st_mtime_ns for file in kept[5:]}
    found = sweep(plan, folder)
    assert counted == [5]
    assert contents(found) == contents(whole)
    assert {file: file.stat().st_mtime_ns for file in kept[5:]} == before
    assert not list((folder / "points").glob(".*"))


def test_a_sweep_that_grows_runs_only_what_is_new(tiny, whole, tmp_path, counted):
    folder = tmp_path / "grown"
    shutil.copytree(whole.folder, folder)
    grown = planned(tiny, loads="0.5,1.5,2", seeds=(1, 2, 3, 4))
    found = sweep(grown, folder)
    assert counted == [4 * 2 + 1 * 2 * 3]  # a fourth seed everywhere, a new point on three
    assert found.finished == found.total == 32


def test_points_that_are_the_same_scenario_run_once(tiny, tmp_path, counted):
    found = sweep(planned(tiny, loads="1,2", seeds=(1,), policies=("home",)), tmp_path / "same")
    assert counted == [2]  # scale 1 is what the scenario has
    assert found.points[0].marks == found.points[1].marks


def test_a_stop_keeps_what_has_finished_and_says_how_to_go_on(plan, whole, tmp_path):
    def stop(done, total):
        if done >= total // 2:
            raise KeyboardInterrupt

    with pytest.raises(RunInterrupted, match="same command again"):
        sweep(plan, tmp_path / "s", progress=stop)
    half = load_sweep(tmp_path / "s")
    assert 0 < half.finished < half.total
    assert len(half.columns()["seed"]) == half.finished
    assert json.dumps(half.to_json(), allow_nan=False)
    assert contents(sweep(plan, tmp_path / "s")) == contents(whole)


def test_a_lost_cluster_is_told_and_what_came_back_is_kept(plan, whole, tmp_path):
    class Breaking(Elsewhere):
        calls = 0

        def finish(self):
            self.calls += 1
            if self.calls == 1:
                return super().finish()
            for future, _ in self.waiting:
                future.cancel()
                future.set_running_or_notify_cancel()
            return self.waiting.clear()

    with pytest.raises(CosimError, match="connection to the cluster was lost"):
        sweep(plan, tmp_path / "lost", executor=Breaking())
    assert load_sweep(tmp_path / "lost").finished == 3
    assert contents(sweep(plan, tmp_path / "lost")) == contents(whole)


def test_an_error_names_its_run_and_keeps_the_others(tiny, tmp_path, monkeypatch):
    plugin = """
        from cosim.decision import Decision
        from policies.heuristics.static import Home

        class Wrong(Home):
            def decide(self, seen):
                return Decision(dispatch=42) if seen.slot == 2 else super().decide(seen)
        """
    (tmp_path / "odd_sweep_plugin.py").write_text(textwrap.dedent(plugin), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    names = ("home", "odd_sweep_plugin:Wrong")
    with pytest.raises(CosimError, match="odd_sweep_plugin:Wrong"):
        sweep(planned(tiny, loads="0.5,2", policies=names, seeds=(1,)), tmp_path / "e")
    assert load_sweep(tmp_path / "e").finished == 1


def test_the_fingerprint_follows_everything_that_a_run_depends_on(tiny, tmp_path, monkeypatch):
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(tiny, own / "tiny.yaml")
    plugin = tmp_path / "mended_plugin.py"
    plugin.write_text("from policies.heuristics.static import Home as Mine\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def named(*overrides, policy="home", seed=1):
        axis = axis_of("workload.scale=2", "g")
        plan = sweep_plan(draft(tiny, overrides), [axis], policies=[policy], seeds=[seed])
        return set(addresses(plan).values())

    base = named()
    assert named("seeds=[7, 8]", "about=anything") == base
    assert named("policy.compare=[home, cheapest]") == base
    fixed = "policy.compare=[home, {use: fixed-steps, name: mine, with: {steps: %d}}]"
    assert named(fixed % 10) == base
    assert named(fixed % 10, policy="mine") != named(fixed % 14, policy="mine")
    changed = [
        named(seed=2),
        named(policy="cheapest"),
        named(policy="home+idle"),
        named("money.carbon_usd_per_t=1"),
        named("policy.energy=idle"),
        named("policy.compare=[{use: home, with: {steps: 22}}]"),
        named(policy="mended_plugin:Mine"),
    ]
    assert len({frozenset(one) for one in (base, *changed)}) == 8
    before = named(policy="mended_plugin:Mine")
    plugin.write_text("from policies.heuristics.static import Random as Mine\n", encoding="utf-8")
    from cosim.study.code import policy_seal

    policy_seal.cache_clear()
    assert named(policy="mended_plugin:Mine") != before


def test_a_trace_file_of_ones_own_counts_too(tiny, tmp_path):
    shutil.copy(tiny, tmp_path / "tiny.yaml")
    rows = [f"2019-04-22T{h:02d}:00:00Z,{40 + h}.0" for h in range(24)]
    file = tmp_path / "price.csv"
    file.write_text("\n".join(["utc,price_usd_mwh", *rows, ""]), encoding="utf-8")
    price = "sites.south.grid.price={kind: trace, trace: ./price.csv:price_usd_mwh}"
    base = draft(tmp_path / "tiny.yaml", [price])
    axis = axis_of("workload.scale=2", "g")
    plan = sweep_plan(base, [axis], policies=["home"], seeds=[1])
    before = addresses(plan)
    file.write_text(file.read_text(encoding="utf-8").replace("40.0", "41.0"), encoding="utf-8")
    assert addresses(plan) != before


def test_a_worker_with_other_code_refuses(plan):
    from dataclasses import replace

    other = replace(plan.points[0].recipe, code="0" * 32)
    outcome = attempt(other, Unit("home", 1, keep=False))
    with pytest.raises(CosimError, match="another version"):
        outcome.unwrap()


def test_the_default_folder_is_found_again_and_differs_with_the_sweep(tiny, plan, tmp_path):
    assert folder_of(plan, addresses(plan)) == folder_of(plan, addresses(plan))
    other = planned(tiny, loads="0.5,2", seeds=(1, 2))
    assert folder_of(other, addresses(other)) != folder_of(plan, addresses(plan))


def test_a_folder_of_something_else_is_left_alone(plan, tmp_path):
    (tmp_path / "mine.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds no sweep"):
        sweep(plan, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt"]


def test_damage_is_told(plan, whole, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(whole.folder, folder)
    file = next((folder / "points").iterdir())
    file.write_text('{"digest": 3}', encoding="utf-8")
    with pytest.raises(UsageError, match="remove it and go on"):
        load_sweep(folder)
    (folder / "sweep.json").write_text('{"format": 1}', encoding="utf-8")
    with pytest.raises(UsageError, match="damaged"):
        load_sweep(folder)
    with pytest.raises(UsageError, match="fingerprint"):
        PointStore(folder).get("../../etc/passwd")


def test_the_table_is_the_same_in_both_forms(whole):
    table = read_results(whole.folder, "results")
    assert table["policy"] == [p for _ in range(3) for p in POLICIES for _ in range(3)]
    assert table["workload.scale"][::6] == [1.0, 0.5, 2.0]
    lines = (whole.folder / "results.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",") == list(table)
    assert len(lines) == 1 + whole.total
    assert float(lines[1].split(",")[lines[0].split(",").index("utility_usd")]) == pytest.approx(
        table["utility_usd"][0], abs=0
    )
    assert not {"decide_ms_p50", "decide_ms_p99"} & set(table)


# --- ablations ------------------------------------------------------------------------------


def test_an_ablation_takes_one_part_away_and_leaves_the_rest(tiny):
    plan = ablation_plan(draft(tiny, ["policy.energy=paper-inner"]), policies=["price-aware"])
    names = [point.variant for point in plan.points]
    assert names == [
        *("full", "no-transfer", "fixed-steps", "no-dvfs", "no-battery"),
        *("perfect-forecast", "one-layer"),
    ]
    assert plan.notes == ("no-renewables: no site has sun or wind",)
    assert [point.base for point in plan.points] == [None, 0, 0, 0, 0, 0, 0]
    scenarios = {point.variant: point.recipe.scenario for point in plan.points}
    full = scenarios["full"]
    assert scenarios["no-battery"].sites["north"].battery is None
    assert scenarios["no-battery"].sites["north"].gpus == full.sites["north"].gpus
    assert scenarios["one-layer"].policy.energy.use == "idle"
    assert scenarios["perfect-forecast"].forecast.kind == "perfect"
    untouched = {"workload": full.workload, "forecast": full.forecast, "models": full.models}
    for part, value in untouched.items():
        assert getattr(scenarios["no-dvfs"], part) == value


def test_an_ablation_is_the_run_without_the_part(tiny, tmp_path):
    plan = ablation_plan(
        draft(tiny), names=["no-transfer", "no-dvfs"], policies=["greedy-utility"], seeds=[1, 2]
    )
    found = sweep(plan, tmp_path / "a")
    alone = draft(tiny, ["workload.transferable=0"]).checked().scenario
    lost = [
        run(alone, policy="greedy-utility", seed=s).kpis["utility_usd"]
        - found.points[0].marks["greedy-utility", s].kpis["utility_usd"]
        for s in (1, 2)
    ]
    cell = found.change(1, "greedy-utility", "utility_usd")
    assert cell["diff"] == pytest.approx(sum(lost) / 2)
    assert found.change(2, "greedy-utility", "utility_usd")["diff"] == 0  # clocks are full anyway


def test_nothing_to_take_away_is_told(tiny):
    with pytest.raises(UsageError, match="no site has sun or wind"):
        ablation_plan(draft(tiny), names=["no-renewables"])


# --- days -------------------------------------------------------------------------------------

DAYS = ("2019-04-23", "2019-04-25..2019-04-26")


def on_days(path, *more, key="test_days", **asked):
    axis = axis_of("workload.scale=0.5,2", "--grid")
    base = draft(path, [f"{key}=[{', '.join(DAYS)}]", *more])
    return sweep_plan(base, [axis], policies=POLICIES, **asked)


def test_a_sweep_plays_the_days_that_a_comparison_plays(tiny, tmp_path):
    plan = on_days(tiny, seeds=(1, 2))
    found = sweep(plan, tmp_path / "days")
    assert found.days == ("2019-04-23", "2019-04-25", "2019-04-26")
    assert (found.total, found.repeats) == (2 * 2 * 6, "3 days with 2 seeds each")
    loaded = draft(tiny, [f"test_days=[{', '.join(DAYS)}]", "workload.scale=2"]).checked()
    alone = compare(loaded, policies=POLICIES, seeds=(1, 2))
    assert tuple(alone.seeds) == found.seeds
    for (policy, seed), result in alone.results.items():
        assert found.points[1].marks[policy, seed].digest == result.digest
    cell = found.lead(1, "greedy-utility", "utility_usd")
    own = alone.paired["greedy-utility"]["utility_usd"]
    assert cell["diff"] == pytest.approx(own["diff"])
    assert cell["ci95"] == pytest.approx(own["ci95"])
    mean = alone.table["home"]["utility_usd"]
    assert found.mean(1, "home", "utility_usd")["ci95"] == pytest.approx(mean["ci95"])
    table = found.columns()
    assert table["day"][:6] == [d for d in found.days for _ in range(2)]
    assert load_sweep(tmp_path / "days").to_json() == found.to_json()


def test_days_on_processes_give_the_same_bytes_and_what_is_kept_is_not_played_again(
    tiny, tmp_path, counted
):
    plan = on_days(tiny, seeds=(1,))
    here, there = (sweep(plan, tmp_path / str(jobs), jobs=jobs) for jobs in (1, 2))
    assert contents(here) == contents(there)
    more = on_days(tiny, "seeds=[5]", seeds=(1, 3))
    sweep(more, here.folder)
    assert counted == [12, 12, 12]  # only seed 3, on every day at both points


def test_a_curve_over_days_has_as_many_values_as_days(tiny, tmp_path):
    found = sweep(on_days(tiny, seeds=(1, 2)), tmp_path / "c")
    (low, high) = curve(found, stops(found, "workload.scale"), "home", "utility_usd")
    cell = found.mean(0, "home", "utility_usd")
    assert (low.low, low.high) == pytest.approx(cell["ci95"])
    assert high.value > low.value


def test_other_days_are_played_where_they_are_asked_for(tiny):
    window = on_days(tiny, days="window")
    assert (window.days, window.seeds) == ((), (1, 2))
    assert window.stages().keys() == {"0", "1"}
    train = on_days(tiny, key="train_days", days="train")
    assert [day.isoformat() for day in train.days] == ["2019-04-23", "2019-04-25", "2019-04-26"]
    starts = {recipe.scenario.clock.start.date() for recipe in train.stages().values()}
    assert starts == set(train.days)
    with pytest.raises(UsageError, match="has no `train_days`"):
        on_days(tiny, days="train")


def test_a_sweep_of_the_window_is_found_again_after_days_were_added(tiny):
    plain = set(addresses(planned(tiny, loads="0.5,2", design="grid")).values())
    assert set(addresses(on_days(tiny, days="window", seeds=(1, 2))).values()) == plain
    assert not set(addresses(on_days(tiny, seeds=(1, 2))).values()) & plain


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        ("test_days=2019-04-23,2019-04-24", "points differ in their test_days"),
        ("clock.start=2019-04-22T08:00:00Z,2019-05-01T08:00:00Z", "these points are no others"),
    ],
)
def test_points_that_could_not_be_paired_by_day_are_refused(tiny, axis, said):
    base = draft(tiny, [f"test_days=[{DAYS[0]}]"])
    key, _, values = axis.partition("=")
    spans = [[v] if key == "test_days" else v for v in values.split(",")]
    with pytest.raises(UsageError, match=said):
        sweep_plan(base, [Axis(key, axis_of("scale=1", "g").place, tuple(spans))])


def test_ablations_play_the_days_too(tiny):
    base = draft(tiny, [f"test_days=[{DAYS[0]}]"])
    plan = ablation_plan(base, names=["no-transfer"], seeds=[4])
    assert plan.seeds == (420190423,)
    assert {r.scenario.clock.start.date() for r in plan.stages().values()} == set(plan.days)


def test_a_learner_that_has_seen_the_days_or_the_window_is_named(tiny, tmp_path):
    def learner(name, *dates):
        (tmp_path / name).mkdir()
        facts = json.dumps({"trained": {"dates": dates, "held_out": []}})
        (tmp_path / name / "actor.json").write_text(facts, encoding="utf-8")
        return f"sac@{tmp_path / name}"

    of_day, of_window = learner("day", "2019-04-25"), learner("window", "2019-04-22")
    axis = axis_of("workload.scale=1,2", "g")
    base = draft(tiny, [f"test_days=[{', '.join(DAYS)}]"])
    names = ["home", of_day, of_window]
    for days, seen in ((None, of_day), ("window", of_window)):
        plan = sweep_plan(base, [axis], policies=names, days=days)
        (caution,) = plan.cautions
        assert caution.startswith(f"not out of sample: {seen} was trained or chosen on 2019-04-2")
    starts = Axis("clock.start", axis.place, ("2019-04-22T08:00:00Z", "2019-04-25T08:00:00Z"))
    assert len(sweep_plan(draft(tiny), [starts], policies=names).cautions) == 2
