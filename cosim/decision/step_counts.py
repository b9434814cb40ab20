"""Moving what a policy asks for onto the step counts that each service allows."""

from __future__ import annotations

import numpy as np

from cosim.decision.info import BoolArray, IntArray, WorldInfo


def nearest_allowed(world: WorldInfo, steps: IntArray, services: IntArray) -> IntArray:
    """Move each step count to the nearest that its service allows; of two, the smaller.

    Args:
        world: static facts.
        steps: denoising steps, any shape.
        services: service of each, of a shape that broadcasts to that of ``steps``; where it is
            −1 or −2 (hold, drop), every count of the world will do.
    """
    table = world.nearest_steps
    found: IntArray = table[services, np.minimum(np.maximum(steps, 0), table.shape[1] - 1)]
    return found


def allowed_mask(world: WorldInfo, wanted: BoolArray) -> BoolArray:
    """Close the counts that services do not allow; one left with none opens the nearest to them.

    Args:
        world: static facts.
        wanted: step counts that a policy opens, shape (services, steps), some in each row.
    """
    kept = wanted & world.steps_open
    for service in np.flatnonzero(~kept.any(axis=1)).tolist():
        for column in np.flatnonzero(wanted[service]).tolist():
            kept[service, world.nearest_column(world.steps[column])[service]] = True
    return kept
