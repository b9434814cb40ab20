"""What the building draws on top of its computers: power usage effectiveness (PUE).

The model is either a constant or an air-side economiser with a chiller: below ``t_free_c``
outside air does all the cooling, above ``t_full_c`` the chiller does, and between them its share
rises linearly. Cooling never gets cheaper as it gets hotter.

The economiser's constants are ours and not calibrated on a site. Lei & Masanet (Energy 201,
2020, 117556) is the reference for location-specific PUE. Data-centre surveys put economised
sites at about 1.1 to 1.4, which is where the defaults lie between −20 and 40 °C.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.ranges import Range, check_ranges, range_problems, refuse

KELVIN = 273.15


@dataclass(frozen=True)
class ConstantPue:
    """Overhead proportional to IT power, whatever the weather.

    Attributes:
        pue: facility power over IT power, at least 1.
    """

    pue: float

    RANGES: ClassVar[dict[str, Range]] = {"pue": Range(1.0, 5.0)}

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


@dataclass(frozen=True)
class Economizer:
    """Free cooling by outside air, helped by a chiller when it is warm.

    Attributes:
        fixed_overhead: lights and auxiliaries per IT power.
        fan_ratio: fan and pump power per IT power.
        ups_loss: loss of the power path per IT power; it is heat that is cooled too.
        t_free_c: outdoor temperature up to which outside air suffices [°C].
        t_full_c: outdoor temperature from which the chiller carries all heat [°C].
        carnot_factor: chiller efficiency relative to Carnot.
        cop_min: lowest coefficient of performance.
        cop_max: highest coefficient of performance.
        evaporator_c: temperature at which the chiller takes up heat [°C].
        condenser_approach_k: condenser temperature above outdoor temperature [K].
    """

    fixed_overhead: float = 0.02
    fan_ratio: float = 0.04
    ups_loss: float = 0.05
    t_free_c: float = 18.0
    t_full_c: float = 27.0
    carnot_factor: float = 0.45
    cop_min: float = 2.0
    cop_max: float = 8.0
    evaporator_c: float = 16.0
    condenser_approach_k: float = 10.0

    RANGES: ClassVar[dict[str, Range]] = {
        "fixed_overhead": Range(0.0, 1.0),
        "fan_ratio": Range(0.0, 1.0),
        "ups_loss": Range(0.0, 1.0),
        "t_free_c": Range(-40.0, 60.0, "°C"),
        "t_full_c": Range(-40.0, 60.0, "°C"),
        "carnot_factor": Range(0.0, 1.0, above=True),
        "cop_min": Range(0.5, 50.0),
        "cop_max": Range(0.5, 50.0),
        "evaporator_c": Range(-10.0, 40.0, "°C"),
        "condenser_approach_k": Range(0.0, 40.0, "K"),
    }

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if not self.t_free_c < self.t_full_c:
            problems.append(
                f"Economizer.t_free_c = {self.t_free_c!r}: must be below t_full_c = "
                f"{self.t_full_c!r} °C"
            )
        if not self.cop_min <= self.cop_max:
            problems.append(
                f"Economizer.cop_min = {self.cop_min!r}: must be at most cop_max = "
                f"{self.cop_max!r}"
            )
        refuse(problems)


CoolingModel: TypeAlias = ConstantPue | Economizer


def chiller_cop(model: Economizer, t_out_c: ArrayLike) -> NDArray[np.float64]:
    """Return the chiller's coefficient of performance, a share of Carnot's, clipped.

    COP = φ T_e / (T_c − T_e) with the condenser at T_c = T_out + approach; where the lift is not
    positive the upper clip holds.
    """
    evaporator_k = model.evaporator_c + KELVIN
    condenser_k = np.asarray(t_out_c, dtype=np.float64) + model.condenser_approach_k + KELVIN
    lift_k = np.maximum(condenser_k - evaporator_k, 1e-9)
    return np.clip(model.carnot_factor * evaporator_k / lift_k, model.cop_min, model.cop_max)


def chiller_share(model: Economizer, t_out_c: ArrayLike) -> NDArray[np.float64]:
    """Return the share of heat that the chiller carries, 0 at t_free_c to 1 at t_full_c."""
    t = np.asarray(t_out_c, dtype=np.float64)
    return np.asarray(np.interp(t, (model.t_free_c, model.t_full_c), (0.0, 1.0)))


def pue(model: CoolingModel, t_out_c: ArrayLike) -> NDArray[np.float64]:
    """Return facility power over IT power.

    Economiser: 1 + fixed + fan + ups + share(T) (1 + ups) / COP(T).

    Args:
        model: the site's cooling.
        t_out_c: outdoor temperature [°C], any shape.

    Returns:
        PUE of the same shape, at least 1; never falls as ``t_out_c`` rises.
    """
    t = np.asarray(t_out_c, dtype=np.float64)
    if isinstance(model, ConstantPue):
        return np.full(t.shape, model.pue)
    chiller = chiller_share(model, t) * (1.0 + model.ups_loss) / chiller_cop(model, t)
    return np.asarray(1.0 + model.fixed_overhead + model.fan_ratio + model.ups_loss + chiller)


def cooling_kw(model: CoolingModel, it_kw: ArrayLike, t_out_c: ArrayLike) -> NDArray[np.float64]:
    """Return everything the facility draws beyond its IT equipment, (PUE − 1) P_IT [kW].

    This is P^C of the power balance JEMAS Eq. 10 (arXiv 2605.02965).

    Args:
        model: the site's cooling.
        it_kw: IT power [kW], at least 0.
        t_out_c: outdoor temperature [°C], broadcast against ``it_kw``.
    """
    return np.asarray((pue(model, t_out_c) - 1.0) * np.asarray(it_kw, dtype=np.float64))
