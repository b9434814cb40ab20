"""What the profile tables say of GPUs, models and turbines, as typed records."""

from __future__ import annotations

from dataclasses import dataclass

from cosim.traces.series import Floats


@dataclass(frozen=True)
class ServiceProfile:
    """One model on one GPU kind with one software stack (T = t⁰ + c·s, batch 1).

    Attributes:
        model: model name, e.g. ``sdxl``.
        px: edge of the square image [pixel].
        gpu: GPU kind, e.g. ``a100``.
        stack: software that was measured.
        step_s: seconds per denoising step and image at full clock.
        step_w: mean draw of the GPU board during a step [W].
        encode_s: seconds before the first step.
        decode_s: seconds after the last step.
        fixed_j: energy of encoding and decoding together [J].
        source: who published it.
        note: what is assumed.
    """

    model: str
    px: int
    gpu: str
    stack: str
    step_s: float
    step_w: float
    encode_s: float
    decode_s: float
    fixed_j: float
    source: str
    note: str


@dataclass(frozen=True, eq=False)
class DvfsTable:
    """Speed and power of a GPU at each clock level, ascending; the last level is full clock.

    Attributes:
        gpu: GPU kind.
        speed_ratio: speed relative to full clock, shape (levels,), last 1.
        power_ratio: busy power relative to full clock, shape (levels,), last 1.
        assumed: per level, whether the row is an assumption rather than a measurement.
        sources: per level.
    """

    gpu: str
    speed_ratio: Floats
    power_ratio: Floats
    assumed: tuple[bool, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True)
class GpuSpec:
    """Power of a GPU kind outside its busy time.

    Attributes:
        kind: GPU kind.
        idle_w: loaded and waiting [W].
        max_w: limit of the board [W].
        sleep_w: asleep, model unloaded [W].
        server_overhead_w: share of the host server per GPU, always drawn [W].
        assumed: which of these no source gives.
        source: for the others.
    """

    kind: str
    idle_w: float
    max_w: float
    sleep_w: float
    server_overhead_w: float
    assumed: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class LoadTime:
    """Loading weights onto a GPU that had other ones.

    Attributes:
        what: ``base-model`` or ``lora``.
        median_s: median load time [s].
        p95_s: 95th percentile [s], None where not published.
        load_w: draw of the GPU while loading [W].
        source: who published it.
    """

    what: str
    median_s: float
    p95_s: float | None
    load_w: float
    source: str


@dataclass(frozen=True, eq=False)
class TurbineCurve:
    """Power of a wind turbine against the wind speed at its hub.

    Attributes:
        name: turbine name.
        hub_height_m: height of the hub [m].
        rated_kw: rated power [kW].
        wind_speed_m_s: ascending, shape (points,).
        power_ratio: power / rated, 0 to 1, shape (points,); linear between points, 0 outside.
        source: who published it.
    """

    name: str
    hub_height_m: float
    rated_kw: float
    wind_speed_m_s: Floats
    power_ratio: Floats
    source: str


@dataclass(frozen=True)
class QualityCurve:
    """Parameters of v(c) = v_max / (1 + exp(-a (c - c0))), c denoising steps.

    Attributes:
        model: model name.
        kind: shape of the curve.
        a: steepness [1/step].
        c0: steps at half value.
        assumed: parameters that are assumptions.
        source: why these.
    """

    model: str
    kind: str
    a: float
    c0: float
    assumed: tuple[str, ...]
    source: str
