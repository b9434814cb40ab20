"""The cycles in the course of a state of charge, counted by rainflow (ASTM E1049).

A course may come in stretches: cycles that are still open at the end of one are carried into the
next as their turning points.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple, cast

from cosim.physics.ageing_models import AgeingModel


class Turn(NamedTuple):
    """A point of the course at which the state of charge turned, or the last point so far."""

    hour: float
    soc: float
    temp_c: float


class Cycle(NamedTuple):
    """A full (weight 1) or half (weight 0.5) cycle of the state of charge."""

    weight: float
    depth: float
    c_rate: float
    temp_c: float


def outside(model: AgeingModel, cycle: Cycle) -> bool:
    """Return whether a cycle's depth or rate lies beyond what the model was measured on."""
    return not (
        model.VALID["depth"].holds(cycle.depth) and model.VALID["c_rate"].holds(cycle.c_rate)
    )


def cycle_sums(model: AgeingModel, cycles: list[Cycle]) -> tuple[float, float, float]:
    """Return Σ k^(1/p) ΔEFC, Σ ΔEFC and the EFC outside the model's range."""
    power = 1.0 / model.CYCLE_POWER
    efc = [cycle.weight * cycle.depth for cycle in cycles]
    stress = [model.cycle_rate(c.depth, c.c_rate, c.temp_c) ** power for c in cycles]
    return (
        math.fsum(k * x for k, x in zip(stress, efc, strict=True)),
        math.fsum(efc),
        math.fsum(x for x, c in zip(efc, cycles, strict=True) if outside(model, c)),
    )


def open_sums(model: AgeingModel, turns: tuple[Turn, ...]) -> tuple[float, float, float]:
    """Return the sums of the cycles that are open, as the halves they are so far."""
    halves = [_cycle(a, b, 0.5) for a, b in pairwise(turns)]
    return cycle_sums(model, halves)


def _cycle(start: Turn, end: Turn, weight: float) -> Cycle:
    depth, hours = abs(end.soc - start.soc), end.hour - start.hour
    return Cycle(weight, depth, depth / hours if hours else 0.0, 0.5 * (start.temp_c + end.temp_c))


def cycles_of(course: list[Turn]) -> tuple[list[Cycle], tuple[Turn, ...]]:
    """Return the cycles that are closed and the turning points of those that are open.

    What rainflow counts last is a chain of half cycles that ends at the last point: those are
    open. Fed again in front of what follows, their turning points give the same cycles as the
    whole course would.
    """
    import rainflow

    # rainflow sees no turn in fewer than three points: the first stands twice
    counted = [
        (count, course[max(0, i - 1)], course[max(0, j - 1)])
        for _, _, count, i, j in rainflow.extract_cycles([course[0].soc, *(t.soc for t in course)])
    ]
    turns = [course[-1]]
    while counted and counted[-1][0] == 0.5 and counted[-1][2] == turns[-1]:
        turns.append(counted.pop()[1])
    closed = [_cycle(start, end, cast("float", count)) for count, start, end in counted]
    return closed, tuple(reversed(turns))
