"""From a decision back to the numbers that mean it: how others' decisions become demonstrations.

The inverse of :meth:`cosim.gym.codec.Codec.decode`, exact wherever a decision can be expressed in
the encoding. What cannot is brought to the nearest that can: prices and margins to the ends of
their ranges, shares to their mean over homes and classes of a group, a battery that follows its
site to the power at which it would run now. What a learner has no number for is left out: weights
of a score, closed places and step counts, explicit placements of single jobs.
"""

from __future__ import annotations

import numpy as np

from cosim.decision import Decision, Observation, PerJobRule, ScoreRule, SplitRule
from cosim.decision.info import BoolArray, FloatArray, IntArray
from cosim.errors import UsageError
from cosim.gym.actions import Action, Coordinate, level_counts, worth_usd
from cosim.gym.codec import Codec
from cosim.world.kernel_seat import ABSENT, SHARPNESS

RULES = {"score": ScoreRule, "split": SplitRule}


def nearest_action(codec: Codec, decision: Decision, observation: Observation) -> FloatArray:
    """Return the action that comes nearest to a decision.

    Args:
        codec: the layout of actions.
        decision: a whole and feasible decision.
        observation: what it was made on.

    Returns:
        One number per coordinate in [−1, 1], shape (coordinates,).

    Raises:
        UsageError: its rule is not of the kind that the encoding expresses.
    """
    action = codec.action
    wish = np.zeros(len(action))
    rule = decision.dispatch
    if isinstance(rule, PerJobRule):
        rule = rule.otherwise
    if isinstance(rule, ScoreRule) and action.encoding == "score":
        _put_score(codec, rule, wish)
    elif isinstance(rule, SplitRule) and action.encoding == "split":
        _put_split(codec, rule, wish)
    else:
        raise UsageError(_mismatch(rule, action.encoding))
    if action.clock:
        levels = observation.clock_level if decision.clock_level is None else decision.clock_level
        _put_levels(wish, action.clock_at, levels, level_counts(codec.info))
    if action.battery:
        _put_battery(wish, action.battery_at, decision, observation)
    if action.room:
        _put_rooms(action, decision.cooling_setpoint_c, wish)
    return wish


def _mismatch(rule: object, encoding: str) -> str:
    fits = next((name for name, kind in RULES.items() if isinstance(rule, kind)), None)
    said = f"a {type(rule).__name__} cannot be said in the encoding `{encoding}`"
    return f"{said}; encoding={fits} can" if fits else f"{said}, nor in any other"


# laws of a coordinate, turned round ---------------------------------------------------------


def _linear(each: Coordinate, value: float) -> float:
    part = (value - each.low) / (each.high - each.low)
    return float(np.clip(2.0 * part - 1.0, -1.0, 1.0))


def _square(each: Coordinate, value: float) -> float:
    if each.high <= 0.0:
        return -1.0
    return float(np.clip(2.0 * np.sqrt(max(value, 0.0) / each.high) - 1.0, -1.0, 1.0))


def _level(index: int, count: int) -> float:
    """Middle of the part of the range that means a level."""
    return (2.0 * index + 1.0) / count - 1.0


# prices -------------------------------------------------------------------------------------


def _put_score(codec: Codec, rule: ScoreRule, wish: FloatArray) -> None:
    """Prices and the margin; the price of a step is that of GPU time, which can say it all."""
    action = codec.action
    closed = np.asarray(~(rule.allowed.any(axis=0) & rule.steps_allowed.any(axis=1)))
    weight = rule.revenue_weight if rule.revenue_weight > 0.0 else 1.0
    for row, asked in enumerate((rule.gpu_usd_s, rule.energy_usd_kwh)):
        for service, at in enumerate(action.price_at[row].tolist()):
            each = action.coordinates[at]
            usd = float(asked[service]) / weight
            wish[at] = _square(each, each.high if closed[service] and row == 0 else usd)
    if action.step_price_at != ABSENT:
        wish[action.step_price_at] = -1.0
    if action.delay_at != ABSENT:
        each = action.coordinates[action.delay_at]
        wish[action.delay_at] = _square(each, rule.delay_usd_s / weight)
    wish[action.margin_at] = _linear(action.coordinates[action.margin_at], rule.margin_s)
    _put_floors(codec, rule, wish, weight)


def _put_floors(codec: Codec, rule: ScoreRule, wish: FloatArray, weight: float) -> None:
    """Limits below which jobs wait or are refused, as parts of the best payment."""
    action, worth = codec.action, worth_usd(codec.info)
    if rule.hold_below_usd is not None:
        part = np.clip(rule.hold_below_usd / weight / worth, -1e3, 1e3)
        for group, at in enumerate(action.hold_at.tolist()):
            if at != ABSENT:
                mean = float(part[codec.groups.of_class == group].mean())
                wish[at] = _linear(action.coordinates[at], mean)
    else:
        wish[action.hold_at[action.hold_at != ABSENT]] = -1.0
    if action.refuse_at != ABSENT:
        each, below = action.coordinates[action.refuse_at], rule.drop_below_usd
        part = np.full(1, -np.inf) if below is None else below / weight / worth
        wish[action.refuse_at] = _linear(each, float(np.clip(part, -1e3, 1e3).mean()))


# shares -------------------------------------------------------------------------------------


def _put_split(codec: Codec, rule: SplitRule, wish: FloatArray) -> None:
    """Logits of the mean shares and the levels of the mean steps of each group."""
    action, info = codec.action, codec.info
    counts = np.asarray(info.steps)
    for group in range(len(codec.groups)):
        mine = codec.groups.of_class == group
        _put_logits(action, group, rule.shares[:, mine].mean(axis=1), wish)
        for service, at in enumerate(action.steps_at[group].tolist()):
            if at != ABSENT:
                flow = rule.shares[:, mine, service]
                asked = rule.steps[:, mine, service]
                mean = (flow * asked).sum() / flow.sum() if flow.sum() > 0.0 else asked.mean()
                wish[at] = _level(int(np.abs(counts - mean).argmin()), len(counts))


def _put_logits(action: Action, group: int, shares: FloatArray, wish: FloatArray) -> None:
    """Logits over the sharpness; the largest share is at 1, what gets nothing at −1.

    Args:
        action: the layout.
        group: the group.
        shares: of each home, shape (sites, services + 2).
        wish: the action that is filled.
    """
    open_at: IntArray = action.open_at[:, group]
    for at in np.unique(open_at[open_at >= 0]).tolist():
        homes: BoolArray = open_at == at
        logit = np.log(max(float(shares[homes].mean()), 1e-12)) / SHARPNESS
        wish[at] = logit
    mine = np.unique(open_at[open_at >= 0])
    if len(mine):
        wish[mine] = np.clip(wish[mine] - wish[mine].max() + 1.0, -1.0, 1.0)


# energy -------------------------------------------------------------------------------------


def _put_levels(wish: FloatArray, at: IntArray, levels: IntArray, counts: IntArray) -> None:
    for site in np.flatnonzero(at != ABSENT).tolist():
        wish[at[site]] = _level(int(levels[site]), int(counts[site]))


def _put_battery(
    wish: FloatArray, at: IntArray, decision: Decision, observation: Observation
) -> None:
    """The power ordered, and what surplus or load would add to it at the last metered rates."""
    low, high = observation.battery_low_kw, observation.battery_high_kw
    none = np.zeros_like(low)
    power = none if decision.battery_kw is None else decision.battery_kw
    absorb = none if decision.battery_absorb_kw is None else decision.battery_absorb_kw
    cover = none if decision.battery_cover_kw is None else decision.battery_cover_kw
    rest = observation.facility_kw - observation.solar_kw - observation.wind_kw - power
    power = power - np.minimum(absorb, np.maximum(-rest, 0.0))
    power = power + np.minimum(cover, np.maximum(rest, 0.0))
    for site in np.flatnonzero(at != ABSENT).tolist():
        limit = high[site] if power[site] > 0.0 else -low[site]
        wish[at[site]] = np.clip(power[site] / limit, -1.0, 1.0) if limit > 0.0 else 0.0


def _put_rooms(action: Action, setpoint_c: FloatArray | None, wish: FloatArray) -> None:
    """Temperatures of machine rooms; where none is ordered, the upper end of the band."""
    for site in np.flatnonzero(action.room_at != ABSENT).tolist():
        at = action.room_at[site]
        asked = np.nan if setpoint_c is None else setpoint_c[site]
        wish[at] = 1.0 if np.isnan(asked) else _linear(action.coordinates[at], float(asked))
