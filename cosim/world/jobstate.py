"""What has become of each job so far: one column per fact, one entry per job.

``JobState`` holds plain Python lists: the reference engine touches single entries, and Python's
own integers cannot overflow. They become arrays when the run ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cosim.physics.service_scalar import revenue_share
from cosim.traces.jobs import JobSet
from cosim.world.plan import ServicePlan

NEVER = -1
IntArray = NDArray[np.int64]


class Fates(Protocol):
    """The fate of every job: columns named as in :class:`JobState`, lists or arrays."""

    @property
    def service(self) -> Sequence[int] | NDArray[Any]:
        """Where each job went, −2 if refused."""

    @property
    def steps(self) -> Sequence[int] | NDArray[Any]:
        """Denoising steps per image that each was given."""

    @property
    def decided_ns(self) -> Sequence[int] | NDArray[Any]:
        """When each was placed, −1 until then [ns]."""

    @property
    def finish_ns(self) -> Sequence[int] | NDArray[Any]:
        """When the last image of each ended, or it was dismissed; −1 until then [ns]."""

    @property
    def gpu(self) -> Sequence[int] | NDArray[Any]:
        """GPU that ran each; GIVEN_UP or TURNED_AWAY where none ran it to its end."""

    @property
    def return_ns(self) -> Sequence[int] | NDArray[Any]:
        """Time its images took home [ns]."""

    @property
    def energy_pj(self) -> Sequence[int] | NDArray[Any]:
        """Energy of its GPU while it ran it [pJ]."""

    @property
    def transfer_usd(self) -> Sequence[float] | NDArray[Any]:
        """Price of moving it [USD]."""


@dataclass
class JobState:
    """The fate of every job; ``NEVER`` (−1) until known.

    Attributes:
        jobs: what was asked.
        priorities: priority of each job class; all 0 if none is given.
        lateness: what a late image of each service still earns, as rows of numbers.
        luck: what each has drawn of loading times; None is what is expected.
        service: where it went (DROP = −2).
        steps: denoising steps per image.
        decided_ns: when it was placed.
        landed_ns: when it joined the queue of its site.
        start_ns: when its first image began (after any model load).
        finish_ns: when its last image ended, or it was given up or turned away.
        return_ns: time its images took home [ns].
        gpu: the GPU it ran on, the last one if there were several; GIVEN_UP or TURNED_AWAY for a
            job that none ran to its end.
        transfer_usd: price of moving it, of one simulated job [USD].
        energy_pj: energy of its GPUs while they ran it, cold starts included [pJ].
        images_left: images that have not begun.
        images_done: images that have ended.
        steps_left: denoising steps left of the image under way, 0 if there is none.
    """

    jobs: JobSet
    priorities: Sequence[int] = ()
    lateness: Sequence[NDArray[np.float64]] = ()
    luck: Sequence[int | None] = ()
    service: list[int] = field(init=False)
    steps: list[int] = field(init=False)
    decided_ns: list[int] = field(init=False)
    landed_ns: list[int] = field(init=False)
    start_ns: list[int] = field(init=False)
    finish_ns: list[int] = field(init=False)
    return_ns: list[int] = field(init=False)
    gpu: list[int] = field(init=False)
    energy_pj: list[int] = field(init=False)
    transfer_usd: list[float] = field(init=False)
    images: list[int] = field(init=False)
    images_left: list[int] = field(init=False)
    images_done: list[int] = field(init=False)
    steps_left: list[int] = field(init=False)
    deadline_ns: list[int] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.jobs.arrival_ns)
        for name in ("service", "decided_ns", "landed_ns", "start_ns", "finish_ns", "gpu"):
            setattr(self, name, [NEVER] * count)
        for name in ("steps", "return_ns", "energy_pj", "images_done", "steps_left"):
            setattr(self, name, [0] * count)
        self.luck = self.luck or [None] * count
        self.transfer_usd = [0.0] * count
        self.images = self.jobs.images.tolist()
        self.images_left = self.images.copy()
        self.deadline_ns = self.jobs.deadline_ns.tolist()

    def rest_ns(self, job: int, services: Sequence[ServicePlan], level: int) -> int:
        """GPU time of what is left of a job that waits, at a clock level [ns]."""
        plan = services[self.service[job]]
        return plan.rest_ns(level, self.steps[job], self.images_left[job], self.steps_left[job])

    def is_hopeless(self, job: int, now_ns: int) -> bool:
        """Whether a job would earn nothing even if it ended now."""
        late_ns = now_ns + self.return_ns[job] - self.deadline_ns[job]
        return revenue_share(late_ns, self.lateness[self.service[job]]) <= 0.0

    def steps_to_go(self, job: int) -> int:
        """Denoising steps left over all images of a job."""
        return self.images_left[job] * self.steps[job] + self.steps_left[job]

    def priority(self, job: int) -> int:
        """Priority of a job's class; the higher, the more urgent."""
        return self.priorities[self.jobs.class_id[job]] if self.priorities else 0
