"""A wind turbine: wind at hub height through a power curve.

Speed is measured near the ground and grows with height by a power law. Power is linear between
the listed points of the curve, nothing below the first and nothing above the last (cut-out).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.ranges import (
    Range,
    ascending,
    each_in,
    range_problems,
    refuse,
    same_length,
)

IEC2_SPEEDS_M_S: tuple[float, ...] = (*(float(v) for v in range(2, 15)), 25.0)
"""Wind speeds of ``IEC2_POWER_RATIO`` [m/s]; rated from 14, cut-out at 25."""

# fmt: off
IEC2_POWER_RATIO: tuple[float, ...] = (
    0.0, 0.0052, 0.0423, 0.1031, 0.1909, 0.3127, 0.4731, 0.6693, 0.8554, 0.9641, 0.9942, 0.9994,
    1.0, 1.0,
)
# fmt: on
"""Composite of industry turbines of IEC class 2, power over rated power.

From the validation of the WIND Toolkit (King, Clifton & Hodge, NREL/TP-5D00-61714, 2014), as
tabulated in NREL's turbine-models collection.
"""


@dataclass(frozen=True)
class WindTurbine:
    """One turbine or a farm of equal ones.

    Attributes:
        rated_kw: power at the top of the curve [kW].
        hub_height_m: height of the hub above ground [m]; 100 in the source of the curve.
        speeds_m_s: wind speeds of the curve at hub height [m/s], rising strictly.
        power_ratio: power over rated power at each, in [0, 1].
        measured_height_m: height of the wind measurement [m].
        shear_exponent: α of the power law; 1/7 over open land (Justus & Mikhail, 1976).
    """

    rated_kw: float
    hub_height_m: float = 100.0
    speeds_m_s: tuple[float, ...] = IEC2_SPEEDS_M_S
    power_ratio: tuple[float, ...] = IEC2_POWER_RATIO
    measured_height_m: float = 10.0
    shear_exponent: float = 1.0 / 7.0

    RANGES: ClassVar[dict[str, Range]] = {
        "rated_kw": Range(0.0, 1e7, "kW"),
        "hub_height_m": Range(1.0, 300.0, "m"),
        "measured_height_m": Range(1.0, 300.0, "m"),
        "shear_exponent": Range(0.0, 1.0),
    }

    SOURCE: ClassVar[str] = (
        "composite IEC class 2 curve: King, Clifton & Hodge (NREL/TP-5D00-61714, 2014); power law "
        "of height: Justus & Mikhail (1976); others in profiles/wind_turbines"
    )
    EQUATION: ClassVar[str] = "P = rated ratio(v_hub), v_hub = v (hub_height / measured_height)^α"

    def __post_init__(self) -> None:
        name = "WindTurbine"
        speeds, ratio = self.speeds_m_s, self.power_ratio
        refuse(
            range_problems(self, self.RANGES)
            + same_length(f"{name}.speeds_m_s and {name}.power_ratio", speeds, ratio)
            + ascending(f"{name}.speeds_m_s", speeds)
            + each_in(f"{name}.speeds_m_s", speeds, Range(0.0, 100.0, "m/s"))
            + each_in(f"{name}.power_ratio", ratio, Range(0.0, 1.0))
        )


def hub_speed_m_s(turbine: WindTurbine, speed_m_s: ArrayLike) -> NDArray[np.float64]:
    """Return v (h / h_measured)^α [m/s] (Justus & Mikhail, Geophys. Res. Lett. 3, 1976)."""
    ratio = turbine.hub_height_m / turbine.measured_height_m
    return np.asarray(np.asarray(speed_m_s, dtype=np.float64) * ratio**turbine.shear_exponent)


def wind_power_kw(turbine: WindTurbine, speed_m_s: ArrayLike) -> NDArray[np.float64]:
    """Return the turbine's power [kW] at measured wind speeds [m/s], same shape."""
    speed = hub_speed_m_s(turbine, speed_m_s)
    ratio = np.interp(speed, turbine.speeds_m_s, turbine.power_ratio, left=0.0, right=0.0)
    return np.asarray(turbine.rated_kw * ratio)
