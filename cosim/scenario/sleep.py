"""GPUs that sleep when nothing comes: they give their memory up and wake up for the next job."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cosim.scenario.parts import NotNegative, Part


class Sleep(Part):
    """When a GPU without a job goes to sleep, what it draws there and what waking takes.

    What is left out comes from the sleep table of the GPU kind. A GPU that has slept loads its
    model again.
    """

    after_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=300.0, description="Time without a job after which it sleeps [s]."
    )
    sleep_w: NotNegative | None = Field(
        default=None, description="Board power asleep [W], at most idle_w; default: the table."
    )
    wake_s: Annotated[float, Field(ge=0, le=3600)] | None = Field(
        default=None, description="From the next job to a GPU that can load [s]; default: table."
    )
    wake_w: NotNegative | None = Field(
        default=None, description="Board power while waking [W]; default: idle_w."
    )
