"""The window of a scenario and how it is cut into slots and meter bins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field, field_validator, model_validator

from cosim.scenario.parts import Part, Positive


class Clock(Part):
    """The window that is simulated and how it is cut."""

    start: datetime = Field(description="First instant, ISO 8601 with Z or an offset.")
    days: Positive = Field(default=1.0, description="Length of the window [days].")
    slot_minutes: Positive = Field(default=5.0, description="Length of a decision slot [min].")
    meter_seconds: Positive = Field(default=60.0, description="Length of a meter bin [s].")
    mixed_years: bool = Field(
        default=False,
        description="Allow traces of other years or typical years; they are shifted and reported.",
    )

    @field_validator("start", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            message = "is a number; write an instant such as 2019-04-22T00:00:00Z"
            raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError only
        return value

    @field_validator("start")
    @classmethod
    def _anchored(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError(
                "has no time zone, so daylight saving is ambiguous; write it in UTC with a Z, "
                f"e.g. {value.isoformat()}Z"
            )
        return value.astimezone(UTC)

    @model_validator(mode="after")
    def _divides(self) -> Clock:
        slot_s, bin_s = self.slot_minutes * 60, self.meter_seconds
        if not _divides(bin_s, slot_s):
            raise ValueError(f"meter_seconds {bin_s:g} must divide the slot of {slot_s:g} s")
        if not _divides(slot_s, self.days * 86_400):
            raise ValueError(f"slot_minutes {self.slot_minutes:g} must divide {self.days:g} days")
        return self


def _divides(part: float, whole: float) -> bool:
    return whole >= part and abs(whole / part - round(whole / part)) < 1e-9
