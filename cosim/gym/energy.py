"""The energy layer below a learner: it fills what an action leaves open (JEMAS, two layers).

A layer that says of itself that it is ``steady`` decides the same in every slot; it is asked once
and costs nothing from then on. Any other layer is a Python policy that is shown the whole
observation in every slot, as in a run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from cosim.decision import Decision, Observation, Policy, SplitRule, WorldInfo, merge, project
from cosim.decision.info import FloatArray, IntArray
from cosim.gym.days import Day
from cosim.plugins import load_policy
from cosim.rng import stream
from cosim.world.kernel_seat import (
    ORDER_ABSORB_KW,
    ORDER_COLUMNS,
    ORDER_COVER_KW,
    ORDER_KW,
    ORDER_ROOM_C,
    Seat,
)

EnergyChoice = str | Callable[[], Policy] | None


def layer_maker(choice: EnergyChoice, day: Day) -> Callable[[], Policy]:
    """How to make the energy layer of a world.

    Args:
        choice: a name, whatever makes one, or None for the scenario's own.
        day: a day of the scenario.
    """
    if callable(choice):
        return choice
    name, options = day.energy if choice is None else (choice, {})
    return partial(load_policy, name, options, kind="energy")


class Orders(NamedTuple):
    """What an energy layer wants in a slot.

    Attributes:
        level: clock levels, shape (sites,); None leaves them as they are.
        order: battery orders (set-point, surplus to absorb, load to cover) and the temperature
            of the room, shape (sites, ORDER_COLUMNS).
    """

    level: IntArray | None
    order: FloatArray

    def put(self, seat: Seat) -> None:
        """Write them into a learner's seat."""
        if self.level is not None:
            seat.level[:] = self.level
        seat.order[:] = self.order


class EnergyLayer:
    """One energy layer in one world.

    Attributes:
        steady: whether it decides the same in every slot.
    """

    def __init__(self, info: WorldInfo, policy: Policy) -> None:
        self._info, self._policy = info, policy
        self.steady = bool(getattr(policy, "steady", False))
        steps = np.full((info.n_sites, len(info.classes), info.n_services), info.default_steps)
        self._outer = Decision(SplitRule(info.staying, steps))

    def reset(self, info: WorldInfo, seed: int) -> None:
        """Begin a day."""
        self._info = info
        self._policy.reset(info, stream(seed, "policy", "energy"))

    def decide(self, seen: Observation) -> Orders:
        """Decide a slot."""
        whole = merge(self._outer, self._policy.decide(seen))
        feasible = project(whole, self._info, seen, policy=type(self._policy).__name__).decision
        order = np.full((self._info.n_sites, ORDER_COLUMNS), np.nan)
        order[:, ORDER_KW] = feasible.battery_kw
        order[:, ORDER_ABSORB_KW] = feasible.battery_absorb_kw
        order[:, ORDER_COVER_KW] = feasible.battery_cover_kw
        if feasible.cooling_setpoint_c is not None:
            order[:, ORDER_ROOM_C] = feasible.cooling_setpoint_c
        return Orders(feasible.clock_level, order)
