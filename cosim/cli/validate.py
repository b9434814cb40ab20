"""``cosim validate``: every problem of every file, with its place, in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cosim.cli import console, options
from cosim.errors import Problem, ScenarioError

if TYPE_CHECKING:
    from pathlib import Path

    from cosim.scenario.model import Scenario


@click.command("validate")
@click.argument("paths", nargs=-1, required=True, metavar="SCENARIO...")
@options.overrides_option
@options.json_option
def command(paths: tuple[str, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """Check scenario and study files; nothing is run."""
    problems: list[Problem] = []
    files = []
    for path in paths:
        found = _problems(path, overrides, quiet=as_json)
        files.append({"file": path, "ok": not found, "problems": [_row(p) for p in found]})
        problems += found
    if as_json:
        console.emit_json({"ok": not problems, "files": files})
    if problems:
        raise ScenarioError(problems)
    console.next_step(f"cosim compare {paths[0]}")


def _problems(path: str, overrides: tuple[str, ...], *, quiet: bool) -> tuple[Problem, ...]:
    from cosim.scenario.study_file import is_study

    try:
        found = options.found(path)
        size = _study(found, overrides) if is_study(found) else _scenario(path, overrides)
    except ScenarioError as error:
        return error.problems
    if not quiet:
        console.say(f"{path}: fine ({size})")
    return ()


def _scenario(path: str, overrides: tuple[str, ...]) -> str:
    return _size(options.load(path, overrides).scenario)


def _study(path: Path, overrides: tuple[str, ...]) -> str:
    """Check a study file, all of its points included."""
    from cosim.scenario.study_file import read_study
    from cosim.study.plan import study_plan

    plan = study_plan(read_study(path), overrides)
    days = f" on each of {len(plan.days)} days" if plan.days else ""
    size = f"{len(plan.points)} points, {len(plan.policies)} policies, {plan.seeds_each} seeds"
    return f"{size}{days}"


def _size(scenario: Scenario) -> str:
    slots = round(scenario.clock.days * 1440 / scenario.clock.slot_minutes)
    return f"{len(scenario.sites)} sites, {len(scenario.models)} models, {slots} slots"


def _row(problem: Problem) -> dict[str, str | int]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
    }
