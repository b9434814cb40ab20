"""The electrical side of a world as arrays, for compiled code: meters, batteries, ledger rows.

One row of ``rows`` is a slot of the ledger, one row of ``bins`` a meter bin; both are filled by
compiled code as time goes on and become the ledger and the bin table when the run ends.
"""

from __future__ import annotations

from typing import NamedTuple

from cosim.ledger import COLUMNS as LEDGER_COLUMNS
from cosim.ledger import FLOWS, METERS, SINKS
from cosim.world.kernel_state import Bools2, Floats1, Floats2, Floats3, Ints1, Ints2

_AT = {name: at for at, name in enumerate(LEDGER_COLUMNS)}

# columns of Grid.rows that compiled code fills, beside the flows from FIRST_FLOW on
COMPUTE, IDLE, COOLING, SOLAR, WIND, IMPORT, EXPORT, CURTAILED, CHARGE, DISCHARGE = range(10)
LOSS, UNSERVED, STORED_ROW, BACKUP_MADE, SPILLED = range(10, 15)
assert LEDGER_COLUMNS[: SPILLED + 1] == METERS
FIRST_FLOW, FLOW_SINKS = _AT[FLOWS[0]], len(SINKS)
IMPORT_USD, EXPORT_USD, UNSERVED_USD = _AT["import_usd"], _AT["export_usd"], _AT["unserved_usd"]
CARBON_USD, WEAR_USD = _AT["carbon_usd"], _AT["wear_usd"]
DEMAND_USD, FIXED_USD, TRUE_UP_USD = (_AT[f"{n}_usd"] for n in ("demand", "fixed", "true_up"))
CURTAILMENT_USD, BACKUP_USD, DR_USD = (_AT[f"{n}_usd"] for n in ("curtailment", "backup", "dr"))
EDGE_TERMS = 6  # from DEMAND_USD to DR_USD
assert DEMAND_USD + EDGE_TERMS == DR_USD + 1
SOC_ROW, CLOCK_SPEED = _AT["soc"], _AT["clock_speed"]
BUSY_SHARE, QUEUE_JOBS, STEPS_ROW = _AT["busy_share"], _AT["queue_jobs"], _AT["steps"]
IMAGES_ROW, FINISHED_ROW, LATE_ROW = _AT["images"], _AT["jobs_finished"], _AT["jobs_late"]
ARRIVALS_ROW, CARBON_KG, PEAK = _AT["arrivals"], _AT["carbon_kg"], _AT["peak_import_kw"]
RESIDUAL, DECIDE_MS = _AT["residual_kwh"], _AT["decide_ms"]
GPU_DOWN_H, GPU_ASLEEP_H, DROPPED_ROW = _AT["gpu_down_h"], _AT["gpu_asleep_h"], _AT["jobs_dropped"]
BACKUP_FUEL, BACKUP_KG, BACKUP_H = _AT["backup_fuel_kwh"], _AT["backup_carbon_kg"], _AT["backup_h"]
ROOM_ROW, OVER_TEMP_H = _AT["room_c"], _AT["over_temp_h"]
THROTTLED_GPU_H, CAPACITY_ROW = _AT["throttled_gpu_h"], _AT["battery_kwh"]
FADE_ROW = _AT["fade_kwh"]

# columns of Grid.bins
BIN_COLUMNS = (
    "compute_kw",
    "idle_kw",
    "cooling_kw",
    "solar_kw",
    "wind_kw",
    "battery_kw",
    "import_kw",
    "export_kw",
    "curtailed_kw",
    "unserved_kw",
    "soc",
    "steps",
    "busy_share",
    "backup_kw",
    "room_c",
)

# columns of Grid.site
# (GUARDED: whether its import is ever limited)
GPUS, IDLE_MW, SERVER_MW, GUARDED, CURTAIL_USD_KWH, WEAR_USD_KWH = range(6)
CELL_LOW, CELL_HIGH, CELL_OFFSET = range(6, 9)
# (POOLS: how many pools of GPUs stand at its meter, itself and those after it; 0: at another's)
SLEEP_MW, POOLS = range(9, 11)
SITE_COLUMNS = 11

# columns of Grid.state: what a site's battery holds and what it is to do; how warm its room is,
# the temperature that was ordered for the slot and the one that is aimed at in the bin; what the
# bin that was looked at last would make of the room; how far its backup has started, and its hours
STORED, POWER, ABSORB, COVER = range(4)
ROOM, SETPOINT, AIM = range(4, 7)
ROOM_NEXT, TOO_WARM_H = range(7, 9)
WARM_H, LEFT_H = range(9, 11)
STATE_COLUMNS = 11

# entries of Grid.scalars
BIN_H, SLOT_H, REPLICAS, CARBON_USD_KG, UNSERVED_USD_KWH = range(5)
SCALARS = 5

# entries of Grid.clock
SLOT, BIN, BIN_END, BIN_NS, BINS_PER_SLOT, GUARD_DUE, ANY_GUARD, BAD_BIN, BAD_SITE = range(9)
CLOCK_ENTRIES = 9

# rows of Grid.counts and of Grid.seen: what is told at a slot edge
WAITING, BUSY, BACKLOG, DUE, UP = range(5)
COUNTS = 5
DELAY_P95, FACILITY_KW, IT_KW, STORED_KWH, SOC, LOW_KW, HIGH_KW = range(7)
BACKLOG_S, BUSY_NOW, SLACK_S, ROOM_NOW, PRICE_NOW = range(7, 12)
SEEN = 12

# columns of Grid.told: money of the jobs that ended in a slot
TOLD_REVENUE, TOLD_PENALTY = range(2)

# columns of Grid.guard: GPUs that a pool could use in a bin, its clock level and GPUs that may run
WANTED, SET_LEVEL, MAY_RUN = range(3)
GUARD_COLUMNS = 3

# rows of the array in which an engine hands over readings and ended jobs
HIGH, LOW, BUSY_NS, DOWN_NS, READ_STEPS, READ_IMAGES, READ_SLEPT = range(7)
READINGS = 7
ARRIVAL, DEADLINE, DELIVERED, SERVICE_OF, STEPS_OF, IMAGES_OF, GPU_OF = range(7)
ENDED_ROWS = 7


class Grid(NamedTuple):
    """Supply, battery, meters and books of all sites.

    Attributes:
        site: what stands at each site, shape (sites, SITE_COLUMNS).
        battery: parameters of its battery (:mod:`cosim.physics.battery_scalar`), (sites, …).
        generator: parameters of its backup (:mod:`cosim.physics.backup_scalar`), (sites, …).
        battery_up: whether the battery works, shape (bins, sites), or (1, sites) where it always
            does.
        import_kw: import limit, shape (bins, sites), or (1, sites) where it never changes [kW].
        export_kw: export limit, same shape [kW].
        busy_kw: most that a busy GPU draws at each clock level, shape (sites, levels) [kW].
        speed: speed ratio of each clock level, shape (sites, levels).
        state: what batteries hold, rooms are like and backups have left, and what is ordered,
            shape (sites, STATE_COLUMNS).
        cooling: parameters of the cooling and of the room
            (:mod:`cosim.physics.thermal_scalar`), shape (sites, …).
        solar_kw: mean solar power, shape (bins, sites).
        wind_kw: mean wind power, shape (bins, sites).
        temp_c: mean outdoor temperature, shape (bins, sites).
        price: purchase price, shape (slots, sites) [USD/kWh].
        sale: sale price, same shape.
        carbon: grid carbon intensity, same shape [g/kWh].
        temp_slot_c: outdoor temperature, same shape.
        revenue: paid for an image on time, shape (services, step counts) [USD].
        penalty: penalty of a late image, shape (services,) [USD].
        lateness: what a late image still earns (:mod:`cosim.physics.service_scalar`), shape
            (services, LATENESS_COLUMNS).
        step_counts: allowed step counts, ascending, shape (step counts,).
        rows: the ledger, shape (slots and slots of the drain, ledger columns, sites).
        bins: the bin table, shape (bins, sites, BIN_COLUMNS).
        readings: what the meters of each site gathered in a bin, shape (sites, READINGS).
        guard: what sites could use of the coming bin, and may, shape (sites, GUARD_COLUMNS).
        flows: working memory: what each source gave to each sink in a bin, shape (5, 8) [kWh].
        ratios: working memory for delays, shape (jobs,).
        levels: clock level that was decided for each site, shape (sites,).
        told_jobs: how many ended jobs of each site have been told, shape (sites,).
        counts: waiting, busy GPUs, backlog [ns], earliest deadline in the queue, GPUs
            that are not down, shape (COUNTS, sites).
        seen: other facts told at an edge, shape (SEEN, sites).
        told: money of the jobs that ended in the slot, shape (2, sites) [USD].
        scalars: numbers that all sites share.
        clock: where the meters stand, and the first bin that does not balance.
    """

    site: Floats2
    battery: Floats2
    generator: Floats2
    battery_up: Bools2
    import_kw: Floats2
    export_kw: Floats2
    busy_kw: Floats2
    speed: Floats2
    state: Floats2
    cooling: Floats2
    solar_kw: Floats2
    wind_kw: Floats2
    temp_c: Floats2
    price: Floats2
    sale: Floats2
    carbon: Floats2
    temp_slot_c: Floats2
    revenue: Floats2
    penalty: Floats1
    lateness: Floats2
    step_counts: Ints1
    rows: Floats3
    bins: Floats3
    readings: Ints2
    guard: Ints2
    flows: Floats2
    ratios: Floats1
    levels: Ints1
    told_jobs: Ints1
    counts: Ints2
    seen: Floats2
    told: Floats2
    scalars: Floats1
    clock: Ints1
