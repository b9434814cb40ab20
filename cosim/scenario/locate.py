"""From what pydantic reports to what a user can mend: place, path, allowed range, nearest fix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cosim.errors import Problem, did_you_mean
from cosim.scenario import shape
from cosim.scenario.model import Scenario
from cosim.scenario.yaml12 import Loc, Marks, Place

_BOUNDS = {
    "greater_than": ("gt", "must be above"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be below"),
    "less_than_equal": ("le", "must be at most"),
}
_WRONG_TYPE = {
    "model_type": "a mapping (`key: value` lines)",
    "model_attributes_type": "a mapping (`key: value` lines)",
    "dict_type": "a mapping (`key: value` lines)",
    "tuple_type": "a list, e.g. [1, 2]",
    "list_type": "a list, e.g. [1, 2]",
    "string_type": "a text; quote it",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "finite_number": "a finite number",
}
_UNIT_STEPS = {  # suffix a user may write → (suffix of the key, factor)
    "_mwh": ("_kwh", "1000"),
    "_wh": ("_kwh", "0.001"),
    "_mw": ("_kw", "1000"),
    "_w": ("_kw", "0.001"),
    "_kw": ("_w", "1000"),
    "_ms": ("_s", "0.001"),
    "_s": ("_ms", "1000"),
    "_gb": ("_mb", "1000"),
    "_kb": ("_mb", "0.001"),
    "_minutes": ("_seconds", "60"),
    "_seconds": ("_minutes", "1/60"),
    "_per_mwh": ("_per_kwh", "0.001"),
    "_usd_mwh": ("_usd_per_kwh", "0.001"),
}


def place_of(marks: Marks, loc: Loc, *, key: bool) -> Place:
    """Return the place of the longest part of ``loc`` that was written somewhere.

    Args:
        marks: places of the scenario's keys and values.
        loc: the location meant.
        key: point at the key rather than at its value.
    """
    first, second = (marks.keys, marks.values) if key else (marks.values, marks.keys)
    for length in range(len(loc), -1, -1):
        part = loc[:length]
        chosen = (first if length == len(loc) else marks.keys).get(part) or second.get(part)
        chosen = chosen or marks.values.get(part)
        if chosen is not None:
            return chosen
    return Place("")


def problem(
    marks: Marks, data: Any, loc: Loc, message: str, *, key: bool = False, root: Any = Scenario
) -> Problem:
    """Return the problem of one location; a mapping is pointed at by its key."""
    _, value = shape.at(root, data, loc)
    place = place_of(marks, loc, key=key or isinstance(value, dict))
    return Problem(place.file, place.line, place.column, ".".join(map(str, loc)), message)


def problems_of(
    error: ValidationError, data: Any, marks: Marks, root: Any = Scenario
) -> Iterator[Problem]:
    """Yield every problem of a failed validation, in the user's terms.

    Args:
        error: what pydantic found.
        data: what it looked at.
        marks: where each part of that was written.
        root: the model; a study file has another than a scenario.
    """
    for details in error.errors(include_url=False):
        if details["type"] == "consistency":
            for loc, message in details["ctx"]["findings"]:
                yield problem(marks, data, tuple(loc), message, root=root)
            continue
        loc, off_branch = _user_loc(details, data, root)
        if not off_branch:
            message = _message(details, loc, data, root)
            blamed = _blamed(details, loc, data, root)
            yield problem(marks, data, blamed, message, key=_at_key(details), root=root)


def _at_key(details: ErrorDetails) -> bool:
    return details["type"] in ("extra_forbidden", "missing") or "[key]" in details["loc"]


def _blamed(details: ErrorDetails, loc: Loc, data: Any, root: Any) -> Loc:
    """A wrong ``kind:`` is its own fault, not that of the mapping around it."""
    value = shape.at(root, data, loc)[1]
    wrong_kind = details["type"] == "union_tag_invalid" and isinstance(value, dict)
    return (*loc, "kind") if wrong_kind else loc


def _user_loc(details: ErrorDetails, data: Any, root: Any) -> tuple[Loc, bool]:
    """Strip union tags off pydantic's location.

    Returns:
        the location in the user's data, and whether the error belongs to a branch of a union that
        this data was not meant for (a preset's name where a list was written).
    """
    loc: list[str | int] = []
    annotation = root
    off_branch = False
    left = list(details["loc"])
    while left:
        part = left.pop(0)
        if part == "[key]":
            break
        if part in (tags := shape.kinds(annotation)):
            annotation = tags[str(part)]
            continue
        found, value = shape.get(data, part)
        if not found and not (details["type"] == "missing" and not left):
            off_branch = off_branch or _off_branch(str(part), data)
            continue
        annotation, data = shape.child(annotation, data, part), value
        loc.append(part)
    return tuple(loc), off_branch


def _off_branch(label: str, data: Any) -> bool:
    wants_list = label.startswith(("tuple", "list"))
    return wants_list != isinstance(data, list)


def _message(details: ErrorDetails, loc: Loc, data: Any, root: Any) -> str:
    kind, ctx = details["type"], details.get("ctx", {})
    annotation, value = shape.at(root, data, loc)
    if "[key]" in details["loc"]:
        return f"the key `{loc[-1]}` {_wrong_type(kind, loc[-1]) or details['msg']}"
    if kind == "extra_forbidden":
        return _unknown_key(loc, data, root)
    if kind == "missing":
        return _missing(loc, data, root)
    if kind in ("union_tag_invalid", "literal_error", "union_tag_not_found"):
        return _choice(annotation, value)
    return _wrong_type(kind, value) or _wrong_value(kind, value, ctx) or _told(details, value)


def _told(details: ErrorDetails, value: Any) -> str:
    """The model's own sentence, or as the last resort pydantic's."""
    if details["type"] == "value_error":
        return str(details["ctx"]["error"])
    return f"{_shown(value)}: {details['msg']}"


def _wrong_value(kind: str, value: Any, ctx: dict[str, Any]) -> str:
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"is {_shown(value)}; {words} {ctx[name]:g}{_scaled(value, ctx)}"
    shown = _shown(value)
    said = {
        "too_short": f"{shown} is too short; needs at least {ctx.get('min_length')}",
        "string_too_short": f"{shown} is too short; needs at least {ctx.get('min_length')}",
        "too_long": f"{shown} has too many items; at most {ctx.get('max_length')}",
        "string_pattern_mismatch": f"{shown} is not a name: letters, digits, `.`, `_` and `-`",
    }
    if kind.startswith("datetime"):
        return f"{shown} is not an instant; write e.g. 2019-04-22T00:00:00Z"
    return said.get(kind, "")


def _wrong_type(kind: str, value: Any) -> str:
    if kind not in _WRONG_TYPE:
        return ""
    number = re.fullmatch(r"\s*([-+]?[0-9][0-9_.,]*)\s*([A-Za-z/%°$€]+)?\s*", str(value))
    hint = ""
    if "number" in _WRONG_TYPE[kind] and isinstance(value, str) and number:
        plain = number[1].replace("_", "").replace(",", "")
        hint = f"; write {plain}" + (" (the unit is in the key)" if number[2] else "")
    return f"is {_shown(value)}, not {_WRONG_TYPE[kind]}{hint}"


def _unknown_key(loc: Loc, data: Any, root: Any) -> str:
    annotation, parent = shape.at(root, data, loc[:-1])
    part = shape.model_at(annotation, parent)
    known = list(shape.keys_of(part)) if part is not None else []
    return unknown_key(str(loc[-1]), known)


def unknown_key(key: str, known: list[str]) -> str:
    """Say that a key is unknown, naming the nearest key, or the same key in another unit."""
    for suffix, (right, factor) in sorted(_UNIT_STEPS.items(), key=lambda s: -len(s[0])):
        fixed = key.removesuffix(suffix) + right
        if key.endswith(suffix) and fixed in known:
            return f"unknown key — did you mean `{fixed}` (value × {factor})?"
        if suffix in key and (fixed := key.replace(f"{suffix}_", f"{right}_")) in known:
            return f"unknown key — did you mean `{fixed}` (value × {factor})?"
    near = get_close_matches(key, known, n=1, cutoff=0.6) or _with_unit(key, known)
    return f"unknown key{did_you_mean(near[0] if near else key, known)}"


def _with_unit(key: str, known: list[str]) -> list[str]:
    """``capacity`` → ``capacity_kwh``: the unit was forgotten."""
    return [name for name in known if name.startswith(f"{key}_")][:1]


def _missing(loc: Loc, data: Any, root: Any) -> str:
    annotation, parent = shape.at(root, data, loc[:-1])
    part = shape.model_at(annotation, parent)
    info = None
    if part is not None:
        names = {field.alias or name: field for name, field in part.model_fields.items()}
        info = names.get(str(loc[-1]))
    about = f": {info.description}" if info is not None and info.description else ""
    return f"is required here{about}"


def _scaled(value: Any, ctx: dict[str, Any]) -> str:
    """A per cent where a share is expected is the commonest slip."""
    if isinstance(value, int | float) and ctx.get("le") == 1 and 1 < value <= 100:
        return f" — a share, not per cent: did you mean {value / 100:g}?"
    return ""


def _choice(annotation: Any, value: Any) -> str:
    known = list(shape.kinds(annotation)) or shape.choices(annotation)
    said = value.get("kind") if isinstance(value, dict) else value
    if isinstance(value, dict) and said is None:
        return f"needs a `kind:`, one of {', '.join(known)}"
    hint = did_you_mean(str(said), known)
    listed = "" if "known:" in hint else f"; allowed: {', '.join(known)}"
    return f"is {_shown(said)}{listed}{hint}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"`{text if len(text) <= 40 else text[:37] + '…'}`"
