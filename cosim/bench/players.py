"""Whoever can run a benchmark's jobs: the textbook model and both engines of the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from cosim.bench.deciders import Shortest, Steady
from cosim.bench.sizes import Size
from cosim.decision import SplitRule
from cosim.errors import UsageError
from cosim.rng import stream
from cosim.world.jobstate import Fates
from cosim.world.plan import Plan
from cosim.world.textbook import Textbook
from cosim.world.world import World


@dataclass(frozen=True)
class Played:
    """What a run leaves behind.

    Attributes:
        fates: what became of each job.
        bins: GPU power of each meter bin and site [kW]; None where there are no meters.
        events: SimPy events.
    """

    fates: Fates
    bins: NDArray[Any] | None
    events: int


Player = Callable[[Plan, Size], Played]


def decider(size: Size) -> Steady:
    """The policy of a size."""
    return Shortest() if size.asks else Steady()


def _textbook(plan: Plan, size: Size) -> Played:
    policy = decider(size)
    policy.reset(plan.info, stream(1, "bench"))
    rule = policy.rule
    if not isinstance(rule, SplitRule):
        raise UsageError("the textbook model has no estimates of waits to show to Python")
    model = Textbook(plan, lambda slot: (rule, policy.levels(slot)))
    fates = model.run()
    return Played(fates, None, model.env.processed())


def _world(engine: str) -> Player:
    def play(plan: Plan, size: Size) -> Played:
        world = World(plan, decider(size), stream(1, "bench"), name="bench", engine=engine)
        outcome = world.run()
        return Played(outcome.state, outcome.bins["compute_kw"], outcome.events)

    return play


PLAYERS: dict[str, Player] = {
    "textbook": _textbook,
    "reference": _world("reference"),
    "fast": _world("fast"),
}
