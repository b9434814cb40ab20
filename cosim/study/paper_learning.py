"""The paper's learning curves and its table of training times, from trainings that are stored.

Learners are judged by the true utility of held-out days, never by what they were paid while they
learned: a shaped return says nothing about the task. P-values are corrected for the contests of a
figure (Holm).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from cosim.study.interquartile import holm, improvement, iqm_spread, p_value
from cosim.study.paper_finding import Chart, Found, Line, Panel
from cosim.study.paper_settings import BEST_ETA, BLIND, CONDITIONED, JEMAS
from cosim.study.paper_verdict import OPEN, Judged, contest, near, together
from cosim.study.shaping_arms import BASELINE
from cosim.study.shaping_verdict import Course, Study

TD3 = "td3-diffusion-return-additive"
DNN, REWARD_NET, CGAN = (f"sac-{kind}-additive" for kind in ("dnn", "reward-net", "cgan"))
NAMES = {
    JEMAS: "JEMAS",
    TD3: "diffusion-aided TD3",
    DNN: "DNN shaping",
    BASELINE: "SAC",
    REWARD_NET: "reward-prediction network",
    CGAN: "cGAN",
}
PAPER_RATIO = 107.0 / 45.0
"""Minutes of training with and without shaping, Table III."""
MISSING = "no stored training has it yet; `make paper-train` makes it"
STEPS = "environment steps of a seed"
Contest = tuple[str, str, str]
"""What is claimed, who is to win, and over whom."""


def curves(studies: Sequence[Study]) -> Found:
    """Figure 7: JEMAS, diffusion-aided TD3, DNN shaping and SAC."""
    others = (TD3, DNN, BASELINE)
    earns: list[Contest] = [(f"JEMAS earns more than {NAMES[o]}.", JEMAS, o) for o in others]
    ranked = (JEMAS, *others)
    fewer: list[Contest] = [
        (f"{NAMES[a]} has a smaller share of late jobs than {NAMES[b]}.", a, b)
        for a, b in pairwise(ranked)
    ]
    claims = [*_judged(studies, earns, "usd"), *_judged(studies, fewer, "late_share")]
    return _found(studies, ranked, claims)


def rivals(studies: Sequence[Study]) -> Found:
    """Figure 9: other sources of the shaping reward."""
    others = (REWARD_NET, CGAN)
    earns: list[Contest] = [(f"JEMAS earns more than {NAMES[o]}.", JEMAS, o) for o in others]
    return _found(studies, (JEMAS, *others), _judged(studies, earns, "usd"))


def training_time(studies: Sequence[Study]) -> Found:
    """Table III: processor time of a training with and without shaping."""
    held = [s for s in studies if JEMAS in s.courses]
    rows = [(s, float(s.courses[JEMAS].cpu_s[-1] / s.courses[BASELINE].cpu_s[-1])) for s in held]
    said = "; ".join(f"×{ratio:.1f} ({s.name})" for s, ratio in rows) or MISSING
    claim = "Shaping makes training 2.4 times as long (107 against 45 minutes)."
    verdict = together(near(ratio, PAPER_RATIO) for _, ratio in rows) if rows else OPEN
    times = [
        (s.name, arm, round(float(course.cpu_s[-1]), 1), len(s.terms["seeds"]))
        for s in studies
        for arm, course in s.courses.items()
    ]
    head = ("scenario", "arm", "cpu_s_all_seeds", "seeds")
    columns = {name: [row[k] for row in times] for k, name in enumerate(head)}
    told = tuple((name, f"`{arm}`", f"{cpu_s:,.0f}", str(n)) for name, arm, cpu_s, n in times)
    table = (("scenario", "arm", "processor time of all seeds, s", "seeds"), *told) if told else ()
    note = "Times are of playing and learning without judging, from one training each."
    judged = Judged(claim, NAMES[JEMAS], said, verdict)
    return Found((judged,), columns, None, table, 0, (note,))


def weights(courses: Mapping[str, Course]) -> Found:
    """Figure 8: weights of the shaping reward."""
    others = [name for name in courses if name != BEST_ETA]
    contests = [(f"A weight of 0.4 is better than {o[4:]}.", BEST_ETA, o) for o in others]
    if not contests:
        contests = [("A weight of 0.4 is best.", BEST_ETA, "eta-0.2")]
    return _settings(courses, contests)


def sizes(courses: Mapping[str, Course]) -> Found:
    """Figure 10: denoising steps, latent sizes, and no condition."""
    claim = "With state and action as condition it learns better than without (W = 3, M = 128)."
    return _settings(courses, [(claim, CONDITIONED, BLIND)])


# --- contests -------------------------------------------------------------------------------


def _judged(studies: Sequence[Study], contests: Sequence[Contest], name: str) -> list[Judged]:
    """Contests between arms over all scenarios that have both."""
    scores = {
        claim: tuple(
            [_last(study.courses[arm], name) for study in studies if {a, b} <= set(study.courses)]
            for arm in (a, b)
        )
        for claim, a, b in contests
    }
    return _contests({claim: (one, other) for claim, (one, other) in scores.items()}, name)


def _last(course: Course, name: str) -> list[float]:
    """Scores of the seeds at the last judgement; higher is better."""
    sign = -1.0 if name == "late_share" else 1.0
    return [sign * float(value) for value in getattr(course, name)[-1]]


def _contests(
    scores: Mapping[str, tuple[Sequence[Sequence[float]], Sequence[Sequence[float]]]], name: str
) -> list[Judged]:
    fought = {claim: pair for claim, pair in scores.items() if pair[0]}
    corrected = holm([p_value(one, other) for one, other in fought.values()])
    p_of = dict(zip(fought, corrected, strict=True))
    return [_verdict(claim, *pair, p_of.get(claim), name) for claim, pair in scores.items()]


def _verdict(
    claim: str,
    one: Sequence[Sequence[float]],
    other: Sequence[Sequence[float]],
    p: float | None,
    name: str,
) -> Judged:
    if p is None:
        return Judged(claim, "learners", MISSING, OPEN)
    chance = improvement(one, other)
    means = "; ".join(
        f"{_told(a, name)} against {_told(b, name)}" for a, b in zip(one, other, strict=True)
    )
    said = f"chance of being better {chance.value:.2f} [{chance.low:.2f}, {chance.high:.2f}]"
    text = f"{said}, p = {p:.3f}; {means}"
    return Judged(claim, "learners", text, contest(chance.value, p))


def _told(scores: Sequence[float], name: str) -> str:
    middle = iqm_spread(scores).value
    if name == "late_share":
        return f"{-100.0 * middle:.1f} % late"
    return f"{middle:,.0f} USD a day"


# --- curves ---------------------------------------------------------------------------------


def _found(studies: Sequence[Study], arms: Sequence[str], claims: Sequence[Judged]) -> Found:
    panels = []
    for study in studies:
        drawn = {NAMES[arm]: study.courses[arm] for arm in arms if arm in study.courses}
        panels += _panels(study.name, drawn)
    named = {(s.name, arm): s.courses[arm] for s in studies for arm in arms if arm in s.courses}
    notes = tuple(_terms(study) for study in studies)
    chart = Chart(STEPS, tuple(panels), 2) if panels else None
    return Found(tuple(claims), _columns(named), chart, notes=notes)


def _settings(courses: Mapping[str, Course], contests: Sequence[Contest]) -> Found:
    scores: dict[str, tuple[list[list[float]], list[list[float]]]] = {}
    for claim, one, other in contests:
        there = one in courses and other in courses
        pair = ([_last(courses[name], "usd")] if there else [] for name in (one, other))
        mine, theirs = pair
        scores[claim] = (mine, theirs)
    claims = _contests(scores, "usd")
    panels = _panels("paper's learner", courses) if courses else []
    columns = _columns({("", name): course for name, course in courses.items()})
    chart = Chart(STEPS, tuple(panels), 2) if panels else None
    return Found(tuple(claims), columns, chart)


def _panels(title: str, courses: Mapping[str, Course]) -> list[Panel]:
    usd = tuple(_line(name, course, "usd") for name, course in courses.items())
    late = tuple(_line(name, course, "late_share") for name, course in courses.items())
    return [
        Panel(f"{title}: held-out utility", "USD a day (IQM, 95 %)", usd),
        Panel(f"{title}: late jobs", "share (IQM, 95 %)", late),
    ]


def _line(label: str, course: Course, name: str) -> Line:
    spreads = [iqm_spread([float(v) for v in row]) for row in getattr(course, name)]
    return Line(
        label,
        tuple(map(float, course.env_steps)),
        tuple(each.value for each in spreads),
        tuple(each.low for each in spreads),
        tuple(each.high for each in spreads),
    )


def _terms(study: Study) -> str:
    terms = study.terms
    return (
        f"{study.name}: {len(terms['seeds'])} seeds, {terms['episodes']} episodes of "
        f"{terms['slots']} slots on {len(terms['dates'])} dates, judged on "
        f"{', '.join(terms['held_out'])}."
    )


def _columns(courses: Mapping[tuple[str, str], Course]) -> dict[str, list[object]]:
    """A row per arm, judgement and seed."""
    rows = [
        (name, arm, float(steps), seed, round(float(usd), 3), round(float(late), 6))
        for (name, arm), course in courses.items()
        for k, steps in enumerate(course.env_steps)
        for seed, (usd, late) in enumerate(
            zip(course.usd[k], course.late_share[k], strict=True), start=1
        )
    ]
    head = ("scenario", "arm", "env_steps", "seed", "held_out_usd", "held_out_late_share")
    return {name: [row[k] for row in rows] for k, name in enumerate(head)}
