"""A scenario on several dates: one stage per date, and which of them a seed is played on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from cosim.errors import UsageError
from cosim.prepare import Stage, stage
from cosim.scenario.days import SEEDS_MAX, Key, begun, dates_of, day_of, seed_on
from cosim.scenario.lock import scenario_hash
from cosim.scenario.model import Scenario
from cosim.study.recipe import Recipe


def chosen_dates(scenario: Scenario, days: str | None) -> tuple[date, ...]:
    """Dates to compare on; none means the scenario's own window.

    Args:
        scenario: the scenario.
        days: ``test``, ``train`` or ``window``; default: ``test`` where the scenario has
            ``test_days``, else ``window``.

    Raises:
        UsageError: the scenario has no such days.
    """
    if days is None:
        return dates_of(scenario, "test_days")
    if days == "window":
        return ()
    if days not in ("test", "train"):
        raise UsageError(f"days `{days}` are unknown; use test, train or window")
    found = dates_of(scenario, _key(days))
    if not found:
        raise UsageError(f"`{scenario.name}` has no `{days}_days`; add them to the scenario")
    return found


def _key(days: str | None) -> Key:
    return "train_days" if days == "train" else "test_days"


def check_same_dates(
    scenario: Scenario, points: Mapping[str, Scenario], days: str | None, dates: Sequence[date]
) -> None:
    """Refuse a study whose points would not be played on the same days.

    Args:
        scenario: what is varied.
        points: the varied scenarios by their labels.
        days: what was asked for, as of :func:`chosen_dates`.
        dates: the dates of the scenario; none: each point has a window of its own.

    Raises:
        UsageError: some point has other dates, or varies the date at which no window begins.
    """
    if not dates:
        return
    key, start = _key(days), scenario.clock.start.date()
    others = [label for label, own in points.items() if dates_of(own, key) != tuple(dates)]
    moved = [label for label, own in points.items() if own.clock.start.date() != start]
    if others:
        said = f"points differ in their {key} ({_listed(others)}), so nothing could be paired"
    elif moved:
        said = f"windows begin at the {key}, so these points are no others: {_listed(moved)}"
    else:
        return
    raise UsageError(f"{said}; play the window of each point with --days window (`days: window`)")


def _listed(labels: Sequence[str]) -> str:
    return "; ".join(labels[:4]) + (" …" if len(labels) > 4 else "")


def recipe_on(recipe: Recipe, day: date) -> Recipe:
    """How the stage of a date is prepared."""
    scenario = begun(recipe.scenario, day)
    return replace(recipe, key=scenario_hash(scenario), scenario=scenario)


def seeds_on(seeds: Sequence[int], days: Sequence[date]) -> tuple[int, ...]:
    """Seeds of all runs of a policy: those given, on each date one of its own for each.

    Raises:
        UsageError: a seed is too large to hold a date.
    """
    if days and max(seeds, default=0) >= SEEDS_MAX:
        raise UsageError(f"seed {max(seeds)} is too large; on days seeds are below {SEEDS_MAX}")
    return tuple(seed_on(s, day) for day in days for s in seeds) if days else tuple(seeds)


def in_order(seeds: Sequence[int], *, dated: bool) -> tuple[int, ...]:
    """Seeds day after day; those of the scenario's own window stay as they are."""
    if not dated:
        return tuple(seeds)
    return tuple(sorted(seeds, key=lambda seed: (day_of(seed), seed)))


def whole_days(seeds: Sequence[int], each: int) -> tuple[int, ...]:
    """Seeds of the days that have all of theirs, ``each`` in number; days are averaged alike."""
    count = Counter(map(day_of, seeds))
    return tuple(seed for seed in seeds if count[day_of(seed)] == each)


def stages_of(on: Stage, days: Iterable[date]) -> dict[str, Stage]:
    """The stage of each date by its name; of the scenario's own window where there is none."""
    found = {day.isoformat(): stage(begun(on.scenario, day), base=on.base) for day in days}
    return found or {"": on}


def stage_name(seed: int, *, dated: bool) -> str:
    """Which stage a seed is played on."""
    return day_of(seed).isoformat() if dated else ""
