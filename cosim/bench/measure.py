"""Measuring: every engine in a process of its own, so that times and memory are its own.

Engines take turns, spread over the time that the whole takes, so that a machine that is busy now
and idle then is so for all of them.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from statistics import median
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.bench.machine import peak_mb
from cosim.bench.players import PLAYERS
from cosim.bench.sizes import Size
from cosim.bench.year import jobs_in_parts
from cosim.prepare import stage
from cosim.world.plan import Plan

SHARED = ("service", "steps", "decided_ns", "landed_ns", "start_ns", "finish_ns", "energy_pj")
_SEED = 1


@dataclass(frozen=True)
class Measure:
    """What one engine took for one size.

    Attributes:
        engine: its name.
        cpu_s: processor time of every repetition [s].
        jobs: jobs of the run.
        steps: denoising steps of the run.
        peak_mb: most memory its process had when it had run once [MiB], None if not measured.
        digest: fingerprint of what became of every job.
        bins: fingerprint of the energies of every meter bin; empty where there are no meters.
        events: SimPy events, None if not counted.
        draw_s: processor time for drawing the jobs, not part of ``cpu_s`` [s].
        estimated: whether the time was scaled up from a smaller size.
        steady: whether every repetition did the same.
    """

    engine: str
    cpu_s: tuple[float, ...]
    jobs: int
    steps: int
    peak_mb: float | None
    digest: str
    bins: str
    events: int | None = None
    draw_s: float = 0.0
    estimated: bool = False
    steady: bool = True

    @property
    def median_s(self) -> float:
        """Median processor time [s]."""
        return median(self.cpu_s)


def turns(counts: Mapping[str, int]) -> list[str]:
    """Who is timed when: each engine's repetitions stand evenly spread over the whole."""
    at = [((k + 0.5) / count, name) for name, count in counts.items() for k in range(count)]
    order = list(counts)
    return [name for _, name in sorted(at, key=lambda turn: (turn[0], order.index(turn[1])))]


def measure(
    size: Size, counts: Mapping[str, int], tell: Callable[[str], None] = lambda text: None
) -> list[Measure]:
    """Time engines on the same jobs, each in a process of its own.

    Args:
        size: what is run.
        counts: how often each engine runs it.
        tell: called before each turn.

    Returns:
        A measure per engine, in the order of ``counts``.
    """
    laps: dict[str, list[Measure]] = {name: [] for name in counts}
    with ExitStack() as stack:
        processes = {name: stack.enter_context(one_process()) for name in counts}
        for engine in turns(counts):
            tell(f"size {size.name}: {engine} {len(laps[engine]) + 1}/{counts[engine]}")
            laps[engine].append(processes[engine].submit(lap, engine, size).result())
    return [together(laps[engine]) for engine in counts]


def one_process() -> Executor:
    """A fresh process that remembers what it prepared."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def together(laps: list[Measure]) -> Measure:
    """The repetitions of one engine as one measure; memory is that of the first."""
    first, times = laps[0], tuple(time for lap in laps for time in lap.cpu_s)
    return replace(first, cpu_s=times, steady=len({(lap.digest, lap.bins) for lap in laps}) == 1)


def estimate(small: Measure, whole: Measure) -> Measure:
    """Scale a slow engine's measure up to the steps of a larger run that another engine made."""
    times = tuple(seconds * whole.steps / small.steps for seconds in small.cpu_s)
    return replace(
        whole,
        engine=small.engine,
        cpu_s=times,
        peak_mb=None,
        digest="",
        bins="",
        events=None,
        estimated=True,
    )


def identical(measures: list[Measure]) -> bool:
    """Whether all measured engines did the same to every job and read the same meters."""
    real = [m for m in measures if not m.estimated]
    agree = len({m.digest for m in real}) == 1 and len({m.bins for m in real if m.bins}) <= 1
    return agree and all(m.steady for m in real)


def lap(engine: str, size: Size) -> Measure:
    """Run a size once in this process; jobs are drawn and code is compiled before."""
    plan, draw_s = _prepared(engine, size)
    began = process_time()
    played = PLAYERS[engine](plan, size)
    cpu_s, peak = process_time() - began, peak_mb()
    columns = {name: np.asarray(getattr(played.fates, name)) for name in SHARED}
    steps = columns["steps"].astype(np.int64) * plan.jobs.images
    return Measure(
        engine=engine,
        cpu_s=(cpu_s,),
        jobs=len(plan.jobs),
        steps=int(steps[columns["finish_ns"] >= 0].sum()),
        peak_mb=peak,
        digest=_seal(columns.values()),
        bins="" if played.bins is None else _seal([played.bins]),
        events=played.events,
        draw_s=draw_s,
    )


@cache
def _prepared(engine: str, size: Size) -> tuple[Plan, float]:
    """The plan of a size, and the processor time [s] that drawing its jobs took."""
    if engine == "fast":  # compile, or load what was compiled before
        PLAYERS[engine](stage(size.small.scenario()).plan(0), size.small)
    on = stage(size.scenario())
    began = process_time()
    jobs = jobs_in_parts(on, _SEED)
    draw_s = process_time() - began
    return on.plan(_SEED, jobs), draw_s


def _seal(columns: Iterable[NDArray[Any]]) -> str:
    seal = blake2b(digest_size=16)
    for column in columns:
        kind = "<f8" if column.dtype.kind == "f" else "<i8"
        seal.update(np.ascontiguousarray(column, dtype=kind).data)
    return seal.hexdigest()
