"""The books of a world while it runs: meter bins and ledger rows that compiled code fills.

Energy is posted bin by bin; imports, exports and carbon are settled per slot at the slot's
price. Revenue, penalties and transfers are posted when the run has ended, from the job table. In
the drain (after the window) only the energy of the remaining work is booked, at the price of the
window's last slot, so that a policy neither gains nor loses by the length of its tail.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import BalanceError
from cosim.ledger import COLUMNS, Ledger
from cosim.world import kernel_grid as at
from cosim.world.ageing import Agers
from cosim.world.calls import Calls
from cosim.world.contracts import changing, lay_contracts
from cosim.world.grid import lay_grid
from cosim.world.kernel_calls import open_slot
from cosim.world.memory import Memory
from cosim.world.plan import Plan

FloatArray = NDArray[np.float64]


class Books:
    """Rows per slot and site, rows per bin and site.

    Attributes:
        plan: what is run.
        grid: the electrical side, ledger and bins included.
        contract: supply contracts and their meters.
        calls: calls for demand response.
        memory: the table through which compiled code reaches it.
        agers: batteries that grow older.
        slot: the slot that is being gathered.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.grid, self.contract, self.calls = lay_grid(plan), lay_contracts(plan), Calls(plan)
        self.memory = Memory()
        self.memory.put(self.grid)
        self.memory.put(self.contract)
        self.agers = Agers(plan)
        self.slot = -1

    @property
    def in_window(self) -> bool:
        """Whether the slot that is being gathered belongs to the window."""
        return self.slot < self.plan.info.slots

    def open_slot(self, slot: int, now_ns: int) -> None:
        """Begin to gather a slot."""
        self.slot = slot
        if slot >= len(self.grid.rows):
            self._grow()
        open_slot(self.memory.table, slot, now_ns, self.in_window)

    def _grow(self) -> None:
        """Make room for a longer drain."""
        rows = np.zeros((2 * len(self.grid.rows), *self.grid.rows.shape[1:]))
        rows[: len(self.grid.rows)] = self.grid.rows
        self.grid = self.grid._replace(rows=rows)
        self.memory.put(self.grid)

    def changing(self) -> list[NDArray[Any]]:
        """What a run changes; rows and bins are filled anew as their slots come."""
        grid = self.grid
        return [
            *(grid.state, grid.battery, grid.levels, grid.told_jobs, grid.counts),
            *(grid.seen, grid.told, grid.clock),
            *changing(self.contract),
        ]

    def rewind(self) -> None:
        """Begin anew, when what a run changes has been put back."""
        self.slot = -1
        self.agers.forget()

    def close_slot(self) -> None:
        """Do what a slot's end asks for when the engine has settled it."""
        self.calls.settle(self.grid, self.slot)
        self.agers.close_slot(self.grid, self.slot)

    def check(self) -> None:
        """Hold the bins of the slot to their balance.

        Raises:
            BalanceError: postings and meters of a bin disagree.
        """
        bin_no, site = self.grid.clock[at.BAD_BIN], self.grid.clock[at.BAD_SITE]
        if bin_no >= 0:
            missing_kwh = self.grid.rows[self.slot, at.RESIDUAL, site]
            raise BalanceError(
                f"site `{self.plan.sites[site].name}`, slot {self.slot}, bin {bin_no}: the energy "
                f"balance misses by {missing_kwh:.3e} kWh"
            )

    def ledger(self) -> Ledger:
        """The finished ledger, money of the jobs still missing."""
        plan, grid, slots = self.plan, self.grid, self.slot + 1
        data = {name: grid.rows[:slots, k].copy() for k, name in enumerate(COLUMNS)}
        now = np.minimum(np.arange(slots), plan.info.slots - 1)
        data["price_usd_kwh"], data["sale_usd_kwh"] = grid.price[now], grid.sale[now]
        data["carbon_g_kwh"], data["temp_out_c"] = grid.carbon[now], grid.temp_slot_c[now]
        names = tuple(site.name for site in plan.sites)
        return Ledger(names, plan.info.slots, plan.info.slot_ns, data)

    def bins(self) -> dict[str, FloatArray]:
        """The bin table: column → (bins, sites)."""
        cube = self.grid.bins
        return {n: np.ascontiguousarray(cube[:, :, k]) for k, n in enumerate(at.BIN_COLUMNS)}
