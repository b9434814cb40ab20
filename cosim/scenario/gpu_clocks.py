"""How a GPU's clock may be set (DVFS), and what making the GPU emitted."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cosim.scenario.parts import Efficiency, NotNegative, Part, Positive


def _up_to_full(values: tuple[float, ...]) -> tuple[float, ...]:
    if any(b <= a for a, b in pairwise(values)) or values[-1] != 1:
        raise ValueError("must ascend to 1, which is full speed")
    return values


UpToFull = Annotated[tuple[Efficiency, ...], Field(min_length=1), AfterValidator(_up_to_full)]
Exponent = Annotated[float, Field(ge=1, le=100)]


class ClockTableSpec(Part):
    """A DVFS table: speed and power ratios, ascending, the last row full speed."""

    kind: Literal["table"] = "table"
    speed: tuple[Efficiency, ...] = Field(min_length=1)
    power: tuple[Efficiency, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _shape(self) -> ClockTableSpec:
        if len(self.speed) != len(self.power):
            raise ValueError(f"{len(self.speed)} speeds but {len(self.power)} powers")
        if any(b <= a for a, b in pairwise(self.speed)):
            raise ValueError("speed must ascend")
        if self.speed[-1] != 1 or self.power[-1] != 1:
            raise ValueError("the last row must be full speed: speed 1, power 1")
        if any(b < a for a, b in pairwise(self.power)):
            raise ValueError("power must not fall as speed rises")
        return self


class ClockCubicSpec(Part):
    """The textbook cubic: power = idle + (1 − idle)·speed³."""

    kind: Literal["cubic"]
    idle_ratio: Efficiency = 0.2
    speed: UpToFull = (0.6, 0.7, 0.8, 0.9, 1.0)


class ClockPowerLawSpec(Part):
    """A power law fitted to a sweep: power = p0 + (1 − p0)·speed^a."""

    kind: Literal["powerlaw"]
    p0: Efficiency = Field(
        description="Static share; fitted to Zeus's sweeps: V100 0.47, A40 0.56, RTX 6000 0.48, "
        "P100 0.70."
    )
    a: Exponent = Field(
        description="Exponent; from the same fits: V100 7.7, A40 7.5, RTX 6000 6.2, P100 11.7."
    )
    speed: UpToFull = (0.6, 0.7, 0.8, 0.9, 1.0)


class ClockRooflineSpec(Part):
    """Only the share δ of the work waits for the clock f: speed = 1 / (δ/f + 1 − δ)."""

    kind: Literal["roofline"]
    delta: Efficiency = Field(
        description="Clock-bound share δ of the time; Stable Diffusion: A100 0.05, V100 0.07."
    )
    p0: Efficiency = Field(default=0.6, description="Static share: power = p0 + (1 − p0)·f^a.")
    a: Exponent = Field(default=3.0, description="Exponent of the clock in the power.")
    clock: UpToFull = Field(
        default=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0), description="Relative clocks f, not speeds."
    )


GpuClock = Annotated[
    ClockTableSpec | ClockCubicSpec | ClockPowerLawSpec | ClockRooflineSpec,
    Field(discriminator="kind"),
]


class Embodied(Part):
    """Carbon of making the GPUs and their servers, reported beside the balance.

    What is left out comes from the table of the GPU kind.
    """

    gpu_kg: NotNegative | None = Field(
        default=None, description="Making one GPU [kg]; default: the embodied table."
    )
    server_kg: NotNegative | None = Field(
        default=None, description="Making a server without GPUs [kg]; default: the table."
    )
    gpus_per_server: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="GPUs that share a server; default: the table."
    )
    life_years: Annotated[Positive, Field(le=50)] | None = Field(
        default=None, description="Time until replacement [years]; default: the table."
    )
    use_share: Efficiency = Field(
        default=1.0,
        description="Share of that life in use. 1: every hour of the window carries its part; "
        "below 1: only busy hours do, and each more.",
    )
