"""Training with several seeds in step: every seed plays its own days, all in one call.

Which day a seed plays, and all that is drawn for it, comes from the streams that ``cosim train``
uses for that seed; so a stack is a set of trainings and not another experiment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from cosim.gym.days import Day
from cosim.gym.learner import Episode, Stack, Stackable
from cosim.gym.worlds import Settings, Worlds
from cosim.plugins import extras_of
from cosim.rng import stream
from cosim.study.playing import Played
from cosim.world.kernel_seat import REWARD

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class Beat:
    """How long a stack is trained.

    Attributes:
        seeds: the seeds.
        episodes: days that each plays.
        judge_every: episodes between two judgements on held-out days.
    """

    seeds: tuple[int, ...]
    episodes: int
    judge_every: int


class StackedStage:
    """Days of a scenario, shown to all seeds of a stack at once.

    Attributes:
        worlds: the engine room, a row per seed and world of the seed.
    """

    def __init__(self, days: Sequence[Day], settings: Settings, seeds: int, each: int) -> None:
        """Lay out the worlds.

        Args:
            days: the days.
            settings: how they are shown.
            seeds: seeds of the stack.
            each: worlds of each seed.
        """
        self.worlds, self._shape = Worlds(days, seeds * each, settings), (seeds, each)

    def play(self, numbers: Sequence[int], stack: Stack, *, explore: bool) -> list[Played]:
        """Let every seed play its days.

        Args:
            numbers: number of the day of each world; those of a seed stand together.
            stack: the learners.
            explore: try things out.

        Returns:
            What was played, in the order of the worlds.
        """
        worlds, lockstep = self.worlds, self.worlds.lockstep
        worlds.begin(numbers)
        views, actions, rewards = [lockstep.views.copy()], [], []
        while not lockstep.over:
            seen = views[-1].reshape(*self._shape, -1)
            lockstep.actions[:] = stack.act(seen, explore=explore).reshape(len(numbers), -1)
            actions.append(lockstep.actions.astype(np.float32))
            worlds.step()
            rewards.append(lockstep.money[:, REWARD].astype(np.float32))
            views.append(lockstep.views.copy())
        days = zip(*(np.stack(part, axis=1) for part in (views, actions, rewards)), strict=True)
        return [self._played(k, Episode(*day)) for k, day in enumerate(days)]

    def judge(self, stack: Stack) -> list[tuple[float, float]]:
        """Mean utility [USD] and late share of all days, for each seed, without exploring."""
        seeds, each = self._shape
        played = self.play(list(range(each)) * seeds, stack, explore=False)
        found = np.array([(one.utility_usd, one.late_share) for one in played])
        return [(usd, share) for usd, share in found.reshape(seeds, each, 2).mean(axis=1).tolist()]

    def _played(self, number: int, episode: Episode) -> Played:
        told = self.worlds.settlement(number)
        day = str(self.worlds.days[self.worlds.playing[number]])
        return Played(day, episode, told["day_utility_usd"], told["day_late_share"])


def train_stack(
    recipe: Stackable, beat: Beat, stage: StackedStage, exam: StackedStage, told: Told
) -> list[dict[str, Any]]:
    """Train a learner with all seeds.

    Args:
        recipe: the learner.
        beat: how long.
        stage: days to learn from, a world per seed.
        exam: held-out days, a world per seed and day.
        told: called after every episode with (done, of).

    Returns:
        A row per judgement and seed, the first before anything was learned. ``train_cpu_s`` is
        processor time of playing and learning so far, of all seeds together, without judging.
    """
    codec, spent_s = stage.worlds.codec, 0.0
    with extras_of(recipe.name):
        stack = recipe.begin_stack(len(codec.view), len(codec.action), beat.seeds, codec)
    rows = _judged(beat, exam, stack, 0, {"updates": 0.0}, spent_s)
    for done in range(1, beat.episodes + 1):
        began = process_time()
        dice = [stream(seed, "train", "day", str(done - 1)) for seed in beat.seeds]
        numbers = [int(each.integers(len(stage.worlds.days))) for each in dice]
        played = stage.play(numbers, stack, explore=True)
        figures = stack.learn([each.episode for each in played])
        spent_s += process_time() - began
        if done % beat.judge_every == 0 or done == beat.episodes:
            rows += _judged(beat, exam, stack, done, figures, spent_s)
        told(done, beat.episodes)
    return rows


def _judged(
    beat: Beat,
    exam: StackedStage,
    stack: Stack,
    done: int,
    figures: Mapping[str, float],
    spent_s: float,
) -> list[dict[str, Any]]:
    slots = exam.worlds.days[0].plan.info.slots
    return [
        {
            "seed": seed,
            "episode": done,
            "env_steps": done * slots,
            "train_cpu_s": spent_s,
            "held_out_usd": usd,
            "held_out_late_share": late_share,
            **figures,
        }
        for seed, (usd, late_share) in zip(beat.seeds, exam.judge(stack), strict=True)
    ]
