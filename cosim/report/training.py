"""What a report of a training is made of: the logs of one learner, or of several on one scenario.

Trainings of the same learner with the same options differ in their seed: their curves form one
band. Everything is read from the folders that ``cosim train`` wrote; nothing is run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cosim.errors import UsageError
from cosim.report.inputs import Floats
from cosim.store.atomic import read_json
from cosim.store.tables import read_log
from cosim.study.training_folder import LOG, TERMS


@dataclass(frozen=True)
class Training:
    """One training, as far as it has come.

    Attributes:
        folder: where it lies.
        terms: what was trained, on what.
        rows: its log, a row per episode.
    """

    folder: Path
    terms: dict[str, Any]
    rows: list[dict[str, Any]]

    @property
    def options(self) -> dict[str, Any]:
        """The learner's options, defaults included."""
        return dict(self.terms.get("options") or {})

    @property
    def seed(self) -> int:
        """The seed of everything that was drawn."""
        return int(self.terms.get("seed", 0))

    def column(self, name: str) -> Floats:
        """A column of the log, one value per episode; NaN where an episode has none."""
        found = [row.get(name) for row in self.rows]
        return np.array([math.nan if v is None else float(v) for v in found], dtype=np.float64)


@dataclass(frozen=True)
class Lesson:
    """Trainings of one learner that differ in their seed.

    Attributes:
        name: of the learner, with its options.
        trainings: in the order of their seeds.
    """

    name: str
    trainings: tuple[Training, ...]

    @property
    def episodes(self) -> int:
        """Episodes that every training has."""
        return min(len(training.rows) for training in self.trainings)

    def table(self, column: str) -> Floats:
        """A column of all logs, shape (trainings, episodes that all have)."""
        return np.array([t.column(column)[: self.episodes] for t in self.trainings])


def is_training(folder: Path) -> bool:
    """Whether a folder is that of a training."""
    return (folder / TERMS).is_file()


def read_training(folder: Path) -> Training:
    """Read the log of a training.

    Raises:
        UsageError: it is none, or no episode is finished.
    """
    if not is_training(folder):
        raise UsageError(f"{folder} is not the folder of a training: it has no {TERMS}")
    if not (folder / LOG).is_file():
        raise UsageError(f"{folder} holds no finished episode yet; report it once it has one")
    rows = read_log(folder / LOG)
    if not rows or any("return" not in row or "utility_usd" not in row for row in rows):
        raise UsageError(f"{folder / LOG} is damaged: it lacks the return of its episodes")
    return Training(folder, read_json(folder / TERMS), rows)


def lessons(trainings: Sequence[Training]) -> list[Lesson]:
    """Put trainings of one learner and the same options together, in the order they came.

    A lesson is named after its learner and the options in which the trainings differ.

    Raises:
        UsageError: they are of different scenarios or dates, so that curves do not compare.
    """
    first = trainings[0]
    for other in trainings[1:]:
        differs = [
            key
            for key in ("world_hash", "dates", "held_out")
            if other.terms.get(key) != first.terms.get(key)
        ]
        if differs:
            raise UsageError(
                f"{other.folder} and {first.folder} differ in {', '.join(differs)}: their curves "
                "do not compare; report them apart"
            )
    grouped: dict[str, list[Training]] = {}
    for training in trainings:
        grouped.setdefault(_name(training, _differing(trainings)), []).append(training)
    return [
        Lesson(name, tuple(sorted(members, key=lambda t: t.seed)))
        for name, members in grouped.items()
    ]


def _differing(trainings: Sequence[Training]) -> list[str]:
    """Options that the trainings of some learner do not share."""
    values: dict[tuple[str, str], set[str]] = {}
    for training in trainings:
        for option, chosen in training.options.items():
            values.setdefault((str(training.terms.get("policy")), option), set()).add(repr(chosen))
    return sorted({option for (_, option), chosen in values.items() if len(chosen) > 1})


def _name(training: Training, differing: Sequence[str]) -> str:
    learner, options = str(training.terms.get("policy", "learner")), training.options
    listed = ", ".join(f"{name}={options[name]}" for name in differing if name in options)
    return f"{learner} ({listed})" if listed else learner
