"""How fast lithium iron phosphate cells lose capacity, by two published models.

Both add a loss of the calendar and a loss of the cycles, each a power law: ``k t^p`` at constant
stress. Where the stress k varies, the loss that continues each law from where it stands is
``(Σ k^(1/p) Δ)^p``: a sum, in whatever order (for p = 1/2 this is the square-root law).

The models differ by a factor of two to three for the same use, so the model is named wherever a
number stands, and no number is better than that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.ranges import Range
from cosim.quantities import KELVIN

Floats: TypeAlias = NDArray[np.float64]
GAS_CONSTANT = 8.3144598  # J/(K mol)


@dataclass(frozen=True)
class Lfp250Ah:
    """Large prismatic LFP cells of stationary storage (NREL BLAST-Lite, 250 Ah, 2019).

    Attributes:
        name: stands beside every result.
    """

    name: str = "LFP 250 Ah prismatic (BLAST-Lite 2019)"

    SOURCE: ClassVar[str] = (
        "NREL BLAST-Lite lfp_gr_250AhPrismatic_2019, data doi 10.1016/j.est.2023.109042; anode "
        "potential: Safari & Delacourt, J. Electrochem. Soc. 158 (2011) A562"
    )
    EQUATION: ClassVar[str] = (
        "k_cal = 8.37e4 exp(−5210/T) exp(−3560 U_a(SoC)/T), loss k_cal days^0.526; k_cyc = "
        "(4.38e−8 + 1.55e−8 DoD + 1.68e−7 C) (e^(2190/T) + e^(−155000/T)), loss k_cyc EFC^0.828"
    )
    RANGES: ClassVar[dict[str, Range]] = {}
    VALID: ClassVar[dict[str, Range]] = {
        "temp_c": Range(10.0, 45.0, "°C"),
        "depth": Range(0.8, 1.0),
        "c_rate": Range(0.0, 0.65, "per hour"),
    }
    CALENDAR_POWER: ClassVar[float] = 0.526
    CYCLE_POWER: ClassVar[float] = 0.828
    CALENDAR_UNIT_H: ClassVar[float] = 24.0

    def calendar_rate(self, soc: ArrayLike, temp_c: ArrayLike) -> Floats:
        """Return k_cal [per day^0.526] at states of charge and temperatures [°C]."""
        temp_k = np.asarray(temp_c, dtype=np.float64) + KELVIN
        anode_v = anode_potential_v(soc)
        return np.asarray(8.37e4 * np.exp(-5210.0 / temp_k) * np.exp(-3560.0 * anode_v / temp_k))

    def cycle_rate(self, depth: float, c_rate: float, temp_c: float) -> float:
        """Return k_cyc [per EFC^0.828] of a cycle of a depth, a mean rate [1/h] and at [°C]."""
        temp_k = temp_c + KELVIN
        warmth = math.exp(2190.0 / temp_k) + math.exp(-1.55e5 / temp_k)
        return (4.38e-8 + 1.55e-8 * depth + 1.68e-7 * c_rate) * warmth


@dataclass(frozen=True)
class Naumann:
    """Small LFP cells in long laboratory tests (Naumann 2018 and 2020, Sony US26650 3 Ah).

    The loss of the cycles does not depend on temperature. ``VALID`` is what BLAST-Lite states for
    its own model of the same measurements.

    Attributes:
        name: stands beside every result.
    """

    name: str = "LFP 3 Ah Naumann 2018/2020"

    SOURCE: ClassVar[str] = (
        "Naumann et al., J. Energy Storage 17 (2018) 153 and J. Power Sources 451 (2020) 227666"
    )
    EQUATION: ClassVar[str] = (
        "k_cal = 1.2571e−5 exp(−17126/R (1/T − 1/298.15)) (2.8575 (SoC − 0.5)³ + 0.60225), loss "
        "k_cal √s; k_cyc = (0.0630 C + 0.0971) (4.0253 (DoD − 0.6)³ + 1.0923)/100, loss k_cyc √EFC"
    )
    RANGES: ClassVar[dict[str, Range]] = {}
    VALID: ClassVar[dict[str, Range]] = {
        "temp_c": Range(20.0, 40.0, "°C"),
        "depth": Range(0.8, 1.0),
        "c_rate": Range(0.0, 1.0, "per hour"),
    }
    CALENDAR_POWER: ClassVar[float] = 0.5
    CYCLE_POWER: ClassVar[float] = 0.5
    CALENDAR_UNIT_H: ClassVar[float] = 1.0 / 3600.0

    def calendar_rate(self, soc: ArrayLike, temp_c: ArrayLike) -> Floats:
        """Return k_cal [per √s] at states of charge and temperatures [°C]."""
        temp_k = np.asarray(temp_c, dtype=np.float64) + KELVIN
        warmth = np.exp(-17126.0 / GAS_CONSTANT * (1.0 / temp_k - 1.0 / 298.15))
        charge = 2.8575 * (np.asarray(soc, dtype=np.float64) - 0.5) ** 3 + 0.60225
        return np.asarray(1.2571e-5 * warmth * charge)

    def cycle_rate(self, depth: float, c_rate: float, temp_c: float) -> float:
        """Return k_cyc [per √EFC] of a cycle of a depth and a mean rate [1/h]; any ``temp_c``."""
        return (0.0630 * c_rate + 0.0971) * (4.0253 * (depth - 0.6) ** 3 + 1.0923) / 100.0


AgeingModel: TypeAlias = Lfp250Ah | Naumann
MODELS: dict[str, type[Lfp250Ah | Naumann]] = {"lfp_250ah": Lfp250Ah, "naumann": Naumann}
"""Models by the name that a scenario gives."""


def anode_potential_v(soc: ArrayLike) -> Floats:
    """Return the potential of a graphite anode against lithium [V] (Safari & Delacourt 2011).

    Args:
        soc: state of charge, 0 to 1; lithiation runs from 0.0085 to 0.78 with it.
    """
    x = 8.5e-3 + np.asarray(soc, dtype=np.float64) * (0.78 - 8.5e-3)
    return np.asarray(
        0.6379
        + 0.5416 * np.exp(-305.5309 * x)
        + 0.044 * np.tanh(-(x - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((x - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((x + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((x - 0.5692) / 0.0875)
    )
