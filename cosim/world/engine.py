"""The engine's interface: everything between two edges of the meter's clock.

An engine lets jobs arrive, places them by the slot's rule, moves them, queues them and runs them.
The world (:mod:`cosim.world.world`) talks to it at slot edges and meter bins only. Engines are
interchangeable and agree bit for bit: ``reference`` (:mod:`cosim.world.engine_steps`, a SimPy
event per denoising step) and ``fast`` (:mod:`cosim.world.engine_spans`, closed form, compiled).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.decision import DispatchRule
from cosim.errors import UsageError, did_you_mean
from cosim.world.events import NsEnvironment
from cosim.world.jobstate import Fates
from cosim.world.plan import Plan
from cosim.world.pool import BinReading

IntArray = NDArray[np.int64]
Jobs = Sequence[int] | NDArray[Any]
ENGINES = ("reference", "fast")


class Glance(NamedTuple):
    """What an operator sees of the sites at an edge, one entry per site.

    Attributes:
        waiting: jobs in the queue.
        busy: GPUs that hold a job.
        backlog_ns: estimated GPU time until everything accepted has ended [ns].
        due_ns: earliest deadline in the queue, None if it is empty [ns].
    """

    waiting: list[int]
    busy: list[int]
    backlog_ns: list[int]
    due_ns: list[int | None]


class Engine(Protocol):
    """Jobs, queues and GPUs of all sites."""

    @property
    def fates(self) -> Fates:
        """The fate of every job."""

    def refresh_estimates(self, levels: Sequence[int]) -> None:
        """Start the queue estimates afresh, for these clock levels from now on."""

    def glance(self) -> Glance:
        """Look at the sites."""

    def set_clocks(self, levels: Sequence[int]) -> None:
        """Change the clock of every site."""

    def begin(self, slot: int, rule: DispatchRule, levels: Sequence[int]) -> None:
        """Take the dispatch rule of a new slot, begin to count its arrivals, place held jobs."""

    def limit(self, site: int, level: int, enabled: int) -> None:
        """Guard one site: its clock level and how many of its GPUs may run."""

    def open_gates(self) -> None:
        """Let all GPUs run."""

    def fail(self, site: int, gpu: int) -> None:
        """Let a GPU fail; nothing happens to one that is down."""

    def repair(self, site: int, gpu: int) -> None:
        """Bring a GPU back; nothing happens to one that is up."""

    def gpus_up(self) -> list[int]:
        """GPUs that are not down, per site."""

    def demand(self) -> list[int]:
        """GPUs that hold a job plus jobs in the queue, per site."""

    def waiting(self) -> list[int]:
        """Jobs in the queue, per site."""

    def held(self) -> Jobs:
        """Jobs that wait at home for a decision, in the order in which they were held."""

    def arrived(self) -> IntArray:
        """Jobs that arrived since the slot began, shape (sites, classes)."""

    def unfinished(self) -> int:
        """Jobs that were neither refused nor reported as finished."""

    def read(self) -> list[BinReading]:
        """Read and reset the meters, per site."""

    def take_finished(self) -> list[Jobs]:
        """Jobs that ended since this was last called, in order of completion, per site."""


def make_engine(kind: str, env: NsEnvironment, plan: Plan, policy: str) -> Engine:
    """Build an engine; the compiler is loaded only for the one that needs it.

    Args:
        kind: ``reference`` or ``fast``.
        env: the SimPy environment.
        plan: what is to be run.
        policy: the policy's name, for errors.

    Raises:
        UsageError: there is no such engine.
    """
    if kind == "reference":
        from cosim.world.engine_steps import StepEngine

        return StepEngine(env, plan, policy)
    if kind == "fast":
        from cosim.world.engine_spans import SpanEngine

        return SpanEngine(env, plan, policy)
    raise UsageError(f"engine `{kind}` does not exist{did_you_mean(kind, ENGINES)}")
