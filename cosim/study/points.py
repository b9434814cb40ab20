"""What a sweep is going to run: points × policies × seeds, before anything is run.

A point is the scenario with some keys set and perhaps a part taken away. Every point meets the
same policies on the same seeds, so differences between points are paired as those between policies
are. Each point may have a base that it is compared with: that of a one-at-a-time design, or the
first variant with the same settings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from cosim.errors import Problem, ScenarioError, UsageError
from cosim.scenario.load import Draft, Loaded
from cosim.scenario.lock import scenario_hash
from cosim.scenario.model import Scenario
from cosim.scenario.overrides import value_at
from cosim.study.code import code_seal
from cosim.study.dated import check_same_dates, chosen_dates, recipe_on, seeds_on, stage_name
from cosim.study.design import Axis, Row
from cosim.study.fitting import Cast, cast_of
from cosim.study.provenance import cautions
from cosim.study.recipe import Recipe
from cosim.study.shown import shown
from cosim.study.variants import Change, changed

Kind = Literal["sweep", "ablation", "study"]
POINTS_MAX = 100_000


@dataclass(frozen=True)
class Point:
    """One scenario of a sweep.

    Attributes:
        label: what it is, in words; no two points share one.
        variant: name of its variant, empty where there is none.
        settings: the keys that it sets.
        values: what every varied key is at it, set or not.
        recipe: its scenario.
        base: number of the point it is compared with, None if it stands alone.
    """

    label: str
    variant: str
    settings: Mapping[str, Any]
    values: Mapping[str, Any]
    recipe: Recipe
    base: int | None = None


@dataclass(frozen=True)
class Plan:
    """A sweep before it is run.

    Attributes:
        kind: what kind of study it is.
        name: its name.
        about: the question it asks.
        scenario: what is varied.
        design: how points are laid over the axes.
        axes: what is varied how.
        variants: their names with what they mean, empty where there are none.
        points: the points.
        policies: names, the baseline first.
        seeds: the paired seeds; where days are played, those of all days, day after day.
        notes: what the user should know.
        days: dates at which windows begin; none: the scenario's own window is played.
        cautions: what makes a ranking worth less than it seems.
    """

    kind: Kind
    name: str
    about: str
    scenario: Scenario
    design: str
    axes: tuple[Axis, ...]
    variants: Mapping[str, str]
    points: tuple[Point, ...]
    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    notes: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def runs(self) -> int:
        """How many runs it takes."""
        return len(self.points) * len(self.policies) * len(self.seeds)

    @property
    def seeds_each(self) -> int:
        """How many seeds are played on each day, or on the window."""
        return len(self.seeds) // max(1, len(self.days))

    def stages(self) -> dict[str, Recipe]:
        """How every point is prepared on every day, by the name of its stage."""
        if not self.days:
            return {str(number): point.recipe for number, point in enumerate(self.points)}
        return {
            f"{number} {day.isoformat()}": recipe_on(point.recipe, day)
            for number, point in enumerate(self.points)
            for day in self.days
        }

    def stage_of(self, number: int, seed: int) -> str:
        """The stage of a point that a seed is played on."""
        return f"{number} {stage_name(seed, dated=bool(self.days))}".rstrip()


@dataclass(frozen=True)
class Variant:
    """A named change: settings of keys, or a change of the whole."""

    name: str = ""
    settings: Row = ()
    change: Change | None = None
    meaning: str = ""


@dataclass(frozen=True)
class Terms:
    """What is asked for, from the command line or a study file alike."""

    draft: Draft
    rows: Sequence[Row]
    variants: Sequence[Variant] = (Variant(),)
    kind: Kind = "sweep"
    name: str = ""
    about: str = ""
    design: str = "grid"
    axes: tuple[Axis, ...] = ()
    policies: Sequence[str] = ()
    seeds: Sequence[int] = ()
    notes: tuple[str, ...] = ()
    shared: Row = field(default=())
    days: str | None = None


def laid_out(terms: Terms) -> Plan:
    """Lay out all points of what is asked for, on the days that are played.

    Raises:
        UsageError: too many points, something named twice, or points with other days.
        ScenarioError: what is wrong with any point, all at once.
    """
    if len(terms.rows) * len(terms.variants) > POINTS_MAX:
        said = len(terms.rows) * len(terms.variants)
        raise UsageError(f"{said:,} points; at most {POINTS_MAX:,}, so sample them (--sobol N)")
    whole = terms.draft.checked(terms.shared)
    scenario = whole.scenario
    cast = cast_of(whole, terms.policies)
    policies = cast.names
    seeds = tuple(terms.seeds or scenario.seeds)
    _check_once(policies, seeds)
    days, points = chosen_dates(scenario, terms.days), tuple(_points(terms))
    scenarios = {point.label: point.recipe.scenario for point in points}
    check_same_dates(scenario, scenarios, terms.days, days)
    return Plan(
        terms.kind,
        terms.name or scenario.name,
        terms.about or scenario.about,
        scenario,
        terms.design,
        terms.axes,
        {variant.name: variant.meaning for variant in terms.variants if variant.name},
        points,
        policies,
        seeds_on(seeds, days),
        terms.notes,
        days,
        _cautions([point.recipe for point in points], cast, days),
    )


def _cautions(played: Sequence[Recipe], cast: Cast, days: Sequence[date]) -> tuple[str, ...]:
    """What has to be known of the policies at any point."""
    scenarios = [recipe.scenario for recipe in played]
    windows = sorted({scenario.clock.start.date() for scenario in scenarios})
    dates = [day.isoformat() for day in (days or windows)]
    return cautions(scenarios, cast, dates, played[0].base)


def _check_once(policies: Sequence[str], seeds: Sequence[int]) -> None:
    for word, given in (("policy", policies), ("seed", seeds)):
        if len(set(given)) != len(given):
            raise UsageError(f"a {word} is named twice: {', '.join(map(str, given))}")


def _points(terms: Terms) -> list[Point]:
    """All points, or all that is wrong with them."""
    problems: dict[Problem, None] = {}
    points: list[Point] = []
    for v, variant in enumerate(terms.variants):
        for r, row in enumerate(terms.rows):
            try:
                loaded = terms.draft.checked((*terms.shared, *row, *variant.settings))
            except ScenarioError as error:
                problems |= dict.fromkeys(error.problems)
                continue
            points.append(_point(loaded, variant, row, _keys(terms), _base(terms, v, r)))
    if problems:
        raise ScenarioError(problems)
    labels = Counter(point.label for point in points)
    if twice := [label for label, count in labels.items() if count > 1]:
        raise UsageError(f"asked for twice: {'; '.join(twice[:4])}")
    return points


def _keys(terms: Terms) -> list[str]:
    rows = (*terms.rows, *(variant.settings for variant in terms.variants))
    return list(dict.fromkeys(setting.key for row in rows for setting in row))


def _base(terms: Terms, variant: int, row: int) -> int | None:
    """Number of the point that a point is compared with."""
    if variant > 0:
        return row
    return 0 if row > 0 and not terms.rows[0] else None


def _point(
    loaded: Loaded, variant: Variant, row: Row, keys: Sequence[str], base: int | None
) -> Point:
    scenario = (
        loaded.scenario if variant.change is None else changed(loaded.scenario, variant.change)
    )
    settings = {setting.key: setting.value for setting in (*row, *variant.settings)}
    plain = scenario.model_dump(mode="json", by_alias=True)
    return Point(
        _label(variant.name, row),
        variant.name,
        settings,
        {key: value_at(plain, key) for key in keys},
        Recipe(scenario_hash(scenario), scenario, loaded.folder, code_seal()),
        base,
    )


def _label(variant: str, row: Row) -> str:
    said = [variant] if variant else []
    said += [f"{setting.key}={shown(setting.value)}" for setting in row]
    return ", ".join(said) or "base"
