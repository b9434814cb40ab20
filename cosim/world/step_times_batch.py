"""When the steps of a batching GPU ended, recovered from the job table.

Nothing is kept for it but what is kept of every job. Where a GPU is empty, the next job's start
tells when it goes on; where it holds jobs, a job has joined at the boundary at which it started.
So one GPU is played again from the run's beginning, with every change of its site's clock and
switches. The end of every job comes out again; if it did not, the replay would say so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.errors import CosimError
from cosim.world.kernel_state import (
    KEEPS,
    STINT_BEGIN,
    STINT_GPU,
    STINT_JOB,
    STINT_NS,
    STINTS,
    STINTS_LOST,
)
from cosim.world.plan import ServicePlan

if TYPE_CHECKING:
    from cosim.world.engine_spans import SpanEngine
    from cosim.world.step_times import Replay, Stint


class _Gpu:
    """One batching GPU, played again.

    Attributes:
        replay: its time and its site's changes.
        coming: stints that have not begun, the next one last.
        here: stints of the jobs that it holds, by job.
        left: steps left of each of these.
        service: the service whose model is in memory.
        ends: instants at which the steps of each job ended [ns].
    """

    def __init__(self, engine: SpanEngine, replay: Replay, coming: list[Stint]) -> None:
        self.farm, self.services = engine.farm, engine.plan.services
        self.replay, self.coming, self.service = replay, coming, 0
        self.here: dict[int, Stint] = {}
        self.left: dict[int, int] = {}
        self.ends: dict[int, list[int]] = {}

    def play(self) -> None:
        """Play until all jobs that have begun are gone."""
        while self.coming:
            self._wait()
            self._join()
            while self.here:
                self._step()
                self._leave()
                if self.here:  # who comes to an empty GPU may bring another model
                    self._join()

    def _wait(self) -> None:
        """Go to where the next job starts on the empty GPU, its model loaded."""
        stint = self.coming[-1]
        # a job taken on an edge saw all changes of that edge, one taken before it none
        self.replay.now_ns, self.replay.at = stint.begin_ns, stint.epoch
        self.service = int(self.farm.service[stint.job])

    def _join(self) -> None:
        """Encode the jobs that start here, one after another."""
        farm, replay = self.farm, self.replay
        while self.coming and self.coming[-1].begin_ns == replay.now_ns:
            stint = self.coming.pop()
            job = stint.job
            replay.now_ns += int(farm.images[job]) * self._plan.encode_ns[replay.heed()]
            self.here[job], self.left[job] = stint, int(farm.steps[job])
            self.ends.setdefault(job, [])
            if self._failed():
                return

    def _step(self) -> None:
        """Let all images take a step."""
        images = sum(int(self.farm.images[job]) for job in self.here)
        level = self.replay.wait()  # may move the instant
        self.replay.now_ns += self._plan.batch_step(level, images)[0]
        if self._failed():
            return
        for job in self.here:
            self.left[job] -= 1
            self.ends[job].append(self.replay.now_ns)

    def _leave(self) -> None:
        """Decode the jobs that have done their steps."""
        farm, replay = self.farm, self.replay
        for job in sorted(job for job in self.here if not self.left[job]):
            replay.now_ns += int(farm.images[job]) * self._plan.decode_ns[replay.heed()]
            if self._failed():
                return
            if self.here.pop(job).end_ns != replay.now_ns:
                said = f"job {job} ended at {farm.finish_ns[job]} ns, its replay at "
                raise CosimError(f"{said}{replay.now_ns} ns")

    def _failed(self) -> bool:
        """Whether the GPU has failed before this instant; then it holds nothing any more."""
        finish_ns, gpu = self.farm.finish_ns, self.farm.gpu
        lost_ns = [
            stint.end_ns
            for stint in self.here.values()
            if finish_ns[stint.job] != stint.end_ns or gpu[stint.job] < 0
        ]
        if not lost_ns or self.replay.now_ns <= lost_ns[0]:
            return False
        self.here.clear()
        return True

    @property
    def _plan(self) -> ServicePlan:
        return self.services[self.service]


def batch_step_times(engine: SpanEngine, site: int, gpu: int) -> dict[int, NDArray[np.int64]]:
    """Instants at which the steps of all jobs of a batching GPU ended there [ns].

    Args:
        engine: an engine that has run to the end.
        site: index of the site.
        gpu: number of the GPU there.

    Returns:
        For each job an array of shape (steps,), longer where the GPU has failed and run it again:
        all images of a job take each step together.
    """
    from cosim.world.step_times import Replay

    coming = sorted(stints_on(engine, site, gpu), key=lambda stint: (-stint.begin_ns, -stint.job))
    again = _Gpu(engine, Replay(engine.history(site), gpu, 0, 0), coming)
    again.play()
    return {job: np.array(ends, dtype=np.int64) for job, ends in again.ends.items()}


def stints_on(engine: SpanEngine, site: int, gpu: int) -> list[Stint]:
    """All jobs that have begun on a batching GPU, those that it lost included.

    Args:
        engine: an engine that has run to the end.
        site: index of the site.
        gpu: number of the GPU there.

    Raises:
        ValueError: more jobs were interrupted within one slot than the engine had room to note.
    """
    from cosim.world.step_times import Stint

    farm = engine.farm
    if farm.world[STINTS_LOST]:
        raise ValueError(f"{farm.world[STINTS_LOST]} interruptions were not noted")
    at_site = farm.service_site[np.maximum(farm.service, 0)] == site
    jobs = np.flatnonzero((farm.service >= 0) & at_site & (farm.gpu == gpu))
    begin_ns = farm.start_ns[jobs]
    if farm.sites[site, KEEPS]:
        begin_ns = farm.progress[jobs, STINT_NS]
    rows = zip(
        *(column.tolist() for column in (jobs, begin_ns, farm.finish_ns[jobs], farm.epoch[jobs])),
        strict=True,
    )
    lost = farm.stints[: farm.world[STINTS]]
    lost = lost[(lost[:, STINT_GPU] == gpu) & at_site[lost[:, STINT_JOB]]]
    lost = lost[lost[:, STINT_BEGIN] >= 0]
    ended = [Stint(job, gpu, begin, end, 0, 0, epoch) for job, begin, end, epoch in rows]
    return ended + [Stint._make(row) for row in lost.tolist()]
