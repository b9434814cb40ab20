"""Whether two studies are the same, and if not, where they part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cosim.store.directory import RunDirectory

SHOWN_MAX = 12
_ABSENT = "(absent)"


def differences(found: RunDirectory, asked: RunDirectory) -> list[str]:
    """List what keeps the runs of two studies from being compared; empty if nothing does.

    Policies and seeds may differ: each run stands on its own.
    """
    trees = [_tree(study) for study in (found, asked)]
    lines = list(_walk("scenario", trees[0], trees[1]))
    if found.energy and asked.energy and found.energy != asked.energy:
        lines.append(f"energy: {found.energy} there, {asked.energy} here")
    if found.days != asked.days:
        lines.append(f"days: {_days(found)} there, {_days(asked)} here")
    lines += _walk("versions", found.versions, asked.versions)
    lines += [
        f"trace {ref}: its file has changed"
        for ref, seal in asked.traces.items()
        if found.traces.get(ref, seal) != seal
    ]
    if len(lines) <= SHOWN_MAX:
        return lines
    return [*lines[:SHOWN_MAX], f"… and {len(lines) - SHOWN_MAX} more"]


def _days(study: RunDirectory) -> str:
    return _shown(", ".join(study.days)) if study.days else "the scenario's window"


def _tree(study: RunDirectory) -> dict[str, Any]:
    """A scenario as plain data; sites and models are told apart by their order, too."""
    tree = study.scenario.model_dump(mode="json", by_alias=True)
    orders = {f"{part} in order": list(tree[part]) for part in ("sites", "models")}
    return {**tree, **orders}


def _walk(path: str, there: Any, here: Any) -> Iterator[str]:
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for key in dict.fromkeys([*there, *here]):
            yield from _walk(f"{path}.{key}", there.get(key, _ABSENT), here.get(key, _ABSENT))
    elif there != here:
        yield f"{path}: {_shown(there)} there, {_shown(here)} here"


def _shown(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
