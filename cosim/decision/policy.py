"""Who decides. A policy is asked once per slot; two policies make the paper's two layers.

JEMAS (arXiv 2605.02965) lets an outer policy schedule jobs and an inner heuristic manage energy.
Here both are policies; :class:`Layered` asks the outer one first and lets the inner one fill what
was left open.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from cosim.decision.info import WorldInfo
from cosim.decision.observation import Observation, SlotOutcome
from cosim.decision.orders import Decision, merge
from cosim.errors import PolicyError


@runtime_checkable
class Policy(Protocol):
    """The contract of a plug-in. ``learn(outcome)`` and ``close()`` are optional."""

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run: forget everything, take in the static facts; all dice come from ``rng``."""

    def decide(self, observation: Observation) -> Decision:
        """Decide one slot; a pure function of the observation and the policy's own state."""


class Layered:
    """An outer policy for jobs over an inner policy for energy (JEMAS, two layers)."""

    def __init__(self, schedule: Policy, energy: Policy) -> None:
        self.schedule = schedule
        self.energy = energy

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run with independent dice for the two layers."""
        outer, inner = rng.spawn(2)
        self.schedule.reset(world, outer)
        self.energy.reset(world, inner)

    def decide(self, observation: Observation) -> Decision:
        """Ask the outer layer, then let the inner one fill what is open."""
        return merge(_asked(self.schedule, observation), _asked(self.energy, observation))

    def learn(self, outcome: SlotOutcome) -> None:
        """Pass the outcome of a slot on to the layers that want it."""
        for layer in (self.schedule, self.energy):
            hook = getattr(layer, "learn", None)
            if hook is not None:
                hook(outcome)

    def close(self) -> None:
        """Let the layers release what they hold."""
        for layer in (self.schedule, self.energy):
            hook = getattr(layer, "close", None)
            if hook is not None:
                hook()


def _asked(layer: Policy, observation: Observation) -> Decision:
    """What a layer decides, or an error that names the layer and the slot."""
    answer: object = layer.decide(observation)
    if isinstance(answer, Decision):
        return answer
    told = f"decide() returned {type(answer).__name__}, expected Decision"
    raise PolicyError(type(layer).__name__, told, slot=observation.slot, field="decision")
