"""What a facility draws beyond its computers, as functions of numbers for the meter loop.

One row of parameters describes a site; its first column says which law holds. Every law has two
parts: ``overhead_kw`` is drawn whatever happens to the heat (power path, fans, lights), and
``removal_kw`` moves heat outdoors. A room (:mod:`cosim.physics.thermal_scalar`) may store heat
between the two; without one all heat is removed at once. Meaning, units and sources of the
parameters stand at the records of :mod:`cosim.physics.cooling` and :mod:`cosim.physics.chiller`.
"""

from __future__ import annotations

import math
from typing import Protocol

from cosim.physics.scalar import scalar
from cosim.quantities import KELVIN


class Row(Protocol):
    """Parameters of one site: COLUMNS or more numbers, a float64 array in compiled code."""

    def __getitem__(self, column: int, /) -> float:
        """Return one parameter."""


CONSTANT, ECONOMIZER, CHILLER = 0.0, 1.0, 2.0
"""Values of the column ``KIND``."""


(
    KIND,
    PUE,
    FIXED,
    FAN,
    UPS,
    T_FREE,
    T_FULL,
    CARNOT,
    COP_MIN,
    COP_MAX,
    T_EVAPORATOR,
    APPROACH,
    DESIGN_KW,
    UPS_IDLE,
    FAN_EXPONENT,
    FLOW_MIN,
    PUMP,
    CAPACITY_KW,
    COP_REFERENCE,
    PART_LOAD_MIN,
    UNLOAD_MIN,
    T_WATER,
    T_LOW,
    T_HIGH,
) = range(24)
CAPACITY_CURVE, EIR_CURVE, LOAD_CURVE = 24, 30, 36
"""First columns of the three curves, of 6, 6 and 3 coefficients."""

COLUMNS = 39


@scalar
def overhead_kw(row: Row, it_kw: float) -> float:
    """Return what power path, fans and auxiliaries draw [kW]."""
    if row[KIND] == CONSTANT:
        return 0.0
    if row[KIND] == ECONOMIZER:
        return (row[FIXED] + row[FAN] + row[UPS]) * it_kw
    return row[FIXED] * row[DESIGN_KW] + ups_kw(row, it_kw) + fan_kw(row, it_kw)


@scalar
def ups_kw(row: Row, it_kw: float) -> float:
    """Return the loss of a power path that also loses something without load [kW]."""
    return row[UPS_IDLE] * row[DESIGN_KW] + row[UPS] * it_kw


@scalar
def fan_kw(row: Row, it_kw: float) -> float:
    """Return the power of fans whose flow follows the load down to a least flow [kW]."""
    flow = max(it_kw / row[DESIGN_KW], row[FLOW_MIN])
    return row[FAN] * row[DESIGN_KW] * math.pow(flow, row[FAN_EXPONENT])


@scalar
def heat_kw(row: Row, it_kw: float) -> float:
    """Return the heat set free in the room [kW]: computers and the losses that stay inside."""
    if row[KIND] == CONSTANT:
        return it_kw
    if row[KIND] == ECONOMIZER:
        return (1.0 + row[UPS]) * it_kw
    return it_kw + ups_kw(row, it_kw) + fan_kw(row, it_kw)


@scalar
def chiller_share(row: Row, t_out_c: float) -> float:
    """Return the share of heat that outside air does not carry, 0 to 1 as it gets hotter."""
    slope = 1.0 / (row[T_FULL] - row[T_FREE])
    return min(1.0, max(0.0, slope * (t_out_c - row[T_FREE])))


@scalar
def carnot_cop(row: Row, t_out_c: float) -> float:
    """Return φ T_e / (T_c − T_e), clipped; the condenser stands at outdoors + approach."""
    evaporator_k = row[T_EVAPORATOR] + KELVIN
    lift_k = max(t_out_c + row[APPROACH] + KELVIN - evaporator_k, 1e-9)
    return min(row[COP_MAX], max(row[COP_MIN], row[CARNOT] * evaporator_k / lift_k))


@scalar
def biquadratic(row: Row, first: int, x: float, y: float) -> float:
    """Return c0 + c1 x + c2 x² + c3 y + c4 y² + c5 x y, EnergyPlus Curve:Biquadratic."""
    in_x = row[first] + row[first + 1] * x + row[first + 2] * x * x
    return in_x + row[first + 3] * y + row[first + 4] * y * y + row[first + 5] * x * y


@scalar
def load_factor(row: Row, part_load: float) -> float:
    """Return power over full-load power, EIRFPLR, as EnergyPlus applies it.

    Below the least part load machines cycle, in proportion; a machine that runs never draws less
    than at its least unloading (the rest is bypassed). Above full load more machines of the same
    kind are thought to run, also in proportion.
    """
    first = LOAD_CURVE
    x = min(1.0, max(row[UNLOAD_MIN], part_load))
    running = row[first] + row[first + 1] * x + row[first + 2] * x * x
    return running * min(1.0, part_load / row[PART_LOAD_MIN]) * max(1.0, part_load)


@scalar
def condenser_c(row: Row, t_out_c: float) -> float:
    """Return the condenser's inlet temperature, held within the range of the curves [°C]."""
    return min(row[T_HIGH], max(row[T_LOW], t_out_c + row[APPROACH]))


@scalar
def chiller_kw(row: Row, heat: float, t_out_c: float) -> float:
    """Return compressor and condenser fan power for ``heat`` [kW], EnergyPlus Electric EIR."""
    t = condenser_c(row, t_out_c)
    capacity_kw = row[CAPACITY_KW] * biquadratic(row, CAPACITY_CURVE, row[T_WATER], t)
    full_kw = capacity_kw * biquadratic(row, EIR_CURVE, row[T_WATER], t) / row[COP_REFERENCE]
    return full_kw * load_factor(row, heat / capacity_kw)


@scalar
def removal_kw(row: Row, heat: float, t_out_c: float) -> float:
    """Return the electric power that moves ``heat`` [kW] outdoors [kW]."""
    if row[KIND] == CONSTANT:
        return (row[PUE] - 1.0) * heat
    chilled = chiller_share(row, t_out_c) * heat
    if row[KIND] == ECONOMIZER:
        return chilled / carnot_cop(row, t_out_c)
    return row[PUMP] * chilled + chiller_kw(row, chilled, t_out_c)


@scalar
def removal_limit_kw(row: Row, t_out_c: float) -> float:
    """Return the most heat that the chiller allows to remove [kW]; infinite without one."""
    share = chiller_share(row, t_out_c) if row[KIND] == CHILLER else 0.0
    if share == 0.0:
        return math.inf
    t = condenser_c(row, t_out_c)
    return row[CAPACITY_KW] * biquadratic(row, CAPACITY_CURVE, row[T_WATER], t) / share


@scalar
def cooling_kw(row: Row, it_kw: float, t_out_c: float) -> float:
    """Return everything beyond IT power [kW], P^C of JEMAS Eq. 10, if heat is removed at once."""
    return overhead_kw(row, it_kw) + removal_kw(row, heat_kw(row, it_kw), t_out_c)
