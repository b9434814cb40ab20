"""A pool of GPUs on its own, with jobs that arrive and commands that come at given instants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cosim.physics.cooling import ConstantPue
from cosim.traces.jobs import JobSet
from cosim.world.events import EDGE_PRIORITY, NsEnvironment, Tick, job_priority
from cosim.world.jobstate import JobState
from cosim.world.plan import ServicePlan, SitePlan

FAR_NS = 10**9


class OnePool:
    """A site's pool, its jobs and its clock.

    Attributes:
        env: the clock.
        state: what becomes of the jobs.
        pool: the pool.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        services: tuple[ServicePlan, ...],
        arrivals: Sequence[int],
        steps: Sequence[int],
        images: Sequence[int],
        service: Sequence[int] | None = None,
        due: Sequence[int] | None = None,
        **site: Any,
    ) -> None:
        count = len(arrivals)
        zeros, at = np.zeros(count, dtype=np.int32), np.array(arrivals, dtype=np.int64)
        jobs = JobSet(
            at,
            at + FAR_NS if due is None else np.array(due, dtype=np.int64),
            zeros,
            np.array(images, dtype=np.int32),
            zeros,
            zeros,
            zeros.astype(bool),
            zeros,
            np.zeros(count),
            np.zeros(count),
        )
        self.env, self.state = NsEnvironment(initial_time=0), JobState(jobs)
        self.state.steps, self.state.service = list(steps), list(service or [0] * count)
        plain: dict[str, Any] = {
            "name": "x",
            "gpus": 1,
            "discipline": "fcfs",
            "services": (0, 1),
            "levels": 2,
            "preload": 0,
            "idle_mw": 0,
            "server_mw": 0,
            "cooling": ConstantPue(1.0),
            "battery": None,
            "stored_kwh": 0.0,
            "import_kw_max": float("inf"),
            "export_kw_max": float("inf"),
            "wear_usd_kwh": 0.0,
        }
        self.pool = make(self.env, 0, SitePlan(**{**plain, **site}), services, self.state)
        for job, at_ns in enumerate(arrivals):
            self.at(at_ns, lambda job=job: self.pool.submit(job), job_priority(job))

    def at(self, at_ns: int, act: Callable[[], Any], priority: int = EDGE_PRIORITY) -> None:
        """Do something at an instant."""
        tick = Tick(self.env, priority).after(at_ns)
        tick.callbacks = [lambda _: act()]

    def play(self) -> JobState:
        """Let everything happen."""
        self.env.run()
        return self.state
