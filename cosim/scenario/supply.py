"""What supplies a site from outside: tariffs, carbon and the grid connection."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from cosim.scenario.connection import Connection, DemandResponseSpec
from cosim.scenario.parts import NotNegative, Part, Positive, Share, TraceRef
from cosim.scenario.tariff import TariffSpec


class TracePrice(Part):
    """Price from a trace."""

    kind: Literal["trace"] = "trace"
    trace: TraceRef
    day_ahead: bool = Field(default=True, description="Published a day ahead after gate closure.")
    adder_usd_per_kwh: NotNegative = Field(default=0.0, description="Fees and taxes on top.")


class FlatPrice(Part):
    """One price at all hours."""

    kind: Literal["flat"]
    usd_per_kwh: float


class TouPeriodSpec(Part):
    """A period of a time-of-use tariff, in local hours."""

    usd_per_kwh: float
    hours: tuple[Annotated[int, Field(ge=0, le=23)], ...] = tuple(range(24))
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(
        default=tuple(range(7)), description="0 is Monday."
    )
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = tuple(range(1, 13))


class TouPrice(Part):
    """A time-of-use tariff; its periods must cover every hour once."""

    kind: Literal["time-of-use"]
    periods: tuple[TouPeriodSpec, ...] = Field(min_length=1)


Price = Annotated[TracePrice | FlatPrice | TouPrice, Field(discriminator="kind")]


class TraceCarbon(Part):
    """Grid carbon intensity from a trace."""

    kind: Literal["trace"] = "trace"
    trace: TraceRef


class FlatCarbon(Part):
    """One carbon intensity at all hours."""

    kind: Literal["flat"]
    g_per_kwh: NotNegative


Carbon = Annotated[TraceCarbon | FlatCarbon, Field(discriminator="kind")]


class Grid(Part):
    """The connection to the grid. A string where a price or carbon is expected names a trace."""

    price: Price
    carbon: Carbon
    sale_share: Share = Field(
        default=0.9,
        description="Sale price = λ − (1 − share)·|λ|, never above the purchase price.",
    )
    sale: Price | None = Field(default=None, description="Own sale price instead of the share.")
    import_kw_max: Positive | None = Field(default=None, description="None: unlimited.")
    export_kw_max: NotNegative | None = Field(default=None, description="None: unlimited.")
    tariff: TariffSpec | None = Field(
        default=None, description="Charges on top of `price`: network, tiers, peaks, the month."
    )
    connection: Connection = Connection()
    demand_response: DemandResponseSpec | None = None
    fossil_g_per_kwh: Annotated[float, Field(ge=200, le=1500)] | None = Field(
        default=None,
        description="Carbon intensity of the zone's fossil plants together [g/kWh]. With it "
        "1 − intensity / this of each import counts as carbon-free in `matched_share`, an "
        "assumption; without it no import does.",
    )

    @field_validator("price", "sale", mode="before")
    @classmethod
    def _price_by_name(cls, value: Any) -> Any:
        return {"kind": "trace", "trace": value} if isinstance(value, str) else value

    @field_validator("carbon", mode="before")
    @classmethod
    def _carbon_by_name(cls, value: Any) -> Any:
        return {"kind": "trace", "trace": value} if isinstance(value, str) else value
