"""The interface of a pool: a site's GPUs and the queue before them, however they are advanced.

Implementations are interchangeable and must agree bit for bit: the readable reference
(:mod:`cosim.world.pool_gpus`, one SimPy event per denoising step) and one that advances whole
spans in closed form. A pool is never ahead of SimPy's next event.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class BinReading(NamedTuple):
    """What a pool's meters gathered since they were last read.

    Attributes:
        busy_pj: energy of GPUs that ran or loaded something [pJ].
        busy_ns: GPU time of the same [ns].
        down_ns: GPU time of GPUs that were down [ns].
        steps: denoising steps that ended.
        images: images that ended.
        slept_ns: GPU time of GPUs that slept [ns].
    """

    busy_pj: int
    busy_ns: int
    down_ns: int
    steps: int
    images: int
    slept_ns: int = 0


class Pool(Protocol):
    """GPUs of one site and their queue."""

    def submit(self, job: int) -> None:
        """Let a job join the queue now; it starts at once if a GPU is free for it.

        Where as many wait as may, it is turned away.
        """

    def set_clock(self, level: int) -> None:
        """Change the clock; each GPU follows at its next phase or denoising-step boundary."""

    def set_enabled(self, count: int) -> None:
        """Let only so many GPUs run; others stop at their next step boundary and wait."""

    def fail(self, gpu: int) -> None:
        """Let a GPU fail: it stops at once and forgets its model, its job waits again."""

    def repair(self, gpu: int) -> None:
        """Bring a GPU back."""

    def read(self) -> BinReading:
        """Read and reset the meters."""

    def take_finished(self) -> list[int]:
        """Jobs that ended or were dismissed since this was last called, in that order."""

    def free_at_ns(self) -> list[int]:
        """Instant at which each GPU that can run will have ended its job at this clock [ns]."""

    def queue(self) -> list[int]:
        """Jobs in the queue in the order in which they would start."""

    def held_ns(self) -> int:
        """GPU time until the jobs that GPUs hold have ended, at the present clock [ns]."""

    @property
    def busy(self) -> int:
        """GPUs that hold a job."""

    @property
    def up(self) -> int:
        """GPUs that are not down."""
