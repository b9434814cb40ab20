"""A battery through an interval of constant asked power, in closed form.

Whatever the kind, the inflow of the store is a straight line in its content, ``α − β E``: β is 0
while the asked power is delivered, and above 0 where a limit falls with the state of charge. So
``E' = α − s − κ E`` with standby drain s, self-discharge σ and κ = β + σ, and

    E(t) = E0 exp(−κ t) + (α − s) φ(t),   φ(t) = (1 − exp(−κ t)) / κ   (t where κ is 0).

An interval is a few such *pieces*; the instants between them are logarithms. Nothing ticks, and
an interval that is cut in parts gives what the whole gives.

Full, the battery takes what standby and self-discharge consume; empty, it gives nothing. Both
are the limits of ever finer switching. Only the energy at the terminals of a ``pcs_ohmic``
battery *under a falling limit* is no elementary integral: Gauss quadrature gives it to about
1e-12 of itself.
"""

from __future__ import annotations

import math

from cosim.physics import battery_row as b
from cosim.physics.battery_energy_scalar import (
    drawn_kwh,
    terminal_kw,
    terminal_kwh,
    time_to_h,
)
from cosim.physics.battery_power_scalar import (
    charge_inflow_kw,
    charge_power_kw,
    charge_taper,
    discharge_outflow_kw,
    discharge_power_kw,
    discharge_taper,
    power_limits_kw,
)
from cosim.physics.battery_row import Row
from cosim.physics.scalar import scalar

_MOST_PIECES = 8  # follow the limit, hold the power, float, idle, nothing left: five at most


@scalar
def advance(
    row: Row, stored_kwh: float, temp_c: float, power_kw: float, hours: float
) -> tuple[float, float, float, float, float]:
    """Hold an asked power for an interval as far as the limits, full and empty allow.

    Args:
        row: the battery (``cosim.physics.battery_row``); zeros where there is none.
        stored_kwh: energy inside at the start [kWh], 0 to the top of the window.
        temp_c: temperature of the cells [°C], constant in the interval.
        power_kw: asked power [kW], + discharging, − charging; clipped to the limits.
        hours: length of the interval [h], above 0.

    Returns:
        (stored_kwh, charged_kwh, discharged_kwh, loss_kwh, charge_loss_kwh): the energy inside at
        the end, what the site gave, what it got, all losses, and that part of them that charging
        paid on the way in. ``charged − discharged − loss`` is the change of the store.
    """
    asked_kw, inflow_kw, cap_kw = _asked(row, temp_c, power_kw)
    sigma, standby_kw = row[b.SELF_DISCHARGE_PER_H], row[b.STANDBY_KW]
    left_h, moved_kwh, entered_kwh, leaked_kwh = hours, 0.0, 0.0, 0.0
    for _ in range(_MOST_PIECES):
        if left_h <= 0.0:
            break
        alpha, beta, low_kwh, high_kwh = _piece(row, stored_kwh, inflow_kw, cap_kw)
        net_kw, kappa, span_h = alpha - standby_kw, beta + sigma, left_h
        if stored_kwh <= 0.0 and net_kw < 0.0:  # nothing is left to drain
            end_kwh, flow_kwh = 0.0, alpha * span_h
            leaked_kwh += flow_kwh
        else:
            target_kwh = high_kwh if net_kw - kappa * stored_kwh > 0.0 else low_kwh
            span_h = min(left_h, time_to_h(target_kwh, stored_kwh, net_kw, kappa))
            drawn = drawn_kwh(stored_kwh, net_kw, kappa, span_h)
            flow_kwh = alpha * span_h - (beta / kappa * drawn if beta > 0.0 else 0.0)
            leaked_kwh += standby_kw * span_h + (sigma / kappa * drawn if sigma > 0.0 else 0.0)
            end_kwh = stored_kwh + net_kw * span_h - drawn
            end_kwh = min(max(end_kwh if span_h == left_h else target_kwh, low_kwh), high_kwh)
        if beta == 0.0 and alpha == inflow_kw:
            moved_kwh += abs(asked_kw) * span_h
        elif beta == 0.0:
            moved_kwh += terminal_kw(row, alpha) * span_h
        else:
            from_kw, towards_kw = (
                alpha - beta * stored_kwh,
                (alpha * sigma + beta * standby_kw) / kappa,
            )
            moved_kwh += terminal_kwh(row, from_kw, towards_kw, kappa, span_h)
        stored_kwh, entered_kwh, left_h = end_kwh, entered_kwh + flow_kwh, left_h - span_h
    if asked_kw < 0.0:
        charge_loss_kwh = moved_kwh - entered_kwh
        return stored_kwh, moved_kwh, 0.0, charge_loss_kwh + leaked_kwh, charge_loss_kwh
    return stored_kwh, 0.0, moved_kwh, leaked_kwh - entered_kwh - moved_kwh, 0.0


@scalar
def _asked(row: Row, temp_c: float, power_kw: float) -> tuple[float, float, float]:
    """Return the power within its limits, its inflow and the size of the most inflow [kW]."""
    charge_cap_kw, give_cap_kw = power_limits_kw(row, temp_c)
    if power_kw < 0.0 and charge_cap_kw > 0.0:
        asked_kw = min(-power_kw, charge_cap_kw)
        return -asked_kw, charge_inflow_kw(row, asked_kw), charge_inflow_kw(row, charge_cap_kw)
    if power_kw > 0.0 and give_cap_kw > 0.0:
        asked_kw = min(power_kw, give_cap_kw)
        return (
            asked_kw,
            -discharge_outflow_kw(row, asked_kw),
            discharge_outflow_kw(row, give_cap_kw),
        )
    return 0.0, 0.0, 0.0


@scalar
def _piece(
    row: Row, stored_kwh: float, inflow_kw: float, cap_kw: float
) -> tuple[float, float, float, float]:
    """Return (α, β) of the inflow α − β E and the contents between which it holds [kWh]."""
    if inflow_kw > 0.0:
        return _charging(row, stored_kwh, inflow_kw, cap_kw)
    if inflow_kw < 0.0:
        return _discharging(row, stored_kwh, -inflow_kw, cap_kw)
    return 0.0, 0.0, 0.0, max(stored_kwh, 0.0)


@scalar
def _charging(
    row: Row, stored_kwh: float, inflow_kw: float, cap_kw: float
) -> tuple[float, float, float, float]:
    full_kwh = row[b.SOC_MAX] * row[b.CAPACITY_KWH]
    sigma, standby_kw = row[b.SELF_DISCHARGE_PER_H], row[b.STANDBY_KW]
    alpha, beta = charge_taper(row, cap_kw)
    hold_kwh, last_kw = full_kwh, inflow_kw
    if beta > 0.0 and inflow_kw > alpha - beta * full_kwh:
        last_kw = max(alpha - beta * full_kwh, 0.0)
        hold_kwh = (alpha - inflow_kw) / beta
    float_kw = standby_kw + sigma * full_kwh
    if stored_kwh > full_kwh or (stored_kwh == full_kwh and last_kw >= float_kw):
        return min(last_kw, float_kw), 0.0, full_kwh, stored_kwh
    rises = inflow_kw > standby_kw + sigma * stored_kwh
    if stored_kwh > hold_kwh or (stored_kwh == hold_kwh and hold_kwh < full_kwh and rises):
        return alpha, beta, hold_kwh, full_kwh
    return inflow_kw, 0.0, 0.0, hold_kwh


@scalar
def _discharging(
    row: Row, stored_kwh: float, outflow_kw: float, cap_kw: float
) -> tuple[float, float, float, float]:
    empty_kwh = row[b.SOC_MIN] * row[b.CAPACITY_KWH]
    alpha, beta = discharge_taper(row, cap_kw)
    hold_kwh = empty_kwh
    if beta > 0.0 and outflow_kw > alpha + beta * empty_kwh:
        hold_kwh = (outflow_kw - alpha) / beta
    if beta > 0.0:  # a converter that gets less than it uses itself is switched off
        empty_kwh = max(empty_kwh, (discharge_outflow_kw(row, 0.0) - alpha) / beta)
    if stored_kwh > hold_kwh:
        return -outflow_kw, 0.0, hold_kwh, stored_kwh
    if stored_kwh > empty_kwh:
        return -alpha, beta, empty_kwh, hold_kwh
    return 0.0, 0.0, 0.0, max(stored_kwh, 0.0)


@scalar
def range_kw(row: Row, stored_kwh: float, temp_c: float, hours: float) -> tuple[float, float]:
    """Return the powers that can be held over a whole interval [kW].

    JEMAS Eq. 9 (arXiv 2605.02965), −min{D_min, (E_max − E)/τ} ≤ D ≤ min{D_max, E/τ}, extended by
    losses, the window and falling limits; equal to it for an ideal battery. Under a constant
    inflow the content moves one way, so a limit that holds at both ends of the interval holds
    throughout, and the content at its end is linear in the inflow: no search is needed.

    Args:
        row: the battery; zeros where there is none.
        stored_kwh: energy inside at the start [kWh].
        temp_c: temperature of the cells [°C], constant in the interval.
        hours: length τ of the interval [h], above 0.

    Returns:
        (lowest, highest): most charging (at most 0) and most discharging (at least 0).
    """
    charge_cap_kw, give_cap_kw = power_limits_kw(row, temp_c)
    sigma = row[b.SELF_DISCHARGE_PER_H]
    lost = -math.expm1(-sigma * hours)
    phi_h = lost / sigma if sigma > 0.0 else hours
    left_kwh = stored_kwh * (1.0 - lost) - row[b.STANDBY_KW] * phi_h
    in_kw = _most_inflow_kw(row, stored_kwh, left_kwh, phi_h, charge_cap_kw)
    out_kw = _most_outflow_kw(row, stored_kwh, left_kwh, phi_h, give_cap_kw)
    charge_kw = min(charge_cap_kw, charge_power_kw(row, in_kw))
    give_kw = min(give_cap_kw, discharge_power_kw(row, out_kw))
    return (-charge_kw if charge_kw > 0.0 else 0.0), give_kw


@scalar
def _most_inflow_kw(
    row: Row, stored_kwh: float, left_kwh: float, phi_h: float, power_cap_kw: float
) -> float:
    """Return the most inflow q with q ≤ a − b E at both ends and E ≤ full at the end [kW]."""
    cap_kw = charge_inflow_kw(row, power_cap_kw)
    alpha, beta = charge_taper(row, cap_kw)
    room_kw = (row[b.SOC_MAX] * row[b.CAPACITY_KWH] - left_kwh) / phi_h
    late_kw = (alpha - beta * left_kwh) / (1.0 + beta * phi_h)
    return max(0.0, min(cap_kw, room_kw, late_kw, alpha - beta * stored_kwh))


@scalar
def _most_outflow_kw(
    row: Row, stored_kwh: float, left_kwh: float, phi_h: float, power_cap_kw: float
) -> float:
    """Return the most outflow g with g ≤ a + b E and E ≥ empty at the end [kW]."""
    if power_cap_kw <= 0.0:
        return 0.0
    cap_kw = discharge_outflow_kw(row, power_cap_kw)
    alpha, beta = discharge_taper(row, cap_kw)
    have_kw = (left_kwh - row[b.SOC_MIN] * row[b.CAPACITY_KWH]) / phi_h
    late_kw = (alpha + beta * left_kwh) / (1.0 + beta * phi_h)
    return max(0.0, min(cap_kw, have_kw, late_kw))


@scalar
def with_capacity(row: Row, stored_kwh: float, capacity_kwh: float) -> tuple[float, float]:
    """Put a faded capacity into use; return the content that stays and what is lost [kWh].

    Content above the new top of the window is lost; anything else stays as it is, so the state
    of charge of a fading battery rises a little.
    """
    row[b.CAPACITY_KWH] = capacity_kwh
    top_kwh = row[b.SOC_MAX] * capacity_kwh
    return min(stored_kwh, top_kwh), max(0.0, stored_kwh - top_kwh)
