"""The least that a run's own load could have cost: battery and grid with everything known.

The work is done as it was done; only the batteries, the grid and what is curtailed are free. What
a run paid beyond that is the regret of its energy layer, apart from where and when it worked.
"""

from __future__ import annotations

import numpy as np

from cosim.errors import CosimError
from cosim.hindsight.machines import plant_of
from cosim.hindsight.surroundings import outlook_of
from cosim.optimise import ChargeSide, EnergySide, Layout, Solver
from cosim.optimise.program import FloatArray
from cosim.world.plan import Plan

UNIT_USD = 0.1
"""Money in which the solver counts."""


def least_energy_usd(plan: Plan, load_kwh: FloatArray) -> float:
    """Return the least cost of the window's energy under a load, stored energy settled [USD].

    Args:
        plan: the run.
        load_kwh: what each facility drew in each slot of the window, shape (slots, sites).

    Raises:
        CosimError: the solver finds no optimum, which is a bug.
    """
    plant, nobody = plant_of(plan), np.zeros((0, 0))
    seen = outlook_of(plan, plant, nobody, nobody)
    slots, load = plan.info.slots, np.zeros((plan.info.n_sites, seen.periods))
    load[:, :slots] = load_kwh.T
    layout = Layout()
    side = EnergySide(layout, plant, seen.periods, slots, loose=True)
    charges = None if seen.charges is None else ChargeSide(layout, side, seen.charges)
    solver = Solver(layout.program(), unit=UNIT_USD)
    side.fill(solver, seen, load, load)
    solver.set_range(side.load, load, load)
    if charges is not None and seen.charges is not None:
        charges.fill(solver, seen.charges)
    answer = solver.solve()
    if answer.status != "optimal":
        raise CosimError(f"the least cost of energy was not found: {answer.said}")
    settled = float((seen.stored_kwh * seen.kept_usd_kwh).sum())
    return settled + seen.certain_usd(plant) - answer.gain
