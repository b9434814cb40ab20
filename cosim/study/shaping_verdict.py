"""What a shaping ablation shows: every arm against plain SAC, and the questions that decide.

An arm is judged three ways, always by the true utility of held-out days:

* ``final``   after the last episode, so at equal environment steps;
* ``course``  mean over all judgements after the first: who learns sooner scores higher;
* ``timed``   at the last judgement within the processor time that plain SAC took in all, so at
  equal time: what a shaping costs is paid in episodes.

P-values are corrected for the number of arms (Holm), per measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.study.interquartile import Spread, holm, improvement, iqm, iqm_spread, p_value
from cosim.study.shaping_arms import BASELINE, COMPARED, arms
from cosim.study.shaping_folder import TERMS, ShapingFolder

FloatArray = NDArray[np.float64]
MEASURES = ("final", "course", "timed")
SIGNIFICANT = 0.05
QUESTIONS = (
    *(("diffusion-return", "reward-net", wrap) for wrap in ("potential", "additive", "anneal")),
    *(("dress", "noise", wrap) for wrap in ("potential", "additive")),
    *(("dress", "dress-constant", wrap) for wrap in ("potential", "additive")),
    ("dress", "dnn", "additive"),
    ("diffusion-return", "noise", "additive"),
)
"""Is the denoising more than regression, does DRESS know more than noise, what does its slip cost,
is its chain more than a plain network, is a learned signal more than noise?"""


@dataclass(frozen=True)
class Course:
    """What one arm did.

    Attributes:
        episode: of each judgement, shape (judgements,).
        env_steps: environment steps of each seed so far, shape (judgements,).
        cpu_s: processor time of all seeds so far, shape (judgements,).
        usd: utility of the held-out days, shape (judgements, seeds).
        late_share: likewise.
    """

    episode: FloatArray
    env_steps: FloatArray
    cpu_s: FloatArray
    usd: FloatArray
    late_share: FloatArray

    def final(self, budget_s: float) -> FloatArray:
        """Scores after the last episode, shape (seeds,)."""
        del budget_s
        return np.asarray(self.usd[-1], dtype=np.float64)

    def course(self, budget_s: float) -> FloatArray:
        """Scores over the whole course, shape (seeds,)."""
        del budget_s
        return np.asarray(self.usd[1:].mean(axis=0), dtype=np.float64)

    def timed(self, budget_s: float) -> FloatArray:
        """Scores at the last judgement within a time, shape (seeds,)."""
        return np.asarray(self.usd[self.within(budget_s)], dtype=np.float64)

    def within(self, budget_s: float) -> int:
        """Number of the last judgement within a time."""
        return int(np.flatnonzero(self.cpu_s <= budget_s)[-1])


@dataclass(frozen=True)
class Study:
    """One scenario's ablation.

    Attributes:
        name: the scenario.
        terms: what was asked.
        references: what classical policies earn; None where it is not known yet.
        courses: what the arms did, by name, in the order of the table.
    """

    name: str
    terms: Mapping[str, Any]
    references: Mapping[str, Any] | None
    courses: Mapping[str, Course]

    @property
    def budget_s(self) -> float:
        """Processor time that the baseline took [s]."""
        return float(self.courses[BASELINE].cpu_s[-1])

    def scores(self, arm: str, measure: str) -> FloatArray:
        """Scores of an arm, shape (seeds,)."""
        read: Callable[[float], FloatArray] = getattr(self.courses[arm], measure)
        return read(self.budget_s)


def read_studies(out: Path) -> list[Study]:
    """All studies under a folder in which the baseline has ended, by name."""
    folders = sorted(path.parent for path in out.glob(f"*/{TERMS}"))
    found = [_study(ShapingFolder(folder)) for folder in folders]
    return [study for study in found if BASELINE in study.courses]


def _study(folder: ShapingFolder) -> Study:
    ended = folder.ended(list(arms()))
    courses = {arm: course_of(folder.log(arm)) for arm in ended}
    return Study(folder.path.name, folder.terms(), folder.references(), courses)


def course_of(rows: Sequence[Mapping[str, Any]]) -> Course:
    """What an arm did, from the rows of its log."""
    parts = [list(part) for _, part in groupby(rows, key=lambda row: row["episode"])]

    def table(name: str) -> FloatArray:
        return np.array([[row[name] for row in part] for part in parts], dtype=np.float64)

    return Course(
        table("episode")[:, 0],
        table("env_steps")[:, 0],
        table("train_cpu_s")[:, 0],
        table("held_out_usd"),
        table("held_out_late_share"),
    )


# tables ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Against:
    """One learner against another in one measure.

    Attributes:
        chance: probability that it is better.
        p: p-value, corrected.
    """

    chance: Spread
    p: float

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or ``no difference shown``."""
        if self.p >= SIGNIFICANT or self.chance.value == 0.5:
            return "no difference shown"
        return "better" if self.chance.value > 0.5 else "worse"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"chance": self.chance.to_json(), "p_holm": self.p, "verdict": self.verdict}


def against_baseline(studies: Sequence[Study], measure: str) -> dict[str, Against]:
    """Every arm that all studies have, against the baseline."""
    names = [name for name in _common(studies) if name != BASELINE]
    return _contests(studies, measure, [(name, BASELINE) for name in names], names)


def questions(studies: Sequence[Study], measure: str) -> dict[str, Against]:
    """The pairs that decide, of those that all studies have."""
    ended = _common(studies)
    pairs = [
        (f"{BASELINE}-{one}-{wrap}", f"{BASELINE}-{other}-{wrap}")
        for one, other, wrap in QUESTIONS
    ]
    pairs += [
        (f"td3-{COMPARED[0]}-{wrap}", f"td3-{COMPARED[1]}-{wrap}")
        for wrap in ("potential", "additive")
    ]
    asked = [pair for pair in pairs if set(pair) <= set(ended)]
    return _contests(studies, measure, asked, [f"{a} against {b}" for a, b in asked])


def _contests(
    studies: Sequence[Study],
    measure: str,
    pairs: Sequence[tuple[str, str]],
    names: Sequence[str],
) -> dict[str, Against]:
    scores = [
        tuple([study.scores(arm, measure).tolist() for study in studies] for arm in pair)
        for pair in pairs
    ]
    chances = [improvement(one, other) for one, other in scores]
    corrected = holm([p_value(one, other) for one, other in scores])
    return {
        name: Against(chance, p) for name, chance, p in zip(names, chances, corrected, strict=True)
    }


def _common(studies: Sequence[Study]) -> list[str]:
    """Arms that all studies have."""
    first, *others = [list(study.courses) for study in studies]
    return [name for name in first if all(name in other for other in others)]


def arm_row(study: Study, arm: str) -> dict[str, Any]:
    """Figures of an arm by itself."""
    course = study.courses[arm]
    at = course.within(study.budget_s)
    return {
        **{name: iqm_spread(study.scores(arm, name).tolist()) for name in MEASURES},
        "late_share": float(iqm(course.late_share[-1])),
        "timed_episode": int(course.episode[at]),
        "cpu_s": float(course.cpu_s[-1]),
    }


def summary(studies: Sequence[Study]) -> dict[str, Any]:
    """All that the page says, for programs."""
    sets = {study.name: [study] for study in studies}
    if len(studies) > 1:
        sets["all"] = list(studies)
    return {
        "scenarios": {study.name: _told(study) for study in studies},
        "against_sac": {
            name: {m: _json(against_baseline(part, m)) for m in MEASURES}
            for name, part in sets.items()
        },
        "questions": {
            name: {m: _json(questions(part, m)) for m in MEASURES} for name, part in sets.items()
        },
    }


def _told(study: Study) -> dict[str, Any]:
    rows = {arm: arm_row(study, arm) for arm in study.courses}
    plain = {
        arm: {k: v.to_json() if isinstance(v, Spread) else v for k, v in row.items()}
        for arm, row in rows.items()
    }
    return {"terms": dict(study.terms), "references": study.references, "arms": plain}


def _json(found: Mapping[str, Against]) -> dict[str, Any]:
    return {name: each.to_json() for name, each in found.items()}
