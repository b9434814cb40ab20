"""A supply contract as data: charges for energy and for peaks, credits for what is sold.

A :class:`Tariff` is a list of charges that add up, in the manner of a published rate schedule::

    energy  0.06 USD/kWh always, 0.12 more on summer weekdays from 12 to 18 h
    demand  9 USD/kW on the month's peak, 11 more on its peak within 12 to 18 h
    export  credited at 0.04 USD/kWh;  fixed 250 USD a month

Several energy charges may cover one hour (energy, network, levy) and every hour must be covered
by one. The idea of a table of charges with months, hours and weekdays is that of the eeco package;
names and code are ours. What it costs is :mod:`cosim.physics.billing`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np

from cosim.physics.local_time import ALWAYS, When, cells_of
from cosim.physics.ranges import Range, each_in, range_problems, refuse

Metering = Literal["net_billing", "net_metering", "buy_all_sell_all"]
_PRICE = Range(-100.0, 100.0, "USD/kWh")
_DEMAND_PRICE = Range(0.0, 10_000.0, "USD/kW")


@dataclass(frozen=True)
class Block:
    """One step of a stepped price.

    Attributes:
        usd: price inside the block, per kWh of an energy charge, per kW of a demand charge.
        upto: upper end within a month [kWh or kW]; infinite for the last block.
    """

    usd: float
    upto: float = math.inf


def _block_problems(label: str, blocks: Sequence[Block], price: Range) -> list[str]:
    ends = [block.upto for block in blocks]
    problems = each_in(f"{label} price", [block.usd for block in blocks], price)
    if not ends or not math.isinf(ends[-1]):
        problems.append(f"{label}: the last block must be open (no `upto`); blocks end at {ends}")
    if not all(0.0 < a < b for a, b in pairwise(ends)):
        problems.append(f"{label}: ends of blocks = {ends}: must be above 0 and rise strictly")
    return problems


@dataclass(frozen=True)
class EnergyCharge:
    """A price of imported energy.

    Attributes:
        name: what the bill calls it.
        blocks: prices by monthly consumption (tiers), rising or falling; one block is flat.
        when: the hours to which it applies.
        scope: what fills the blocks: the energy under this ``charge``, or all energy of the
            ``month`` in the order in which it was used.
        series: name of a price series [USD/kWh] on top of the blocks (a wholesale price).
    """

    name: str
    blocks: tuple[Block, ...]
    when: tuple[When, ...] = ALWAYS
    scope: Literal["charge", "month"] = "charge"
    series: str | None = None

    SOURCE: ClassVar[str] = "published rate schedules; SAM Utilityrate5 (tested against it)"
    EQUATION: ClassVar[str] = "cost = Σ_t [F(m_t) − F(m_t−1) + s_t e_t], F piecewise linear"

    def __post_init__(self) -> None:
        problems = _block_problems(f"EnergyCharge {self.name!r}", self.blocks, _PRICE)
        if self.scope not in ("charge", "month"):
            problems.append(f"EnergyCharge.scope = {self.scope!r}: must be 'charge' or 'month'")
        refuse(problems)


@dataclass(frozen=True)
class DemandCharge:
    """A monthly price of power.

    Attributes:
        name: what the bill calls it.
        blocks: prices by power, most often one [USD/kW per month].
        when: the hours whose power counts.
        kind: ``peak`` is the highest mean power of a demand interval in the month, ``coincident``
            the mean power over the intervals that the grid operator names (the system's peak).
        ratchet_share: the power billed is at least this share of the highest peak ...
        ratchet_months: ... of so many preceding months.
        minimum_kw: the power billed is at least this [kW].
    """

    name: str
    blocks: tuple[Block, ...]
    when: tuple[When, ...] = ALWAYS
    kind: Literal["peak", "coincident"] = "peak"
    ratchet_share: float = 0.0
    ratchet_months: int = 0
    minimum_kw: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {
        "ratchet_share": Range(0.0, 1.0),
        "ratchet_months": Range(0.0, 36.0, "months"),
        "minimum_kw": Range(0.0, 1e9, "kW"),
    }
    SOURCE: ClassVar[str] = "published rate schedules; SAM Utilityrate5 (tested against it)"
    EQUATION: ClassVar[str] = "billed kW = max(peak, minimum, share × max of the last N peaks)"

    def __post_init__(self) -> None:
        label = f"DemandCharge {self.name!r}"
        problems = _block_problems(label, self.blocks, _DEMAND_PRICE)
        problems += range_problems(self, self.RANGES)
        if self.kind not in ("peak", "coincident"):
            problems.append(f"{label}.kind = {self.kind!r}: must be 'peak' or 'coincident'")
        if (self.ratchet_share > 0.0) != (self.ratchet_months > 0):
            problems.append(f"{label}: a ratchet needs both ratchet_share and ratchet_months")
        if self.kind == "coincident" and (self.ratchet_share > 0.0 or self.minimum_kw > 0.0):
            problems.append(f"{label}: a coincident charge has neither ratchet nor minimum")
        refuse(problems)


@dataclass(frozen=True)
class ExportCredit:
    """A price of exported energy.

    Attributes:
        name: what the bill calls it.
        kind: ``flat`` pays ``usd_kwh``; ``share`` pays λ − (1 − share) |λ| of the purchase price
            λ in the first block; ``series`` pays a price series plus ``usd_kwh``.
        usd_kwh: price, or what is added to the series [USD/kWh].
        share: share of the purchase price, in [0, 1].
        series: name of a price series [USD/kWh].
        when: the hours to which it applies.
    """

    name: str
    kind: Literal["flat", "share", "series"] = "flat"
    usd_kwh: float = 0.0
    share: float = 0.0
    series: str | None = None
    when: tuple[When, ...] = ALWAYS

    RANGES: ClassVar[dict[str, Range]] = {"usd_kwh": _PRICE, "share": Range(0.0, 1.0)}
    SOURCE: ClassVar[str] = "published rate schedules; the share is this project's sale price"
    EQUATION: ClassVar[str] = "credit = Σ_t sale_t × export_t"

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        label = f"ExportCredit {self.name!r}"
        if self.kind not in ("flat", "share", "series"):
            problems.append(f"{label}.kind = {self.kind!r}: must be flat, share or series")
        if (self.kind == "series") != (self.series is not None):
            problems.append(f"{label}: kind 'series' and the name of a series belong together")
        refuse(problems)


@dataclass(frozen=True)
class Tariff:
    """Everything a site's bill depends on besides its meter.

    Attributes:
        energy: charges for import; together they cover every hour.
        demand: charges for power.
        export: credits for export; an hour without one earns nothing.
        fixed_usd_month: fixed charge [USD/month].
        metering: ``net_billing`` buys every import and credits every export; ``net_metering``
            bills the difference of a month, charge by charge; ``buy_all_sell_all`` buys the whole
            load and sells the generation (:func:`cosim.physics.billing.billed_flows`).
        excess: what net metering does with a month's surplus: ``carry`` it [kWh] to the next month
            of the same charge, or ``pay`` it at ``excess_usd_kwh``.
        excess_usd_kwh: price of surplus that is paid, or left when the books close [USD/kWh].
        demand_interval_min: length over which demand is averaged [min].
        partial_month: of a month that a run covers in part, ``prorate`` bills fixed and demand
            charges and the ends of blocks by the share covered; ``full`` bills the whole month.
        carbon_usd_t: price of the carbon of imported energy [USD/t].
    """

    energy: tuple[EnergyCharge, ...]
    demand: tuple[DemandCharge, ...] = ()
    export: tuple[ExportCredit, ...] = ()
    fixed_usd_month: float = 0.0
    metering: Metering = "net_billing"
    excess: Literal["carry", "pay"] = "carry"
    excess_usd_kwh: float = 0.0
    demand_interval_min: int = 15
    partial_month: Literal["prorate", "full"] = "prorate"
    carbon_usd_t: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {
        "fixed_usd_month": Range(0.0, 1e9, "USD"),
        "excess_usd_kwh": _PRICE,
        "demand_interval_min": Range(1.0, 1440.0, "min"),
        "carbon_usd_t": Range(0.0, 10_000.0, "USD/t"),
    }
    SOURCE: ClassVar[str] = "published rate schedules; SAM Utilityrate5 (tested against it)"
    EQUATION: ClassVar[str] = "bill = energy + demand + fixed + carbon − export credit"

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        for label, value, allowed in (
            ("metering", self.metering, ("net_billing", "net_metering", "buy_all_sell_all")),
            ("excess", self.excess, ("carry", "pay")),
            ("partial_month", self.partial_month, ("prorate", "full")),
        ):
            if value not in allowed:
                problems.append(f"Tariff.{label} = {value!r}: must be one of {', '.join(allowed)}")
        refuse(problems + self._names() + self._covers() + self._netting())

    def _names(self) -> list[str]:
        names = [c.name for c in self.energy] + [c.name for c in self.demand]
        names += [c.name for c in self.export]
        twice = sorted({name for name in names if names.count(name) > 1})
        return [f"Tariff: {len(twice)} name(s) used twice: {', '.join(twice)}"] if twice else []

    def _covers(self) -> list[str]:
        free = ~np.any([np.zeros((12, 7, 24), bool), *(cells_of(c.when) for c in self.energy)], 0)
        if not free.any():
            return []
        month, weekday, hour = (int(i) for i in np.argwhere(free)[0])
        return [
            f"Tariff.energy leaves {int(free.sum())} of {free.size} hours without a price, first: "
            f"month {month + 1}, weekday {weekday}, hour {hour}; add a charge (0 is a price)"
        ]

    def _netting(self) -> list[str]:
        if self.metering != "net_metering":
            return []
        problems = []
        if self.export:
            problems.append("Tariff: net metering credits export at the purchase price; no export")
        shared = sum(cells_of(c.when).astype(int) for c in self.energy if c.scope == "month")
        if np.any(shared > 1):
            problems.append("Tariff: under net metering charges of scope 'month' must not overlap")
        return problems
