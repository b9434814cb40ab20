"""What a folder of work was begun for, and whether that is what is asked of it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.store.atomic import read_json


def read_terms(path: Path, version: int) -> dict[str, Any]:
    """Read a JSON object that says in which format it was written.

    Raises:
        UsageError: it cannot be read, was damaged, or has another format.
    """
    found = read_json(path)
    if found.get("format") != version:
        said = f"format {found.get('format')!r}"
        raise UsageError(f"{path} has {said}; this version reads format {version}")
    return found


def differing(
    found: Mapping[str, Any], asked: Mapping[str, Any], names: Sequence[str]
) -> list[str]:
    """A line for each of some terms that is another one now."""
    return [
        f"{name}: {found.get(name)!r} there, {asked[name]!r} now"
        for name in names
        if found.get(name) != asked[name]
    ]


def refuse_another(folder: Path, what: str, differs: Sequence[str]) -> None:
    """Refuse to go on where something differs.

    Args:
        folder: where the work lies.
        what: what is there, in a word.
        differs: a line for each difference.

    Raises:
        UsageError: naming everything that differs.
    """
    if differs:
        listed = "\n".join(f"  {line}" for line in differs)
        raise UsageError(
            f"{folder} holds another {what}, so it cannot be resumed; what differs:\n{listed}\n"
            "name another folder with --out, or make them the same"
        )
