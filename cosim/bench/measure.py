"""Measuring: every engine in a process of its own, so that times and memory are its own."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from hashlib import blake2b
from time import process_time
from typing import Any

import numpy as np

from cosim.bench.sizes import SIZES, Size, Steady
from cosim.prepare import stage
from cosim.rng import stream
from cosim.world.jobstate import Fates
from cosim.world.plan import Plan
from cosim.world.textbook import Textbook
from cosim.world.world import World

ENGINES = ("textbook", "reference", "fast")
SLOW = ("textbook", "reference")
SHARED = ("service", "steps", "decided_ns", "landed_ns", "start_ns", "finish_ns", "energy_pj")


@dataclass(frozen=True)
class Measure:
    """What one engine took for one size.

    Attributes:
        engine: its name.
        cpu_s: processor time of every repetition [s].
        jobs: jobs of the run.
        steps: denoising steps of the run.
        peak_mb: most memory its process had [MB].
        digest: fingerprint of what became of every job.
        bins: fingerprint of the energies of every meter bin; empty where there are no meters.
        estimated: whether the time was scaled up from size S.
    """

    engine: str
    cpu_s: tuple[float, ...]
    jobs: int
    steps: int
    peak_mb: float
    digest: str
    bins: str
    estimated: bool = False

    @property
    def median_s(self) -> float:
        """Median processor time [s]."""
        return statistics.median(self.cpu_s)


def measure(engine: str, size: Size, repeat: int) -> Measure:
    """Measure an engine in a fresh process.

    Args:
        engine: ``textbook``, ``reference`` or ``fast``.
        size: what is run.
        repeat: how often; the jobs are drawn and code is compiled before.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured, engine, size.name, repeat).result()


def estimate(engine: str, size: Size, small: Measure, steps: int) -> Measure:
    """Scale a measurement up by its denoising steps."""
    times = tuple(seconds * steps / small.steps for seconds in small.cpu_s)
    return replace(
        small, cpu_s=times, jobs=size.jobs, steps=steps, digest="", bins="", estimated=True
    )


def identical(measures: list[Measure]) -> bool:
    """Whether all measured engines did the same to every job and read the same meters."""
    real = [m for m in measures if not m.estimated]
    return len({m.digest for m in real}) == 1 and len({m.bins for m in real if m.bins}) <= 1


def _measured(engine: str, name: str, repeat: int) -> Measure:
    size = SIZES[name]
    prepared = stage(size.scenario())
    play = PLAYERS[engine]
    if engine == "fast":  # compile, or load what was compiled before
        play(stage(SIZES["S"].scenario()).plan(0))
    plan = prepared.plan(1)
    times, played = [], None
    for _ in range(repeat):
        began = process_time()
        played = play(plan)
        times.append(process_time() - began)
    assert played is not None
    fates, bins = played
    columns = {column: np.array(getattr(fates, column), dtype="<i8") for column in SHARED}
    steps = columns["steps"] * plan.jobs.images * (columns["finish_ns"] >= 0)
    return Measure(
        engine,
        tuple(times),
        len(plan.jobs),
        int(steps.sum()),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        _seal(list(columns.values())),
        _seal([bins]) if bins is not None else "",
    )


def _seal(columns: list[Any]) -> str:
    seal = blake2b(digest_size=16)
    for column in columns:
        seal.update(np.ascontiguousarray(column).tobytes())
    return seal.hexdigest()


Played = tuple[Fates, Any]


def _textbook(plan: Plan) -> Played:
    policy = Steady()
    policy.reset(plan.info, stream(1, "bench"))
    model = Textbook(plan, lambda slot: (policy.rule, policy.levels(slot)))
    return model.run(), None


def _world(engine: str) -> Callable[[Plan], Played]:
    def play(plan: Plan) -> Played:
        world = World(plan, Steady(), stream(1, "bench"), name="bench", engine=engine)
        outcome = world.run()
        return outcome.state, outcome.bins["compute_kw"]

    return play


PLAYERS: dict[str, Callable[[Plan], Played]] = {
    "textbook": _textbook,
    "reference": _world("reference"),
    "fast": _world("fast"),
}
