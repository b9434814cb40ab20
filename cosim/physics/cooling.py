"""What the building draws on top of its computers: power usage effectiveness (PUE).

The model is a constant, an air-side economiser with a small chiller, or a chiller plant whose
machines follow a published curve (:mod:`cosim.physics.chiller`). Below ``t_free_c`` outside air
does all the cooling of an economiser, above ``t_full_c`` the chiller does, and between them its
share rises linearly. No model gets cheaper as it gets hotter.

The defaults are held against published annual figures by ``python -m
cosim.traces.published_pue``, which prints the comparison. Only the level of the overhead is
chosen by it; how PUE bends with temperature and load comes from the equations, and single sites
of one kind differ by more than the climate does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.chiller import Chiller
from cosim.physics.ranges import Range, check_ranges, range_problems, refuse


@dataclass(frozen=True)
class ConstantPue:
    """Overhead proportional to IT power, whatever the weather.

    Attributes:
        pue: facility power over IT power, at least 1.
    """

    pue: float

    SOURCE: ClassVar[str] = "definition of PUE, ISO/IEC 30134-2"
    EQUATION: ClassVar[str] = "P_C = (PUE − 1) P_IT"
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

    SOURCE: ClassVar[str] = (
        "share of Carnot, own ramp over the ASHRAE recommended band; overhead held against "
        "published PUE (cosim.traces.published_pue); cf. Lei & Masanet, Energy 201 (2020) 117556"
    )
    EQUATION: ClassVar[str] = (
        "P_C = (fixed + fan + ups) P_IT + share(T_out) (1 + ups) P_IT / COP(T_out), "
        "COP = φ T_e / (T_out + approach − T_e)"
    )
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


CoolingModel: TypeAlias = ConstantPue | Economizer | Chiller


def row(model: CoolingModel) -> NDArray[np.float64]:
    """Return a model as the parameter row of :mod:`cosim.physics.cooling_scalar`."""
    from cosim.physics import cooling_scalar as at

    values = np.zeros(at.COLUMNS)
    if isinstance(model, ConstantPue):
        values[[at.KIND, at.PUE]] = at.CONSTANT, model.pue
        return values
    if isinstance(model, Chiller):
        return model.fill(values)
    values[at.KIND] = at.ECONOMIZER
    values[[at.FIXED, at.FAN, at.UPS]] = model.fixed_overhead, model.fan_ratio, model.ups_loss
    values[[at.T_FREE, at.T_FULL]] = model.t_free_c, model.t_full_c
    values[[at.CARNOT, at.COP_MIN, at.COP_MAX]] = model.carnot_factor, model.cop_min, model.cop_max
    values[[at.T_EVAPORATOR, at.APPROACH]] = model.evaporator_c, model.condenser_approach_k
    return values


def chiller_cop(model: Economizer, t_out_c: ArrayLike) -> NDArray[np.float64]:
    """Return the chiller's coefficient of performance, a share of Carnot's, clipped.

    COP = φ T_e / (T_c − T_e) with the condenser at T_c = T_out + approach; where the lift is not
    positive the upper clip holds.
    """
    from cosim.physics.cooling_scalar import carnot_cop

    at, t = row(model).tolist(), np.asarray(t_out_c, dtype=np.float64)
    return np.reshape([carnot_cop(at, float(x)) for x in t.flat], t.shape)


def chiller_share(model: Economizer | Chiller, t_out_c: ArrayLike) -> NDArray[np.float64]:
    """Return the share of heat that the chiller carries, 0 at t_free_c to 1 at t_full_c."""
    from cosim.physics import cooling_scalar

    at, t = row(model).tolist(), np.asarray(t_out_c, dtype=np.float64)
    return np.reshape([cooling_scalar.chiller_share(at, float(x)) for x in t.flat], t.shape)


def pue(model: CoolingModel, t_out_c: ArrayLike, load: float = 1.0) -> NDArray[np.float64]:
    """Return facility power over IT power.

    Args:
        model: the site's cooling.
        t_out_c: outdoor temperature [°C], any shape.
        load: IT power over design IT power, above 0; changes the PUE of ``Chiller`` only.

    Returns:
        PUE of the same shape, at least 1; never falls as ``t_out_c`` rises.
    """
    if not 0.0 < load < np.inf:
        raise ValueError(f"load = {load!r}: must be above 0 and finite")
    it_kw = load * model.design_it_kw if isinstance(model, Chiller) else 1.0
    return np.asarray(1.0 + cooling_kw(model, it_kw, t_out_c) / it_kw)


def cooling_kw(model: CoolingModel, it_kw: ArrayLike, t_out_c: ArrayLike) -> NDArray[np.float64]:
    """Return everything the facility draws beyond its IT equipment, (PUE − 1) P_IT [kW].

    This is P^C of the power balance JEMAS Eq. 10 (arXiv 2605.02965), if heat is removed at once.

    Args:
        model: the site's cooling.
        it_kw: IT power [kW], at least 0.
        t_out_c: outdoor temperature [°C], broadcast against ``it_kw``.
    """
    from cosim.physics import cooling_scalar

    at = row(model).tolist()
    # traces hold few distinct values: a year of minutes has some hundred temperatures
    pairs = np.asarray(it_kw, dtype=np.float64) + 1j * np.asarray(t_out_c, dtype=np.float64)
    distinct, where = np.unique(pairs, return_inverse=True)
    powers = [cooling_scalar.cooling_kw(at, pair.real, pair.imag) for pair in distinct.tolist()]
    return np.asarray(powers)[where].reshape(pairs.shape)
