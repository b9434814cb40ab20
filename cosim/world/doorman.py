"""Python at the door: under a :class:`CallbackRule` every arrival is a SimPy event.

At the event compiled code plays everything before it and tells the state of the queues, the rule's
function is asked, and its answer is carried out with the next call: one compiled call per job. The
event is one object that is armed again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cosim.decision import JobView, Placement, QueueView
from cosim.world import kernel_calls
from cosim.world.dispatch import Dispatcher
from cosim.world.events import NsEnvironment, job_priority
from cosim.world.kernel_state import FULL, NEVER, NEXT_JOB
from cosim.world.rule_tables import Placer

if TYPE_CHECKING:
    from cosim.world.engine_spans import SpanEngine

_AT_ONCE = 256  # more would live long enough for Python's garbage collector to go through them
_PRIORITY = job_priority(0)
_record = tuple.__new__  # a NamedTuple's own constructor takes twice the time

Answer = tuple[int, int, int, int]
_TOLD: Answer = (NEVER, 0, 0, 0)


class _Ring:
    """What SimPy needs of an event that only calls back, and nothing else."""

    __slots__ = ("_ok", "callbacks")

    def __init__(self) -> None:
        self._ok = True
        self.callbacks: list[Callable[[Any], None]] | None = None


class Doorman:
    """Asks for each job that arrives."""

    def __init__(self, engine: SpanEngine, dispatcher: Dispatcher) -> None:
        self._engine, self._dispatcher = engine, dispatcher
        self._seen, self._table = engine.farm.seen, engine.books.memory.table
        self._ring = _Ring()
        self._calls: list[Callable[[Any], None]] | None = [self._arrive]
        self._usual: list[set[Placement]] = []
        self._may_be_cut = len(engine.plan.cuts) > 0
        self.rewind()

    def rewind(self) -> None:
        """Forget everything that has to do with a run."""
        self._told = _TOLD
        self._waits = False
        self._place: Placer | None = None
        self._levels: tuple[int, ...] = ()
        self._first = 0
        self._views: list[JobView] = []

    def begin(self, place: Placer | None) -> None:
        """Take the rule of a new slot; ``None`` where compiled code places jobs."""
        self._place = place
        if place is None:
            return
        if not self._usual:
            self._usual = self._usual_answers()
        self._levels = tuple(self._dispatcher.levels)
        if not self._waits:
            self._await_arrival(self._engine.env)

    def _usual_answers(self) -> list[set[Placement]]:
        """Placements that keep the contract, for jobs at each home; movable ones come last."""
        info = self._engine.plan.info
        lists = enumerate(info.allowed_steps)
        everywhere = {Placement(service, count) for service, counts in lists for count in counts}
        homes = [{p for p in everywhere if row[p.service]} for row in info.at_home.tolist()]
        return [*homes, everywhere]

    # arrivals ---------------------------------------------------------------------------

    def _await_arrival(self, env: NsEnvironment) -> None:
        """Make the next arrival a SimPy event."""
        self._waits = True
        self._schedule: Any = env.schedule
        self._arm(int(self._engine.farm.world[NEXT_JOB]), env.now)

    def _arm(self, job: int, now_ns: int) -> None:
        """Set the bell for a job."""
        at = job - self._first
        if not 0 <= at < len(self._views):
            self._read(job)
            at = 0
            if not self._views:
                self._waits = False
                return
        self._next = view = self._views[at]
        self._ring.callbacks = self._calls
        self._schedule(self._ring, _PRIORITY + job, view.arrival_ns - now_ns)

    def _read(self, first: int) -> None:
        """Make the views of the next jobs."""
        jobs, part = self._engine.plan.jobs, slice(first, first + _AT_ONCE)
        columns = (jobs.home, jobs.class_id, jobs.images, jobs.steps_asked, jobs.transferable)
        times = (jobs.arrival_ns, jobs.deadline_ns)
        lists = (column[part].tolist() for column in (*columns, *times))
        self._first = first
        numbers = range(first, min(first + _AT_ONCE, len(jobs)))
        self._views = list(map(JobView._make, zip(numbers, *lists, strict=True)))

    def _arrive(self, _: Any) -> None:
        """A job arrives; unless the slot has another kind of rule by now, Python places it."""
        place, view = self._place, self._next
        if place is None:
            self._waits = False
            return
        job, now_ns = view.job, view.arrival_ns
        if kernel_calls.arrive(self._table, *self._told, now_ns) == FULL:
            self._make_room(now_ns)
        waits, backlogs = self._seen.tolist()
        queues = _record(QueueView, (now_ns, tuple(waits), tuple(backlogs), self._levels))
        answer = place(view, queues)
        if (
            answer.__class__ is not Placement
            or answer not in self._usual[-1 if view.transferable else view.home]
        ):
            answer = self._dispatcher.checked(job, answer)
        if self._may_be_cut:
            answer = self._dispatcher.reached(job, answer, now_ns)
        self._told = (job, *answer, now_ns)
        self._engine.at_ns = NEVER
        self._arm(job + 1, now_ns)

    def _make_room(self, now_ns: int) -> None:
        """Let the log of changes grow until the arrival is reached; the answer is carried out."""
        self._told = _TOLD
        while kernel_calls.arrive(self._table, *_TOLD, now_ns) == FULL:
            self._engine.grow()

    def flush(self) -> None:
        """Carry out the last answer, before anybody looks."""
        job, service, steps, at_ns = self._told
        if job != NEVER:
            self._told = _TOLD
            kernel_calls.answer(self._table, job, at_ns, service, steps)
