"""What the scenario tree expects at a place: walks the model's annotations beside the data.

pydantic reports where validation failed in the model's terms; users think in terms of the file.
This module answers, for a place in the data: which part of the model is meant, which keys does it
know, which ``kind`` applies when none is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from cosim.scenario.yaml12 import Loc


def alternatives(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, without ``None`` and without ``Annotated`` wrappings."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from alternatives(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from alternatives(member)
    elif annotation is not NoneType:
        yield annotation


def models(annotation: Any) -> list[type[BaseModel]]:
    """Return the parts of the tree that may stand here."""
    return [
        a for a in alternatives(annotation) if isinstance(a, type) and issubclass(a, BaseModel)
    ]


def kinds(annotation: Any) -> dict[str, type[BaseModel]]:
    """Return the parts by their ``kind:``, empty where there is no such choice."""
    found = models(annotation)
    if len(found) < 2:
        return {}
    return {get_args(part.model_fields["kind"].annotation)[0]: part for part in found}


def default_kind(annotation: Any) -> str | None:
    """Return the ``kind`` that applies when none is written, if there is one."""
    for kind, part in kinds(annotation).items():
        if part.model_fields["kind"].default == kind:
            return kind
    return None


def model_at(annotation: Any, data: Any) -> type[BaseModel] | None:
    """Return the part that this data is meant to be, if that can be told."""
    by_kind = kinds(annotation)
    if by_kind:
        kind = data.get("kind", default_kind(annotation)) if isinstance(data, dict) else None
        return by_kind.get(kind) if isinstance(kind, str) else None
    found = models(annotation)
    return found[0] if found else None


def keys_of(part: type[BaseModel]) -> dict[str, Any]:
    """Return the keys a part knows, as users write them, with their annotations."""
    return {info.alias or name: info.annotation for name, info in part.model_fields.items()}


def child(annotation: Any, data: Any, key: str | int) -> Any:
    """Return the annotation of one key or item of this data; None if the model has no such."""
    part = model_at(annotation, data)
    if part is not None and isinstance(data, dict):
        return keys_of(part).get(str(key))
    for option in alternatives(annotation):
        origin, args = get_origin(option), get_args(option)
        if origin is dict and isinstance(data, dict):
            return args[1]
        if origin in (tuple, list) and isinstance(data, list) and isinstance(key, int):
            return args[0] if len(args) == 1 or args[1] is Ellipsis else args[key % len(args)]
    return None


def get(data: Any, key: str | int) -> tuple[bool, Any]:
    """Return whether plain data has this key or index, and its value."""
    if isinstance(data, dict) and key in data:
        return True, data[key]
    if isinstance(data, list) and isinstance(key, int) and 0 <= key < len(data):
        return True, data[key]
    return False, None


def at(root: Any, data: Any, loc: Loc) -> tuple[Any, Any]:
    """Return (annotation, data) at a location; None where there is none."""
    annotation = root
    for key in loc:
        annotation = child(annotation, data, key)
        data = get(data, key)[1]
    return annotation, data


def with_kinds(annotation: Any, data: Any) -> Any:
    """Return the data with every omitted ``kind:`` written out, as the discriminator needs it."""
    if isinstance(data, list):
        return [with_kinds(child(annotation, data, i), item) for i, item in enumerate(data)]
    if not isinstance(data, dict):
        return data
    kind = default_kind(annotation)
    start = {"kind": kind} if kind is not None and "kind" not in data else {}
    inside = {k: with_kinds(child(annotation, data, k), v) for k, v in data.items()}
    return {**start, **inside}


def choices(annotation: Any) -> list[str]:
    """Return the texts a literal allows."""
    found = [a for a in alternatives(annotation) if get_origin(a) is Literal]
    return [str(value) for option in found for value in get_args(option)]


def bools_for_numbers(data: Any) -> Iterator[tuple[Loc, str]]:
    """Yield each ``true`` or ``false`` where a number belongs; pydantic takes them for 1 and 0."""
    from cosim.scenario.model import Scenario

    yield from _bools(Scenario, data, ())


def _bools(annotation: Any, data: Any, loc: Loc) -> Iterator[tuple[Loc, str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _bools(child(annotation, data, key), value, (*loc, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _bools(child(annotation, data, i), value, (*loc, i))
    elif isinstance(data, bool):
        expected = set(alternatives(annotation))
        if expected & {int, float} and bool not in expected:
            yield loc, f"is {str(data).lower()}, not a number"
