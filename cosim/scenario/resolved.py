"""A scenario's resolved data before it is validated: what stands at a key, if it is of a kind.

Checks that read it this way also run on the sound parts of a scenario with other mistakes.
"""

from __future__ import annotations

from typing import Any

from cosim.scenario.yaml12 import Loc

Finding = tuple[Loc, str]
"""Where something is wrong, and what."""


def mapping(data: Any, key: str) -> dict[Any, Any]:
    """The mapping at a key; empty where there is none."""
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def sequence(data: Any, key: str) -> list[Any]:
    """The sequence at a key; empty where there is none."""
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, list) else []


def text(data: Any, key: str) -> str | None:
    """The text at a key; None where there is none."""
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else None


def whole(data: Any, key: str) -> int | None:
    """The whole number at a key; None where there is none."""
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
