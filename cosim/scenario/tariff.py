"""A supply contract on top of the wholesale price: charges for energy, peaks, and the month."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cosim.scenario.parts import NotNegative, Part, Positive, Share
from cosim.scenario.spans import Span

Usd = Annotated[float, Field(ge=-100, le=100)]


def _some(values: tuple[object, ...]) -> tuple[object, ...]:
    """Refuse an empty list; a minimum length would also blame a list for its wrong items."""
    if not values:
        raise ValueError("is empty: leave it out to mean all")
    return values


Some = AfterValidator(_some)
Hours = Annotated[tuple[Annotated[int, Field(ge=0, le=23)], ...], Some]
Weekdays = Annotated[tuple[Annotated[int, Field(ge=0, le=6)], ...], Some]
Months = Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Some]


class WhenSpec(Part):
    """A set of hours of the site's own calendar; by default all of them."""

    hours: Hours = tuple(range(24))
    weekdays: Weekdays = Field(default=tuple(range(7)), description="0 is Monday.")
    months: Months = tuple(range(1, 13))


class EnergyBlock(Part):
    """A step of a stepped price of energy."""

    usd_per_kwh: Usd
    upto_kwh: Positive | None = Field(
        default=None, description="Ends at this energy of the month; the last block has no end."
    )


class PowerBlock(Part):
    """A step of a stepped price of power."""

    usd_per_kw: Annotated[float, Field(ge=0, le=10_000)]
    upto_kw: Positive | None = Field(
        default=None, description="Ends at this power; the last block has no end."
    )


def _rising(ends: list[float | None]) -> None:
    """Raise ValueError unless the ends of blocks rise and the last one is open."""
    if ends[-1] is not None or None in ends[:-1]:
        raise ValueError("the last block, and only the last, has no end")
    closed = [end for end in ends if end is not None]
    if any(b <= a for a, b in pairwise(closed)):
        raise ValueError(f"the ends of the blocks must rise: {closed}")


class EnergyChargeSpec(Part):
    """A price of imported energy on top of `price`: network, levy, peak hours, tiers."""

    usd_per_kwh: Usd | None = Field(default=None, description="The price, unless in `blocks`.")
    blocks: tuple[EnergyBlock, ...] = Field(
        default=(), description="Prices by the month's energy at scale 1, in the order of use."
    )
    when: tuple[WhenSpec, ...] = Field(
        default=(), description="Applies where any of these does; default: always."
    )
    fills: Literal["charge", "month"] = Field(
        default="charge",
        description="What fills the blocks: energy under this charge, or all of the month.",
    )

    @model_validator(mode="after")
    def _one_price(self) -> EnergyChargeSpec:
        if (self.usd_per_kwh is None) == (not self.blocks):
            raise ValueError("needs either `usd_per_kwh:` or `blocks:`")
        if self.blocks:
            _rising([block.upto_kwh for block in self.blocks])
        return self


class SystemPeak(Span):
    """A time that the grid operator names, afterwards, as the peak of the whole system."""

    notice_h: Annotated[float, Field(ge=0, le=8760)] | None = Field(
        default=None, description="Policies are warned so long before; default: never."
    )


class DemandChargeSpec(Part):
    """A monthly price of the highest mean power over a demand interval."""

    counts: Literal["own_peak", "system_peaks"] = Field(
        default="own_peak",
        description="Power that is billed: the site's own highest, or its mean over the demand "
        "intervals that the tariff's `system_peaks` touch (a coincident-peak charge).",
    )

    usd_per_kw: Annotated[float, Field(ge=0, le=10_000)] | None = Field(
        default=None, description="The price per month, unless in `blocks`."
    )
    blocks: tuple[PowerBlock, ...] = Field(default=(), description="Prices by power at scale 1.")
    when: tuple[WhenSpec, ...] = Field(
        default=(), description="Only power in these hours counts; default: always."
    )
    ratchet_share: Share = Field(
        default=0.0, description="At least this share of the highest peak of earlier months …"
    )
    ratchet_months: Annotated[int, Field(ge=0, le=36)] = Field(
        default=0, description="… so many of them, is billed."
    )
    minimum_kw: NotNegative = Field(default=0.0, description="At least this is billed.")
    past_peaks_kw: tuple[NotNegative, ...] = Field(
        default=(), max_length=36, description="Peaks of the months before, oldest first."
    )

    @model_validator(mode="after")
    def _one_price(self) -> DemandChargeSpec:
        if (self.usd_per_kw is None) == (not self.blocks):
            raise ValueError("needs either `usd_per_kw:` or `blocks:`")
        if self.blocks:
            _rising([block.upto_kw for block in self.blocks])
        if (self.ratchet_share > 0.0) != (self.ratchet_months > 0):
            raise ValueError("a ratchet needs both `ratchet_share:` and `ratchet_months:`")
        if self.counts == "system_peaks" and (self.ratchet_share > 0.0 or self.minimum_kw > 0.0):
            raise ValueError("a charge on `system_peaks` has neither ratchet nor minimum")
        return self


class TariffSpec(Part):
    """A supply contract; its energy charges come on top of `price`, which may be flat 0."""

    energy: dict[str, EnergyChargeSpec] = Field(default={}, max_length=16)
    demand: dict[str, DemandChargeSpec] = Field(default={}, max_length=16)
    system_peaks: tuple[SystemPeak, ...] = Field(
        default=(), description="Peaks of the whole system, for charges that count them."
    )
    fixed_usd_per_month: NotNegative = Field(default=0.0, description="At scale 1.")
    metering: Literal["net_billing", "net_metering", "buy_all_sell_all"] = Field(
        default="net_billing",
        description="net_billing buys every import and sells every export; net_metering bills the "
        "month's difference; buy_all_sell_all buys the whole load and sells all sun and wind.",
    )
    excess: Literal["carry", "pay"] = Field(
        default="carry", description="What net metering does with a month's surplus."
    )
    excess_usd_per_kwh: Usd = Field(
        default=0.0, description="Price of surplus that is paid, or left at the window's end."
    )
    demand_interval_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    partial_month: Literal["prorate", "full"] = Field(
        default="prorate",
        description="A month that the window covers in part: fixed and demand charges and the "
        "ends of blocks by the share covered, or the whole month.",
    )

    @model_validator(mode="after")
    def _names_differ(self) -> TariffSpec:
        if twice := sorted({*self.energy} & {*self.demand}):
            raise ValueError(f"`{twice[0]}` names an energy charge and a demand charge")
        if "price" in {*self.energy, *self.demand}:
            raise ValueError("`price` is the wholesale price; give the charge another name")
        return self

    @model_validator(mode="after")
    def _peaks_counted(self) -> TariffSpec:
        counted = any(charge.counts == "system_peaks" for charge in self.demand.values())
        if counted and not self.system_peaks:
            raise ValueError("a demand charge counts `system_peaks`, of which none is named")
        if self.system_peaks and not counted:
            raise ValueError("`system_peaks` count for no charge; give one `counts: system_peaks`")
        return self
