"""The command ``cosim``: finds the command that was named and turns every error into a sentence.

    0 ok · 1 bug · 2 usage · 3 bad scenario or trace · 4 balance violated · 5 policy broke its
    contract · 130 interrupted

Command modules are imported when they are called, and they import what they need when they run, so
that ``cosim --help`` stays fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from cosim import __version__
from cosim.errors import CosimError

COMMANDS = {
    "run": "Run one scenario under one policy and one seed.",
    "compare": "Compare policies on the same scenario and the same seeds.",
    "report": "Write the HTML report of a run or comparison.",
    "reproduce": "Run a report or run folder again and compare the digests.",
    "show": "Say what a scenario contains; --levers: what is at stake in it.",
    "validate": "Check scenario files; every problem with its place.",
    "schema": "Print the JSON Schema or the reference of the scenario file.",
    "traces": "List and check the traces that ship with cosim.",
    "bench": "Time the engines on the same jobs and check that they agree.",
    "policies": "List the policies and energy layers, or describe one.",
}
BUG, INTERRUPTED = 1, 130


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command; None lets click say that there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"cosim.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cosim")
def cli() -> None:
    """Co-simulate energy and AIGC workloads across distributed data centres.

    Start with: cosim compare scenarios/quickstart.yaml
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    sys.exit(_guarded(list(sys.argv[1:] if arguments is None else arguments)))


def _guarded(arguments: list[str]) -> int:
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _hush()
    except CosimError as error:
        click.echo(str(error), err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("COSIM_DEBUG"):
            raise
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        click.echo(f"bug: {said} (COSIM_DEBUG=1 shows the traceback; please report it)", err=True)
        return BUG
    return code


def _invoke(arguments: list[str]) -> int:
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
