"""Energy that a run may draw beyond what the images need that are finished: limits of it.

Where consuming is paid for, waste is a gain; a bound has to allow as much of it as can be.
"""

from __future__ import annotations

import numpy as np

from cosim.quantities import J_PER_KWH
from cosim.world.plan import Plan

PJ_PER_KWH = J_PER_KWH * 1e12


def image_kwh_max(plan: Plan) -> float:
    """Most energy that an image of a single job can take, replicas included."""
    steps = max(plan.info.steps)
    dearest_pj = max(
        (s.encode_ns[k] + s.decode_ns[k]) * s.fixed_mw[k] + steps * s.batch_ns[k][0] * s.most_mw(k)
        for s in plan.services
        for k in range(len(s.step_ns))
    )
    return plan.info.replicas * dearest_pj / PJ_PER_KWH


def burnt_kwh(plan: Plan) -> float:
    """Most IT energy that is drawn beyond what the images need that are finished.

    Cold starts: one per job at most where a site has several models. Failures, preemption and
    batches that are not full waste what no simple limit holds.
    """
    wasteful = any(site.preempt or site.batch_max > 1 for site in plan.sites)
    if wasteful or plan.faults:
        return np.inf
    if all(len(site.services) == 1 for site in plan.sites):
        return 0.0
    return _loads_kwh(plan)


def drain_kwh(plan: Plan) -> float:
    """More than a site can draw after the window: all jobs at their dearest, interrupted often."""
    return 4.0 * (image_kwh_max(plan) * float(plan.jobs.images.sum()) + _loads_kwh(plan))


def _loads_kwh(plan: Plan) -> float:
    """Energy of one cold start for each job, at its dearest."""
    load_pj = max(max((s.load_ns, *s.loads_ns)) * s.load_mw for s in plan.services)
    return len(plan.jobs) * plan.info.replicas * load_pj / PJ_PER_KWH
