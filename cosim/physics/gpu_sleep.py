"""A GPU that sleeps when nothing comes: what it saves, and the wait that it costs.

An H100 that holds a CUDA context and waits draws about 122 W, without one 72 W (arXiv
2605.23918): the weights in its memory cost nothing, the context does. A GPU that gives its context
up saves those 50 W, and whoever comes next waits for the context and for the model to load.
The rule is a time-out. Set to the break-even gap, what it spends above sleeping is never more than
twice what knowledge of the gaps would spend (ski rental).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from cosim.physics.ranges import Range, each_in, range_problems, refuse
from cosim.quantities import ns_from_s, s_from_ns

_GAP = Range(0.0, 1e9, "s")


@dataclass(frozen=True)
class GpuSleep:
    """When a GPU goes to sleep, what it draws there and what waking takes.

    Attributes:
        idle_w: waiting with a context [W].
        sleep_w: asleep [W], at most ``idle_w``.
        wake_s: from the arrival of a job to a GPU that can load or compute [s].
        wake_w: while waking [W].
        after_idle_s: waiting time after which it goes to sleep [s].
    """

    idle_w: float
    sleep_w: float
    wake_s: float
    wake_w: float
    after_idle_s: float

    RANGES: ClassVar[dict[str, Range]] = {
        "idle_w": Range(0.0, 100_000.0, "W"),
        "sleep_w": Range(0.0, 100_000.0, "W"),
        "wake_s": Range(0.0, 3600.0, "s"),
        "wake_w": Range(0.0, 100_000.0, "W"),
        "after_idle_s": Range(0.0, 86_400.0, "s"),
    }
    SOURCE: ClassVar[str] = (
        "powers with and without a CUDA context: The Model Parking Tax (arXiv 2605.23918); "
        "time-out rule: ski rental (Karlin et al. 1988)"
    )
    EQUATION: ClassVar[str] = (
        "gap g: idle_w min(g, T) + sleep_w max(0, g - T), and wake_w wake_s if g > T"
    )

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if self.sleep_w > self.idle_w:
            problems.append(
                f"GpuSleep.sleep_w = {self.sleep_w!r}: must be at most idle_w = {self.idle_w!r} W"
            )
        refuse(problems)


def gap_energy_j(sleep: GpuSleep, gap_s: float) -> float:
    """Return the energy of an idle gap that a job ends, its waking included [J]."""
    from cosim.physics.gpu_sleep_scalar import split_gap

    refuse(each_in("gap_s", [gap_s], _GAP))
    idle_ns, asleep_ns = split_gap(ns_from_s(gap_s), ns_from_s(sleep.after_idle_s))
    wake_j = sleep.wake_w * sleep.wake_s if asleep_ns else 0.0
    return sleep.idle_w * s_from_ns(idle_ns) + sleep.sleep_w * s_from_ns(asleep_ns) + wake_j


def break_even_s(sleep: GpuSleep, reload_j: float = 0.0) -> float:
    """Return the gap from which sleeping at once would save energy [s].

    Args:
        sleep: the sleep state.
        reload_j: energy to load the model again, where sleep drops it [J].

    Returns:
        (E_wake + E_reload) / (P_idle − P_sleep); inf if sleep saves no power.
    """
    saved_w = sleep.idle_w - sleep.sleep_w
    spent_j = sleep.wake_w * sleep.wake_s + reload_j
    return spent_j / saved_w if saved_w > 0.0 else math.inf


def expected_gap_saving_j(sleep: GpuSleep, mean_gap_s: float, reload_j: float = 0.0) -> float:
    """Return the mean energy that the time-out saves per gap, for exponential gaps [J].

    Of gaps with mean μ the share exp(−T/μ) outlasts the time-out T and then lasts μ more:
    ((P_idle − P_sleep) μ − E_wake − E_reload) exp(−T/μ). Negative where waking costs more.

    Args:
        sleep: the sleep state.
        mean_gap_s: mean idle gap of a GPU [s], above 0.
        reload_j: energy to load the model again [J].
    """
    refuse(each_in("mean_gap_s", [mean_gap_s], Range(0.0, 1e9, "s", above=True)))
    spent_j = sleep.wake_w * sleep.wake_s + reload_j
    saved_j = (sleep.idle_w - sleep.sleep_w) * mean_gap_s - spent_j
    return saved_j * math.exp(-sleep.after_idle_s / mean_gap_s)


def pool_saving_w(
    sleep: GpuSleep, gpus: int, busy_share: float, mean_gap_s: float, reload_j: float = 0.0
) -> float:
    """Return the mean power that a pool saves by the time-out, for exponential gaps [W].

    A GPU that is idle for the share 1 − u sees (1 − u) / μ gaps a second.

    Args:
        sleep: the sleep state.
        gpus: GPUs in the pool.
        busy_share: share u of the time that a GPU works.
        mean_gap_s: mean idle gap of a GPU [s].
        reload_j: energy to load the model again [J].
    """
    refuse(each_in("busy_share", [busy_share], Range(0.0, 1.0)))
    per_gap_j = expected_gap_saving_j(sleep, mean_gap_s, reload_j)
    return gpus * (1.0 - busy_share) / mean_gap_s * per_gap_j
