"""The engine's interface: everything between two edges of the meter's clock.

An engine lets jobs arrive, places them by the slot's rule, moves them, queues them and runs them.
The world (:mod:`cosim.world.world`) talks to it at slot edges only. Engines are
interchangeable and agree bit for bit: ``reference`` (:mod:`cosim.world.engine_steps`, a SimPy
event per denoising step) and ``fast`` (:mod:`cosim.world.engine_spans`, closed form, compiled).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import simpy
from numpy.typing import NDArray

from cosim.decision import DispatchRule
from cosim.errors import UsageError, did_you_mean
from cosim.world.books import Books
from cosim.world.events import NsEnvironment
from cosim.world.jobstate import Fates

IntArray = NDArray[np.int64]
Jobs = Sequence[int] | NDArray[Any]
ENGINES = ("reference", "fast")


class Engine(Protocol):
    """Jobs, queues and GPUs of all sites; meters and ledger stand in the books they share."""

    @property
    def fates(self) -> Fates:
        """The fate of every job."""

    def look(self) -> None:
        """Write into the books what is seen of the sites at an edge."""

    def begin(self, slot: int, rule: DispatchRule, levels: Sequence[int]) -> None:
        """Put a decision into force: clocks, estimates, dispatch rule, and the jobs held."""

    def open_gates(self) -> None:
        """Let all GPUs run."""

    def span(self) -> Generator[simpy.Event, Any, None]:
        """Let a slot pass; in the window its meter bins are closed."""

    def fail(self, site: int, gpu: int) -> None:
        """Let a GPU fail; nothing happens to one that is down."""

    def repair(self, site: int, gpu: int) -> None:
        """Bring a GPU back; nothing happens to one that is up."""

    def close_slot(self) -> None:
        """Close the books of the slot that ends: jobs that ended, energy and its money."""

    def held(self) -> Jobs:
        """Jobs that wait at home for a decision, in the order in which they were held."""

    def arrived(self) -> IntArray:
        """Jobs that arrived since the slot began, shape (sites, classes)."""

    def unfinished(self) -> int:
        """Jobs that were neither refused nor told as finished when a slot closed."""


@runtime_checkable
class Rewinds(Protocol):
    """An engine that can begin anew."""

    def changing(self) -> list[NDArray[Any]]:
        """The arrays that a run changes."""

    def rewind(self, env: NsEnvironment) -> None:
        """Begin anew in a fresh environment, when the arrays have been put back."""

    def make_room(self) -> None:
        """See to it that the logs have room for what one edge can bring."""


def make_engine(kind: str, env: NsEnvironment, books: Books, policy: str) -> Engine:
    """Build an engine; the compiler is loaded only for the one that needs it.

    Args:
        kind: ``reference`` or ``fast``.
        env: the SimPy environment.
        books: the books of what is to be run.
        policy: the policy's name, for errors.

    Raises:
        UsageError: there is no such engine.
    """
    if kind == "reference":
        from cosim.world.engine_steps import StepEngine

        return StepEngine(env, books, policy)
    if kind == "fast":
        from cosim.world.engine_spans import SpanEngine

        return SpanEngine(env, books, policy)
    raise UsageError(f"engine `{kind}` does not exist{did_you_mean(kind, ENGINES)}")
