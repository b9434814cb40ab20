"""What a stretch of use took from a battery, in shares of its capacity and in money."""

from __future__ import annotations

import math
from typing import NamedTuple

from cosim.physics.ageing import (
    Wear,
    calendar_loss,
    capacity_share,
    cycle_loss,
    equivalent_full_cycles,
)
from cosim.physics.ageing_cycles import open_sums
from cosim.physics.ageing_models import AgeingModel
from cosim.physics.ranges import Range, refuse


class AgeingReport(NamedTuple):
    """What a stretch of use did to a battery, by the named model (good to a factor 2 to 3).

    Attributes:
        model: name of the ageing model.
        days: length of the stretch [d].
        calendar_loss: share of the first capacity that time took.
        cycle_loss: share of the first capacity that cycles took.
        capacity_share: capacity at the end, share of the first.
        efc: equivalent full cycles.
        mean_soc: mean state of charge.
        cost_usd: loss at the replacement price [USD].
        wear_usd_kwh: the cycles' part of the cost per kWh withdrawn from the cells [USD/kWh].
        notes: what lay outside the range in which the model was measured, in sentences.
    """

    model: str
    days: float
    calendar_loss: float
    cycle_loss: float
    capacity_share: float
    efc: float
    mean_soc: float
    cost_usd: float
    wear_usd_kwh: float
    notes: tuple[str, ...]


def report(
    model: AgeingModel,
    start: Wear,
    end: Wear,
    *,
    capacity_kwh: float,
    replacement_usd_kwh: float = 200.0,
    end_of_life: float = 0.8,
) -> AgeingReport:
    """Say what happened between two moments of a battery's life, in shares and in money.

    A battery is worth its replacement price when new and nothing at its end of life, so a share
    lost costs price · capacity / (1 − end of life).

    Args:
        model: the ageing model.
        start: wear at the start.
        end: wear at the end.
        capacity_kwh: capacity when new [kWh].
        replacement_usd_kwh: price of a new battery [USD/kWh].
        end_of_life: share of the capacity at which it is replaced, 0 to below 1.
    """
    problems = [] if 0.0 <= end_of_life < 1.0 else [f"end_of_life = {end_of_life!r}: 0 to below 1"]
    problems += [
        f"{name} = {value!r}: must be {Range(0.0, math.inf)}"
        for name, value in (("capacity_kwh", capacity_kwh), ("price", replacement_usd_kwh))
        if not Range(0.0, math.inf).holds(value)
    ]
    refuse(problems)
    time_share = calendar_loss(model, end) - calendar_loss(model, start)
    cycle_share = cycle_loss(model, end) - cycle_loss(model, start)
    efc = equivalent_full_cycles(model, end) - equivalent_full_cycles(model, start)
    hours = end.hours - start.hours
    usd_per_share = replacement_usd_kwh * capacity_kwh / (1.0 - end_of_life)
    moved_kwh = efc * capacity_kwh
    return AgeingReport(
        model.name,
        hours / 24.0,
        time_share,
        cycle_share,
        capacity_share(model, end),
        efc,
        (end.soc_h - start.soc_h) / hours if hours else end.turns[-1].soc,
        (time_share + cycle_share) * usd_per_share,
        cycle_share * usd_per_share / moved_kwh if moved_kwh else 0.0,
        _notes(model, start, end),
    )


def _notes(model: AgeingModel, start: Wear, end: Wear) -> tuple[str, ...]:
    notes = []
    hours = end.hours_outside - start.hours_outside
    if hours > 0.0:
        notes.append(f"{model.name}: {hours:.1f} h outside {model.VALID['temp_c']}; extrapolated")
    efc = (
        end.efc_outside
        + open_sums(model, end.turns)[2]
        - (start.efc_outside + open_sums(model, start.turns)[2])
    )
    if efc > 1e-9:
        depth, rate = model.VALID["depth"], model.VALID["c_rate"]
        notes.append(
            f"{model.name}: {efc:.2f} equivalent full cycles outside depth {depth} or C-rate "
            f"{rate}; extrapolated"
        )
    return tuple(notes)
