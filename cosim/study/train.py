"""Training: a learner plays days of a scenario, learns, and is judged on days it does not play.

Which day an episode plays, and everything that the learner draws, comes from streams named after
the seed: the same training gives the same checkpoint, also when it was stopped and resumed. The
held-out days choose which checkpoint is kept and when to stop; a verdict needs days that are
neither. A learner is judged before its first day too, when it knows what it was shown and no more:
if learning makes it worse, what it was before is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from cosim.errors import UsageError
from cosim.gym.checkpoint import write_checkpoint
from cosim.gym.learner import Learner, Recipe
from cosim.plugins import extras_of
from cosim.rng import stream
from cosim.scenario.load import Loaded
from cosim.scenario.lock import lock_text
from cosim.study.curriculum import Plan, chosen_days, origin_of, terms_of
from cosim.study.lessons import lessons_for
from cosim.study.playing import Played, Stage
from cosim.study.scalars import Scalars, check_scalars
from cosim.study.training_folder import TrainingFolder
from cosim.study.training_log import before_row, parted


@dataclass(frozen=True)
class Trained:
    """What a training left behind.

    Attributes:
        folder: its folder, which is also its checkpoint.
        rows: its log, a row per episode.
        best_episode: the episode after which the kept checkpoint was made; 0: before the first.
        held_out_usd: mean utility of the held-out days under it; NaN where there are none.
        before_usd: the same before the first episode; NaN where that was not judged.
        stopped: whether it stopped early.
        digest: fingerprint of the last actor and all returns; equal for equal trainings on
            machines of one kind.
    """

    folder: Path
    rows: list[dict[str, Any]]
    best_episode: int
    held_out_usd: float
    before_usd: float
    stopped: bool
    digest: str


Told = Callable[[int, int, Mapping[str, Any]], None]


@dataclass
class _Course:
    """A training under way."""

    recipe: Recipe
    plan: Plan
    folder: TrainingFolder
    stage: Stage
    exam: Stage | None
    learner: Learner
    origin: dict[str, Any]
    before: dict[str, Any] | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    best_usd: float = -np.inf
    best_episode: int = 0
    idle_judgements: int = 0

    def run(self, told: Told) -> bool:
        """Play what is left; whether it stopped early."""
        if self.exam is not None and not self.rows:
            self._begin()
        while len(self.rows) < self.plan.episodes and not self.enough:
            self._episode()
            told(len(self.rows), self.plan.episodes, self.rows[-1])
        return self.enough

    @property
    def enough(self) -> bool:
        """Whether judgements have stopped to rise."""
        return 0 < self.plan.patience <= self.idle_judgements

    def _begin(self) -> None:
        """Judge what the learner knows before its first day."""
        began = perf_counter()
        row = {**before_row(), **self._judged(0)}
        self.before = {**row, "wall_s": perf_counter() - began}

    def _episode(self) -> None:
        began, number = perf_counter(), len(self.rows)
        dice = stream(self.plan.seed, "train", "day", str(number))
        day = int(dice.integers(len(self.stage.worlds.days)))
        played = self.stage.play(day, self.learner, explore=True)
        figures = self.learner.learn([played.episode])
        row = {"episode": number + 1, **_told_of(played), **figures, **self._judged(number + 1)}
        self.rows.append({**row, "wall_s": perf_counter() - began})
        facts = {name: getattr(self, name) for name in STANDING}
        log = [self.before, *self.rows] if self.before else self.rows
        self.folder.save(played.episode, self.learner.memory(), log, facts)

    def _judged(self, done: int) -> dict[str, float]:
        """Judge the learner where it is time, and keep the best checkpoint."""
        last = done == self.plan.episodes
        if self.exam is None:
            if last or done % self.plan.evaluate_every == 0:
                self._keep(done, float("nan"), float("nan"))
            return {}
        if not last and done % self.plan.evaluate_every:
            return {}
        usd, late_share = self.exam.judge(self.learner)
        self.idle_judgements += 1
        if usd > self.best_usd:
            self.best_usd, self.idle_judgements = usd, 0
            self._keep(done, usd, late_share)
        return {"held_out_usd": usd, "held_out_late_share": late_share}

    def _keep(self, done: int, usd: float, late_share: float) -> None:
        self.best_episode = done
        actor = self.learner.actor()
        trained = {"episodes": done, "held_out_usd": usd, "held_out_late_share": late_share}
        facts = {**actor.facts, **self.origin, "trained": self.origin["trained"] | trained}
        write_checkpoint(self.folder.path, facts, actor.tensors)


STANDING = ("best_usd", "best_episode", "idle_judgements")


def train(
    loaded: Loaded,
    recipe: Recipe,
    plan: Plan,
    out: Path,
    *,
    resume: bool = False,
    command: str = "",
    scalars: bool = False,
    told: Told = lambda done, total, row: None,
) -> Trained:
    """Train a learner.

    Args:
        loaded: the scenario.
        recipe: the learner.
        plan: how long and on what.
        out: the folder; empty, or with ``resume`` that of the same training.
        resume: go on where it stopped.
        command: the command line, for the checkpoint.
        scalars: write them for TensorBoard, too.
        told: called after every episode with (done, of, its row).

    Raises:
        UsageError: days are too few, the folder holds something else, or torch or TensorBoard is
            missing.
    """
    if scalars:
        check_scalars()
    days, held_out = chosen_days(loaded, plan)
    terms = terms_of(loaded, recipe, plan, days, held_out)
    stage = Stage(days, recipe.settings)
    exam = Stage(held_out, recipe.settings) if held_out else None
    codec = stage.worlds.codec
    folder, lock = TrainingFolder(out), lock_text(loaded.scenario)
    standing = folder.open(terms, lock) if resume else None
    kept = folder.lessons() if resume else None
    lessons = lessons_for(recipe, days) if kept is None else kept
    told_before = {} if lessons is None else {"lessons": lessons}
    with extras_of(recipe.name):
        learner = recipe.begin(len(codec.view), len(codec.action), plan.seed, codec, **told_before)
    if not resume:
        folder.create({**terms, "command": command}, lock)
    if lessons is not None and kept is None:
        folder.keep_lessons(lessons)
    origin = origin_of(loaded, recipe, stage, {**terms, "command": command})
    course = _Course(recipe, plan, folder, stage, exam, learner, origin)
    if standing is not None:
        _take_up(course, standing.rows, standing.facts)
        learner.recall(standing.episodes)
        _restored(folder, learner, standing.memory)
    if scalars:
        with closing(Scalars(out)) as shown:
            stopped = course.run(_both(shown, told))
    else:
        stopped = course.run(told)
    return Trained(
        out,
        course.rows,
        course.best_episode,
        course.best_usd if held_out else float("nan"),
        course.before["held_out_usd"] if course.before else float("nan"),
        stopped,
        _digest(course),
    )


def _both(scalars: Scalars, told: Told) -> Told:
    """Tell TensorBoard, and then whoever else listens."""

    def tell(done: int, total: int, row: Mapping[str, Any]) -> None:
        scalars.add(row)
        told(done, total, row)

    return tell


def _take_up(course: _Course, rows: list[dict[str, Any]], facts: Mapping[str, Any]) -> None:
    course.before, course.rows = parted(rows)
    course.best_episode = int(facts.get("best_episode", 0))
    course.idle_judgements = int(facts.get("idle_judgements", 0))
    best = facts.get("best_usd")
    course.best_usd = -np.inf if best is None else float(best)


def _restored(folder: TrainingFolder, learner: Learner, memory: Any) -> None:
    try:
        learner.restore(memory)
    except ValueError as problem:
        raise UsageError(f"{folder.path} is damaged: {problem}") from None


def _told_of(played: Played) -> dict[str, Any]:
    """What the log says of a day."""
    return {
        "day": played.day,
        "return": float(played.episode.rewards.sum(dtype=np.float64)),
        "utility_usd": played.utility_usd,
        "late_share": played.late_share,
    }


def _digest(course: _Course) -> str:
    seal = blake2b(digest_size=16)
    for name, array in sorted(course.learner.actor().tensors.items()):
        seal.update(name.encode() + np.ascontiguousarray(array).tobytes())
    returns = [row["return"] for row in course.rows]
    seal.update(np.rint(np.array(returns) * 1e6).astype("<i8").tobytes())
    return seal.hexdigest()
