"""Forecasters: what is foreseen at a slot edge, from what is published and what was measured.

Prices are public from day-ahead gate closure until the end of the published day. All else is
opinion: ``seasonal`` expects each hour to be as it was 24 h before the issue time,
``persistence`` expects the last measurement to last. ``noisy`` knows the future up to errors that
grow with the lead, and ``perfect`` knows it: both are for studies of what foresight is worth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cosim.decision import Forecast, Forecasts
from cosim.quantities import NS_PER_DAY
from cosim.world.plan import Errors, Plan

FloatArray = NDArray[np.float64]
_OUTSIDE = {
    "price": "price_usd_kwh",
    "sale": "sale_usd_kwh",
    "carbon": "carbon_g_kwh",
    "solar": "solar_kw",
    "wind": "wind_kw",
    "temperature": "temp_out_c",
}
_FORESEEN = (*_OUTSIDE, "load")


class OnDemand(Forecasts):
    """Forecasts that are worked out when they are looked at.

    What they rest on was fixed when they were issued: a late look brings nothing newer.
    """

    def __init__(self, make: Callable[[str], Forecast]) -> None:
        object.__setattr__(self, "_make", make)

    def __getattr__(self, name: str) -> Forecast:
        if name not in _FORESEEN:
            raise AttributeError(f"no forecast of `{name}`; there are {', '.join(_FORESEEN)}")
        made: Forecast = object.__getattribute__(self, "_make")(name)
        object.__setattr__(self, name, made)
        return made


@dataclass
class Forecaster:
    """Issues forecasts at slot edges.

    Attributes:
        plan: the world's plan; the future in it is read by ``perfect`` and ``noisy`` only, and
            prices only as far as they are published.
    """

    plan: Plan
    _load_kw: list[FloatArray] = field(default_factory=list)

    def __post_init__(self) -> None:
        outside = self.plan.outside
        self._series = {name: getattr(outside, column) for name, column in _OUTSIDE.items()}
        self._day = round(NS_PER_DAY / self.plan.info.slot_ns)

    def forget(self) -> None:
        """Begin anew."""
        self._load_kw.clear()

    def measured(self, load_kw: FloatArray) -> None:
        """Take note of the facility loads of the slot that just ended [kW], shape (sites,)."""
        self._load_kw.append(load_kw)

    def issue(self, slot: int, now_ns: int) -> Forecasts:
        """Issue all forecasts at the beginning of a slot of the window."""
        return OnDemand(partial(self._one, slot, now_ns, len(self._load_kw)))

    def _one(self, slot: int, now_ns: int, slots_seen: int, name: str) -> Forecast:
        if name == "load":
            return self._load(now_ns, slots_seen)
        series, history = self._series[name], self.plan.outside.history
        slot = min(slot, len(series) - history - 1)  # a long drain outlasts every series
        first = history + slot
        horizon = self._horizon(series, first)
        if self.plan.forecaster == "perfect":
            values = _filled(series[first : first + horizon], series[max(first - 1, 0)])
            known = np.ones(values.shape, dtype=np.bool_)
        else:
            values, known = self._opinion(name, first, horizon)
            if name in ("price", "sale"):
                self._publish(series, slot, first, values, known)
        return Forecast(
            _OUTSIDE[name], self.plan.forecaster, now_ns, _sites_first(values), _sites_first(known)
        )

    def _horizon(self, series: FloatArray, first: int) -> int:
        return max(1, min(self.plan.horizon, len(series) - first))

    def _opinion(
        self, name: str, first: int, horizon: int
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """What the forecaster thinks; unless it is ``noisy``, by earlier measurements alone."""
        series = self._series[name]
        last = series[first - 1] if first else np.zeros(series.shape[1])
        if self.plan.forecaster == "seasonal" and first >= self._day:
            back = first - self._day + np.arange(horizon) % self._day
            values = _filled(series[back], last)
        elif self.plan.errors is not None:
            values = self._missed(self.plan.errors, _OUTSIDE[name], series, first, horizon)
        else:
            values = np.tile(last, (horizon, 1))
        return values, np.zeros(values.shape, dtype=np.bool_)

    def _missed(
        self, errors: Errors, name: str, series: FloatArray, first: int, horizon: int
    ) -> FloatArray:
        """The truth, missed by what the error process has in store since the last measurement."""
        before, path = max(first - 1, 0), errors.paths[name]
        leads = np.arange(first - before, first - before + horizon)[:, None]
        error = path[first : first + horizon] - errors.keep**leads * path[before]
        truth = _filled(series[first : first + horizon], series[before])
        if name in errors.relative:
            return np.asarray(truth * np.maximum(0.0, 1.0 + error))
        values: FloatArray = truth + error
        return np.maximum(values, 0.0) if name == "carbon_g_kwh" else values

    def _publish(
        self,
        series: FloatArray,
        slot: int,
        first: int,
        values: FloatArray,
        known: NDArray[np.bool_],
    ) -> None:
        """Put in what is public; later hours repeat the last public day if nobody knows more."""
        until = self.plan.outside.published_until[min(slot, self.plan.info.slots - 1)]
        for site, end in enumerate(until.tolist()):
            count = int(np.clip(end - slot, 0, len(values)))
            public = series[first : first + count, site]
            good = ~np.isnan(public)
            values[:count, site] = np.where(good, public, values[:count, site])
            known[:count, site] = good
            day = min(self._day, count)
            if day and count < len(values) and self.plan.errors is None:
                tail = np.arange(len(values) - count) % day
                values[count:, site] = values[count - day + tail, site]

    def _load(self, now_ns: int, slots_seen: int) -> Forecast:
        """The facility's own load: as yesterday where it has been seen, else as it is now."""
        horizon, seen = self.plan.horizon, self._load_kw
        last = seen[slots_seen - 1] if slots_seen else np.zeros(len(self.plan.sites))
        values = np.tile(last, (horizon, 1))
        if self.plan.forecaster != "persistence" and slots_seen >= self._day:
            back = slots_seen - self._day + np.arange(horizon) % self._day
            values = np.array([seen[i] for i in back])
        known = np.zeros(values.shape, dtype=np.bool_)
        return Forecast(
            "facility_kw", self.plan.forecaster, now_ns, _sites_first(values), _sites_first(known)
        )


def _filled(values: FloatArray, last: FloatArray) -> FloatArray:
    """Replace hours that no trace covers by the last measurement."""
    unknown = np.isnan(values)
    return np.where(unknown, np.nan_to_num(last), values) if unknown.any() else values.copy()


_Scalar = TypeVar("_Scalar", np.float64, np.bool_)


def _sites_first(values: NDArray[_Scalar]) -> NDArray[_Scalar]:
    turned = np.ascontiguousarray(values.T)
    turned.flags.writeable = False
    return turned
