"""What a late image still earns and how long a GPU needs to change models, for compiled code.

Times are integer nanoseconds; a row's times are whole numbers held as floats, exact below
2⁵³ ns (104 days).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cosim.physics.scalar import scalar

HARD, STEP, LINEAR, EXPONENTIAL = 0.0, 1.0, 2.0, 3.0

KIND, GRACE_NS, SCALE_NS, CUTOFF_NS, STEP_SHARE, FULL_PENALTY = range(6)
LATENESS_COLUMNS = 6


@scalar
def revenue_share(late_ns: int, row: NDArray[np.float64]) -> float:
    """Return the share of the price that a job earns, 1 if it is on time [0 to 1].

    Args:
        late_ns: finish minus deadline [ns], at most 0 if on time.
        row: a ``Lateness`` as numbers.
    """
    if late_ns <= 0:
        return 1.0
    if row[KIND] == HARD or late_ns > row[CUTOFF_NS]:
        return 0.0
    if late_ns <= row[GRACE_NS]:
        return float(row[STEP_SHARE])
    if row[KIND] == STEP:
        return 0.0
    over = (late_ns - row[GRACE_NS]) / row[SCALE_NS]
    if row[KIND] == LINEAR:
        return float(row[STEP_SHARE] * max(0.0, 1.0 - over))
    return float(row[STEP_SHARE] * math.exp(-over))


@scalar
def settled_usd(
    late_ns: int,
    price_usd: float,
    penalty_usd: float,
    row: NDArray[np.float64],
) -> tuple[float, float]:
    """Return what a finished job earns and what its lateness costs [USD], both at least 0.

    Args:
        late_ns: finish minus deadline [ns].
        price_usd: price of the job if on time [USD].
        penalty_usd: penalty φ of a job that earns nothing [USD].
        row: a ``Lateness`` as numbers.
    """
    share = revenue_share(late_ns, row)
    if late_ns <= 0:
        return price_usd, 0.0
    due = 1.0 if row[FULL_PENALTY] > 0.0 else 1.0 - share
    return price_usd * share, penalty_usd * due


@scalar
def swap_ns(
    held_base: int,
    held_adapter: int,
    base: int,
    adapter: int,
    base_ns: int,
    adapter_ns: int,
) -> int:
    """Return the time to make a GPU hold a base model and an adapter [ns].

    Args:
        held_base: base model in memory, −1 if none.
        held_adapter: adapter on it, −1 if none.
        base: base model that the job wants.
        adapter: adapter that the job wants, −1 if none.
        base_ns: time to load the base model [ns].
        adapter_ns: time to load the adapter [ns].
    """
    wanted_ns = adapter_ns if adapter >= 0 else 0
    if base != held_base:
        return base_ns + wanted_ns
    return 0 if adapter == held_adapter else wanted_ns
