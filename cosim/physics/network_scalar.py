"""Sites that are cut off from the network for a time: whether, and when data leave then.

A table of cuts has one row per cut, (site, begin [ns], end [ns]), in order of their beginnings;
cuts of one site neither overlap nor touch. At its begin a cut holds, at its end it does not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.physics.scalar import scalar

Cuts = NDArray[np.int64]


@scalar
def is_cut(cuts: Any, site: int, now_ns: int) -> bool:
    """Return whether a site is cut off at an instant.

    Args:
        cuts: the table of cuts, shape (cuts, 3).
        site: index of the site.
        now_ns: the instant [ns].
    """
    found = False
    for k in range(len(cuts)):
        found = found or (cuts[k, 0] == site and cuts[k, 1] <= now_ns < cuts[k, 2])
    return found


@scalar
def leaves_ns(cuts: Any, one: int, other: int, ready_ns: int) -> int:
    """Return when data that are ready leave one site for another [ns]: at once, or after cuts.

    Args:
        cuts: the table of cuts, shape (cuts, 3); in order, so that one pass is enough.
        one: index of a site.
        other: index of the other.
        ready_ns: when the data are ready [ns].
    """
    for k in range(len(cuts)):
        ours = cuts[k, 0] == one or cuts[k, 0] == other
        if ours and cuts[k, 1] <= ready_ns < cuts[k, 2]:
            ready_ns = cuts[k, 2]
    return ready_ns


def all_leave_ns(
    cuts: Cuts, one: NDArray[Any], other: NDArray[Any], ready_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return :func:`leaves_ns` of many, shape (data,)."""
    left_ns = ready_ns.copy()
    for site, begin_ns, end_ns in cuts.tolist():
        waits = ((one == site) | (other == site)) & (left_ns >= begin_ns) & (left_ns < end_ns)
        left_ns[waits] = end_ns
    return left_ns
