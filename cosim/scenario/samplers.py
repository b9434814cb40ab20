"""How a model is sampled: fewer, cheaper or better placed denoising steps than its reference."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cosim.scenario.parts import Efficiency, Part


class PublishedSampler(Part):
    """A sampler of the sampler table, e.g. `lightning` or `deepcache-n5`."""

    kind: Literal["published"] = "published"
    name: str = Field(description="Name in the sampler table, for this model's profile.")
    steps: int | None = Field(
        default=None,
        ge=1,
        description="Step count of the row, where the sampler was published at several.",
    )


class OwnSampler(Part):
    """A sampler by three numbers of your own."""

    kind: Literal["own"]
    step_gain: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=1.0, description="Steps of the reference that one step is worth."
    )
    time_factor: Annotated[float, Field(gt=0, le=10)] = Field(
        default=1.0, description="Time and energy of a step relative to the reference's."
    )
    ceiling: Efficiency = Field(
        default=1.0, description="Best quality relative to the reference's best."
    )


Sampler = Annotated[PublishedSampler | OwnSampler, Field(discriminator="kind")]
