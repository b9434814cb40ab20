"""What a solar calculation is told: the place, the modules and the weather over them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.physics.ranges import Range, check_ranges, range_problems, refuse

Floats = NDArray[np.float64]

FAIMAN_U: dict[str, tuple[float, float]] = {"rack": (25.0, 6.84), "roof": (20.6, 6.84)}
"""Heat loss coefficients (u0 [W/m²K], u1 [W s/m³K]) by mounting.

``rack`` is Faiman (2008). ``roof`` lowers u0 so that the cell is 4 K warmer at 800 W/m² and
1 m/s, the difference between PVWatts' nominal temperatures of 49 and 45 °C (Dobos, 2014).
"""


@dataclass(frozen=True)
class Location:
    """Where the array stands.

    Attributes:
        latitude_deg: north positive.
        longitude_deg: east positive.
        altitude_m: above sea level.
    """

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0

    RANGES: ClassVar[dict[str, Range]] = {
        "latitude_deg": Range(-90.0, 90.0, "deg"),
        "longitude_deg": Range(-180.0, 180.0, "deg"),
        "altitude_m": Range(-450.0, 9000.0, "m"),
    }

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


@dataclass(frozen=True)
class PvArray:
    """Modules in one plane and their inverter.

    Attributes:
        peak_kw: DC nameplate power at standard test conditions [kW].
        tilt_deg: slope of the plane, 0 flat.
        azimuth_deg: direction it faces, 180 south.
        dc_ac_ratio: ``peak_kw`` over the inverter's AC limit.
        losses: soiling, shading, wiring and the like; 0.1408 is PVWatts' default.
        gamma_per_k: relative change of DC power per kelvin of cell temperature [1/K].
        inverter_efficiency: nominal.
        mounting: ``rack`` (open) or ``roof`` (close to a surface, warmer).
        albedo: reflectance of the ground.
    """

    peak_kw: float
    tilt_deg: float
    azimuth_deg: float = 180.0
    dc_ac_ratio: float = 1.2
    losses: float = 0.1408
    gamma_per_k: float = -0.0043
    inverter_efficiency: float = 0.96
    mounting: Literal["rack", "roof"] = "rack"
    albedo: float = 0.2

    RANGES: ClassVar[dict[str, Range]] = {
        "peak_kw": Range(0.0, 1e7, "kW"),
        "tilt_deg": Range(0.0, 90.0, "deg"),
        "azimuth_deg": Range(0.0, 360.0, "deg"),
        "dc_ac_ratio": Range(0.5, 3.0),
        "losses": Range(0.0, 0.99),
        "gamma_per_k": Range(-0.01, 0.0, "per K"),
        "inverter_efficiency": Range(0.5, 1.0),
        "albedo": Range(0.0, 1.0),
    }
    SOURCE: ClassVar[str] = (
        "sky: Perez (1990); angle losses: De Soto (2006); cell temperature: Faiman (2008); DC, "
        "losses and inverter: PVWatts (Dobos 2014), all by pvlib; from GHI alone: Erbs (1982)"
    )
    EQUATION: ClassVar[str] = (
        "P_dc = peak E_eff / 1000 (1 + gamma (T_cell - 25)) (1 - losses); T_cell = T_air + E / "
        "(u0 + u1 wind); P_ac = PVWatts inverter(P_dc), clipped at peak / dc_ac_ratio"
    )

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if self.mounting not in FAIMAN_U:
            problems.append(f"PvArray.mounting = {self.mounting!r}: must be one of rack, roof")
        refuse(problems)

    @property
    def ac_limit_kw(self) -> float:
        """Highest AC power, ``peak_kw / dc_ac_ratio`` [kW]."""
        return self.peak_kw / self.dc_ac_ratio


@dataclass(frozen=True, eq=False)
class WeatherArrays:
    """Interval means of the weather, one entry per interval, gap-free.

    Attributes:
        ghi_w_m2: global horizontal irradiance.
        dni_w_m2: direct normal irradiance; None or all NaN where unknown.
        dhi_w_m2: diffuse horizontal irradiance; None or all NaN where unknown.
        temp_air_c: air temperature.
        wind_speed_m_s: wind speed.
    """

    ghi_w_m2: Floats
    dni_w_m2: Floats | None
    dhi_w_m2: Floats | None
    temp_air_c: Floats
    wind_speed_m_s: Floats

    def __post_init__(self) -> None:
        for field in ("dni_w_m2", "dhi_w_m2"):
            values = getattr(self, field)
            if values is not None and np.isnan(values).all():
                object.__setattr__(self, field, None)
        refuse([problem for name, values in self._columns() for problem in _gaps(name, values)])
        if len({values.shape for _, values in self._columns()}) != 1:
            shapes = {name: values.shape for name, values in self._columns()}
            raise ValueError(f"WeatherArrays: columns differ in shape, {shapes}")

    def _columns(self) -> list[tuple[str, Floats]]:
        named = ((name, getattr(self, name)) for name in self.__dataclass_fields__)
        return [(name, values) for name, values in named if values is not None]

    def take(self, index: NDArray[np.intp]) -> WeatherArrays:
        """Return the intervals at ``index``, in that order."""
        return replace(self, **{name: values[index] for name, values in self._columns()})


def _gaps(name: str, values: Floats) -> list[str]:
    bad = np.flatnonzero(~np.isfinite(values))
    if not bad.size:
        return []
    return [f"WeatherArrays.{name}: {bad.size} entries not finite, first at index {bad[0]}"]
