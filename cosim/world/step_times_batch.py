"""When the steps of a batching GPU ended, recovered from the job table.

Nothing is kept for it. Where a GPU is empty, the next job's start tells when it goes on; where it
holds jobs, a job joined at the boundary at which it started. So one GPU is played through from
the run's beginning, with every change of its site's clock and switches, and the end of every job
is found again; if it were not, the replay would say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.errors import CosimError
from cosim.world.plan import ServicePlan

if TYPE_CHECKING:
    from cosim.world.engine_spans import SpanEngine
    from cosim.world.step_times import Replay


class _Gpu:
    """One batching GPU, played again.

    Attributes:
        replay: its time and its site's changes.
        coming: jobs that have not started, the next one last.
        service: the service whose model is in memory.
        left: steps left of each job it holds.
        ends: instants at which the steps of each job ended [ns].
    """

    def __init__(self, engine: SpanEngine, replay: Replay, jobs: list[int]) -> None:
        self.farm, self.services = engine.farm, engine.plan.services
        self.replay, self.coming, self.service = replay, jobs, 0
        self.left: dict[int, int] = {}
        self.ends: dict[int, list[int]] = {}

    def play(self) -> None:
        """Play until all jobs that have begun are gone."""
        while self.coming or self.left:
            if not self.left:
                self._wait()
            self._join()
            self._step()
            self._leave()

    def _wait(self) -> None:
        """Go to where the next job starts on the empty GPU, its model loaded."""
        job = self.coming[-1]
        # a job taken on an edge saw all changes of that edge, one taken before it none
        self.replay.at = int(self.farm.epoch[job])
        self.replay.now_ns = int(self.farm.start_ns[job])
        self.service = int(self.farm.service[job])

    def _join(self) -> None:
        """Encode the jobs that start here, one after another."""
        farm, replay = self.farm, self.replay
        while self.coming and farm.start_ns[self.coming[-1]] == replay.now_ns:
            job = self.coming.pop()
            plan = self._plan()
            replay.now_ns += int(farm.images[job]) * plan.encode_ns[replay.heed()]
            self.left[job], self.ends[job] = int(farm.steps[job]), []

    def _step(self) -> None:
        """Let all images take a step."""
        images = sum(int(self.farm.images[job]) for job in self.left)
        level = self.replay.wait()  # may move the instant
        self.replay.now_ns += self._plan().batch_step(level, images)[0]
        for job in self.left:
            self.left[job] -= 1
            self.ends[job].append(self.replay.now_ns)

    def _leave(self) -> None:
        """Decode the jobs that have done their steps."""
        farm, replay, plan = self.farm, self.replay, self._plan()
        for job in sorted(job for job, left in self.left.items() if not left):
            del self.left[job]
            replay.now_ns += int(farm.images[job]) * plan.decode_ns[replay.heed()]
            if farm.finish_ns[job] != replay.now_ns:
                said = f"job {job} ended at {farm.finish_ns[job]} ns, its replay at "
                raise CosimError(f"{said}{replay.now_ns} ns")

    def _plan(self) -> ServicePlan:
        return self.services[self.service]


def batch_step_times(engine: SpanEngine, site: int, gpu: int) -> dict[int, NDArray[np.int64]]:
    """Instants at which the steps of all jobs of a batching GPU ended [ns].

    Args:
        engine: an engine that has run to the end.
        site: index of the site.
        gpu: number of the GPU there.

    Returns:
        For each job an array of shape (steps,): all its images take each step together.
    """
    from cosim.world.step_times import Replay

    farm = engine.farm
    at_site = farm.service_site[np.maximum(farm.service, 0)] == site
    jobs = np.flatnonzero((farm.service >= 0) & at_site & (farm.gpu == gpu))
    order = np.lexsort((jobs, farm.start_ns[jobs]))
    replay = Replay(engine.history(site), gpu, 0, 0)
    again = _Gpu(engine, replay, jobs[order][::-1].tolist())
    again.play()
    return {job: np.array(ends, dtype=np.int64) for job, ends in again.ends.items()}
