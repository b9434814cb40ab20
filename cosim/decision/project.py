"""Feasible or counted: decisions are moved onto the feasible set, and every move is counted.

A number outside its range is a policy's imprecision: it is clipped and counted per field and site.
A wrong shape, a NaN or an unknown destination is a broken contract: :class:`PolicyError`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cosim.decision.info import BoolArray, FloatArray, IntArray, WorldInfo
from cosim.decision.observation import Observation
from cosim.decision.orders import Decision
from cosim.decision.rules import (
    DROP,
    CallbackRule,
    DispatchRule,
    PerJobRule,
    ScoreRule,
    SplitRule,
)
from cosim.decision.step_counts import allowed_mask, nearest_allowed
from cosim.errors import PolicyError

SHARE_TOLERANCE = 1e-9
WHOLE_MAX = 2.0**53
_FEW = 64


@dataclass
class Projection:
    """A feasible decision and what it took to make it so.

    Attributes:
        decision: the feasible decision.
        clips: moved numbers per field and site, each of shape (sites,).
        numbers: how many numbers were decided in all.
    """

    decision: Decision
    clips: dict[str, IntArray] = field(default_factory=dict)
    numbers: int = 0


@dataclass(frozen=True)
class _Known:
    """A split that was projected: what was asked, to the bit, and what came of it."""

    asked: tuple[Any, ...]
    rule: SplitRule
    clips: dict[str, IntArray]
    numbers: int


class Projector:
    """Moves the decisions of one policy onto the feasible set, slot after slot.

    Most policies repeat the split of the last slot; it is projected once.
    """

    def __init__(self, world: WorldInfo, policy: str = "policy") -> None:
        self.world, self.policy, self.slot = world, policy, -1
        self.clips: dict[str, IntArray] = {}
        self.numbers = 0
        self._known: _Known | None = None
        self._unlimited = np.full(world.n_sites, np.inf)
        self._lowest = np.zeros(world.n_sites, dtype=np.int64)
        self._nothing = np.zeros(world.n_sites)
        self._nothing.flags.writeable = False

    def project(self, decision: Decision, observation: Observation) -> Projection:
        """Project a decision (see :func:`project`)."""
        self.slot, self.clips, self.numbers = observation.slot, {}, 0
        if not isinstance(cast("Any", decision), Decision):
            said = f"{type(decision).__name__} returned, expected Decision"
            raise self._fail("decision", said)
        if decision.dispatch is None:
            raise self._fail("dispatch", "no layer gave a dispatch rule")
        levels, setpoint, orders = decision.clock_level, decision.cooling_setpoint_c, self._battery
        low_kw, high_kw = observation.battery_low_kw, observation.battery_high_kw
        none, all_kw = self._nothing, self._unlimited
        feasible = Decision(
            self._dispatch(decision.dispatch),
            None if levels is None else self._clock(levels),
            orders("battery_kw", decision.battery_kw, low_kw, high_kw),
            orders("battery_absorb_kw", decision.battery_absorb_kw, none, all_kw),
            orders("battery_cover_kw", decision.battery_cover_kw, none, all_kw),
            None if setpoint is None else self._setpoint(setpoint),
        )
        return Projection(feasible, self.clips, self.numbers)

    def _fail(self, name: str, message: str) -> PolicyError:
        return PolicyError(self.policy, message, slot=self.slot, field=name)

    def _per_site(self, name: str, value: Any) -> FloatArray:
        array: FloatArray = self._array(name, value, (self.world.n_sites,))
        return array

    def _array(
        self, name: str, value: Any, shape: tuple[int, ...], kind: type[Any] = np.float64
    ) -> Any:
        """Return ``value`` as an array of that shape, or raise naming the field."""
        try:
            raw = np.asarray(value)
            wide = raw if raw.dtype.kind in "bi" else raw.astype(np.float64)
        except (TypeError, ValueError) as problem:
            raise self._fail(name, f"not an array of numbers ({problem})") from None
        if raw.shape != shape:
            raise self._fail(name, f"shape {raw.shape}, expected {shape}")
        self.numbers += raw.size
        if wide is raw:
            return raw.astype(kind)
        if _has_nan(wide):
            place = ", ".join(map(str, np.argwhere(np.isnan(wide))[0]))
            raise self._fail(name, f"NaN at index ({place})")
        if kind is np.int64 and (np.abs(wide) > WHOLE_MAX).any():
            raise self._fail(name, "beyond ±2^53, where a whole number has no exact place")
        if kind is np.int64 and not np.array_equal(wide, np.rint(wide)):
            raise self._fail(name, "has fractions where whole numbers are needed")
        return wide if kind is np.float64 else raw.astype(kind)

    def _count(self, name: str, moved: Any) -> None:
        """Count moved numbers per site; axis 0 of ``moved`` is the site."""
        if not moved.any():
            return
        per_site = moved.reshape(self.world.n_sites, -1).sum(axis=1)
        old = self.clips.get(name, np.zeros(self.world.n_sites, dtype=np.int64))
        self.clips[name] = old + per_site.astype(np.int64)

    def _clip(self, name: str, value: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
        """Clip to a range per site, counting what moved by more than a rounding error."""
        clipped: FloatArray = np.minimum(np.maximum(value, low), high)
        if not _same(clipped, value):
            slack = 1e-9 * np.maximum(1.0, np.abs(clipped))
            with np.errstate(invalid="ignore"):  # inf - inf: an unlimited order inside no limit
                self._count(name, np.abs(clipped - value) > slack)
        return clipped

    # energy -----------------------------------------------------------------------------

    def _clock(self, levels: Any) -> IntArray:
        wanted: IntArray = self._array("clock_level", levels, (self.world.n_sites,), np.int64)
        kept: IntArray = np.minimum(np.maximum(wanted, self._lowest), self.world.top_level)
        if not _same(kept, wanted):
            self._count("clock_level", kept != wanted)
        return kept

    def _battery(self, name: str, value: Any, low: FloatArray, high: FloatArray) -> FloatArray:
        """Order of the batteries; what was left open is nothing, which is always feasible."""
        if value is None:
            return self._nothing
        return self._clip(name, self._per_site(name, value), low, high)

    def _setpoint(self, value: Any) -> FloatArray:
        """Set-points within the bands of the rooms."""
        wanted = self._per_site("cooling_setpoint_c", value)
        low_c, high_c = self.world.room_low_c, self.world.room_high_c
        return self._clip("cooling_setpoint_c", wanted, low_c, high_c)

    # dispatch ---------------------------------------------------------------------------

    def _dispatch(self, rule: DispatchRule) -> DispatchRule:
        if isinstance(rule, SplitRule):
            return self._split(rule)
        if isinstance(rule, ScoreRule):
            return self._score(rule)
        if isinstance(rule, PerJobRule):
            return self._per_job(rule)
        if isinstance(rule, CallbackRule):
            if not callable(rule.place):
                raise self._fail("dispatch.place", "is not callable")
            return rule
        raise self._fail("dispatch", f"{type(rule).__name__} is no dispatch rule")

    def _split(self, rule: SplitRule) -> SplitRule:
        """Project a split, unless it is that of the last slot."""
        asked, known = _bits(rule.shares, rule.steps), self._known
        if known is None or not asked or asked != known.asked:
            clips, numbers, self.clips, self.numbers = self.clips, self.numbers, {}, 0
            known = self._known = _Known(asked, self._new_split(rule), self.clips, self.numbers)
            self.clips, self.numbers = clips, numbers
        self.clips.update(known.clips)
        self.numbers += known.numbers
        return known.rule

    def _new_split(self, rule: SplitRule) -> SplitRule:
        """Shares that are positive, reach their destination and sum to 1; allowed step counts."""
        world = self.world
        sites, classes, services = world.n_sites, len(world.classes), world.n_services
        shares = self._array("dispatch.shares", rule.shares, (sites, classes, services + 2))
        if not math.isfinite(shares.sum()) and not np.isfinite(shares).all():
            raise self._fail("dispatch.shares", "holds an infinite share")
        kept = np.maximum(shares, 0.0)
        kept[:, :, :services] *= world.reachable
        total = kept.sum(axis=2, keepdims=True)
        if total.min() > 0.0:
            kept /= total
        else:
            kept = np.where(total > 0.0, kept / np.where(total > 0.0, total, 1.0), world.staying)
        self._count("dispatch.shares", (np.abs(kept - shares) > SHARE_TOLERANCE).any(axis=2))
        steps = self._array("dispatch.steps", rule.steps, (sites, classes, services), np.int64)
        steps = self._allowed_steps("dispatch.steps", steps)
        kept.flags.writeable = steps.flags.writeable = False
        return SplitRule(kept, steps)

    def _allowed_steps(self, name: str, steps: IntArray) -> IntArray:
        """Move each step count, services on the last axis, to the nearest that is allowed."""
        services = np.arange(self.world.n_services)
        nearest = nearest_allowed(self.world, steps, services)
        self._count(name, nearest != steps)
        return nearest

    def _open_steps(self, name: str, wanted: BoolArray) -> BoolArray:
        """Close the step counts that services do not allow, and count the services concerned."""
        kept = allowed_mask(self.world, wanted)
        moved = np.zeros((self.world.n_sites, self.world.n_services), dtype=np.bool_)
        moved[self.world.service_site, np.arange(len(kept))] = (kept != wanted).any(axis=1)
        self._count(name, moved)
        return kept

    def _score(self, rule: ScoreRule) -> ScoreRule:
        world = self.world
        services, classes = world.n_services, len(world.classes)
        scalars = ("revenue_weight", "late_weight", "transfer_weight", "delay_usd_s", "margin_s")
        for name in scalars:
            if not np.isfinite(self._array(f"dispatch.{name}", getattr(rule, name), ())):
                raise self._fail(f"dispatch.{name}", "is not a finite number")
        limits: dict[str, Any] = {
            name: None if value is None else self._array(f"dispatch.{name}", value, (classes,))
            for name in ("hold_below_usd", "drop_below_usd")
            for value in (getattr(rule, name),)
        }
        allowed = self._array(
            "dispatch.allowed", rule.allowed, (world.n_sites, services), np.bool_
        )
        open_steps = self._array(
            "dispatch.steps_allowed", rule.steps_allowed, (services, len(world.steps)), np.bool_
        )
        if not open_steps.any(axis=1).all():
            raise self._fail("dispatch.steps_allowed", "a service has no step count left")
        return replace(
            rule,
            gpu_usd_s=self._finite("dispatch.gpu_usd_s", rule.gpu_usd_s),
            energy_usd_kwh=self._finite("dispatch.energy_usd_kwh", rule.energy_usd_kwh),
            allowed=allowed,
            steps_allowed=self._open_steps("dispatch.steps_allowed", open_steps),
            **limits,
        )

    def _finite(self, name: str, value: Any) -> FloatArray:
        array: FloatArray = self._array(name, value, (self.world.n_services,))
        if not np.isfinite(array).all():
            raise self._fail(name, "holds an infinite price; close the service with `allowed`")
        return array

    def _per_job(self, rule: PerJobRule) -> PerJobRule:
        count = np.shape(rule.jobs)
        if len(count) != 1:
            raise self._fail("dispatch.jobs", f"shape {count}, expected one dimension")
        jobs = self._array("dispatch.jobs", rule.jobs, count, np.int64)
        services = self._array("dispatch.services", rule.services, count, np.int64)
        steps = self._array("dispatch.steps", rule.steps, count, np.int64)
        if len(services) and (services.min() < DROP or services.max() >= self.world.n_services):
            raise self._fail(
                "dispatch.services", f"a destination outside -2..{self.world.n_services - 1}"
            )
        otherwise = self._dispatch(rule.otherwise)
        if not isinstance(otherwise, SplitRule | ScoreRule):
            raise self._fail("dispatch.otherwise", "must be a SplitRule or a ScoreRule")
        return PerJobRule(jobs, services, nearest_allowed(self.world, steps, services), otherwise)


def project(
    decision: Decision, world: WorldInfo, observation: Observation, *, policy: str = "policy"
) -> Projection:
    """Move a decision onto the feasible set and count every move.

    Args:
        decision: what the policy (or both layers together) decided; the dispatch must be given.
        world: static facts.
        observation: what was seen; gives the battery's feasible range (JEMAS Eq. 9).
        policy: name for error messages.

    Returns:
        The feasible decision with its counts.

    Raises:
        PolicyError: a NaN, a wrong shape, an unknown destination, or no dispatch rule.
    """
    return Projector(world, policy).project(decision, observation)


def _bits(*arrays: Any) -> tuple[Any, ...]:
    """What tells these arrays of numbers from all others; nothing if one is no such array."""
    if any(type(array) is not np.ndarray or array.dtype.kind not in "bif" for array in arrays):
        return ()
    return tuple((array.dtype, array.shape, array.tobytes()) for array in arrays)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether two arrays of one type and shape are equal to the bit; the cheapest way to ask."""
    return one.tobytes() == other.tobytes()


def _has_nan(values: FloatArray) -> bool:
    """Whether any number is NaN."""
    if values.ndim == 1 and len(values) <= _FEW:  # Python adds few numbers faster
        total = sum(values.tolist())
        return math.isnan(total) and bool(np.isnan(values).any())
    return bool(values.size) and math.isnan(values.min())
