"""The benchmarks by their letters.

Most compare engines on the same jobs; others measure something else. Each is a function of its
letter and the terms that gives a :class:`cosim.bench.sheet.Sheet`; to add one is to add a line.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from cosim.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from cosim.bench.sheet import Sheet, Terms

BENCHES: dict[str, tuple[str, str]] = {
    "S": ("cosim.bench.contest:contest", "20 k jobs, 3 × 8 GPUs"),
    "M": ("cosim.bench.contest:contest", "250 k jobs, 5 × 32 GPUs"),
    "L": ("cosim.bench.contest:contest", "1 M jobs, 10 × 64 GPUs"),
    "X": ("cosim.bench.contest:contest", "1 M jobs, 3 × 8 GPUs"),
    "B": ("cosim.bench.contest:contest", "100 k jobs in batches of 8 images"),
    "P": ("cosim.bench.contest:contest", "250 k jobs, Python places each"),
    "Y": ("cosim.bench.contest:contest", "a year, 18 M jobs"),
    "R": ("cosim.bench.learning:learning", "a learner's slots per second"),
    "K": ("cosim.bench.stacking:stacking", "seeds of a learner side by side"),
    "T": ("cosim.bench.training:training", "a day of a training, and 550 as the paper has"),
    "D": ("cosim.bench.day:day", "the paper-scale day, to files on disk"),
    "O": ("cosim.bench.planning:planning", "how long planners think, at the paper's scale"),
    "H": ("cosim.bench.startup:startup", "how fast the command line starts"),
}


def bench(letter: str, terms: Terms) -> Sheet:
    """Make a benchmark.

    Args:
        letter: its letter.
        terms: how often, and whether to scale up.

    Raises:
        UsageError: there is no such benchmark.
    """
    if letter not in BENCHES:
        raise UsageError(f"size `{letter}` does not exist{did_you_mean(letter, list(BENCHES))}")
    module, _, name = BENCHES[letter][0].partition(":")
    make: Callable[[str, Terms], Sheet] = getattr(import_module(module), name)
    return make(letter, terms)


def meanings() -> str:
    """All letters with what they are, a line each."""
    return "\n".join(f"{letter}  {what}" for letter, (_, what) in BENCHES.items())
