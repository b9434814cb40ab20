"""The row of numbers that stands for a battery in compiled code: which column holds what.

``cosim.physics.battery.row`` fills it. A row of zeros is a site without a battery: it stores
nothing and its powers are zero. ``CAPACITY_KWH`` is the capacity *in use*: the one column that
may change during a run, because it fades as the battery ages. ``NOMINAL_KWH`` stays, since the
ohmic loss belongs to the cells that were installed.
"""

from __future__ import annotations

from typing import Protocol


class Row(Protocol):
    """Numbers by column: a float64 array in compiled code, as good a list in Python."""

    def __getitem__(self, column: int, /) -> float:
        """Return one column."""

    def __setitem__(self, column: int, value: float, /) -> None:
        """Change one column."""


# kinds, the values of column KIND
LINEAR, PCS_OHMIC = 0.0, 1.0

(
    KIND,
    CAPACITY_KWH,
    NOMINAL_KWH,
    CHARGE_KW_MAX,
    DISCHARGE_KW_MAX,
    CHARGE_EFFICIENCY,
    DISCHARGE_EFFICIENCY,
    SELF_DISCHARGE_PER_H,
    STANDBY_KW,
    SOC_MIN,
    SOC_MAX,
    RATED_KW,
    CHARGE_P0,
    CHARGE_K,
    CHARGE_OHM_H,
    DISCHARGE_P0,
    DISCHARGE_K,
    DISCHARGE_OHM_H,
    CHARGE_KNEE_SOC,
    CHARGE_END_SHARE,
    DISCHARGE_KNEE_SOC,
    DISCHARGE_END_SHARE,
    CHARGE_COLD_STOP_C,
    CHARGE_COLD_FULL_C,
    DISCHARGE_COLD_STOP_C,
    DISCHARGE_COLD_FULL_C,
    HOT_FULL_C,
    HOT_STOP_C,
    WIDTH,
) = range(29)
