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

    def __init__(self, initial_time: int = 0) -> None:
        super().__init__(initial_time)
        self._looks = 0

    def processed(self) -> int:
        """Events that have been processed; to look costs nothing before and after."""
        # SimPy numbers events as they are scheduled; a look takes a number of its own
        scheduled = next(self._eid) - self._looks
        self._looks += 1
        return int(scheduled - len(self._queue))

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
