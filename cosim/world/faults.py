"""GPUs that break down and are mended: a SimPy process that walks the plan's list.

At one instant failures and repairs come after the meter's edge and before arrivals, one after the
other in the order of the list.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from cosim.errors import Problem, ScenarioError
from cosim.world.engine import Engine
from cosim.world.events import FAULT_PRIORITY, NsEnvironment, Tick
from cosim.world.plan import Plan


def breakdowns(
    env: NsEnvironment, engine: Engine, plan: Plan
) -> Generator[simpy.Event, Any, None]:
    """Let GPUs fail and come back; started before the world's clock."""
    check_repairs(plan)
    tick = Tick(env, FAULT_PRIORITY)
    for fault in plan.faults:
        yield tick.after(fault.at_ns - env.now)
        act = engine.repair if fault.up else engine.fail
        act(fault.site, fault.gpu)


def check_repairs(plan: Plan) -> None:
    """Refuse a list after which a site has no GPU left: its jobs would never end.

    Raises:
        ScenarioError: names all such sites.
    """
    last = {(fault.site, fault.gpu): fault.up for fault in plan.faults}
    problems = []
    for i, site in enumerate(plan.sites):
        if not any(last.get((i, gpu), True) for gpu in range(site.gpus)):
            said = "all GPUs stay down for ever, so that jobs would never end; repair one"
            problems.append(Problem("plan", 0, 0, f"sites.{site.name}.gpus", said))
    if problems:
        raise ScenarioError(problems)
