"""Moving what a policy asks for onto the step counts that each service allows."""

from __future__ import annotations

import numpy as np

from cosim.decision.info import FAR, BoolArray, IntArray, WorldInfo


def nearest_allowed(world: WorldInfo, steps: IntArray, services: IntArray) -> IntArray:
    """Move each step count to the nearest that its service allows; of two, the smaller.

    Args:
        world: static facts.
        steps: denoising steps, any shape.
        services: service of each, of a shape that broadcasts to that of ``steps``; where it is
            negative (hold, drop), every count of the world will do.
    """
    levels = np.asarray(world.steps, dtype=np.int64)
    anywhere = np.ones((1, len(levels)), dtype=np.bool_)
    allowed = np.concatenate([world.steps_open, anywhere])  # row -1 is for hold and drop
    rows = np.broadcast_to(np.maximum(services, -1), steps.shape)
    below = np.minimum(np.searchsorted(levels, steps), len(levels) - 1)
    if np.array_equal(levels[below], steps) and allowed[rows, below].all():
        return steps
    away = np.abs(steps[..., None] - levels)
    column = np.where(allowed[rows], away, FAR).argmin(axis=-1)
    return np.asarray(levels[column], dtype=np.int64)


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
