"""The command ``cosim``: finds the command that was named and turns every error into a sentence.

    0 ok · 1 bug · 2 usage · 3 bad scenario or trace · 4 balance violated · 5 policy broke its
    contract · 130 interrupted

Command modules are imported when they are called, and they import what they need when they run.
``cosim --help`` does not even load the library that reads the command line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cosim import __version__

COMMANDS = {
    "run": "Run one scenario under one policy and one seed.",
    "compare": "Compare policies on the same scenario and the same seeds.",
    "sweep": "Vary keys of a scenario; points that have run are not run again.",
    "ablate": "Take parts of the model away, one at a time.",
    "regret": "Say what policies lose to hindsight, and to what: lumps, planning, forecasts.",
    "train": "Train a learner on days of a scenario; its checkpoint acts in any run.",
    "report": "Write the HTML report of a run, comparison, sweep or training.",
    "timeline": "Write an hour of a run for a timeline viewer (Perfetto).",
    "shaping": "Train a learner with every kind of shaping and compare them over many seeds.",
    "paper": "Make the figures of the paper and judge its claims, one by one.",
    "reproduce": "Run a report or run folder again and compare the digests.",
    "show": "Say what a scenario contains; --levers: what is at stake in it.",
    "validate": "Check scenario files; every problem with its place.",
    "schema": "Print the JSON Schema or the reference of the scenario file.",
    "traces": "List and check the traces that ship with cosim.",
    "bench": "Time the engines on the same jobs and check that they agree.",
    "policies": "List the policies and energy layers, or describe one.",
}
BUG, INTERRUPTED = 1, 130

_HELP = """Usage: cosim [OPTIONS] COMMAND [ARGS]...

  Co-simulate energy and AIGC workloads across distributed data centres.

  Start with: cosim compare scenarios/quickstart.yaml

Options:
  --version   Show the version and exit.
  -h, --help  Show this message and exit.

Commands:
"""
_AT_ONCE = {("--help",), ("-h",), ("--version",)}


def help_text() -> str:
    """What ``cosim --help`` prints: usage, options and a line for each command."""
    width = max(map(len, COMMANDS))
    rows = (f"  {name:{width}}  {meaning}" for name, meaning in COMMANDS.items())
    return _HELP + "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    sys.exit(_guarded(list(sys.argv[1:] if arguments is None else arguments)))


def _guarded(arguments: list[str]) -> int:
    try:
        code = _at_once(arguments) if tuple(arguments) in _AT_ONCE else _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _hush()
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        return _told(error)
    return code


def _at_once(arguments: list[str]) -> int:
    """Answer what needs no library."""
    version = f"cosim, version {__version__}"
    sys.stdout.write(f"{version if arguments == ['--version'] else help_text()}\n")
    return 0


def _told(error: Exception) -> int:
    """Say in a sentence what went wrong; the exit code."""
    import click

    from cosim.errors import CosimError

    if isinstance(error, CosimError):
        click.echo(str(error), err=True)
        return error.exit_code
    if isinstance(error, click.Abort):
        return _interrupted()
    if os.environ.get("COSIM_DEBUG"):
        raise error
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    click.echo(f"bug: {said} (COSIM_DEBUG=1 shows the traceback; please report it)", err=True)
    return BUG


def _interrupted() -> int:
    sys.stderr.write("interrupted\n")
    return INTERRUPTED


def _invoke(arguments: list[str]) -> int:
    import click

    from cosim.cli.group import cli

    try:
        with cli.make_context("cosim", arguments) as context:
            cli.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0


def _hush() -> int:
    """The reader of our output went away (``| head``): say nothing, also at interpreter exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    return 0
