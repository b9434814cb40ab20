"""Who decides: the policies that are compared, the energy layer and the forecaster."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator

from cosim.scenario.parts import Part, Positive


class PolicySpec(Part):
    """A policy or an energy layer with its options."""

    use: str = Field(
        min_length=1,
        description="Name, NAME@CHECKPOINT or module:Class; of a scheduler also with an "
        "energy layer of its own: SCHEDULER+LAYER.",
    )
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")] | None = Field(
        default=None,
        description="What it is called in results, where one policy is compared with itself "
        "under other options; default: `use`.",
    )
    options: dict[str, Any] = Field(default_factory=dict, alias="with")

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @property
    def called(self) -> str:
        """Its name in results."""
        return self.name or self.use


class PolicyChoice(Part):
    """Which policies are compared, and the energy layer under them."""

    compare: tuple[PolicySpec, ...] = Field(
        default=(PolicySpec(use="home"), PolicySpec(use="greedy-utility")),
        description="Policies of `cosim compare`; the first is the baseline.",
    )
    energy: PolicySpec = Field(default=PolicySpec(use="paper-inner"), description="Energy layer.")
    decide_limit_ms: Positive | None = Field(
        default=None,
        description="A decision that takes longer comes too late: the last one stays in force, at "
        "first every job stays at home. Such a run depends on the speed of the machine.",
    )

    @field_validator("compare", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple({"use": v} if isinstance(v, str) else v for v in value)
        return value

    @field_validator("energy", mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @field_validator("compare")
    @classmethod
    def _some(cls, value: tuple[PolicySpec, ...]) -> tuple[PolicySpec, ...]:
        names = [spec.called for spec in value]
        if not names:
            raise ValueError("needs at least one policy")
        if len(set(names)) != len(names):
            raise ValueError("a policy is named twice; give one of the two a `name:` of its own")
        return value

    def called(self, name: str) -> PolicySpec | None:
        """The policy that is called so in results, if there is one."""
        return next((spec for spec in self.compare if spec.called == name), None)


class Forecasting(Part):
    """What is foreseen. Day-ahead prices are known from gate closure on, in every kind."""

    kind: Literal["seasonal", "persistence", "noisy", "perfect"] = Field(
        default="seasonal",
        description="`seasonal`: as the same hour yesterday; `persistence`: as now; `noisy`: the "
        "truth with errors that grow with the lead; `perfect`.",
    )
    error_level: Annotated[float, Field(ge=0, le=10)] = Field(
        default=1.0,
        description="Of `noisy`: error of a far forecast over that of yesterday's value.",
    )
    error_hours: Positive = Field(
        default=6.0,
        description="Of `noisy`: lead at which 86 % of the error's variance is reached [h].",
    )
    horizon_hours: Positive = 24.0
    gate_hour: Annotated[float, Field(ge=0, le=24)] = Field(
        default=12.75, description="Local hour at which next day's prices are published."
    )
