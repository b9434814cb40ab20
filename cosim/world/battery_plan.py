"""What a plan says of a battery beside its size: how warm its cells are and how they age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.physics.ageing import Wear
from cosim.physics.ageing_models import AgeingModel

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """The temperature of cells: that of the air outdoors and an offset, held between two ends.

    Attributes:
        low_c: lowest temperature [°C]; the same as the highest in a conditioned housing.
        high_c: highest temperature [°C].
        offset_k: how much warmer than outdoors the housing is [K].
    """

    low_c: float = 25.0
    high_c: float = 25.0
    offset_k: float = 0.0

    def temp_c(self, outdoor_c: FloatArray) -> FloatArray:
        """Temperature of the cells [°C] at temperatures outdoors [°C], any shape."""
        return np.minimum(self.high_c, np.maximum(self.low_c, outdoor_c + self.offset_k))


CONDITIONED = Cells()
"""Cells in a housing that is heated and cooled."""


@dataclass(frozen=True)
class Ageing:
    """How a battery ages, and what that costs.

    Attributes:
        model: the ageing model.
        start: what the battery has been through when the window begins.
        new_kwh: its capacity when new [kWh].
        replacement_usd_kwh: price of a new one [USD/kWh].
        end_of_life: share of the new capacity at which it is replaced.
    """

    model: AgeingModel
    start: Wear
    new_kwh: float
    replacement_usd_kwh: float
    end_of_life: float
