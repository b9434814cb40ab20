"""Which step counts a scenario knows, and which of them each model is allowed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cosim.scenario.model import Scenario


def step_counts(scenario: Scenario) -> tuple[int, ...]:
    """Every step count that some model is allowed, ascending."""
    lists = [model.steps or scenario.steps for model in scenario.models.values()]
    return tuple(sorted({count for counts in lists for count in counts}))


def steps_open(scenario: Scenario, models: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each of these models is allowed each step count, shape (models, steps).

    Args:
        scenario: the scenario.
        models: a name per row.
    """
    counts = step_counts(scenario)
    lists = [scenario.models[name].steps or scenario.steps for name in models]
    return np.array([[count in known for count in counts] for known in lists], dtype=np.bool_)
