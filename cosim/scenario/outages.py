"""What goes wrong at a site: GPUs that fail by chance, and planned outages of GPUs and network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cosim.scenario.parts import Part
from cosim.scenario.spans import Span


class Failures(Part):
    """Failures by chance: each simulated GPU fails and is repaired on its own."""

    mtbf_h: Annotated[float, Field(ge=0.01)] = Field(
        description="Mean time a GPU works before it fails, exponential."
    )
    mttr_h: Annotated[float, Field(gt=0, le=8760)] = Field(
        description="Mean time until it is repaired, exponential."
    )


class NetworkOutage(Span):
    """A site that the network does not reach for a time: no job leaves it or comes to it."""

    site: str


class Outage(Span):
    """GPUs of a site that are down for a time, as planned."""

    site: str
    gpus: Annotated[int, Field(gt=0)] | Literal["all"] = Field(
        default="all", description="How many at scale 1, from the lowest number on."
    )
