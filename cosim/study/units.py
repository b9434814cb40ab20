"""One policy on one seed: what is to be run, running it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.errors import CosimError
from cosim.prepare import Stage
from cosim.run import RunResult, run

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Unit:
    """One run to be made.

    Attributes:
        policy: name of the scheduling policy.
        seed: the seed.
        energy: name of the energy layer, None for the scenario's.
        stage: which of the stages it is played on.
        folder: where its result is written; None hands the whole result back instead.
    """

    policy: str
    seed: int
    energy: str | None = None
    stage: str = ""
    folder: Path | None = None

    def __str__(self) -> str:
        on = f" on `{self.stage}`" if self.stage else ""
        return f"policy `{self.policy}`, seed {self.seed}{on}"


@dataclass(frozen=True)
class Done:
    """A unit that has ended.

    Attributes:
        unit: the unit.
        digest: fingerprint of its result.
        kpis: its key figures.
        result: the whole result, None where it was written to the unit's folder.
    """

    unit: Unit
    digest: str
    kpis: Mapping[str, float]
    result: RunResult | None


@dataclass(frozen=True)
class Failed:
    """An error of ours on its way between processes: exceptions with fields do not pickle."""

    kind: type[CosimError]
    text: str
    fields: Mapping[str, Any]

    def unwrap(self) -> Done:
        """Raise the error as what it was."""
        error = self.kind.__new__(self.kind)
        Exception.__init__(error, self.text)
        error.__dict__.update(self.fields)
        raise error


def attempt(stage: Stage, unit: Unit, progress: Progress | None = None) -> Done | Failed:
    """Run a unit; keep or write its result."""
    try:
        result = run(
            stage, policy=unit.policy, energy=unit.energy, seed=unit.seed, progress=progress
        )
        if unit.folder is not None:
            from cosim.store import save_run

            save_run(unit.folder, result)
    except CosimError as error:
        return _failed(error, f"\n(in the run of {unit})")
    kept = result if unit.folder is None else None
    return Done(unit, result.digest, dict(result.kpis), kept)


def _failed(error: CosimError, where: str) -> Failed:
    """An error with its unit named, in its text and in the message that its text is made from."""
    fields = dict(error.__dict__)
    if isinstance(fields.get("message"), str):
        fields["message"] += where
    return Failed(type(error), f"{error}{where}", fields)
