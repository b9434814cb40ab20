"""What each part of the model is worth: the same system, jobs and seeds with one part taken away.

An ablation changes the scenario, so it means the same under every policy: without clock levels
neither the energy layer nor a planner can slow a GPU down. One layer means that only the schedule
decides: batteries rest and clocks stay at full speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cosim.errors import UsageError
from cosim.scenario.model import Scenario
from cosim.scenario.study_file import ABLATION_NAMES, AblationName
from cosim.study.variants import (
    Change,
    chooses_steps,
    energy_layer,
    has,
    has_clocks,
    moves,
    no_dvfs,
    no_renewables,
    no_transfer,
    one_step_count,
    perfect_forecast,
    without,
)

FULL = "full"
REST = "idle"


@dataclass(frozen=True)
class Ablation:
    """A part of the model that can be taken away.

    Attributes:
        change: takes it away.
        there: whether a scenario has it.
        meaning: what is left, in words.
        absent: why there is nothing to take away, in words.
    """

    change: Change
    there: Callable[[Scenario], bool]
    meaning: str
    absent: str


ABLATIONS: dict[AblationName, Ablation] = {
    "no-transfer": Ablation(
        no_transfer, moves, "every job stays at its home", "no job may leave home as it is"
    ),
    "fixed-steps": Ablation(
        one_step_count,
        chooses_steps,
        "every image gets the default steps",
        "there is one step count only",
    ),
    "no-dvfs": Ablation(
        no_dvfs, has_clocks, "GPUs run at full clock", "GPUs have one clock level only"
    ),
    "no-battery": Ablation(
        without("battery"), has("battery"), "no site has a battery", "no site has a battery"
    ),
    "no-renewables": Ablation(
        no_renewables, has("pv", "wind"), "no site has sun or wind", "no site has sun or wind"
    ),
    "perfect-forecast": Ablation(
        perfect_forecast,
        lambda scenario: scenario.forecast.kind != "perfect",
        "everybody knows the future",
        "the forecast is perfect as it is",
    ),
    "one-layer": Ablation(
        energy_layer(REST),
        lambda scenario: scenario.policy.energy.use != REST,
        "no energy layer: batteries rest, clocks stay full",
        f"the energy layer is `{REST}` as it is",
    ),
}


def possible(
    scenario: Scenario, names: Sequence[AblationName] = ABLATION_NAMES
) -> tuple[list[AblationName], list[str]]:
    """Tell what can be taken away from a scenario.

    Args:
        scenario: the scenario.
        names: what is asked for.

    Returns:
        The names that mean something, and a sentence for each of the others.

    Raises:
        UsageError: nothing is left to take away.
    """
    kept = [name for name in names if ABLATIONS[name].there(scenario)]
    notes = [f"{name}: {ABLATIONS[name].absent}" for name in names if name not in kept]
    if not kept:
        raise UsageError(f"nothing to take away: {'; '.join(notes)}")
    return kept, notes
