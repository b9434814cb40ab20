"""When each denoising step of a job ended, recovered exactly from what the fast engine keeps.

The engine never makes an event of a step. But it keeps when a job took its GPU, and every change
of the site's clock and switches; between two changes the rest is arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cosim.world.step_times_batch import batch_step_times

if TYPE_CHECKING:
    from cosim.world.engine_spans import Change, SpanEngine


@dataclass
class Replay:
    """One GPU replayed from the instant at which it took a job.

    Attributes:
        changes: what happened to the site's clock and switches.
        gpu: number of the GPU.
        now_ns: where the replay stands [ns].
        at: index of the last change that it has seen.
    """

    changes: list[Change]
    gpu: int
    now_ns: int
    at: int

    def heed(self) -> int:
        """Level of a phase that begins now: a change at this very instant comes too late."""
        while self.at + 1 < len(self.changes) and self.changes[self.at + 1].at_ns < self.now_ns:
            self.at += 1
        return self.changes[self.at].level

    def wait(self) -> int:
        """Stand while switched off; the level in force when the step begins."""
        level = self.heed()
        if self.gpu not in self.changes[self.at].off:
            return level
        while self.gpu in self.changes[self.at].off:
            self.at += 1
        self.now_ns = self.changes[self.at].at_ns
        # on this edge the clock is set before the switches; nothing changes after them
        return self.changes[self.at].level


def step_times(engine: SpanEngine, job: int) -> NDArray[np.int64]:
    """Instants at which the steps of a finished job ended [ns], shape (images · steps,).

    Where GPUs batch, the images of a job take each step together. Then its GPU is replayed from
    the beginning of the run; :func:`batch_step_times` gives all jobs of a GPU in one go.

    Args:
        engine: the engine that ran it.
        job: its number.

    Raises:
        ValueError: the job has not ended.
    """
    farm = engine.farm
    if farm.finish_ns[job] < 0:
        raise ValueError(f"job {job} has not ended; its steps have no times")
    plan = engine.plan.services[int(farm.service[job])]
    site = int(farm.service_site[farm.service[job]])
    if engine.plan.sites[site].batch_max > 1:
        ends_ns = batch_step_times(engine, site, int(farm.gpu[job]))[job]
        return np.repeat(ends_ns, farm.images[job])
    start_ns, epoch = int(farm.start_ns[job]), int(farm.epoch[job])
    replay = Replay(engine.history[site], int(farm.gpu[job]), start_ns, epoch)
    ends: list[int] = []
    for _ in range(int(farm.images[job])):
        replay.now_ns += plan.encode_ns[replay.heed()]
        for _ in range(int(farm.steps[job])):
            level = replay.wait()  # may move the instant: not to be nested in the sum
            replay.now_ns += plan.step_ns[level]
            ends.append(replay.now_ns)
        replay.now_ns += plan.decode_ns[replay.heed()]
    return np.array(ends, dtype=np.int64)
