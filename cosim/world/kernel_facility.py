"""The electrical side of a site, compiled: in every meter bin loads meet sun, wind, battery, grid.

Within a bin solar, wind and set-points are constant and JEMAS Eq. (10) holds,
P^G + P^C = D + R + G: what sun, wind and battery do not cover is imported, what is left over is
stored, sold or curtailed. Nothing nets across bins. If the import limit makes the balance
impossible, the battery helps out, then a backup generator where there is one
(:mod:`cosim.world.kernel_connection`), and what remains is unserved energy on its own account.
Every joule is posted once, by the rule that :mod:`cosim.ledger` declares.
"""

from __future__ import annotations

from cosim.physics.battery_power_scalar import power_limits_kw
from cosim.physics.battery_row import CAPACITY_KWH
from cosim.physics.battery_scalar import advance
from cosim.quantities import J_PER_KWH, NS_PER_HOUR
from cosim.world.compiled import inlined, piece
from cosim.world.kernel_climate import cell_c, cool, drain_ratio
from cosim.world.kernel_connection import (
    battery_works,
    clear_backup,
    exchange,
    has_backup,
    limits_kw,
    post_backup,
)
from cosim.world.kernel_grid import (
    ABSORB,
    BAD_BIN,
    BAD_SITE,
    BIN_H,
    BIN_NS,
    BINS_PER_SLOT,
    BUSY_NS,
    BUSY_SHARE,
    COMPUTE,
    COOLING,
    COVER,
    DOWN_NS,
    FIRST_FLOW,
    FLOW_SINKS,
    GPU_ASLEEP_H,
    GPU_DOWN_H,
    GPUS,
    HIGH,
    IDLE_MW,
    IMAGES_ROW,
    IMPORT,
    LOSS,
    LOW,
    PEAK,
    POOLS,
    POWER,
    READ_IMAGES,
    READ_SLEPT,
    READ_STEPS,
    REPLICAS,
    RESIDUAL,
    ROOM,
    SERVER_MW,
    SLEEP_MW,
    SLOT,
    STEPS_ROW,
    STORED,
    STORED_ROW,
    UNSERVED,
    Grid,
)
from cosim.world.kernel_memory import read_grid
from cosim.world.kernel_state import (
    Ints,
)

GRID_ROW, SOLAR_ROW, WIND_ROW, BATTERY_ROW = range(4)
RESIDUAL_LIMIT = 1e-9
"""Share of a bin's energy by which postings and meters may disagree."""
_LOW_BITS = (1 << 32) - 1


@piece
def close_bin(memory: int, site: int, bin_no: int) -> None:
    """Close the books of one bin at one meter, from what the meters of its pools have told.

    Args:
        memory: address of the table of addresses.
        site: the site; a further pool of another one has no books of its own.
        bin_no: the bin, counted from the window's start.
    """
    grid = read_grid(memory)
    pools = int(grid.site[site, POOLS])
    if pools == 0:
        return
    compute_kw, idle_kw = 0.0, 0.0
    for pool in range(site, site + pools):
        working_kw, waiting_kw = it_kw(grid, pool, grid.readings[pool])
        compute_kw, idle_kw = compute_kw + working_kw, idle_kw + waiting_kw
    cooling_kw = cool(memory, grid, site, bin_no, compute_kw + idle_kw)
    solar_kw, wind_kw = grid.solar_kw[bin_no, site], grid.wind_kw[bin_no, site]
    limits = limits_kw(grid, site, bin_no)
    net_kw = compute_kw + idle_kw + cooling_kw - solar_kw - wind_kw
    hours, before_kwh = grid.scalars[BIN_H], grid.state[site, STORED]
    charged, given, loss, charge_loss = 0.0, 0.0, 0.0, 0.0
    if grid.battery[site, CAPACITY_KWH] > 0.0:
        temp_c = cell_c(grid, site, bin_no)
        power_kw = 0.0
        if battery_works(grid, site, bin_no, bin_no + 1):
            power_kw = battery_kw(grid, site, net_kw, limits, temp_c)
        after_kwh, charged, given, loss, charge_loss = advance(
            grid.battery[site], before_kwh, temp_c, power_kw, hours
        )
        grid.state[site, STORED] = after_kwh
    post(
        grid,
        site,
        bin_no,
        (compute_kw, idle_kw, cooling_kw, solar_kw, wind_kw),
        limits,
        (charged, given, loss, charge_loss),
    )
    check(grid, site, bin_no, before_kwh)
    clear_backup(grid, site)
    for pool in range(site, site + pools):
        count(grid, pool, bin_no, grid.readings[pool])


@inlined
def it_kw(grid: Grid, site: int, reading: Ints) -> tuple[float, float]:
    """Mean power of working and of waiting IT over a bin [kW], replicas included."""
    span_ns, at = grid.clock[BIN_NS], grid.site[site]
    high, low = reading[HIGH] + (reading[LOW] >> 32), reading[LOW] & _LOW_BITS
    busy_pj = high * 4294967296.0 + low
    compute_kw = grid.scalars[REPLICAS] * (busy_pj / span_ns) / 1e6
    slept_ns = reading[READ_SLEPT]
    waiting_ns = at[GPUS] * span_ns - reading[BUSY_NS] - reading[DOWN_NS] - slept_ns
    waiting_pj = waiting_ns * at[IDLE_MW] + slept_ns * at[SLEEP_MW]
    idle_mw = waiting_pj / span_ns + at[GPUS] * at[SERVER_MW]
    return compute_kw, grid.scalars[REPLICAS] * idle_mw / 1e6


@inlined
def battery_kw(
    grid: Grid, site: int, net_kw: float, limits: tuple[float, float], temp_c: float
) -> float:
    """The battery's order followed within the bin and kept inside the grid's limits [kW].

    Args:
        grid: the electrical side.
        site: the site.
        net_kw: load less sun and wind [kW].
        limits: what the grid gives and takes [kW].
        temp_c: temperature of the cells [°C].
    """
    power_kw = grid.state[site, POWER]
    rest_kw = net_kw - power_kw
    if rest_kw < 0.0:
        power_kw -= min(grid.state[site, ABSORB], -rest_kw)
    else:
        power_kw += min(grid.state[site, COVER], rest_kw)
    # the battery neither pushes through the export limit nor leaves a load in the dark
    power_kw = min(power_kw, max(0.0, net_kw + limits[1]))
    power_kw = max(power_kw, net_kw - limits[0])
    charge_kw, discharge_kw = power_limits_kw(grid.battery[site], temp_c)
    return float(min(discharge_kw, max(-charge_kw, power_kw)))


@inlined
def post(
    grid: Grid,
    site: int,
    bin_no: int,
    powers: tuple[float, float, float, float, float],
    limits: tuple[float, float],
    moved: tuple[float, float, float, float],
) -> None:
    """Post the energies of one bin.

    Args:
        grid: the electrical side.
        site: the site.
        bin_no: the bin.
        powers: mean power of compute, idle, cooling, solar and wind [kW].
        limits: what the grid gives and takes [kW].
        moved: charged, discharged, all losses, and those of charging [kWh].
    """
    hours, row = grid.scalars[BIN_H], grid.rows[grid.clock[SLOT]]
    compute, idle, cooling = powers[0] * hours, powers[1] * hours, powers[2] * hours
    solar, wind = powers[3] * hours, powers[4] * hours
    charged, given, loss, charge_loss = moved
    load, renewable = compute + idle + cooling, solar + wind
    net = load - renewable + charged - given
    bought, sold, unserved, curtailed, made, spilled = exchange(
        grid, site, net, limits, (load, renewable)
    )
    served = load - unserved
    direct = min(renewable, served)
    from_battery = min(given, served - direct)
    stored_green = min(charged, renewable - direct)
    sold_battery = min(given - from_battery, sold)
    keep = 1.0 - (charge_loss / charged if charged > 0.0 else 0.0)
    shares = (0.0, 0.0, 0.0)
    if load > 0.0:
        shares = (compute / load, idle / load, cooling / load)
    part = solar / renewable if renewable > 0.0 else 0.0
    bought_load, bought_charge = served - direct - from_battery, charged - stored_green
    if has_backup(grid, site):
        bought_load -= made - spilled
        post_backup(grid, site, bin_no, shares, made, spilled)
    sold_green = sold - sold_battery
    give(grid, GRID_ROW, shares, keep, (bought_load, bought_charge, 0.0, 0.0))
    give(
        grid,
        SOLAR_ROW,
        shares,
        keep,
        (direct * part, stored_green * part, sold_green * part, curtailed * part),
    )
    rest = 1.0 - part
    give(
        grid,
        WIND_ROW,
        shares,
        keep,
        (direct * rest, stored_green * rest, sold_green * rest, curtailed * rest),
    )
    give(grid, BATTERY_ROW, shares, 1.0, (from_battery, 0.0, sold_battery, 0.0))
    grid.flows[BATTERY_ROW, 3] += loss - charge_loss
    for source in range(4):
        for sink in range(7):
            row[FIRST_FLOW + FLOW_SINKS * source + sink, site] += grid.flows[source, sink]
    meters = (compute, idle, cooling, solar, wind, bought, sold, curtailed, charged, given)
    for k in range(10):
        row[k, site] += meters[k]
    row[LOSS, site] += loss
    row[UNSERVED, site] += unserved
    row[STORED_ROW, site] = grid.state[site, STORED]
    row[PEAK, site] = max(row[PEAK, site], bought / hours)
    table = grid.bins[bin_no, site]
    for k in range(5):
        table[k] = meters[k] / hours
    table[5] = (given - charged) / hours
    table[6], table[7], table[8] = bought / hours, sold / hours, curtailed / hours
    table[9] = unserved / hours


@inlined
def give(
    grid: Grid,
    source: int,
    shares: tuple[float, float, float],
    keep: float,
    parts: tuple[float, float, float, float],
) -> None:
    """Post what one source gave to the loads, to the battery, to the grid and to nobody."""
    flows = grid.flows
    load, charge, sold, curtailed = parts
    for k in range(3):
        flows[source, k] = load * shares[k]
    flows[source, 3], flows[source, 4] = charge * (1.0 - keep), charge * keep
    flows[source, 5], flows[source, 6] = sold, curtailed


@inlined
def check(grid: Grid, site: int, bin_no: int, before_kwh: float) -> None:
    """Compare the postings of the bin with its meters and with the battery's content [kWh]."""
    flows, table, hours = grid.flows, grid.bins[bin_no, site], grid.scalars[BIN_H]
    wrong = 0.0
    bought, solar, wind = table[6] * hours, table[3] * hours, table[4] * hours
    for source, meter in ((GRID_ROW, bought), (SOLAR_ROW, solar), (WIND_ROW, wind)):
        wrong = max(wrong, abs(flows[source].sum() - meter))
    served = (table[0] + table[1] + table[2] - table[9]) * hours
    to_load = flows[:, 0].sum() + flows[:, 1].sum() + flows[:, 2].sum()
    wrong = max(wrong, abs(to_load - served))
    wrong = max(wrong, abs(flows[:, 5].sum() - table[7] * hours))
    wrong = max(wrong, abs(flows[:, 6].sum() - table[8] * hours))
    stored_kwh = grid.state[site, STORED] - before_kwh
    wrong = max(wrong, abs(flows[:, 4].sum() - flows[BATTERY_ROW].sum() - stored_kwh))
    rows = grid.rows[grid.clock[SLOT]]
    rows[RESIDUAL, site] = max(rows[RESIDUAL, site], wrong)
    scale = served + solar + wind + bought + grid.state[site, STORED]
    if wrong > RESIDUAL_LIMIT * max(1e-6, scale) and grid.clock[BAD_BIN] < 0:
        grid.clock[BAD_BIN], grid.clock[BAD_SITE] = bin_no, site


@inlined
def count(grid: Grid, site: int, bin_no: int, reading: Ints) -> None:
    """Post what is counted rather than metered."""
    row, table = grid.rows[grid.clock[SLOT]], grid.bins[bin_no, site]
    row[STEPS_ROW, site] += reading[READ_STEPS]
    row[IMAGES_ROW, site] += reading[READ_IMAGES]
    row[GPU_DOWN_H, site] += grid.scalars[REPLICAS] * (reading[DOWN_NS] / NS_PER_HOUR)
    row[GPU_ASLEEP_H, site] += grid.scalars[REPLICAS] * (reading[READ_SLEPT] / NS_PER_HOUR)
    busy = reading[BUSY_NS] / (grid.clock[BIN_NS] * grid.site[site, GPUS])
    row[BUSY_SHARE, site] += busy / grid.clock[BINS_PER_SLOT]
    capacity_kwh = grid.battery[site, CAPACITY_KWH]
    table[10] = grid.state[site, STORED] / capacity_kwh if capacity_kwh > 0.0 else 0.0
    table[11], table[12] = reading[READ_STEPS], busy
    table[14] = grid.state[site, ROOM]


@inlined
def close_drain(memory: int, grid: Grid, site: int) -> None:
    """Book the energy of late work of one slot after the window: from the grid, no weather."""
    row, reading, compute = grid.rows[grid.clock[SLOT]], grid.readings[site], 0.0
    for pool in range(site, site + int(grid.site[site, POOLS])):
        told = grid.readings[pool]
        high, low = told[HIGH] + (told[LOW] >> 32), told[LOW] & _LOW_BITS
        compute += grid.scalars[REPLICAS] * (high * 4294967296.0 + low) / 1e12 / J_PER_KWH
    cooling = compute * drain_ratio(memory, site)
    row[COMPUTE, site], row[COOLING, site] = compute, cooling
    row[FIRST_FLOW, site], row[FIRST_FLOW + 2, site] = compute, cooling
    row[IMPORT, site] = compute + cooling
    row[STORED_ROW, site] = grid.rows[grid.clock[SLOT] - 1, STORED_ROW, site]
    row[STEPS_ROW, site], row[IMAGES_ROW, site] = reading[READ_STEPS], reading[READ_IMAGES]
