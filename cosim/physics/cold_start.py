"""Changing what a GPU holds: a base model is gigabytes, an adapter (LoRA) on it is not.

In Alibaba's trace GenTD26 a base model loads in 22.7 s (median; 45 s or more for the slowest
twentieth) and an adapter in 4.4 s, so a scheduler that keeps jobs of one base together saves four
fifths of the wait. A quarter of the base loads take 3 s and half of them over 22 s: where loads
are drawn, draw from the quantiles, not around the median.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cosim.physics.ranges import (
    Range,
    ascending,
    check_ranges,
    each_in,
    refuse,
    same_length,
)
from cosim.quantities import ns_from_s

NOTHING = -1


@dataclass(frozen=True)
class ColdStart:
    """Time and power of loading onto a GPU.

    Attributes:
        base_s: loading a base model [s].
        adapter_s: loading an adapter onto a base that is there [s].
        base_w: while loading a base model [W].
        adapter_w: while loading an adapter [W].
    """

    base_s: float = 22.7
    adapter_s: float = 4.4
    base_w: float = 150.0
    adapter_w: float = 150.0

    RANGES: ClassVar[dict[str, Range]] = {
        "base_s": Range(0.0, 86_400.0, "s"),
        "adapter_s": Range(0.0, 86_400.0, "s"),
        "base_w": Range(0.0, 100_000.0, "W"),
        "adapter_w": Range(0.0, 100_000.0, "W"),
    }
    SOURCE: ClassVar[str] = (
        "Alibaba GenTD26 (cluster-trace-v2026-GenAI, 7a6c496), medians; watts are assumptions"
    )
    EQUATION: ClassVar[str] = (
        "other base: base_s, plus adapter_s if one is wanted; other adapter alone: adapter_s"
    )

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


def swap_ns(cold: ColdStart, held: tuple[int, int], wanted: tuple[int, int]) -> int:
    """Return the time until a GPU holds what a job wants [ns].

    Args:
        cold: loading times.
        held: (base, adapter) in memory, ``NOTHING`` for none.
        wanted: (base, adapter) of the job; ``NOTHING`` as adapter takes an adapter off, free.
    """
    from cosim.physics import service_scalar as numbers

    return numbers.swap_ns(*held, *wanted, ns_from_s(cold.base_s), ns_from_s(cold.adapter_s))


def swap_j(cold: ColdStart, held: tuple[int, int], wanted: tuple[int, int]) -> float:
    """Return the energy of the same change [J]."""
    if wanted[0] != held[0]:
        adapter_j = cold.adapter_s * cold.adapter_w if wanted[1] != NOTHING else 0.0
        return cold.base_s * cold.base_w + adapter_j
    changed = wanted[1] not in (held[1], NOTHING)
    return cold.adapter_s * cold.adapter_w if changed else 0.0


@dataclass(frozen=True)
class LoadQuantiles:
    """Loading times as a distribution: seconds at rising quantiles.

    Attributes:
        quantiles: rising strictly, within [0, 1].
        seconds: loading time at each [s], never falling.
    """

    quantiles: tuple[float, ...]
    seconds: tuple[float, ...]

    RANGES: ClassVar[dict[str, Range]] = {}
    SOURCE: ClassVar[str] = ColdStart.SOURCE
    EQUATION: ClassVar[str] = "inverse distribution, linear between quantiles, constant outside"

    def __post_init__(self) -> None:
        falls = any(b < a for a, b in zip(self.seconds, self.seconds[1:], strict=False))
        refuse(
            same_length("LoadQuantiles", self.quantiles, self.seconds)
            + ascending("LoadQuantiles.quantiles", self.quantiles)
            + each_in("LoadQuantiles.quantiles", self.quantiles, Range(0.0, 1.0))
            + each_in("LoadQuantiles.seconds", self.seconds, Range(0.0, 86_400.0, "s"))
            + ([f"LoadQuantiles.seconds = {self.seconds!r}: must not fall"] if falls else [])
        )

    def at(self, u: float) -> float:
        """Return the loading time at a uniform draw ``u`` in [0, 1] [s]."""
        refuse(each_in("u", [u], Range(0.0, 1.0)))
        return float(np.interp(u, self.quantiles, self.seconds))
