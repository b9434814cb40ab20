"""The demand part of a bill: the month's peaks, ratchets and coincident peaks.

Demand is the mean import over a demand interval (15 minutes, say, on the clock). A month's charge
is booked as its peak grows: the interval that lifts the running peak by 10 kW is the one that
costs 10 kW more, which is also what a controller must know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics.billing_energy import billed_share, block_cost
from cosim.physics.billing_records import BillRow, Floats, Usage
from cosim.physics.local_time import LocalTime, mask_of
from cosim.physics.tariff_records import DemandCharge, Tariff
from cosim.quantities import NS_PER_MIN

Ints = NDArray[np.int64]


class Intervals(NamedTuple):
    """Demand intervals: mean import of each [kW], its first and last step, its month."""

    demand_kw: Floats
    first_step: Ints
    last_step: Ints
    month_no: Ints


class DemandPart(NamedTuple):
    """Rows of the demand part, the same by step [USD], and the peak of each month [kW]."""

    rows: list[BillRow]
    demand_usd: Floats
    peaks_kw: dict[str, tuple[float, ...]]


def interval_ns(tariff: Tariff, step_ns: int) -> int:
    """Return the length over which demand is averaged [ns]: a step where steps are longer.

    Raises:
        ValueError: if neither of step and demand interval divides the other.
    """
    asked_ns = tariff.demand_interval_min * NS_PER_MIN
    if asked_ns % step_ns and step_ns % asked_ns:
        raise ValueError(
            f"demand_interval_min = {tariff.demand_interval_min}: must be a multiple or a part of "
            f"the meter's step of {step_ns / NS_PER_MIN:g} min"
        )
    return max(asked_ns, step_ns)


def demand_intervals(tariff: Tariff, import_kwh: Floats, local: LocalTime) -> Intervals:
    """Return the mean import over each demand interval, aligned to the clock, cut at months."""
    length_ns = interval_ns(tariff, local.step_ns)
    begin_ns = local.start_utc_ns + local.step_ns * np.arange(local.count, dtype=np.int64)
    new = np.diff(begin_ns // length_ns, prepend=-1) != 0
    new |= np.diff(local.month_no, prepend=-1) != 0
    first, place = np.flatnonzero(new), np.cumsum(new) - 1
    hours = np.bincount(place) * local.step_h
    last = np.append(first[1:], local.count) - 1
    return Intervals(np.bincount(place, import_kwh) / hours, first, last, local.month_no[first])


def demand_part(tariff: Tariff, usage: Usage) -> DemandPart:
    """Return what power costs: rows, money by step and the peaks that a ratchet remembers."""
    spans = demand_intervals(tariff, usage.import_kwh, usage.local)
    share = billed_share(tariff, usage.local)
    booked = np.zeros(usage.local.count)
    rows: list[BillRow] = []
    peaks: dict[str, tuple[float, ...]] = {}
    for charge in tariff.demand:
        past = list(usage.past_peaks_kw.get(charge.name, ()))
        for month in range(usage.local.months):
            found = _month(charge, usage, spans, month, past)
            usd = block_cost(charge.blocks, found.billed_kw) * share[month]
            np.add.at(booked, found.step, np.diff(usd, prepend=0.0))
            key = int(usage.local.month_key[month])
            billed_kw, cost = float(found.billed_kw[-1]), float(usd[-1])
            rows.append(BillRow(key, "demand", charge.name, billed_kw, "kW", cost))
            past.append(found.peak_kw)
        peaks[charge.name] = tuple(past)
    return DemandPart(rows, booked, peaks)


class _Month(NamedTuple):
    """A month's demand: running billed power, the steps in which it is known, the peak [kW]."""

    billed_kw: Floats
    step: Ints
    peak_kw: float


def _month(
    charge: DemandCharge, usage: Usage, spans: Intervals, month: int, past: Sequence[float]
) -> _Month:
    within = spans.month_no == month
    demand_kw, last = spans.demand_kw[within], spans.last_step[within]
    counts = mask_of(charge.when, usage.local)[spans.first_step[within]]
    if charge.kind == "coincident":
        named = counts & _named(usage, spans)[within]
        mean_kw = float(demand_kw[named].mean()) if named.any() else 0.0
        return _Month(np.array([mean_kw]), last[-1:], mean_kw)
    running = np.maximum.accumulate(np.where(counts, demand_kw, 0.0))
    return _Month(np.maximum(running, floor_kw(charge, past)), last, float(running[-1]))


def floor_kw(charge: DemandCharge, past_peaks_kw: Sequence[float]) -> float:
    """Return the power that is billed whatever the month's peak [kW]: minimum and ratchet."""
    remembered = past_peaks_kw[-charge.ratchet_months :] if charge.ratchet_months else ()
    return max(charge.minimum_kw, charge.ratchet_share * max(remembered, default=0.0))


def _named(usage: Usage, spans: Intervals) -> NDArray[np.bool_]:
    """Return which intervals hold a step that the grid operator names as a system peak."""
    assert usage.coincident is not None  # check_usage has refused it otherwise
    hits = np.add.reduceat(usage.coincident.astype(np.int64), spans.first_step)
    return np.asarray(hits > 0)
