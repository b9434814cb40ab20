"""What keeps a site cool: a law of cooling power, and the machine room as a store of cold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario.parts import NotNegative, Part, Positive, Share

Outdoors = Annotated[float, Field(ge=-40, le=60)]
InBand = Annotated[float, Field(ge=5, le=45)]
Cop = Annotated[float, Field(ge=0.5, le=50)]
PartLoad = Annotated[float, Field(ge=0.01, le=1)]


class ConstantCooling(Part):
    """Facility overhead as a constant share of IT power."""

    kind: Literal["constant"]
    pue: Annotated[float, Field(ge=1, le=3)]


class EconomizerCooling(Part):
    """Outside air while it is cool, compressors as it gets hot: PUE rises with temperature."""

    kind: Literal["economizer"] = "economizer"
    fan_share: Share = Field(default=0.04, description="Fans, share of IT power.")
    ups_share: Share = Field(default=0.04, description="UPS and wiring, share of IT power.")
    misc_share: Share = Field(default=0.02, description="Light and rest, share of IT.")
    free_below_c: Outdoors = Field(default=18.0, description="No compressor below this [°C].")
    full_above_c: Outdoors = Field(default=27.0, description="All heat by compressor above [°C].")
    carnot_factor: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.45, description="Compressor's efficiency as a share of Carnot's."
    )
    cop_min: Cop = Field(default=2.0, description="Least heat moved per electric energy.")
    cop_max: Cop = Field(default=8.0, description="Most heat moved per electric energy.")

    @model_validator(mode="after")
    def _rising(self) -> EconomizerCooling:
        _check_ramp(self.free_below_c, self.full_above_c)
        if not self.cop_min <= self.cop_max:
            raise ValueError(f"cop_min {self.cop_min:g} exceeds cop_max {self.cop_max:g}")
        return self


class ChillerCooling(Part):
    """A plant of air-cooled chillers by the EnergyPlus curves; PUE depends on load and weather."""

    kind: Literal["chiller"]
    fixed_share: Share = Field(default=0.005, description="Light and rest, share of design IT.")
    ups_idle_share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.005, description="Power path without load, share of design IT."
    )
    ups_share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.025, description="Power path, share of IT power."
    )
    fan_share: Share = Field(default=0.03, description="Room fans at full flow, of design IT.")
    fan_exponent: Annotated[float, Field(ge=1, le=3)] = Field(
        default=2.0, description="Fan power against flow."
    )
    flow_min: Share = Field(default=0.5, description="Least flow of the fans.")
    pump_share: Annotated[float, Field(ge=0, le=0.2)] = Field(
        default=0.01, description="Pumps, share of the heat carried by water."
    )
    oversize: Annotated[float, Field(ge=0.1, le=20)] = Field(
        default=1.2, description="Capacity over the heat of the design load."
    )
    reference_cop: Annotated[float, Field(ge=1, le=15)] = Field(
        default=2.8, description="Cold per electric energy at 35 °C outdoors."
    )
    part_load_min: PartLoad = Field(default=0.25, description="Below it machines cycle.")
    unload_min: PartLoad = Field(
        default=0.25, description="A running machine draws at least as at this load."
    )
    chilled_water_c: Annotated[float, Field(ge=5, le=10)] = 10.0
    condenser_approach_k: Annotated[float, Field(ge=-20, le=40)] = Field(
        default=0.0, description="Condenser above outdoors [K]."
    )
    free_below_c: Outdoors | None = Field(
        default=None, description="Dry coolers alone below this [°C]; none if left out."
    )
    full_above_c: Outdoors | None = Field(
        default=None, description="All heat by chillers above this [°C]."
    )

    @model_validator(mode="after")
    def _fits(self) -> ChillerCooling:
        if (self.free_below_c is None) != (self.full_above_c is None):
            raise ValueError("give both free_below_c and full_above_c, or neither")
        if self.free_below_c is not None and self.full_above_c is not None:
            _check_ramp(self.free_below_c, self.full_above_c)
        if not self.part_load_min <= self.unload_min:
            least = f"part_load_min {self.part_load_min:g}"
            raise ValueError(f"unload_min {self.unload_min:g} must be at least {least}")
        return self


def _check_ramp(free_c: float, full_c: float) -> None:
    if not free_c < full_c:
        raise ValueError(f"free_below_c {free_c:g} must be below full_above_c {full_c:g}")


Cooling = Annotated[
    ConstantCooling | EconomizerCooling | ChillerCooling, Field(discriminator="kind")
]


class Room(Part):
    """The machine room as a store of cold, sized by the IT power that it is built for.

    A set-point inside the band can be ordered; too warm a room lowers the clocks.
    """

    mass_wh_per_k_kw: Annotated[Positive, Field(le=1e6)] = Field(
        default=10.0,
        description="Heat that warms the room by a kelvin, per kW of design IT [Wh/K]; 3 to 10 "
        "without a tank of water.",
    )
    capacity_ratio: Annotated[Positive, Field(le=100)] = Field(
        default=1.4, description="Most heat removed, over design IT."
    )
    envelope_w_per_k_kw: Annotated[NotNegative, Field(le=1000)] = Field(
        default=1.0, description="Heat through the walls per kW of design IT [W/K]."
    )
    band_c: tuple[InBand, InBand] = Field(
        default=(18.0, 27.0), description="Set-points; the upper end is held if none is ordered."
    )
    start_c: InBand | None = Field(
        default=None, description="Temperature at the start [°C]; default: the band's upper end."
    )
    allowance_k: Annotated[float, Field(ge=0, le=30)] = Field(
        default=5.0, description="How far above the band nothing happens yet [K]."
    )
    level_k: Annotated[float, Field(ge=0.05, le=30)] = Field(
        default=1.0, description="Beyond that one clock level less for each of these [K]."
    )

    @model_validator(mode="after")
    def _band(self) -> Room:
        low_c, high_c = self.band_c
        if not low_c < high_c:
            raise ValueError(f"band_c [{low_c:g}, {high_c:g}] is empty: give [low, high]")
        return self
