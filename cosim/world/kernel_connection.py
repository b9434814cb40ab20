"""The connection in a bin, compiled: what the grid gives and takes, and who carries the rest.

An outage is a bin whose limits are 0 (:mod:`cosim.physics.grid_limits`). The generator runs where
the import limit leaves a need that the battery could not cover; while it starts, and beyond its
rated power, the need stays unserved (:mod:`cosim.physics.balance`).
"""

from __future__ import annotations

from cosim.physics.backup_scalar import RATED_KW
from cosim.physics.balance_scalar import balance
from cosim.world.compiled import inlined
from cosim.world.kernel_grid import (
    BACKUP_FUEL,
    BACKUP_H,
    BACKUP_KG,
    BACKUP_MADE,
    BACKUP_USD,
    BIN_H,
    FIRST_FLOW,
    FLOW_SINKS,
    LEFT_H,
    SLOT,
    SPILLED,
    WARM_H,
    Grid,
)

BACKUP_ROW, SPILLED_SINK = 4, 7
DUST = 1e-12
"""Shares of a bin's energy below this are rounding, neither unserved nor curtailed."""
WHOLE = 1.0 - 1e-9
"""A generator that may run this share of a bin may run all of it: the rest is rounding."""


@inlined
def battery_works(grid: Grid, site: int, first: int, end: int) -> bool:
    """Whether the battery works in all bins from one on and before another."""
    bins = len(grid.battery_up)
    for bin_no in range(min(first, bins - 1), min(end, bins)):
        if not grid.battery_up[bin_no, site]:
            return False
    return True


@inlined
def limits_kw(grid: Grid, site: int, bin_no: int) -> tuple[float, float]:
    """Import and export limit of a bin [kW]; nothing is exported where that would cost money."""
    at = min(bin_no, len(grid.import_kw) - 1)
    sells = grid.sale[grid.clock[SLOT], site] >= 0.0
    return grid.import_kw[at, site], grid.export_kw[at, site] if sells else 0.0


@inlined
def has_backup(grid: Grid, site: int) -> bool:
    """Whether a site has a generator."""
    return bool(grid.generator[site, RATED_KW] > 0.0)


@inlined
def reserve_kw(grid: Grid, site: int) -> float:
    """Power on which the guard may count: the generator's, if it may run the whole bin [kW]."""
    lasts = grid.state[site, LEFT_H] >= grid.scalars[BIN_H] * WHOLE
    return float(grid.generator[site, RATED_KW]) if lasts else 0.0


@inlined
def exchange(
    grid: Grid,
    site: int,
    net: float,
    limits: tuple[float, float],
    sizes: tuple[float, float],
) -> tuple[float, float, float, float, float, float]:
    """Split what a bin needs or has left over among grid, generator and nobody.

    Args:
        grid: the electrical side.
        site: the site.
        net: load less sun, wind and battery [kWh].
        limits: what the grid gives and takes [kW].
        sizes: load, and sun and wind [kWh].

    Returns:
        Bought, sold, unserved, curtailed, generated and spilled energy [kWh].
    """
    hours = grid.scalars[BIN_H]
    bought = min(max(net, 0.0), limits[0] * hours)
    sold = min(max(-net, 0.0), limits[1] * hours)
    unserved, curtailed = max(net, 0.0) - bought, max(-net, 0.0) - sold
    if unserved < DUST * sizes[0]:
        bought, unserved = bought + unserved, 0.0
    if curtailed < DUST * sizes[1]:
        sold, curtailed = sold + curtailed, 0.0
    made, spilled = 0.0, 0.0
    if has_backup(grid, site):
        if unserved > 0.0:
            bought, unserved, made, spilled = back_up(grid, site, net, limits[0])
        else:
            grid.state[site, WARM_H] = 0.0
    return bought, sold, unserved, curtailed, made, spilled


@inlined
def back_up(
    grid: Grid, site: int, net_kwh: float, import_kw_max: float
) -> tuple[float, float, float, float]:
    """Let the generator carry what the grid refuses in a bin.

    Args:
        grid: the electrical side.
        site: the site.
        net_kwh: load less sun, wind and battery, above what the grid gives [kWh].
        import_kw_max: what the grid gives [kW].

    Returns:
        Import, unserved, generated and spilled energy [kWh].
    """
    hours, state = grid.scalars[BIN_H], grid.state[site]
    bought, _, _, made, spilled, dark, fuel_kwh, cost_usd, carbon_kg, warm_h, left_h = balance(
        grid.generator[site],
        net_kwh / hours,
        import_kw_max,
        0.0,
        0.0,
        state[WARM_H],
        state[LEFT_H],
        hours,
    )
    row = grid.rows[grid.clock[SLOT]]
    row[BACKUP_USD, site] += cost_usd
    row[BACKUP_KG, site] += carbon_kg
    row[BACKUP_FUEL, site] += fuel_kwh
    row[BACKUP_H, site] += state[LEFT_H] - left_h
    state[WARM_H], state[LEFT_H] = warm_h, left_h
    return bought * hours, dark * hours, made * hours, spilled * hours


@inlined
def post_backup(
    grid: Grid,
    site: int,
    bin_no: int,
    shares: tuple[float, float, float],
    made: float,
    spilled: float,
) -> None:
    """Post what the generator gave to the loads and to nobody [kWh]."""
    flows, row = grid.flows[BACKUP_ROW], grid.rows[grid.clock[SLOT]]
    first = FIRST_FLOW + FLOW_SINKS * BACKUP_ROW
    for k in range(3):
        flows[k] = (made - spilled) * shares[k]
        row[first + k, site] += flows[k]
    flows[SPILLED_SINK] = spilled
    row[first + SPILLED_SINK, site] += spilled
    row[BACKUP_MADE, site] += made
    row[SPILLED, site] += spilled
    grid.bins[bin_no, site, 13] = (made - spilled) / grid.scalars[BIN_H]


@inlined
def clear_backup(grid: Grid, site: int) -> None:
    """Clear the generator's row of the working memory for sites without one."""
    if has_backup(grid, site):
        grid.flows[BACKUP_ROW] = 0.0
