"""Stepped prices of a supply contract, compiled: what a meter's stand has cost, what comes next.

A row of prices and a row of upper ends describe the blocks of one charge; the last end is
infinite and what follows it is padding.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cosim.physics.scalar import scalar

Row = NDArray[np.float64]


@scalar
def block_usd(prices: Row, ends: Row, amount: float, scale: float) -> float:
    """Return the cost of a month's consumption or peak [USD]; negative amounts in block one.

    The same as :func:`cosim.physics.billing_energy.block_cost`, for one number.

    Args:
        prices: price inside each block [USD/kWh or USD/kW].
        ends: upper end of each block [kWh or kW].
        amount: the meter's stand [kWh or kW].
        scale: multiplies the ends (share of a month that is billed).
    """
    usd, low = prices[0] * min(amount, 0.0), 0.0
    for k in range(len(prices)):
        high = ends[k] * scale
        usd += prices[k] * (min(max(amount, low), high) - low)
        if amount <= high:
            break
        low = high
    return float(usd)


@scalar
def block_at(ends: Row, amount: float, scale: float) -> int:
    """Return the block in which the next kWh or kW falls."""
    at = 0
    while not math.isinf(ends[at]) and ends[at] * scale <= amount:
        at += 1
    return at
