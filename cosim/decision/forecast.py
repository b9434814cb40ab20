"""What was foreseen, by whom and when: a forecast has an issue time and is never the future.

Values are means over whole slots. Column 0 is the slot that is about to begin. ``published``
marks values that were public knowledge at the issue time (day-ahead prices after gate closure);
all other values are the forecaster's opinion.
"""

from __future__ import annotations

from dataclasses import dataclass

from cosim.decision.info import BoolArray, FloatArray


@dataclass(frozen=True)
class Forecast:
    """One quantity over the coming slots.

    Attributes:
        quantity: name with unit, e.g. ``price_usd_kwh``.
        forecaster: who says so, e.g. ``seasonal``.
        issue_ns: simulated instant at which it was made [ns].
        values: shape (sites, horizon).
        published: True where the value was already public, shape (sites, horizon).
    """

    quantity: str
    forecaster: str
    issue_ns: int
    values: FloatArray
    published: BoolArray

    @property
    def horizon(self) -> int:
        """Number of slots foreseen, the one that begins now included."""
        return int(self.values.shape[1])


@dataclass(frozen=True)
class Forecasts:
    """All forecasts of one slot edge.

    Attributes:
        price: purchase price [USD/kWh].
        sale: sale price [USD/kWh].
        carbon: grid carbon intensity [g/kWh].
        solar: solar power [kW].
        wind: wind power [kW].
        temperature: outdoor temperature [°C].
        load: facility load [kW], as the forecaster extrapolates it.
    """

    price: Forecast
    sale: Forecast
    carbon: Forecast
    solar: Forecast
    wind: Forecast
    temperature: Forecast
    load: Forecast
