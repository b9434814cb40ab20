"""``cosim policies``: what can be named after ``-p`` and in ``policy:``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cosim.cli import console, options
from cosim.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from cosim.plugins import Group


TITLES: tuple[tuple[Group, str], ...] = (
    ("schedule", "scheduling policies"),
    ("energy", "energy layers"),
    ("learner", "learners: train them, then -p NAME@FOLDER"),
)


@click.command("policies")
@click.argument("name", required=False)
@options.json_option
def command(name: str | None, as_json: bool) -> None:
    """List the policies, energy layers and learners, or describe the one called NAME."""
    from cosim.plugins import available

    found = {kind: available(kind) for kind, _ in TITLES}
    if name is not None:
        known = [n for names in found.values() for n in names]
        if name not in known:
            raise UsageError(f"no policy `{name}`{did_you_mean(name, known)}")
        found = {
            kind: {n: text for n, text in names.items() if n == name}
            for kind, names in found.items()
        }
    if as_json:
        console.emit_json(found)
        return
    for kind, title in TITLES:
        if found[kind]:
            console.table(("name", "what it does"), list(found[kind].items()), title=title)
    if name in found["learner"]:
        console.next_step(f"cosim train scenarios/quickstart.yaml -p {name}")
        return
    example = name if name in found["schedule"] else "NAME"
    console.next_step(f"cosim compare scenarios/quickstart.yaml -p home -p {example}")
