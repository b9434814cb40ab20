"""Calls for demand response, settled in the slot in which they end.

A call is rare, and its baseline looks back over days, so it is settled in Python, from the imports
that the ledger has metered by then.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from cosim.physics.demand_response import DrEvent, baseline_kwh, event_steps, settle
from cosim.world import kernel_grid as at
from cosim.world.plan import CallPlan, Plan

Due = tuple[int, DrEvent, float | None]


class Calls:
    """The calls of a run, by the slot in which each ends.

    Attributes:
        due: slot → (site, call, agreed baseline [kW] or None) of the calls that end in it.
    """

    def __init__(self, plan: Plan) -> None:
        self.due: dict[int, list[Due]] = defaultdict(list)
        self._plans = [site.calls for site in plan.sites]
        for site, calls in enumerate(self._plans):
            if calls is None:
                continue
            for event, agreed_kw in calls.each():
                last = int(event_steps(event, calls.local)[-1])
                self.due[last].append((site, event, agreed_kw))

    def settle(self, grid: at.Grid, slot: int) -> None:
        """Book what the calls that end in a slot have come to."""
        for site, event, agreed_kw in self.due.get(slot, ()):
            calls = self._plans[site]
            assert calls is not None  # what is due has a plan
            grid.rows[slot, at.DR_USD, site] += _usd(calls, event, agreed_kw, grid, site)


def _usd(
    calls: CallPlan, event: DrEvent, agreed_kw: float | None, grid: at.Grid, site: int
) -> float:
    """Payment less penalty of one call [USD]."""
    local = calls.local
    import_kwh = grid.rows[: local.count, at.IMPORT, site]
    expected = None
    if event.kind == "reduction":
        steps = event_steps(event, local)
        if agreed_kw is not None:
            expected = np.full(steps.size, agreed_kw * local.step_h)
        else:
            programme = calls.programme
            expected = baseline_kwh(programme.baseline, event, programme.events, local, import_kwh)
    return settle(event, local, import_kwh, expected).usd
