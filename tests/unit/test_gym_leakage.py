"""Does a view know the future? Change it and see whether views of the present change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from cosim.check.stagehand import lively_plan, other_future
from cosim.gym.days import Day
from cosim.gym.worlds import Settings, Worlds
from cosim.rng import stream


@cache
def plan():
    return lively_plan(3)


def views(played, *, energy="idle", slots=None):
    """What is seen at every edge of a day under the same actions."""
    worlds = Worlds([Day(date(2019, 4, 22), 3, played)], 1, Settings(clock=True, energy=energy))
    worlds.begin([0])
    dice, seen = stream(1, "test", "leak"), [worlds.lockstep.views[0].copy()]
    for _ in range(played.info.slots if slots is None else slots):
        worlds.lockstep.actions[0] = dice.uniform(-1, 1, len(worlds.codec.action))
        worlds.step()
        seen.append(worlds.lockstep.views[0].copy())
    return np.array(seen)


@pytest.mark.parametrize("forecaster", ["seasonal", "persistence"])
@pytest.mark.parametrize("energy", ["idle", "paper-inner"])
def test_the_present_is_the_same_whatever_comes(forecaster, energy):
    mine = replace(plan(), forecaster=forecaster)
    now = views(mine, energy=energy)
    for slot in (0, 3, 7, mine.info.slots - 1):
        other = views(other_future(mine, slot), energy=energy)
        assert np.array_equal(other[: slot + 1], now[: slot + 1]), slot
        assert not np.array_equal(other[slot + 1 :], now[slot + 1 :])


def test_a_perfect_forecaster_is_seen_to_know_the_future():
    mine = replace(plan(), forecaster="perfect")
    now, other = views(mine), views(other_future(mine, 3))
    assert not np.array_equal(other[:4], now[:4])
