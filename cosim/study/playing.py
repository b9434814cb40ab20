"""Playing days for a learner: to learn from, and to see what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.gym.days import Day
from cosim.gym.learner import Episode, Learner
from cosim.gym.worlds import Settings, Worlds
from cosim.world.kernel_seat import REWARD


@dataclass(frozen=True)
class Played:
    """One day and what it brought.

    Attributes:
        day: its name.
        episode: what the learner saw, did and was paid.
        utility_usd: utility of the day, as of a run that decides the same.
        late_share: share of late and refused jobs.
    """

    day: str
    episode: Episode
    utility_usd: float
    late_share: float


class Stage:
    """Days of a scenario, shown to a learner one at a time.

    Attributes:
        worlds: the engine room.
    """

    def __init__(self, days: Sequence[Day], settings: Settings) -> None:
        self.worlds = Worlds(days, 1, settings)

    def play(self, number: int, learner: Learner, *, explore: bool) -> Played:
        """Let a learner play a day."""
        worlds, lockstep = self.worlds, self.worlds.lockstep
        worlds.begin([number])
        views, actions, rewards = [lockstep.views[0].copy()], [], []
        while not lockstep.over:
            lockstep.actions[:] = learner.act(views[-1][None], explore=explore)
            actions.append(lockstep.actions[0].astype(np.float32))
            worlds.step()
            rewards.append(lockstep.money[0, REWARD])
            views.append(lockstep.views[0].copy())
        told = worlds.settlement(0)
        episode = Episode(np.array(views), np.array(actions), np.array(rewards, np.float32))
        utility_usd, late_share = told["day_utility_usd"], told["day_late_share"]
        return Played(str(worlds.days[number]), episode, utility_usd, late_share)

    def judge(self, learner: Learner) -> tuple[float, float]:
        """Mean utility [USD] and late share of all days under the best actions known."""
        count = len(self.worlds.days)
        played = [self.play(number, learner, explore=False) for number in range(count)]
        utility_usd = float(np.mean([each.utility_usd for each in played]))
        return utility_usd, float(np.mean([each.late_share for each in played]))
