"""The group of all commands: it knows them by name and imports one when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from cosim import __version__
from cosim.cli.main import COMMANDS, help_text


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

    def get_help(self, ctx: click.Context) -> str:
        """Return the one text that is also printed where click is not loaded."""
        return help_text()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cosim")
def cli() -> None:
    """Co-simulate energy and AIGC workloads across distributed data centres."""
