"""From a vector of numbers in [−1, 1] to what is done in a slot, compiled.

First the action becomes a *wish* in physical terms (:func:`decode`), which a policy can also turn
into a :class:`cosim.decision.Decision`; then the wish fills the tables of the slot
(:func:`fill`). Both ways have the same effect to the last bit, because shares are whole multiples
of 2⁻³⁰ and everything else is feasible from the start: projecting it moves nothing.
"""

from __future__ import annotations

import math

import numpy as np

from cosim.world.compiled import inlined
from cosim.world.kernel_dispatch import rank_offers
from cosim.world.kernel_grid import (
    ABSORB,
    COVER,
    POWER,
    SETPOINT,
    Grid,
)
from cosim.world.kernel_seat import (
    ABSENT,
    BY_SPLIT,
    DEFAULT_STEP,
    DELAY_AT,
    ENCODING,
    MARGIN_AT,
    ORDER_ABSORB_KW,
    ORDER_COVER_KW,
    ORDER_KW,
    ORDER_ROOM_C,
    OUTER_BATTERY,
    OUTER_CLOCK,
    OUTER_ROOM,
    REFUSE_AT,
    SHARE_UNITS,
    SHARPNESS,
    STEP_PRICE_AT,
    Seat,
)
from cosim.world.kernel_state import (
    COST,
    KIND,
    KNOWN,
    MARGIN_NS,
    ON_TIME,
    OWED,
    SCORE,
    SPLIT,
    TOO_LATE,
    WORTH,
    Floats,
    Ints,
    Rules,
)

# laws of a coordinate ----------------------------------------------------------------------


@inlined
def linear(limits: Floats, clean: Floats, at: int) -> float:
    """Physical value between the limits, in proportion."""
    low, high = limits[at, 0], limits[at, 1]
    return float(low + 0.5 * (1.0 + clean[at]) * (high - low))


@inlined
def square(limits: Floats, clean: Floats, at: int) -> float:
    """Physical value from 0 to the upper limit, finer near 0."""
    part = 0.5 * (1.0 + clean[at])
    return float(limits[at, 1] * part * part)


@inlined
def level(value: float, count: int) -> int:
    """Which of some levels a value in [−1, 1] means; each has an equal part of the range."""
    return min(count - 1, int(0.5 * (1.0 + value) * count))


# the wish ----------------------------------------------------------------------------------


@inlined
def decode(
    seat: Seat,
    action: Floats,
    step_counts: Ints,
    clock_levels: Ints,
    low_kw: Floats,
    high_kw: Floats,
) -> bool:
    """Read an action; whether it is one: not if it holds a NaN.

    Args:
        seat: the seat; its wish is filled.
        action: one number per coordinate; what is beyond ±1 counts as ±1.
        step_counts: allowed step counts.
        clock_levels: number of clock levels of each site.
        low_kw: most negative power that each battery can hold over the slot [kW].
        high_kw: highest power likewise [kW].
    """
    for at in range(len(action)):
        if math.isnan(action[at]):
            return False
        seat.clean[at] = min(1.0, max(-1.0, action[at]))
    if seat.meta[ENCODING] == BY_SPLIT:
        wish_shares(seat)
        wish_steps(seat, step_counts)
    else:
        wish_prices(seat)
    if seat.meta[OUTER_CLOCK] != 0:
        for site in range(len(clock_levels)):
            at = seat.clock_at[site]
            seat.level[site] = level(seat.clean[at], clock_levels[site]) if at != ABSENT else 0
    if seat.meta[OUTER_BATTERY] != 0:
        wish_power(seat, low_kw, high_kw)
    if seat.meta[OUTER_ROOM] != 0:
        for site in range(len(seat.room_at)):
            at = seat.room_at[site]
            room_c = linear(seat.limits, seat.clean, at) if at != ABSENT else 0.0
            seat.order[site, ORDER_ROOM_C] = room_c
    return True


@inlined
def wish_power(seat: Seat, low_kw: Floats, high_kw: Floats) -> None:
    """A share of the power that each battery can hold over the slot (JEMAS Eq. 9)."""
    for site in range(len(low_kw)):
        at, power_kw = seat.battery_at[site], 0.0
        if at != ABSENT:
            part = seat.clean[at]
            power_kw = part * high_kw[site] if part > 0.0 else -part * low_kw[site]
        seat.order[site, ORDER_KW] = power_kw
        seat.order[site, ORDER_ABSORB_KW] = seat.order[site, ORDER_COVER_KW] = 0.0


@inlined
def wish_shares(seat: Seat) -> None:
    """Softmax over the open destinations of each group, in whole units of 2⁻³⁰."""
    for at in range(len(seat.clean)):
        seat.weights[at] = math.exp(SHARPNESS * seat.clean[at])
    sites, groups, _ = seat.shares.shape
    for home in range(sites):
        for group in range(groups):
            share_out(seat.open_at[home, group], seat.weights, seat.shares[home, group])


@inlined
def share_out(open_at: Ints, weights: Floats, shares: Floats) -> None:
    """Shares in proportion to weights; what rounding leaves goes to the largest."""
    total = 0.0
    for d in range(len(shares)):
        total += weight(open_at[d], weights)
    rest, best, most = SHARE_UNITS, 0, -1.0
    for d in range(len(shares)):
        part = weight(open_at[d], weights)
        units = int(part / total * SHARE_UNITS + 0.5)
        shares[d] = units
        rest -= units
        if part > most:
            best, most = d, part
    shares[best] += rest
    for d in range(len(shares)):
        shares[d] /= SHARE_UNITS


@inlined
def weight(at: int, weights: Floats) -> float:
    """Weight of a destination before its share is taken."""
    if at >= 0:
        return float(weights[at])
    return 0.0 if at == ABSENT else 1.0


@inlined
def wish_steps(seat: Seat, step_counts: Ints) -> None:
    """Level of the denoising steps of each group at each service."""
    groups, services = seat.steps.shape
    for group in range(groups):
        for service in range(services):
            at, k = seat.steps_at[group, service], seat.meta[DEFAULT_STEP]
            if at != ABSENT:
                k = level(seat.clean[at], len(step_counts))
            seat.steps[group, service] = step_counts[k]


@inlined
def wish_prices(seat: Seat) -> None:
    """Prices of GPU time, energy and delay, the margin, and below what a job waits or goes."""
    limits, clean, price_at = seat.limits, seat.clean, seat.price_at
    at, step_usd = seat.meta[STEP_PRICE_AT], 0.0
    if at != ABSENT:
        step_usd = square(limits, clean, at)
    for service in range(len(seat.step_s)):
        gpu_usd_s = square(limits, clean, price_at[0, service])
        seat.prices[0, service] = gpu_usd_s + step_usd / seat.step_s[service]
        seat.prices[1, service] = square(limits, clean, price_at[1, service])
    seat.margin_s[0] = linear(limits, clean, seat.meta[MARGIN_AT])
    seat.delay_usd_s[0] = square(limits, clean, seat.meta[DELAY_AT])
    for kind in range(len(seat.group)):
        hold_at, refuse_at = seat.hold_at[seat.group[kind]], seat.meta[REFUSE_AT]
        worth_usd = seat.worth[kind]
        seat.floor_usd[0, kind] = floor(limits, clean, hold_at, worth_usd)
        seat.floor_usd[1, kind] = floor(limits, clean, refuse_at, worth_usd)


@inlined
def floor(limits: Floats, clean: Floats, at: int, worth_usd: float) -> float:
    """A limit as a part of the best payment for a job."""
    return -math.inf if at == ABSENT else linear(limits, clean, at) * worth_usd


@inlined
def hold_nobody(seat: Seat, home_service: Ints) -> None:
    """Change the wish to what it is after the window (:mod:`cosim.world.closing`)."""
    sites, groups, size = seat.shares.shape
    for home in range(sites):
        for group in range(groups):
            seat.shares[home, group, home_service[home]] += seat.shares[home, group, size - 2]
            seat.shares[home, group, size - 2] = 0.0
    seat.floor_usd[0] = -math.inf


# the tables of the slot --------------------------------------------------------------------


@inlined
def fill(seat: Seat, rules: Rules, grid: Grid, service_site: Ints) -> None:
    """Put the wish into force: clocks, battery orders and dispatch rule."""
    for site in range(len(seat.level)):
        grid.levels[site] = seat.level[site]
        grid.state[site, POWER] = seat.order[site, ORDER_KW]
        grid.state[site, ABSORB] = seat.order[site, ORDER_ABSORB_KW]
        grid.state[site, COVER] = seat.order[site, ORDER_COVER_KW]
        grid.state[site, SETPOINT] = seat.order[site, ORDER_ROOM_C]
    rules.meta[KNOWN] = 0
    if seat.meta[ENCODING] == BY_SPLIT:
        fill_split(seat, rules)
    else:
        fill_score(seat, rules, grid, service_site)


@inlined
def fill_split(seat: Seat, rules: Rules) -> None:
    """The tables of a SplitRule; classes of a group are treated alike."""
    rules.meta[KIND] = SPLIT
    sites, kinds, size = rules.shares.shape
    for home in range(sites):
        for kind in range(kinds):
            group = seat.group[kind]
            for d in range(size):
                rules.shares[home, kind, d] = seat.shares[home, group, d]
            for service in range(size - 2):
                rules.split_steps[home, kind, service] = seat.steps[group, service]


@inlined
def fill_score(seat: Seat, rules: Rules, grid: Grid, service_site: Ints) -> None:
    """The tables of a ScoreRule, in the order of operations of :mod:`cosim.world.dispatch`."""
    rules.meta[KIND] = SCORE
    rules.meta[MARGIN_NS] = int(np.rint(seat.margin_s[0] * 1e9))
    rules.weights[0], rules.weights[1] = 1.0, seat.delay_usd_s[0]
    for kind in range(len(seat.worth)):
        rules.floors[0, kind] = seat.floor_usd[0, kind]
        rules.floors[1, kind] = seat.floor_usd[1, kind]
    for home in range(len(seat.options)):
        for moves in range(2):
            for k in range(seat.options.shape[2]):
                rules.options[home, moves, k] = seat.options[home, moves, k]
    services, counts = seat.earned.shape
    for service in range(services):
        row = grid.levels[service_site[service]] * services + service
        at = grid.levels[service_site[service]]
        rules.counts[service] = counts
        gpu_usd_s, usd_kwh = seat.prices[0, service], seat.prices[1, service]
        for k in range(counts):
            for column in range(rules.choices.shape[2]):
                rules.choices[service, k, column] = seat.choices[row, k, column]
            price = gpu_usd_s * seat.seconds[at, service, k]
            price += usd_kwh * seat.energy_kwh[at, service, k]
            rules.scores[service, k, ON_TIME] = seat.earned[service, k] - price
            rules.scores[service, k, TOO_LATE] = -seat.missed[service, k] - price
            rules.scores[service, k, WORTH] = seat.earned[service, k]
            rules.scores[service, k, OWED] = seat.missed[service, k]
            rules.scores[service, k, COST] = price
    rank_offers(rules.counts, rules.scores, rules.best)
