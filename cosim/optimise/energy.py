"""The electrical side of the fluid model: battery, grid and curtailment of every site and period.

Energies of a period [kWh]. JEMAS Eq. 10 (arXiv 2605.02965) in every period, Eq. 9 between them:

    buy + green + give + dark = load + chill + charge + sell + spill
    store' = store + η_c·charge − give/η_d

Sun and wind go to the load first in the world: nobody may throw them away to be paid for buying
at a negative price. So where buying pays, purchases stay below the chord of max(net, 0) between
the least and the greatest net load, which cuts off no state of the world and is exact where the
sign of the net load is known. Whole numbers decide it exactly, as they decide the direction of a
battery where burning energy in it would pay (``Store.burns_below_usd_kwh``); elsewhere none are
needed.
"""

from __future__ import annotations

import numpy as np

from cosim.optimise.plant import Outlook, Plant
from cosim.optimise.program import PLACE, BoolArray, FloatArray, IntArray, Layout
from cosim.optimise.rooms import RoomSide
from cosim.optimise.solver import Solver


class EnergySide:
    """Columns and rows of the electrical side in a program.

    Those of batteries have shape (sites, periods of the window); all others (sites, periods). In
    periods after the window (the drain) there is only the load, and the grid without limits.

    Args:
        layout: the program.
        plant: the sites.
        periods: number of periods.
        inside: how many of them, from the first on, belong to the window.
        loose: whether energy may vanish from the batteries, as by self-discharge; for bounds.
        binary: whether whole numbers forbid burning and throwing away.

    Attributes:
        load: what the facility draws, with its room at the top of the band.
        room: what machine rooms change in it; None without any.
        buy: imports.
        sell: exports.
        spill: curtailed sun and wind.
        dark: load that nothing covers.
        backup: what generators make where the grid refuses; no columns without one.
        metered: what the contract meters as bought: imports, or the whole load.
        charge: into the battery.
        give: out of the battery.
        store: its content at the end of the period.
        balance: rows of Eq. 10.
    """

    def __init__(
        self,
        layout: Layout,
        plant: Plant,
        periods: int,
        inside: int,
        *,
        loose: bool = False,
        binary: bool = False,
    ) -> None:
        self.plant, self.inside, self.loose = plant, inside, loose
        shape = (plant.n_sites, periods)
        self.load, self.buy, self.sell, self.spill, self.dark = (
            layout.columns(shape) for _ in range(5)
        )
        self.charge, self.give, self.store = (
            layout.columns((plant.n_sites, inside)) for _ in range(3)
        )
        self.balance = layout.equal(shape)
        for column, sign in (
            (self.buy, 1.0),
            (self.dark, 1.0),
            (self.load, -1.0),
            (self.sell, -1.0),
            (self.spill, -1.0),
        ):
            layout.add(self.balance, column, sign)
        self._lay_battery(layout)
        self._lay_chord(layout)
        self.room = self._lay_rooms(layout)
        self._lay_backup(layout)
        self._lay_whole_load(layout)
        self.binary = binary
        if binary:
            self._lay_binaries(layout)

    def _lay_battery(self, layout: Layout) -> None:
        battery, balance = self.plant.store, self.balance[:, : self.inside]
        layout.add(balance, self.give, 1.0)
        layout.add(balance, self.charge, -1.0)
        lower = -np.inf if self.loose else 0.0
        self.step = layout.rows(self.store.shape, lower=lower, upper=0.0)
        layout.add(self.step, self.store, 1.0)
        layout.add(self.step[:, 1:], self.store[:, :-1], -1.0)
        layout.add(self.step, self.charge, -battery.charge_efficiency[:, None])
        layout.add(self.step, self.give, 1.0 / battery.give_efficiency[:, None])

    def _lay_chord(self, layout: Layout) -> None:
        """Rows buy − a·(load + charge − give) ≤ b, open until they are needed."""
        window = slice(0, self.inside)
        self.chord = layout.rows(self.store.shape)
        layout.add(self.chord, self.buy[:, window], 1.0)
        self._chorded = (self.load[:, window], self.charge, self.give)
        for column in self._chorded:
            layout.add(self.chord, column, PLACE)
        self._bent = np.zeros(self.store.shape, dtype=np.bool_)

    def _lay_rooms(self, layout: Layout) -> RoomSide | None:
        sites = self.plant.rooms
        if not len(sites):
            return None
        room = RoomSide(layout, sites, self.inside, loose=self.loose)
        layout.add(self.balance[sites, : self.inside], room.chill, -1.0)
        layout.add(self.chord[sites], room.chill, PLACE)
        return room

    def _lay_backup(self, layout: Layout) -> None:
        self.backup = layout.columns((self.plant.n_sites if self._backed else 0, self.inside))
        if self._backed:
            layout.add(self.balance[:, : self.inside], self.backup, 1.0)

    @property
    def _backed(self) -> bool:
        return self.plant.backup_kw is not None

    def _lay_whole_load(self, layout: Layout) -> None:
        """Rows load bought − load below nothing = buy − sell + green − spill, where apart."""
        self.metered = self.buy.copy()
        apart, window = self.plant.whole_load, slice(0, self.inside)
        if apart is None:
            return
        shape = (int(apart.sum()), self.inside)
        self.whole, self.extra = layout.columns(shape), layout.columns(shape)
        self._whole_row = layout.rows(shape)
        for column, sign in (
            (self.whole, 1.0),
            (self.extra, -1.0),
            (self.buy[apart, window], -1.0),
            (self.sell[apart, window], 1.0),
            (self.spill[apart, window], 1.0),
        ):
            layout.add(self._whole_row, column, sign)
        self.metered[apart, window] = self.whole

    def _lay_binaries(self, layout: Layout) -> None:
        """Rows amount ± most·flag ≤ most or 0, open until they are needed."""
        window, shape = slice(0, self.inside), self.store.shape
        pairs = (
            (self.charge, self.give),
            (self.buy[:, window], self.spill[:, window]),
        )
        self._flags = [layout.columns(shape, upper=1.0, whole=True) for _ in pairs]
        self._either = [(layout.rows(shape), layout.rows(shape)) for _ in pairs]
        for (one, other), (row_one, row_other), flag in zip(
            pairs, self._either, self._flags, strict=True
        ):
            for row, column in ((row_one, one), (row_other, other)):
                layout.add(row, column, 1.0)
                layout.add(row, flag, PLACE)

    def cold_kwh(self, values: FloatArray) -> FloatArray:
        """Cold in each room at the end of each period, shape (rooms, inside)."""
        return values[self.room.cold] if self.room is not None else np.zeros((0, self.inside))

    # numbers ----------------------------------------------------------------------------

    def fill(
        self, solver: Solver, seen: Outlook, least_kwh: FloatArray, most_kwh: FloatArray
    ) -> None:
        """Put in prices, limits, sun and wind.

        Args:
            solver: holds the program.
            seen: what is expected.
            least_kwh: least that the facilities can draw, shape (sites, periods).
            most_kwh: most that they can draw, same shape.
        """
        plant, hours = self.plant, seen.hours
        if self.room is not None and seen.rooms is not None:
            self.room.fill(solver, seen.rooms)
            least_kwh, most_kwh = self.room.reach(seen.rooms, least_kwh, most_kwh)
        window = np.arange(seen.periods) < self.inside
        limits = (seen.import_kwh, seen.export_kwh)
        most_in, most_out = (
            energy_kwh(kw, hours) if kwh is None else kwh
            for kw, kwh in zip((plant.import_kw, plant.export_kw), limits, strict=True)
        )
        import_kwh = np.where(window, most_in, np.inf)
        sells = window & (seen.sell_usd_kwh >= 0.0)
        export_kwh = np.where(sells, most_out, 0.0)
        solver.set_range(self.buy, 0.0, import_kwh)
        solver.set_gain(self.buy, -seen.buy_usd_kwh)
        solver.set_range(self.sell, 0.0, export_kwh)
        solver.set_gain(self.sell, np.maximum(seen.sell_usd_kwh, 0.0))
        solver.set_range(self.spill, 0.0, seen.green_kwh)
        solver.set_range(self.dark, 0.0, np.where(window, most_kwh, 0.0))
        solver.set_gain(self.dark, -plant.unserved_usd_kwh)
        solver.set_sides(self.balance, -seen.green_kwh, -seen.green_kwh)
        self._fill_battery(solver, seen)
        net = self._net_kwh(seen, least_kwh, most_kwh)
        self._fill_chord(solver, seen, *net)
        if self._backed:
            self._fill_backup(solver, seen)
        if plant.whole_load is not None:
            self._fill_whole_load(solver, seen, most_kwh)
        if self.binary:
            self._fill_binaries(solver, seen, net[1])

    def _fill_backup(self, solver: Solver, seen: Outlook) -> None:
        """Generators run only where the grid may refuse something.

        They run by themselves then, and at no other time, so a plan takes them after the grid;
        a bound takes them at what they cost at least.
        """
        rated, usd = self.plant.backup_kw, self.plant.backup_usd_kwh
        assert rated is not None
        assert usd is not None
        hours = seen.hours[: self.inside]
        limit = self.plant.import_kw[:, None] if seen.import_kwh is None else seen.import_kwh
        refuses = np.isfinite(np.broadcast_to(limit, (self.plant.n_sites, seen.periods)))
        most = np.where(refuses[:, : self.inside], energy_kwh(rated, hours), 0.0)
        after = -np.inf if self.loose else seen.buy_usd_kwh[:, : self.inside]
        solver.set_range(self.backup, 0.0, most)
        solver.set_gain(self.backup, -np.maximum(usd[:, None], after))

    def _fill_whole_load(self, solver: Solver, seen: Outlook, most_kwh: FloatArray) -> None:
        """Prices of load and generation that are apart; what is spilled does not earn its own."""
        plant, window = self.plant, slice(0, self.inside)
        apart, hours = plant.whole_load, seen.hours[window]
        assert seen.load_usd_kwh is not None
        assert seen.made_usd_kwh is not None
        load_usd, made_usd = (p[apart, window] for p in (seen.load_usd_kwh, seen.made_usd_kwh))
        charge, give = (
            energy_kwh(kw, hours) for kw in (plant.store.charge_kw, plant.store.give_kw)
        )
        solver.set_range(self.whole, 0.0, (most_kwh[:, window] + charge)[apart])
        solver.set_range(self.extra, 0.0, give[apart])
        solver.set_gain(self.whole, -load_usd)
        solver.set_gain(self.extra, made_usd)
        solver.set_gain(self.spill[apart, window], -made_usd)
        green = seen.green_kwh[apart, window]
        solver.set_sides(self._whole_row, green, green)

    def _fill_battery(self, solver: Solver, seen: Outlook) -> None:
        battery, hours, held = self.plant.store, seen.hours[: self.inside], seen.stored_kwh
        solver.set_range(self.charge, 0.0, energy_kwh(battery.charge_kw, hours))
        solver.set_range(self.give, 0.0, energy_kwh(battery.give_kw, hours))
        solver.set_gain(self.give, -battery.wear_usd_kwh[:, None])
        low = np.minimum(battery.low_kwh, held)[:, None]
        high = np.maximum(battery.high_kwh, held)[:, None]
        solver.set_range(self.store, low, high)
        solver.set_gain(self.store[:, -1], seen.kept_usd_kwh)
        solver.set_sides(self.step[:, 0], -np.inf if self.loose else held, held)

    def _net_kwh(
        self, seen: Outlook, least_kwh: FloatArray, most_kwh: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Least and greatest load less sun, wind and battery at any moment, (sites, inside)."""
        window, battery = slice(0, self.inside), self.plant.store
        hours = seen.hours[window]
        low = least_kwh[:, window] - seen.green_most_kwh[:, window]
        high = most_kwh[:, window] - seen.green_least_kwh[:, window]
        return (
            low - energy_kwh(battery.give_kw, hours),
            high + energy_kwh(battery.charge_kw, hours),
        )

    def _fill_chord(
        self, solver: Solver, seen: Outlook, low: FloatArray, high: FloatArray
    ) -> None:
        """Close the chord where buying pays: buy ≤ high·(net − low)/(high − low)."""
        window = slice(0, self.inside)
        green, pays = seen.green_kwh[:, window], seen.buy_usd_kwh[:, window] < 0.0
        slope = np.where(low >= 0.0, 1.0, np.where(high <= 0.0, 0.0, high))
        cut = (low < 0.0) & (high > 0.0)
        slope[cut] /= (high - low)[cut]
        most = np.where(low >= 0.0, 0.0, -slope * np.minimum(low, 0.0)) - slope * green
        changing = pays | self._bent
        if changing.any():
            for column, sign in zip(self._chorded, (-1.0, -1.0, 1.0), strict=True):
                rows, columns = self.chord[changing], column[changing]
                solver.set_coefficients(rows, columns, sign * slope[changing])
            self._bend_rooms(solver, changing, slope)
        solver.set_sides(self.chord, -np.inf, np.where(pays, most, np.inf))
        self._bent = pays

    def _bend_rooms(self, solver: Solver, changing: BoolArray, slope: FloatArray) -> None:
        if self.room is not None:
            at, where = self.room.sites, changing[self.room.sites]
            rows, columns = self.chord[at][where], self.room.chill[where]
            solver.set_coefficients(rows, columns, -slope[at][where])

    def _fill_binaries(self, solver: Solver, seen: Outlook, net_high: FloatArray) -> None:
        """Close the rows of either-or in the periods whose price asks for it."""
        window, battery = slice(0, self.inside), self.plant.store
        hours, price = seen.hours[window], seen.buy_usd_kwh[:, window]
        burns = price < battery.burns_below_usd_kwh()[:, None]
        buys = (price < 0.0) & (seen.green_kwh[:, window] > 0.0)
        limits = (
            (burns, energy_kwh(battery.charge_kw, hours), energy_kwh(battery.give_kw, hours)),
            (buys, np.maximum(net_high, 0.0), seen.green_kwh[:, window]),
        )
        for (needed, one, other), rows, flag in zip(
            limits, self._either, self._flags, strict=True
        ):
            self._either_or(solver, needed, (one, other), rows, flag)

    def _either_or(
        self,
        solver: Solver,
        needed: BoolArray,
        most: tuple[FloatArray, FloatArray],
        rows: tuple[IntArray, IntArray],
        flag: IntArray,
    ) -> None:
        """One ≤ most·flag and other ≤ most·(1 − flag) where needed; flags elsewhere are 0."""
        one, other = most
        solver.set_coefficients(rows[0][needed], flag[needed], -one[needed])
        solver.set_coefficients(rows[1][needed], flag[needed], other[needed])
        solver.set_sides(rows[0], -np.inf, np.where(needed, 0.0, np.inf))
        solver.set_sides(rows[1], -np.inf, np.where(needed, other, np.inf))
        solver.set_range(flag, 0.0, np.where(needed, 1.0, 0.0))


def energy_kwh(power_kw: FloatArray, hours: FloatArray) -> FloatArray:
    """Power of each site times hours of each period; nothing in no time, whatever the power."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(hours > 0.0, power_kw[:, None] * hours, 0.0))
