"""Every scenario that ships is sound, runs, and has something at stake."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosim.run import run
from cosim.scenario.load import load_scenario
from cosim.scenario.study_file import is_study, read_study
from cosim.study.levers import levers
from cosim.study.plan import study_plan

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "scenarios").rglob("*.yaml"))
STUDIES = [path for path in FILES if is_study(path)]
SCENARIOS = [path for path in FILES if path not in STUDIES]
SHORT = ["clock.days=0.020833333333333332", "workload.scale=0.1"]
THIN = ["workload.scale=0.02"]
"""A window that ends before what it is about would be a mistake: what-ifs run whole, but thin."""
LATER = {"paper-everything": ["sites.paris.grid.demand_response=null"]}
"""What comes after the first half hour, and so would be a mistake in a window that ends there."""


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SCENARIOS, ids=name)
def test_scenario_loads_and_a_small_part_of_it_runs(path):
    later = LATER.get(load_scenario(path).scenario.name, [])
    whole = path.parent.name == "what-if"
    loaded = load_scenario(path, THIN if whole else [*SHORT, *later])
    result = run(loaded, seed=loaded.scenario.seeds[0])
    assert result.kpis["jobs"] > 0
    assert result.ledger.data["residual_kwh"].max() < 1e-9
    told = {warning.partition(":")[0] for warning in result.warnings}
    assert ("mixed years" in told) == loaded.scenario.clock.mixed_years


@pytest.mark.parametrize("path", STUDIES, ids=name)
def test_every_point_of_a_study_is_sound(path):
    text = read_study(path)
    plan = study_plan(text)
    assert len(plan.points) > 1
    assert len(plan.seeds) >= 3
    assert plan.about == text.study.about != ""


def assert_relevant(path: str, overrides: list[str], seeds: list[int]) -> None:
    table = levers(load_scenario(ROOT / path, overrides), seeds=seeds, jobs=2)
    failed = [f"{row.name}: {row.detail}" for row in table.rows if not row.passed]
    assert table.passed, failed


@pytest.mark.parametrize("name", ["base", "base-small", "flex", "everything"])
def test_every_lever_of_the_papers_scenarios_is_at_stake(name):
    assert_relevant(f"scenarios/paper/{name}.yaml", [], [1])


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["base", "base-small", "flex"])
def test_every_lever_is_at_stake_on_two_seeds(name):
    assert_relevant(f"scenarios/paper/{name}.yaml", [], [1, 2])
