"""When each denoising step of a job ended, recovered exactly from what the fast engine keeps.

The engine never makes an event of a step. But it keeps when a job took its GPU, every change of
the site's clock and switches, and where a job was interrupted; between two of these the rest is
arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.world.kernel_state import (
    BEGUN,
    KEEPS,
    REST,
    STINT_JOB,
    STINT_NS,
    STINTS,
    STINTS_LOST,
)
from cosim.world.plan import ServicePlan
from cosim.world.step_times_batch import batch_step_times

if TYPE_CHECKING:
    from cosim.world.engine_spans import Change, SpanEngine


class Stint(NamedTuple):
    """A job on one GPU, from when it began or went on there until it left; columns as stored.

    Attributes:
        job: the job.
        gpu: the GPU.
        begin_ns: when its first phase began, after any model load [ns].
        end_ns: when it left [ns]; before ``begin_ns`` if the GPU failed during the load.
        begun: images that had begun before.
        steps_left: denoising steps left then of the image under way, 0 without one.
        epoch: changes of clock and switches that the site had seen.
    """

    job: int
    gpu: int
    begin_ns: int
    end_ns: int
    begun: int
    steps_left: int
    epoch: int


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

    def ends(self, plan: ServicePlan, images: int, steps: int, left: int) -> Iterator[int]:
        """Ends of the steps of the image under way and of so many more [ns]."""
        for _ in range(images + (left > 0)):
            if not left:
                self.now_ns += plan.encode_ns[self.heed()]
                left = steps
            for _ in range(left):
                level = self.wait()  # may move the instant: not to be nested in the sum
                self.now_ns += plan.step_ns[level]
                yield self.now_ns
            left = 0
            self.now_ns += plan.decode_ns[self.heed()]


def step_times(engine: SpanEngine, job: int) -> NDArray[np.int64]:
    """Instants at which the steps of a finished job ended [ns], in order.

    They are images · steps, and those of images that were lost because a GPU failed; fewer for a
    job that was interrupted and given up.

    Where GPUs batch, the images of a job take each step together. Then its GPU is replayed from
    the beginning of the run; :func:`batch_step_times` gives all jobs of a GPU in one go.

    Args:
        engine: the engine that ran it.
        job: its number.

    Raises:
        ValueError: the job has not ended, or more jobs were interrupted within one slot than the
            engine had room to note.
    """
    farm = engine.farm
    if farm.finish_ns[job] < 0:
        raise ValueError(f"job {job} has not ended; its steps have no times")
    service = int(farm.service[job])
    site = int(farm.service_site[service])
    if engine.plan.sites[site].batch_max > 1:
        return _in_batches(engine, site, job)
    plan, history = engine.plan.services[service], engine.history(site)
    steps, images = int(farm.steps[job]), int(farm.images[job])
    ends: list[int] = []
    for stint in stints_of(engine, job):
        replay = Replay(history, stint.gpu, stint.begin_ns, stint.epoch)
        for at_ns in replay.ends(plan, images - stint.begun, steps, stint.steps_left):
            if at_ns > stint.end_ns:
                break
            ends.append(at_ns)
    return np.array(ends, dtype=np.int64)


def _in_batches(engine: SpanEngine, site: int, job: int) -> NDArray[np.int64]:
    gpus = {stint.gpu for stint in stints_of(engine, job)}
    parts = [batch_step_times(engine, site, gpu)[job] for gpu in gpus]
    ends_ns = np.concatenate([np.zeros(0, dtype=np.int64), *parts])
    return np.repeat(np.sort(ends_ns), engine.farm.images[job])


def stints_of(engine: SpanEngine, job: int) -> list[Stint]:
    """Where and when a finished job ran, in order.

    Args:
        engine: the engine that ran it.
        job: its number.

    Raises:
        ValueError: more jobs were interrupted within one slot than the engine had room to note.
    """
    farm = engine.farm
    if farm.world[STINTS_LOST]:
        raise ValueError(f"{farm.world[STINTS_LOST]} interruptions were not noted")
    rows = farm.stints[: farm.world[STINTS]]
    before = rows[rows[:, STINT_JOB] == job].tolist()
    begin_ns, begun, rest = int(farm.start_ns[job]), 0, 0
    if farm.sites[farm.service_site[farm.service[job]], KEEPS]:
        begin_ns, begun, rest = farm.progress[job, [STINT_NS, BEGUN, REST]].tolist()
    gpu, end_ns, epoch = int(farm.gpu[job]), int(farm.finish_ns[job]), int(farm.epoch[job])
    last = [Stint(job, gpu, begin_ns, end_ns, begun, rest, epoch)] if gpu >= 0 else []
    return [*map(Stint._make, before), *last]
