"""What supplies a site: its battery, tariffs, carbon and the grid connection."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from cosim.scenario.connection import Connection, DemandResponseSpec
from cosim.scenario.parts import Efficiency, NotNegative, Part, Positive, Share, TraceRef
from cosim.scenario.tariff import TariffSpec


class _BatterySize(Part):
    capacity_kwh: Positive
    charge_kw_max: Positive
    discharge_kw_max: Positive
    soc: tuple[Share, Share] = Field(default=(0.1, 0.9), description="Allowed window.")
    soc_start: Share = 0.5
    wear_usd_per_kwh: NotNegative = Field(
        default=0.0, description="Wear booked per kWh discharged [USD/kWh]."
    )

    @model_validator(mode="after")
    def _window(self) -> _BatterySize:
        low, high = self.soc
        if not low < high:
            raise ValueError(f"soc window [{low}, {high}] is empty: give [low, high]")
        if not low <= self.soc_start <= high:
            raise ValueError(f"soc_start {self.soc_start} lies outside the window [{low}, {high}]")
        return self


class IdealBattery(_BatterySize):
    """The paper's lossless battery (JEMAS Eq. 9)."""

    kind: Literal["ideal"]


class LinearBattery(_BatterySize):
    """Constant efficiencies and self-discharge."""

    kind: Literal["linear"] = "linear"
    charge_efficiency: Efficiency = 0.938
    discharge_efficiency: Efficiency = 0.938
    self_discharge_per_day: Annotated[float, Field(ge=0, lt=1)] = 0.001


Battery = Annotated[IdealBattery | LinearBattery, Field(discriminator="kind")]


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
