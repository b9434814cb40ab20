"""How far a piece of work has come, as its folder tells while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cosim.report.training import is_training, single
from cosim.store import RunDirectory
from cosim.store.tables import read_log
from cosim.study.sweep_results import is_sweep, load_sweep
from cosim.study.training_log import LOG, parted


@dataclass(frozen=True)
class Progress:
    """What is finished.

    Attributes:
        done: runs of a study, or episodes of trainings, that are finished.
        total: runs of the study; None for trainings, whose folders do not say when they end.
    """

    done: int
    total: int | None

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.total is not None and self.done >= self.total

    @property
    def words(self) -> str:
        """``3 of 12 runs`` or ``40 episodes``."""
        if self.total is None:
            return f"{self.done} episode{'' if self.done == 1 else 's'}"
        return f"{self.done} of {self.total} runs"


def progress_of(folders: Sequence[Path]) -> Progress:
    """Count what is finished in the folders of trainings, or in that of one study or sweep.

    Raises:
        UsageError: a folder holds neither.
    """
    if all(map(is_training, folders)):
        logs = [folder / LOG for folder in single(folders)]
        done = sum(len(parted(read_log(log))[1]) for log in logs if log.is_file())
        return Progress(done, None)
    if is_sweep(folders[0]):
        sweep = load_sweep(folders[0])
        return Progress(sweep.finished, sweep.total)
    study = RunDirectory.open(folders[0])
    pairs = [(policy, seed) for policy in study.policies for seed in study.seeds]
    return Progress(sum(study.finished(*pair) for pair in pairs), len(pairs))
