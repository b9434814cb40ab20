"""Overrides from the command line: ``-o sites.dallas.battery.capacity_kwh=8000``.

A value is read by the same YAML rules as the file, lands at its place before validation, and its
errors point at the flag. Missing mappings on the way are created, so that a misspelt key is
reported as such; list items are named by their index. Sweeps lay their points the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cosim.errors import Problem, ScenarioError
from cosim.scenario import shape
from cosim.scenario.merge import overlay
from cosim.scenario.model import Scenario
from cosim.scenario.yaml12 import Document, Loc, Marks, Place, read_text


@dataclass(frozen=True)
class Setting:
    """A value for one key of a scenario, and where it was asked for.

    Attributes:
        key: dotted path, e.g. ``sites.dallas.gpus.count``.
        value: plain data; None takes the key away.
        place: the flag, or the line of a study file.
    """

    key: str
    value: Any
    place: Place


class _RefusedError(Exception):
    """Raised inside this module with the message of one problem."""


def apply_overrides(
    document: Document, overrides: Sequence[str]
) -> tuple[Document, list[Problem]]:
    """Return the document with ``key=value`` texts laid over it, and every problem found."""
    problems: list[Problem] = []
    for text in overrides:
        key, equals, value = text.partition("=")
        flag = f"-o {text}"
        if not equals or not is_key(key):
            message = "must be key.path=value, e.g. sites.dallas.gpus.count=8"
            problems.append(Problem(flag, 0, 0, "", message))
            continue
        try:
            setting = Setting(key.strip(), _parsed(value, flag), Place(flag))
        except _RefusedError as error:
            problems.append(Problem(flag, 0, 0, key, str(error)))
            continue
        document, refused = apply_settings(document, [setting])
        problems += refused
    return document, problems


def is_key(text: str) -> bool:
    """Whether a text can be a dotted key at all."""
    return bool(text.strip(".")) and all(text.split("."))


def apply_settings(
    document: Document, settings: Sequence[Setting]
) -> tuple[Document, list[Problem]]:
    """Return the document with settings laid over it in order, and every problem found."""
    problems: list[Problem] = []
    for setting in settings:
        key, at = setting.key, setting.place
        try:
            document = _lay(document, key, setting.value, at)
        except _RefusedError as error:
            problems.append(Problem(at.file, at.line, at.column, key, str(error)))
    return document, problems


def wants_whole(document: Document, key: str) -> bool:
    """Whether a key takes whole numbers only; also for keys that the document leaves out."""
    annotation, _ = shape.at(Scenario, document.data, _split(document.data, key))
    options = set(shape.alternatives(annotation))
    return int in options and float not in options


def value_at(data: Any, key: str) -> Any:
    """The value under a dotted key, None where there is none."""
    return shape.at(Any, data, _split(data, key))[1]


def _parsed(text: str, flag: str) -> Any:
    if not text.strip():
        return ""
    try:
        return read_text(text, flag).data
    except ScenarioError as error:
        said = "; ".join(p.message for p in error.problems)
        raise _RefusedError(f"value `{text}` {said}") from None


def _lay(document: Document, key: str, value: Any, flag: Place) -> Document:
    loc = _split(document.data, key)
    annotations: list[Any] = [Scenario]
    data = document.data
    for part in loc:
        annotations.append(shape.child(annotations[-1], data, part))
        data = shape.get(data, part)[1]
    changed = _replaced(document.data, loc, value, annotations, ())
    return Document(changed, _remark(document.marks, loc, flag))


def _split(data: Any, key: str) -> Loc:
    """Split a dotted key, honouring names that themselves hold dots (``models.sd1.5.px``)."""
    loc: list[str | int] = []
    rest = key
    while rest:
        part, rest = _next(data, rest)
        loc.append(part)
        data = shape.get(data, part)[1]
    return tuple(loc)


def _next(data: Any, rest: str) -> tuple[str | int, str]:
    if isinstance(data, dict):
        fits = [k for k in data if rest == str(k) or rest.startswith(f"{k}.")]
        if fits:
            known = max(fits, key=lambda k: len(str(k)))
            return known, rest[len(str(known)) + 1 :]
    head, _, tail = rest.partition(".")
    whole = head.isdecimal() and len(head) < 10
    return (int(head) if whole else head), tail


def _replaced(data: Any, loc: Loc, value: Any, annotations: list[Any], done: Loc) -> Any:
    """Return a copy of the data with the value at ``loc``."""
    if not loc:
        return value
    head, rest = loc[0], loc[1:]
    here, inside = annotations[0], annotations[1:]
    if data is None:
        data = {}
    if isinstance(data, list):
        if not isinstance(head, int) or head >= len(data):
            raise _RefusedError(f"no item `{head}` in a list of {len(data)}; items are 0, 1, …")
        items = list(data)
        items[head] = _replaced(data[head], rest, value, inside, (*done, head))
        return items
    if not isinstance(data, dict):
        path = ".".join(map(str, done))
        raise _RefusedError(
            f"`{path}` is `{data}`, which has no keys; set it whole: -o '{path}={{…}}'"
        )
    new = _replaced(data.get(head), rest, value, inside, (*done, head))
    if head == "kind":
        return overlay(here, data, {"kind": new})
    return {**data, head: new}


def _remark(marks: Marks, loc: Loc, flag: Place) -> Marks:
    """Places after an override: it, everything below and what it created belong to the flag."""
    depth = len(loc)
    keys = {at: p for at, p in marks.keys.items() if at[:depth] != loc}
    values = {at: p for at, p in marks.values.items() if at[:depth] != loc}
    for length in range(1, depth + 1):
        keys.setdefault(loc[:length], flag)
        values.setdefault(loc[:length], flag)
    return Marks(keys, values)
