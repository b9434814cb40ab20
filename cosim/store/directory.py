"""The folder of one study: a frozen scenario, a manifest and a folder per policy and seed.

The manifest is for people and programs to read; what is finished is known from the runs' own
markers, so a manifest that is older than its runs does no harm.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.run import RunResult, versions
from cosim.scenario.days import begun, day_of
from cosim.scenario.lock import lock_text, scenario_hash
from cosim.scenario.model import Scenario
from cosim.store import unit
from cosim.store.atomic import write_json, write_text
from cosim.store.differences import differences
from cosim.store.names import policy_slug
from cosim.store.own_traces import changed_traces, keep_traces
from cosim.store.terms import read_terms, refuse_another

FORMAT = 1
MANIFEST = "manifest.json"
LOCK = "scenario.lock.yaml"
_TERMS = ("policies", "seeds", "days", "energy", "versions", "traces", "command", "created_utc")
_ADDED: dict[str, Any] = {"days": []}
"""Terms that folders of earlier versions lack, and what they meant."""


def new_folder(scenario: Scenario, root: Path = Path("runs")) -> Path:
    """Return ``root/<UTC stamp>-<scenario>-<hash8>``, not made yet, and not taken."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{stamp}-{scenario.name}-{scenario_hash(scenario)[:8]}"
    candidates = [name, *(f"{name}-{i}" for i in range(2, 100))]
    return next(root / name for name in candidates if not (root / name).exists())


@dataclass
class RunDirectory:
    """The folder of a study.

    Attributes:
        path: the folder.
        scenario: the scenario of all its runs.
        scenario_yaml: its lock, as it stands in the folder.
        policies: names, the baseline first.
        seeds: the paired seeds; on days each holds its date (`cosim.scenario.days.seed_on`).
        days: dates at which the windows began, in ISO 8601; empty: the scenario's own.
        energy: energy layer under all policies, empty before it is known.
        versions: versions of cosim and of what its numbers depend on.
        traces: trace as the scenario names it → SHA-256 of its file.
        command: the command line that made it.
        created_utc: when it was made.
    """

    path: Path
    scenario: Scenario
    scenario_yaml: str
    policies: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    days: tuple[str, ...] = ()
    energy: str = ""
    versions: dict[str, str] = field(default_factory=versions)
    traces: dict[str, str] = field(default_factory=dict)
    command: str = ""
    created_utc: str = ""
    _windows: dict[date, tuple[Scenario, str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def create(
        cls, path: Path, scenario: Scenario | str, *, base: Path | str | None = None, **terms: Any
    ) -> RunDirectory:
        """Make the folder of a new study.

        Args:
            path: a folder that does not exist or is empty.
            scenario: the scenario, or its lock.
            base: folder of the YAML; the user's own traces are copied from there.
            terms: what the manifest says besides: ``policies``, ``seeds``, ``energy``,
                ``traces``, ``command``.

        Raises:
            UsageError: something is there already.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            hint = "go on with --resume, or " if (path / MANIFEST).is_file() else ""
            raise UsageError(f"{path} is not empty; {hint}name another folder")
        text = scenario if isinstance(scenario, str) else lock_text(scenario)
        tree = unit.scenario_from_text(text, LOCK) if isinstance(scenario, str) else scenario
        made = cls(path, tree, text, created_utc=datetime.now(UTC).isoformat(), **terms)
        write_text(path / LOCK, text)
        if base is not None:
            keep_traces(path, tree, Path(base))
        made.write_manifest()
        return made

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open the folder of a study.

        Raises:
            UsageError: it is none, or of another version.
            ScenarioError: its lock was damaged.
        """
        if not (path / MANIFEST).is_file():
            raise UsageError(f"{path} is not the folder of a study: it has no {MANIFEST}")
        manifest = read_terms(path / MANIFEST, FORMAT)
        terms: dict[str, Any] = {name: manifest.get(name, _ADDED.get(name)) for name in _TERMS}
        missing = [name for name, value in terms.items() if value is None]
        if missing:
            raise UsageError(f"{path / MANIFEST} is damaged: it lacks {', '.join(missing)}")
        terms |= {name: tuple(terms[name] or ()) for name in ("policies", "seeds", "days")}
        text = _lock(path)
        return cls(path, unit.scenario_from_text(text, str(path / LOCK)), text, **terms)

    @classmethod
    def resume(
        cls, path: Path, scenario: Scenario, *, base: Path | str | None = None, **terms: Any
    ) -> RunDirectory:
        """Open a folder to go on with the same study; policies and seeds may be added.

        Args:
            path: the folder; a new one is made where there is none.
            scenario: the scenario, which must mean the same.
            base: folder of the YAML; the user's own traces there must be the same.
            terms: as for :meth:`create`; energy layer and traces must be the same.

        Raises:
            UsageError: it belongs to another study; says what differs.
        """
        if not (path / MANIFEST).is_file():
            return cls.create(path, scenario, base=base, **terms)
        found = cls.open(path)
        asked = cls(path, scenario, lock_text(scenario), **terms)
        differs = differences(found, asked)
        if base is not None:
            changed = changed_traces(path, scenario, Path(base))
            differs += [f"trace {name}: its file has changed" for name in changed]
        refuse_another(path, "study", differs)
        found.policies = _union(found.policies, asked.policies)
        found.seeds = _union(found.seeds, asked.seeds)
        found.write_manifest()
        return found

    # runs -------------------------------------------------------------------------------

    def folder(self, policy: str, seed: int) -> Path:
        """Folder of one run."""
        return self.path / policy_slug(policy) / f"seed-{seed}"

    def add_seeds(self, seeds: Sequence[int]) -> None:
        """Take in seeds that are about to be run."""
        self.seeds = _union(self.seeds, seeds)

    def finished(self, policy: str, seed: int) -> bool:
        """Whether a run is complete."""
        return self.mark(policy, seed) is not None

    def mark(self, policy: str, seed: int) -> dict[str, Any] | None:
        """Key figures, digest and times of a finished run; None if it is not finished."""
        return unit.marker(self.folder(policy, seed))

    def discard_if_unfinished(self) -> None:
        """Remove the folder if no run in it has finished: an error leaves nothing half-written."""
        pairs = [(policy, seed) for policy in self.policies for seed in self.seeds]
        if not any(self.finished(policy, seed) for policy, seed in pairs):
            shutil.rmtree(self.path, ignore_errors=True)

    def save(self, result: RunResult) -> None:
        """Write a run and note it in the manifest."""
        unit.save_run(self.folder(result.policy, result.seed), result)
        self.policies = _union(self.policies, (result.policy,))
        self.seeds = _union(self.seeds, (result.seed,))
        self.energy = self.energy or result.energy
        self.traces |= traces_of(result.provenance)
        self.write_manifest()

    def load(self, policy: str, seed: int) -> RunResult:
        """Read a finished run back."""
        scenario, text = self._played(seed)
        found = unit.load_run(self.folder(policy, seed), scenario, text)
        if (found.policy, found.seed) != (policy, seed):
            raise UsageError(
                f"{self.folder(policy, seed)} holds policy `{found.policy}`, seed {found.seed}; "
                "the folder was moved or renamed"
            )
        return found

    def _played(self, seed: int) -> tuple[Scenario, str]:
        """The scenario of a seed's run and its lock: begun at the date that the seed holds."""
        if not self.days:
            return self.scenario, self.scenario_yaml
        day = day_of(seed)
        if day not in self._windows:
            scenario = begun(self.scenario, day)
            self._windows[day] = scenario, lock_text(scenario)
        return self._windows[day]

    # manifest ---------------------------------------------------------------------------

    def write_manifest(self) -> None:
        """Write down what the study is and how far it has come."""
        runs = [self._row(policy, seed) for policy in self.policies for seed in self.seeds]
        write_json(
            self.path / MANIFEST,
            {
                "format": FORMAT,
                "scenario": self.scenario.name,
                "scenario_hash": scenario_hash(self.scenario),
                **{name: getattr(self, name) for name in _TERMS},
                "finished": sum(row["status"] == "finished" for row in runs),
                "wall_s": sum(row.get("wall_s", 0.0) for row in runs),
                "runs": runs,
            },
        )

    def _row(self, policy: str, seed: int) -> dict[str, Any]:
        mark = self.mark(policy, seed)
        folder = self.folder(policy, seed).relative_to(self.path).as_posix()
        row: dict[str, Any] = {"policy": policy, "seed": seed, "folder": folder}
        if mark is None:
            return {**row, "status": "pending"}
        return {**row, "status": "finished", "digest": mark["digest"], "wall_s": mark["wall_s"]}


def traces_of(provenance: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Trace as the scenario names it → SHA-256 of its file."""
    return {str(row["ref"]): str(row["sha256"]) for row in provenance}


def _union(known: tuple[Any, ...], more: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys([*known, *more]))


def _lock(path: Path) -> str:
    try:
        return (path / LOCK).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path / LOCK} cannot be read: {error}") from None
