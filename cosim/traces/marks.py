"""What a request asks for: how many images, how many steps, how patiently, and who may serve it.

A mark is drawn by pushing uniform numbers through its distribution, and each mark of each home has
a random stream of its own. That gives common random numbers: a longer mean delay stretches the
same jobs' patience, a larger transferable share only adds jobs that may move, and neither moves an
arrival or an image count.

    Marks(images=Choice((1, 4), (0.8, 0.2)), delay=UniformDelay(mean_s=125.0), transferable=0.6)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cosim.quantities import NS_PER_S
from cosim.rng import stream

LONGEST_DELAY_S = 1e9
"""Patience is cut here (32 years), far from the end of int64 nanoseconds [s]."""


@dataclass(frozen=True)
class Choice:
    """A whole number drawn with given weights.

    Attributes:
        values: the numbers, ascending or not.
        weights: their weights, not negative, normalised when drawn.
    """

    values: tuple[int, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.weights):
            raise ValueError(f"{len(self.values)} values but {len(self.weights)} weights")
        if min(self.weights) < 0 or not 0 < sum(self.weights) < math.inf:
            raise ValueError(f"weights {self.weights} must be ≥ 0 with a positive finite sum")

    @classmethod
    def of(cls, weights: Mapping[int, float]) -> Choice:
        """Build from ``{value: weight}``, as a scenario writes it."""
        ordered = sorted(weights.items())
        return cls(tuple(v for v, _ in ordered), tuple(w for _, w in ordered))

    @property
    def mean(self) -> float:
        """Expected value [1]."""
        total = sum(self.weights)
        return sum(v * w for v, w in zip(self.values, self.weights, strict=True)) / total

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.int32]:
        """Draw ``n`` values by inverse cumulative weight, one uniform each, shape (n,)."""
        edges = np.cumsum(self.weights) / sum(self.weights)
        last_possible = max(i for i, w in enumerate(self.weights) if w > 0)
        index = np.minimum(np.searchsorted(edges, rng.random(n), side="right"), last_possible)
        return np.asarray(self.values, dtype=np.int32)[index]


@dataclass(frozen=True)
class UniformDelay:
    """Tolerated delay uniform on ``mean_s`` · [``low``, ``high``).

    JEMAS sweeps the mean over 75…175; the spread 0.5…1.5 is our choice.
    """

    mean_s: float = 125.0
    low: float = 0.5
    high: float = 1.5

    def draw_s(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Draw ``n`` tolerated delays [s]."""
        return self.mean_s * (self.low + (self.high - self.low) * rng.random(n))

    def quantile_s(self, share: float) -> float:
        """Delay [s] below which ``share`` of the jobs lie."""
        return self.mean_s * (self.low + (self.high - self.low) * share)


@dataclass(frozen=True)
class LogNormalDelay:
    """Tolerated delay lognormal about ``median_s``; ``sigma`` is the deviation of its log."""

    median_s: float
    sigma: float

    def draw_s(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Draw ``n`` tolerated delays [s]."""
        log_s = math.log(self.median_s) + self.sigma * rng.standard_normal(n)
        return np.exp(np.minimum(log_s, math.log(LONGEST_DELAY_S)))

    def quantile_s(self, share: float) -> float:
        """Delay [s] below which ``share`` of the jobs lie."""
        if share in (0.0, 1.0):
            return 0.0 if share == 0.0 else math.inf
        return self.median_s * math.exp(self.sigma * NormalDist().inv_cdf(share))


@dataclass(frozen=True)
class ExponentialDelay:
    """Tolerated delay exponential with mean ``mean_s``."""

    mean_s: float

    def draw_s(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """Draw ``n`` tolerated delays [s]."""
        return -self.mean_s * np.log1p(-rng.random(n))

    def quantile_s(self, share: float) -> float:
        """Delay [s] below which ``share`` of the jobs lie."""
        return math.inf if share >= 1.0 else -self.mean_s * math.log1p(-share)


Delay = UniformDelay | LogNormalDelay | ExponentialDelay


@dataclass(frozen=True)
class Flexible:
    """A share of the jobs that tolerates hours, uniform on [``lo_s``, ``hi_s``) [s]."""

    share: float
    lo_s: float = 3600.0
    hi_s: float = 8 * 3600.0


@dataclass(frozen=True)
class MarkColumns:
    """Marks of ``n`` jobs in the order of their arrival; every array has shape (n,).

    Attributes:
        images: images asked for, at least 1.
        steps_asked: denoising steps asked for, at least 1.
        model_asked: index into the scenario's models, −1 = whatever the executing site runs.
        transferable: whether the job may leave its home.
        delay_ns: tolerated delay [ns], at least 1.
        px: edge of the images asked for [px], 0 = whatever the executing service makes.
    """

    images: NDArray[np.int32]
    steps_asked: NDArray[np.int32]
    model_asked: NDArray[np.int32]
    transferable: NDArray[np.bool_]
    delay_ns: NDArray[np.int64]
    px: NDArray[np.int32]

    def pick(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> MarkColumns:
        """Keep the rows of a mask, or of indices in their order."""
        return MarkColumns(
            self.images[rows],
            self.steps_asked[rows],
            self.model_asked[rows],
            self.transferable[rows],
            self.delay_ns[rows],
            self.px[rows],
        )


def join(parts: Sequence[MarkColumns]) -> MarkColumns:
    """Put columns end to end; ``parts`` holds at least one."""
    return MarkColumns(
        np.concatenate([p.images for p in parts]),
        np.concatenate([p.steps_asked for p in parts]),
        np.concatenate([p.model_asked for p in parts]),
        np.concatenate([p.transferable for p in parts]),
        np.concatenate([p.delay_ns for p in parts]),
        np.concatenate([p.px for p in parts]),
    )


def delay_ns_from_s(delay_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round tolerated delays [s] to whole nanoseconds, at least 1 and at most 32 years."""
    clipped_s = np.minimum(delay_s, LONGEST_DELAY_S)
    delay_ns: NDArray[np.int64] = np.rint(clipped_s * NS_PER_S).astype(np.int64)
    return np.maximum(delay_ns, 1)


@dataclass(frozen=True)
class Marks:
    """How the marks of jobs are distributed.

    Attributes:
        images: images per job; default GenTD26's 1/2/4/8 = 58/8/19/15 %.
        steps_asked: steps users ask for; GenTD26: 30 in 91 %, 40 in 5 %, the rest booked at 20.
        delay: tolerated delay of ordinary jobs.
        flexible: the part of the jobs that tolerates hours, or None.
        transferable: share of jobs that may run away from home, in [0, 1].
        model_asked: index of the model asked for, −1 for any; None = all −1.
        mb_per_prompt: size of a job on its way out [MB].
        mb_per_image: size of each finished image on its way back [MB].
        sizes: edge of the images asked for [px], all at least 1; None: nobody asks for one.
        mb_of_size: ``mb_per_image`` of those who ask for a size, where it differs [MB].
    """

    images: Choice = Choice((1, 2, 4, 8), (0.58, 0.08, 0.19, 0.15))
    steps_asked: Choice = Choice((20, 30, 40), (0.04, 0.91, 0.05))
    delay: Delay = field(default_factory=UniformDelay)
    flexible: Flexible | None = None
    transferable: float = 0.6
    model_asked: Choice | None = None
    mb_per_prompt: float = 0.01
    mb_per_image: float = 1.5
    sizes: Choice | None = None
    mb_of_size: Mapping[int, float] = field(default_factory=dict)

    def draw(self, seed: int, site: str, n: int, *copy: str) -> MarkColumns:
        """Draw the marks of ``n`` jobs of one home, each from its own named stream.

        Args:
            seed: the run's seed.
            site: name of the home.
            n: number of jobs; the first rows of a longer draw are those of a shorter one.
            copy: words that tell apart several draws for one home (replayed copies).
        """
        return MarkColumns(
            images=self.images.draw(stream(seed, "marks", site, "images", *copy), n),
            steps_asked=self.steps_asked.draw(stream(seed, "marks", site, "steps", *copy), n),
            model_asked=self._models(seed, site, n, copy),
            transferable=stream(seed, "marks", site, "transferable", *copy).random(n)
            < self.transferable,
            delay_ns=self._delays_ns(seed, site, n, copy),
            px=self._sizes_px(seed, site, n, copy),
        )

    def _models(self, seed: int, site: str, n: int, copy: tuple[str, ...]) -> NDArray[np.int32]:
        if self.model_asked is None:
            return np.full(n, -1, dtype=np.int32)
        return self.model_asked.draw(stream(seed, "marks", site, "model", *copy), n)

    def _sizes_px(self, seed: int, site: str, n: int, copy: tuple[str, ...]) -> NDArray[np.int32]:
        if self.sizes is None:
            return np.zeros(n, dtype=np.int32)
        return self.sizes.draw(stream(seed, "marks", site, "size", *copy), n)

    def _delays_ns(self, seed: int, site: str, n: int, copy: tuple[str, ...]) -> NDArray[np.int64]:
        delay_s = self.delay.draw_s(stream(seed, "marks", site, "delay", *copy), n)
        if self.flexible is not None:
            flex = self.flexible
            patient = stream(seed, "marks", site, "flexible", *copy).random(n) < flex.share
            share = stream(seed, "marks", site, "flexible-delay", *copy).random(n)
            delay_s = np.where(patient, flex.lo_s + (flex.hi_s - flex.lo_s) * share, delay_s)
        return delay_ns_from_s(delay_s)

    def delay_edges_s(self, bins: int) -> tuple[float, ...]:
        """Edges [s] of ``bins`` equally likely delay classes, plus one for flexible jobs.

        Returns:
            Ascending edges that begin at 0 and end at infinity.
        """
        inner = [self.delay.quantile_s(k / bins) for k in range(1, bins)]
        if self.flexible is not None and self.flexible.share > 0:
            inner = [*(e for e in inner if e < self.flexible.lo_s), self.flexible.lo_s]
        return (0.0, *_rising(inner), math.inf)

    def sizes_px(self) -> tuple[int, ...]:
        """Sizes that jobs may ask for [px], ascending; ``(0,)`` where they ask for none."""
        if self.sizes is None:
            return (0,)
        return tuple(
            sorted(v for v, w in zip(self.sizes.values, self.sizes.weights, strict=True) if w)
        )

    def image_mb(self, images: NDArray[np.int32], px: NDArray[np.int32]) -> NDArray[np.float64]:
        """Size of all images of each job on their way back [MB], shape (jobs,)."""
        each_mb = np.full(len(px), self.mb_per_image)
        for size, mb in self.mb_of_size.items():
            each_mb[px == size] = mb
        return np.asarray(images * each_mb, dtype=np.float64)

    def image_edges(self) -> tuple[int, ...]:
        """Edges of the image classes: one image, and several where jobs may have several."""
        most = max(v for v, w in zip(self.images.values, self.images.weights, strict=True) if w)
        return (1, 2, most + 1) if most > 1 else (1, 2)


def _rising(edges: Sequence[float]) -> tuple[float, ...]:
    kept = [b for a, b in pairwise([0.0, *edges]) if b > a]
    return tuple(kept)
