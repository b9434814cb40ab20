"""Lessons: what a learner can be told of its training days before it plays them itself.

Prices, sun and arrivals of a recorded day do not depend on what anybody decides. So other policies
can play the same days, the best course of each can be found in hindsight, and both are told to the
learner: days as others played them, in the learner's own views and actions, and what stored energy
and GPU time were worth on them by the hour. Held-out days are never looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosim.decision import Decision, Layered, Observation, Policy, project
from cosim.decision.info import FloatArray
from cosim.gym.days import Day
from cosim.gym.inverse import nearest_action
from cosim.gym.learner import Episode, Lessons, Recipe, Worths
from cosim.gym.worlds import Settings, Worlds
from cosim.hindsight import hindsight
from cosim.plugins import load_policy, parted
from cosim.quantities import NS_PER_HOUR
from cosim.rng import stream
from cosim.run import foresee
from cosim.world.kernel_seat import REWARD

HOURS = 24


def lessons_for(recipe: Recipe, days: Sequence[Day]) -> Lessons | None:
    """Gather what a recipe asks to be told; None if it asks for nothing.

    Args:
        recipe: the learner; ``demonstrators`` names policies, each ``NAME`` or ``NAME+LAYER`` with
            the energy layer below it, and ``wants_worths`` asks for what hindsight says.
        days: training days.

    Raises:
        UsageError: a policy does not exist or cannot be said in the learner's encoding, or there
            is no hindsight of a scenario.
    """
    names: Sequence[str] = getattr(recipe, "demonstrators", ())
    wants_worths = bool(getattr(recipe, "wants_worths", False))
    if not names and not wants_worths:
        return None
    shown = tuple(demonstrate(name, day, recipe.settings) for name in names for day in days)
    return Lessons(shown, worths_of(days) if wants_worths else None)


# demonstrations -----------------------------------------------------------------------------


def demonstrate(spec: str, day: Day, settings: Settings) -> Episode:
    """Let a policy play a day in a learner's place, by actions that the learner could take.

    Args:
        spec: ``NAME`` or ``NAME+LAYER``; without a layer it is the scenario's.
        day: the day.
        settings: how the learner is shown the world.

    Returns:
        The day as a learner would have seen, played and been paid it.
    """
    policy = _layered(spec, day)
    foresee(policy, day.plan)
    policy.reset(day.plan.info, stream(day.seed, "policy", spec))

    def guide(number: int, seen: Observation) -> FloatArray:
        del number
        whole: Decision = policy.decide(seen)
        feasible = project(whole, day.plan.info, seen, policy=spec).decision
        return nearest_action(worlds.codec, feasible, seen).astype(np.float32)  # as is kept

    worlds = Worlds([day], 1, settings, guide=guide)
    try:
        return played(worlds)
    finally:
        policy.close()


def _layered(spec: str, day: Day) -> Layered:
    name, layer = parted(spec)
    use, options = (layer, {}) if layer else day.energy
    inner: Policy = load_policy(use, options, kind="energy")
    return Layered(load_policy(name, kind="schedule"), inner)


def played(worlds: Worlds) -> Episode:
    """Play the first of the days as its guide says."""
    worlds.begin([0])
    lockstep = worlds.lockstep
    views, actions, rewards = [lockstep.views[0].copy()], [], []
    while not lockstep.over:
        worlds.step()
        actions.append(lockstep.actions[0].astype(np.float32))
        rewards.append(lockstep.money[0, REWARD])
        views.append(lockstep.views[0].copy())
    return Episode(np.array(views), np.array(actions), np.array(rewards, np.float32))


# worths -------------------------------------------------------------------------------------


def worths_of(days: Sequence[Day]) -> Worths:
    """What stored energy and GPU time are worth by the hour of the day, mean over some days.

    They are duals of the best course in hindsight (:mod:`cosim.hindsight`): of the content of each
    battery, and of the GPU time of each site.

    Raises:
        UsageError: no hindsight is known for something that the scenario has.
    """
    found = [_of_day(day) for day in days]
    stored, gpu = (np.mean([each[k] for each in found], axis=0) for k in range(2))
    return Worths(stored, gpu)


def _of_day(day: Day) -> tuple[FloatArray, FloatArray]:
    """Worth of a kWh stored [USD] and of a GPU-second [USD], shape (hours, sites) each."""
    course, info = hindsight(day.plan).course, day.plan.info
    edges_ns = np.arange(info.slots) * info.slot_ns + info.start_utc_ns
    hour = (edges_ns // NS_PER_HOUR % HOURS).astype(np.int64)
    stored = _by_hour(course.stored_usd_kwh[:, : info.slots], hour)
    return stored, _by_hour(course.gpu_usd_h[:, : info.slots], hour) / 3600.0


def _by_hour(values: FloatArray, hour: np.ndarray) -> FloatArray:
    """Mean per hour of the day; hours that no slot falls into have the mean of all."""
    rows = [
        values[:, hour == h].mean(axis=1) if (hour == h).any() else values.mean(axis=1)
        for h in range(HOURS)
    ]
    return np.array(rows)
