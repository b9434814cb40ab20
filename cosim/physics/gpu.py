"""A GPU that denoises images: how long it takes at a clock level and what it draws.

One image is an encode phase, ``c`` equal denoising steps and a decode phase, so its time
``T(c, f) = t0 + c s(f)`` is linear in the steps (measured so by ML.ENERGY; the model of JEMAS,
arXiv 2605.02965). Lowering the clock stretches every phase by ``1 / speed`` and lowers the power
to a share of full power; which share is a table, because measured curves are not cubic: the last
10 % of speed cost 20 to 30 % of the power (Zeus, NSDI'23).

Times are integer nanoseconds and powers integer milliwatts, so energies are exact integer
picojoules (1 mW × 1 ns = 1 pJ) wherever they are summed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.ranges import (
    Range,
    ascending,
    each_in,
    range_problems,
    refuse,
    same_length,
)
from cosim.quantities import INT64_MAX, NS_PER_S

MW_PER_W = 1000
PJ_PER_J = 10**12

_RATIO = Range(0.0, 1.0, above=True)


@dataclass(frozen=True)
class ClockTable:
    """Clock levels of a GPU (DVFS): relative speed and relative power of each.

    Attributes:
        speed: work per second relative to full clock, rising strictly to 1.
        power: power while working relative to full clock, never falling, last 1.
    """

    speed: tuple[float, ...]
    power: tuple[float, ...]

    SOURCE: ClassVar[str] = "Zeus (NSDI 2023), ai-inference-energy; rows in profiles/dvfs"
    EQUATION: ClassVar[str] = "power linear in speed between levels"

    def __post_init__(self) -> None:
        refuse(
            same_length("ClockTable.speed and ClockTable.power", self.speed, self.power)
            + each_in("ClockTable.speed", self.speed, _RATIO)
            + each_in("ClockTable.power", self.power, _RATIO)
            + ascending("ClockTable.speed", self.speed)
            + _clock_shape(self.speed, self.power)
        )

    def at(self, speed: ArrayLike) -> NDArray[np.float64]:
        """Return the power ratio at ``speed``, linear between levels.

        Raises:
            ValueError: if a speed lies outside the table.
        """
        asked = np.asarray(speed, dtype=np.float64)
        if not np.all((asked >= self.speed[0]) & (asked <= 1.0)):
            raise ValueError(f"speed = {speed!r}: must be from {self.speed[0]:g} to 1")
        return np.asarray(np.interp(asked, self.speed, self.power))


def _clock_shape(speed: Sequence[float], power: Sequence[float]) -> list[str]:
    problems = []
    if speed and power and (speed[-1], power[-1]) != (1.0, 1.0):
        problems.append(
            f"ClockTable: last level is ({speed[-1]:g}, {power[-1]:g}); must be (1, 1)"
        )
    if any(b < a for a, b in pairwise(power)):
        problems.append(f"ClockTable.power = {tuple(power)!r}: must not fall as speed rises")
    return problems


def cubic(idle_ratio: float, speeds: Sequence[float]) -> ClockTable:
    """Return the textbook clock table P/P_max = p0 + (1 − p0) s³.

    From P = P⁰ + κ V² f with voltage proportional to frequency.

    Args:
        idle_ratio: static share p0 of full power, in (0, 1].
        speeds: relative speeds, rising strictly to 1.
    """
    return powerlaw(idle_ratio, 3.0, speeds)


def powerlaw(p0: float, a: float, speeds: Sequence[float]) -> ClockTable:
    """Return the clock table P/P_max = p0 + (1 − p0) s^a.

    Fits to the power-limit sweeps published with Zeus (NSDI'23), s the relative *speed*: V100
    p0 0.47, a 7.7; A40 0.56, 7.5; RTX 6000 0.48, 6.2; P100 0.70, 11.7.

    Args:
        p0: static share of full power, in (0, 1].
        a: exponent, at least 1.
        speeds: relative speeds, rising strictly to 1.
    """
    refuse(each_in("p0", [p0], _RATIO) + each_in("a", [a], Range(1.0, 100.0)))
    return ClockTable(tuple(speeds), tuple(p0 + (1.0 - p0) * s**a for s in speeds))


def energy_per_work(table: ClockTable) -> NDArray[np.float64]:
    """Return the energy of a fixed amount of work at each level, relative to full clock."""
    return np.asarray(np.divide(table.power, table.speed))


def best_level(table: ClockTable) -> int:
    """Return the level of least energy per work; the faster one of equals."""
    energy = energy_per_work(table)
    return int(np.flatnonzero(energy == energy.min())[-1])


@dataclass(frozen=True)
class ServiceTiming:
    """What one image costs on one GPU at full clock, batch 1.

    Attributes:
        step_s: time of one denoising step [s], above 0.
        step_w: power during the steps [W].
        encode_s: text encoding before the steps [s].
        decode_s: image decoding after the steps [s].
        fixed_j: energy of encode and decode together [J]; 0 where both times are 0.
        load_s: time to load the model into a GPU that held another one [s].
        load_w: power while loading [W].
    """

    step_s: float
    step_w: float
    encode_s: float
    decode_s: float
    fixed_j: float
    load_s: float = 0.0
    load_w: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {
        "step_s": Range(1e-6, 3600.0, "s"),
        "step_w": Range(0.0, 100_000.0, "W"),
        "encode_s": Range(0.0, 3600.0, "s"),
        "decode_s": Range(0.0, 3600.0, "s"),
        "fixed_j": Range(0.0, 1e8, "J"),
        "load_s": Range(0.0, 86_400.0, "s"),
        "load_w": Range(0.0, 100_000.0, "W"),
    }
    SOURCE: ClassVar[str] = "time linear in steps: ML.ENERGY; JEMAS (arXiv 2605.02965)"
    EQUATION: ClassVar[str] = "T(c, f) = t0 + c s(f); E(c, f) = E0(f) + c s(f) P(f)"

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if self.fixed_j > 0 and not self.encode_s + self.decode_s > 0:
            problems.append(
                f"ServiceTiming.fixed_j = {self.fixed_j!r}: needs encode_s + decode_s above 0 s"
            )
        refuse(problems)


def scaled_ns(seconds: float, speed: float) -> int:
    """Return how long work takes at a relative speed [ns], from its seconds at full speed."""
    if not 0.0 < speed <= 1.0:
        raise ValueError(f"speed = {speed!r}: must be above 0 and at most 1")
    return round(seconds / speed * NS_PER_S)


def step_ns(timing: ServiceTiming, speed: float) -> int:
    """Return the time of one denoising step s(f) at a relative speed [ns], at least 1."""
    return max(1, scaled_ns(timing.step_s, speed))


def encode_ns(timing: ServiceTiming, speed: float) -> int:
    """Return the encode time of one image at a relative speed [ns]."""
    return scaled_ns(timing.encode_s, speed)


def decode_ns(timing: ServiceTiming, speed: float) -> int:
    """Return the decode time of one image at a relative speed [ns]."""
    return scaled_ns(timing.decode_s, speed)


def load_ns(timing: ServiceTiming) -> int:
    """Return the time to load the model [ns]; storage and bus bound, so no clock in it."""
    return scaled_ns(timing.load_s, 1.0)


def power_mw(watts: float, power_ratio: float) -> int:
    """Return ``watts`` at a clock's power ratio, rounded to integer milliwatts."""
    return round(watts * power_ratio * MW_PER_W)


def fixed_power_mw(timing: ServiceTiming, power_ratio: float) -> int:
    """Return the mean power of encode and decode at a clock's power ratio [mW].

    ``fixed_j / (encode_s + decode_s)`` at full clock; 0 where both phases take no time.
    """
    fixed_s = timing.encode_s + timing.decode_s
    return power_mw(timing.fixed_j / fixed_s, power_ratio) if fixed_s > 0 else 0


def image_ns(timing: ServiceTiming, speed: float, steps: int) -> int:
    """Return T(c, f) = t0 + c s(f) of one image [ns] (JEMAS, arXiv 2605.02965)."""
    fixed_ns = encode_ns(timing, speed) + decode_ns(timing, speed)
    return fixed_ns + steps * step_ns(timing, speed)


def service_ns(timing: ServiceTiming, speed: float, steps: int, images: int) -> int:
    """Return the time a job of ``images`` images occupies one GPU, m T(c, f) [ns]."""
    return images * image_ns(timing, speed, steps)


def image_energy_j(timing: ServiceTiming, speed: float, power_ratio: float, steps: int) -> float:
    """Return the energy of one image, E0(f) + c s(f) P(f) [J], from the rounded quanta.

    Args:
        timing: what an image costs at full clock.
        speed: relative speed of the clock level.
        power_ratio: relative power of the clock level.
        steps: denoising steps c.
    """
    fixed_ns = encode_ns(timing, speed) + decode_ns(timing, speed)
    fixed_pj = fixed_power_mw(timing, power_ratio) * fixed_ns
    steps_pj = power_mw(timing.step_w, power_ratio) * step_ns(timing, speed) * steps
    return (fixed_pj + steps_pj) / PJ_PER_J


def guard_int64(label: str, longest_ns: int, highest_mw: int, count: int = 1) -> None:
    """Refuse a time and a power whose energy [pJ] would overflow 64 bits when summed.

    Compiled code wraps silently; hence the check where a scenario is loaded.

    Args:
        label: what is guarded, for the message.
        longest_ns: longest span that is integrated in one go [ns].
        highest_mw: highest power in it [mW].
        count: how many such GPUs are summed into one number.

    Raises:
        ValueError: if ``longest_ns``, or the energy, exceeds 2⁶³ − 1.
    """
    energy_pj = longest_ns * highest_mw * count
    if max(energy_pj, longest_ns) > INT64_MAX:
        limit_s = INT64_MAX // max(1, highest_mw * count) / NS_PER_S
        raise ValueError(
            f"{label}: {longest_ns / NS_PER_S:g} s at {highest_mw * count / MW_PER_W:g} W does "
            f"not fit 64-bit picojoules; at most {math.floor(limit_s)} s at this power"
        )
