"""A chiller plant: machines that make cold water, by the curves that building engineers use.

Power is capacity · CAPFT · EIRFT / COP · EIRFPLR: how much a machine can cool at these
temperatures, how much it draws per kW of cold there, and how that changes at part load, each
relative to its reference point (EnergyPlus Engineering Reference, "Electric Chiller Model Based
on Condenser Entering Temperature", Chiller:Electric:EIR). A plant for 1 MW of computers
that runs at 60 % draws 263 kW on top at 35 °C outdoors and 184 kW at 10 °C.

Default curves are those of an air-cooled machine of ASHRAE 90.1-2010, Path A, fitted for water
of 5 to 10 °C, at its minimum COP. Modern halls run warmer water and do better, so a chiller
plant at default values is a co-location hall without free cooling. Set ``t_free_c`` and
``t_full_c`` for dry coolers that help when it is cold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.ranges import Range, each_in, range_problems, refuse

Six = tuple[float, float, float, float, float, float]
_COEFFICIENT = Range(-1e3, 1e3)
_COLDEST_C = 10.0
"""From here up a hotter outdoors must not make cooling cheaper."""


@dataclass(frozen=True)
class ChillerCurves:
    """The three curves of a chiller, equal to 1 at its reference point.

    Attributes:
        capacity: CAPFT, capacity against water leaving the evaporator and fluid entering the
            condenser [°C], c0 + c1 x + c2 x² + c3 y + c4 y² + c5 x y.
        input_ratio: EIRFT, electric input per cooling against the same temperatures.
        part_load: EIRFPLR, power over full-load power against the load ratio, c0 + c1 p + c2 p².
        water_c: range of the water temperature of the fit [°C].
        condenser_c: range of the condenser temperature of the fit [°C]; held to it outside.
        source: who published them.
    """

    capacity: Six
    input_ratio: Six
    part_load: tuple[float, float, float]
    water_c: tuple[float, float]
    condenser_c: tuple[float, float]
    source: str

    def __post_init__(self) -> None:
        problems: list[str] = []
        for name, count in (("capacity", 6), ("input_ratio", 6), ("part_load", 3)):
            values = getattr(self, name)
            if len(values) != count:
                problems.append(f"ChillerCurves.{name}: {len(values)} values; must be {count}")
            problems += each_in(f"ChillerCurves.{name}", values, _COEFFICIENT)
        problems += each_in("ChillerCurves.part_load", self.part_load, Range(0.0, 1e3))
        for name in ("water_c", "condenser_c"):
            low, high = getattr(self, name)
            if not low < high:
                problems.append(f"ChillerCurves.{name} = ({low}, {high}): must rise")
        refuse(problems)


def biquadratic(curve: Six, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    """Return a biquadratic curve at ``x``, ``y`` (EnergyPlus Curve:Biquadratic)."""
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    in_a = curve[0] + curve[1] * a + curve[2] * a * a
    return np.asarray(in_a + curve[3] * b + curve[4] * b * b + curve[5] * a * b)


AIR_COOLED_90_1_2010 = ChillerCurves(
    capacity=(1.0433825, 0.0407073, 0.0004506, -0.0041514, -8.86e-5, -0.0003467),
    input_ratio=(0.5961915, -0.0099496, 0.0007888, 0.0004506, 0.0004875, -0.0007623),
    part_load=(0.141, 0.655, 0.203),
    water_c=(5.0, 10.0),
    condenser_c=(12.7, 51.67),
    source=(
        "openstudio-standards, ashrae_90_1.curves.json: AirCooled_Chiller_2010_PathA_CAPFT, "
        "_EIRFT and AirCooled_Chiller_AllCapacities_2004_2010_EIRFPLR (R. Lord, 2010)"
    ),
)
"""Reference point: water 6.67 °C, air 35 °C."""


@dataclass(frozen=True)
class Chiller:
    """A plant of chillers with its fans, pumps and power path; PUE depends on the load.

    Attributes:
        design_it_kw: IT power that the plant is built for [kW].
        fixed_ratio: lights and auxiliaries per design IT power, drawn always.
        ups_idle_ratio: loss of the unloaded power path per design IT power.
        ups_ratio: further loss of the power path per IT power.
        fan_ratio: room fan power per design IT power at full flow.
        fan_exponent: power against flow; 3 by the affinity laws, less with a fixed pressure.
        flow_min: least flow of the fans relative to full flow.
        pump_ratio: pump power per heat carried by water.
        oversize: reference capacity over the heat of the design load.
        reference_cop: cooling per electric power at the reference point.
        part_load_min: load ratio below which machines cycle.
        unload_min: load ratio whose power a running machine never undercuts, at least the former.
        chilled_water_c: water leaving the evaporator [°C], within the range of the curves.
        condenser_approach_k: fluid entering the condenser above outdoor air [K]; 0 air-cooled.
        t_free_c: outdoor temperature up to which no chiller runs [°C]; None without free cooling.
        t_full_c: outdoor temperature from which chillers carry all heat [°C].
        curves: the machine's curves.
    """

    design_it_kw: float
    fixed_ratio: float = 0.005
    ups_idle_ratio: float = 0.005
    ups_ratio: float = 0.025
    fan_ratio: float = 0.03
    fan_exponent: float = 2.0
    flow_min: float = 0.5
    pump_ratio: float = 0.01
    oversize: float = 1.2
    reference_cop: float = 2.80
    part_load_min: float = 0.25
    unload_min: float = 0.25
    chilled_water_c: float = 10.0
    condenser_approach_k: float = 0.0
    t_free_c: float | None = None
    t_full_c: float | None = None
    curves: ChillerCurves = AIR_COOLED_90_1_2010

    SOURCE: ClassVar[str] = (
        "EnergyPlus Chiller:Electric:EIR; curves of openstudio-standards (ASHRAE 90.1-2010 "
        "air-cooled, Path A), COP of 90.1-2010 (1.255 kW/ton); overhead held against published "
        "PUE (cosim.traces.published_pue)"
    )
    EQUATION: ClassVar[str] = (
        "P_C = overhead + Q_ref CAPFT(T_w, T_c) EIRFT(T_w, T_c) / COP_ref · "
        "EIRFPLR(share(T_out) Q / (Q_ref CAPFT))"
    )
    RANGES: ClassVar[dict[str, Range]] = {
        "design_it_kw": Range(0.0, 1e9, "kW", above=True),
        "fixed_ratio": Range(0.0, 1.0),
        "ups_idle_ratio": Range(0.0, 0.5),
        "ups_ratio": Range(0.0, 0.5),
        "fan_ratio": Range(0.0, 1.0),
        "fan_exponent": Range(1.0, 3.0),
        "flow_min": Range(0.0, 1.0),
        "pump_ratio": Range(0.0, 0.2),
        "oversize": Range(0.1, 20.0),
        "reference_cop": Range(1.0, 15.0),
        "part_load_min": Range(0.01, 1.0),
        "unload_min": Range(0.01, 1.0),
        "chilled_water_c": Range(0.0, 40.0, "°C"),
        "condenser_approach_k": Range(-20.0, 40.0, "K"),
    }

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES) + self._free_problems()
        low_c, high_c = self.curves.water_c
        if not low_c <= self.chilled_water_c <= high_c:
            problems.append(
                f"Chiller.chilled_water_c = {self.chilled_water_c!r}: these curves hold from "
                f"{low_c:g} to {high_c:g} °C"
            )
        if not self.part_load_min <= self.unload_min:
            problems.append(
                f"Chiller.unload_min = {self.unload_min!r}: must be at least part_load_min = "
                f"{self.part_load_min!r}"
            )
        refuse(problems + self._curve_problems())

    def _free_problems(self) -> list[str]:
        free_c, full_c = self.t_free_c, self.t_full_c
        if free_c is None and full_c is None:
            return []
        if free_c is None or full_c is None:
            return ["Chiller: give both t_free_c and t_full_c, or neither"]
        allowed = Range(-40.0, 60.0, "°C")
        if free_c < full_c and allowed.holds(free_c) and allowed.holds(full_c):
            return []
        return [
            f"Chiller.t_free_c = {free_c!r}, t_full_c = {full_c!r}: must rise and be {allowed}"
        ]

    def _curve_problems(self) -> list[str]:
        """Return a problem if heat outdoors could make this plant cheaper.

        Power at a given heat q is a0 (C E) + a1 q E + a2 q² E / C with C = CAPFT, E = EIRFT and
        a ≥ 0. It does not fall if E and C E do not, and C does not rise.
        """
        low_c, high_c = self.curves.condenser_c
        t = np.linspace(max(low_c, _COLDEST_C + self.condenser_approach_k), high_c, 400)
        capacity = biquadratic(self.curves.capacity, self.chilled_water_c, t)
        ratio = biquadratic(self.curves.input_ratio, self.chilled_water_c, t)
        if capacity.min() <= 0.0 or ratio.min() <= 0.0:
            return ["Chiller.curves: capacity and input ratio must stay above 0"]
        rising = (np.diff(ratio), np.diff(capacity * ratio), -np.diff(capacity))
        if min(steps.min() for steps in rising) >= 0.0:
            return []
        return [
            f"Chiller.curves: cooling would get cheaper as it gets hotter than {_COLDEST_C:g} °C; "
            "capacity must not rise, input ratio and their product must not fall"
        ]

    def fill(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Write this plant into a parameter row of :mod:`cosim.physics.cooling_scalar`."""
        from cosim.physics import cooling_scalar as at

        same = {
            at.DESIGN_KW: self.design_it_kw,
            at.FIXED: self.fixed_ratio,
            at.UPS_IDLE: self.ups_idle_ratio,
            at.UPS: self.ups_ratio,
            at.FAN: self.fan_ratio,
            at.FAN_EXPONENT: self.fan_exponent,
            at.FLOW_MIN: self.flow_min,
            at.PUMP: self.pump_ratio,
            at.COP_REFERENCE: self.reference_cop,
            at.PART_LOAD_MIN: self.part_load_min,
            at.UNLOAD_MIN: self.unload_min,
            at.T_WATER: self.chilled_water_c,
            at.APPROACH: self.condenser_approach_k,
            at.T_FREE: -1001.0 if self.t_free_c is None else self.t_free_c,
            at.T_FULL: -1000.0 if self.t_full_c is None else self.t_full_c,
        }
        values[list(same)] = list(same.values())
        values[at.KIND] = at.CHILLER
        values[[at.T_LOW, at.T_HIGH]] = self.curves.condenser_c
        values[at.CAPACITY_CURVE : at.CAPACITY_CURVE + 6] = self.curves.capacity
        values[at.EIR_CURVE : at.EIR_CURVE + 6] = self.curves.input_ratio
        values[at.LOAD_CURVE : at.LOAD_CURVE + 3] = self.curves.part_load
        values[at.CAPACITY_KW] = self.oversize * at.heat_kw(values, self.design_it_kw)
        return values
