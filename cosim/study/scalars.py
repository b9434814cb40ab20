"""A training's figures for TensorBoard: ``tensorboard --logdir DIR`` draws them while it goes on.

    DIR/tensorboard/events.out.tfevents.*   the log, a scalar per figure and episode

The log is what holds. When a training is taken up again, the file is written anew from it, so that
no episode is there twice, also where TensorBoard was not asked for at first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from time import time, time_ns
from typing import Any, BinaryIO

from cosim.errors import UsageError
from cosim.plugins import EXTRAS, OWN_DISTRIBUTION
from cosim.store.tables import read_log
from cosim.study.training_log import LOG

FOLDER, NAME = "tensorboard", "events.out.tfevents"
PLACES = {
    "return": "episode/return",
    "utility_usd": "episode/utility_usd",
    "late_share": "episode/late_share",
    "wall_s": "episode/wall_s",
    "held_out_usd": "held_out/utility_usd",
    "held_out_late_share": "held_out/late_share",
    "bonus_mean": "shaping/bonus_mean",
    "bonus_std": "shaping/bonus_std",
}
"""Where TensorBoard shows a figure of the log; any other, such as a loss, under ``learning/``."""
SILENT = ("episode", "day")


def check_scalars() -> None:
    """Refuse where TensorBoard is not installed.

    Raises:
        UsageError: naming the extra.
    """
    try:
        import tensorboard  # noqa: F401 - to see whether it is here
    except ImportError as problem:
        install = f"pip install '{OWN_DISTRIBUTION}[{EXTRAS['tensorboard']}]'"
        lacking = problem.name or "tensorboard"
        said = f"--tensorboard needs `{lacking}`, which is not here: {install}"
        raise UsageError(said) from None


class Scalars:
    """Writes what a training logs; the first row brings along those before it."""

    def __init__(self, folder: Path) -> None:
        """Lay out nothing yet.

        Args:
            folder: of the training.
        """
        self._log, self._home = folder / LOG, folder / FOLDER
        self._file: BinaryIO | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row that stands in the log already."""
        if self._file is None:
            self._begin()
        else:
            self._put(row, time())

    def close(self) -> None:
        """End, with the whole log written also where nothing was added."""
        if self._file is None and self._log.is_file():
            self._begin()
        if self._file is not None:
            self._file.close()

    def _begin(self) -> None:
        """Write a file of the whole log in the place of those of earlier times."""
        rows = read_log(self._log)
        self._home.mkdir(parents=True, exist_ok=True)
        for earlier in self._home.glob(f"{NAME}.*"):
            earlier.unlink()
        self._file = (self._home / f"{NAME}.{time_ns()}.cosim").open("wb")
        self._write({"file_version": "brain.Event:2", "wall_time": time()})
        left_s = sum(_seconds(row) for row in rows)
        for row in rows:
            left_s -= _seconds(row)
            self._put(row, time() - left_s)

    def _put(self, row: Mapping[str, Any], wall_time: float) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars_of(row)]
        summary = Summary(value=values)
        self._write({"step": int(row["episode"]), "wall_time": wall_time, "summary": summary})

    def _write(self, event: Mapping[str, Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        assert self._file is not None
        writer = RecordWriter(self._file)
        writer.write(Event(**event).SerializeToString())
        writer.flush()


def scalars_of(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Tags and values of a row; what it does not have is left out."""
    for name, value in row.items():
        if name not in SILENT and isfinite(value):
            yield PLACES.get(name, f"learning/{name}"), float(value)


def _seconds(row: Mapping[str, Any]) -> float:
    found = float(row.get("wall_s", 0.0))
    return found if isfinite(found) else 0.0
