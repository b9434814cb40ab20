"""The supply contract of a site as whoever plans needs it: what is the same in every slot.

Prices of the slots (every energy charge in its first block) stand in the observation; here stands
what they leave out. Where the contract's meters are is told slot by slot
(:class:`cosim.decision.GridView`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tier:
    """A step of an energy price: what a kWh costs more, or less, beyond an amount of the month.

    Attributes:
        charge: column of ``GridView.metered_kwh`` that fills it.
        active: slots of the window in which it is asked for, shape (slots,).
        from_kwh: amount of each billing month from which on it is, at the contract's meter,
            shape (months,).
        usd_kwh: rise of the price at the meter [USD/kWh].
    """

    charge: int
    active: BoolArray
    from_kwh: FloatArray
    usd_kwh: float


@dataclass(frozen=True, eq=False)
class Supply:
    """A site's supply beyond prices per slot.

    Attributes:
        metering: ``net_billing``, ``net_metering`` or ``buy_all_sell_all``.
        keep: share of the metered energy that arrives at the site.
        month: billing month of each slot of the window, from 0, shape (slots,).
        tiers: steps of energy prices; none under net metering, where the month decides them.
        peak_usd_kw: price of the first kW of each demand charge by month, what a window covers of
            a month considered, shape (months, charges).
        peak_floor_kw: power that each demand charge bills in any case, shape (charges,).
        called: whether the site may be called to use less.
        limited: whether the connection's limits are lowered at times.
        backup_usd_kwh: what a kWh of the backup generator costs at its best, carbon included.
    """

    metering: str
    keep: float
    month: IntArray
    tiers: tuple[Tier, ...]
    peak_usd_kw: FloatArray
    peak_floor_kw: FloatArray
    called: bool
    limited: bool
    backup_usd_kwh: float
