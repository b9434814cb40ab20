"""One policy on one seed: what is to be run, running it, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.errors import CosimError
from cosim.prepare import Stage
from cosim.run import RunResult, run
from cosim.study.recipe import Recipe

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Unit:
    """One run to be made.

    Attributes:
        policy: name of the scheduling policy.
        seed: the seed.
        energy: name of the energy layer, None for the scenario's.
        stage: which of the stages it is played on.
        folder: where its result is written.
        keep: whether the whole result is handed back where there is no folder; else its digest
            and its key figures are all that is left of it.
    """

    policy: str
    seed: int
    energy: str | None = None
    stage: str = ""
    folder: Path | None = None
    keep: bool = True

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
        result: the whole result, None where it was written to a folder or is not kept.
        wall_s: wall-clock time of the run [s].
        cpu_s: processor time of the run [s].
    """

    unit: Unit
    digest: str
    kpis: Mapping[str, float]
    result: RunResult | None
    wall_s: float = 0.0
    cpu_s: float = 0.0


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


def attempt(on: Stage | Recipe, unit: Unit, progress: Progress | None = None) -> Done | Failed:
    """Run a unit; keep or write its result."""
    try:
        stage = on.prepared() if isinstance(on, Recipe) else on
        kept = unit.keep or unit.folder is not None
        result = run(
            stage,
            policy=unit.policy,
            energy=unit.energy,
            seed=unit.seed,
            progress=progress,
            lock=None if kept else "",
        )
        if unit.folder is not None:
            from cosim.store import save_run

            save_run(unit.folder, result)
    except CosimError as error:
        return failed(error, f"\n(in the run of {unit})")
    whole = result if unit.folder is None and unit.keep else None
    return Done(unit, result.digest, dict(result.kpis), whole, result.wall_s, result.cpu_s)


def failed(error: CosimError, where: str) -> Failed:
    """An error ready to travel: its unit named in its text and in the message it is made from."""
    fields = dict(error.__dict__)
    if isinstance(fields.get("message"), str):
        fields["message"] += where
    return Failed(type(error), f"{error}{where}", fields)
