"""The days that a learner plays: prepared once, split by date, played in any order.

A day is a scenario's window begun at some date, with the jobs of one seed. Days of one date share
their weather and prices; so a split for training and testing goes by date, and no date is in both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cosim.errors import UsageError
from cosim.prepare import Stage, stage
from cosim.scenario.days import begun, dates_of
from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario
from cosim.world.plan import Plan


@dataclass(frozen=True)
class Day:
    """A plan with its name.

    Attributes:
        date: when its window begins (UTC).
        seed: of its jobs.
        plan: the plan.
        energy: name and options of the scenario's energy layer.
    """

    date: date
    seed: int
    plan: Plan
    energy: tuple[str, Mapping[str, Any]] = ("idle", MappingProxyType({}))

    def __str__(self) -> str:
        return f"{self.date.isoformat()}/{self.seed}"


def prepare_days(
    what: Loaded | Scenario,
    *,
    seeds: Sequence[int] = (1,),
    dates: Iterable[date] | None = None,
) -> tuple[Day, ...]:
    """Prepare the days of a scenario.

    Args:
        what: a loaded YAML or a scenario.
        seeds: of the jobs of each date.
        dates: dates at which its window is to begin, at the scenario's own time of day; default:
            its ``train_days``, or its own date where it has none. Traces have to cover them.

    Returns:
        One day per date and seed.

    Raises:
        TraceError: a trace does not cover a date.
        UsageError: there is no date or no seed.
    """
    scenario = what if isinstance(what, Scenario) else what.scenario
    base = None if isinstance(what, Scenario) else Path(what.folder)
    own = dates_of(scenario, "train_days") or (scenario.clock.start.date(),)
    chosen = sorted(set(own if dates is None else dates))
    if not chosen or not seeds:
        raise UsageError("an environment needs at least one date and one seed")
    days: list[Day] = []
    for day in chosen:
        days += days_of(stage(begun(scenario, day), base=base), seeds)
    return tuple(days)


def days_of(on: Stage, seeds: Sequence[int]) -> tuple[Day, ...]:
    """The days of a stage that was prepared before, one per seed."""
    start, energy = on.scenario.clock.start.date(), on.scenario.policy.energy
    chosen = (energy.use, MappingProxyType(energy.options))
    return tuple(Day(start, seed, on.plan(seed), chosen) for seed in seeds)


def dates_from(first: date, count: int, step_days: int = 1) -> tuple[date, ...]:
    """List dates, so many days apart."""
    return tuple(first + timedelta(days=k * step_days) for k in range(count))


def split_days(
    days: Sequence[Day], *, test_every: int = 4
) -> tuple[tuple[Day, ...], tuple[Day, ...]]:
    """Split days by date into those to train on and those that are held out.

    Args:
        days: the days.
        test_every: of so many successive dates the last is held out, at least 2.

    Returns:
        (to train on, held out); no date is in both.

    Raises:
        UsageError: one of the two would be empty.
    """
    if test_every < 2:
        raise UsageError(f"test_every {test_every} leaves nothing to train on; use 2 or more")
    dates = sorted({day.date for day in days})
    out = set(dates[test_every - 1 :: test_every])
    if not out:
        raise UsageError(f"{len(dates)} dates are too few to hold out one of every {test_every}")
    train = tuple(day for day in days if day.date not in out)
    return train, tuple(day for day in days if day.date in out)
