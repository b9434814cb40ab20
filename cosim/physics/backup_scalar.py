"""A backup generator over one interval, compiled: start delay, minimum load, part-load fuel.

Columns of a row, all of them numbers of a :class:`cosim.physics.backup.Generator`: power [kW],
time [h], fuel power at a quarter, half, three quarters and full load [kW], prices and carbon per
kWh of fuel and of electricity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.physics.scalar import scalar

Row = NDArray[np.float64]

(
    RATED_KW,
    MIN_KW,
    DELAY_H,
    FUEL_QUARTER_KW,
    FUEL_HALF_KW,
    FUEL_THREE_KW,
    FUEL_FULL_KW,
    FUEL_USD_KWH,
    UPKEEP_USD_KWH,
    FUEL_KG_KWH,
    COLUMNS,
) = range(11)


@scalar
def fuel_kw(row: Row, power_kw: float) -> float:
    """Return the fuel power of a running generator [kW], linear between quarter loads.

    Below a quarter the first segment goes on, down to the fuel that turns the engine.
    """
    load = power_kw / row[RATED_KW] * 4.0
    if load <= 2.0:
        low, high, past = row[FUEL_QUARTER_KW], row[FUEL_HALF_KW], load - 1.0
    elif load <= 3.0:
        low, high, past = row[FUEL_HALF_KW], row[FUEL_THREE_KW], load - 2.0
    else:
        low, high, past = row[FUEL_THREE_KW], row[FUEL_FULL_KW], load - 3.0
    return float(low + (high - low) * past)


@scalar
def backup(
    row: Row, need_kw: float, warm_h: float, left_h: float, hours: float
) -> tuple[float, float, float, float, float, float, float]:
    """Return what a generator does in an interval; see :func:`cosim.physics.backup.backup`.

    Returns (power while it delivers [kW], time it delivers [h], fuel [kWh], cost [USD],
    carbon [kg], warm [h], left [h]).
    """
    if need_kw <= 0.0 or row[RATED_KW] <= 0.0 or left_h <= 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, left_h
    power_kw = min(max(need_kw, row[MIN_KW]), row[RATED_KW])
    wait_h = max(row[DELAY_H] - warm_h, 0.0)
    on_h = min(max(hours - wait_h, 0.0), left_h)
    fuel_kwh = fuel_kw(row, power_kw) * on_h
    cost_usd = fuel_kwh * row[FUEL_USD_KWH] + power_kw * on_h * row[UPKEEP_USD_KWH]
    warm_h = min(warm_h + hours, row[DELAY_H])
    return power_kw, on_h, fuel_kwh, cost_usd, fuel_kwh * row[FUEL_KG_KWH], warm_h, left_h - on_h
