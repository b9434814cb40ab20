"""Does a study file mean what it says, and is every mistake in it located?"""

import shutil

import pytest

from cosim.errors import ScenarioError, UsageError
from cosim.scenario.study_file import is_study, read_study
from cosim.study.plan import study_plan


@pytest.fixture
def write(tmp_path, tiny):
    shutil.copy(tiny, tmp_path / "tiny.yaml")

    def put(text, folder="."):
        path = tmp_path / folder / "study.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return put


def problems(path):
    with pytest.raises(ScenarioError) as caught:
        study_plan(read_study(path))
    return {(p.line, p.path): p.message for p in caught.value.problems}


def test_variants_meet_every_point_and_are_compared_with_the_first(write):
    path = write("""kind: study
name: both
scenario: tiny.yaml
set: {workload.transferable: 0.2}
policies: [home]
seeds: [4, 5]
axes: {workload.scale: [1, 2]}
variants:
  as-is: {}
  bare: {sites.north.battery: null}
""")
    plan = study_plan(read_study(path))
    assert [point.label for point in plan.points] == [
        *("as-is, workload.scale=1", "as-is, workload.scale=2"),
        *("bare, workload.scale=1", "bare, workload.scale=2"),
    ]
    assert [point.base for point in plan.points] == [None, None, 0, 1]
    assert (plan.policies, plan.seeds, plan.runs) == (("home",), (4, 5), 8)
    shares = {point.recipe.scenario.workload.transferable for point in plan.points}
    assert shares == {0.2}
    batteries = [point.recipe.scenario.sites["north"].battery for point in plan.points]
    assert [battery is None for battery in batteries] == [False, False, True, True]


def test_points_one_by_one_and_ablations(write):
    path = write("""kind: study
name: listed
scenario: tiny.yaml
points: [{workload.scale: 1}, {workload.scale: 2, money.carbon_usd_per_t: 50}]
ablations: [no-transfer, no-renewables]
""")
    plan = study_plan(read_study(path))
    assert [point.variant for point in plan.points] == ["full"] * 2 + ["no-transfer"] * 2
    assert plan.points[3].recipe.scenario.workload.transferable == 0
    assert plan.points[3].recipe.scenario.money.carbon_usd_per_t == 50
    assert "no-renewables" in plan.notes[0]
    assert plan.points[0].values == {"workload.scale": 1.0, "money.carbon_usd_per_t": 0.0}


def test_ranges_are_sampled(write):
    path = write("""kind: sweep
name: sampled
scenario: tiny.yaml
design: sobol
samples: 8
axes: {workload.scale: {from: 0.5, to: 2, scale: log}, sites.south.gpus.count: {from: 1, to: 4}}
""")
    plan = study_plan(read_study(path))
    counts = [point.settings["sites.south.gpus.count"] for point in plan.points]
    assert sorted(counts) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert all(isinstance(count, int) for count in counts)


def test_a_wrong_value_is_located_where_the_study_file_writes_it(write):
    path = write("""kind: sweep
name: wrong
scenario: tiny.yaml
axes:
  workload.scale: [1, -2]
  workload.sclae: [1]
""")
    found = problems(path)
    assert "must be at least 0" in found[5, "workload.scale"]
    assert "did you mean `scale`" in found[6, "workload.sclae"]


def test_every_mistake_of_the_file_itself_is_told_at_once(write):
    path = write("""kind: sweep
name: wrong
scenario: tiny.yaml
designs: grid
seeds: [1, 1]
axes: {a: {from: 3, to: 1}}
""")
    found = problems(path)
    assert "did you mean `design`" in found[4, "designs"]
    assert "names 1 twice" in found[5, "seeds"]
    assert "must be above `from`" in found[6, "axes.a"]


@pytest.mark.parametrize(
    ("lines", "path", "said"),
    [
        ("axes: {a: [1]}\npoints: [{a: 2}]", "points", "not both"),
        ("axes: {a: [1]}\ndesign: sobol", "design", "samples"),
        ("axes: {a: [1]}\nsamples: 4", "samples", "belongs to"),
        ("axes: {a: [1]}\nvariants: {x: {}}", "variants", "kind: study"),
        ("seeds: [1]", "kind", "nothing is varied"),
    ],
)
def test_parts_that_do_not_go_together(write, lines, path, said):
    file = write(f"kind: sweep\nname: x\nscenario: tiny.yaml\n{lines}\n")
    assert any(p == path and said in m for (_, p), m in problems(file).items())


@pytest.mark.parametrize(
    "named", ["/etc/passwd", "../../../../x.yaml", "http://x/y.yaml", "no.yaml"]
)
def test_the_scenario_lies_near_the_file(write, named):
    file = write(f"kind: sweep\nname: x\nscenario: {named}\naxes: {{a: [1]}}\n", "a/b/c")
    assert list(problems(file)) == [(3, "scenario")]


def test_a_scenario_above_is_found(write, tmp_path):
    text = "kind: sweep\nname: x\nscenario: ../../tiny.yaml\naxes: {workload.scale: [1]}\n"
    plan = study_plan(read_study(write(text, "reports/mine")))
    assert plan.points[0].recipe.base.resolve() == tmp_path.resolve()


def test_a_scenario_is_no_study(write, tiny, tmp_path):
    assert not is_study(tiny)
    assert not is_study(tmp_path / "absent.yaml")
    assert is_study(write("kind: sweep\n"))


def test_the_same_point_twice_is_refused(write):
    text = "kind: sweep\nname: x\nscenario: tiny.yaml\naxes: {workload.scale: [1, 1.0]}\n"
    with pytest.raises(UsageError, match="asked for twice"):
        study_plan(read_study(write(text)))
