"""Is the repository in the shape that its readers expect?"""

import ast
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

TOP_LEVEL = {
    *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "NOTICE"),
    *("constraints.txt", "Makefile", "docs"),
    *("cosim", "policies", "scenarios", "traces", "tests", "reports"),
}
LARGEST_FILE_BYTES = 5_000_000
MACHINE_PATHS = re.compile(r"(?<![\w.$~{}-])/(?:work|root|home|tmp)/[\w.-]")


def git(repository, *arguments):
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def tracked(repository):
    """Paths of all files in git that are still in the working tree."""
    names = [repository / name for name in git(repository, "ls-files", "-z").split("\0") if name]
    return [path for path in names if path.is_file()]


def modules(repository):
    """Every Python module of the two packages, with its syntax tree."""
    for package in ("cosim", "policies"):
        for path in sorted((repository / package).rglob("*.py")):
            yield path.relative_to(repository), ast.parse(path.read_text(encoding="utf-8"))


def test_top_level_holds_only_what_is_expected(tracked, repository):
    top = {path.relative_to(repository).parts[0] for path in tracked}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_no_tracked_file_names_a_path_of_one_machine(tracked):
    found = []
    for path in tracked:
        content = path.read_bytes()
        if b"\0" not in content:
            lines = enumerate(content.decode("utf-8").splitlines(), 1)
            found += [f"{path}:{n}" for n, line in lines if MACHINE_PATHS.search(line)]
    assert found == []


def test_no_tracked_file_is_huge(tracked):
    assert [path for path in tracked if path.stat().st_size > LARGEST_FILE_BYTES] == []


def test_every_module_and_public_definition_has_a_docstring(repository):
    missing = []
    for path, tree in modules(repository):
        if not ast.get_docstring(tree):
            missing.append(f"{path}: module")
        missing += [f"{path}:{node.lineno} {node.name}" for node in undocumented(tree)]
    assert missing == []


def undocumented(parent):
    """Public classes, functions and methods beneath `parent` that lack a docstring."""
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in parent.body:
        if isinstance(node, kinds) and not node.name.startswith("_") and not is_overload(node):
            if not ast.get_docstring(node):
                yield node
            if isinstance(node, ast.ClassDef):
                yield from undocumented(node)


def is_overload(node):
    return any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list)


def test_only_the_command_line_prints(repository):
    printing = []
    for path, tree in modules(repository):
        if Path("cosim/cli") not in path.parents:
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            names = [node for node in calls if isinstance(node.func, ast.Name)]
            printing += [f"{path}:{n.lineno}" for n in names if n.func.id == "print"]
    assert printing == []


def test_every_test_module_has_a_name_of_its_own(repository):
    names = Counter(path.name for path in (repository / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_tests_folder_is_no_package(repository):
    assert list((repository / "tests").rglob("__init__.py")) == []
