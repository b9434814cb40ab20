"""The electrical side of a world, laid out once from a plan for compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.ledger import COLUMNS, SINKS, SOURCES
from cosim.physics.backup import row as generator_row
from cosim.physics.battery import row as battery_row
from cosim.physics.battery_row import CAPACITY_KWH, WIDTH
from cosim.physics.grid_limits import Limits, bin_limits
from cosim.physics.thermal import row as cooling_row
from cosim.quantities import hours_from_ns
from cosim.world import kernel_grid as at
from cosim.world.kernel_state import FOREVER
from cosim.world.plan import Plan, SitePlan

FloatArray = NDArray[np.float64]
SPARE_SLOTS = 8
LONGEST_H = 1e6  # no run lasts longer; finite, so that hours can be counted down


def lay_grid(plan: Plan) -> at.Grid:
    """Lay out the electrical side of a run."""
    sites, slots, outside = len(plan.sites), plan.info.slots, plan.outside
    bins, window = slots * plan.bins_per_slot, slice(outside.history, outside.history + slots)
    levels, limits = max(site.levels for site in plan.sites), _limits(plan)
    return at.Grid(
        site=_sites(plan, limits),
        battery=np.stack([_battery(site) for site in plan.sites]),
        generator=np.stack([generator_row(site.backup) for site in plan.sites]),
        battery_up=_battery_up(plan),
        import_kw=limits.import_max_kw,
        export_kw=limits.export_max_kw,
        busy_kw=np.stack([_busy_kw(plan, site, levels) for site in plan.sites]),
        speed=np.stack([_padded(speeds, levels) for speeds in plan.info.clock_speed]),
        state=_state(plan),
        cooling=np.stack([cooling_row(site.cooling, site.room) for site in plan.sites]),
        solar_kw=_floats(outside.solar_bin_kw),
        wind_kw=_floats(outside.wind_bin_kw),
        temp_c=_floats(outside.temp_bin_c),
        price=_floats(outside.price_usd_kwh[window]),
        sale=_floats(outside.sale_usd_kwh[window]),
        carbon=_floats(outside.carbon_g_kwh[window]),
        temp_slot_c=_floats(outside.temp_out_c[window]),
        revenue=_floats(plan.info.revenue_usd),
        penalty=_floats(plan.info.late_penalty_usd),
        lateness=_floats(plan.info.lateness_rows),
        step_counts=np.array(plan.info.steps, dtype=np.int64),
        rows=np.zeros((slots + SPARE_SLOTS, len(COLUMNS), sites)),
        bins=np.zeros((bins, sites, len(at.BIN_COLUMNS))),
        readings=np.zeros((sites, at.READINGS), dtype=np.int64),
        guard=np.zeros((sites, at.GUARD_COLUMNS), dtype=np.int64),
        flows=np.zeros((len(SOURCES), len(SINKS))),
        # pages of this that no slot touches cost nothing
        ratios=np.empty(len(plan.jobs)),
        levels=np.array([site.levels - 1 for site in plan.sites], dtype=np.int64),
        told_jobs=np.zeros(sites, dtype=np.int64),
        counts=np.zeros((at.COUNTS, sites), dtype=np.int64),
        seen=np.zeros((at.SEEN, sites)),
        told=np.zeros((2, sites)),
        scalars=_scalars(plan),
        clock=_clock(plan, guarded=bool(np.isfinite(limits.import_max_kw).any())),
    )


def _floats(values: Any) -> FloatArray:
    return np.ascontiguousarray(values, dtype=np.float64)


def _padded(values: Any, length: int) -> FloatArray:
    row = np.zeros(length)
    row[: len(values)] = values
    return row


def _limits(plan: Plan) -> Limits:
    """Limits of each bin [kW], shape (bins, sites); one row where they never change."""
    sites, events = plan.sites, any(site.grid_events for site in plan.sites)
    start_ns = plan.info.start_utc_ns
    count = plan.info.slots * plan.bins_per_slot if events else 1
    found = [
        bin_limits(
            *(site.import_kw_max, site.export_kw_max, site.grid_events),
            *(start_ns, plan.bin_ns, count),
        )
        for site in sites
    ]
    return Limits(*(_floats(np.stack(part, axis=1)) for part in zip(*found, strict=True)))


def _sites(plan: Plan, limits: Limits) -> FloatArray:
    rows = np.array([_site(site) for site in plan.sites])
    rows[:, at.GUARDED] = np.isfinite(limits.import_max_kw).any(axis=0)
    rows[:, at.POOLS] = np.bincount(plan.info.place, minlength=len(plan.sites))
    return rows


def _site(site: SitePlan) -> FloatArray:
    row = np.zeros(at.SITE_COLUMNS)
    row[at.GPUS], row[at.IDLE_MW], row[at.SERVER_MW] = site.gpus, site.idle_mw, site.server_mw
    row[at.CURTAIL_USD_KWH] = site.curtailment_usd_kwh
    row[at.WEAR_USD_KWH], cells = site.wear_usd_kwh, site.cells
    row[at.CELL_LOW], row[at.CELL_HIGH] = cells.low_c, cells.high_c
    row[at.CELL_OFFSET] = cells.offset_k
    row[at.SLEEP_MW] = site.sleep.mw if site.sleep else 0
    return row


def _battery(site: SitePlan) -> FloatArray:
    if site.battery is None:
        return np.zeros(WIDTH)
    row = battery_row(site.battery)
    row[CAPACITY_KWH] = site.capacity_kwh
    return row


def _battery_up(plan: Plan) -> NDArray[np.bool_]:
    """Bins in which each battery works; a bin that an outage touches is out as a whole."""
    outages = any(site.battery_outages for site in plan.sites)
    bins = plan.info.slots * plan.bins_per_slot if outages else 1
    up = np.ones((bins, len(plan.sites)), dtype=np.bool_)
    for i, site in enumerate(plan.sites):
        for begin_ns, end_ns in site.battery_outages:
            up[begin_ns // plan.bin_ns : -(-end_ns // plan.bin_ns), i] = False
    return up


def _busy_kw(plan: Plan, site: SitePlan, levels: int) -> FloatArray:
    """Most that a GPU draws while it runs or loads anything, at each clock level."""
    services = [plan.services[s] for s in site.services]
    waking_mw = site.sleep.waking.mw if site.sleep else 0
    most_mw = [
        max(waking_mw, *(s.most_mw(level) for s in services)) for level in range(site.levels)
    ]
    return _padded([plan.info.replicas * mw / 1e6 for mw in most_mw], levels)


def _state(plan: Plan) -> FloatArray:
    state = np.zeros((len(plan.sites), at.STATE_COLUMNS))
    state[:, at.STORED] = [site.stored_kwh for site in plan.sites]
    state[:, at.LEFT_H] = [
        min(site.backup.run_hours_max, LONGEST_H) if site.backup else 0.0 for site in plan.sites
    ]
    state[:, at.ROOM] = [site.room_c for site in plan.sites]
    state[:, at.SETPOINT] = state[:, at.AIM] = np.nan
    return state


def _scalars(plan: Plan) -> FloatArray:
    scalars = np.zeros(at.SCALARS)
    scalars[at.BIN_H], scalars[at.SLOT_H] = plan.bin_h, hours_from_ns(plan.info.slot_ns)
    scalars[at.REPLICAS], scalars[at.CARBON_USD_KG] = plan.info.replicas, plan.info.carbon_usd_kg
    scalars[at.UNSERVED_USD_KWH] = plan.unserved_usd_kwh
    return scalars


def _clock(plan: Plan, *, guarded: bool) -> NDArray[np.int64]:
    clock = np.zeros(at.CLOCK_ENTRIES, dtype=np.int64)
    clock[at.BIN_NS], clock[at.BINS_PER_SLOT] = plan.bin_ns, plan.bins_per_slot
    clock[at.BIN_END], clock[at.BAD_BIN] = FOREVER, -1
    clock[at.ANY_GUARD] = guarded or any(site.room is not None for site in plan.sites)
    return clock
