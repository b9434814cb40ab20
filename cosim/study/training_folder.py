"""The folder of a training: what was played, what the learner remembers, and what acts.

    DIR/train.json                 what is trained: learner, options, days, seed
        scenario.lock.yaml         the scenario, resolved
        lessons.safetensors      what it was told before its first day, where it asked
        days/000001.safetensors    what the learner saw, did and was paid, a file per episode
        memory-000012.safetensors  networks, optimisers and moments after episode 12
        memory.json                which of them holds, and the states of all dice: written last
        training.parquet           a row per episode
        actor.json, actor.safetensors  what acts: ``-p NAME@DIR``

An episode counts once ``memory.json`` says so. A stop at any point, a cut of power included, loses
only the episode that was being played; the rest is taken up as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.gym.learner import Episode, Lessons, Memory, Worths
from cosim.gym.tensors import from_bytes, to_bytes
from cosim.store.atomic import read_json, sweep, write_json, write_text, write_with
from cosim.store.tables import read_log, write_log
from cosim.store.terms import differing, read_terms, refuse_another

FORMAT = 1
TERMS, LOCK, COMMIT, LOG = "train.json", "scenario.lock.yaml", "memory.json", "training.parquet"
LESSONS = "lessons.safetensors"
COMPARED = ("policy", "options", "seed", "world_hash", "dates", "held_out", "job_seeds")


@dataclass(frozen=True)
class Standing:
    """How far a training has come.

    Attributes:
        episodes: what was played.
        memory: what the learner remembers.
        rows: of the log.
        facts: what the trainer noted.
    """

    episodes: list[Episode]
    memory: Memory
    rows: list[dict[str, Any]]
    facts: dict[str, Any]


class TrainingFolder:
    """One training on disk.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, terms: Mapping[str, Any], lock: str) -> None:
        """Make the folder of a new training.

        Raises:
            UsageError: something is there already.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise UsageError(f"{self.path} is not empty; go on with --resume, or name another")
        write_json(self.path / TERMS, {"format": FORMAT, **terms})
        write_text(self.path / LOCK, lock)

    def open(self, terms: Mapping[str, Any], lock: str) -> Standing | None:
        """Go on with the same training.

        Args:
            terms: what is trained.
            lock: the scenario, resolved; written where a stop came before it.

        Returns:
            How far it has come; None if no episode is finished.

        Raises:
            UsageError: it is another training, or damaged; says where.
        """
        if not (self.path / TERMS).is_file():
            raise UsageError(f"{self.path} holds no training to resume: it has no {TERMS}")
        found = read_terms(self.path / TERMS, FORMAT)
        refuse_another(self.path, "training", differing(found, terms, COMPARED))
        sweep(self.path)
        if not (self.path / LOCK).is_file():
            write_text(self.path / LOCK, lock)
        if not (self.path / COMMIT).is_file():
            return None
        return self._standing(read_json(self.path / COMMIT))

    def keep_lessons(self, lessons: Lessons) -> None:
        """Write what a learner is told before its first day."""
        arrays: dict[str, Any] = {}
        for number, day in enumerate(lessons.demonstrations):
            arrays |= {f"{number:06d}.{name}": each for name, each in _arrays(day).items()}
        if lessons.worths is not None:
            arrays |= {f"worths.{name}": each for name, each in vars(lessons.worths).items()}
        self._write(self.path / LESSONS, to_bytes(arrays))

    def lessons(self) -> Lessons | None:
        """What was told; None if nothing was, or a stop came before.

        Raises:
            UsageError: the file is damaged.
        """
        if not (self.path / LESSONS).is_file():
            return None
        arrays = self._read(self.path / LESSONS)
        numbers = sorted({name[:6] for name in arrays if name[:6].isdigit()})
        try:
            days = [_episode({n: arrays[f"{k}.{n}"] for n in PARTS}) for k in numbers]
            told = "worths.gpu_usd_s" in arrays
            stored = arrays["worths.stored_usd_kwh"] if told else None
            worths = Worths(stored, arrays["worths.gpu_usd_s"]) if stored is not None else None
        except KeyError as missing:
            raise UsageError(f"{self.path / LESSONS} is damaged: it lacks {missing}") from None
        return Lessons(tuple(days), worths)

    def save(
        self,
        episode: Episode,
        memory: Memory,
        rows: Sequence[Mapping[str, Any]],
        facts: Mapping[str, Any],
    ) -> None:
        """Write an episode and what was learned of it; it counts when the last file is there."""
        done = len(rows)
        self._write(self._day(done), to_bytes(_arrays(episode)))
        self._write(self._memory(done), to_bytes(memory.tensors))
        write_log(self.path / LOG, rows)
        commit = {"format": FORMAT, "episodes": done, "learner": memory.facts, **facts}
        write_json(self.path / COMMIT, commit)
        self._memory(done - 1).unlink(missing_ok=True)

    # inside -----------------------------------------------------------------------------

    def _standing(self, commit: Mapping[str, Any]) -> Standing:
        done, learner = commit.get("episodes"), commit.get("learner")
        if type(done) is not int or done < 1 or not isinstance(learner, dict):
            raise UsageError(f"{self.path / COMMIT} is damaged: it does not say what was done")
        episodes = [self._episode(number) for number in range(1, done + 1)]
        memory = Memory(learner, self._read(self._memory(done)))
        for other in set(self.path.glob("memory-*.safetensors")) - {self._memory(done)}:
            other.unlink(missing_ok=True)
        rows = read_log(self.path / LOG)[:done]
        if len(rows) < done:
            raise UsageError(f"{self.path / LOG} is damaged: {len(rows)} rows, {done} expected")
        return Standing(episodes, memory, rows, dict(commit))

    def _episode(self, number: int) -> Episode:
        arrays = self._read(self._day(number))
        try:
            return _episode(arrays)
        except KeyError as missing:
            raise UsageError(f"{self._day(number)} is damaged: it lacks {missing}") from None

    def _day(self, number: int) -> Path:
        return self.path / "days" / f"{number:06d}.safetensors"

    def _memory(self, number: int) -> Path:
        return self.path / f"memory-{number:06d}.safetensors"

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            return from_bytes(path.read_bytes(), path)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None

    def _write(self, path: Path, content: bytes) -> None:
        write_with(path, lambda temporary: _put(temporary, content))


PARTS = ("views", "actions", "rewards")


def _arrays(episode: Episode) -> dict[str, Any]:
    return {name: getattr(episode, name) for name in PARTS}


def _episode(arrays: Mapping[str, Any]) -> Episode:
    return Episode(*(arrays[name] for name in PARTS))


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
