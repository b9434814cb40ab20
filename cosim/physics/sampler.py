"""Samplers: the same model with fewer, cheaper or better placed denoising steps.

A distilled sampler (LCM, Lightning) does in 4 steps nearly what the plain one does in 40; a cached
one (DeepCache, TeaCache) takes as many steps and skips most of the work of each; a schedule (Align
Your Steps) places 10 steps so well that they count for 20. All are described by three numbers: how
many reference steps one step is worth, what it costs, and how good the best image gets.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cosim.physics.gpu import ServiceTiming
from cosim.physics.quality import QualityCurve, Table
from cosim.physics.quality_fit import equivalent_steps
from cosim.physics.ranges import Range, ascending, check_ranges, refuse, same_length


@dataclass(frozen=True)
class Sampler:
    """A sampler relative to the reference sampler of its model.

    Attributes:
        step_gain: reference steps that one step is worth, above 0.
        time_factor: time of a step relative to a reference step, above 0; energy follows it.
        ceiling: best quality relative to the reference's best, in (0, 1].
    """

    step_gain: float = 1.0
    time_factor: float = 1.0
    ceiling: float = 1.0

    RANGES: ClassVar[dict[str, Range]] = {
        "step_gain": Range(0.0, 1000.0, above=True),
        "time_factor": Range(0.0, 10.0, above=True),
        "ceiling": Range(0.0, 1.0, above=True),
    }
    SOURCE: ClassVar[str] = (
        "form: ours; figures: profiles/samplers (LCM, SenseFlow, DeepCache, DiP-GO, FoCa, ...)"
    )
    EQUATION: ClassVar[str] = "q(c) = ceiling q_ref(step_gain c); s = time_factor s_ref"

    def __post_init__(self) -> None:
        check_ranges(self, self.RANGES)


@dataclass(frozen=True)
class SampledCurve:
    """Quality against the steps of a sampler, ceiling · q_ref(step_gain · c).

    Attributes:
        reference: quality against the steps of the reference sampler.
        sampler: what its steps are worth.
    """

    reference: QualityCurve
    sampler: Sampler

    def __call__(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Return the quality in [0, 1] at ``steps`` of the sampler."""
        asked = np.asarray(steps, dtype=np.float64) * self.sampler.step_gain
        return np.asarray(self.sampler.ceiling * self.reference(asked))


def sampled_table(curve: SampledCurve, steps: ArrayLike) -> Table:
    """Return the curve as a table at the steps that a scenario allows, which is all it needs."""
    counts = np.atleast_1d(np.asarray(steps, dtype=np.float64))
    return Table(tuple(counts.tolist()), tuple(curve(counts).tolist()))


def sampled_timing(sampler: Sampler, timing: ServiceTiming) -> ServiceTiming:
    """Return what an image costs with this sampler: steps change, encode and decode do not."""
    return replace(timing, step_s=timing.step_s * sampler.time_factor)


def from_scores(
    steps: float,
    score: float,
    reference_steps: tuple[float, ...],
    reference_scores: tuple[float, ...],
    time_factor: float,
) -> Sampler:
    """Return the sampler that a published comparison describes.

    With several reference points its steps count as those of the reference that score the same,
    and its best image is the reference's. With one point, its steps count as the reference's and
    the score caps its quality: 4 steps for 40 at 0.89 of the score.

    Args:
        steps: steps of the sampler.
        score: its score, higher is better, above 0.
        reference_steps: steps of the reference sampler, rising.
        reference_scores: scores of the reference at each, same metric and data.
        time_factor: time of a step relative to a reference step.

    Raises:
        ValueError: if a score is not above 0, or lies below the reference's first point.
    """
    refuse(
        same_length("reference_steps and reference_scores", reference_steps, reference_scores)
        + ascending("reference_steps", reference_steps)
        + [f"score = {v!r}: must be above 0" for v in (score, *reference_scores) if not v > 0.0]
    )
    if len(reference_steps) > 1:
        worth = equivalent_steps(reference_steps, reference_scores, score)
        return Sampler(worth / steps, time_factor)
    ceiling = min(1.0, score / reference_scores[0])
    return Sampler(reference_steps[0] / steps, time_factor, ceiling)
