"""Finished runs of a sweep, each a small file named after what went into it.

    points/3f9a…e1.json    digest, key figures and times of one policy on one seed of one point

The name is a fingerprint of scenario, traces, code, policy and seed, so a run that is asked for
again is found again, whatever else the sweep holds; a file appears complete or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.store.atomic import read_json, sweep, write_json

POINTS = "points"
_ADDRESS = re.compile(r"[0-9a-f]{16,64}")
_FIELDS = {"digest": str, "kpis": dict, "wall_s": float, "cpu_s": float}


@dataclass(frozen=True)
class Mark:
    """What is kept of a finished run.

    Attributes:
        digest: fingerprint of its result.
        kpis: its key figures.
        wall_s: wall-clock time [s].
        cpu_s: processor time [s].
    """

    digest: str
    kpis: Mapping[str, float]
    wall_s: float
    cpu_s: float


class PointStore:
    """The finished runs in one folder.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path / POINTS

    def begin(self) -> None:
        """Remove what a killed process left half-written."""
        if self.path.is_dir():
            sweep(self.path)

    def get(self, address: str) -> Mark | None:
        """A finished run, None if there is none.

        Raises:
            UsageError: its file was damaged; says how to go on.
        """
        file = self._file(address)
        if not file.is_file():
            return None
        data = read_json(file)
        wrong = [name for name, kind in _FIELDS.items() if not isinstance(data.get(name), kind)]
        if wrong:
            raise UsageError(f"{file} is damaged ({', '.join(wrong)}); remove it and go on")
        nan = float("nan")
        kpis = {name: nan if v is None else float(v) for name, v in data["kpis"].items()}
        return Mark(data["digest"], kpis, data["wall_s"], data["cpu_s"])

    def put(self, address: str, mark: Mark, **told: Any) -> None:
        """Keep a finished run.

        Args:
            address: its fingerprint.
            mark: what is kept of it.
            told: what people want to know when they look into the file.
        """
        write_json(self._file(address), {**told, **vars(mark)})

    def _file(self, address: str) -> Path:
        if not _ADDRESS.fullmatch(address):
            raise UsageError(f"`{address}` is not the fingerprint of a run")
        return self.path / f"{address}.json"
