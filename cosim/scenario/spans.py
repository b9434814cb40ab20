"""Something that happens at a site for a time: when it begins and how long it lasts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from cosim.quantities import NS_PER_HOUR
from cosim.scenario.parts import Instant, NotNegative, Part


class Span(Part):
    """A time that begins at an instant, or so long after the start, and lasts so long."""

    at_h: NotNegative | None = Field(default=None, description="Begins so long after the start.")
    at: Instant | None = Field(
        default=None, description="Begins at this instant, ISO 8601 with Z or an offset."
    )
    for_h: Annotated[float, Field(gt=0, le=87_600)] = Field(description="Lasts so long.")

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if (self.at is None) == (self.at_h is None):
            raise ValueError("needs either `at_h:` or `at:`")
        return self

    def begin_h(self, start: datetime) -> float:
        """Hours from the start of the window to the beginning."""
        if self.at is not None:
            return (self.at - start).total_seconds() / 3600
        return self.at_h or 0.0

    def span_ns(self, start: datetime) -> tuple[int, int]:
        """Beginning and end, counted from the start of the window [ns]."""
        begin_ns = round(self.begin_h(start) * NS_PER_HOUR)
        return begin_ns, begin_ns + max(1, round(self.for_h * NS_PER_HOUR))
