"""Energies of a piece of an interval, in which the inflow of a store is a line in its content.

``E' = net − κ E``: the course is exponential, so content, losses and the instant at which a limit
is reached have closed forms. They are written so that they stay exact as κ vanishes.
"""

from __future__ import annotations

import math

from cosim.physics import battery_row as b
from cosim.physics.battery_power_scalar import charge_power_kw, discharge_power_kw
from cosim.physics.battery_row import Row
from cosim.physics.scalar import scalar

# Gauss-Legendre on [−1, 1], 16 nodes: the positive half (Abramowitz & Stegun, table 25.4)
_NODES = (
    0.0950125098376374402,
    0.2816035507792589132,
    0.4580167776572273863,
    0.6178762444026437484,
    0.7554044083550030339,
    0.8656312023878317439,
    0.9445750230732325761,
    0.9894009349916499326,
)
_WEIGHTS = (
    0.1894506104550684963,
    0.1826034150449235889,
    0.1691565193950025382,
    0.1495959888165767321,
    0.1246289712555338721,
    0.0951585116824927848,
    0.0622535239386478929,
    0.0271524594117540949,
)
_PANEL = 3.0  # decay κ t of one panel: with 16 nodes its error is below 1e-13
_GONE = 39.0  # exp(−39) is less than a double can add to 1


@scalar
def drawn_kwh(stored_kwh: float, net_kw: float, kappa: float, hours: float) -> float:
    """Return κ ∫E dt of ``E' = net − κ E`` [kWh]; the content gains net·t less this."""
    if kappa <= 0.0:
        return 0.0
    lost = -math.expm1(-kappa * hours)
    return stored_kwh * lost + net_kw * (hours - lost / kappa)


@scalar
def time_to_h(target_kwh: float, stored_kwh: float, net_kw: float, kappa: float) -> float:
    """Return the hours until ``E' = net − κ E`` reaches a content, ``inf`` if it never does.

    t = ln((net − κ E0) / (net − κ E_target)) / κ, written with log1p so that it becomes
    (E_target − E0) / net as κ vanishes.
    """
    gap_kwh = target_kwh - stored_kwh
    start_kw, arrive_kw = net_kw - kappa * stored_kwh, net_kw - kappa * target_kwh
    rises = gap_kwh > 0.0 and start_kw > 0.0 and arrive_kw > 0.0
    falls = gap_kwh < 0.0 and start_kw < 0.0 and arrive_kw < 0.0
    if not (rises or falls):
        return math.inf
    if kappa <= 0.0:
        return gap_kwh / net_kw
    return math.log1p(kappa * gap_kwh / arrive_kw) / kappa


@scalar
def terminal_kw(row: Row, inflow_kw: float) -> float:
    """Return the size of the power at the terminals that goes with an inflow, ≥ 0 [kW]."""
    if inflow_kw > 0.0:
        return charge_power_kw(row, inflow_kw)
    return discharge_power_kw(row, -inflow_kw)


@scalar
def terminal_kwh(row: Row, from_kw: float, towards_kw: float, kappa: float, hours: float) -> float:
    """Return ∫ power dt at the terminals while the inflow decays as exp(−κ t) [kWh].

    Args:
        row: the battery.
        from_kw: inflow at the start [kW], − discharging.
        towards_kw: inflow that it approaches, perhaps beyond 0; the piece ends before 0.
        kappa: rate of the approach [1/h], above 0.
        hours: length of the piece [h].
    """
    if row[b.KIND] == b.LINEAR:
        early_h = -math.expm1(-kappa * hours) / kappa
        return terminal_kw(row, towards_kw * (hours - early_h) + from_kw * early_h)
    course_h = min(hours, _GONE / kappa)
    panels = max(1, math.ceil(kappa * course_h / _PANEL))
    half_h = 0.5 * course_h / panels
    total_kwh = terminal_kw(row, towards_kw) * (hours - course_h)
    for panel in range(panels):
        middle_h = (2 * panel + 1) * half_h
        for i in range(len(_NODES)):
            early = math.exp(-kappa * (middle_h - half_h * _NODES[i]))
            late = math.exp(-kappa * (middle_h + half_h * _NODES[i]))
            total_kwh += (
                half_h
                * _WEIGHTS[i]
                * (
                    terminal_kw(row, towards_kw + (from_kw - towards_kw) * early)
                    + terminal_kw(row, towards_kw + (from_kw - towards_kw) * late)
                )
            )
    return total_kwh
