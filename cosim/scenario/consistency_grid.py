"""What cannot be right about a site's grid when its parts are looked at together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cosim.quantities import NS_PER_DAY, NS_PER_MIN

if TYPE_CHECKING:
    from cosim.scenario.connection import CallSpec
    from cosim.scenario.model import Scenario, Site
    from cosim.scenario.spans import Span

Place = tuple[str | int, ...]
Finding = tuple[Place, str]
_WEEKEND = 5


def grid_findings(scenario: Scenario) -> Iterator[Finding]:
    """Yield what is wrong with tariffs, limits and calls, with its place."""
    for name, site in scenario.sites.items():
        place = ("sites", name, "grid")
        yield from _tariff_findings(scenario, site, place)
        for i, limit in enumerate(site.grid.connection.limits):
            yield from outside_window(scenario, (*place, "connection", "limits", i), limit)
        yield from _call_findings(scenario, site, (*place, "demand_response", "calls"))


def outside_window(scenario: Scenario, place: Place, span: Span) -> Iterator[Finding]:
    """Yield a finding if something begins outside the window."""
    begin_h, hours = span.begin_h(scenario.clock.start), 24 * scenario.clock.days
    if not 0 <= begin_h < hours:
        key = "at" if span.at is not None else "at_h"
        message = f"begins {begin_h:g} h after the start; the window is 0 to {hours:g} h"
        yield (*place, key), message
    elif span.at is not None and (scenario.train_days or scenario.test_days):
        message = f"is on one date, and days begin at others; write at_h: {begin_h:g} instead"
        yield (*place, "at"), message


def _tariff_findings(scenario: Scenario, site: Site, place: Place) -> Iterator[Finding]:
    tariff = site.grid.tariff
    if tariff is None:
        return
    if tariff.metering == "net_metering" and site.grid.sale is not None:
        message = "net metering credits export at the purchase price; leave `sale` out"
        yield (*place, "sale"), message
    for i, peak in enumerate(tariff.system_peaks):
        yield from outside_window(scenario, (*place, "tariff", "system_peaks", i), peak)
    interval_s, bin_s = 60 * tariff.demand_interval_minutes, scenario.clock.meter_seconds
    if tariff.demand and interval_s % bin_s and bin_s % interval_s:
        minutes = tariff.demand_interval_minutes
        message = (
            f"{minutes} min must be a multiple or a part of the meter's {bin_s:g} s "
            "(`clock.meter_seconds`)"
        )
        yield (*place, "tariff", "demand_interval_minutes"), message


def _call_findings(scenario: Scenario, site: Site, place: Place) -> Iterator[Finding]:
    programme = site.grid.demand_response
    for i, call in enumerate(programme.calls if programme is not None else ()):
        yield from outside_window(scenario, (*place, i), call)
        if call.kind == "reduction" and call.baseline_kw is None:
            yield from _no_baseline(scenario, site, call, (*place, i))


def _no_baseline(
    scenario: Scenario, site: Site, call: CallSpec, place: Place
) -> Iterator[Finding]:
    """A reduction is measured against an earlier day of its kind without a call."""
    programme = site.grid.demand_response
    calls = programme.calls if programme is not None else ()
    called = {slot for other in calls for slot in _slots(scenario, other)}
    mine, per_day = _slots(scenario, call), round(1440 / scenario.clock.slot_minutes)
    for shift in range(per_day, mine.start + 1, per_day):
        earlier = range(mine.start - shift, mine.stop - shift)
        same = _rests(scenario, site, earlier.start) == _rests(scenario, site, mine.start)
        if same and not called.intersection(earlier):
            return
    message = (
        "no earlier day of its kind (working day or weekend) without a call lies in the window to "
        "measure a baseline on; give `baseline_kw:`"
    )
    yield (*place, "kind"), message


def _slots(scenario: Scenario, call: CallSpec) -> range:
    """Slots that a call touches."""
    slot_ns = round(scenario.clock.slot_minutes * NS_PER_MIN)
    begin_ns, end_ns = call.span_ns(scenario.clock.start)
    slots = round(scenario.clock.days * NS_PER_DAY / slot_ns)
    return range(begin_ns // slot_ns, min(-(-end_ns // slot_ns), slots))


def _rests(scenario: Scenario, site: Site, slot: int) -> bool:
    """Whether a slot begins on a weekend at the site."""
    instant = scenario.clock.start + timedelta(minutes=slot * scenario.clock.slot_minutes)
    return instant.astimezone(ZoneInfo(site.location.timezone)).weekday() >= _WEEKEND
