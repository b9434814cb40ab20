"""From a YAML file to a frozen scenario, or to the list of everything that is wrong with it.

    loaded = load_scenario("scenarios/quickstart.yaml", ["seeds=[1]", "sites.paris.battery=null"])
    loaded.scenario.sites["paris"].gpus.count

The file and its bases are merged, overrides laid on top, omitted kinds written out, and the result
validated. Syntax, keys, units, ranges, consistency, traces and policies are all checked before
anything is reported, and each problem names its file, line and column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cosim.errors import Problem, ScenarioError, TraceError, did_you_mean
from cosim.scenario import locate, names, shape, tables
from cosim.scenario.merge import read_chain, resolve_siblings, without_nulls
from cosim.scenario.model import Scenario
from cosim.scenario.overrides import Setting, apply_overrides, apply_settings
from cosim.scenario.yaml12 import Document, Marks


@dataclass(frozen=True)
class Loaded:
    """A scenario with where it came from.

    Attributes:
        scenario: the validated tree.
        path: the file, as named.
        folder: where its own trace files are looked up.
        text: the file as written.
        resolved: plain data after ``extends``, overrides and defaults of ``kind:``.
        marks: where each part of ``resolved`` was written.
    """

    scenario: Scenario
    path: Path
    folder: Path
    text: str
    resolved: dict[str, Any]
    marks: Marks


@dataclass(frozen=True)
class Draft:
    """A scenario's data before it is checked: read once, varied as often as a study asks.

    Attributes:
        path: the file, as named.
        text: the file as written.
        document: its data with bases and overrides laid together, and their places.
        problems: what was found wrong so far.
    """

    path: Path
    text: str
    document: Document
    problems: tuple[Problem, ...] = ()

    def checked(self, settings: Sequence[Setting] = ()) -> Loaded:
        """Lay settings on top and check everything.

        Raises:
            ScenarioError: carrying every problem found, each with its place.
        """
        document, refused = apply_settings(self.document, settings)
        problems = [*self.problems, *refused]
        data = shape.with_kinds(Scenario, without_nulls(Scenario, document.data))
        scenario, found = _validated(data, document.marks)
        problems += found
        folder, valid = self.path.parent, scenario is not None
        problems += _name_problems(data, document.marks, folder, valid=valid)
        if problems or scenario is None:
            raise ScenarioError(dict.fromkeys(problems))
        return Loaded(scenario, self.path, folder, self.text, data, document.marks)


def draft(path: str | Path, overrides: Sequence[str] = ()) -> Draft:
    """Read and merge a scenario without checking it yet.

    Args:
        path: a YAML file.
        overrides: ``key.path=value`` strings, laid on top in order.

    Raises:
        ScenarioError: it cannot be read.
    """
    file = Path(path)
    text = _text(file)
    document, problems = resolve_siblings(read_chain(file, str(path)))
    document, refused = apply_overrides(document, overrides)
    return Draft(file, text, document, (*problems, *refused))


def load_scenario(path: str | Path, overrides: Sequence[str] = ()) -> Loaded:
    """Read, merge and check a scenario.

    Args:
        path: a YAML file.
        overrides: ``key.path=value`` strings, laid on top in order.

    Raises:
        ScenarioError: carrying every problem found, each with its place.
    """
    return draft(path, overrides).checked()


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig", errors="replace")
    except FileNotFoundError:
        near = sorted(p.name for p in file.parent.glob("*.y*ml"))[:30]
        message = f"no such file{did_you_mean(file.name, near)}"
    except IsADirectoryError:
        message = "is a folder; name a YAML file in it"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    raise ScenarioError([Problem(str(file), 0, 0, "", message)])


def _validated(data: Any, marks: Marks) -> tuple[Scenario | None, list[Problem]]:
    problems = [
        locate.problem(marks, data, loc, message) for loc, message in shape.bools_for_numbers(data)
    ]
    try:
        return Scenario.model_validate(data), problems
    except ValidationError as error:
        return None, problems + list(locate.problems_of(error, data, marks))


def _name_problems(data: Any, marks: Marks, folder: Path, *, valid: bool) -> list[Problem]:
    try:
        found = [*names.findings(data, folder), *tables.findings(data)]
    except TraceError as error:
        found = [((), str(error))]
    if not valid:
        found += list(names.model_and_site_findings(data))
    return [locate.problem(marks, data, loc, message) for loc, message in found]
