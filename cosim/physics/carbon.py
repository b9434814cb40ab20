"""Carbon of electricity: energy times the grid's intensity of that hour."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

G_PER_KG = 1000.0


def carbon_kg(energy_kwh: ArrayLike, intensity_g_kwh: ArrayLike) -> NDArray[np.float64]:
    """Return the carbon of energy drawn from the grid [kg CO2-equivalent].

    Args:
        energy_kwh: imported energy [kWh]; pass imports only, as exports earn no credit.
        intensity_g_kwh: intensity of the grid [g/kWh], broadcast against the energy.
    """
    energy = np.asarray(energy_kwh, dtype=np.float64)
    return np.asarray(energy * np.asarray(intensity_g_kwh, dtype=np.float64) / G_PER_KG)
