"""Typed-in tables of GPUs, models and turbines, each row with its published source.

``service_profile("sdxl", "a100")`` says how long one denoising step of SDXL takes on an A100 and
what it draws. Speed depends on the software stack by a factor of two, so a profile names it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from cosim.errors import TraceError
from cosim.traces.profile_records import (
    DvfsTable,
    GpuSpec,
    LoadTime,
    QualityCurve,
    ServiceProfile,
    TurbineCurve,
)
from cosim.traces.profile_rows import column_of, distinct, nearest_rows, pick, rows_of
from cosim.traces.series import Floats
from cosim.traces.service_tables import check_service_tables


def service_profile(
    model: str,
    gpu: str,
    *,
    px: int | None = None,
    stack: str | None = None,
    nearest_px: bool = False,
    root: Path | None = None,
) -> ServiceProfile:
    """Return the profile of a model on a GPU kind; without ``stack`` the first one listed.

    Args:
        model: model name.
        gpu: GPU kind.
        px: edge of the image [pixel]; default: the first one listed.
        stack: software stack.
        nearest_px: where no row has that edge, take the row of the nearest.
        root: folder of traces; default: the bundled ones.

    Raises:
        TraceError: for an unknown combination, or where the source publishes no power.
    """
    rows = pick(rows_of("services", root), "model", model)
    rows = pick(rows, "gpu", gpu, within=f" for model `{model}`")
    if stack is not None:
        rows = pick(rows, "stack", stack, within=f" for `{model}` on `{gpu}`")
    if px is not None and nearest_px:
        rows = nearest_rows(rows, px)
    elif px is not None:
        rows = pick(rows, "px", str(px), within=f" for `{model}` on `{gpu}`")
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
    return [(r.text("model"), r.text("gpu"), r.text("stack")) for r in rows_of("services", root)]


def dvfs_table(gpu: str, root: Path | None = None) -> DvfsTable:
    """Return the clock table of a GPU kind."""
    rows = pick(rows_of("dvfs", root), "gpu", gpu)
    speed, power = column_of(rows, "speed_ratio"), column_of(rows, "power_ratio")
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
    row = pick(rows_of("gpus", root), "kind", kind)[0]
    return GpuSpec(
        kind,
        row.number("idle_w"),
        row.number("max_w"),
        row.number("sleep_w"),
        row.number("server_overhead_w"),
        tuple(row.text("assumed").split()),
        row.text("source"),
    )


def load_seconds(model: str, *, lora: bool = False, root: Path | None = None) -> LoadTime:
    """Return how long a model (or a LoRA for it) takes to load.

    The published statistics do not tell models apart, so every known model has the same.
    """
    pick(rows_of("services", root), "model", model)
    row = pick(rows_of("cold_start", root), "what", "lora" if lora else "base-model")[0]
    return LoadTime(
        row.text("what"),
        row.number("load_s_median"),
        row.optional("load_s_p95"),
        row.number("load_w"),
        row.text("source"),
    )


def turbine_curve(name: str, root: Path | None = None) -> TurbineCurve:
    """Return the power curve of a wind turbine."""
    rows = pick(rows_of("wind_turbines", root), "turbine", name)
    speed, ratio = column_of(rows, "wind_speed_m_s"), column_of(rows, "power_ratio")
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
    row = pick(rows_of("quality_curves", root), "model", model)[0]
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
    rows = pick(rows_of("quality_points", root), "model", model)
    rows = pick(rows, "data", data, within=f" for model `{model}`")
    return column_of(rows, "steps"), column_of(rows, "clip")


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
        for name in distinct(row.text(key) for row in rows_of(table, root))
        if (problem := _complaint(read, name))
    ]
    for model, gpu, stack in services(root):
        problem = _complaint(
            partial(_service_or_unpowered, gpu=gpu, stack=stack, root=root), model
        )
        problems += [problem] if problem else []
    return problems + check_service_tables(root)


def _service_or_unpowered(model: str, *, gpu: str, stack: str, root: Path | None) -> None:
    """Read a profile unless its source gives no power (then its speed alone is checked)."""
    rows = pick(pick(rows_of("services", root), "model", model), "gpu", gpu)
    row = pick(rows, "stack", stack)[0]
    row.number("step_s")
    if row.optional("step_w") is not None:
        service_profile(model, gpu, stack=stack, root=root)


def _complaint(read: Callable[[str], object], name: str) -> str:
    try:
        read(name)
    except TraceError as error:
        return str(error)
    return ""
