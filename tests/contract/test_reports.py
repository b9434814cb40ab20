"""Scenarios of published studies are sound but for data that may not be published with them."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from cosim.errors import ScenarioError
from cosim.scenario.load import load_scenario
from cosim.scenario.merge import read_chain
from cosim.scenario.names import trace_refs
from cosim.traces.importers.recipe import FOLDER, read_recipe

REPORTS = Path(__file__).parents[2] / "reports"
SCENARIOS = sorted(
    path for path in REPORTS.glob("*/*.yaml") if "\nsites:" in path.read_text(encoding="utf-8")
)
RECIPES = sorted(REPORTS.glob("*/data.toml"))


def name(path: Path) -> str:
    return path.relative_to(REPORTS).as_posix()


@pytest.mark.parametrize("path", SCENARIOS, ids=name)
def test_nothing_is_wrong_but_absent_data(path):
    try:
        load_scenario(path)
    except ScenarioError as error:
        for problem in error.problems:
            assert f"`{FOLDER}/" in problem.message
            assert "no such file" in problem.message


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_the_recipe_brings_every_file_and_column_that_the_study_names(path):
    brought = {wanted.name: wanted.sort.columns for wanted in read_recipe(path).files}
    refs = [
        ref
        for scenario in SCENARIOS
        if scenario.parent == path.parent
        for _, _, ref in trace_refs(read_chain(scenario, str(scenario)).data)
        if ref.startswith(f"{FOLDER}/")
    ]
    assert refs
    for ref in refs:
        file, _, column = ref.removeprefix(f"{FOLDER}/").partition(":")
        assert file in brought
        assert column in ("", *brought[file])


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_the_recipe_says_whose_data_they_are(path):
    sorts = tomllib.loads(path.read_text(encoding="utf-8"))["sort"]
    assert all(said["source"] and said["licence"] for said in sorts.values())


@pytest.mark.parametrize("path", RECIPES, ids=name)
def test_data_of_others_cannot_be_committed(path):
    asked = ["git", "check-ignore", "-q", str(path.parent / FOLDER / "any.csv.gz")]
    outcome = subprocess.run(asked, cwd=path.parent, check=False, capture_output=True)
    if outcome.returncode == 128:
        pytest.skip("no checkout: a copy of the sources without .git")
    assert outcome.returncode == 0
