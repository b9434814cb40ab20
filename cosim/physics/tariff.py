"""The grid connection's terms: what a kWh costs, what a sold one earns, how much may flow.

Power at the connection is + for import and − for export. What the import limit leaves unserved
and the export limit leaves unsold is returned on its own account, never dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.local_time import ALL_HOURS, ALL_MONTHS, ALL_WEEKDAYS, members
from cosim.physics.ranges import Range, each_in, refuse

_LIMIT = Range(0.0, math.inf, "kW")


def sale_price(price_usd_kwh: ArrayLike, share: float) -> NDArray[np.float64]:
    """Return the price of exported energy, λ − (1 − share) |λ| [USD/kWh].

    A seller gets ``share`` of a positive price and pays more than a buyer earns at a negative
    one, so exporting never pays more than importing costs and no money is made by doing both.

    Args:
        price_usd_kwh: purchase price λ [USD/kWh], either sign.
        share: in [0, 1].
    """
    refuse(each_in("share", [share], Range(0.0, 1.0)))
    price = np.asarray(price_usd_kwh, dtype=np.float64)
    return np.asarray(price - (1.0 - share) * np.abs(price))


@dataclass(frozen=True)
class TouPeriod:
    """One price of a time-of-use tariff and when it holds, on the local clock.

    Attributes:
        price_usd_kwh: purchase price [USD/kWh].
        hours: hours of the day that it covers, 0 for 00:00 to 01:00.
        weekdays: 0 for Monday to 6 for Sunday.
        months: 1 for January to 12.
    """

    price_usd_kwh: float
    hours: tuple[int, ...] = ALL_HOURS
    weekdays: tuple[int, ...] = ALL_WEEKDAYS
    months: tuple[int, ...] = ALL_MONTHS

    SOURCE: ClassVar[str] = "published retail tariffs; the periods are the scenario's"
    EQUATION: ClassVar[str] = "price(t) = price of the one period that covers hour, weekday, month"

    def __post_init__(self) -> None:
        refuse(
            each_in("TouPeriod.price_usd_kwh", [self.price_usd_kwh], Range(-100.0, 100.0))
            + members("TouPeriod.hours", self.hours, ALL_HOURS)
            + members("TouPeriod.weekdays", self.weekdays, ALL_WEEKDAYS)
            + members("TouPeriod.months", self.months, ALL_MONTHS)
        )


def _owners(periods: Sequence[TouPeriod]) -> NDArray[np.int64]:
    """Return how many periods cover each (month, weekday, hour), shape (12, 7, 24)."""
    count = np.zeros((12, 7, 24), dtype=np.int64)
    for period in periods:
        count[_cells(period)] += 1
    return count


def _cells(period: TouPeriod) -> tuple[NDArray[np.intp], ...]:
    months = [month - 1 for month in sorted(set(period.months))]
    return np.ix_(months, sorted(set(period.weekdays)), sorted(set(period.hours)))


def tou_problems(periods: Sequence[TouPeriod]) -> list[str]:
    """Return a sentence for the hours that no period covers and for those that several do."""
    count = _owners(periods)
    problems = []
    for wrong, word in ((count == 0, "no period covers"), (count > 1, "several periods cover")):
        if wrong.any():
            month, weekday, hour = (int(i) for i in np.argwhere(wrong)[0])
            problems.append(
                f"{word} {int(wrong.sum())} of {count.size} hours, first: month {month + 1}, "
                f"weekday {weekday}, hour {hour}"
            )
    return problems


def time_of_use_price(
    periods: Sequence[TouPeriod],
    local_hour: ArrayLike,
    weekday: ArrayLike,
    month: ArrayLike,
) -> NDArray[np.float64]:
    """Return the price of each instant [USD/kWh].

    Args:
        periods: together cover every hour exactly once.
        local_hour: hour of the local day, [0, 24); fractions belong to their hour.
        weekday: 0 for Monday to 6 for Sunday.
        month: 1 to 12.

    Raises:
        ValueError: if the periods leave gaps or overlap, or an instant is not on the calendar.
    """
    refuse(tou_problems(periods))
    price = np.empty((12, 7, 24))
    for period in periods:
        price[_cells(period)] = period.price_usd_kwh
    hours = np.floor(np.asarray(local_hour, dtype=np.float64)).astype(np.int64)
    days, months = np.asarray(weekday, dtype=np.int64), np.asarray(month, dtype=np.int64)
    _check_calendar(hours, days, months)
    return np.asarray(price[months - 1, days, hours])


def _check_calendar(
    hours: NDArray[np.int64], days: NDArray[np.int64], months: NDArray[np.int64]
) -> None:
    for label, values, low, high in (
        ("local_hour", hours, 0, 23),
        ("weekday", days, 0, 6),
        ("month", months, 1, 12),
    ):
        if values.size and not (values.min() >= low and values.max() <= high):
            span = f"{values.min()} to {values.max()}"
            raise ValueError(f"{label} spans {span}: must lie from {low} to {high}")


class GridExchange(NamedTuple):
    """Where net power goes at the connection; all at least 0 [kW].

    Attributes:
        import_kw: bought.
        export_kw: sold.
        curtail_kw: surplus that the export limit refuses.
        unserved_kw: demand that the import limit refuses.
    """

    import_kw: NDArray[np.float64]
    export_kw: NDArray[np.float64]
    curtail_kw: NDArray[np.float64]
    unserved_kw: NDArray[np.float64]


def grid_exchange(
    net_kw: ArrayLike, import_max_kw: ArrayLike, export_max_kw: ArrayLike
) -> GridExchange:
    """Split net power into its four accounts; closes JEMAS Eq. 10 (arXiv 2605.02965).

    ``net_kw = import − export − curtail + unserved`` exactly, with at most one of import and
    export above 0.

    Args:
        net_kw: demand minus on-site supply [kW], + a need, − a surplus.
        import_max_kw: import limit [kW], at least 0, may be infinite.
        export_max_kw: export limit [kW], at least 0, may be infinite.
    """
    net = np.asarray(net_kw, dtype=np.float64)
    need, surplus = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    bought = np.minimum(need, _limit("import_max_kw", import_max_kw))
    sold = np.minimum(surplus, _limit("export_max_kw", export_max_kw))
    return GridExchange(bought, sold, surplus - sold, need - bought)


def _limit(label: str, limit_kw: ArrayLike) -> NDArray[np.float64]:
    limit = np.asarray(limit_kw, dtype=np.float64)
    if not np.all(limit >= 0.0):
        raise ValueError(f"{label} = {limit_kw!r}: must be at least {_LIMIT.low:g} kW")
    return limit
