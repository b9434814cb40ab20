"""What a day of use costs a battery: capacity that fades with time, warmth, charge and cycles.

``Wear`` is what a battery has been through. ``age`` adds a stretch of its course (a day, say):

    wear = new_wear(soc=0.5)
    wear = age(Lfp250Ah(), wear, soc, temp_c, step_h=1 / 60)
    capacity_kwh = nominal_kwh * capacity_share(Lfp250Ah(), wear)

Cycles are counted by rainflow (ASTM E1049); those that are still open stay open from one stretch
to the next, so the result does not depend on how the course is cut. A cycle counts its depth as
equivalent full cycles (EFC), its mean rate over its own duration, rests included, and the mean
temperature of its ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from cosim.physics.ageing_cycles import Cycle, Turn, cycle_sums, cycles_of, open_sums, outside
from cosim.physics.ageing_models import AgeingModel, Floats
from cosim.physics.ranges import Range, refuse

_SOC = Range(0.0, 1.0)
_TEMP_C = Range(-60.0, 100.0, "°C")
_SLACK = 1e-9
_DIGITS = 9  # of a state of charge in which turns are looked for; less is rounding


@dataclass(frozen=True)
class Wear:
    """What a battery has been through; sums, so that days add up.

    Attributes:
        hours: time lived [h].
        soc_h: ∫ state of charge dt [h].
        calendar: Σ k_cal^(1/p) Δt in the model's unit of time.
        cycles: Σ k_cyc^(1/p) ΔEFC of closed cycles.
        efc: equivalent full cycles of closed cycles.
        hours_outside: time at temperatures outside the model's range [h].
        efc_outside: EFC of closed cycles of a depth or rate outside the model's range.
        turns: turning points of the cycles that are still open, oldest first.
    """

    hours: float
    soc_h: float
    calendar: float
    cycles: float
    efc: float
    hours_outside: float
    efc_outside: float
    turns: tuple[Turn, ...]


def new_wear(soc: float, temp_c: float = 25.0) -> Wear:
    """Return the wear of a new battery that stands at a state of charge and temperature [°C]."""
    return Wear(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, (Turn(0.0, round(soc, _DIGITS), temp_c),))


def used_wear(
    model: AgeingModel,
    soc: float,
    years: float,
    *,
    temp_c: float = 25.0,
    cycles_per_day: float = 1.0,
    depth: float = 0.8,
    c_rate: float = 0.25,
) -> Wear:
    """Return the wear of a battery after years of even use around half charge.

    A new cell loses most in its first weeks (the laws are concave), so a study of a few days says
    more about a battery in mid-life.

    Args:
        model: the ageing model.
        soc: where it stands now.
        years: its age [a], at least 0.
        temp_c: temperature of the cells until now [°C].
        cycles_per_day: full cycles of ``depth`` per day until now.
        depth: their depth, 0 to 1.
        c_rate: their mean rate [1/h].
    """
    hours = years * 8760.0
    efc = years * 365.0 * cycles_per_day * depth
    calendar = float(model.calendar_rate(0.5, temp_c)) ** (1.0 / model.CALENDAR_POWER)
    cycle = Cycle(1.0, depth, c_rate, temp_c)
    rate = model.cycle_rate(depth, c_rate, temp_c) ** (1.0 / model.CYCLE_POWER)
    return Wear(
        hours,
        0.5 * hours,
        calendar * hours / model.CALENDAR_UNIT_H,
        rate * efc,
        efc,
        0.0 if model.VALID["temp_c"].holds(temp_c) else hours,
        efc if outside(model, cycle) else 0.0,
        (Turn(hours, round(soc, _DIGITS), temp_c),),
    )


def age(model: AgeingModel, wear: Wear, soc: ArrayLike, temp_c: ArrayLike, step_h: float) -> Wear:
    """Return the wear after a stretch of equal steps.

    Args:
        model: the ageing model; the one that made ``wear``.
        wear: what the battery has been through.
        soc: state of charge at the end of each step, shape (steps,); share of the capacity in use.
        temp_c: temperature of the cells in each step [°C], shape (steps,) or a number.
        step_h: length of a step [h], above 0.
    """
    charge: Floats = np.round(np.asarray(soc, dtype=np.float64), _DIGITS).astype(np.float64)
    warmth = np.broadcast_to(np.asarray(temp_c, dtype=np.float64), charge.shape)
    _check(charge, warmth, step_h)
    if not charge.size:
        return wear
    ends = np.concatenate(([wear.turns[-1].soc], charge))
    middle = 0.5 * (ends[1:] + ends[:-1])
    rates = model.calendar_rate(middle, warmth) ** (1.0 / model.CALENDAR_POWER)
    hours = wear.hours + step_h * np.arange(1, charge.size + 1)
    course = [*wear.turns, *map(Turn, hours.tolist(), charge.tolist(), warmth.tolist())]
    closed, turns = cycles_of(course)
    sums = cycle_sums(model, closed)
    valid = model.VALID["temp_c"]
    too_far = np.count_nonzero((warmth < valid.low) | (warmth > valid.high))
    return replace(
        wear,
        hours=float(hours[-1]),
        soc_h=wear.soc_h + float(middle.sum()) * step_h,
        calendar=wear.calendar + float(rates.sum()) * step_h / model.CALENDAR_UNIT_H,
        cycles=wear.cycles + sums[0],
        efc=wear.efc + sums[1],
        hours_outside=wear.hours_outside + too_far * step_h,
        efc_outside=wear.efc_outside + sums[2],
        turns=turns,
    )


def calendar_loss(model: AgeingModel, wear: Wear) -> float:
    """Return the share of the first capacity that time has taken."""
    return float(wear.calendar**model.CALENDAR_POWER)


def cycle_loss(model: AgeingModel, wear: Wear) -> float:
    """Return the share that cycles have taken, open ones counted as the halves they are so far."""
    return float((wear.cycles + open_sums(model, wear.turns)[0]) ** model.CYCLE_POWER)


def capacity_share(model: AgeingModel, wear: Wear) -> float:
    """Return the capacity that is left, as a share of the first; at least 0."""
    return max(0.0, 1.0 - calendar_loss(model, wear) - cycle_loss(model, wear))


def equivalent_full_cycles(model: AgeingModel, wear: Wear) -> float:
    """Return the EFC so far, half of all movement of the state of charge."""
    return wear.efc + open_sums(model, wear.turns)[1]


def _check(soc: Floats, temp_c: Floats, step_h: float) -> None:
    problems = []
    if soc.ndim != 1:
        problems.append(f"soc has shape {soc.shape}: must be one-dimensional")
    if not (step_h > 0.0 and math.isfinite(step_h)):
        problems.append(f"step_h = {step_h!r}: must be above 0 h and finite")
    if soc.size and not (soc.min() >= -_SLACK and soc.max() <= 1.0 + _SLACK):
        problems.append(f"soc from {soc.min():g} to {soc.max():g}: must be {_SOC}")
    if soc.size and not (_TEMP_C.holds(float(temp_c.min())) and _TEMP_C.holds(temp_c.max())):
        problems.append(f"temp_c from {temp_c.min():g} to {temp_c.max():g}: must be {_TEMP_C}")
    refuse(problems)
