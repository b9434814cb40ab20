"""Rules for want of a decision: after the window nobody waits, and at first everybody stays.

After the window there is no later slot in which a job could be placed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cosim.decision import DispatchRule, PerJobRule, ScoreRule, SplitRule, WorldInfo


def without_holding(rule: DispatchRule, world: WorldInfo) -> DispatchRule:
    """Return the rule as it holds after the window.

    What a split would hold runs at its home's first service; a score takes its best, however
    low; explicit answers that hold are turned into the home's first service where they are told.
    """
    if isinstance(rule, SplitRule):
        return _split_at_home(rule, world)
    if isinstance(rule, ScoreRule):
        return replace(rule, hold_below_usd=None)
    if isinstance(rule, PerJobRule):
        otherwise = without_holding(rule.otherwise, world)
        assert isinstance(otherwise, SplitRule | ScoreRule)
        return replace(rule, otherwise=otherwise)
    return rule


def _split_at_home(rule: SplitRule, world: WorldInfo) -> SplitRule:
    hold = world.n_services
    shares = rule.shares.copy()
    stay = world.stay_service[:, :, None]
    total = np.take_along_axis(shares, stay, axis=2) + shares[:, :, hold : hold + 1]
    np.put_along_axis(shares, stay, total, axis=2)
    shares[:, :, hold] = 0.0
    return replace(rule, shares=shares)


def stay_at_home(world: WorldInfo) -> SplitRule:
    """The rule of those who know nothing: every job at home's first service, default steps."""
    steps = np.asarray(world.steps, dtype=np.int64)[world.default_column]
    return SplitRule(world.staying, np.broadcast_to(steps, world.reachable.shape).copy())
