"""Does constraints.txt pin everything that the set-up commands install?"""

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def lines(repository):
    text = (repository / "constraints.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def pins(lines):
    return {canonicalize_name(name): version for name, version in (x.split("==") for x in lines)}


def test_each_line_is_one_exact_public_version(lines):
    odd = [x for x in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", x)]
    assert odd == []


def test_lines_are_sorted_and_unique(lines, pins):
    assert lines == sorted(lines, key=str.lower)
    assert len(pins) == len(lines)


@pytest.mark.parametrize("extra", ["core", "dev", "oracle", "learn"])
def test_every_declared_dependency_is_pinned_in_its_range(extra, project, pins):
    extras = {"core": project["dependencies"], **project["optional-dependencies"]}
    for line in extras[extra]:
        wanted = Requirement(line)
        version = pins.get(canonicalize_name(wanted.name))
        assert version is not None, f"{line}: not in constraints.txt; run `make lock`"
        assert Version(version) in wanted.specifier, f"{line}: constraints.txt has {version}"


def test_torch_is_exactly_the_release_of_the_checkpoints(lines, project):
    assert [x for x in lines if x.startswith("torch")] == ["torch==2.13.0"]
    assert "torch==2.13.0" in project["optional-dependencies"]["learn"]


def test_what_the_core_and_the_tests_need_indirectly_is_pinned_too(project, pins):
    waiting = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    seen = set()
    while waiting:
        wanted = Requirement(waiting.pop())
        name = canonicalize_name(wanted.name)
        if name in seen or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        assert name in pins, f"{name} is installed but not pinned; run `make lock`"
        waiting += metadata.requires(wanted.name) or []
    assert len(seen) > len(project["dependencies"])
