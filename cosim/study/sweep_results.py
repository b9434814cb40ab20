"""What came of a sweep, finished or not: a table of runs, means and paired differences per point.

Everything is read from the folder, so that a report can be had at any time, from a sweep that is
running, was stopped, or came from another machine. Tables and digest follow from the finished runs
alone: they are the same bytes however and where these were run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from statistics import fmean
from typing import Any

from cosim.errors import UsageError
from cosim.metrics import UNSTABLE
from cosim.quantities import NOMENCLATURE
from cosim.scenario.days import day_of
from cosim.store.atomic import write_json
from cosim.store.points import Mark, PointStore
from cosim.store.tables import write_results
from cosim.store.terms import read_terms
from cosim.study.shown import shown
from cosim.study.statistics import mean_cell, paired_cell

FORMAT = 1
MANIFEST, RESULTS, SUMMARY = "sweep.json", "results", "summary.json"
FIGURES = (
    *("utility_usd", "revenue_usd", "energy_cost_usd", "late_share"),
    *("quality_mean", "carbon_kg", "energy_kwh"),
)
"""Key figures of the summary; the table of runs has all."""
_SINCE = ("days", "cautions")
"""A sweep of an earlier version has none of these."""
_FIELDS = {
    **dict.fromkeys(("kind", "name", "about", "design", "energy", "command"), str),
    **dict.fromkeys(("policies", "seeds", "axes", "notes", "points", *_SINCE), list),
    "variants": dict,
}
Cell = dict[str, Any]


@dataclass(frozen=True)
class SweptPoint:
    """One scenario of a sweep and what has finished on it.

    Attributes:
        label: what it is, in words.
        variant: name of its variant, empty where there is none.
        settings: the keys that it sets.
        values: what every varied key is at it.
        base: number of the point it is compared with, None if it stands alone.
        marks: (policy, seed) → finished run.
    """

    label: str
    variant: str
    settings: Mapping[str, Any]
    values: Mapping[str, Any]
    base: int | None
    marks: Mapping[tuple[str, int], Mark] = field(repr=False)

    def figures(self, policy: str, kpi: str) -> dict[int, float]:
        """A key figure by seed, over the finished runs of a policy."""
        nan = float("nan")
        return {s: m.kpis.get(kpi, nan) for (p, s), m in self.marks.items() if p == policy}


@dataclass(frozen=True)
class Sweep:
    """A sweep and what has finished of it.

    Attributes:
        folder: where it is kept.
        kind: ``sweep``, ``ablation`` or ``study``.
        name: its name.
        about: the question it asks.
        design: how points are laid over the axes.
        energy: energy layer of the scenario.
        policies: names, the baseline first.
        seeds: the paired seeds.
        axes: what is varied how, as plain data.
        variants: their names with what they mean.
        notes: what the user should know.
        points: the points.
        command: the command line that asked for it.
        days: dates of the runs; none: the scenario's own window was played.
        cautions: what makes a ranking worth less than it seems.
    """

    folder: Path
    kind: str
    name: str
    about: str
    design: str
    energy: str
    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    axes: tuple[Mapping[str, Any], ...]
    variants: Mapping[str, str]
    notes: tuple[str, ...]
    points: tuple[SweptPoint, ...] = field(repr=False)
    command: str = ""
    days: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def repeats(self) -> str:
        """How often each point is played under each policy, in words."""
        each = len(self.seeds) // max(1, len(self.days))
        seeds = f"{each} seed{'s' * (each > 1)}"
        return f"{len(self.days)} days with {seeds} each" if len(self.days) > 1 else seeds

    @property
    def total(self) -> int:
        """How many runs it has."""
        return len(self.points) * len(self.policies) * len(self.seeds)

    @cached_property
    def finished(self) -> int:
        """How many of them have finished."""
        return sum(len(point.marks) for point in self.points)

    @cached_property
    def digest(self) -> str:
        """Fingerprint over all finished runs, in the order of points, policies and seeds."""
        seal = blake2b(digest_size=16)
        for number, policy, seed, mark in self._runs():
            label = self.points[number].label
            seal.update(f"{label}\x1f{policy}\x1f{seed}\x1f{mark.digest}\n".encode())
        return seal.hexdigest()

    def _runs(self) -> list[tuple[int, str, int, Mark]]:
        return [
            (number, policy, seed, point.marks[policy, seed])
            for number, point in enumerate(self.points)
            for policy in self.policies
            for seed in self.seeds
            if (policy, seed) in point.marks
        ]

    # tables -----------------------------------------------------------------------------

    def columns(self) -> dict[str, list[Any]]:
        """One row per finished run: where it stands, its digest and its key figures.

        Key figures that are measured on the machine's clock are left out.
        """
        runs = self._runs()
        kpis = [name for name in self._kpis() if name not in UNSTABLE]
        keys = list(dict.fromkeys(key for point in self.points for key in point.values))
        return {
            "point": [number for number, *_ in runs],
            "label": [self.points[number].label for number, *_ in runs],
            **{key: [_cell(self.points[n].values.get(key)) for n, *_ in runs] for key in keys},
            "policy": [policy for _, policy, *_ in runs],
            **({"day": [str(day_of(seed)) for _, _, seed, _ in runs]} if self.days else {}),
            "seed": [seed for _, _, seed, _ in runs],
            "digest": [mark.digest for *_, mark in runs],
            **{kpi: [mark.kpis.get(kpi) for *_, mark in runs] for kpi in kpis},
        }

    def _kpis(self) -> list[str]:
        there = {kpi for *_, mark in self._runs() for kpi in mark.kpis}
        return [name for name in NOMENCLATURE if name in there] + sorted(there - set(NOMENCLATURE))

    def write(self) -> Sweep:
        """Write the table of runs and the summary beside them; return the sweep."""
        write_results(self.folder, RESULTS, self.columns())
        write_json(self.folder / SUMMARY, self.to_json())
        return self

    # means and differences --------------------------------------------------------------

    def drawn(self, values: Mapping[int, float]) -> list[float]:
        """Values as chance has drawn them: one per seed, or one per day where there are several.

        Args:
            values: by seed; those of a day are averaged.
        """
        if len(self.days) < 2:
            return list(values.values())
        parts: dict[date, list[float]] = {}
        for seed, value in values.items():
            parts.setdefault(day_of(seed), []).append(value)
        return [fmean(part) for part in parts.values()]

    def mean(self, number: int, policy: str, kpi: str) -> Cell:
        """Mean of a key figure at a point over the finished seeds, with its interval."""
        return mean_cell(self.drawn(self.points[number].figures(policy, kpi)))

    def lead(self, number: int, policy: str, kpi: str) -> Cell:
        """Paired difference to the baseline policy at the same point."""
        point = self.points[number]
        base = point.figures(self.policies[0], kpi)
        return self._paired(kpi, point.figures(policy, kpi), base)

    def change(self, number: int, policy: str, kpi: str) -> Cell:
        """Paired difference of a point to its base, under one policy.

        Raises:
            ValueError: the point stands alone.
        """
        base = self.points[number].base
        if base is None:
            raise ValueError(f"point {number} has no base")
        mine, theirs = (self.points[n].figures(policy, kpi) for n in (number, base))
        return self._paired(kpi, mine, theirs)

    def _paired(self, kpi: str, mine: Mapping[int, float], theirs: Mapping[int, float]) -> Cell:
        both = [seed for seed in mine if seed in theirs]
        pair = [self.drawn({seed: values[seed] for seed in both}) for values in (mine, theirs)]
        return paired_cell(kpi, *pair)

    def to_json(self) -> dict[str, Any]:
        """The sweep as plain data for ``--json``."""
        return {
            "kind": self.kind,
            "scenario": self.name,
            "design": self.design,
            "seeds": list(self.seeds),
            **({"days": list(self.days)} if self.days else {}),
            **({"cautions": list(self.cautions)} if self.cautions else {}),
            "baseline": self.policies[0],
            "axes": [dict(axis) for axis in self.axes],
            "variants": dict(self.variants),
            "notes": list(self.notes),
            "finished": self.finished,
            "total": self.total,
            "digest": self.digest,
            "points": [self._point_json(number) for number in range(len(self.points))],
        }

    def _point_json(self, number: int) -> dict[str, Any]:
        point, others = self.points[number], self.policies[1:]
        data: dict[str, Any] = {
            "label": point.label,
            "variant": point.variant,
            "settings": dict(point.settings),
            "policies": {p: _row(self.mean, number, p) for p in self.policies},
            "paired": {p: _row(self.lead, number, p) for p in others},
        }
        if point.base is not None:
            data["base"] = self.points[point.base].label
            data["change"] = {p: _row(self.change, number, p) for p in self.policies}
        return data


def _row(cell: Callable[[int, str, str], Cell], number: int, policy: str) -> dict[str, Cell]:
    return {kpi: _pick(cell(number, policy, kpi)) for kpi in FIGURES}


def _pick(cell: Cell) -> Cell:
    return {name: value for name, value in cell.items() if name in ("mean", "diff", "ci95")}


def _cell(value: Any) -> Any:
    """A value of a key in a table: numbers and texts as such, anything else as its text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return shown(value)


# --- from the folder ------------------------------------------------------------------------


def is_sweep(folder: Path) -> bool:
    """Whether a folder holds a sweep."""
    return (folder / MANIFEST).is_file()


def load_sweep(folder: Path) -> Sweep:
    """Read a sweep with whatever of it has finished.

    Raises:
        UsageError: it is none, of another version, or damaged.
    """
    if not is_sweep(folder):
        raise UsageError(f"{folder} is not the folder of a sweep: it has no {MANIFEST}")
    data = {name: [] for name in _SINCE} | read_terms(folder / MANIFEST, FORMAT)
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(data.get(name), kind)]
    if wrong:
        raise UsageError(f"{folder / MANIFEST} is damaged: {', '.join(wrong)}")
    store = PointStore(folder)
    try:
        points = tuple(_swept(row, store) for row in data["points"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{folder / MANIFEST} is damaged: points: {error}") from None
    told: dict[str, Any] = {name: data[name] for name in _FIELDS}
    listed = ("policies", "seeds", "axes", "notes", *_SINCE)
    told |= {name: tuple(data[name]) for name in listed}
    return Sweep(folder, **{**told, "points": points})


def _swept(row: Mapping[str, Any], store: PointStore) -> SweptPoint:
    marks = {
        (policy, int(seed)): mark
        for policy, runs in row["runs"].items()
        for seed, address in runs.items()
        if (mark := store.get(address)) is not None
    }
    told = {name: row[name] for name in ("label", "variant", "settings", "values", "base")}
    return SweptPoint(**told, marks=marks)
