"""The folder of a shaping ablation: one log per arm, each complete or not there.

    DIR/README.md                     the page, of all scenarios in DIR
        summary.json                  the same for programs
        SCENARIO/study.json           what was asked
                 scenario.lock.yaml   the scenario, resolved
                 references.json      what classical policies earn on the held-out days
                 arms/ARM.parquet     a row per judgement and seed; written when an arm has ended
                 training.parquet, training.csv   all arms in one table

A stop at any point, a cut of power included, loses the arm that was being trained and no other.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.store.atomic import read_json, sweep, write_json, write_text
from cosim.store.tables import read_log, write_log
from cosim.store.terms import differing, read_terms, refuse_another

FORMAT = 1
TERMS, LOCK, REFERENCES = "study.json", "scenario.lock.yaml", "references.json"
LOG, SHEET, ARMS = "training.parquet", "training.csv", "arms"
COMPARED = (
    "world_hash",
    "seeds",
    "episodes",
    "judge_every",
    "dates",
    "held_out",
    "options",
)


class ShapingFolder:
    """One scenario's ablation on disk.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, terms: Mapping[str, Any], lock: str, *, resume: bool) -> None:
        """Begin, or go on with the same study.

        Raises:
            UsageError: something else is there; says what differs.
        """
        if (self.path / TERMS).is_file():
            if not resume:
                raise UsageError(f"{self.path} holds a study; go on with --resume")
            refuse_another(self.path, "study", differing(self.terms(), terms, COMPARED))
            sweep(self.path)
            sweep(self.path / ARMS)
        elif self.path.exists() and any(self.path.iterdir()):
            raise UsageError(f"{self.path} is not empty and holds no study; name another --out")
        else:
            write_text(self.path / LOCK, lock)
            write_json(self.path / TERMS, {"format": FORMAT, **terms})

    def terms(self) -> dict[str, Any]:
        """What was asked.

        Raises:
            UsageError: it is damaged or of another version.
        """
        return read_terms(self.path / TERMS, FORMAT)

    def has(self, arm: str) -> bool:
        """Whether an arm has ended."""
        return self._arm(arm).is_file()

    def keep(self, arm: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the log of an arm that has ended."""
        write_log(self._arm(arm), [{"arm": arm, **row} for row in rows])

    def log(self, arm: str) -> list[dict[str, Any]]:
        """The rows of an arm."""
        return read_log(self._arm(arm))

    def ended(self, order: Sequence[str]) -> list[str]:
        """Arms that have ended, in a given order."""
        return [arm for arm in order if self.has(arm)]

    def gather(self, order: Sequence[str]) -> None:
        """Write all arms as one table, as Parquet and as CSV."""
        rows = [row for arm in self.ended(order) for row in self.log(arm)]
        if rows:
            write_log(self.path / LOG, rows)
            write_text(self.path / SHEET, _sheet(rows))

    def references(self) -> dict[str, Any] | None:
        """What classical policies earn, if that was found out."""
        path = self.path / REFERENCES
        return read_json(path) if path.is_file() else None

    def keep_references(self, found: Mapping[str, Any]) -> None:
        """Write what classical policies earn."""
        write_json(self.path / REFERENCES, found)

    def _arm(self, arm: str) -> Path:
        return self.path / ARMS / f"{arm}.parquet"


def _sheet(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; a column that a row lacks stays empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
