"""The edges of a site's power balance: limits of the connection, calls to use less, a backup."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario.parts import NotNegative, Part, Positive, Share
from cosim.scenario.spans import Span

Notice = Annotated[float, Field(ge=0, le=8760)]


class LimitSpan(Span):
    """A time in which less may flow; by default an outage: the site is on its own."""

    import_kw_max: NotNegative | None = Field(
        default=0.0, description="At scale 1; null: that of the grid."
    )
    export_kw_max: NotNegative | None = Field(
        default=0.0, description="At scale 1; null: that of the grid."
    )
    notice_h: Notice = Field(default=0.0, description="Policies know so long before.")


class Connection(Part):
    """Who pays for losses and curtailment, and when the limits are lower."""

    loss_share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.0, description="Share of the energy lost between bus and site."
    )
    metered: Literal["site", "bus"] = Field(
        default="site",
        description="At the bus the site pays for losses: it buys import / (1 − loss) and sells "
        "export · (1 − loss), which its prices include.",
    )
    curtailment_usd_per_kwh: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.0, description="Cost of curtailed sun and wind, lost support included."
    )
    limits: tuple[LimitSpan, ...] = Field(
        default=(), description="Outages and lower limits. A meter bin touched is under them."
    )


class CallSpec(Span):
    """A call to use less: a cap on the import, or a reduction against a baseline."""

    kind: Literal["cap", "reduction"]
    power_kw: NotNegative = Field(description="The cap, or the reduction asked for, at scale 1.")
    payment_usd_per_kwh: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=0.0, description="Paid per kWh reduced, up to what was asked."
    )
    penalty_usd_per_kwh: Annotated[float, Field(ge=0, le=1000)] = Field(
        default=0.0, description="Due per kWh above the cap or short of the reduction."
    )
    firm: bool = Field(default=False, description="A cap that holds as an import limit.")
    baseline_kw: NotNegative | None = Field(
        default=None,
        description="Agreed import without the call, at scale 1; default: measured on earlier "
        "days of the window.",
    )
    notice_h: Notice = Field(default=24.0, description="Policies know so long before.")

    @model_validator(mode="after")
    def _kind_fits(self) -> CallSpec:
        if self.kind == "reduction" and self.firm:
            raise ValueError("only a cap can be firm; a reduction is measured afterwards")
        if self.kind == "cap" and (self.payment_usd_per_kwh or self.baseline_kw is not None):
            raise ValueError("a cap is neither paid nor measured against a baseline")
        return self


class BaselineRule(Part):
    """How the import without a call is estimated: mean of the same hours of earlier days."""

    days: Annotated[int, Field(ge=1, le=60)] = Field(
        default=10, description="Recent days of the same kind (working day or weekend)."
    )
    highest: Annotated[int, Field(ge=1, le=60)] = Field(
        default=10, description="How many of them count, those with the highest use."
    )
    adjust_share: Share = Field(
        default=0.2, description="Scaled by the hours before the call, by no more than this."
    )

    @model_validator(mode="after")
    def _within(self) -> BaselineRule:
        if self.highest > self.days:
            raise ValueError(f"highest {self.highest} exceeds days {self.days}")
        return self


class DemandResponseSpec(Part):
    """A programme of calls to use less."""

    calls: tuple[CallSpec, ...]
    baseline: BaselineRule = BaselineRule()


class _Engine(Part):
    rated_kw: Positive = Field(description="Highest electric power at scale 1 [kW].")
    min_load: Share | None = Field(
        default=None, description="Lowest share of it; default: of its kind (models page)."
    )
    start_delay_s: Annotated[float, Field(ge=0, le=3600)] | None = Field(
        default=None, description="From call to power; default: of its kind."
    )
    upkeep_usd_per_kwh: Annotated[float, Field(ge=0, le=10)] | None = Field(
        default=None, description="Maintenance per kWh; default: of its kind."
    )
    run_hours_max: Positive | None = Field(
        default=None, description="Hours that it may deliver in a run (permit or tank)."
    )


class DieselBackup(_Engine):
    """A diesel set that carries what the import limit refuses, after battery and sun."""

    kind: Literal["diesel"]
    usd_per_l: Annotated[float, Field(ge=0, le=50)] = 1.06


class GasBackup(_Engine):
    """A gas engine that carries what the import limit refuses, after battery and sun."""

    kind: Literal["gas"]
    usd_per_mwh: Annotated[float, Field(ge=0, le=5000)] = Field(
        default=27.3, description="Price of gas by its higher heating value."
    )


Backup = Annotated[DieselBackup | GasBackup, Field(discriminator="kind")]
