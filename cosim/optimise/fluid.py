"""The fluid model: jobs as a fluid of images, sites with clocks, batteries and a grid, over hours.

One program for all who plan: rolling schedulers fill it anew at every slot edge and solve it hot;
the hindsight bound fills it once with what really happened. The work side
(:mod:`cosim.optimise.work`) and the electrical side (:mod:`cosim.optimise.energy`) meet in

    pue_low·it ≤ load ≤ pue_high·it,

where *it* is that of all pools of GPUs behind a meter.

The formulation routes images when they are served, not when they arrive. As moving them costs the
same at any time, its optimum is that of the formulation with a column for each (home, arrival,
place, waiting time, steps); tests hold it to that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.optimise.charges import Charges, ChargeSide
from cosim.optimise.energy import EnergySide
from cosim.optimise.plant import Groups, Outlook, Plant
from cosim.optimise.program import PLACE, FloatArray, IntArray, Layout
from cosim.optimise.solver import Answer, Method, Solver
from cosim.optimise.work import WorkSide


@dataclass(frozen=True)
class Course:
    """What the model would have done; energies are those of a period [kWh].

    Attributes:
        answer: of the solver.
        run: images on each route, shape (routes, periods).
        miss: images late or refused, shape (groups, periods).
        mix: images by steps, shape (services, steps, periods).
        mode_h: GPU time of each mode, shape (modes, periods).
        charge_kwh: into the batteries, shape (sites, periods of the window).
        give_kwh: out of them, same shape.
        store_kwh: content at the end of the period, same shape.
        buy_kwh: imports, shape (sites, periods).
        sell_kwh: exports, same shape.
        spill_kwh: curtailed, same shape.
        load_kwh: what the facilities draw, same shape.
        image_usd: worth of one more image of each group, shape (groups, periods).
        step_usd: what one more denoising step of an image costs, shape (services, periods).
        gpu_usd_h: worth of one more GPU-hour, shape (sites, periods).
        energy_usd_kwh: worth of one more kWh of facility energy, shape (sites, periods).
        stored_usd_kwh: worth of one more kWh in the battery at the end of the period, shape
            (sites, periods of the window).
        cold_kwh: heat that each room is below the top of its band at the end of the period, shape
            (rooms, periods of the window).
    """

    answer: Answer
    run: FloatArray
    miss: FloatArray
    mix: FloatArray
    mode_h: FloatArray
    charge_kwh: FloatArray
    give_kwh: FloatArray
    store_kwh: FloatArray
    buy_kwh: FloatArray
    sell_kwh: FloatArray
    spill_kwh: FloatArray
    load_kwh: FloatArray
    image_usd: FloatArray
    step_usd: FloatArray
    gpu_usd_h: FloatArray
    energy_usd_kwh: FloatArray
    stored_usd_kwh: FloatArray
    cold_kwh: FloatArray


class Fluid:
    """The fluid model of a plant, laid out once and kept in the solver.

    Args:
        plant: the sites.
        groups: the images.
        periods: number of periods.
        inside: how many of them, from the first on, belong to the window.
        loose: relax everything that the world may do better; for bounds.
        binary: whole numbers forbid burning and throwing away.
        one_clock: periods, from the first on, in which a site has one clock level.
        method: of the solver.
        gap: of a search over whole numbers.
        time_s_max: limit of a solve [s].
        iterations_max: limit of a solve in iterations.
        charges: what contracts ask for beyond prices; outlooks must bring the same rows.
    """

    def __init__(
        self,
        plant: Plant,
        groups: Groups,
        periods: int,
        inside: int | None = None,
        *,
        loose: bool = False,
        binary: bool = False,
        one_clock: int = 0,
        method: Method = "simplex",
        gap: float = 1e-3,
        time_s_max: float = np.inf,
        iterations_max: int = 1_000_000,
        charges: Charges | None = None,
    ) -> None:
        self.plant, self.groups = plant, groups
        self.periods, self.inside = periods, periods if inside is None else inside
        layout = Layout()
        self.work = WorkSide(
            layout, plant, groups, periods, self.inside, loose=loose, one_clock=one_clock
        )
        self.energy = EnergySide(layout, plant, periods, self.inside, loose=loose, binary=binary)
        self._lay_facility(layout)
        self.charges = None if charges is None else ChargeSide(layout, self.energy, charges)
        self.solver = Solver(
            layout.program(),
            unit=_unit_usd(plant),
            method=method,
            gap=gap,
            time_s_max=time_s_max,
            iterations_max=iterations_max,
        )
        self._pue = np.full((2, plant.n_sites, periods), np.nan)

    def _lay_facility(self, layout: Layout) -> None:
        """Rows load − pue_low·it ≥ 0 and load − pue_high·it ≤ 0."""
        shape = self.energy.load.shape
        self._low, self._high = layout.rows(shape, lower=0.0), layout.rows(shape, upper=0.0)
        for row in (self._low, self._high):
            layout.add(row, self.energy.load, 1.0)
            layout.add(row[self.plant.place], self.work.it, -1.0)
        self._heat = self._lay_heat(layout)

    def _lay_heat(self, layout: Layout) -> IntArray | None:
        """Rows rested − heat·it ≤ 0 of a bound; a plan knows well enough what heat there is."""
        room = self.energy.room
        if room is None or not room.loose:
            return None
        row = layout.rows(room.rested.shape, upper=0.0)
        layout.add(row, room.rested, 1.0)
        self._near = [np.flatnonzero(self.plant.place == site) for site in room.sites.tolist()]
        for each, near in zip(row, self._near, strict=True):
            layout.add(each, self.work.it[near, : self.inside], -PLACE)
        return row

    def fill(self, seen: Outlook) -> None:
        """Put in what is expected."""
        self.work.fill(self.solver, seen)
        place = self.plant.place
        least = seen.pue_low * self.plant.together(self.work.base_kwh(seen))
        most = seen.pue_high * self.plant.together(self.work.most_kwh(seen))
        self.energy.fill(self.solver, seen, least, most)
        if self.charges is not None and seen.charges is not None:
            self.charges.fill(self.solver, seen.charges)
        if self._heat is not None and seen.rooms is not None and seen.rooms.heat is not None:
            for row, near, heat in zip(self._heat, self._near, seen.rooms.heat, strict=True):
                it = self.work.it[near, : self.inside]
                self.solver.set_coefficients(row, it, -heat)
        pue = np.stack([seen.pue_low[place], seen.pue_high[place]])
        for rows, new, old in zip((self._low, self._high), pue, self._pue, strict=True):
            changed = new != old
            solver, columns = self.solver, self.work.it[changed]
            solver.set_coefficients(rows[place][changed], columns, -new[changed])
        self._pue = pue

    def solve(self, seen: Outlook) -> Course:
        """Fill in what is expected and solve; hot if it was solved before."""
        self.fill(seen)
        return self._course(self.solver.solve())

    def _course(self, answer: Answer) -> Course:
        work, energy, plant = self.work, self.energy, self.plant
        x, worth = answer.values, answer.worth
        mode_h = x[work.fixed] * plant.fixed_h[:, None] + x[work.step] * plant.step_h[:, None]
        return Course(
            answer=answer,
            run=x[work.run],
            miss=x[work.miss],
            mix=x[work.mix],
            mode_h=mode_h,
            charge_kwh=x[energy.charge],
            give_kwh=x[energy.give],
            store_kwh=x[energy.store],
            buy_kwh=x[energy.buy],
            sell_kwh=x[energy.sell],
            spill_kwh=x[energy.spill],
            load_kwh=x[energy.load],
            image_usd=worth[work.arrive],
            step_usd=worth[work.steps_due],
            gpu_usd_h=worth[work.gpu],
            energy_usd_kwh=-worth[energy.balance][plant.place],
            stored_usd_kwh=worth[energy.step],
            cold_kwh=energy.cold_kwh(x),
        )


def _unit_usd(plant: Plant) -> float:
    """Money of which an image earns about one, so that the solver's tolerances mean little."""
    earned = plant.revenue_usd[np.isfinite(plant.revenue_usd)]
    most = float(earned.max()) if len(earned) else 1.0
    return most if most > 0.0 else 1.0
