"""Machine rooms in a plan: heat that is removed early is power that is drawn early.

What a room holds below the top of its band is its cold, K = C (T_high − T) [kWh of heat]. The load
of a facility is that of a room held at the top; what a plan changes in it is

    chill = make·made − rest·rested + hold·K',     K' = keep·K + gain + made − rested

in every period: heat is removed beyond what is set free (*made*) or left in the room (*rested*),
and a room that is cold makes the plant work harder for all the heat of the period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.optimise.program import PLACE, FloatArray, IntArray, Layout
from cosim.optimise.solver import Solver

IDLE_USD_KWH = 1e-4
"""Least gain for which a plan makes a kWh of cold: where prices are tied rooms are left alone."""


@dataclass(frozen=True)
class Rooms:
    """What machine rooms can do in the periods ahead; shape (rooms, periods) if not told.

    Attributes:
        held_kwh: cold in each room now, shape (rooms,).
        band_kwh: most that it can hold, shape (rooms,).
        keep: share of the cold that is left after a period, the rest leaves through the walls.
        gain_kwh: cold that comes in through them.
        make_kwh: most heat that can be removed beyond what is set free.
        rest_kwh: most heat that can be left in the room.
        make: power for it, kWh per kWh of cold made.
        rest: power saved, kWh per kWh of cold used.
        hold: power for being cold, kWh per kWh of cold at the end of the period.
        most_kwh: most power that a room can take beyond that of one at the top of its band.
        heat: heat set free per IT energy, shape (rooms,); None where ``rest_kwh`` says all.
    """

    held_kwh: FloatArray
    band_kwh: FloatArray
    keep: FloatArray
    gain_kwh: FloatArray
    make_kwh: FloatArray
    rest_kwh: FloatArray
    make: FloatArray
    rest: FloatArray
    hold: FloatArray
    most_kwh: FloatArray
    heat: FloatArray | None = None


class RoomSide:
    """Columns and rows of the rooms in a program, shape (rooms, periods) each.

    Args:
        layout: the program.
        sites: at which sites the rooms are, shape (rooms,).
        periods: number of periods.
        loose: whether cold may vanish and making it may take more power; for bounds.

    Attributes:
        made: heat removed beyond what is set free.
        rested: heat left in the room.
        chill: what a facility draws more than with its room at the top of the band; may be less.
        cold: what the room holds at the end of the period.
    """

    def __init__(self, layout: Layout, sites: IntArray, periods: int, *, loose: bool) -> None:
        self.sites, self.loose = sites, loose
        shape = (len(sites), periods)
        self.chill = layout.columns(shape, lower=-np.inf)
        self.made = layout.columns(shape, gain=0.0 if loose else -IDLE_USD_KWH)
        self.rested, self.cold = layout.columns(shape), layout.columns(shape)
        self._step = layout.rows(shape)
        layout.add(self._step, self.cold, 1.0)
        layout.add(self._step[:, 1:], self.cold[:, :-1], PLACE)
        layout.add(self._step, self.made, -1.0)
        layout.add(self._step, self.rested, 1.0)
        self._power = layout.rows(shape, lower=0.0, upper=np.inf if loose else 0.0)
        layout.add(self._power, self.chill, 1.0)
        for column in (self.made, self.rested, self.cold):
            layout.add(self._power, column, PLACE)
        self._old = np.full((4, *shape), np.nan)

    def fill(self, solver: Solver, rooms: Rooms) -> None:
        """Put in limits, and the coefficients that have changed."""
        solver.set_range(self.made, 0.0, rooms.make_kwh)
        solver.set_range(self.rested, 0.0, rooms.rest_kwh)
        solver.set_range(self.chill, -np.inf, rooms.most_kwh if self.loose else np.inf)
        solver.set_range(self.cold, 0.0, rooms.band_kwh[:, None])
        first = np.zeros(self.cold.shape)
        first[:, 0] = rooms.keep[:, 0] * rooms.held_kwh
        after = first + rooms.gain_kwh
        solver.set_sides(self._step, -np.inf if self.loose else after, after)
        new = np.stack([-rooms.make, rooms.rest, -rooms.hold, -rooms.keep])
        changed = new != self._old
        for column, value, where in zip(
            (self.made, self.rested, self.cold), new[:3], changed[:3], strict=True
        ):
            solver.set_coefficients(self._power[where], column[where], value[where])
        kept = changed[3, :, 1:]
        rows, columns = self._step[:, 1:][kept], self.cold[:, :-1][kept]
        solver.set_coefficients(rows, columns, new[3, :, 1:][kept])
        self._old = new

    def reach(
        self, rooms: Rooms, least_kwh: FloatArray, most_kwh: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Least and most that the facilities can draw with what the rooms change, (sites, …)."""
        least, most = least_kwh.copy(), most_kwh.copy()
        at = (self.sites, slice(0, self.cold.shape[1]))
        least[at] -= rooms.rest * rooms.rest_kwh
        most[at] += rooms.most_kwh
        return least, most
