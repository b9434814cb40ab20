"""Where a sweep looks: axes of keys with their values, and the points laid over them.

    workload.scale=0.5,1,2                    a list: every value is met
    sites.paris.battery.capacity_kwh=0:4000   a range: its ends, or sampled between them
    scale=0.01:1:log                          a range covered evenly in its logarithm

A grid meets every combination, one-at-a-time leaves all but one axis as the scenario has it, a
Latin hypercube and a Sobol sequence spread a number of points evenly over all axes. The points
follow from the axes alone: same axes, same points, on any machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from cosim.errors import ScenarioError, UsageError
from cosim.rng import stream
from cosim.scenario.overrides import Setting, is_key
from cosim.scenario.study_file import SAMPLED, DesignName
from cosim.scenario.yaml12 import Place, read_text

DIGITS = 6
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*:\s*({_NUMBER})\s*(?::\s*(log))?\s*")


@dataclass(frozen=True)
class Axis:
    """A key that is varied.

    Attributes:
        key: dotted path in the scenario.
        place: where it was asked for.
        values: what it takes, empty for a range.
        low: lower end of a range.
        high: upper end of a range.
        log: whether a range is covered evenly in its logarithm.
        whole: whether the key takes whole numbers only.
    """

    key: str
    place: Place
    values: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan
    log: bool = False
    whole: bool = False

    @property
    def stops(self) -> tuple[Any, ...]:
        """The values of a list, the two ends of a range."""
        return self.values or (self._number(self.low), self._number(self.high))

    def at(self, share: float) -> Any:
        """The value at a share of the axis, in [0, 1); a list is divided evenly."""
        if self.values:
            return self.values[int(share * len(self.values))]
        if self.whole:
            return math.floor(self.low + share * (self.high - self.low + 1))
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            return self._number(math.exp(low + share * (high - low)))
        return self._number(self.low + share * (self.high - self.low))

    def _number(self, value: float) -> float | int:
        """Six digits are enough, and last bits of a logarithm differ between machines."""
        return round(value) if self.whole else float(f"{value:.{DIGITS}g}")

    def to_json(self) -> dict[str, Any]:
        """The axis as plain data."""
        if self.values:
            return {"key": self.key, "values": list(self.values)}
        return {"key": self.key, "from": self.low, "to": self.high, "log": self.log}


Row = tuple[Setting, ...]


def axis_of(text: str, flag: str) -> Axis:
    """Read an axis from the command line: ``KEY=V1,V2``, ``KEY=LOW:HIGH`` or ``KEY=LOW:HIGH:log``.

    Raises:
        UsageError: it is neither.
    """
    key, equals, said = text.partition("=")
    said_whole = f"{flag} {text}"
    if not equals or not is_key(key) or not said.strip():
        raise UsageError(f"{said_whole}: must be KEY=V1,V2,… or KEY=LOW:HIGH, e.g. scale=0.5,1")
    place = Place(said_whole)
    if found := _RANGE.fullmatch(said):
        low, high, log = float(found[1]), float(found[2]), found[3] is not None
        if not low < high or (log and low <= 0):
            least = "above 0, and " if log else ""
            raise UsageError(f"{said_whole}: the lower end must be {least}below the upper one")
        return Axis(key, place, low=low, high=high, log=log)
    return Axis(key, place, _listed(said, said_whole))


def _listed(text: str, flag: str) -> tuple[Any, ...]:
    """Values between commas, each by the rules of the scenario file; ``[1, 2]`` is one value."""
    try:
        values = read_text(f"[{text}]", flag).data
    except ScenarioError as error:
        said = "; ".join(problem.message for problem in error.problems)
        raise UsageError(f"{flag}: the values are no list such as 1,2,3 ({said})") from None
    return tuple(values)


def lay_points(axes: Sequence[Axis], design: DesignName, samples: int | None) -> list[Row]:
    """Lay points over axes; that of a one-at-a-time design without a setting is its base.

    Args:
        axes: what is varied.
        design: how.
        samples: points of a sampled design.

    Raises:
        UsageError: the axes do not suit the design.
    """
    _check(axes, design, samples)
    if design == "grid":
        return list(product(*([_set(axis, value) for value in axis.stops] for axis in axes)))
    if design == "one-at-a-time":
        return [(), *((_set(axis, value),) for axis in axes for value in axis.stops)]
    shares = _shares(design, samples or 0, len(axes))
    rows = [tuple(_set(a, a.at(u)) for a, u in zip(axes, row, strict=True)) for row in shares]
    return list(_distinct(rows))


def _set(axis: Axis, value: Any) -> Setting:
    return Setting(axis.key, value, axis.place)


def _check(axes: Sequence[Axis], design: DesignName, samples: int | None) -> None:
    keys = [axis.key for axis in axes]
    twice = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
    if twice:
        raise UsageError(f"varied twice: {', '.join(twice)}")
    ranges = [axis.key for axis in axes if not axis.values]
    if design == "grid" and ranges:
        raise UsageError(
            f"a grid needs values, and `{ranges[0]}` has a range: list them (KEY=1,2,3), or "
            "sample it (Latin hypercube, Sobol) or take its ends (one at a time)"
        )
    if design in SAMPLED and (samples is None or samples < 1):
        raise UsageError(f"{design} needs a number of points, at least 1")
    if design == "sobol" and samples is not None and samples & (samples - 1):
        low = 1 << (samples.bit_length() - 1)
        raise UsageError(f"a Sobol sequence is even at powers of two: {low} or {2 * low} points")


def _shares(design: str, samples: int, width: int) -> list[list[float]]:
    from scipy.stats import qmc

    draw = stream(0, "sweep", design)
    sampler = qmc.Sobol if design == "sobol" else qmc.LatinHypercube
    shares: list[list[float]] = sampler(width, rng=draw).random(samples).tolist()
    return shares


def _distinct(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows without repetitions, as whole numbers and lists of values bring them about."""
    seen: set[str] = set()
    for row in rows:
        mark = repr([setting.value for setting in row])
        if mark not in seen:
            seen.add(mark)
            yield row
