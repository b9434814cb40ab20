"""Exit codes, words on stderr, JSON on stdout: the manners of every command."""

import json
import os
import subprocess
import sys

import pytest

from cosim import __version__, errors
from cosim.cli import console, folders
from cosim.cli import main as entry
from cosim.cli.group import cli
from cosim.cli.main import COMMANDS
from cosim.scenario.load import load_scenario


def left_with(*arguments):
    with pytest.raises(SystemExit) as caught:
        entry.main(list(map(str, arguments)))
    return caught.value.code


@pytest.fixture
def failing(monkeypatch):
    """Let a command end in an error."""

    def put(error):
        def fail(*_):
            raise error

        monkeypatch.setattr(entry, "_invoke", fail)

    return put


def test_help_lists_every_command(capsys):
    assert left_with("--help") == 0
    text = capsys.readouterr().out
    for name, meaning in COMMANDS.items():
        assert name in text
        assert meaning.split()[0] in text


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name, capsys):
    assert left_with(name, "--help") == 0
    assert "Usage: cosim" in capsys.readouterr().out


def test_the_version_is_the_package_s(capsys):
    assert left_with("--version") == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nope"],
        ["validate"],
        ["validate", "x.yaml", "--nope"],
        ["compare", "x.yaml", "--seeds", "1,x"],
        ["compare", "x.yaml", "--seeds", "1,1"],
        ["compare", "x.yaml", "--seeds", "-1"],
        ["compare", "x.yaml", "--jobs", "0"],
        ["compare", "x.yaml", "--engine", "nope"],
        ["compare", "x.yaml", "-p", "home", "-p", "home"],
        ["policies", "nope"],
        ["reproduce", "nope.html"],
        ["report", "nope"],
    ],
)
def test_words_that_make_no_sense_are_usage_errors(arguments, capsys):
    assert left_with(*arguments) == 2
    assert capsys.readouterr().out == ""


def test_seed_and_seeds_exclude_each_other(tiny, capsys):
    assert left_with("compare", tiny, "--seed", "1", "--seeds", "1,2") == 2
    assert "not both" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError("u"), 2),
        (errors.ScenarioError([errors.Problem("f", 1, 2, "a.b", "wrong")]), 3),
        (errors.TraceError("t"), 3),
        (errors.BalanceError("b"), 4),
        (errors.PolicyError("p", "bad", slot=3), 5),
        (errors.RunInterrupted("resume with …"), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_has_its_exit_code_and_no_traceback(error, code, failing, capsys):
    failing(error)
    assert left_with("policies") == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert (str(error) or "interrupted") in shown.err
    assert "Traceback" not in shown.err


def test_a_bug_is_one_line_that_says_how_to_see_more(failing, capsys, monkeypatch):
    monkeypatch.delenv("COSIM_DEBUG", raising=False)
    failing(ZeroDivisionError("division by zero\nsecond line"))
    assert left_with("policies") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("bug: ZeroDivisionError: division by zero (COSIM_DEBUG=1")


def test_the_traceback_of_a_bug_can_be_had(failing, monkeypatch):
    monkeypatch.setenv("COSIM_DEBUG", "1")
    failing(ZeroDivisionError("division by zero"))
    with pytest.raises(ZeroDivisionError):
        entry.main(["policies"])


def test_a_reader_that_leaves_is_no_error(repository_root):
    code = "from cosim.cli.main import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    with subprocess.Popen(
        [sys.executable, "-c", code, "schema"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as ran:
        ran.stdout.close()
        said = ran.stderr.read().decode()
        assert ran.wait(timeout=60) == 0
    assert "Error" not in said
    assert "Traceback" not in said


def test_json_goes_to_stdout_and_words_to_stderr(tiny, capsys):
    assert left_with("show", tiny, "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["scenario"]["name"] == "tiny"
    assert shown.err == ""
    assert left_with("show", tiny) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1] == f"next: cosim show {tiny} --levers"


def test_show_gives_sizes_at_scale(tiny, capsys):
    assert left_with("show", tiny, "-o", "scale=3") == 0
    shown = capsys.readouterr().err
    assert "6 a100" in shown
    assert "6.0 kWh" in shown
    assert "7,200 jobs a day" in shown


def test_show_lists_the_traces_with_their_owners(tiny, capsys):
    price = "sites.north.grid.price=price/dayahead_de_fr_nl_be_2019:price_de_eur_mwh"
    assert left_with("show", tiny, "-o", price) == 0
    assert "2019-01-01 – 2019-12-31" in capsys.readouterr().err


def test_schema_prints_json_or_markdown(capsys):
    assert left_with("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "cosim scenario"
    assert left_with("schema", "--markdown") == 0
    assert capsys.readouterr().out.startswith("# The scenario file")


def test_traces_are_listed_and_checked(capsys):
    assert left_with("traces", "list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)["traces"]
    assert {"weather", "price", "carbon"} <= {trace["kind"] for trace in listed}
    assert left_with("traces", "list", "--kind", "price") == 0
    assert "price/dayahead_nl_2015_2024" in capsys.readouterr().err
    assert left_with("traces", "check", "price/smard_dayahead_11zones_2018", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert left_with("traces", "check", "price/smard_dayahead_11zones_2081") == 3
    assert "did you mean `price/smard_dayahead_11zones_2018`?" in capsys.readouterr().err


def test_policies_are_listed_and_described(capsys):
    assert left_with("policies", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert "greedy-utility" in found["schedule"]
    assert "self-consumption" in found["energy"]
    assert left_with("policies", "home") == 0
    shown = capsys.readouterr().err
    assert "home" in shown
    assert "greedy" not in shown


def test_numbers_that_are_not_finite_are_null_in_json(capsys):
    console.emit_json({"a": float("nan"), "b": [float("inf"), 1.5], 3: (1, None)})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "3": [1, None]}


def test_progress_without_a_terminal_is_a_few_plain_lines(capsys):
    with console.progress("runs") as advance:
        for done in range(101):
            advance(done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "runs: 0/100",
        "runs: 25/100",
        "runs: 50/100",
        "runs: 75/100",
        "runs: 100/100",
    ]


def test_quiet_progress_says_nothing(capsys):
    with console.progress("runs", quiet=True) as advance:
        advance(1, 1)
    assert capsys.readouterr().err == ""


def test_tables_hold_words_that_look_like_markup(capsys):
    console.table(("a", "b"), [("[red]x[/red]", "1")])
    assert "[red]x[/red]" in capsys.readouterr().err


def test_folders_are_new_and_found_again(tmp_path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    scenario = load_scenario(tiny).scenario
    first = folders.output_folder(scenario, None, resume=False)
    first.mkdir(parents=True)
    assert folders.output_folder(scenario, None, resume=False) != first
    assert folders.output_folder(scenario, None, resume=True) == first
    other = load_scenario(tiny, ["scale=2"]).scenario
    with pytest.raises(errors.UsageError, match="nothing of this `tiny`"):
        folders.output_folder(other, None, resume=True)
    (tmp_path / "file").touch()
    with pytest.raises(errors.UsageError, match="is a file"):
        folders.output_folder(scenario, tmp_path / "file", resume=False)
    with pytest.raises(errors.UsageError, match="is not empty"):
        folders.output_folder(scenario, tmp_path, resume=False)
    assert folders.output_folder(scenario, tmp_path, resume=True) == tmp_path


def test_shipped_scenarios_are_found_from_any_folder(tmp_path, monkeypatch, repository_root):
    from cosim.cli import options

    monkeypatch.chdir(tmp_path)
    shipped = repository_root / "scenarios" / "made-for-this-test.yaml"
    assert options.found("scenarios/made-for-this-test.yaml").parts[0] == "scenarios"
    monkeypatch.setattr("cosim.traces.catalogue.bundled", lambda name: tmp_path / "shipped")
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / shipped.name).touch()
    found = options.found(f"scenarios/{shipped.name}")
    assert found == tmp_path / "shipped" / shipped.name
    assert options.found(f"scenarios/../{shipped.name}").parts[0] == "scenarios"


def test_the_group_is_the_entry_point():
    assert cli.name == "cli"
    assert set(COMMANDS) == set(cli.list_commands(None))


@pytest.mark.parametrize(
    ("engine", "compiled", "told"),
    [("fast", False, True), ("fast", True, False), ("reference", False, False)],
)
def test_a_first_compile_is_told_only_where_it_happens(
    engine, compiled, told, capsys, monkeypatch
):
    monkeypatch.setattr("cosim.cache.kernels_are_compiled", lambda: compiled)
    console.tell_of_compiling(engine)
    assert ("compiled at its first run" in capsys.readouterr().err) == told
    console.tell_of_compiling(engine, quiet=True)
    assert capsys.readouterr().err == ""
