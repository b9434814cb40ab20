"""Order in time: which of two things that happen at the same nanosecond comes first.

Completions and step boundaries (by site, then GPU) come before meter and slot edges, those before
failures and repairs (in the order of their list), and those before arrivals and landings (by job).
What begins or goes on because of an edge, a failure or an arrival does so when that is over and
before the next of them. The order is a number, never the order of insertion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import simpy

_EDGE = 1 << 40
_JOB = 2 << 40


def gpu_priority(site: int, gpu: int) -> int:
    """Priority of a GPU's step boundaries and completions."""
    return (site << 20) | gpu


EDGE_PRIORITY = _EDGE
FAULT_PRIORITY = _EDGE + 1


def job_priority(job: int) -> int:
    """Priority of a job's arrival and landings."""
    return _JOB + job


class NsEnvironment(simpy.Environment):
    """A SimPy environment whose time is an integer of nanoseconds."""

    if TYPE_CHECKING:

        @property
        def now(self) -> int:
            """The present instant [ns]."""


class Tick(simpy.Event):
    """A timeout with a priority that is armed again and again instead of being made anew."""

    def __init__(self, env: NsEnvironment, priority: int) -> None:
        super().__init__(env)
        # SimPy's own two priorities are integers too, only named
        self._priority = cast("Any", priority)
        self._schedule = env.schedule
        self._ok = True
        self._value: Any = None

    def after(self, delay_ns: int) -> Tick:
        """Arm the tick; it must have been processed since it was last armed."""
        self.callbacks = []
        self._schedule(self, self._priority, delay_ns)
        return self

    def idle(self) -> Tick:
        """Lie in wait until somebody calls :meth:`fire`."""
        self.callbacks = []
        return self

    def fire(self) -> None:
        """Happen at this instant, in the order of the priority."""
        self._schedule(self, self._priority, 0)
