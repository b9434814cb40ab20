"""Everything that can go wrong in a way the user can mend, as one tree of exceptions.

    CosimError                exit 1    (a bug when it is raised bare)
    ├── UsageError            exit 2    the command line makes no sense
    ├── ScenarioError         exit 3    the YAML is wrong; carries every located problem
    ├── TraceError            exit 3    a trace is missing, damaged or does not cover the run
    ├── BalanceError          exit 4    energy or money does not add up
    ├── PolicyError           exit 5    a policy broke its contract
    └── RunInterrupted        exit 130  stopped by the user; finished work is kept

The command line prints ``str(error)`` and leaves with ``error.exit_code``; a traceback is always
a bug.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar


class CosimError(Exception):
    """Root of all errors that cosim raises on purpose."""

    exit_code: ClassVar[int] = 1


class UsageError(CosimError):
    """Raised when a command is called with words that make no sense together."""

    exit_code = 2


class OtherWorldError(UsageError):
    """Raised when a trained policy is asked to act in a world of another make than its own."""


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in a file the user wrote.

    Attributes:
        file: the file as the user named it, or the flag (``-o``) that carried the value.
        line: 1-based line, 0 where there is none (a flag, a missing file).
        column: 1-based column, 0 where there is none.
        path: dotted path of the key, e.g. ``sites.dallas.battery.capacity_kwh``.
        message: what is wrong, what is allowed and the nearest fix.
    """

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}  {self.path}  {self.message}" if self.path else f"{place}  {self.message}"


class ScenarioError(CosimError):
    """Raised when a scenario cannot be understood; reports all of its problems at once."""

    exit_code = 3

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__(self.problems)  # the arguments themselves: SimPy and pickle rebuild it

    def __str__(self) -> str:
        count = len(self.problems)
        tail = f"{count} problem{'' if count == 1 else 's'}. Nothing was run."
        return "\n".join([*map(str, self.problems), tail])


class TraceError(CosimError):
    """Raised when a trace is missing, fails its hash, has gaps or does not cover the run."""

    exit_code = 3


class BalanceError(CosimError):
    """Raised when the energy balance or a money identity does not close (JEMAS Eq. 10)."""

    exit_code = 4


class PolicyError(CosimError):
    """Raised when a policy returns something outside its contract; names policy and slot."""

    exit_code = 5

    def __init__(
        self, policy: str, message: str, slot: int | None = None, field: str = ""
    ) -> None:
        super().__init__(policy, message, slot, field)  # SimPy and pickle rebuild it from these
        self.policy, self.message, self.slot, self.field = policy, message, slot, field

    def __str__(self) -> str:
        where = [f"policy `{self.policy}`"]
        if self.slot is not None:
            where.append(f"slot {self.slot}")
        if self.field:
            where.append(f"field `{self.field}`")
        return f"{', '.join(where)}: {self.message}"


class RunInterrupted(CosimError):  # noqa: N818 - an interruption is not an error of anybody's
    """Raised when the user stops a study; what had finished is kept and can be resumed."""

    exit_code = 130


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return `` — did you mean `x`?``, or the list of what there is when nothing is near."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    if near:
        return f" — did you mean `{near[0]}`?"
    return f" — known: {', '.join(known)}" if known else ""
