"""Feasible or counted: decisions are moved onto the feasible set, and every move is counted.

A number outside its range is a policy's imprecision: it is clipped and counted per field and site.
A wrong shape, a NaN or an unknown destination is a broken contract: :class:`PolicyError`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

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


class _Projector:
    """The projection of one decision; holds the names that error messages need."""

    def __init__(self, world: WorldInfo, observation: Observation, policy: str) -> None:
        self.world, self.observation, self.policy = world, observation, policy
        self.clips: dict[str, IntArray] = {}
        self.numbers = 0

    def fail(self, name: str, message: str) -> PolicyError:
        return PolicyError(self.policy, message, slot=self.observation.slot, field=name)

    def array(
        self, name: str, value: Any, shape: tuple[int, ...], kind: type[Any] = np.float64
    ) -> Any:
        """Return ``value`` as an array of that shape, or raise naming the field."""
        try:
            raw = np.asarray(value)
            wide = raw.astype(np.float64)
        except (TypeError, ValueError) as problem:
            raise self.fail(name, f"not an array of numbers ({problem})") from None
        if raw.shape != shape:
            raise self.fail(name, f"shape {raw.shape}, expected {shape}")
        self.numbers += raw.size
        if raw.dtype.kind in "bi":
            return raw.astype(kind)
        # the sum tells at a glance that there is no NaN; it may be one where there is none
        with np.errstate(invalid="ignore"):
            doubt = math.isnan(wide.sum())
        if doubt and np.isnan(wide).any():
            place = ", ".join(map(str, np.argwhere(np.isnan(wide))[0]))
            raise self.fail(name, f"NaN at index ({place})")
        if kind is np.int64 and (np.abs(wide) > WHOLE_MAX).any():
            raise self.fail(name, "beyond ±2^53, where a whole number has no exact place")
        if kind is np.int64 and not np.array_equal(wide, np.rint(wide)):
            raise self.fail(name, "has fractions where whole numbers are needed")
        return wide if kind is np.float64 else raw.astype(kind)

    def count(self, name: str, moved: Any) -> None:
        """Count moved numbers per site; axis 0 of ``moved`` is the site."""
        if not moved.any():
            return
        per_site = moved.reshape(self.world.n_sites, -1).sum(axis=1)
        old = self.clips.get(name, np.zeros(self.world.n_sites, dtype=np.int64))
        self.clips[name] = old + per_site.astype(np.int64)

    def clip(self, name: str, value: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
        """Clip to a range per site, counting what moved by more than a rounding error."""
        clipped: FloatArray = np.minimum(np.maximum(value, low), high)
        if not np.array_equal(clipped, value):
            slack = 1e-9 * np.maximum(1.0, np.abs(clipped))
            with np.errstate(invalid="ignore"):  # inf - inf: an unlimited order inside no limit
                self.count(name, np.abs(clipped - value) > slack)
        return clipped

    # energy -----------------------------------------------------------------------------

    def clock(self, levels: Any) -> IntArray:
        wanted: IntArray = self.array("clock_level", levels, (self.world.n_sites,), np.int64)
        kept: IntArray = np.minimum(np.maximum(wanted, 0), self.world.top_level)
        self.count("clock_level", kept != wanted)
        return kept

    def battery(self, name: str, value: Any, low: FloatArray | float, high: Any) -> FloatArray:
        """Order of the batteries; what was left open is nothing, which is always feasible."""
        shape = (self.world.n_sites,)
        if value is None:
            return np.zeros(shape)
        return self.clip(name, self.array(name, value, shape), np.full(shape, low), high)

    def setpoint(self, value: Any) -> FloatArray:
        """Set-points within the bands of the rooms."""
        wanted = self.array("cooling_setpoint_c", value, (self.world.n_sites,))
        low_c, high_c = self.world.room_low_c, self.world.room_high_c
        return self.clip("cooling_setpoint_c", wanted, low_c, high_c)

    # dispatch ---------------------------------------------------------------------------

    def dispatch(self, rule: DispatchRule) -> DispatchRule:
        if isinstance(rule, SplitRule):
            return self.split(rule)
        if isinstance(rule, ScoreRule):
            return self.score(rule)
        if isinstance(rule, PerJobRule):
            return self.per_job(rule)
        if isinstance(rule, CallbackRule):
            if not callable(rule.place):
                raise self.fail("dispatch.place", "is not callable")
            return rule
        raise self.fail("dispatch", f"{type(rule).__name__} is no dispatch rule")

    def split(self, rule: SplitRule) -> SplitRule:
        world = self.world
        sites, classes, services = world.n_sites, len(world.classes), world.n_services
        shares = self.array("dispatch.shares", rule.shares, (sites, classes, services + 2))
        if not math.isfinite(shares.sum()) and not np.isfinite(shares).all():
            raise self.fail("dispatch.shares", "holds an infinite share")
        kept = np.maximum(shares, 0.0)
        kept[:, :, :services] *= world.reachable
        total = kept.sum(axis=2, keepdims=True)
        if total.min() > 0.0:
            kept /= total
        else:
            kept = np.where(total > 0.0, kept / np.where(total > 0.0, total, 1.0), world.staying)
        self.count("dispatch.shares", (np.abs(kept - shares) > SHARE_TOLERANCE).any(axis=2))
        steps = self.array("dispatch.steps", rule.steps, (sites, classes, services), np.int64)
        return SplitRule(kept, self.allowed_steps("dispatch.steps", steps))

    def allowed_steps(self, name: str, steps: IntArray) -> IntArray:
        """Move each step count, services on the last axis, to the nearest that is allowed."""
        services = np.arange(self.world.n_services)
        nearest = nearest_allowed(self.world, steps, services)
        self.count(name, nearest != steps)
        return nearest

    def open_steps(self, name: str, wanted: BoolArray) -> BoolArray:
        """Close the step counts that services do not allow, and count the services concerned."""
        kept = allowed_mask(self.world, wanted)
        moved = np.zeros((self.world.n_sites, self.world.n_services), dtype=np.bool_)
        moved[self.world.service_site, np.arange(len(kept))] = (kept != wanted).any(axis=1)
        self.count(name, moved)
        return kept

    def score(self, rule: ScoreRule) -> ScoreRule:
        world = self.world
        services, classes = world.n_services, len(world.classes)
        scalars = ("revenue_weight", "late_weight", "transfer_weight", "delay_usd_s", "margin_s")
        for name in scalars:
            if not np.isfinite(self.array(f"dispatch.{name}", getattr(rule, name), ())):
                raise self.fail(f"dispatch.{name}", "is not a finite number")
        limits: dict[str, Any] = {
            name: None if value is None else self.array(f"dispatch.{name}", value, (classes,))
            for name in ("hold_below_usd", "drop_below_usd")
            for value in (getattr(rule, name),)
        }
        allowed = self.array("dispatch.allowed", rule.allowed, (world.n_sites, services), np.bool_)
        open_steps = self.array(
            "dispatch.steps_allowed", rule.steps_allowed, (services, len(world.steps)), np.bool_
        )
        if not open_steps.any(axis=1).all():
            raise self.fail("dispatch.steps_allowed", "a service has no step count left")
        return replace(
            rule,
            gpu_usd_s=self.finite("dispatch.gpu_usd_s", rule.gpu_usd_s),
            energy_usd_kwh=self.finite("dispatch.energy_usd_kwh", rule.energy_usd_kwh),
            allowed=allowed,
            steps_allowed=self.open_steps("dispatch.steps_allowed", open_steps),
            **limits,
        )

    def finite(self, name: str, value: Any) -> FloatArray:
        array: FloatArray = self.array(name, value, (self.world.n_services,))
        if not np.isfinite(array).all():
            raise self.fail(name, "holds an infinite price; close the service with `allowed`")
        return array

    def per_job(self, rule: PerJobRule) -> PerJobRule:
        count = np.shape(rule.jobs)
        if len(count) != 1:
            raise self.fail("dispatch.jobs", f"shape {count}, expected one dimension")
        jobs = self.array("dispatch.jobs", rule.jobs, count, np.int64)
        services = self.array("dispatch.services", rule.services, count, np.int64)
        steps = self.array("dispatch.steps", rule.steps, count, np.int64)
        if len(services) and (services.min() < DROP or services.max() >= self.world.n_services):
            raise self.fail(
                "dispatch.services", f"a destination outside -2..{self.world.n_services - 1}"
            )
        otherwise = self.dispatch(rule.otherwise)
        if not isinstance(otherwise, SplitRule | ScoreRule):
            raise self.fail("dispatch.otherwise", "must be a SplitRule or a ScoreRule")
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
    work = _Projector(world, observation, policy)
    if not isinstance(decision, Decision):
        raise work.fail("decision", f"{type(decision).__name__} returned, expected Decision")
    if decision.dispatch is None:
        raise work.fail("dispatch", "no layer gave a dispatch rule")
    seen, setpoint = observation, decision.cooling_setpoint_c
    feasible = Decision(
        work.dispatch(decision.dispatch),
        None if decision.clock_level is None else work.clock(decision.clock_level),
        work.battery("battery_kw", decision.battery_kw, seen.battery_low_kw, seen.battery_high_kw),
        work.battery("battery_absorb_kw", decision.battery_absorb_kw, 0.0, np.inf),
        work.battery("battery_cover_kw", decision.battery_cover_kw, 0.0, np.inf),
        None if setpoint is None else work.setpoint(setpoint),
    )
    return Projection(feasible, work.clips, work.numbers)
