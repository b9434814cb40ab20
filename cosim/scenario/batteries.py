"""A site's battery: its size, its losses, how warm its cells are and how they age."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from cosim.scenario.parts import NotNegative, Part, Positive, Share
from cosim.scenario.spans import Span

Celsius = Annotated[float, Field(ge=-60, le=100)]
OneWay = Annotated[float, Field(ge=0.5, le=1)]
EndShare = Annotated[float, Field(ge=0.01, le=1)]
NoLoad = Annotated[float, Field(ge=0, le=0.1)]
WithLoad = Annotated[float, Field(ge=0, le=0.3)]
OhmHours = Annotated[float, Field(ge=0, le=0.25)]


class ConstantCells(Part):
    """Cells in a conditioned housing."""

    kind: Literal["constant"] = "constant"
    temp_c: Celsius = 25.0


class OutdoorCells(Part):
    """Cells in a ventilated housing, heated and cooled only at the ends (not metered)."""

    kind: Literal["outdoor"]
    offset_k: Annotated[float, Field(ge=-20, le=40)] = Field(
        default=5.0, description="How much warmer than outdoors the housing is [K]."
    )
    low_c: Celsius = Field(default=5.0, description="Never colder [°C].")
    high_c: Celsius = Field(default=40.0, description="Never warmer [°C].")

    @model_validator(mode="after")
    def _ends(self) -> OutdoorCells:
        if not self.low_c <= self.high_c:
            raise ValueError(f"low_c {self.low_c:g} exceeds high_c {self.high_c:g}")
        return self


CellTemperature = Annotated[ConstantCells | OutdoorCells, Field(discriminator="kind")]


class AgeingSpec(Part):
    """Capacity that fades with time and use, and what that costs; advanced once a day."""

    model: Literal["lfp_250ah", "naumann"] = Field(
        description="Published model; they differ by a factor of 2 to 3."
    )
    age_years: Annotated[float, Field(ge=0, le=40)] = Field(
        default=5.0,
        description="Age at the start, spent at one cycle of 80 % a day. A new cell fades "
        "fastest, so that a few days in mid-life say more.",
    )
    replacement_usd_per_kwh: NotNegative = Field(
        default=200.0, description="Price of a new battery [USD per kWh of capacity]."
    )
    end_of_life: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.8, description="Share of the first capacity at which it is worth nothing."
    )


class TaperSpec(Part):
    """Straight lines that lower the limit of the cells' power near full and near empty."""

    charge_knee_soc: Share = Field(default=0.8, description="Above it charging slows.")
    charge_end_share: EndShare = Field(default=0.2, description="Left of it when full.")
    discharge_knee_soc: Share = Field(default=0.2, description="Below it discharging slows.")
    discharge_end_share: EndShare = Field(default=0.2, description="Left of it when empty.")


class DeratingSpec(Part):
    """Temperatures of the cells between which the power limits hold in full."""

    charge_cold_stop_c: Celsius = Field(default=0.0, description="No charging at or below.")
    charge_cold_full_c: Celsius = Field(default=10.0, description="Full charging from here.")
    discharge_cold_stop_c: Celsius = Field(default=-20.0, description="No discharging here.")
    discharge_cold_full_c: Celsius = Field(default=0.0, description="Full discharging from here.")
    hot_full_c: Celsius = Field(default=45.0, description="Full power up to here.")
    hot_stop_c: Celsius = Field(default=55.0, description="No power from here.")

    @model_validator(mode="after")
    def _rising(self) -> DeratingSpec:
        for way in ("charge", "discharge"):
            names = (f"{way}_cold_stop_c", f"{way}_cold_full_c", "hot_full_c", "hot_stop_c")
            for low, high in pairwise(names):
                if not getattr(self, low) < getattr(self, high):
                    a, b = getattr(self, low), getattr(self, high)
                    raise ValueError(f"{low} {a:g} must be below {high} {b:g}")
        return self


class ConverterSpec(Part):
    """Converter curve η(x) = x / (x + p0 + K x²), x = |P| / P_rated, and cell resistance."""

    rated_kw: Positive | None = Field(
        default=None, description="Power at which x is 1 [kW]; default: the larger limit."
    )
    charge_p0: NoLoad = 0.007701864
    charge_k: WithLoad = 0.017290859
    discharge_p0: NoLoad = 0.005511580
    discharge_k: WithLoad = 0.018772838
    charge_ohm_h: OhmHours = Field(default=0.04104, description="r q² / E is lost in cells [h].")
    discharge_ohm_h: OhmHours = Field(default=0.04104, description="The same on discharging [h].")


class _BatterySize(Part):
    capacity_kwh: Positive = Field(description="Capacity when new [kWh].")
    charge_kw_max: Positive
    discharge_kw_max: Positive
    soc: tuple[Share, Share] = Field(default=(0.1, 0.9), description="Allowed window.")
    soc_start: Share = 0.5
    wear_usd_per_kwh: NotNegative = Field(
        default=0.0,
        description="Wear booked per kWh discharged [USD/kWh]; not together with `ageing`.",
    )
    cell_temperature: CellTemperature = Field(
        default=ConstantCells(), description="A number [°C] stands for constant cells."
    )
    ageing: AgeingSpec | None = None
    outages: tuple[Span, ...] = Field(
        default=(), description="Times in which it gives and takes nothing; its losses go on."
    )

    @field_validator("cell_temperature", mode="before")
    @classmethod
    def _cells_by_number(cls, value: Any) -> Any:
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        return {"kind": "constant", "temp_c": value} if plain else value

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


class _RealBattery(_BatterySize):
    self_discharge_per_day: Annotated[float, Field(ge=0, lt=1)] = 0.001
    standby_kw: NotNegative = Field(
        default=0.0, description="Drain of controls on the store at all times [kW]."
    )
    taper: TaperSpec | None = Field(
        default=None, description="`{}` takes the default lines; left out: constant limits."
    )
    derating: DeratingSpec | None = Field(
        default=None, description="`{}` takes the default temperatures; left out: none."
    )


class LinearBattery(_RealBattery):
    """Constant efficiencies and self-discharge."""

    kind: Literal["linear"] = "linear"
    charge_efficiency: OneWay = 0.938
    discharge_efficiency: OneWay = 0.938


class PcsOhmicBattery(_RealBattery):
    """A converter curve and the resistance of the cells; losses grow with power."""

    kind: Literal["pcs_ohmic"]
    converter: ConverterSpec = ConverterSpec()

    @model_validator(mode="after")
    def _carried(self) -> PcsOhmicBattery:
        most_kw = max(self.charge_kw_max, self.discharge_kw_max)
        rated_kw = self.converter.rated_kw or most_kw
        if rated_kw < most_kw:
            raise ValueError(f"converter.rated_kw {rated_kw:g} is below the limit {most_kw:g} kW")
        unit = self.converter
        cells_kw = rated_kw * (1.0 + unit.discharge_p0 + unit.discharge_k)
        if 4.0 * unit.discharge_ohm_h * cells_kw >= self.capacity_kwh:
            need_kwh = 4.0 * unit.discharge_ohm_h * cells_kw
            raise ValueError(
                f"cells of {self.capacity_kwh:g} kWh cannot give {rated_kw:g} kW through this "
                f"resistance; needs capacity_kwh above {need_kwh:.4g}, or less power"
            )
        return self


Battery = Annotated[IdealBattery | LinearBattery | PcsOhmicBattery, Field(discriminator="kind")]
