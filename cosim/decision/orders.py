"""A decision: the dispatch rule of a slot and the energy set-points of every site.

Any part may be ``None``; then the scenario's inner (energy) layer fills it, and what that leaves
open keeps its present value (the clock), stays idle (the battery) or is held at the upper end of
its band (the room).

A battery order has three numbers per site: a set-point D (+ discharging, − charging), how much
surplus it may absorb beyond that within a meter bin, and how much load it may cover beyond that.
``(0, 0, 0)`` is idle, ``(D, 0, 0)`` a fixed power, ``(0, inf, inf)`` self-consumption.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from cosim.decision.info import FloatArray, IntArray
from cosim.decision.rules import DispatchRule


@dataclass(frozen=True)
class Decision:
    """What is to be done in one slot.

    Attributes:
        dispatch: what happens to jobs that arrive or wait.
        clock_level: clock level per site, index into the site's table, shape (sites,).
        battery_kw: battery set-point per site [kW], + discharging, shape (sites,).
        battery_absorb_kw: surplus it may absorb beyond the set-point [kW], shape (sites,).
        battery_cover_kw: load it may cover beyond the set-point [kW], shape (sites,).
        cooling_setpoint_c: room temperature to hold [°C], shape (sites,); read where there is a
            room.
    """

    dispatch: DispatchRule | None = None
    clock_level: IntArray | None = None
    battery_kw: FloatArray | None = None
    battery_absorb_kw: FloatArray | None = None
    battery_cover_kw: FloatArray | None = None
    cooling_setpoint_c: FloatArray | None = None


_BATTERY = ("battery_kw", "battery_absorb_kw", "battery_cover_kw")


def merge(outer: Decision, inner: Decision) -> Decision:
    """Fill the parts that the outer decision leaves open from the inner one.

    The three battery fields are one order: if the outer layer gives any of them, the inner layer's
    battery order is not used.
    """
    outer_battery = any(getattr(outer, name) is not None for name in _BATTERY)

    def part(name: str) -> Any:
        own = getattr(outer, name)
        if own is not None or (outer_battery and name in _BATTERY):
            return own
        return getattr(inner, name)

    return Decision(**{field.name: part(field.name) for field in fields(Decision)})
