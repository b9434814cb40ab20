"""What a check found: which rule was broken, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One broken rule.

    Attributes:
        rule: ``methods``, ``runs``, ``deterministic``, ``observation``, ``clock`` or ``leakage``.
        message: what happened and how to mend it.
        slot: the slot in which it happened, None where it is not about one.
    """

    rule: str
    message: str
    slot: int | None = None

    def __str__(self) -> str:
        at = "" if self.slot is None else f"slot {self.slot}: "
        return f"[{self.rule}] {at}{self.message}"
