"""A day of the testbed as a Gymnasium environment: one step is one slot.

SimPy keeps the time, and the world is the whole one, with meters and ledger; only the way in and
out is compiled. The end of the window is a truncation: the day after is like the day before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from cosim.errors import PolicyError
from cosim.gym.days import Day, prepare_days
from cosim.gym.views import Float32Array
from cosim.gym.worlds import DEFAULT, Settings, Worlds
from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario
from cosim.world.kernel_seat import REWARD


class CosimEnv(gymnasium.Env[Float32Array, NDArray[Any]]):
    """One world, stepped slot by slot.

    ``info`` holds what the slot brought (:data:`cosim.gym.worlds.SLOT_FACTS`: the true utility
    and its parts, whatever the reward tells), and at the end the settlement of the day
    (:meth:`cosim.gym.worlds.Worlds.settlement`).

    Attributes:
        days: the prepared days; ``reset(options={"day": k})`` plays the k-th, else one is drawn.
        codec: layouts of views and actions.
        worlds: the engine room.
    """

    def __init__(
        self, days: Sequence[Day], settings: Settings = DEFAULT, *, settle: bool = False
    ) -> None:
        """Lay out the environment.

        Args:
            days: prepared days of one scenario.
            settings: how the world is shown.
            settle: whether the last reward holds the settlement. Without it a learner has to
                bootstrap from the last observation, as at any truncation.

        Raises:
            UsageError: there is no day, days differ in make, or there is nothing to decide.
        """
        self.metadata = {"render_modes": []}
        self.worlds = Worlds(days, 1, settings)
        self.days, self.codec, self._settle = self.worlds.days, self.worlds.codec, settle
        self.observation_space = unit_box(len(self.codec.view))
        self.action_space = unit_box(len(self.codec.action))

    @classmethod
    def of(
        cls,
        what: Loaded | Scenario,
        settings: Settings = DEFAULT,
        *,
        dates: Iterable[date] | None = None,
        seeds: Sequence[int] = (1,),
        settle: bool = False,
    ) -> CosimEnv:
        """Prepare the days of a scenario and lay out the environment (:func:`prepare_days`)."""
        return cls(prepare_days(what, dates=dates, seeds=seeds), settings, settle=settle)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Begin a day.

        Args:
            seed: of the dice that draw days; without it they go on.
            options: ``day``: number of the day to play.
        """
        super().reset(seed=seed)
        number = chosen_day(options, self.np_random, len(self.days))
        self.worlds.begin([number])
        return self.worlds.lockstep.views[0].copy(), {"day": number}

    def step(self, action: NDArray[Any]) -> tuple[Float32Array, float, bool, bool, dict[str, Any]]:
        """Let a slot pass.

        Args:
            action: one number per coordinate, in [−1, 1].

        Returns:
            (observation, reward, False, whether the window has passed, info).

        Raises:
            UsageError: the window has passed.
            PolicyError: the action has a wrong shape or holds a NaN.
        """
        worlds, lockstep = self.worlds, self.worlds.lockstep
        take_actions(lockstep.actions[0], action)
        worlds.step()
        reward, info = float(lockstep.money[0, REWARD]), worlds.told(0)
        if lockstep.over:
            info |= worlds.settlement(0)
            if self._settle:
                reward += worlds.settled_reward(0)
        return lockstep.views[0].copy(), reward, False, lockstep.over, info


def unit_box(size: int) -> Box[np.float32]:
    """Vectors of numbers in [−1, 1]."""
    return Box(-1.0, 1.0, (size,), np.float32)


def take_actions(into: NDArray[np.float64], actions: Any) -> None:
    """Copy actions to where the worlds read them.

    Raises:
        PolicyError: a wrong shape.
    """
    given = np.asarray(actions)
    if given.shape != into.shape:
        said = f"shape {given.shape}, expected {into.shape}"
        raise PolicyError("learner", said, field="action")
    into[...] = given


def chosen_day(options: dict[str, Any] | None, dice: np.random.Generator, count: int) -> int:
    """The day that the options name, or one that is drawn."""
    if options and options.get("day") is not None:
        return int(options["day"])
    return int(dice.integers(count))
