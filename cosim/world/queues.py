"""The queue before a site's GPUs: who starts next, and who is urgent enough to take a GPU over.

``fcfs`` serves in order of landing. The others serve the smallest *key* first: ``edf`` the
deadline, ``srs`` the denoising steps left over all images of the job, ``priority`` the negative
priority of the job's class. Of equal keys the lower job number starts first, under ``priority``
the job that landed first. Only the key itself can take a GPU from a job that runs: equal keys
never do.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Protocol

from cosim.world.jobstate import JobState


class Queue(Protocol):
    """Jobs that wait."""

    def __len__(self) -> int: ...

    def push(self, job: int) -> None:
        """Join: after landing, or when a more urgent job has taken the GPU."""

    def put_back(self, job: int) -> None:
        """Join again because the GPU has failed."""

    def pop(self) -> int:
        """Leave from the head."""

    def head(self) -> int:
        """The job that will start next."""

    def ordered(self) -> list[int]:
        """The jobs in the order in which they will start."""

    def outranks(self, job: int) -> bool:
        """Whether the head is more urgent than a job that runs."""


class Fcfs:
    """In order of landing; a job whose GPU has failed goes to the front."""

    def __init__(self, _: JobState) -> None:
        self._jobs: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def push(self, job: int) -> None:
        """Join the end."""
        self._jobs.append(job)

    def put_back(self, job: int) -> None:
        """Join the front."""
        self._jobs.appendleft(job)

    def pop(self) -> int:
        """Leave from the head."""
        return self._jobs.popleft()

    def head(self) -> int:
        """The job that will start next."""
        return self._jobs[0]

    def ordered(self) -> list[int]:
        """The jobs in the order in which they will start."""
        return list(self._jobs)

    def outranks(self, _: int) -> bool:
        """No job is more urgent than another."""
        return False


class Edf:
    """In order of deadline."""

    def __init__(self, state: JobState) -> None:
        self.state = state
        self._heap: list[tuple[int, int, int]] = []

    def key(self, job: int) -> int:
        """The smaller, the more urgent."""
        return self.state.deadline_ns[job]

    def place(self, _: int) -> int:
        """Order among equal keys, before the job number."""
        return 0

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, job: int) -> None:
        """Join at the place of the key as it is now."""
        heappush(self._heap, (self.key(job), self.place(job), job))

    def put_back(self, job: int) -> None:
        """Join at the place of the key as it is now."""
        self.push(job)

    def pop(self) -> int:
        """Leave from the head."""
        return heappop(self._heap)[-1]

    def head(self) -> int:
        """The job that will start next."""
        return self._heap[0][-1]

    def ordered(self) -> list[int]:
        """The jobs in the order in which they will start."""
        return [job for *_, job in sorted(self._heap)]

    def outranks(self, job: int) -> bool:
        """Whether the head is more urgent than a job that runs."""
        return bool(self._heap) and self._heap[0][0] < self.key(job)


class Srs(Edf):
    """In order of the denoising steps left over all images of the job."""

    def key(self, job: int) -> int:
        """Denoising steps left."""
        return self.state.steps_to_go(job)


class Priority(Edf):
    """In order of falling priority, then of first landing."""

    def __init__(self, state: JobState) -> None:
        super().__init__(state)
        self._landing: dict[int, int] = {}

    def key(self, job: int) -> int:
        """Negative priority."""
        return -self.state.priority(job)

    def place(self, job: int) -> int:
        """How many had landed before the job did."""
        return self._landing.setdefault(job, len(self._landing))


DISCIPLINES: dict[str, type[Fcfs] | type[Edf]] = {
    "fcfs": Fcfs,
    "edf": Edf,
    "srs": Srs,
    "priority": Priority,
}
