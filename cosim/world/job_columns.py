"""Jobs as dispatch reads them, one at a time: plain Python numbers, and what moving each takes.

Every column is made when it is first read.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from numpy.typing import NDArray

from cosim.physics.network import Link, transfer_ns, transfer_usd
from cosim.traces.jobs import JobSet


class Trip(NamedTuple):
    """Moving one job from its home to a site and its images back.

    Attributes:
        there_ns: until the prompt lands [ns].
        back_ns: until the images are home [ns].
        usd: price of the data moved, of one simulated job [USD].
    """

    there_ns: int
    back_ns: int
    usd: float


HOME_TRIP = Trip(0, 0, 0.0)


def trip_of(link: Link, there_mb: float, back_mb: float) -> Trip:
    """What moving a job of these sizes over a link takes."""
    usd = transfer_usd(link, there_mb + back_mb)
    return Trip(transfer_ns(link, there_mb), transfer_ns(link, back_mb), usd)


class JobColumns:
    """What was asked, a list per fact and an entry per job."""

    def __init__(self, jobs: JobSet, link: Link) -> None:
        self._jobs, self._link = jobs, link

    @cached_property
    def home(self) -> list[int]:
        """Home site of each."""
        return _listed(self._jobs.home)

    @cached_property
    def class_id(self) -> list[int]:
        """Class of each."""
        return _listed(self._jobs.class_id)

    @cached_property
    def images(self) -> list[int]:
        """Images that each asks for."""
        return _listed(self._jobs.images)

    @cached_property
    def movable(self) -> list[bool]:
        """Whether each may leave home."""
        return _listed(self._jobs.transferable)

    @cached_property
    def arrival_ns(self) -> list[int]:
        """When each arrives [ns]."""
        return _listed(self._jobs.arrival_ns)

    @cached_property
    def deadline_ns(self) -> list[int]:
        """When each is due [ns]."""
        return _listed(self._jobs.deadline_ns)

    @cached_property
    def trips(self) -> list[Trip]:
        """What moving each job away from home takes; few sizes occur, so each is computed once."""
        jobs = self._jobs
        known: dict[tuple[float, float], Trip] = {}
        trips = []
        for sizes in zip(jobs.input_mb.tolist(), jobs.output_mb.tolist(), strict=True):
            if sizes not in known:
                known[sizes] = trip_of(self._link, *sizes)
            trips.append(known[sizes])
        return trips


def _listed(column: NDArray[Any]) -> list[Any]:
    values: list[Any] = column.tolist()
    return values
