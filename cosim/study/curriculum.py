"""On what a learner trains: which days, for how long, and what makes two trainings the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from cosim.errors import UsageError
from cosim.gym.checkpoint import layout_of
from cosim.gym.days import Day, dates_from, prepare_days, split_days
from cosim.gym.learner import Recipe
from cosim.scenario.days import dates_of
from cosim.scenario.load import Loaded
from cosim.scenario.lock import world_hash
from cosim.study.playing import Stage

DATES = 8


@dataclass(frozen=True)
class Plan:
    """How long and on what a learner trains.

    Attributes:
        episodes: days that are played.
        seed: of everything that is drawn.
        dates: how many dates: the first of the scenario's ``train_days``, or windows that follow
            each other from its own date on where it has none; None: all of them, or 8.
        hold_out: of so many successive dates the last is held out; 0: none.
        job_seeds: seeds of the jobs of each date.
        evaluate_every: episodes between two judgements.
        patience: judgements without gain after which it stops; 0: never.
    """

    episodes: int
    seed: int = 1
    dates: int | None = None
    hold_out: int = 4
    job_seeds: tuple[int, ...] = (1,)
    evaluate_every: int = 10
    patience: int = 0


def chosen_days(loaded: Loaded, plan: Plan) -> tuple[tuple[Day, ...], tuple[Day, ...]]:
    """Days to learn from and days held out.

    Raises:
        UsageError: dates are too few to hold any out, or days to test on are among them.
        TraceError: a trace does not cover a date.
    """
    days = prepare_days(loaded, dates=training_dates(loaded, plan), seeds=plan.job_seeds)
    return split_days(days, test_every=plan.hold_out) if plan.hold_out else (days, ())


def training_dates(loaded: Loaded, plan: Plan) -> tuple[date, ...]:
    """Dates of a training, held-out ones included; none of them is among the ``test_days``.

    Raises:
        UsageError: the scenario has too few days, or a window would overlap one to test on.
    """
    scenario = loaded.scenario
    listed = dates_of(scenario, "train_days")
    if listed:
        count = len(listed) if plan.dates is None else plan.dates
        if count > len(listed):
            raise UsageError(f"{count} days are asked for; `train_days` has {len(listed)}")
        return listed[:count]
    length = timedelta(days=scenario.clock.days)
    step = math.ceil(scenario.clock.days)
    found = dates_from(scenario.clock.start.date(), plan.dates or DATES, step)
    kept = dates_of(scenario, "test_days")
    shared = [day for day in found if any(abs(day - other) < length for other in kept)]
    if shared:
        said = f"{shared[0]} is among the scenario's `test_days`"
        raise UsageError(f"{said}; give it `train_days`, or another clock.start")
    return found


def terms_of(
    loaded: Loaded, recipe: Recipe, plan: Plan, days: Sequence[Day], held_out: Sequence[Day]
) -> dict[str, Any]:
    """What makes a training the same training; its length is not part of it."""
    return {
        "policy": recipe.name,
        "options": recipe.options(),
        "seed": plan.seed,
        "scenario": loaded.scenario.name,
        "world_hash": world_hash(loaded.scenario),
        "dates": _dates(days),
        "held_out": _dates(held_out),
        "job_seeds": list(plan.job_seeds),
    }


def _dates(days: Sequence[Day]) -> list[str]:
    return sorted({day.date.isoformat() for day in days})


def origin_of(
    loaded: Loaded, recipe: Recipe, stage: Stage, terms: Mapping[str, Any]
) -> dict[str, Any]:
    """What a checkpoint says of itself, besides its numbers."""
    from cosim.run import versions

    trained = {name: value for name, value in terms.items() if name != "policy"}
    return {
        "policy": recipe.name,
        **layout_of(stage.worlds.codec, recipe.settings),
        "trained": {**trained, "versions": versions(), "energy": stage.worlds.days[0].energy[0]},
    }
