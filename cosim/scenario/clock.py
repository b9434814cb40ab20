"""The window of a scenario and how it is cut into slots and meter bins."""

from __future__ import annotations

from pydantic import Field, model_validator

from cosim.scenario.parts import Instant, Part, Positive


class Clock(Part):
    """The window that is simulated and how it is cut."""

    start: Instant = Field(description="First instant, ISO 8601 with Z or an offset.")
    days: Positive = Field(default=1.0, description="Length of the window [days].")
    slot_minutes: Positive = Field(default=5.0, description="Length of a decision slot [min].")
    meter_seconds: Positive = Field(default=60.0, description="Length of a meter bin [s].")
    mixed_years: bool = Field(
        default=False,
        description="Allow traces of other years or typical years; they are shifted and reported.",
    )

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
