"""The answer in words: who earns more, by how much, how surely, and what it gives up.

A ranking is only claimed when the 95 % interval of the paired difference leaves zero out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from cosim.report.inputs import Case, Estimate, days
from cosim.report.words import THIN, interval, number, percent, signed_percent

Tone = Literal["decided", "undecided", "single"]
_SIDE_EFFECTS = (
    ("late_share", "late jobs", "fewer", "more"),
    ("energy_cost_usd", "energy cost", "lower", "higher"),
    ("carbon_kg", "carbon", "less", "more"),
    ("quality_mean", "image quality", "lower", "higher"),
)


@dataclass(frozen=True)
class Answer:
    """The first thing a reader sees.

    Attributes:
        headline: one sentence.
        details: further sentences, each a paragraph.
        tone: whether the headline's ranking is significant.
    """

    headline: str
    details: tuple[str, ...]
    tone: Tone


def answer(case: Case) -> Answer:
    """Say what a run earned, or which policy of a comparison is best and how surely."""
    if case.baseline is None or len(case.policies) == 1:
        return _single(case)
    return _compared(case, case.baseline)


def _mean(case: Case, policy: str, kpi: str) -> float:
    estimate = case.means.get(policy, {}).get(kpi)
    return float("nan") if estimate is None else estimate.value


def _usd(amount: float) -> str:
    return f"{number(amount, 0 if abs(amount) >= 100 else 2)}{THIN}USD"


def _single(case: Case) -> Answer:
    policy = case.policies[0]
    get = {kpi: _mean(case, policy, kpi) for kpi in case.means[policy]}
    verb = "earned" if get.get("utility_usd", 0.0) >= 0 else "lost"
    headline = (
        f"{policy} {verb} {_usd(abs(get.get('utility_usd', float('nan'))))} in {_span(case)}"
    )
    details = (
        f"Users paid {_usd(get.get('revenue_usd', float('nan')))} for images on time; "
        f"{_usd(get.get('late_penalty_usd', float('nan')))} were lost to penalties, "
        f"{_usd(get.get('energy_cost_usd', float('nan')))} went to energy and "
        f"{_usd(get.get('transfer_usd', float('nan')))} to moving data.",
        f"{percent(get.get('late_share', float('nan')))} of the jobs were late or dropped. "
        f"{_one_run(case)}",
    )
    return Answer(f"{headline}.", details, "single")


def _one_run(case: Case) -> str:
    if len(case.seeds) > 1:
        return f"Numbers are means over {len(case.seeds)} seeds; nothing is compared."
    return (
        f"This is one run with seed {case.seeds[0]}: it ranks nothing; compare policies to rank."
    )


def _span(case: Case) -> str:
    length = days(case)
    return "one day" if length == 1 else f"{number(length)} days"


def _compared(case: Case, baseline: str) -> Answer:
    others = [p for p in case.policies if p != baseline]
    rival = max(others, key=lambda p: _mean(case, p, "utility_usd"))
    gain = case.paired.get(rival, {}).get("utility_usd", Estimate(float("nan")))
    winner, loser = (rival, baseline) if gain.value > 0 else (baseline, rival)
    details = [*_certainty(case, gain), _side_effects(case, rival, baseline)]
    details.append(_rest(case, baseline, [p for p in others if p != rival]))
    return Answer(
        _headline(case, winner, loser, gain, baseline),
        tuple(text for text in details if text),
        "decided" if gain.decided else "undecided",
    )


def _headline(case: Case, winner: str, loser: str, gain: Estimate, baseline: str) -> str:
    if winner == baseline:
        lead = f"{winner} beats every other policy; the nearest, {loser}, earns"
        lead += f" {_usd(abs(gain.value))} less"
    elif gain.decided:
        lead = f"{winner} beats {loser} by {_usd(abs(gain.value))}"
    else:
        lead = f"{winner} earns {_usd(abs(gain.value))} more than {loser}"
    verdict = "" if gain.decided else ", but that is not significant"
    if winner == baseline and not gain.decided:
        lead = f"{winner} earns most; the nearest, {loser}, earns {_usd(abs(gain.value))} less"
    return f"{lead}{_relative(case, gain, baseline)}{_evidence(case, gain)}{verdict}."


def _relative(case: Case, gain: Estimate, baseline: str) -> str:
    """The difference as a share of what the baseline earns; of a loss there is no share."""
    earned = _mean(case, baseline, "utility_usd")
    return f" ({signed_percent(gain.value / earned)})" if earned > 0.0 else ""


def _evidence(case: Case, gain: Estimate) -> str:
    seeds = len(case.seeds)
    if gain.low is None:
        return f" on {seeds} seed{'s' if seeds > 1 else ''}, without an interval"
    return f", 95{THIN}% CI {interval('utility_usd', gain, diff=True)} over {case.repeats}"


def _certainty(case: Case, gain: Estimate) -> list[str]:
    if gain.decided:
        return []
    if gain.low is None:
        return [
            "One seed gives no interval, so this ranking is not significant: it may be chance. "
            "Run more seeds, for example `--seeds 1..10`."
        ]
    return [
        f"The interval includes 0: the ranking is not significant and more "
        f"{'days' if len(case.dates) > 1 else 'seeds'} are needed than were run ({case.repeats})."
    ]


def _side_effects(case: Case, policy: str, baseline: str) -> str:
    changes, level = [], []
    for kpi, words, fewer, more in _SIDE_EFFECTS:
        estimate = case.paired.get(policy, {}).get(kpi)
        if estimate is None or not math.isfinite(estimate.value):
            continue
        if not estimate.decided and len(case.seeds) > 1:
            level.append(words)
            continue
        before, after = _mean(case, baseline, kpi), _mean(case, policy, kpi)
        direction = fewer if estimate.value < 0 else more
        if estimate.value != 0:
            changes.append(f"{direction} {words} ({_change(kpi, before, after)})")
    if not changes:
        return ""
    said = f"Against {baseline}, {policy} has {_listed(changes)}."
    return f"{said} No significant change in {_listed(level)}." if level else said


def _change(kpi: str, before: float, after: float) -> str:
    if kpi == "late_share":
        return f"{percent(before)} → {percent(after)}"
    if kpi == "quality_mean":
        return f"{number(before, 3)} → {number(after, 3)}"
    unit = "USD" if kpi.endswith("usd") else "kg"
    relative = f", {signed_percent(after / before - 1.0)}" if before > 0.0 else ""
    return f"{number(before)} → {number(after)}{THIN}{unit}{relative}"


def _rest(case: Case, baseline: str, others: list[str]) -> str:
    parts = []
    for policy in sorted(others, key=lambda p: -_mean(case, p, "utility_usd")):
        gain = case.paired.get(policy, {}).get("utility_usd")
        if gain is None:
            continue
        bounds = interval("utility_usd", gain, diff=True)
        sure = "" if gain.decided or not bounds else ", not significant"
        sign = "+" if gain.value > 0 else ""
        parts.append(f"{policy} {sign}{_usd(gain.value)}{' ' + bounds if bounds else ''}{sure}")
    return f"The others against {baseline}: {'; '.join(parts)}." if parts else ""


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def money_words(case: Case) -> tuple[str, ...]:
    """Say what the money preset means, with the energy share that this run computed."""
    shares = {p: _energy_share(case, p) for p in case.policies}
    known = {p: share for p, share in shares.items() if math.isfinite(share)}
    if not known:
        return ("No revenue was earned, so energy cannot be set against it.",)
    listed = ", ".join(f"{percent(share, 2)} ({p})" for p, share in known.items())
    here = f"In this run energy costs {listed} of revenue."
    preset = case.scenario.money.preset
    off = preset == "paper" and not 0.1 <= known.get(case.policies[0], 0.2) <= 0.35
    said = f"{here} {_NOT_A_FIFTH}" if off else here
    return (_PRESETS[preset], said, _meaning(max(known.values())))


_NOT_A_FIFTH = (
    "That is not near a fifth: prices, hours or sizes differ from those for which the image "
    "prices were fixed."
)


_PRESETS = {
    "paper": "Money preset “paper”: image prices are scaled so that energy is about a fifth of "
    "the revenue of the plain run-at-home policy, as in the paper this testbed follows. "
    "Differences between energy strategies are therefore visible, and larger relative to "
    "revenue than a seller of images would see.",
    "market": "Money preset “market”: images cost what public image APIs charge, and energy is "
    "a tiny share of revenue.",
}


def _meaning(share: float) -> str:
    if share < 0.03:
        return (
            "At such a share even free energy would raise the margin by less than "
            f"{percent(max(share, 0.0), 1)}; deadlines and quality decide the ranking, and energy "
            "matters through carbon, grid limits and contracts."
        )
    return "At such a share both deadlines and energy can decide the ranking."


def _energy_share(case: Case, policy: str) -> float:
    revenue = _mean(case, policy, "revenue_usd")
    return _mean(case, policy, "energy_cost_usd") / revenue if revenue > 0 else float("nan")
