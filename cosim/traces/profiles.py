"""Typed-in tables of GPUs, models and turbines, each row with its published source.

``service_profile("sdxl", "a100")`` says how long one denoising step of SDXL takes on an A100 and
what it draws. Speed depends on the software stack by a factor of two, so a profile names it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from cosim.errors import TraceError, did_you_mean
from cosim.physics.batching import BatchLaw, law_from
from cosim.traces.catalogue import Catalogue
from cosim.traces.profile_records import (
    DvfsTable,
    GpuSpec,
    LoadTime,
    QualityCurve,
    ServiceProfile,
    TurbineCurve,
)
from cosim.traces.series import Floats
from cosim.traces.table import read_text


@dataclass(frozen=True)
class _Row:
    """One CSV row that knows its place, so that a bad cell is named by file and line."""

    table: str
    line: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        if column not in self.cells:
            raise TraceError(f"profiles/{self.table}.csv: no column `{column}`")
        return self.cells[column]

    def number(self, column: str, *, low: float = 0.0) -> float:
        cell = self.text(column)
        try:
            value = float(cell)
        except ValueError:
            value = float("nan")
        if not low <= value < float("inf"):
            raise TraceError(
                f"profiles/{self.table}.csv:{self.line}: {column} is `{cell}`; "
                f"a number >= {low:g} is needed"
            )
        return value

    def optional(self, column: str) -> float | None:
        return self.number(column) if self.text(column).strip() else None


def service_profile(
    model: str,
    gpu: str,
    *,
    px: int | None = None,
    stack: str | None = None,
    root: Path | None = None,
) -> ServiceProfile:
    """Return the profile of a model on a GPU kind; without ``stack`` the first one listed.

    Raises:
        TraceError: for an unknown combination, or where the source publishes no power.
    """
    rows = _pick(_rows("services", root), "model", model)
    rows = _pick(rows, "gpu", gpu, within=f" for model `{model}`")
    if px is not None:
        rows = _pick(rows, "px", str(px), within=f" for `{model}` on `{gpu}`")
    if stack is not None:
        rows = _pick(rows, "stack", stack, within=f" for `{model}` on `{gpu}`")
    row = rows[0]
    watts = row.optional("step_w")
    if watts is None:
        raise TraceError(
            f"profiles/services.csv:{row.line}: no power was published for `{model}` on `{gpu}` "
            f"with {row.text('stack')}; choose another stack or give step_w in the scenario"
        )
    return ServiceProfile(
        model,
        int(row.number("px")),
        gpu,
        row.text("stack"),
        row.number("step_s"),
        watts,
        row.number("encode_s"),
        row.number("decode_s"),
        row.number("fixed_j"),
        row.text("source"),
        row.text("note"),
    )


def services(root: Path | None = None) -> list[tuple[str, str, str]]:
    """List the (model, gpu, stack) of every profile, in file order."""
    return [(r.text("model"), r.text("gpu"), r.text("stack")) for r in _rows("services", root)]


def dvfs_table(gpu: str, root: Path | None = None) -> DvfsTable:
    """Return the clock table of a GPU kind."""
    rows = _pick(_rows("dvfs", root), "gpu", gpu)
    speed, power = _column(rows, "speed_ratio"), _column(rows, "power_ratio")
    rising = bool(np.all(np.diff(speed) > 0) and np.all(np.diff(power) > 0))
    if not rising or speed[0] <= 0 or speed[-1] != 1 or power[-1] != 1:
        raise TraceError(
            f"profiles/dvfs.csv:{rows[0].line}: speed_ratio and power_ratio of `{gpu}` must rise "
            "from above 0 to 1, row by row"
        )
    assumed = tuple(row.number("assumption") > 0 for row in rows)
    return DvfsTable(gpu, speed, power, assumed, tuple(row.text("source") for row in rows))


def gpu_spec(kind: str, root: Path | None = None) -> GpuSpec:
    """Return idle, full, sleeping and server power of a GPU kind."""
    row = _pick(_rows("gpus", root), "kind", kind)[0]
    return GpuSpec(
        kind,
        row.number("idle_w"),
        row.number("max_w"),
        row.number("sleep_w"),
        row.number("server_overhead_w"),
        tuple(row.text("assumed").split()),
        row.text("source"),
    )


def batch_law(model: str, gpu: str, root: Path | None = None) -> BatchLaw:
    """Return how the steps of a model on a GPU kind grow with the images in them.

    Raises:
        TraceError: for an unknown combination, or times that no such law gives.
    """
    row = _pick(_rows("batching", root), "model", model)
    row = _pick(row, "gpu", gpu, within=f" for model `{model}`")
    images, one_s, batch_s = (row[0].number(name) for name in ("images", "one_s", "batch_s"))
    try:
        watts = row[0].optional("one_w"), row[0].optional("batch_w")
        return law_from(round(images), one_s, batch_s, *watts)
    except ValueError as problem:
        raise TraceError(f"profiles/batching.csv:{row[0].line}: {problem}") from None


def load_seconds(model: str, *, lora: bool = False, root: Path | None = None) -> LoadTime:
    """Return how long a model (or a LoRA for it) takes to load.

    The published statistics do not tell models apart, so every known model has the same.
    """
    _pick(_rows("services", root), "model", model)
    row = _pick(_rows("cold_start", root), "what", "lora" if lora else "base-model")[0]
    return LoadTime(
        row.text("what"),
        row.number("load_s_median"),
        row.optional("load_s_p95"),
        row.number("load_w"),
        row.text("source"),
    )


def turbine_curve(name: str, root: Path | None = None) -> TurbineCurve:
    """Return the power curve of a wind turbine."""
    rows = _pick(_rows("wind_turbines", root), "turbine", name)
    speed, ratio = _column(rows, "wind_speed_m_s"), _column(rows, "power_ratio")
    if np.any(np.diff(speed) <= 0) or ratio.max() > 1:
        raise TraceError(
            f"profiles/wind_turbines.csv:{rows[0].line}: wind speeds of `{name}` must rise and "
            "power_ratio stay within 0 to 1"
        )
    head = rows[0]
    height_m, rated_kw = head.number("hub_height_m"), head.number("rated_kw")
    return TurbineCurve(name, height_m, rated_kw, speed, ratio, head.text("source"))


def quality_curve(model: str, root: Path | None = None) -> QualityCurve:
    """Return the revenue curve of a model; the parameters are flagged assumptions."""
    row = _pick(_rows("quality_curves", root), "model", model)[0]
    return QualityCurve(
        model,
        row.text("kind"),
        row.number("a"),
        row.number("c0"),
        tuple(row.text("assumed").split()),
        row.text("source"),
    )


def quality_points(model: str, data: str, root: Path | None = None) -> tuple[Floats, Floats]:
    """Return published (steps, CLIP score) of a model on a data set, both shape (points,)."""
    rows = _pick(_rows("quality_points", root), "model", model)
    rows = _pick(rows, "data", data, within=f" for model `{model}`")
    return _column(rows, "steps"), _column(rows, "clip")


def check_tables(root: Path | None = None) -> list[str]:
    """Read every row of every table; return what is wrong, one line each."""
    readers: tuple[tuple[str, str, Callable[[str], object]], ...] = (
        ("dvfs", "gpu", lambda name: dvfs_table(name, root)),
        ("gpus", "kind", lambda name: gpu_spec(name, root)),
        ("wind_turbines", "turbine", lambda name: turbine_curve(name, root)),
        ("quality_curves", "model", lambda name: quality_curve(name, root)),
        ("services", "model", lambda name: load_seconds(name, root=root)),
    )
    problems = [
        problem
        for table, key, read in readers
        for name in _distinct(row.text(key) for row in _rows(table, root))
        if (problem := _complaint(read, name))
    ]
    for row in _rows("batching", root):
        problem = _complaint(partial(batch_law, gpu=row.text("gpu"), root=root), row.text("model"))
        problems += [problem] if problem else []
    for model, gpu, stack in services(root):
        problem = _complaint(
            partial(_service_or_unpowered, gpu=gpu, stack=stack, root=root), model
        )
        problems += [problem] if problem else []
    return problems


def _service_or_unpowered(model: str, *, gpu: str, stack: str, root: Path | None) -> None:
    """Read a profile unless its source gives no power (then its speed alone is checked)."""
    rows = _pick(_pick(_rows("services", root), "model", model), "gpu", gpu)
    row = _pick(rows, "stack", stack)[0]
    row.number("step_s")
    if row.optional("step_w") is not None:
        service_profile(model, gpu, stack=stack, root=root)


def _complaint(read: Callable[[str], object], name: str) -> str:
    try:
        read(name)
    except TraceError as error:
        return str(error)
    return ""


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _column(rows: Sequence[_Row], column: str) -> Floats:
    return np.array([row.number(column) for row in rows], dtype=np.float64)


def _pick(rows: Sequence[_Row], column: str, name: str, *, within: str = "") -> list[_Row]:
    found = [row for row in rows if row.text(column) == name]
    if not found:
        known = sorted(_distinct(row.text(column) for row in rows))
        table = rows[0].table if rows else "?"
        raise TraceError(
            f"profiles/{table}.csv: no {column} `{name}`{within}{did_you_mean(name, known)}"
        )
    return found


def _rows(table: str, root: Path | None) -> tuple[_Row, ...]:
    path = Catalogue.load(root).verified_path(f"profiles/{table}")
    return _read(path, table, path.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _read(path: Path, table: str, _mtime_ns: int) -> tuple[_Row, ...]:
    reader = csv.DictReader(read_text(path, f"profiles/{table}").splitlines(), strict=True)
    return tuple(
        _Row(table, reader.line_num, {k: v or "" for k, v in row.items()}) for row in reader
    )
