"""How an idle GPU spends a gap between two jobs, on integers, for compiled code."""

from __future__ import annotations

from cosim.physics.scalar import scalar


@scalar
def split_gap(gap_ns: int, after_idle_ns: int) -> tuple[int, int]:
    """Return the part of an idle gap spent waiting and the part spent asleep [ns].

    Args:
        gap_ns: time from the end of a job to the next arrival at the GPU [ns].
        after_idle_ns: waiting time after which the GPU goes to sleep [ns]; negative for never.
    """
    if after_idle_ns < 0 or gap_ns <= after_idle_ns:
        return gap_ns, 0
    return after_idle_ns, gap_ns - after_idle_ns
