"""Playing a policy in the world while writing down what it saw, decided and did."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cosim.check.findings import Finding
from cosim.check.fingerprint import fingerprint
from cosim.decision import (
    CallbackRule,
    Decision,
    JobView,
    Observation,
    Placement,
    Policy,
    QueueView,
    SlotOutcome,
    WorldInfo,
    merge,
    project,
)
from cosim.errors import PolicyError, RunInterrupted
from cosim.plugins import Kind
from cosim.rng import stream
from cosim.world.plan import Plan
from cosim.world.world import World


@dataclass
class Slot:
    """What happened in one slot.

    Attributes:
        seen: the observation.
        decided: the policy's own decision, None where it failed.
        placed: answers of a rule that calls back, in order.
    """

    seen: Observation
    decided: Decision | None = None
    placed: list[Any] = field(default_factory=list)


class _EnoughError(RunInterrupted):
    """Ends a play before the window does."""


class Player:
    """Wraps the policy under check with a partner for the other layer, and takes notes."""

    def __init__(self, policy: Policy, partner: Policy, kind: Kind, last: int) -> None:
        self.policy, self.partner, self.kind, self.last = policy, partner, kind, last
        self.slots: list[Slot] = []
        self.findings: list[Finding] = []

    # the contract of a policy -----------------------------------------------------------

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Begin a run."""
        own, other = rng.spawn(2)
        self.world = world
        self._facts = fingerprint(world)
        self._guarded("reset", None, self.policy.reset, world, own)
        self.partner.reset(world, other)

    def decide(self, observation: Observation) -> Decision:
        """Let the policy decide; note what it saw and whether it left that alone."""
        now = Slot(observation)
        self.slots.append(now)
        before = fingerprint(observation)
        own = self._guarded("decide", observation.slot, self.policy.decide, observation)
        self._unchanged(observation, before)
        if not isinstance(own, Decision):
            said = f"decide() returned {type(own).__name__}; it must return a Decision"
            self._fail("runs", said, observation.slot)
        now.decided = own
        whole = self._whole(own, observation, now)
        if observation.slot >= self.last:
            raise _EnoughError
        return whole

    def learn(self, outcome: SlotOutcome) -> None:
        """Pass the outcome on."""
        hook = getattr(self.policy, "learn", None)
        if hook is not None:
            self._guarded("learn", outcome.slot, hook, outcome)

    # notes ------------------------------------------------------------------------------

    def _whole(self, own: Decision, observation: Observation, now: Slot) -> Decision:
        """The decision of both layers, if it can be put into force."""
        if isinstance(own.dispatch, CallbackRule) and callable(own.dispatch.place):
            own = replace(own, dispatch=self._noting(own.dispatch, now))
        other = self.partner.decide(observation)
        whole = merge(own, other) if self.kind == "schedule" else merge(other, own)
        try:
            project(whole, self.world, observation)
        except PolicyError as error:
            where = f"`{error.field}`: " if error.field else ""
            said = str(error).rpartition(f"`{error.field}`: " if error.field else ": ")[2]
            self._fail(
                "runs", f"its decision cannot be put into force: {where}{said}", now.seen.slot
            )
        return whole

    def _noting(self, rule: CallbackRule, now: Slot) -> CallbackRule:
        def place(job: JobView, queues: QueueView) -> Placement:
            answer: Placement = self._guarded("place", now.seen.slot, rule.place, job, queues)
            now.placed.append((job, tuple(answer)))
            return answer

        return CallbackRule(place)

    def _unchanged(self, observation: Observation, before: Any) -> None:
        slot = observation.slot
        if fingerprint(observation) != before:
            self._fail("observation", "it wrote into the observation; copy what is changed", slot)
        if fingerprint(self.world) != self._facts:
            self._fail("observation", "it wrote into the static facts of the world", slot)

    def _guarded(self, method: str, slot: int | None, call: Any, *given: Any) -> Any:
        """Call the policy; an exception of its own is a finding, not ours."""
        try:
            return call(*given)
        except Exception as error:
            said = f"{method}() raised {type(error).__name__}: {error}"
            if "read-only" in str(error):
                said += "; observations are read-only, copy what is changed"
            self._fail("runs", said, slot)

    def _fail(self, rule: str, message: str, slot: int | None) -> None:
        self.findings.append(Finding(rule, message, slot))
        raise _EnoughError


def play(
    policy: Policy, partner: Policy, plan: Plan, *, kind: Kind, seed: int, last: int
) -> Player:
    """Play a policy up to its decision of one slot.

    Args:
        policy: the policy under check.
        partner: the policy of the other layer.
        plan: the world.
        kind: which layer the policy is.
        seed: of the policy's dice.
        last: the slot whose decision ends the play.

    Returns:
        The notes of the play.
    """
    player = Player(policy, partner, kind, last)
    with suppress(_EnoughError):
        World(plan, player, stream(seed, "policy", "check")).run()
    return player
