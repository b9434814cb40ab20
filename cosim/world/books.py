"""The books of a world while it runs: bins are gathered into slots, slots into the ledger.

Energy is posted bin by bin; imports, exports and carbon are settled per slot at the slot's
price. Revenue, penalties and transfers are posted when the run has ended, from the job table. In
the drain (after the window) only the energy of the remaining work is booked, at the price of the
window's last slot, so that a policy neither gains nor loses by the length of its tail.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cosim.errors import BalanceError
from cosim.ledger import COLUMNS, Ledger
from cosim.physics.carbon import carbon_kg
from cosim.quantities import hours_from_ns
from cosim.world.facility import ENERGY_COLUMNS, BinBooks
from cosim.world.plan import Plan
from cosim.world.pool import BinReading

FloatArray = NDArray[np.float64]
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
)
_METERED = ("compute", "idle", "cooling", "solar", "wind", "import", "export", "curtailed")
RESIDUAL_LIMIT = 1e-9
_LEVELS = ("soc", "stored_kwh", "residual_kwh", "peak_import_kw")


class Books:
    """Rows per slot and site, rows per bin and site."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._sites = len(plan.sites)
        self._slots: list[dict[str, FloatArray]] = []
        self._bins: list[FloatArray] = []
        self._row = self._blank()

    def _blank(self) -> dict[str, FloatArray]:
        """An empty row; its energy columns are the rows of one array, added to in one go."""
        self._energy_kwh = np.zeros((len(ENERGY_COLUMNS), self._sites))
        row = {name: np.zeros(self._sites) for name in COLUMNS}
        return row | dict(zip(ENERGY_COLUMNS, self._energy_kwh, strict=True))

    @property
    def row(self) -> dict[str, FloatArray]:
        """The slot that is being gathered, column → (sites,)."""
        return self._row

    def post_bin(self, site: int, bin_no: int, books: BinBooks, reading: BinReading) -> None:
        """Add a closed bin to the slot and to the bin table."""
        row, hours = self._row, self.plan.bin_h
        self._energy_kwh[:, site] += books.energy_kwh
        row["stored_kwh"][site] = books["stored_kwh"]
        row["residual_kwh"][site] = max(row["residual_kwh"][site], books.residual_kwh)
        import_kw = books["import_kwh"] / hours
        row["peak_import_kw"][site] = max(row["peak_import_kw"][site], import_kw)
        row["steps"][site] += reading.steps
        row["images"][site] += reading.images
        row["gpu_down_h"][site] += self.plan.info.replicas * hours_from_ns(reading.down_ns)
        busy = reading.busy_ns / (self.plan.bin_ns * self.plan.sites[site].gpus)
        row["busy_share"][site] += busy / self.plan.bins_per_slot
        self._check(site, bin_no, books)
        self._keep_bin(site, bin_no, books, reading, busy)

    def _check(self, site: int, bin_no: int, books: BinBooks) -> None:
        scale = max(1e-6, sum(books.energy_kwh[:5]) + books["import_kwh"] + books["stored_kwh"])
        if books.residual_kwh > RESIDUAL_LIMIT * scale:
            slot = bin_no // self.plan.bins_per_slot
            raise BalanceError(
                f"site `{self.plan.sites[site].name}`, slot {slot}, bin {bin_no}: the energy "
                f"balance misses by {books.residual_kwh:.3e} kWh of {scale:.3e} kWh"
            )

    def _keep_bin(
        self, site: int, bin_no: int, books: BinBooks, reading: BinReading, busy: float
    ) -> None:
        if len(self._bins) <= bin_no:
            self._bins.append(np.zeros((self._sites, len(BIN_COLUMNS))))
        hours = self.plan.bin_h
        battery = self.plan.sites[site].battery
        soc = books["stored_kwh"] / battery.capacity_kwh if battery else 0.0
        compute, idle, cooling, solar, wind, bought, sold, curtailed = (
            kwh / hours for kwh in books.energy_kwh[: len(_METERED)]
        )
        unserved_kw = books["unserved_kwh"] / hours
        self._bins[bin_no][site] = (
            *(compute, idle, cooling, solar, wind, books.battery_kw, bought, sold, curtailed),
            *(unserved_kw, soc, float(reading.steps), busy),
        )

    def close_slot(self, state: dict[str, FloatArray]) -> dict[str, FloatArray]:
        """Settle the slot that ends; ``state`` brings the columns that are not energy."""
        row, plan = self._row, self.plan
        row.update(state)
        row["import_usd"] = row["import_kwh"] * row["price_usd_kwh"]
        row["export_usd"] = row["export_kwh"] * row["sale_usd_kwh"]
        row["unserved_usd"] = row["unserved_kwh"] * plan.unserved_usd_kwh
        row["carbon_kg"] = carbon_kg(row["import_kwh"], row["carbon_g_kwh"])
        row["carbon_usd"] = row["carbon_kg"] * plan.info.carbon_usd_kg
        row["wear_usd"] = row["discharge_kwh"] * plan.info.wear_usd_kwh
        self._slots.append(row)
        self._row = self._blank()
        return row

    def post_drain(
        self, compute_kwh: list[float], pue: FloatArray, now: dict[str, FloatArray]
    ) -> None:
        """Book the energy of late work of one slot after the window: from the grid, no weather."""
        row = self._row
        compute = np.array(compute_kwh)
        cooling = compute * (pue - 1.0)
        row["compute_kwh"], row["cooling_kwh"] = compute, cooling
        row["grid_to_compute_kwh"], row["grid_to_cooling_kwh"] = compute, cooling
        row["import_kwh"] = compute + cooling
        last = self._slots[-1]
        row["stored_kwh"] = last["stored_kwh"].copy()
        self.close_slot(now)

    def ledger(self) -> Ledger:
        """The finished ledger, money of the jobs still missing."""
        data = {name: np.array([row[name] for row in self._slots]) for name in COLUMNS}
        return Ledger(
            tuple(site.name for site in self.plan.sites),
            self.plan.info.slots,
            self.plan.info.slot_ns,
            data,
        )

    def bins(self) -> dict[str, FloatArray]:
        """The bin table: column → (bins, sites)."""
        cube = np.array(self._bins)
        return {name: np.ascontiguousarray(cube[:, :, i]) for i, name in enumerate(BIN_COLUMNS)}
