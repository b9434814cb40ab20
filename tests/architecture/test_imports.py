"""Does the everyday command line start without the heavy libraries?"""

import os
import subprocess
import sys
import textwrap

import pytest

HEAVY = {"pandas", "pvlib", "plotly", "torch", "numba", "scipy", "pyarrow"}


ARRAYS = {"numpy", "simpy"}
WORDS = {"click", "rich", "typing", "re", "inspect"}


@pytest.fixture
def heavy_modules_after(modules_after):
    """Top-level names of HEAVY that a fresh interpreter holds after running some code."""
    return lambda code: HEAVY & modules_after(code)


@pytest.fixture
def modules_after(repository, tmp_path):
    """Names of all modules that a fresh interpreter holds after running some code."""
    environment = {**os.environ, "PYTHONPATH": str(repository)}

    def run(code):
        ran = subprocess.run(
            [sys.executable, "-c", f"{code}\nimport sys\nprint('\\n', *sys.modules)"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return set(ran.stdout.splitlines()[-1].split())

    return run


def command_line(*arguments, exit_code=0):
    """Code that runs the command as its entry point does, and holds it to its exit code."""
    return textwrap.dedent(f"""
        import sys
        from cosim.cli.main import main
        sys.argv = ["cosim", *{list(arguments)!r}]
        try:
            code = main()
        except SystemExit as exit:
            code = exit.code
        assert (code or 0) == {exit_code}, code
        """)


@pytest.mark.parametrize("module", ["cosim", "cosim.cli.main", "cosim.decision"])
def test_import_stays_light(module, heavy_modules_after):
    assert heavy_modules_after(f"import {module}") == set()


@pytest.mark.parametrize("module", ["policies.learned.policy", "policies.learned.recipes"])
def test_acting_and_naming_a_learner_load_no_learning_library(module, modules_after):
    assert modules_after(f"import {module}") & {"torch", "gymnasium", "safetensors"} == set()


@pytest.mark.parametrize("option", ["--help", "-h", "--version"])
def test_options_of_the_command_load_no_library_at_all(option, modules_after):
    # what the interpreter loads by itself (a .pth file may import anything) is not ours
    own = modules_after("pass")
    assert modules_after(command_line(option)) & (HEAVY | ARRAYS | WORDS) <= own


def test_validate_of_a_good_scenario_stays_light(modules_after, repository):
    # names and shapes of profile tables are checked with arrays; nothing heavier is needed
    scenario = repository / "scenarios" / "quickstart.yaml"
    assert modules_after(command_line("validate", str(scenario))) & HEAVY == set()


def test_validate_of_a_bad_scenario_stays_light(modules_after, tmp_path):
    (tmp_path / "bad.yaml").write_text("extends: nowhere.yaml\n", encoding="utf-8")
    loaded = modules_after(command_line("validate", "bad.yaml", exit_code=3))
    assert loaded & (HEAVY | ARRAYS) == set()


def test_the_probe_sees_a_heavy_import(heavy_modules_after):
    assert heavy_modules_after("import pandas") >= {"pandas"}
