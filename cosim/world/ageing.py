"""Batteries that grow older: once a simulated day their capacity fades and the loss is paid for.

The course of the state of charge that the meters kept is handed to the ageing model
(:mod:`cosim.physics.ageing`) at the first slot edge after a day has passed, and at the end of the
window. What is lost is worth its share of a new battery; content that the smaller battery cannot
hold is booked as its loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.ledger import COLUMNS
from cosim.physics.ageing import Wear, age
from cosim.physics.ageing_report import AgeingReport, report
from cosim.physics.battery_row import CAPACITY_KWH
from cosim.quantities import NS_PER_DAY
from cosim.world import kernel_grid as at
from cosim.world.battery_plan import Ageing
from cosim.world.plan import Plan

SOC_COLUMN = at.BIN_COLUMNS.index("soc")
LEAST_SHARE = 0.01
"""A battery that is used up keeps this share, so that its state of charge has a meaning."""
BATTERY_TO_LOSS = COLUMNS.index("battery_to_loss_kwh")


@dataclass
class Ager:
    """The wear of one battery so far.

    Attributes:
        site: its site.
        law: how it ages.
        temp_c: temperature of its cells in each meter bin [°C], shape (bins,).
        wear: what it has been through.
    """

    site: int
    law: Ageing
    temp_c: NDArray[np.float64]
    wear: Wear

    def report(self, since: Wear) -> AgeingReport:
        """What happened between a moment and now, in shares and in money."""
        return report(
            self.law.model,
            since,
            self.wear,
            capacity_kwh=self.law.new_kwh,
            replacement_usd_kwh=self.law.replacement_usd_kwh,
            end_of_life=self.law.end_of_life,
        )


class Agers:
    """The batteries of a world that age."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._done = plan, 0
        self._agers = [
            Ager(i, law, site.cells.temp_c(plan.outside.temp_bin_c[:, i]), law.start)
            for i, site in enumerate(plan.sites)
            if (law := site.ageing) is not None
        ]

    def forget(self) -> None:
        """Go back to the beginning."""
        self._done = 0
        for ager in self._agers:
            ager.wear = ager.law.start

    def close_slot(self, grid: at.Grid, slot: int) -> None:
        """Let the batteries grow older if the slot that was closed ended a day or the window."""
        info = self._plan.info
        if not self._agers or slot >= info.slots:
            return
        slot_ns, ended = info.slot_ns, slot + 1
        if ended * slot_ns // NS_PER_DAY == slot * slot_ns // NS_PER_DAY and ended < info.slots:
            return
        bins = slice(self._done, ended * self._plan.bins_per_slot)
        self._done = bins.stop
        for ager in self._agers:
            self._grow_older(ager, grid, slot, bins)

    def _grow_older(self, ager: Ager, grid: at.Grid, slot: int, bins: slice) -> None:
        before, site = ager.wear, ager.site
        course, temp_c = grid.bins[bins, site, SOC_COLUMN], ager.temp_c[bins]
        ager.wear = age(ager.law.model, before, course, temp_c, self._plan.bin_h)
        told = ager.report(before)
        grid.rows[slot, at.WEAR_USD, site] += told.cost_usd
        _fade(grid, slot, site, max(LEAST_SHARE, told.capacity_share) * ager.law.new_kwh)

    def notes(self) -> list[str]:
        """Which model each figure of ageing comes from, and where it was stretched."""
        found = []
        for ager in self._agers:
            told = ager.report(ager.law.start)
            lost = 100.0 * (told.calendar_loss + told.cycle_loss)
            found.append(
                f"ageing at `{self._plan.sites[ager.site].name}` by {told.model}: {lost:.3g} % of "
                f"the new capacity in {told.days:.3g} days, {told.efc:.3g} full cycles; published "
                "models differ by a factor of 2 to 3"
            )
            found += told.notes
        return list(dict.fromkeys(found))


def _fade(grid: at.Grid, slot: int, site: int, capacity_kwh: float) -> None:
    """Put a smaller capacity into use; what it cannot hold is a loss of the slot."""
    from cosim.physics.battery_scalar import with_capacity

    row, battery = grid.rows[slot], grid.battery[site]
    lost_kwh = float(battery[CAPACITY_KWH]) - capacity_kwh
    kept_kwh, spilled_kwh = with_capacity(
        battery, float(grid.state[site, at.STORED]), capacity_kwh
    )
    grid.state[site, at.STORED] = kept_kwh
    row[at.FADE_ROW, site] += lost_kwh
    row[at.CAPACITY_ROW, site] = capacity_kwh
    row[at.STORED_ROW, site], row[at.SOC_ROW, site] = kept_kwh, kept_kwh / capacity_kwh
    row[at.LOSS, site] += spilled_kwh
    row[BATTERY_TO_LOSS, site] += spilled_kwh
