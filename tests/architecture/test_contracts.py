"""Do the imports keep to the dependency direction that .importlinter declares?"""

import os
import subprocess
import sys
import textwrap

import pytest
from importlinter.api import read_configuration

LINT = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports({arguments}))"


def lint(folder, arguments="no_cache=True"):
    """Run import-linter in `folder`, on the packages it finds there."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", LINT.format(arguments=arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_contracts_are_kept(repository):
    ran = lint(repository)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("cosim/quantities.py", "import cosim.world"),
        ("cosim/world/extra.py", "import pandas"),
        ("cosim/decision.py", "from simpy import Environment"),
        ("cosim/physics/extra.py", "import pydantic"),
        ("cosim/study/extra.py", "import pyarrow.parquet"),
        ("cosim/world/extra.py", "import policies"),
        ("cosim/newcomer.py", "VALUE = 1"),
        ("policies/extra.py", "from cosim.world import clock"),
        ("policies/extra.py", "import torch"),
    ],
)
def test_each_kind_of_breach_is_caught(module, line, tmp_path, repository):
    config = (repository / ".importlinter").read_text(encoding="utf-8")
    (tmp_path / ".importlinter").write_text(config, encoding="utf-8")
    make_packages(tmp_path)
    assert lint(tmp_path).returncode == 0
    (tmp_path / module).write_text(line + "\n", encoding="utf-8")
    ran = lint(tmp_path)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 broken" in ran.stdout or "2 broken" in ran.stdout


def make_packages(folder):
    """A miniature of both packages, which keeps every contract."""
    for package in ("cosim", "cosim/world", "cosim/physics", "cosim/study", "policies"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").touch()
    files = {"cosim": ("quantities", "errors", "rng", "decision"), "cosim/world": ("clock",)}
    for package, names in files.items():
        for name in names:
            (folder / package / f"{name}.py").touch()


def test_every_third_party_library_of_the_core_has_a_doorway(repository):
    config = read_configuration(str(repository / ".importlinter"))
    doorways = [c for c in config["contracts_options"] if ": only in " in c["name"]]
    guarded = {library for each in doorways for library in each["forbidden_modules"]}
    libraries = textwrap.dedent(
        "simpy pydantic yaml pvlib numba pyarrow plotly jinja2 click rich highspy torch gymnasium"
    )
    assert guarded >= set(libraries.split())
