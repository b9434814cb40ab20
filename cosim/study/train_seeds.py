"""Trainings that differ in their seed alone, and the best of them as what acts.

    DIR/seeds.json     which seeds; once all have ended, what each was worth on held-out days
        seed-1/ …      a training each (:mod:`cosim.study.training_folder`)
        actor.json, actor.safetensors  the best of them on held-out days: ``-p NAME@DIR``

The best of n seeds says little of the learner: who trains it once gets one of the others as often.
So the checkpoint carries what all seeds came to, with their median and quartiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from cosim.cache import kernels_are_compiled
from cosim.errors import UsageError
from cosim.gym.checkpoint import read_checkpoint, write_checkpoint
from cosim.gym.days import Day
from cosim.gym.learner import Recipe
from cosim.gym.worlds import Worlds
from cosim.scenario.load import Loaded
from cosim.store.atomic import sweep, write_json
from cosim.store.terms import read_terms
from cosim.study.curriculum import Plan, chosen_days
from cosim.study.scalars import check_scalars
from cosim.study.seed_pool import side_by_side
from cosim.study.train import Told, Trained, train
from cosim.study.training_folder import SEEDS, TERMS

FORMAT = 1
FOLDER = "seed-{}"


@dataclass(frozen=True)
class Result:
    """What one seed came to.

    Attributes:
        seed: the seed.
        episodes: days that it played.
        best_episode: after which its checkpoint was made; 0: before the first.
        held_out_usd: mean utility of the held-out days under its checkpoint.
        held_out_last_usd: the same when it was judged last: as it ended, not at its best.
        held_out_before_usd: the same before its first episode.
        digest: its fingerprint.
    """

    seed: int
    episodes: int
    best_episode: int
    held_out_usd: float
    held_out_last_usd: float
    held_out_before_usd: float
    digest: str


@dataclass(frozen=True)
class Seeded:
    """What trainings of several seeds left behind.

    Attributes:
        folder: their folder, which is also a checkpoint: the best one's.
        results: what each seed came to, in the order asked for.
    """

    folder: Path
    results: tuple[Result, ...]

    @property
    def kept(self) -> Result:
        """The seed that was best on held-out days; the first of equals."""
        return max(self.results, key=lambda each: each.held_out_usd)

    @property
    def quartiles_usd(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile over seeds, each at its best [USD]."""
        usd = [each.held_out_usd for each in self.results]
        low, middle, high = np.quantile(usd, (0.25, 0.5, 0.75)).tolist()
        return low, middle, high

    @property
    def digest(self) -> str:
        """Fingerprint of all trainings."""
        joined = "\n".join(each.digest for each in self.results)
        return blake2b(joined.encode(), digest_size=16).hexdigest()

    def facts(self) -> dict[str, Any]:
        """For programs, and for the checkpoint."""
        low, middle, high = self.quartiles_usd
        spread = {"held_out_median_usd": middle, "held_out_iqr_usd": [low, high]}
        results = [asdict(each) for each in self.results]
        return {"kept_seed": self.kept.seed, **spread, "results": results}


@dataclass(frozen=True)
class _Order:
    """All that a training of one of the seeds needs, ready to be sent to a process."""

    loaded: Loaded
    recipe: Recipe
    plan: Plan
    out: Path
    command: str
    scalars: bool

    def __call__(self, seed: int, told: Told) -> Result:
        """Train with a seed, or go on with it."""
        folder = self.out / FOLDER.format(seed)
        begun = (folder / TERMS).is_file()
        if not begun and folder.is_dir():
            sweep(folder)  # a stop may have come before anything was there
        plan = replace(self.plan, seed=seed)
        found = train(
            self.loaded,
            self.recipe,
            plan,
            folder,
            resume=begun,
            command=self.command,
            scalars=self.scalars,
            told=told,
        )
        return _result(seed, found)


def train_seeds(
    loaded: Loaded,
    recipe: Recipe,
    plan: Plan,
    seeds: Sequence[int],
    out: Path,
    *,
    jobs: int = 1,
    resume: bool = False,
    command: str = "",
    scalars: bool = False,
    told: Told = lambda done, total, row: None,
) -> Seeded:
    """Train a learner with several seeds and keep the best on held-out days as what acts.

    Args:
        loaded: the scenario.
        recipe: the learner.
        plan: how long and on what; its own seed is not used.
        seeds: the seeds, all different.
        out: the folder; empty, or with ``resume`` that of such trainings.
        jobs: trainings side by side, each in a process; results do not depend on it.
        resume: go on where they stopped; seeds may be added.
        command: the command line, for the checkpoints.
        scalars: write them for TensorBoard, too, each seed its own.
        told: called after every episode with (done, of) over all seeds, and its row, in which
            ``seed`` stands.

    Raises:
        UsageError: no days are held out to choose by, days are too few, the folder holds
            something else, or torch or TensorBoard is missing.
    """
    if not plan.hold_out:
        raise UsageError("the best of several seeds is chosen on held-out days; hold some out")
    if scalars:
        check_scalars()
    days, _ = chosen_days(loaded, plan)
    _open(out, seeds, resume=resume)
    if jobs > 1 and len(seeds) > 1:
        _compile_once(days, recipe)
    order = _Order(loaded, recipe, plan, out, command, scalars)
    results = side_by_side(order, seeds, plan.episodes, jobs=jobs, told=told)
    found = Seeded(out, tuple(results[seed] for seed in seeds))
    _keep_best(found)
    return found


def _open(out: Path, seeds: Sequence[int], *, resume: bool) -> None:
    """Make the folder, or go on in it.

    Raises:
        UsageError: it holds something else, or seeds that are not asked for any more.
    """
    if resume and not (out / SEEDS).is_file():
        said = "that of one seed goes on with --seed" if (out / TERMS).is_file() else "none began"
        raise UsageError(f"{out} holds no trainings of several seeds: it has no {SEEDS}; {said}")
    if not resume and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; go on with --resume, or name another")
    if resume:
        sweep(out)
        _check_seeds(out, seeds)
    write_json(out / SEEDS, {"format": FORMAT, "seeds": list(seeds)})


def _check_seeds(out: Path, seeds: Sequence[int]) -> None:
    """Refuse to leave out a seed that was trained: its result belongs to the others."""
    begun = read_terms(out / SEEDS, FORMAT).get("seeds")
    if not isinstance(begun, list):
        raise UsageError(f"{out / SEEDS} is damaged: it does not list its seeds")
    left_out = [str(seed) for seed in begun if seed not in seeds]
    if left_out:
        raise UsageError(
            f"{out} was begun with more seeds: {', '.join(left_out)}; name them, too, or another "
            "folder with --out: a best seed says nothing without those that it is the best of"
        )


def _compile_once(days: Sequence[Day], recipe: Recipe) -> None:
    """Compile here what every process would compile for itself on a fresh machine."""
    if not kernels_are_compiled():
        worlds = Worlds(days[:1], 1, recipe.settings)
        worlds.begin([0])
        worlds.step()


def _result(seed: int, found: Trained) -> Result:
    judged = [row.get("held_out_usd", np.nan) for row in found.rows]
    known = [usd for usd in judged if np.isfinite(usd)]
    return Result(
        seed,
        len(found.rows),
        found.best_episode,
        found.held_out_usd,
        known[-1] if known else found.before_usd,
        found.before_usd,
        found.digest,
    )


def _keep_best(found: Seeded) -> None:
    """Make the best seed's checkpoint that of the folder, and tell what all came to."""
    best = read_checkpoint(found.folder / FOLDER.format(found.kept.seed))
    trained: Mapping[str, Any] = best.fact("trained", dict)
    facts = {**best.facts, "trained": {**trained, "seeds": found.facts()}}
    write_checkpoint(found.folder, facts, best.tensors)
    seeds = [each.seed for each in found.results]
    write_json(found.folder / SEEDS, {"format": FORMAT, "seeds": seeds, **found.facts()})
