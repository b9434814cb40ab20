"""A backup generator: a diesel or gas engine that carries what grid and battery cannot.

It starts when it is needed or called, delivers after its start delay, runs at no less than its
minimum load (what nobody needs goes into a load bank) and stops when it is no longer needed. Fuel
is counted by its higher heating value, as it is sold.

Fuel of a diesel set of about 1 MW: 21.6, 36.4, 52.1 and 71.1 gal/h at quarter to full load (the
"approximate diesel fuel consumption chart" that generator vendors reprint) at 0.138 MMBtu/gal.
Fuel of a gas set: 39.0 % efficient at full load (1 to 2 MW engines in NREL's REopt), part load as
Wärtsilä's 20V34SG in EPA's Catalog of CHP Technologies, section 2 (40.7 % at half against 45.7 %
at full load; its quarter continues the line from 40 to 30 %). Carbon: 73.96 and 53.06 kg CO2/MMBtu
(40 CFR 98, table C-1). Start within 10 s is NFPA 110 type 10; the 60 s of gas engines, the minimum
load of diesels (30 %, the usual bound against wet stacking), their upkeep and the fuel prices
(4 USD/gal, 8 USD/MMBtu) are assumptions of ours: set your own. The turn-down (25 %) and upkeep of
gas engines are REopt's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics.ranges import Range, range_problems, refuse
from cosim.quantities import NS_PER_HOUR, NS_PER_S

KWH_PER_MMBTU = 293.07107
DIESEL_KWH_PER_GAL = 0.138 * KWH_PER_MMBTU
DIESEL_KWH_PER_L = DIESEL_KWH_PER_GAL / 3.785411784
LOADS: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)

DIESEL_GAL_H_PER_MW: tuple[float, ...] = (21.6, 36.4, 52.1, 71.1)
GAS_EFFICIENCY: float = 0.3901
# fuel at 30 and 40 % load is 30/34.4 and 40/37.9; at 75 % efficiency lies between 42.7 and 43.7
GAS_RELATIVE: tuple[float, ...] = (
    0.25 / (1.5 * 0.30 / 0.344 - 0.5 * 0.40 / 0.379) / 0.457,
    0.407 / 0.457,
    0.432 / 0.457,
    1.0,
)


@dataclass(frozen=True)
class Generator:
    """A backup generator with its alternator.

    Attributes:
        kind: ``diesel`` or ``gas``; names the fuel, the numbers below describe it.
        rated_kw: highest electric power [kW].
        heat_rate: fuel per electricity (HHV) at a quarter, half, three quarters and full load
            [kWh/kWh].
        min_load: lowest share of the rated power at which it runs.
        start_delay_s: time from call to power [s].
        fuel_usd_kwh: price of fuel [USD/kWh HHV].
        upkeep_usd_kwh: maintenance per kWh of electricity [USD/kWh].
        fuel_kg_kwh: carbon of burnt fuel [kg CO2/kWh HHV].
        run_hours_max: hours that it may deliver in a run of the simulation (permit or tank).
    """

    kind: Literal["diesel", "gas"]
    rated_kw: float
    heat_rate: tuple[float, float, float, float]
    min_load: float
    start_delay_s: float
    fuel_usd_kwh: float
    upkeep_usd_kwh: float
    fuel_kg_kwh: float
    run_hours_max: float = math.inf

    RANGES: ClassVar[dict[str, Range]] = {
        "rated_kw": Range(0.0, 1e7, "kW"),
        "min_load": Range(0.0, 1.0),
        "start_delay_s": Range(0.0, 3600.0, "s"),
        "fuel_usd_kwh": Range(0.0, 10.0, "USD/kWh"),
        "upkeep_usd_kwh": Range(0.0, 10.0, "USD/kWh"),
        "fuel_kg_kwh": Range(0.0, 1.0, "kg/kWh"),
    }
    SOURCE: ClassVar[str] = (
        "vendors' diesel consumption chart; EPA Catalog of CHP Technologies sec. 2; NREL REopt; "
        "40 CFR 98 table C-1; NFPA 110"
    )
    EQUATION: ClassVar[str] = "fuel kW = interpolation of heat_rate(x) x P_rated at x = 1/4 .. 1"

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if self.kind not in ("diesel", "gas"):
            problems.append(f"Generator.kind = {self.kind!r}: must be 'diesel' or 'gas'")
        if not self.run_hours_max >= 0.0:
            problems.append(
                f"Generator.run_hours_max = {self.run_hours_max!r}: must be at least 0 h"
            )
        refuse(problems + self._fuel_problems())

    def _fuel_problems(self) -> list[str]:
        rates = self.heat_rate
        if len(rates) != len(LOADS) or not all(1.0 <= rate <= 20.0 for rate in rates):
            return [f"Generator.heat_rate = {rates!r}: must be four numbers from 1 to 20 kWh/kWh"]
        fuel = [rate * load for rate, load in zip(rates, LOADS, strict=True)]
        if all(a < b for a, b in pairwise(fuel)) and 2.0 * fuel[0] >= fuel[1]:
            return []
        return [
            f"Generator.heat_rate = {rates!r}: fuel must rise with load and not fall below 0 "
            f"without load; fuel per rated kW is {[round(each, 4) for each in fuel]}"
        ]


def diesel(
    rated_kw: float, *, usd_per_l: float = 1.06, run_hours_max: float = math.inf
) -> Generator:
    """Return a diesel set of the megawatt class.

    Args:
        rated_kw: highest electric power [kW].
        usd_per_l: price of diesel [USD/l].
        run_hours_max: hours that it may deliver in a run.
    """
    gal_h = zip(DIESEL_GAL_H_PER_MW, LOADS, strict=True)
    quarter, half, three, full = (g * DIESEL_KWH_PER_GAL / (1000.0 * load) for g, load in gal_h)
    return Generator(
        "diesel",
        rated_kw,
        (quarter, half, three, full),
        min_load=0.30,
        start_delay_s=10.0,
        fuel_usd_kwh=usd_per_l / DIESEL_KWH_PER_L,
        upkeep_usd_kwh=0.01,
        fuel_kg_kwh=73.96 / KWH_PER_MMBTU,
        run_hours_max=run_hours_max,
    )


def gas(
    rated_kw: float, *, usd_per_mwh: float = 27.3, run_hours_max: float = math.inf
) -> Generator:
    """Return a natural-gas engine of the megawatt class.

    Args:
        rated_kw: highest electric power [kW].
        usd_per_mwh: price of gas [USD/MWh HHV].
        run_hours_max: hours that it may deliver in a run.
    """
    quarter, half, three, full = (1.0 / (GAS_EFFICIENCY * part) for part in GAS_RELATIVE)
    return Generator(
        "gas",
        rated_kw,
        (quarter, half, three, full),
        min_load=0.25,
        start_delay_s=60.0,
        fuel_usd_kwh=usd_per_mwh / 1000.0,
        upkeep_usd_kwh=0.016,
        fuel_kg_kwh=53.06 / KWH_PER_MMBTU,
        run_hours_max=run_hours_max,
    )


def row(generator: Generator | None) -> NDArray[np.float64]:
    """Return the numbers of a generator for the compiled law; zeros where there is none."""
    from cosim.physics import backup_scalar as at

    numbers = np.zeros(at.COLUMNS)
    if generator is None:
        return numbers
    rated = generator.rated_kw
    numbers[at.RATED_KW], numbers[at.MIN_KW] = rated, generator.min_load * rated
    numbers[at.DELAY_H] = generator.start_delay_s * NS_PER_S / NS_PER_HOUR
    fuel = [rate * load * rated for rate, load in zip(generator.heat_rate, LOADS, strict=True)]
    numbers[at.FUEL_QUARTER_KW : at.FUEL_FULL_KW + 1] = fuel
    numbers[at.FUEL_USD_KWH] = generator.fuel_usd_kwh
    numbers[at.UPKEEP_USD_KWH] = generator.upkeep_usd_kwh
    numbers[at.FUEL_KG_KWH] = generator.fuel_kg_kwh
    return numbers


def least_usd_kwh(generator: Generator, carbon_usd_kg: float = 0.0) -> float:
    """Return the lowest cost per kWh of electricity at any load [USD/kWh], carbon included.

    Fuel is piecewise linear in load and not below 0 without load, so fuel per electricity is
    lowest at one of the four loads.

    Args:
        generator: the generator.
        carbon_usd_kg: price of carbon [USD/kg].
    """
    fuel_usd_kwh = generator.fuel_usd_kwh + carbon_usd_kg * generator.fuel_kg_kwh
    return min(generator.heat_rate) * fuel_usd_kwh + generator.upkeep_usd_kwh


class BackupState(NamedTuple):
    """What a generator carries from one interval to the next.

    Attributes:
        warm_h: time since it was called, up to its start delay; 0 when it stands still [h].
        left_h: hours that it may still deliver [h].
    """

    warm_h: float
    left_h: float


class BackupStep(NamedTuple):
    """What a generator did in an interval.

    Attributes:
        power_kw: power while it delivered [kW].
        on_h: time for which it delivered [h].
        fuel_kwh: fuel burnt, higher heating value [kWh].
        cost_usd: fuel and upkeep [USD].
        carbon_kg: carbon of the fuel [kg CO2].
        state: at the end.
    """

    power_kw: float
    on_h: float
    fuel_kwh: float
    cost_usd: float
    carbon_kg: float
    state: BackupState


def at_rest(generator: Generator) -> BackupState:
    """Return the state of a generator that has not run yet."""
    return BackupState(0.0, generator.run_hours_max)


def backup(
    generator: Generator, need_kw: float, state: BackupState, duration_h: float
) -> BackupStep:
    """Run a generator through an interval in which a constant power is asked of it.

    It delivers ``min(max(need, minimum load), rated)`` from the end of its start delay until the
    interval or its permitted hours end; where nothing is asked it stops. The result does not
    depend on how an interval is cut.

    Args:
        generator: the generator.
        need_kw: asked power [kW]; 0 or less stops it.
        state: at the start of the interval.
        duration_h: length of the interval [h], above 0.
    """
    from cosim.physics.backup_scalar import backup as law

    if not (duration_h > 0.0 and math.isfinite(duration_h) and math.isfinite(need_kw)):
        raise ValueError(f"need_kw = {need_kw!r}, duration_h = {duration_h!r}: finite, above 0 h")
    did = law(row(generator), need_kw, state.warm_h, state.left_h, duration_h)
    power_kw, on_h, fuel_kwh, cost_usd, carbon_kg, warm_h, left_h = map(float, did)
    after = BackupState(warm_h, left_h)
    return BackupStep(power_kw, on_h, fuel_kwh, cost_usd, carbon_kg, after)
