"""Many days of the testbed as one Gymnasium vector environment: a call steps all of them.

All worlds go through their slots together and end together, so that they are reset together too.
World i with seed s plays what a :class:`cosim.gym.env.CosimEnv` with seed s + i plays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from cosim.errors import UsageError
from cosim.gym.days import Day, prepare_days
from cosim.gym.env import chosen_day, take_actions, unit_box
from cosim.gym.views import Float32Array
from cosim.gym.worlds import DEFAULT, SLOT_FACTS, Settings, Worlds
from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario
from cosim.world.kernel_seat import REWARD

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class CosimVectorEnv(VectorEnv[Float32Array, NDArray[Any], NDArray[Any]]):
    """Many worlds, stepped slot by slot in one call.

    ``infos`` holds arrays of shape (worlds,), by the names of :class:`cosim.gym.env.CosimEnv`.

    Attributes:
        days: the prepared days; worlds draw theirs independently of each other.
        codec: layouts of views and actions.
        worlds: the engine room.
    """

    def __init__(
        self,
        days: Sequence[Day],
        num_envs: int,
        settings: Settings = DEFAULT,
        *,
        settle: bool = False,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> None:
        """Lay out the environment.

        Args:
            days: prepared days of one scenario.
            num_envs: worlds.
            settings: how they are shown.
            settle: whether the last rewards hold the settlement.
            autoreset_mode: when worlds begin anew: at the step after their end
                (``NEXT_STEP``), at their end (``SAME_STEP``, with ``final_obs`` and
                ``final_info``), or by ``reset`` alone (``DISABLED``).

        Raises:
            UsageError: there is no day or no world, days differ in make, or there is nothing to
                decide.
        """
        if num_envs < 1:
            raise UsageError(f"num_envs must be at least 1, not {num_envs}")
        self.metadata = {"render_modes": [], "autoreset_mode": autoreset_mode}
        self.worlds = Worlds(days, num_envs, settings)
        self.days, self.codec, self._settle = self.worlds.days, self.worlds.codec, settle
        self.num_envs, self._mode = num_envs, autoreset_mode
        self.single_observation_space = unit_box(len(self.codec.view))
        self.single_action_space = unit_box(len(self.codec.action))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._dice: list[np.random.Generator] = []

    @classmethod
    def of(
        cls,
        what: Loaded | Scenario,
        num_envs: int,
        settings: Settings = DEFAULT,
        *,
        dates: Iterable[date] | None = None,
        seeds: Sequence[int] = (1,),
        settle: bool = False,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    ) -> CosimVectorEnv:
        """Prepare the days of a scenario and lay out the environment (:func:`prepare_days`)."""
        days = prepare_days(what, dates=dates, seeds=seeds)
        return cls(days, num_envs, settings, settle=settle, autoreset_mode=autoreset_mode)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Begin a day in every world.

        Args:
            seed: of the dice that draw days, world i's is ``seed`` + i; or one per world.
            options: ``day``: number of the day that every world plays, or one number per world.

        Raises:
            UsageError: a wrong number of seeds or days, or a mask: worlds begin together.
        """
        self._seed(seed)
        return self._begin(self._days(options or {}))

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Float32Array, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        """Let a slot pass in every world.

        Args:
            actions: shape (worlds, coordinates), in [−1, 1].

        Returns:
            (observations, rewards, terminations: none, truncations, infos).

        Raises:
            UsageError: the window has passed, and worlds begin anew by ``reset`` alone.
            PolicyError: the actions have a wrong shape or hold a NaN.
        """
        lockstep, none = self.worlds.lockstep, np.zeros(self.num_envs, dtype=np.bool_)
        if lockstep.over and self._mode is AutoresetMode.NEXT_STEP:
            views, infos = self._begin(self._days({}))
            return views, np.zeros(self.num_envs), none, none.copy(), infos
        take_actions(lockstep.actions, actions)
        self.worlds.step()
        rewards, infos = lockstep.money[:, REWARD].copy(), self._infos()
        if not lockstep.over:
            return lockstep.views.copy(), rewards, none, none.copy(), infos
        infos |= self._settlements()
        if self._settle:
            rewards += [self.worlds.settled_reward(k) for k in range(self.num_envs)]
        return self._ended(rewards, none, infos)

    def _ended(
        self, rewards: FloatArray, none: BoolArray, infos: dict[str, Any]
    ) -> tuple[Float32Array, FloatArray, BoolArray, BoolArray, dict[str, Any]]:
        """The last step of a day, in which worlds may begin anew at once."""
        views, ended = self.worlds.lockstep.views.copy(), np.ones_like(none)
        if self._mode is not AutoresetMode.SAME_STEP:
            return views, rewards, none, ended, infos
        final = np.empty(self.num_envs, dtype=object)
        final[:] = list(views)
        whole: dict[str, Any] = {"final_obs": final, "_final_obs": ended.copy()}
        whole |= {"final_info": infos, "_final_info": ended.copy()}
        views, begun = self._begin(self._days({}))
        return views, rewards, none, ended, whole | begun

    # days -------------------------------------------------------------------------------

    def _seed(self, seed: int | Sequence[int | None] | None) -> None:
        if isinstance(seed, int):
            seed = [seed + k for k in range(self.num_envs)]
        if seed is None:
            seed = [None] * self.num_envs
        if len(seed) != self.num_envs:
            raise UsageError(f"{len(seed)} seeds for {self.num_envs} worlds")
        if not self._dice:
            self._dice = [seeding.np_random(None)[0] for _ in seed]
        for k, each in enumerate(seed):
            if each is not None:
                self._dice[k] = seeding.np_random(each)[0]

    def _days(self, options: dict[str, Any]) -> list[int]:
        mask = options.get("reset_mask")
        if mask is not None and not np.all(mask):
            raise UsageError("worlds begin together; leave `reset_mask` out")
        day = options.get("day")
        days = [day] * self.num_envs if day is None or np.ndim(day) == 0 else list(day)
        if len(days) != self.num_envs:
            raise UsageError(f"{len(days)} days for {self.num_envs} worlds")
        pairs = zip(days, self._dice, strict=True)
        return [chosen_day({"day": day}, dice, len(self.days)) for day, dice in pairs]

    def _begin(self, numbers: list[int]) -> tuple[Float32Array, dict[str, Any]]:
        self.worlds.begin(numbers)
        infos = {"day": np.array(numbers, dtype=np.int64), "_day": self._all()}
        return self.worlds.lockstep.views.copy(), infos

    # infos ------------------------------------------------------------------------------

    def _all(self) -> BoolArray:
        return np.ones(self.num_envs, dtype=np.bool_)

    def _infos(self) -> dict[str, Any]:
        """What the slot brought, one array per name with its mask."""
        columns = self.worlds.lockstep.money.T.copy()
        infos: dict[str, Any] = dict(zip(SLOT_FACTS, columns, strict=False))
        return infos | {f"_{name}": self._all() for name in SLOT_FACTS}

    def _settlements(self) -> dict[str, Any]:
        rows = [self.worlds.settlement(k) for k in range(self.num_envs)]
        infos: dict[str, Any] = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return infos | {f"_{name}": self._all() for name in rows[0]}
