"""What an image is still worth that comes too late: nothing, or a share that shrinks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario.parts import Part, Share

_MONTH_S = 30 * 86_400.0
Grace = Annotated[float, Field(ge=0, le=_MONTH_S)]
Scale = Annotated[float, Field(ge=1e-3, le=_MONTH_S)]
Cutoff = Annotated[float, Field(ge=0, le=3 * _MONTH_S)]
Due = Annotated[
    Literal["lost", "late"],
    Field(
        description="`lost`: the penalty falls due in the share that is not paid; `late`: in full "
        "for every late image."
    ),
]


class HardLateness(Part):
    """Nothing is paid after the deadline: JEMAS."""

    kind: Literal["hard"] = "hard"


class StepLateness(Part):
    """A share of the price within the grace, nothing after it."""

    kind: Literal["step"]
    grace_s: Grace = Field(description="Delay after the deadline within which it is paid [s].")
    share: Share = Field(default=1.0, description="Share of the price paid within the grace.")
    penalty: Due = "lost"


class LinearLateness(Part):
    """From the share after the grace the price falls in a straight line to 0."""

    kind: Literal["linear"]
    scale_s: Scale = Field(description="Delay in which the price falls to 0 [s].")
    grace_s: Grace = Field(default=0.0, description="Delay within which the share is paid [s].")
    share: Share = Field(default=1.0, description="Share of the price paid within the grace.")
    penalty: Due = "lost"


class ExponentialLateness(Part):
    """From the share after the grace the price decays, and ends at the cutoff."""

    kind: Literal["exponential"]
    scale_s: Scale = Field(description="Delay in which the price falls to 1/e [s].")
    grace_s: Grace = Field(default=0.0, description="Delay within which the share is paid [s].")
    cutoff_s: Cutoff = Field(
        default=86_400.0, description="Delay beyond which nothing is paid [s]."
    )
    share: Share = Field(default=1.0, description="Share of the price paid within the grace.")
    penalty: Due = "lost"

    @model_validator(mode="after")
    def _ordered(self) -> ExponentialLateness:
        if self.cutoff_s < self.grace_s:
            raise ValueError(
                f"cutoff_s {self.cutoff_s:g} is before the end of the grace, {self.grace_s:g} s"
            )
        return self


LatenessSpec = Annotated[
    HardLateness | StepLateness | LinearLateness | ExponentialLateness,
    Field(discriminator="kind"),
]
