"""Schedules of many front ends: each site deals out its own jobs by few or old looks at queues.

One dispatcher that sees every queue at every arrival is a convenience of simulators. Where each
site has a front end of its own, it asks two queues at random (Mitzenmacher, "The power of two
choices in randomized load balancing", IEEE TPDS 12(10), 2001), or trusts a copy of all loads that
is renewed from time to time, as schedulers with cached load views do.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cosim.decision import CallbackRule, JobView, Observation, Placement, QueueView, WorldInfo
from cosim.quantities import NS_PER_S
from policies.heuristics.common import FixedSteps
from policies.options import whole

_DRAWS = 4096


class PowerOfTwo(FixedSteps):
    """Each job asks two services drawn at random and goes where it is estimated to finish first.

    Waits are those of the instant of its arrival; a job that may not move asks its home only.

    Args:
        steps: denoising steps per image; None takes the scenario's default.
    """

    name = "power-of-two"

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run: lay out who may go where and how long an image takes there."""
        super().reset(world, rng)
        self._site = world.service_site.tolist()
        image_s = world.image_s()[np.arange(world.n_services), self.step_column]
        self._image_ns = (image_s * NS_PER_S).tolist()
        self._moving_ns = (world.transfer_s[:, world.service_site] * NS_PER_S).tolist()
        self._answers = [Placement(s, int(n)) for s, n in enumerate(self.step_count.tolist())]
        self._size: list[int] = world.class_size.tolist()
        sized = world.size_served
        self._anywhere: list[list[int]] = [np.flatnonzero(row).tolist() for row in sized]
        self._at_home: list[list[list[int]]] = [
            [np.flatnonzero(row).tolist() for row in here & sized] for here in world.at_home
        ]
        self._draws = self._drawing()
        self._rule = CallbackRule(self.place)

    def rule(self, observation: Observation) -> CallbackRule:
        """Ask for every job at its arrival."""
        return self._rule

    def place(self, job: JobView, queues: QueueView) -> Placement:
        """Take the better of two services."""
        service = self.better_of_two(job, queues.wait_ns)
        return self._answers[service]

    def better_of_two(self, job: JobView, wait_ns: tuple[int, ...] | list[float]) -> int:
        """Draw two services that the job may use; the one where it would finish first."""
        by_size = self._anywhere if job.transferable else self._at_home[job.home]
        services = by_size[self._size[job.class_id]]
        one, other = next(self._draws)
        first = services[int(one * len(services))]
        second = services[int(other * len(services))]
        late = self.finish_ns(job, first, wait_ns) > self.finish_ns(job, second, wait_ns)
        return second if late else first

    def finish_ns(
        self, job: JobView, service: int, wait_ns: tuple[int, ...] | list[float]
    ) -> float:
        """Estimated time from arrival to the job's last image [ns]."""
        moving_ns: float = self._moving_ns[job.home][service]
        work_ns: float = job.images * self._image_ns[service]
        start_ns: float = max(moving_ns, wait_ns[self._site[service]])
        return start_ns + work_ns

    def _drawing(self) -> Iterator[list[float]]:
        """Pairs of numbers in [0, 1), drawn in blocks."""
        while True:
            yield from self.rng.random((_DRAWS, 2)).tolist()


class CachedLoad(PowerOfTwo):
    """Power of two choices by each front end's own copy of the waits, renewed every few jobs.

    Between two renewals a front end knows of the others' jobs nothing, of its own everything.

    Args:
        batch: jobs that a front end places by one copy.
        steps: denoising steps per image; None takes the scenario's default.
    """

    name = "cached-load"

    def __init__(self, batch: int = 50, steps: int | None = None) -> None:
        super().__init__(steps)
        self.batch = whole("batch", batch, 1)

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run: no front end has looked yet."""
        super().reset(world, rng)
        self._left = [0] * world.n_sites
        self._seen_ns = [0] * world.n_sites
        self._copies: list[list[float]] = [[] for _ in range(world.n_sites)]
        self._gpus = world.gpus.tolist()

    def place(self, job: JobView, queues: QueueView) -> Placement:
        """Take the better of two services by the copy, and add the job to it."""
        home = job.home
        if self._left[home] == 0:
            self._left[home], self._copies[home] = self.batch, list(queues.wait_ns)
        else:
            self._age(home, queues.now_ns)
        self._left[home] -= 1
        self._seen_ns[home] = queues.now_ns
        service = self.better_of_two(job, self._copies[home])
        site = self._site[service]
        work_ns = job.images * self._image_ns[service]
        self._copies[home][site] += work_ns / self._gpus[site]
        return self._answers[service]

    def _age(self, home: int, now_ns: int) -> None:
        """Let the waits of a copy pass by the time since it was last used."""
        passed_ns = now_ns - self._seen_ns[home]
        self._copies[home] = [max(0.0, wait - passed_ns) for wait in self._copies[home]]
