"""The link over which a job leaves its home site: delay and price of moving megabytes.

JEMAS (arXiv 2605.02965) has a transfer cost and delay; its form here is ours: latency plus bits
over bandwidth, and a price per gigabyte. Both are small beside denoising, but not nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from cosim.physics.ranges import Range, check_ranges, each_in, refuse
from cosim.quantities import NS_PER_S

BIT_PER_BYTE = 8
MB_PER_GB = 1000.0

_MEGABYTES = Range(0.0, math.inf, "MB")


@dataclass(frozen=True)
class Link:
    """A directed connection between two sites.

    Attributes:
        latency_s: time until the first bit lands [s].
        bandwidth_mbit_s: rate of a transfer [Mbit/s], above 0.
        price_usd_per_gb: price of 1000 MB [USD/GB].
    """

    latency_s: float
    bandwidth_mbit_s: float
    price_usd_per_gb: float

    RANGES: ClassVar[dict[str, Range]] = {
        "latency_s": Range(0.0, 3600.0, "s"),
        "bandwidth_mbit_s": Range(0.0, 1e9, "Mbit/s", above=True),
        "price_usd_per_gb": Range(0.0, 1e6, "USD/GB"),
    }
    SOURCE: ClassVar[str] = "that moving costs time and money: JEMAS; the form: ours"
    EQUATION: ClassVar[str] = "delay = latency + 8 MB / bandwidth; price = usd_per_gb MB / 1000"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


def transfer_ns(link: Link, megabytes: float) -> int:
    """Return the time until the last bit of ``megabytes`` (10⁶ bytes each) has landed [ns]."""
    refuse(each_in("megabytes", [megabytes], _MEGABYTES))
    seconds = link.latency_s + megabytes * BIT_PER_BYTE / link.bandwidth_mbit_s
    return round(seconds * NS_PER_S)


def transfer_usd(link: Link, megabytes: float) -> float:
    """Return the price of moving ``megabytes`` over the link [USD]."""
    refuse(each_in("megabytes", [megabytes], _MEGABYTES))
    return megabytes / MB_PER_GB * link.price_usd_per_gb
