"""The books of a run: every joule and every dollar of each slot and site, posted once.

Energy is kept in double entry. Each joule leaves one *source* (grid, solar, wind, battery, backup)
and arrives at one *sink* (compute, idle, cooling, loss, store, export, curtailed, spilled); column
``solar_to_cooling_kwh`` is one such posting. The sums of postings equal the meters.

Declared rule of posting, per meter bin: sun and wind serve the load first, in proportion to what
they produce, then the battery's discharge, then the grid; renewable surplus is stored, then sold,
then curtailed; what charges beyond the surplus comes from the grid. Loads share a source in
proportion to their power. Conversion losses on charging are posted from the source that charges;
losses on discharging and self-discharge are posted from the battery. A backup generator serves
what the import limit refuses; what it must make beyond that, at its minimum load, is spilled.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

SOURCES = ("grid", "solar", "wind", "battery", "backup")
LOADS = ("compute", "idle", "cooling")
SINKS = (*LOADS, "loss", "store", "export", "curtailed", "spilled")
FLOWS = tuple(f"{source}_to_{sink}_kwh" for source, sink in product(SOURCES, SINKS))
METERS = (
    "compute_kwh",
    "idle_kwh",
    "cooling_kwh",
    "solar_kwh",
    "wind_kwh",
    "import_kwh",
    "export_kwh",
    "curtailed_kwh",
    "charge_kwh",
    "discharge_kwh",
    "loss_kwh",
    "unserved_kwh",
    "stored_kwh",
    "backup_kwh",
    "spilled_kwh",
)
SIGNS = {
    "revenue_usd": 1.0,
    "late_penalty_usd": -1.0,
    "transfer_usd": -1.0,
    "import_usd": -1.0,
    "export_usd": 1.0,
    "unserved_usd": -1.0,
    "carbon_usd": -1.0,
    "wear_usd": -1.0,
    "demand_usd": -1.0,
    "fixed_usd": -1.0,
    "true_up_usd": -1.0,
    "curtailment_usd": -1.0,
    "backup_usd": -1.0,
    "dr_usd": 1.0,
    "settlement_usd": 1.0,
}
"""Columns of money, and what each counts for in utility."""
MONEY = tuple(SIGNS)
ENERGY_COST = (
    "import_usd",
    "export_usd",
    "demand_usd",
    "fixed_usd",
    "true_up_usd",
    "curtailment_usd",
    "backup_usd",
    "dr_usd",
)
"""Columns that make up the net cost of energy; each counts with the opposite of its sign."""
STATE = (
    "price_usd_kwh",
    "sale_usd_kwh",
    "carbon_g_kwh",
    "temp_out_c",
    "soc",
    "clock_speed",
    "busy_share",
    "gpu_down_h",
    "gpu_asleep_h",
    "queue_jobs",
    "steps",
    "images",
    "jobs_finished",
    "jobs_late",
    "jobs_dropped",
    "arrivals",
    "carbon_kg",
    "peak_import_kw",
    "backup_fuel_kwh",
    "backup_carbon_kg",
    "backup_h",
    "decide_ms",
    "residual_kwh",
    "room_c",
    "over_temp_h",
    "throttled_gpu_h",
    "battery_kwh",
    "fade_kwh",
)
COLUMNS = (*METERS, *FLOWS, *MONEY, *STATE)


@dataclass(frozen=True)
class Ledger:
    """One row per slot and site.

    Attributes:
        sites: names of the sites.
        slots: slots of the window; slots from there on belong to the drain, in which late work
            ends and only its own energy is booked.
        slot_ns: length of a slot [ns].
        data: column name → float64 array, shape (all slots, sites). ``stored_kwh`` and ``soc``
            are values at the end of the slot, ``decide_ms`` stands in the first site's column;
            ``gpu_down_h`` is the GPU time lost to failures and ``gpu_asleep_h`` that slept
            through [h], replicas included; ``jobs_dropped`` counts jobs that a full queue turned
            away or that were given up in it; ``backup_h``
            the time for which the backup delivered, ``backup_carbon_kg`` (part of ``carbon_kg``)
            and ``backup_fuel_kwh`` what it burnt; ``room_c`` (0 without a room) and
            ``battery_kwh``, the capacity in use, are those at the end of the slot; ``over_temp_h``
            is the time above band and allowance, ``throttled_gpu_h`` the GPU time worked at a
            clock that heat lowered [h], ``fade_kwh`` the capacity that age took.
    """

    sites: tuple[str, ...]
    slots: int
    slot_ns: int
    data: dict[str, NDArray[np.float64]]

    def total(self, column: str) -> float:
        """Sum of a column over all slots and sites."""
        return float(self.data[column].sum())

    def utility_usd(self) -> NDArray[np.float64]:
        """Utility of each slot and site [USD]: the signed sum of the money columns."""
        parts = [sign * self.data[name] for name, sign in SIGNS.items()]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)

    def energy_cost_usd(self) -> NDArray[np.float64]:
        """Net cost of energy of each slot and site [USD]: all terms of the supply together."""
        parts = [-SIGNS[name] * self.data[name] for name in ENERGY_COST]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)

    def flow(self, source: str, sink: str) -> NDArray[np.float64]:
        """Energy from a source to a sink [kWh], shape (slots, sites)."""
        return self.data[f"{source}_to_{sink}_kwh"]
