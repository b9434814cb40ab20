"""What a battery's terminals and its store have to do with each other, at one instant.

``inflow`` is what enters the store (+) or leaves it (−) [kW]; ``power`` is what the site sees, +
discharging. Two kinds of conversion:

* linear: a constant efficiency each way;
* ``pcs_ohmic``: the converter curve η(x) = x / (x + p0 + K x²) of Notton et al. (Renewable
  Energy 35, 2010, 541) with x = |P| / P_rated, then cells of constant open-circuit voltage behind
  a resistance: P_dc = q ± r q² / E_nominal, where q is what reaches or leaves the store. Both
  invert by a quadratic equation.

With r [h] the loss is r q² / E_nominal; r = R Q² / E, or R E / V², of any string of cells. Taking
the loss of q instead of P_dc is what the circuit says, and it matters: parameters found at 0.5C
then hold at 1C (``tests/oracle/test_battery_simses.py``).

Limits are powers at the terminals, scaled by temperature; near full and empty a straight line
lowers the limit of the *inflow* (the cells' current is what has to fall), so that the course of
the store under the limit is an exponential.
"""

from __future__ import annotations

import math

from cosim.physics import battery_row as b
from cosim.physics.battery_row import Row
from cosim.physics.scalar import scalar

_NARROW = 1e-9  # share of the capacity below which a knee is the end itself


@scalar
def charge_inflow_kw(row: Row, power_kw: float) -> float:
    """Return what enters the store while the site gives ``power_kw`` ≥ 0 [kW]."""
    if row[b.KIND] == b.LINEAR:
        return power_kw * row[b.CHARGE_EFFICIENCY]
    if power_kw <= 0.0:
        return 0.0
    x = power_kw / row[b.RATED_KW]
    dc_kw = power_kw * x / (x + row[b.CHARGE_P0] + row[b.CHARGE_K] * x * x)
    bend = 4.0 * row[b.CHARGE_OHM_H] * dc_kw / row[b.NOMINAL_KWH]
    return 2.0 * dc_kw / (1.0 + math.sqrt(1.0 + bend))


@scalar
def charge_power_kw(row: Row, inflow_kw: float) -> float:
    """Return the power that the site gives for an inflow; inverse of ``charge_inflow_kw``."""
    if inflow_kw <= 0.0:
        return 0.0
    if row[b.KIND] == b.LINEAR:
        return inflow_kw / row[b.CHARGE_EFFICIENCY]
    dc_kw = inflow_kw + row[b.CHARGE_OHM_H] * inflow_kw * inflow_kw / row[b.NOMINAL_KWH]
    y = dc_kw / row[b.RATED_KW]
    lead = 1.0 - row[b.CHARGE_K] * y
    x = (y + math.sqrt(y * y + 4.0 * lead * row[b.CHARGE_P0] * y)) / (2.0 * lead)
    return x * row[b.RATED_KW]


@scalar
def discharge_outflow_kw(row: Row, power_kw: float) -> float:
    """Return what leaves the store while the site gets ``power_kw`` ≥ 0 [kW].

    With ``pcs_ohmic`` the limit at vanishing power is the converter's loss without load, which
    is above 0; a battery that gives nothing is switched off and loses none of it.
    """
    if row[b.KIND] == b.LINEAR:
        return power_kw / row[b.DISCHARGE_EFFICIENCY] if power_kw > 0.0 else 0.0
    x = power_kw / row[b.RATED_KW]
    dc_kw = row[b.RATED_KW] * (x + row[b.DISCHARGE_P0] + row[b.DISCHARGE_K] * x * x)
    bend = 4.0 * row[b.DISCHARGE_OHM_H] * dc_kw / row[b.NOMINAL_KWH]
    return 2.0 * dc_kw / (1.0 + math.sqrt(1.0 - bend))


@scalar
def discharge_power_kw(row: Row, outflow_kw: float) -> float:
    """Return the power that the site gets for an outflow; 0 if it only feeds the converter."""
    if outflow_kw <= 0.0:
        return 0.0
    if row[b.KIND] == b.LINEAR:
        return outflow_kw * row[b.DISCHARGE_EFFICIENCY]
    dc_kw = outflow_kw - row[b.DISCHARGE_OHM_H] * outflow_kw * outflow_kw / row[b.NOMINAL_KWH]
    spare = dc_kw / row[b.RATED_KW] - row[b.DISCHARGE_P0]
    if spare <= 0.0:
        return 0.0
    root = math.sqrt(1.0 + 4.0 * row[b.DISCHARGE_K] * spare)
    return row[b.RATED_KW] * 2.0 * spare / (1.0 + root)


@scalar
def power_limits_kw(row: Row, temp_c: float) -> tuple[float, float]:
    """Return the highest charging and discharging power at a temperature, both ≥ 0 [kW]."""
    hot = 1.0 - _ramp(temp_c, row[b.HOT_FULL_C], row[b.HOT_STOP_C])
    charge = _ramp(temp_c, row[b.CHARGE_COLD_STOP_C], row[b.CHARGE_COLD_FULL_C])
    give = _ramp(temp_c, row[b.DISCHARGE_COLD_STOP_C], row[b.DISCHARGE_COLD_FULL_C])
    return (
        row[b.CHARGE_KW_MAX] * min(charge, hot),
        row[b.DISCHARGE_KW_MAX] * min(give, hot),
    )


@scalar
def _ramp(value: float, low: float, high: float) -> float:
    """Return 0 up to ``low``, 1 from ``high`` and the straight line between them."""
    if value >= high:
        return 1.0
    return (value - low) / (high - low) if value > low else 0.0


@scalar
def charge_taper(row: Row, cap_kw: float) -> tuple[float, float]:
    """Return (a, b) of the limit a − b E on the inflow above the charging knee [kW, 1/h]."""
    knee_kwh = row[b.CHARGE_KNEE_SOC] * row[b.CAPACITY_KWH]
    width_kwh = row[b.SOC_MAX] * row[b.CAPACITY_KWH] - knee_kwh
    if width_kwh <= _NARROW * row[b.CAPACITY_KWH]:
        return cap_kw, 0.0
    slope = cap_kw * (1.0 - row[b.CHARGE_END_SHARE]) / width_kwh
    return cap_kw + slope * knee_kwh, slope


@scalar
def discharge_taper(row: Row, cap_kw: float) -> tuple[float, float]:
    """Return (a, b) of the limit a + b E on the outflow below the discharging knee [kW, 1/h]."""
    knee_kwh = row[b.DISCHARGE_KNEE_SOC] * row[b.CAPACITY_KWH]
    width_kwh = knee_kwh - row[b.SOC_MIN] * row[b.CAPACITY_KWH]
    if width_kwh <= _NARROW * row[b.CAPACITY_KWH]:
        return cap_kw, 0.0
    slope = cap_kw * (1.0 - row[b.DISCHARGE_END_SHARE]) / width_kwh
    return cap_kw - slope * knee_kwh, slope
