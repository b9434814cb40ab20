"""The shaping ablation: is it the denoising that helps, any shaping, or nothing at all?

Every arm trains the same learner on the same days with the same seeds and differs in its shaping
alone; all are judged by the true utility of held-out days. Seeds are trained side by side
(:mod:`cosim.study.stacked_training`), one arm after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cosim.errors import UsageError
from cosim.gym.days import Day
from cosim.gym.learner import Stackable
from cosim.gym.worlds import Settings
from cosim.plugins import load_recipe
from cosim.prepare import stage
from cosim.run import run, versions
from cosim.scenario.days import begun
from cosim.scenario.load import Loaded
from cosim.scenario.lock import lock_text, world_hash
from cosim.study.curriculum import Plan, chosen_days
from cosim.study.shaping_arms import COMMON, Arm, arms
from cosim.study.shaping_folder import ShapingFolder
from cosim.study.stacked_training import Beat, StackedStage, train_stack

REFERENCES = ("home", "greedy-utility")
"""Classical policies that are played on the held-out days, for orientation."""
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Design:
    """What is compared, and for how long.

    Attributes:
        beat: seeds and episodes.
        dates: successive dates from the scenario's own on.
        hold_out: of so many successive dates the last is held out.
        options: what all arms share, over :data:`cosim.study.shaping_arms.COMMON`.
    """

    beat: Beat
    dates: int = 8
    hold_out: int = 4
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def common(self) -> dict[str, Any]:
        """Options of all arms."""
        return {**COMMON, **self.options}


def ablate(
    loaded: Loaded,
    design: Design,
    wanted: Sequence[Arm],
    out: Path,
    *,
    resume: bool = False,
    command: str = "",
    told: Told = lambda arm, done, total: None,
) -> ShapingFolder:
    """Train all arms that have not ended yet.

    Args:
        loaded: the scenario.
        design: what is compared.
        wanted: the arms.
        out: the study's folder; the scenario has a folder of its own in it.
        resume: go on where it stopped.
        command: the command line, for the page.
        told: called with (arm, episodes done, of).

    Returns:
        The scenario's folder.

    Raises:
        UsageError: days are too few, the folder holds another study, or torch is missing.
    """
    days, held_out = _days(loaded, design)
    recipes = {arm.name: _recipe(arm, design, days[0]) for arm in wanted}
    folder = ShapingFolder(out / loaded.scenario.name)
    terms = {**_terms(loaded, design, days, held_out), "command": command}
    folder.open(terms, lock_text(loaded.scenario), resume=resume)
    stages: dict[Settings, tuple[StackedStage, StackedStage]] = {}
    for name, recipe in recipes.items():
        if folder.has(name):
            continue
        if recipe.settings not in stages:
            stages[recipe.settings] = _stages(recipe.settings, design, days, held_out)
        rows = train_stack(recipe, design.beat, *stages[recipe.settings], partial(told, name))
        folder.keep(name, rows)
    if folder.references() is None:
        folder.keep_references(_references(loaded, held_out))
    folder.gather(list(arms()))
    return folder


def _days(loaded: Loaded, design: Design) -> tuple[tuple[Day, ...], tuple[Day, ...]]:
    if design.hold_out < 2:
        raise UsageError(f"hold_out {design.hold_out} leaves no day to judge on; use 2 or more")
    plan = Plan(design.beat.episodes, dates=design.dates, hold_out=design.hold_out)
    return chosen_days(loaded, plan)


def _recipe(arm: Arm, design: Design, day: Day) -> Stackable:
    """The learner of an arm.

    Raises:
        UsageError: seeds of it cannot be stacked.
    """
    per_slot = float(design.common["updates_per_slot"])
    updates = round(per_slot * day.plan.info.slots * design.beat.episodes)
    recipe = load_recipe(arm.learner, arm.options(design.common, updates))
    if not isinstance(recipe, Stackable):
        raise UsageError(f"seeds of `{arm.learner}` cannot learn side by side")
    return recipe


def _stages(
    settings: Settings, design: Design, days: Sequence[Day], held_out: Sequence[Day]
) -> tuple[StackedStage, StackedStage]:
    seeds = len(design.beat.seeds)
    return (
        StackedStage(days, settings, seeds, 1),
        StackedStage(held_out, settings, seeds, len(held_out)),
    )


def _terms(
    loaded: Loaded, design: Design, days: Sequence[Day], held_out: Sequence[Day]
) -> dict[str, Any]:
    return {
        "scenario": loaded.scenario.name,
        "world_hash": world_hash(loaded.scenario),
        "seeds": list(design.beat.seeds),
        "episodes": design.beat.episodes,
        "judge_every": design.beat.judge_every,
        "slots": days[0].plan.info.slots,
        "dates": [day.date.isoformat() for day in days],
        "held_out": [day.date.isoformat() for day in held_out],
        "options": design.common,
        "versions": versions(),
    }


def _references(loaded: Loaded, held_out: Sequence[Day]) -> dict[str, Any]:
    """Mean utility and late share of classical policies on the held-out days."""
    kpis: dict[str, list[Mapping[str, float]]] = {policy: [] for policy in REFERENCES}
    for day in held_out:
        on = stage(begun(loaded.scenario, day.date), base=Path(loaded.folder))
        for policy, found in kpis.items():
            found.append(run(on, policy=policy, seed=day.seed).kpis)
    return {
        policy: {
            "held_out_usd": float(np.mean([each["utility_usd"] for each in found])),
            "held_out_late_share": float(np.mean([each["late_share"] for each in found])),
        }
        for policy, found in kpis.items()
    }
