"""Size R: how fast a learner can play, and the proof that the fast way is the true one.

A day of 500 jobs at three sites of eight GPUs, in 24 or 96 slots, twelve meter bins to a slot; the
actions are drawn from the whole range. ``env`` is one Gymnasium environment, ``vector`` many in
one call, ``seam`` the same day through observations, decisions and projections in Python. All of
them step the whole world under SimPy's clock, with meters and ledger.
"""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.bench.sheet import (
    Row,
    Sheet,
    Terms,
    amount_column,
    number_column,
    spread,
    spread_column,
)
from cosim.bench.sizes import Size
from cosim.decision import project
from cosim.gym.codec import Codec
from cosim.gym.days import Day, days_of
from cosim.gym.worlds import Settings
from cosim.prepare import stage
from cosim.rng import stream
from cosim.scenario.model import GeneratedArrivals, Scenario, UniformDelay
from cosim.world.clockwork import Clockwork
from cosim.world.episode import Episode

SLOTS = (24, 96)
JOBS = 500
DAYS, DAYS_PER_REPETITION = 4, 20
WORLDS = 16
BINS_PER_SLOT = 12
SETTINGS = Settings(encoding="score", clock=True, battery=True)
FATES = ("service", "steps", "decided_ns", "finish_ns")
Play = Callable[[int], float]


@dataclass(frozen=True)
class Pace:
    """How fast one way of playing was.

    Attributes:
        name: ``env``, ``vector`` or ``seam``.
        slots: slots of its day.
        worlds: worlds per call.
        cpu_s: processor time of every repetition without its resets [s].
        slot_steps: slots that a repetition played, over all worlds.
        reset_us: processor time of a reset, per world [µs].
        peak_mb: most memory the process had until then [MB].
        digest: fingerprint of meters, ledger and jobs of the first day; empty for ``vector``.
    """

    name: str
    slots: int
    worlds: int
    cpu_s: tuple[float, ...]
    slot_steps: int
    reset_us: float
    peak_mb: float
    digest: str

    @property
    def slot_steps_per_s(self) -> float:
        """Slots per second of processor time, in the median repetition."""
        return self.slot_steps / float(np.median(self.cpu_s))


def measure_learning(repeat: int) -> list[Pace]:
    """Measure all ways of playing, one after the other in a fresh process.

    Args:
        repeat: how often; days are prepared and code is compiled before.

    Raises:
        UsageError: gymnasium is not installed.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured, repeat).result()


def faithful(paces: Sequence[Pace]) -> bool:
    """Whether the compiled way did to meters, ledger and jobs what the seam does."""
    sealed = [pace for pace in paces if pace.digest]
    return all(len({p.digest for p in sealed if p.slots == slots}) == 1 for slots in SLOTS)


def learning_day(slots: int) -> Scenario:
    """The day of size R: GPUs busy for about 60 % of the time, jobs that tolerate two hours."""
    base = Size("R", JOBS * 17 // 12, 3, 8).scenario()
    minutes = 1440 / slots
    clock = {"slot_minutes": minutes, "meter_seconds": 60 * minutes / BINS_PER_SLOT}
    work = {
        "arrivals": GeneratedArrivals(kind="generated", jobs_per_day=JOBS),
        "delay": UniformDelay(kind="uniform", mean_s=7200),
    }
    return base.model_copy(
        update={
            "clock": base.clock.model_copy(update=clock),
            "workload": base.workload.model_copy(update=work),
        }
    )


def _measured(repeat: int) -> list[Pace]:
    paces = []
    for slots in SLOTS:
        days = days_of(stage(learning_day(slots)), range(1, DAYS + 1))
        paces += [_env(days, repeat), _vector(days, repeat), _seam(days[0])]
    return paces


# ways of playing ---------------------------------------------------------------------------


def _env(days: Sequence[Day], repeat: int) -> Pace:
    """One Gymnasium environment."""
    from cosim.gym import CosimEnv

    env = CosimEnv(days, SETTINGS)
    actions = list(_actions(days[0], (len(env.codec.action),)))

    def play(number: int) -> float:
        reset_s = _timed(lambda: env.reset(options={"day": number % len(days)}))
        for action in actions:
            env.step(action)
        return reset_s

    times, reset_s = _repeated(play, len(days), repeat)
    play(0)
    seal = _fingerprint(env.worlds.lockstep.worlds[0].works)
    return _pace("env", days[0], 1, times, reset_s, seal)


def _vector(days: Sequence[Day], repeat: int) -> Pace:
    """Many worlds in one call."""
    from cosim.gym import CosimVectorEnv

    env = CosimVectorEnv(days, WORLDS, SETTINGS)
    actions = list(_actions(days[0], (WORLDS, len(env.codec.action))))
    turns = np.arange(WORLDS)

    def play(number: int) -> float:
        reset_s = _timed(lambda: env.reset(options={"day": (turns + number) % len(days)}))
        for action in actions:
            env.step(action)
        return reset_s

    times, reset_s = _repeated(play, 1, repeat)
    return _pace("vector", days[0], WORLDS, times, reset_s, "")


def _seam(day: Day) -> Pace:
    """One day by observations, decisions and projections: what the compiled way is held to."""
    plan = day.plan
    codec = Codec(plan.info, encoding="score", clock=True, battery=True)
    episode, actions = Episode(plan), _actions(day, (len(codec.action),))

    def play(_: int) -> float:
        reset_s = _timed(episode.reset)
        while not episode.over:
            seen = episode.observe()
            codec.encode(seen)
            wish = codec.decode(actions[episode.slot], seen)
            episode.step(project(wish, plan.info, seen).decision)
        return reset_s

    times, reset_s = _repeated(play, 1, 1)
    return _pace("seam", day, 1, times, reset_s, _fingerprint(episode.works))


# measuring ---------------------------------------------------------------------------------


def _actions(day: Day, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Actions of a day, drawn from the whole range."""
    drawn = stream(1, "bench", "actions").uniform(-1, 1, (day.plan.info.slots, *shape))
    return drawn.astype(np.float32)


def _timed(call: Callable[[], Any]) -> float:
    began = process_time()
    call()
    return process_time() - began


def _repeated(play: Play, warm: int, repeat: int) -> tuple[tuple[float, ...], float]:
    """Time of each repetition without its resets, and mean time of a reset [s]."""
    for number in range(warm):
        play(number)
    times, resets_s = [], 0.0
    for _ in range(repeat):
        began, reset_s = process_time(), 0.0
        for number in range(DAYS_PER_REPETITION):
            reset_s += play(number)
        times.append(process_time() - began - reset_s)
        resets_s += reset_s
    return tuple(times), resets_s / (repeat * DAYS_PER_REPETITION)


def _pace(
    name: str, day: Day, worlds: int, times: tuple[float, ...], reset_s: float, seal: str
) -> Pace:
    slots = day.plan.info.slots
    played = DAYS_PER_REPETITION * slots * worlds
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Pace(name, slots, worlds, times, played, 1e6 * reset_s / worlds, peak_mb, seal)


def _fingerprint(works: Clockwork) -> str:
    """Meters, ledger rows and jobs as they stood at the end of the window."""
    grid, slots, window_ns = works.books.grid, works.plan.info.slots, works.plan.window_ns
    fates = {name: np.asarray(getattr(works.engine.fates, name)) for name in FATES}
    known = (fates["decided_ns"] >= 0) & (fates["decided_ns"] < window_ns)
    finish_ns = fates.pop("finish_ns")
    ended_ns = np.where(finish_ns <= window_ns, finish_ns, -1)
    seal = blake2b(digest_size=16)
    for column in (grid.rows[:slots], grid.bins, ended_ns, *(c[known] for c in fates.values())):
        seal.update(np.ascontiguousarray(column).tobytes())
    return seal.hexdigest()


# as a sheet --------------------------------------------------------------------------------


def learning(letter: str, terms: Terms) -> Sheet:
    """Time a learner's environments and hold them to the way through the seam."""
    terms.tell("learner's environments …")
    paces = measure_learning(terms.repeat)
    return Sheet(
        letter,
        "a learner's slots per second",
        "engines",
        "engine",
        (
            spread_column("CPU s", "cpu_s"),
            amount_column("slot-steps/s", "slot_steps_per_s"),
            number_column("reset µs", "reset_us"),
            number_column("worlds", "worlds"),
            number_column("peak MB", "peak_mb"),
        ),
        {f"{pace.name}-{pace.slots}": _row(pace) for pace in paces},
        identical=faithful(paces),
    )


def _row(pace: Pace) -> Row:
    return {
        "slots": pace.slots,
        "worlds": pace.worlds,
        **spread("cpu_s", pace.cpu_s),
        "slot_steps_per_s": pace.slot_steps_per_s,
        "reset_us": pace.reset_us,
        "peak_mb": pace.peak_mb,
        "digest": pace.digest,
    }
