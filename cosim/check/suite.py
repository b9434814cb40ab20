"""The rules of the seam, each as a question put to a policy by playing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from cosim.check.findings import Finding
from cosim.check.fingerprint import differing, fingerprint
from cosim.check.player import Player, Slot, play
from cosim.check.stagehand import lively_plan, other_future
from cosim.decision import Policy
from cosim.errors import CosimError, PolicyError
from cosim.plugins import Kind, load_policy
from cosim.prepare import Stage
from cosim.run import staged
from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario
from cosim.world.plan import Plan

SLOTS_MAX = 12
PARTNERS: dict[Kind, tuple[str, Kind]] = {
    "schedule": ("idle", "energy"),
    "energy": ("earliest-finish", "schedule"),
}
CLOCK_SHIFT_S = 43_217.0
Make = Callable[[], Policy]


def check_policy(
    policy: str | Policy | Make,
    *,
    kind: Kind = "schedule",
    options: Mapping[str, Any] | None = None,
    scenario: Loaded | Scenario | Stage | None = None,
    seed: int = 1,
    slots: Sequence[int] | None = None,
) -> None:
    """Hold a policy to its contract; meant to be called in the tests of a plug-in.

    Args:
        policy: a name as on the command line (``NAME``, ``module:Class``), a class or function
            that makes the policy, or the policy itself.
        kind: ``schedule`` or ``energy``.
        options: keyword options of its constructor, for a name.
        scenario: the world to check it in; default: a small lively one, which takes seconds.
        seed: of the world and of the policy's dice.
        slots: slots whose decision is tested for knowledge of the future; default: the first 12.

    Raises:
        PolicyError: listing every finding.
        UsageError: there is no such policy.
    """
    found = find_faults(
        policy, kind=kind, options=options, scenario=scenario, seed=seed, slots=slots
    )
    if found:
        listed = "\n".join(f"  {finding}" for finding in found)
        raise PolicyError(_name(policy), f"does not keep its contract:\n{listed}")


def find_faults(
    policy: str | Policy | Make,
    *,
    kind: Kind = "schedule",
    options: Mapping[str, Any] | None = None,
    scenario: Loaded | Scenario | Stage | None = None,
    seed: int = 1,
    slots: Sequence[int] | None = None,
) -> list[Finding]:
    """Return everything in which a policy breaks its contract; as :func:`check_policy`."""
    plan = lively_plan(seed) if scenario is None else staged(scenario).plan(seed)
    chosen = sorted(range(min(SLOTS_MAX, plan.info.slots)) if slots is None else slots)
    if not chosen or chosen[0] < 0 or chosen[-1] >= plan.info.slots:
        raise ValueError(f"slots must be within 0..{plan.info.slots - 1}, not {chosen}")
    make = _maker(policy, kind, options)
    found = _without_methods(make)
    return found or _Examination(make, kind, plan, seed, chosen).findings()


def _name(policy: str | Policy | Make) -> str:
    if isinstance(policy, str):
        return policy
    return getattr(policy, "__name__", type(policy).__name__)


def _maker(policy: str | Policy | Make, kind: Kind, options: Mapping[str, Any] | None) -> Make:
    if isinstance(policy, str):
        return partial(load_policy, policy, options, kind=kind)
    given: Any = policy
    if isinstance(given, type) or (callable(given) and not hasattr(given, "decide")):
        return cast("Make", given)
    return lambda: given


def _without_methods(make: Make) -> list[Finding]:
    try:
        policy = make()
    except PolicyError as error:
        return [Finding("methods", str(error))]
    return [
        Finding("methods", f"has no method `{name}`; see cosim.decision.Policy")
        for name in ("reset", "decide")
        if not callable(getattr(policy, name, None))
    ]


class _Examination:
    """One policy in one world."""

    def __init__(
        self, make: Make, kind: Kind, plan: Plan, seed: int, slots: Sequence[int]
    ) -> None:
        self.make, self.kind, self.plan, self.seed, self.slots = make, kind, plan, seed, slots

    def findings(self) -> list[Finding]:
        """Play it once, and if that goes well ask everything else."""
        policy = self.make()
        first = self._play(policy, self.plan)
        if first.findings:
            return first.findings
        again = list(self._repeatable(policy, first))
        # dice hide a leak; these forecasters are meant to know what comes
        if again or self.plan.forecaster in ("perfect", "noisy"):
            return again
        return list(self._leakage(first))

    def _play(self, policy: Policy, plan: Plan, last: int | None = None) -> Player:
        name, kind = PARTNERS[self.kind]
        return play(
            policy,
            load_policy(name, kind=kind),
            plan,
            kind=self.kind,
            seed=self.seed,
            last=self.slots[-1] if last is None else last,
        )

    def _repeatable(self, policy: Policy, first: Player) -> Iterator[Finding]:
        slot = _parting(first.slots, self._play(self.make(), self.plan).slots)
        if slot is not None:
            said = "decides otherwise with the same dice; draw only from the `rng` of reset()"
            yield Finding("deterministic", said, slot)
            return
        slot = _parting(first.slots, self._play(policy, self.plan).slots)
        if slot is not None:
            said = "decides otherwise when it is used again; reset() must forget the last run"
            yield Finding("deterministic", said, slot)
        with _shifted_clock():
            slot = _parting(first.slots, self._play(self.make(), self.plan).slots)
        if slot is not None:
            said = "decides otherwise at another time of day; use the observation's time"
            yield Finding("clock", said, slot)

    def _leakage(self, first: Player) -> Iterator[Finding]:
        """Change what is not public at a slot's beginning; nothing up to it may change."""
        for slot in self.slots:
            other = self._play(self.make(), other_future(self.plan, slot), last=slot)
            _same_views(first.slots, other.slots)
            parted = _parting(first.slots[: slot + 1], other.slots)
            if parted is None:
                continue
            mine, theirs = first.slots[parted].decided, other.slots[parted].decided
            fields = ", ".join(differing(mine, theirs)) or "its answers to arriving jobs"
            said = (
                f"knows the future: {fields} changed with prices, weather or jobs that are not "
                f"public at the beginning of slot {slot}"
            )
            yield Finding("leakage", said, parted)
            return


def _parting(one: Sequence[Slot], other: Sequence[Slot]) -> int | None:
    """The first slot in which two plays decide differently, None if they agree.

    Answers to arriving jobs are compared where both plays went on to the next slot: those of the
    last slot belong to a future that may differ.
    """
    if len(one) != len(other):
        return min(len(one), len(other))
    for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        if fingerprint(mine.decided) != fingerprint(theirs.decided):
            return number
        if number + 1 < len(one) and mine.placed != theirs.placed:
            return number
    return None


def _same_views(one: Sequence[Slot], other: Sequence[Slot]) -> None:
    """Two plays that decided alike so far must have been shown the same, or the world leaks."""
    for mine, theirs in zip(one, other, strict=False):
        fields = differing(mine.seen, theirs.seen)
        if fields:
            raise CosimError(
                f"slot {mine.seen.slot}: the observation itself shows the future in "
                f"{', '.join(fields)}; this is a bug of cosim, not of the policy"
            )
        if (
            fingerprint(mine.decided) != fingerprint(theirs.decided)
            or mine.placed != theirs.placed
        ):
            return


@contextmanager
def _shifted_clock() -> Iterator[None]:
    """Set the clocks of :mod:`time` forward by twelve hours and some."""
    real = {name: getattr(time, name) for name in ("time", "monotonic", "perf_counter")}
    whole = {f"{name}_ns": getattr(time, f"{name}_ns") for name in real}
    for name, clock in real.items():
        setattr(time, name, lambda clock=clock: clock() + CLOCK_SHIFT_S)
    for name, clock in whole.items():
        setattr(time, name, lambda clock=clock: clock() + round(CLOCK_SHIFT_S * 1e9))
    try:
        yield
    finally:
        for name, clock in {**real, **whole}.items():
            setattr(time, name, clock)
