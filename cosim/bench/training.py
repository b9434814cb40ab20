"""Size T: what a training spends its time on, and how long one of the paper's length takes.

A learner plays a day of `scenarios/paper/base.yaml` (288 slots, some million jobs) and of
`base-small.yaml` (a tenth of them), and makes an update per slot, as `cosim train` does. It
decides clocks, batteries and rooms itself, so that no energy layer is asked; `with layer` has the
scenario's. Processor time on one core, per day; the first day, in which nothing is learned, is not
counted. The paper trains for 550 days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from cosim.bench.sheet import Row, Sheet, Terms, number_column, spread, spread_column
from cosim.gym.days import Day, prepare_days
from cosim.gym.learner import Episode, Learner, Recipe
from cosim.gym.worlds import Worlds
from cosim.plugins import extras_of, load_recipe
from cosim.scenario.load import load_scenario
from cosim.traces.catalogue import bundled
from cosim.world.kernel_seat import REWARD

EPISODES = 550
TARGET_MIN = 107.0
"""The paper's own time for 550 episodes with its shaping (arXiv 2605.02965)."""
TARGET_SHARE = 0.1
SIZE: Mapping[str, Any] = {"hidden": 128, "batch": 128, "updates_per_slot": 1.0}
LEVERS = ("clock", "battery", "room")
OWN: Mapping[str, Any] = {**SIZE, **dict.fromkeys(LEVERS, True)}
LAYERED: Mapping[str, Any] = {**SIZE, **dict.fromkeys(LEVERS, False)}
TIMED: tuple[tuple[str, str, str, Mapping[str, Any]], ...] = (
    ("sac", "base", "sac", OWN),
    ("sac, with layer", "base", "sac", LAYERED),
    ("sac-diffusion", "base", "sac-diffusion", OWN),
    ("jemas", "base", "jemas", OWN),
    ("sac", "base-small", "sac", OWN),
    ("sac-diffusion", "base-small", "sac-diffusion", OWN),
)


@dataclass(frozen=True)
class _Clocked:
    """Processor time of days, of playing and of learning [s]."""

    played_s: list[float]
    learned_s: list[float]


def training(letter: str, terms: Terms) -> Sheet:
    """Time playing and learning of learners on a day of the paper's."""
    days: dict[str, tuple[Day, ...]] = {}
    rows: dict[str, Row] = {}
    for name, scenario, learner, options in TIMED:
        terms.tell(f"{scenario}, {name} …")
        if scenario not in days:
            path = bundled("scenarios") / "paper" / f"{scenario}.yaml"
            loaded = load_scenario(path, ["clock.days=1"])
            dates = [loaded.scenario.clock.start.date()]
            days[scenario] = prepare_days(loaded, dates=dates)
        recipe = load_recipe(learner, options)
        rows[f"{scenario}, {name}"] = _row(_clocked(recipe, days[scenario], terms.repeat))
    return Sheet(
        letter,
        "a day of a training: playing it, and an update per slot",
        "learners",
        "learner",
        (
            spread_column("playing, CPU s", "played_s"),
            spread_column("learning, CPU s", "learned_s"),
            number_column("playing, %", "played_percent", 1),
            number_column(f"min per {EPISODES} days", "minutes", 1),
        ),
        rows,
        notes=_notes(rows, terms.repeat),
    )


def _clocked(recipe: Recipe, days: tuple[Day, ...], repeat: int) -> _Clocked:
    worlds = Worlds(days, 1, recipe.settings)
    with extras_of(recipe.name):
        learner = recipe.begin(len(worlds.codec.view), len(worlds.codec.action), 1, worlds.codec)
    found = _Clocked([], [])
    for number in range(repeat + 1):
        began = process_time()
        episode = _played(worlds, learner)
        between = process_time()
        learner.learn([episode])
        if number:
            found.played_s.append(between - began)
            found.learned_s.append(process_time() - between)
    return found


def _played(worlds: Worlds, learner: Learner) -> Episode:
    """Let a learner play the first of the days, exploring."""
    lockstep = worlds.lockstep
    worlds.begin([0])
    views, actions, rewards = [lockstep.views[0].copy()], [], []
    while not lockstep.over:
        lockstep.actions[:] = learner.act(views[-1][None], explore=True)
        actions.append(lockstep.actions[0].astype(np.float32))
        worlds.step()
        rewards.append(lockstep.money[0, REWARD])
        views.append(lockstep.views[0].copy())
    return Episode(np.array(views), np.array(actions), np.array(rewards, np.float32))


def _row(found: _Clocked) -> Row:
    played_s, learned_s = float(np.median(found.played_s)), float(np.median(found.learned_s))
    return {
        **spread("played_s", found.played_s),
        **spread("learned_s", found.learned_s),
        "played_percent": 100.0 * played_s / (played_s + learned_s),
        "minutes": EPISODES * (played_s + learned_s) / 60.0,
    }


def _notes(rows: Mapping[str, Row], repeat: int) -> tuple[str, ...]:
    long = [name for name, row in rows.items() if row["minutes"] > TARGET_MIN]
    busy = [name for name, row in rows.items() if row["played_percent"] > 100.0 * TARGET_SHARE]
    return (
        f"{EPISODES} days are {repeat} timed ones scaled up, without judging and writing",
        f"longer than the paper's {TARGET_MIN:.0f} minutes: {', '.join(long) or 'none'}",
        f"playing takes more than {100 * TARGET_SHARE:.0f} %: {'; '.join(busy) or 'none'}",
    )
