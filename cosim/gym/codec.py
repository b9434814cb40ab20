"""Between a learner's numbers and the seam: observations become views, actions become decisions.

A policy that acts from a checkpoint needs this and nothing else of the environment: the same view
of the same observation, and the same decision from the same action, as in training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.decision import Decision, DispatchRule, Observation, ScoreRule, SplitRule, WorldInfo
from cosim.errors import PolicyError
from cosim.gym.actions import Action, Encoding, level_counts
from cosim.gym.groups import Detail, groups_of
from cosim.gym.seat import lay_seat
from cosim.gym.views import Float32Array, View
from cosim.world import kernel_gym
from cosim.world.kernel_seat import ORDER_KW, ORDER_ROOM_C
from cosim.world.memory import Memory


class Codec:
    """The layouts of views and actions in one world, and the way between them and the seam.

    Attributes:
        info: the world.
        view: layout of what is seen.
        action: layout of what is done.
        groups: groups of job classes.
        seat: the layouts as compiled code reads them.
    """

    def __init__(
        self,
        info: WorldInfo,
        *,
        encoding: Encoding = "score",
        clock: bool = False,
        battery: bool = False,
        room: bool = False,
        refuse: bool = False,
        detail: Detail = "compact",
    ) -> None:
        """Lay out views and actions.

        Args:
            info: the world.
            encoding: ``score`` (prices) or ``split`` (shares).
            clock: whether an action sets the clocks; else the energy layer does.
            battery: whether an action orders the batteries about; likewise.
            room: whether an action sets the temperatures of the machine rooms; likewise.
            refuse: whether an action may refuse jobs.
            detail: ``compact`` joins job classes that differ in their images alone.

        Raises:
            UsageError: there is no such encoding, or nothing to decide.
        """
        self.info, self.groups = info, groups_of(info, detail)
        self.action = Action(
            info,
            self.groups,
            encoding,
            clock=clock,
            battery=battery,
            room=room,
            refuse=refuse,
        )
        self.view = View(info, self.groups, holds=self.action.holds)
        self.seat = lay_seat(info, self.action, self.view, self.groups)
        self._memory = Memory()
        self._memory.put(self.seat)
        self._steps = np.asarray(info.steps, dtype=np.int64)
        self._levels = level_counts(info)

    def encode(self, observation: Observation) -> Float32Array:
        """Return an observation as a view, shape (columns,), in [−1, 1]."""
        return self.view.encode(observation)

    def decode(self, action: NDArray[Any], observation: Observation) -> Decision:
        """Return the decision that an action means; feasible, so that projecting moves nothing.

        Args:
            action: one number per coordinate in [−1, 1]; what is beyond counts as ±1.
            observation: what is seen; gives the power that batteries can hold (JEMAS Eq. 9).

        Returns:
            The decision; clocks, batteries and rooms are None where the energy layer decides them.

        Raises:
            PolicyError: a wrong shape, or a NaN.
        """
        wish = np.asarray(action, dtype=np.float64)
        if wish.shape != (len(self.action),):
            said = f"shape {wish.shape}, expected ({len(self.action)},)"
            raise PolicyError("action", said, slot=observation.slot, field="action")
        low_kw, high_kw = observation.battery_low_kw, observation.battery_high_kw
        read = kernel_gym.decode(
            self._memory.table, wish, self._steps, self._levels, low_kw.copy(), high_kw.copy()
        )
        if not read:
            at = int(np.flatnonzero(np.isnan(wish))[0])
            said = f"NaN at coordinate {at}, `{self.action.coordinates[at].name}`"
            raise PolicyError("action", said, slot=observation.slot, field="action")
        seat = self.seat
        return Decision(
            self._split() if self.action.encoding == "split" else self._score(),
            seat.level.copy() if self.action.clock else None,
            seat.order[:, ORDER_KW].copy() if self.action.battery else None,
            cooling_setpoint_c=seat.order[:, ORDER_ROOM_C].copy() if self.action.room else None,
        )

    def _split(self) -> DispatchRule:
        seat, of_class = self.seat, self.groups.of_class
        sites = self.info.n_sites
        steps = np.broadcast_to(seat.steps[of_class], (sites, len(of_class), seat.steps.shape[1]))
        return SplitRule(seat.shares[:, of_class], steps.copy())

    def _score(self) -> DispatchRule:
        info, seat = self.info, self.seat
        hold_usd, drop_usd = seat.floor_usd.copy()
        return ScoreRule(
            gpu_usd_s=seat.prices[0].copy(),
            energy_usd_kwh=seat.prices[1].copy(),
            allowed=np.ones((info.n_sites, info.n_services), dtype=np.bool_),
            steps_allowed=np.ones((info.n_services, len(info.steps)), dtype=np.bool_),
            delay_usd_s=float(seat.delay_usd_s[0]),
            margin_s=float(seat.margin_s[0]),
            hold_below_usd=hold_usd if self.action.holds else None,
            drop_below_usd=drop_usd if self.action.refuses else None,
        )

    def observation_table(self) -> str:
        """The table of all numbers of a view, as text."""
        return self.view.table()

    def action_table(self) -> str:
        """The table of all numbers of an action, as text."""
        return self.action.table()
