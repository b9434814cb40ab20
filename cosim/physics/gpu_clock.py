"""Clock laws of a GPU and what a power cap does to them.

A clock table says how fast and how hungry a GPU is at each level (``gpu.ClockTable``). Where no
sweep was measured, a law fills the table: a power law of the speed, or a roofline in which only a
share of the work waits for the clock. A cap in watts then leaves the levels whose draw is under
it: an A100 that draws 392 W at full clock runs SDXL under a cap of 300 W at 0.98 of its speed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from cosim.physics.gpu import ClockTable, ServiceTiming, powerlaw
from cosim.physics.ranges import Range, check_ranges, each_in, refuse

_SHARE = Range(0.0, 1.0, above=True)
NO_LEVEL = -1


@dataclass(frozen=True)
class PowerLaw:
    """Power as a power of the speed, fitted to a power-limit sweep.

    Attributes:
        p0: static share of full power.
        a: exponent of the speed.
        rms_error: root of the mean squared error of the fit, relative to full power.
    """

    p0: float
    a: float
    rms_error: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {
        "p0": _SHARE,
        "a": Range(1.0, 100.0),
        "rms_error": Range(0.0, 1.0),
    }
    SOURCE: ClassVar[str] = "fitted here to the power-limit sweeps of Zeus (NSDI 2023)"
    EQUATION: ClassVar[str] = "P/P_max = p0 + (1 - p0) s^a, s the relative speed"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)

    def table(self, speeds: Sequence[float]) -> ClockTable:
        """Return the clock table at relative speeds that rise strictly to 1."""
        return powerlaw(self.p0, self.a, speeds)


ZEUS_FITS: Mapping[str, PowerLaw] = MappingProxyType(
    {
        "v100": PowerLaw(0.47, 7.7, 0.017),
        "a40": PowerLaw(0.56, 7.5, 0.039),
        "rtx6000": PowerLaw(0.48, 6.2, 0.018),
        "p100": PowerLaw(0.70, 11.7, 0.012),
    }
)
"""Fits to training loads under a power limit, by GPU kind; speed is what remained of it."""


@dataclass(frozen=True)
class Roofline:
    """A load of which only the share δ waits for the clock; the rest waits for memory.

    Attributes:
        delta: clock-bound share δ of the time at full clock; 1 makes speed equal the clock.
        p0: static share of full power.
        a: exponent of the clock in the power; 3 is the textbook's P = P⁰ + κ V² f.
    """

    delta: float
    p0: float
    a: float = 3.0

    RANGES: ClassVar[dict[str, Range]] = {
        "delta": _SHARE,
        "p0": _SHARE,
        "a": Range(1.0, 100.0),
    }
    SOURCE: ClassVar[str] = (
        "time law of DVFS scheduling studies; δ and p0 for Stable Diffusion from the optima of "
        "ai-inference-energy (mertside, 5da1985)"
    )
    EQUATION: ClassVar[str] = "t/t_min = δ/f + 1 - δ; P/P_max = p0 + (1 - p0) f^a, f = clock/max"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)

    def speed(self, clock: float) -> float:
        """Return the relative speed 1 / (δ/f + 1 − δ) at a relative clock f in (0, 1]."""
        refuse(each_in("clock", [clock], _SHARE))
        # δ/f + 1 − δ, written so that full clock gives exactly 1
        return 1.0 / (1.0 + self.delta * (1.0 / clock - 1.0))

    def power(self, clock: float) -> float:
        """Return the relative power p0 + (1 − p0) f^a at a relative clock f in (0, 1]."""
        refuse(each_in("clock", [clock], _SHARE))
        return float(self.p0 + (1.0 - self.p0) * clock**self.a)

    def table(self, clocks: Sequence[float]) -> ClockTable:
        """Return the clock table at relative clocks that rise strictly to 1."""
        speeds = tuple(self.speed(clock) for clock in clocks)
        return ClockTable(speeds, tuple(self.power(clock) for clock in clocks))


def roofline(
    delta: float, clocks: Sequence[float], *, p0: float = 0.6, a: float = 3.0
) -> ClockTable:
    """Return the clock table of a roofline, see ``Roofline``."""
    return Roofline(delta, p0, a).table(clocks)


def roofline_through(clock: float, slowdown: float, energy_saving: float) -> Roofline:
    """Return the roofline with a cubic power through one measured point.

    Args:
        clock: relative clock of the point, below 1.
        slowdown: its extra time relative to full clock, above 0.
        energy_saving: energy saved there relative to full clock.

    Raises:
        ValueError: if the point is not slower or its power leaves no static share.
    """
    cube = clock**3
    power = (1.0 - energy_saving) / (1.0 + slowdown)
    return Roofline(slowdown / (1.0 / clock - 1.0), (power - cube) / (1.0 - cube))


STABLE_DIFFUSION_FITS: Mapping[str, Roofline] = MappingProxyType(
    {
        "a100": roofline_through(945 / 1410, 0.0233, 0.2567),
        "v100": roofline_through(1095 / 1380, 0.0182, 0.1633),
    }
)
"""Rooflines through the published optimum of Stable Diffusion; times there resolve about 2 %, so
δ (0.05 and 0.07) is uncertain by as much. The H100 got no slower, which leaves δ undetermined."""


def cap_level(table: ClockTable, full_w: float, cap_w: float) -> int:
    """Return the highest clock level whose power is at most a cap.

    Args:
        table: clock levels.
        full_w: power of the load at full clock [W], above 0.
        cap_w: power cap of the GPU [W].

    Returns:
        The level; ``NO_LEVEL`` if even the lowest draws more: the GPU has to pause.
    """
    fitting = [i for i, power in enumerate(table.power) if power * full_w <= cap_w]
    return fitting[-1] if fitting else NO_LEVEL


def capped_speed(table: ClockTable, full_w: float, cap_w: float) -> float:
    """Return the relative speed at which a load draws exactly its cap, linear between levels.

    A driver that holds a cap moves the clock in steps of a few MHz: between two levels it finds
    one of its own. 1 if the cap does not bind; the highest of equally hungry speeds.

    Raises:
        ValueError: if the lowest level draws more than the cap.
    """
    refuse(each_in("full_w", [full_w], Range(0.0, 100_000.0, "W", above=True)))
    lowest_w = table.power[0] * full_w
    if cap_w < lowest_w:
        raise ValueError(f"cap_w = {cap_w!r}: must be at least {lowest_w:g} W, the lowest level")
    level = cap_level(table, full_w, cap_w)
    if level == len(table.speed) - 1:
        return 1.0
    low, high = table.power[level], table.power[level + 1]
    share = (cap_w / full_w - low) / (high - low)
    return table.speed[level] + share * (table.speed[level + 1] - table.speed[level])


def with_cap(table: ClockTable, full_w: float, cap_w: float) -> tuple[ClockTable, int]:
    """Insert the level that a cap allows, so that a GPU can run just under it.

    Args:
        table: clock levels.
        full_w: power of the load at full clock [W].
        cap_w: power cap of the GPU [W].

    Returns:
        The table with the interpolated level, and the index of that level: policies may choose
        it and all below. The table itself where a level stands there already.

    Raises:
        ValueError: if the lowest level draws more than the cap.
    """
    speed = capped_speed(table, full_w, cap_w)
    at = bisect_left(table.speed, speed)
    if table.speed[at] == speed:
        return table, at
    power = min(cap_w / full_w, 1.0)
    return ClockTable(
        (*table.speed[:at], speed, *table.speed[at:]),
        (*table.power[:at], power, *table.power[at:]),
    ), at


@dataclass(frozen=True)
class Capped:
    """What a cap leaves of a clock table: its fastest level becomes the full clock of the GPU.

    Attributes:
        table: the levels left, relative to the fastest of them.
        speed: speed of that level relative to the full clock without a cap.
        power: its power relative to the same.
    """

    table: ClockTable
    speed: float = 1.0
    power: float = 1.0

    def timing(self, timing: ServiceTiming) -> ServiceTiming:
        """Return what an image costs at the fastest level left; loading knows no clock."""
        return replace(
            timing,
            step_s=timing.step_s / self.speed,
            step_w=timing.step_w * self.power,
            encode_s=timing.encode_s / self.speed,
            decode_s=timing.decode_s / self.speed,
            fixed_j=timing.fixed_j * self.power / self.speed,
        )


def under_cap(table: ClockTable, full_w: float, cap_w: float) -> Capped:
    """Return the levels under a cap, the one that draws just the cap included.

    Args:
        table: clock levels.
        full_w: power of the hungriest load at full clock [W].
        cap_w: power cap of the GPU [W].

    Raises:
        ValueError: if the lowest level draws more than the cap.
    """
    levels, top = with_cap(table, full_w, cap_w)
    speed, power = levels.speed[top], levels.power[top]
    left = ClockTable(
        tuple(s / speed for s in levels.speed[: top + 1]),
        tuple(p / power for p in levels.power[: top + 1]),
    )
    return Capped(left, speed, power)
