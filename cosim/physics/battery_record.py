"""What is known of a battery before it is used: its size, its losses, its window and its parts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.physics import battery_row as b
from cosim.physics.battery_parts import Converter, Derating, Taper
from cosim.physics.ranges import Range, range_problems, refuse


@dataclass(frozen=True)
class Battery:
    """A stationary battery with its converter.

    Attributes:
        kind: ``ideal`` (lossless, whole window), ``linear`` or ``pcs_ohmic``.
        capacity_kwh: energy between empty and full when new [kWh], above 0.
        charge_kw_max: highest charging power at the site [kW].
        discharge_kw_max: highest discharging power at the site [kW].
        charge_efficiency: stored per charged energy, in (0, 1]; ``linear`` only.
        discharge_efficiency: delivered per withdrawn energy, in (0, 1]; ``linear`` only.
        self_discharge_per_h: σ, share of the stored energy lost in an hour [1/h].
        soc_min: lowest state of charge that discharging may reach.
        soc_max: highest state of charge that charging may reach.
        standby_kw: drain of controls and ventilation on the store at all times [kW].
        converter: losses of ``pcs_ohmic``; None for the other kinds.
        taper: limits that fall near full and near empty; None for constant limits.
        derating: limits that fall in cold and heat; None for constant limits.
    """

    kind: Literal["ideal", "linear", "pcs_ohmic"]
    capacity_kwh: float
    charge_kw_max: float
    discharge_kw_max: float
    charge_efficiency: float = 1.0
    discharge_efficiency: float = 1.0
    self_discharge_per_h: float = 0.0
    soc_min: float = 0.0
    soc_max: float = 1.0
    standby_kw: float = 0.0
    converter: Converter | None = None
    taper: Taper | None = None
    derating: Derating | None = None

    SOURCE: ClassVar[str] = (
        "ideal: JEMAS Eq. 9 (arXiv 2605.02965); linear: textbook; pcs_ohmic: see Converter"
    )
    EQUATION: ClassVar[str] = "E' = q(P) − P_standby − σ E, E_min ≤ E ≤ E_max"
    RANGES: ClassVar[dict[str, Range]] = {
        "capacity_kwh": Range(0.0, 1e9, "kWh", above=True),
        "charge_kw_max": Range(0.0, 1e9, "kW"),
        "discharge_kw_max": Range(0.0, 1e9, "kW"),
        "charge_efficiency": Range(0.5, 1.0),
        "discharge_efficiency": Range(0.5, 1.0),
        "self_discharge_per_h": Range(0.0, 0.1, "per hour"),
        "soc_min": Range(0.0, 1.0),
        "soc_max": Range(0.0, 1.0),
        "standby_kw": Range(0.0, 1e6, "kW"),
    }

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if self.kind not in ("ideal", "linear", "pcs_ohmic"):
            problems.append(
                f"Battery.kind = {self.kind!r}: must be 'ideal', 'linear' or 'pcs_ohmic'"
            )
        if not self.soc_min < self.soc_max:
            problems.append(
                f"Battery.soc_min = {self.soc_min!r}: must be below soc_max = {self.soc_max!r}"
            )
        if self.kind == "ideal" and self != _plain(self):
            problems.append("Battery.kind = 'ideal': has no losses and no window; use 'linear'")
        refuse(problems + _converter_problems(self))


def _plain(battery: Battery) -> Battery:
    """Return a battery of the same size without anything else; not checked."""
    plain = object.__new__(Battery)
    for field in fields(Battery):
        object.__setattr__(plain, field.name, field.default)
    for name in ("kind", "capacity_kwh", "charge_kw_max", "discharge_kw_max"):
        object.__setattr__(plain, name, getattr(battery, name))
    return plain


def _converter_problems(battery: Battery) -> list[str]:
    converter = battery.converter
    if battery.kind != "pcs_ohmic":
        given = "Battery.converter: only kind 'pcs_ohmic' has one"
        return [given] if converter is not None else []
    if converter is None:
        return ["Battery.converter is None: kind 'pcs_ohmic' needs one; use pcs_ohmic(…)"]
    problems = []
    if (battery.charge_efficiency, battery.discharge_efficiency) != (1.0, 1.0):
        problems.append("Battery: efficiencies belong to kind 'linear'; 'pcs_ohmic' has curves")
    problems += [
        f"Battery.{name} = {getattr(battery, name)!r}: must be at most the converter's "
        f"rated_kw = {converter.rated_kw!r} kW"
        for name in ("charge_kw_max", "discharge_kw_max")
        if getattr(battery, name) > converter.rated_kw
    ]
    most_kw = converter.rated_kw * (1.0 + converter.discharge_p0 + converter.discharge_k)
    if 4.0 * converter.discharge_ohm_h * most_kw >= battery.capacity_kwh:
        problems.append(
            f"Converter.discharge_ohm_h = {converter.discharge_ohm_h!r}: the cells cannot give "
            f"{most_kw:g} kW; must be below {battery.capacity_kwh / (4.0 * most_kw):g} h"
        )
    return problems


def row(battery: Battery) -> NDArray[np.float64]:
    """Return the battery as the numbers that compiled code reads (``battery_row``)."""
    columns = np.zeros(b.WIDTH)
    columns[b.KIND] = b.PCS_OHMIC if battery.kind == "pcs_ohmic" else b.LINEAR
    columns[b.CAPACITY_KWH] = columns[b.NOMINAL_KWH] = battery.capacity_kwh
    columns[[b.DISCHARGE_KNEE_SOC, b.CHARGE_KNEE_SOC]] = battery.soc_min, battery.soc_max
    columns[b.CHARGE_COLD_STOP_C : b.HOT_FULL_C] = -np.inf
    columns[[b.HOT_FULL_C, b.HOT_STOP_C]] = np.inf
    for part in (battery, battery.converter, battery.taper, battery.derating):
        for field in fields(part) if part is not None else ():
            column = getattr(b, field.name.upper(), None)
            if column is not None and field.name not in ("kind", "capacity_kwh"):
                columns[column] = getattr(part, field.name)
    return columns


@lru_cache(maxsize=256)
def numbers(battery: Battery) -> list[float]:
    """Return the row as Python floats, which Python adds faster and without warnings."""
    return [float(x) for x in row(battery)]
