"""When the grid gives less: outages, islanding and operator's caps as limits of each meter bin.

An outage is an interval in which nothing comes in or goes out; an operator may also lower one
limit only. The balance knows no other state: an island is a bin whose limits are 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics.ranges import refuse

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GridEvent:
    """An interval with limits of its own.

    Attributes:
        start_utc_ns: first instant, Unix time [ns].
        end_utc_ns: first instant after it, Unix time [ns].
        import_kw_max: import limit in it [kW]; 0 is an outage.
        export_kw_max: export limit in it [kW].
    """

    start_utc_ns: int
    end_utc_ns: int
    import_kw_max: float = 0.0
    export_kw_max: float = 0.0

    SOURCE: ClassVar[str] = "definition"
    EQUATION: ClassVar[str] = (
        "limit of a bin = least of the connection's and of events touching it"
    )

    def __post_init__(self) -> None:
        problems = []
        if not self.start_utc_ns < self.end_utc_ns:
            problems.append(
                f"GridEvent ends at {self.end_utc_ns}: must be after {self.start_utc_ns}"
            )
        problems += [
            f"GridEvent.{name} = {getattr(self, name)!r}: must be at least 0 kW"
            for name in ("import_kw_max", "export_kw_max")
            if not getattr(self, name) >= 0.0
        ]
        refuse(problems)


class Limits(NamedTuple):
    """Limits of each bin [kW], shape (bins,)."""

    import_max_kw: Floats
    export_max_kw: Floats


def bin_limits(
    import_kw_max: float,
    export_kw_max: float,
    events: Sequence[GridEvent],
    start_utc_ns: int,
    bin_ns: int,
    count: int,
) -> Limits:
    """Return the limits of each meter bin.

    A bin that an event touches is under its limits for the whole bin; where events overlap the
    strictest holds.

    Args:
        import_kw_max: the connection's import limit [kW], may be infinite.
        export_kw_max: the connection's export limit [kW], may be infinite.
        events: outages and caps, in any order.
        start_utc_ns: start of the first bin, Unix time [ns].
        bin_ns: length of a bin [ns].
        count: number of bins.
    """
    limits = Limits(np.full(count, import_kw_max), np.full(count, export_kw_max))
    for event in events:
        touched = touched_bins(event.start_utc_ns, event.end_utc_ns, start_utc_ns, bin_ns, count)
        np.minimum.at(limits.import_max_kw, touched, event.import_kw_max)
        np.minimum.at(limits.export_max_kw, touched, event.export_kw_max)
    return limits


def touched_bins(
    begin_utc_ns: int, end_utc_ns: int, start_utc_ns: int, bin_ns: int, count: int
) -> NDArray[np.int64]:
    """Return the numbers of the bins that an interval touches."""
    first = max((begin_utc_ns - start_utc_ns) // bin_ns, 0)
    last = min(-((start_utc_ns - end_utc_ns) // bin_ns), count)
    return np.arange(first, max(first, last), dtype=np.int64)


def islanded(limits: Limits) -> NDArray[np.bool_]:
    """Return in which bins the site is on its own, shape (bins,)."""
    return np.asarray((limits.import_max_kw == 0.0) & (limits.export_max_kw == 0.0))
