"""Size K: what it is worth to train seeds side by side, in updates per second of processor time.

The networks and batches are those of the shaping ablation (``cosim shaping``); what the learners
see is drawn, so that no world is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from cosim.bench.sheet import (
    Row,
    Sheet,
    Terms,
    amount_column,
    number_column,
    spread,
    spread_column,
)
from cosim.gym.learner import Episode, Stackable
from cosim.plugins import extras_of, load_recipe
from cosim.rng import stream

SEEDS = tuple(range(1, 11))
COLUMNS, COORDINATES, SLOTS = 89, 56, 288
"""Of ``paper/flex`` in the ablation."""
UPDATES = 72
OPTIONS = {"hidden": 64, "batch": 64, "denoising_steps": 3, "chains": 2, "wrap": "additive"}
TIMED = (
    ("sac", "none"),
    ("td3", "none"),
    ("sac", "reward-net"),
    ("sac", "diffusion-return"),
)


@dataclass(frozen=True)
class _Clocked:
    """Processor time of a day's updates, of one seed alone and of ten side by side [s]."""

    alone_s: list[float]
    stacked_s: list[float]


def stacking(letter: str, terms: Terms) -> Sheet:
    """Time updates of one seed alone and of ten side by side."""
    rows = {}
    for learner, shaping in TIMED:
        name = f"{learner}, {shaping}"
        terms.tell(f"{name} …")
        rows[name] = _row(_clocked(learner, shaping, terms.repeat))
    return Sheet(
        letter,
        f"{UPDATES} updates of {len(SEEDS)} seeds side by side, and of one alone",
        "learners",
        "learner",
        (
            spread_column("alone, CPU s", "alone_s"),
            spread_column("side by side, CPU s", "stacked_s"),
            amount_column("seed-updates/s alone", "alone_per_s"),
            amount_column("side by side", "stacked_per_s"),
            number_column("times faster", "speed_up", 1),
        ),
        rows,
    )


def _clocked(learner: str, shaping: str, repeat: int) -> _Clocked:
    dice, options = stream(0, "bench", "stacking"), {**OPTIONS, "shaping": shaping}
    recipe = load_recipe(learner, {**options, "updates_per_slot": UPDATES / SLOTS})
    days = [_day(dice) for _ in SEEDS]
    assert isinstance(recipe, Stackable)
    with extras_of(recipe.name):
        alone = recipe.begin(COLUMNS, COORDINATES, SEEDS[0])
        stack = recipe.begin_stack(COLUMNS, COORDINATES, SEEDS)
    alone.learn(days[:1])
    stack.learn(days)
    return _Clocked(
        [_timed(lambda: alone.learn(days[:1])) for _ in range(repeat)],
        [_timed(lambda: stack.learn(days)) for _ in range(repeat)],
    )


def _day(dice: np.random.Generator) -> Episode:
    views = dice.uniform(-1, 1, (SLOTS + 1, COLUMNS)).astype(np.float32)
    actions = dice.uniform(-1, 1, (SLOTS, COORDINATES)).astype(np.float32)
    return Episode(views, actions, dice.normal(size=SLOTS).astype(np.float32))


def _timed(call: Callable[[], Any]) -> float:
    began = process_time()
    call()
    return process_time() - began


def _row(found: _Clocked) -> Row:
    alone_s, stacked_s = float(np.median(found.alone_s)), float(np.median(found.stacked_s))
    return {
        **spread("alone_s", found.alone_s),
        **spread("stacked_s", found.stacked_s),
        "alone_per_s": UPDATES / alone_s,
        "stacked_per_s": UPDATES * len(SEEDS) / stacked_s,
        "speed_up": len(SEEDS) * alone_s / stacked_s,
    }
