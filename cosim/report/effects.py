"""What a sweep tells about one key or one part: values met, and key figures over them.

In a grid the effect of a key is the mean over all points that have the value, seed by seed, so
that the other keys average out; one at a time, it is that of the points where nothing else was
set. Sampled values are gathered into groups of equal size first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from cosim.report.inputs import Estimate
from cosim.study.shown import shown
from cosim.study.statistics import estimate
from cosim.study.sweep_results import Sweep, SweptPoint

GROUPS_MAX, GROUP_MIN = 8, 4
SAMPLED = ("latin-hypercube", "sobol")


@dataclass(frozen=True)
class Stop:
    """A value of a key, or the middle of a group of values, and the points that have it.

    Attributes:
        value: a number, or the value as it would be typed.
        points: numbers of the points.
    """

    value: float | str
    points: tuple[int, ...]


@dataclass(frozen=True)
class Bar:
    """How far a point is from its base.

    Attributes:
        row: the key or the variant that differs.
        value: what it is set to; empty for a variant.
        change: of the key figure.
    """

    row: str
    value: str
    change: Estimate


def cell(found: Mapping[str, Any], name: str) -> Estimate:
    """A mean or a difference of the summary as an estimate."""
    mean, ends = found[name], found["ci95"]
    return Estimate(np.nan if mean is None else float(mean), *(ends or (None, None)))


def keys(found: Sweep) -> list[str]:
    """Keys that are varied along axes."""
    return [str(axis["key"]) for axis in found.axes]


def stops(found: Sweep, key: str) -> list[Stop]:
    """The values of a key that were met, in ascending order where they are numbers."""
    chosen = [n for n, point in enumerate(found.points) if _counts(found, point, key)]
    values = {n: found.points[n].values.get(key) for n in chosen}
    numbers = {n: float(v) for n, v in values.items() if _number(v)}
    if len(numbers) == len(values):
        if found.design in SAMPLED and len(set(numbers.values())) > GROUPS_MAX:
            return _grouped(numbers)
        return [_stop(v, numbers) for v in sorted(set(numbers.values()))]
    texts = {n: shown(value) for n, value in values.items()}
    return [_stop(text, texts) for text in dict.fromkeys(texts.values())]


def _stop(value: float | str, values: Mapping[int, float | str]) -> Stop:
    return Stop(value, tuple(n for n, own in values.items() if own == value))


def _counts(found: Sweep, point: SweptPoint, key: str) -> bool:
    """Whether a point belongs to a key's curve: of the first variant, nothing else set."""
    if point.variant and point.variant != next(iter(found.variants), ""):
        return False
    return found.design != "one-at-a-time" or set(point.settings) <= {key}


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _grouped(numbers: Mapping[int, float]) -> list[Stop]:
    """Groups of equal size along the values."""
    order = sorted(numbers, key=numbers.__getitem__)
    count = max(1, min(GROUPS_MAX, len(order) // GROUP_MIN))
    groups = [group.tolist() for group in np.array_split(np.array(order), count)]
    return [Stop(float(np.mean([numbers[n] for n in g])), tuple(g)) for g in groups]


def curve(found: Sweep, key_stops: Sequence[Stop], policy: str, kpi: str) -> list[Estimate]:
    """A key figure at each stop: the mean over its points, with an interval over seeds or days."""
    return [_over_seeds(found, stop.points, policy, kpi) for stop in key_stops]


def _over_seeds(found: Sweep, points: Sequence[int], policy: str, kpi: str) -> Estimate:
    """Only seeds count that have finished at all of the points."""
    rows = [found.points[number].figures(policy, kpi) for number in points]
    whole = [seed for seed in found.seeds if all(seed in row for row in rows)]
    means = {seed: float(np.mean([row[seed] for row in rows])) for seed in whole}
    over = estimate(found.drawn(means))
    return Estimate(np.nan if over.mean is None else over.mean, *(over.ci95 or (None, None)))


def bars(found: Sweep, policy: str, kpi: str) -> list[Bar]:
    """The change of every point that has a base, largest first."""
    rows = [
        Bar(*_named(found, point), cell(found.change(number, policy, kpi), "diff"))
        for number, point in enumerate(found.points)
        if point.base is not None and found.points[point.base].marks and point.marks
    ]
    known = [bar for bar in rows if np.isfinite(bar.change.value)]
    return sorted(known, key=lambda bar: -abs(bar.change.value))


def _named(found: Sweep, point: SweptPoint) -> tuple[str, str]:
    """What sets a point apart from its base: a variant, or the value of a key."""
    base = found.points[point.base or 0]
    if point.variant != base.variant:
        return point.label, ""
    key = next(iter(point.settings))
    return key, shown(point.settings[key])
