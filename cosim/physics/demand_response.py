"""Calls to use less: events with a cap or a reduction against a baseline, and what they pay.

A cap holds the import under a limit: a firm one is physics (a lower limit of the bin), a soft one
costs a penalty per kWh above it. A reduction is measured against what the site would have used,
the mean of the same hours of recent days of its kind, as in CAISO's "10 of 10": paid per kWh
delivered, up to what was asked, with a penalty per kWh that is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.physics.grid_limits import GridEvent, touched_bins
from cosim.physics.local_time import LocalTime
from cosim.physics.ranges import Range, range_problems, refuse
from cosim.quantities import NS_PER_DAY, NS_PER_HOUR

Floats = NDArray[np.float64]
_WEEKEND = 5


@dataclass(frozen=True)
class DrEvent:
    """One call.

    Attributes:
        start_utc_ns: first instant, Unix time [ns].
        end_utc_ns: first instant after it, Unix time [ns].
        kind: ``cap`` on the import, or ``reduction`` against the baseline.
        kw: the cap, or the reduction asked for [kW].
        payment_usd_kwh: paid per kWh reduced, up to what was asked [USD/kWh].
        penalty_usd_kwh: paid by the site per kWh above the cap or short of the reduction.
        firm: a cap that the meter loop enforces as an import limit.
    """

    start_utc_ns: int
    end_utc_ns: int
    kind: Literal["cap", "reduction"]
    kw: float
    payment_usd_kwh: float = 0.0
    penalty_usd_kwh: float = 0.0
    firm: bool = False

    RANGES: ClassVar[dict[str, Range]] = {
        "kw": Range(0.0, 1e9, "kW"),
        "payment_usd_kwh": Range(0.0, 1000.0, "USD/kWh"),
        "penalty_usd_kwh": Range(0.0, 1000.0, "USD/kWh"),
    }
    SOURCE: ClassVar[str] = "definition"
    EQUATION: ClassVar[str] = "cap: import <= kw; reduction: min(baseline - use, kw x hours)"

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if not self.start_utc_ns < self.end_utc_ns:
            problems.append(
                f"DrEvent ends at {self.end_utc_ns}: must be after {self.start_utc_ns}"
            )
        if self.kind not in ("cap", "reduction"):
            problems.append(f"DrEvent.kind = {self.kind!r}: must be 'cap' or 'reduction'")
        if self.firm and self.kind != "cap":
            problems.append("DrEvent.firm: only a cap can be enforced; a reduction is measured")
        refuse(problems)


@dataclass(frozen=True)
class Baseline:
    """How the use without a call is estimated.

    Attributes:
        days: recent days of the same kind (working day or weekend) without a call.
            Days are counted back in whole 24 h, also across a change of the clocks.
        highest: how many of them, those with the highest use in the event's hours, are averaged.
        adjust_share: the mean is scaled by what the site used in the three hours that end an hour
            before the event, over the same days' use of these hours, but by no more than this
            share; 0 does not adjust.
    """

    days: int = 10
    highest: int = 10
    adjust_share: float = 0.2

    RANGES: ClassVar[dict[str, Range]] = {
        "days": Range(1, 60, "days"),
        "highest": Range(1, 60, "days"),
        "adjust_share": Range(0.0, 1.0),
    }
    SOURCE: ClassVar[str] = "CAISO and AEMO baselines '10 of 10' with adjustment; NYISO '5 of 10'"
    EQUATION: ClassVar[str] = "baseline = mean over days of the same hours x clip(today / days)"

    def __post_init__(self) -> None:
        problems = range_problems(self, self.RANGES)
        if self.highest > self.days:
            problems.append(
                f"Baseline.highest = {self.highest}: must be at most days = {self.days}"
            )
        refuse(problems)


@dataclass(frozen=True)
class DemandResponse:
    """A programme: its calls and the rule of its baseline.

    Attributes:
        events: the calls.
        baseline: what a site is taken to have drawn without a call.
    """

    events: tuple[DrEvent, ...]
    baseline: Baseline = Baseline()

    SOURCE: ClassVar[str] = Baseline.SOURCE
    EQUATION: ClassVar[str] = (
        "settlement = payment x min(baseline - use, asked) - penalty x shortfall or excess"
    )


class DrSettlement(NamedTuple):
    """What one call came to.

    Attributes:
        baseline_kwh: estimated use [kWh]; of a cap, the energy under the cap.
        used_kwh: measured import [kWh].
        reduced_kwh: reduction that counts [kWh], 0 for a cap.
        missing_kwh: energy above the cap or short of the reduction [kWh].
        usd: payment minus penalty [USD], + to the site.
    """

    baseline_kwh: float
    used_kwh: float
    reduced_kwh: float
    missing_kwh: float
    usd: float


def firm_limits(programme: DemandResponse) -> tuple[GridEvent, ...]:
    """Return the calls that the meter loop enforces, as limits on import."""
    return tuple(
        GridEvent(e.start_utc_ns, e.end_utc_ns, e.kw, np.inf) for e in programme.events if e.firm
    )


def event_steps(event: DrEvent, local: LocalTime) -> NDArray[np.int64]:
    """Return the steps of a run that a call touches."""
    return touched_bins(
        event.start_utc_ns, event.end_utc_ns, local.start_utc_ns, local.step_ns, local.count
    )


def baseline_kwh(
    rule: Baseline, event: DrEvent, events: Sequence[DrEvent], local: LocalTime, import_kwh: Floats
) -> Floats:
    """Return the estimated import of each step of a call [kWh], shape (steps of the call,).

    Args:
        rule: how to estimate.
        event: the call.
        events: all calls; days on which one falls are left out.
        local: calendar of the steps, reaching back before the call.
        import_kwh: measured import of all steps [kWh].

    Raises:
        ValueError: if no day qualifies (the readings begin too late).
    """
    steps = event_steps(event, local)
    shifts = _qualifying(rule, event, events, local)
    if not shifts.size:
        raise ValueError(
            f"demand response at {event.start_utc_ns}: no earlier day of the same kind in the "
            f"readings; give up to {rule.days} days before the call"
        )
    days_kwh = import_kwh[steps[None, :] - shifts[:, None]]
    chosen = np.argsort(-days_kwh.sum(axis=1), kind="stable")[: rule.highest]
    scale = _adjustment(rule, event, local, import_kwh, shifts[chosen])
    return np.asarray(days_kwh[chosen].mean(axis=0) * scale)


def _qualifying(
    rule: Baseline, event: DrEvent, events: Sequence[DrEvent], local: LocalTime
) -> NDArray[np.int64]:
    """Return how many steps earlier the days that count lie, the latest first."""
    steps, per_day = event_steps(event, local), NS_PER_DAY // local.step_ns
    called = np.zeros(local.count, dtype=np.bool_)
    for other in events:
        called[event_steps(other, local)] = True
    weekend = local.weekday >= _WEEKEND
    found: list[int] = []
    for day in range(1, steps[0] // per_day + 1 if steps.size else 1):
        shift = day * per_day
        same_kind = bool(weekend[steps[0] - shift] == weekend[steps[0]])
        if same_kind and not called[steps - shift].any():
            found.append(shift)
        if len(found) == rule.days:
            break
    return np.array(found, dtype=np.int64)


def _adjustment(
    rule: Baseline, event: DrEvent, local: LocalTime, import_kwh: Floats, shifts: NDArray[np.int64]
) -> float:
    per_hour = NS_PER_HOUR // local.step_ns
    first = int(event_steps(event, local)[0])
    window = np.arange(first - 4 * per_hour, first - per_hour)
    if rule.adjust_share == 0.0 or window.size == 0 or window[0] < shifts.max():
        return 1.0
    usual_kwh = float(import_kwh[window[None, :] - shifts[:, None]].sum(axis=1).mean())
    if usual_kwh <= 0.0:
        return 1.0
    ratio = float(import_kwh[window].sum()) / usual_kwh
    return float(np.clip(ratio, 1.0 - rule.adjust_share, 1.0 + rule.adjust_share))


def settle(
    event: DrEvent, local: LocalTime, import_kwh: Floats, expected_kwh: Floats | None = None
) -> DrSettlement:
    """Return what a call pays.

    Args:
        event: the call.
        local: calendar of the steps.
        import_kwh: measured import of all steps [kWh].
        expected_kwh: baseline of the call's steps [kWh] (:func:`baseline_kwh`); a cap needs none.
    """
    used = import_kwh[event_steps(event, local)]
    asked_kwh = event.kw * local.step_h
    if event.kind == "cap":
        over = float(np.maximum(used - asked_kwh, 0.0).sum())
        room = asked_kwh * used.size
        return DrSettlement(room, float(used.sum()), 0.0, over, -over * event.penalty_usd_kwh)
    if expected_kwh is None or expected_kwh.shape != used.shape:
        raise ValueError(f"a reduction needs a baseline of shape {used.shape} [kWh]")
    reduced = np.clip(expected_kwh - used, 0.0, asked_kwh)
    missing = float((asked_kwh - reduced).sum())
    usd = float(reduced.sum()) * event.payment_usd_kwh - missing * event.penalty_usd_kwh
    return DrSettlement(
        float(expected_kwh.sum()), float(used.sum()), float(reduced.sum()), missing, usd
    )
