"""A quantity that a learner sees: its unit, its range, and where it is found.

Every quantity is brought to [−1, 1] by a fixed physical range, in proportion and cut off at the
ends (``linear``), or as z/(1 + |z|) with z = (value − centre)/width (``soft``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cosim.decision import Observation
from cosim.decision.info import FloatArray

Law = Literal["linear", "soft"]
Read = Callable[[Observation], FloatArray]


@dataclass(frozen=True)
class Family:
    """One quantity, of every site or of all together.

    Attributes:
        name: e.g. ``backlog``.
        unit: its physical unit.
        meaning: one sentence.
        shared: whether agents of other sites may see it too.
        law: how it is brought to [−1, 1].
        centre: physical value that becomes 0, shape (sites,), or (1,) where all sites share it.
        width: distance to what becomes ±1 (``linear``) or ±½ (``soft``), same shape.
        read: takes its values from an observation, same shape.
        live: for compiled code: where it is found if it depends on the run, else None.
    """

    name: str
    unit: str
    meaning: str
    shared: bool
    law: Law
    centre: FloatArray
    width: FloatArray
    read: Read
    live: tuple[int, int] | None = None

    def mapped(self, observation: Observation) -> FloatArray:
        """Numbers in [−1, 1], one per site (one in all where sites share it)."""
        part = (self.read(observation) - self.centre) / self.width
        if self.law == "linear":
            return np.minimum(1.0, np.maximum(-1.0, part))
        with np.errstate(invalid="ignore"):  # inf / inf, put right in the same line
            return np.where(np.isinf(part), np.sign(part), part / (1.0 + np.abs(part)))


def soft(
    name: str,
    unit: str,
    meaning: str,
    width: FloatArray,
    read: Read,
    *,
    centre: float = 0.0,
    shared: bool = False,
    live: tuple[int, int] | None = None,
) -> Family:
    """A quantity without a natural end; see :class:`Family`."""
    wide = np.asarray(width, dtype=np.float64)
    middle = np.full(wide.shape, centre)
    return Family(name, unit, meaning, shared, "soft", middle, wide, read, live)


def between(
    name: str,
    unit: str,
    meaning: str,
    limits: tuple[FloatArray, FloatArray],
    read: Read,
    *,
    shared: bool = False,
    live: tuple[int, int] | None = None,
) -> Family:
    """A quantity between two limits, which become −1 and 1; see :class:`Family`."""
    low, high = limits
    centre, half = 0.5 * (low + high), 0.5 * (high - low)
    half = np.where(half > 0.0, half, 1.0)  # where the limits are one there is nothing to tell
    return Family(name, unit, meaning, shared, "linear", centre, half, read, live)


def clock_families() -> list[Family]:
    """The time of day as a point on a circle, which all sites share."""
    limits = (-np.ones(1), np.ones(1))
    return [
        between("clock_sin", "1", "sine of the time of day (UTC)", limits, _on_circle(0.0)),
        between("clock_cos", "1", "cosine of the time of day (UTC)", limits, _on_circle(0.25)),
    ]


def _on_circle(ahead: float) -> Read:
    """Sine of the time of day, some part of a day ahead."""
    return lambda seen: np.array([np.sin(2.0 * np.pi * (seen.day_fraction + ahead))])
