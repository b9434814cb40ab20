"""When requests arrive: a daily rhythm with chance on top, one named stream per home site.

All processes are drawn in *operational time*, in which one job is expected per unit, and carried
to the clock by the inverse of the cumulative rate Λ(t) = ∫ rate. Poisson and gamma arrivals are
renewal sequences there; for the Markov-modulated process the random bursts are part of Λ. Because
gaps are drawn one after the other, a longer window only appends jobs to a shorter one, and a
higher rate squeezes the same sequence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError, did_you_mean
from cosim.quantities import NS_PER_DAY, NS_PER_HOUR, NS_PER_S
from cosim.rng import stream
from cosim.traces.jobs import JobSet, assemble, empty
from cosim.traces.marks import Marks, join

MOST_JOBS = 50_000_000
"""More jobs than this in one window are refused: the arrays would not fit an ordinary machine."""

_GENTD26_SHARES = (14.0, *[3.1] * 4, *[0.35] * 11, *[6.35] * 5, *[38.0 / 3] * 3)

PROFILES: dict[str, tuple[float, ...]] = {
    "flat": (1.0,) * 24,
    "office": tuple(1.0 + 0.6 * math.cos(2 * math.pi * (h - 14) / 24) for h in range(24)),
    "gentd26-night": tuple(24 * s / sum(_GENTD26_SHARES) for s in _GENTD26_SHARES),
}
"""Hourly factors of mean 1 in local time.

``office``: f(h) = 1 + 0.6 cos(2π(h − 14)/24): peak/mean 1.6 at 14 h, 0.4 at 2 h.
``gentd26-night``: Alibaba GenTD26's published shares (0 h 14 %, 21–23 h 38 %), the rest of the day
in three levels from ``traces/profiles/workload_gentd26.toml``; its clock is anonymised, so the
phase is arbitrary.
"""


@dataclass(frozen=True)
class Poisson:
    """Independent arrivals: exponential gaps."""


@dataclass(frozen=True)
class Gamma:
    """Renewal arrivals whose gaps (in operational time) have coefficient of variation ``cv``."""

    cv: float

    def __post_init__(self) -> None:
        if not 0 < self.cv < math.inf:
            raise ValueError(f"cv must be positive, not {self.cv}")


@dataclass(frozen=True)
class Mmpp:
    """Two-state Markov-modulated Poisson process: calm and bursts of exponential length.

    Attributes:
        rate_ratio: burst rate over calm rate, at least 1.
        mean_burst_s: mean length of a burst [s], at least 1.
        mean_calm_s: mean length of a calm spell [s], at least 1.
    """

    rate_ratio: float
    mean_burst_s: float
    mean_calm_s: float

    def __post_init__(self) -> None:
        if not 1 <= self.rate_ratio < math.inf:
            raise ValueError(f"rate_ratio must be at least 1, not {self.rate_ratio}")
        if not (1 <= self.mean_burst_s < math.inf and 1 <= self.mean_calm_s < math.inf):
            raise ValueError("mean_burst_s and mean_calm_s must be at least 1 s")

    @property
    def burst_share(self) -> float:
        """Share of the time spent in bursts."""
        return self.mean_burst_s / (self.mean_burst_s + self.mean_calm_s)

    @property
    def factors(self) -> tuple[float, float]:
        """Calm and burst rate over the mean rate; their time average is 1."""
        calm = 1.0 / (1.0 + self.burst_share * (self.rate_ratio - 1.0))
        return calm, self.rate_ratio * calm

    def dispersion(self, mean_per_s: float, window_s: float) -> float:
        """Variance over mean of the count in a window, at constant mean rate.

        The rate's autocovariance is V·exp(−σu) with V = p(1−p)(r_burst − r_calm)² and
        σ = 1/burst + 1/calm, so I(w) = 1 + 2V/(mσ)·[1 − (1 − exp(−σw))/(σw)]
        (Heffes and Lucantoni 1986, for two states).
        """
        calm, burst = self.factors
        p, sigma = self.burst_share, 1 / self.mean_burst_s + 1 / self.mean_calm_s
        variance = p * (1 - p) * (burst - calm) ** 2 * mean_per_s
        x = sigma * window_s
        return 1.0 + 2.0 * variance / sigma * (1.0 + math.expm1(-x) / x)


Process = Poisson | Gamma | Mmpp


@dataclass(frozen=True)
class Surge:
    """A time, ``begin_ns`` up to ``end_ns``, in which the rate is ``factor`` times as high."""

    begin_ns: int
    end_ns: int
    factor: float

    def __post_init__(self) -> None:
        if not 0 <= self.begin_ns < self.end_ns:
            raise ValueError(f"a surge from {self.begin_ns} to {self.end_ns} ns is no time")
        if not 0 <= self.factor < math.inf:
            raise ValueError(f"factor must be at least 0, not {self.factor}")


@dataclass(frozen=True)
class Demand:
    """What one home site's users ask for.

    Attributes:
        site: name of the site; names its random streams.
        home: index of the site.
        jobs_per_day: mean over the profile, after all scaling.
        profile: 24 hourly factors in local time, normalised to mean 1 inside.
        process: how chance acts on the rhythm.
        utc_offset_h: local time minus UTC [h] in each hour of the window, or one for all hours.
        surges: times in which more or fewer people ask; where they overlap, factors multiply.
    """

    site: str
    home: int
    jobs_per_day: float
    profile: tuple[float, ...] = PROFILES["flat"]
    process: Process = Poisson()
    utc_offset_h: tuple[float, ...] = (0.0,)
    surges: tuple[Surge, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.jobs_per_day < math.inf:
            raise ValueError(f"jobs_per_day must be at least 0, not {self.jobs_per_day}")
        total = sum(self.profile)
        if len(self.profile) != 24 or min(self.profile) < 0 or not 0 < total < math.inf:
            raise ValueError("profile must be 24 factors ≥ 0 with a positive finite sum")


@dataclass(frozen=True)
class Rate:
    """A rate that is constant between edges.

    Attributes:
        edges_ns: ascending instants [ns], shape (pieces + 1,).
        jobs: jobs expected in each piece, shape (pieces,).
    """

    edges_ns: NDArray[np.int64]
    jobs: NDArray[np.float64]

    def modulated(self, switch_ns: NDArray[np.int64], factor: NDArray[np.float64]) -> Rate:
        """Multiply by ``factor[k]`` from ``switch_ns[k]`` on; ``switch_ns[0]`` is the start."""
        edges = np.unique(np.concatenate([self.edges_ns, switch_ns]))
        edges = edges[edges <= self.edges_ns[-1]]
        piece = np.searchsorted(self.edges_ns, edges[:-1], side="right") - 1
        state = np.searchsorted(switch_ns, edges[:-1], side="right") - 1
        part = np.diff(edges) / np.diff(self.edges_ns)[piece]
        return Rate(edges, self.jobs[piece] * part * factor[state])

    def instants(self, operational: NDArray[np.float64]) -> NDArray[np.int64]:
        """Carry ascending operational times in [0, expected jobs) to the clock [ns]."""
        busy = self.jobs > 0
        start_ns, width_ns = self.edges_ns[:-1][busy], np.diff(self.edges_ns)[busy]
        jobs = self.jobs[busy]
        before = np.concatenate([[0.0], np.cumsum(jobs)[:-1]])
        piece = np.searchsorted(before, operational, side="right") - 1
        part = (operational - before[piece]) / jobs[piece]
        inside_ns = np.floor(part * width_ns[piece]).astype(np.int64)
        arrival_ns: NDArray[np.int64] = start_ns[piece] + np.minimum(
            inside_ns, width_ns[piece] - 1
        )
        return arrival_ns


def profile_named(name: str) -> tuple[float, ...]:
    """Return a preset profile by its name; an unknown name is a ``TraceError``."""
    if name not in PROFILES:
        raise TraceError(f"no daily profile `{name}`{did_you_mean(name, tuple(PROFILES))}")
    return PROFILES[name]


def diurnal_rate(demand: Demand, start_utc_ns: int, duration_ns: int) -> Rate:
    """Lay the local daily profile over the window, through changes of the clock.

    Each hour of the window is cut where the local hour turns, so that half-hour time zones and
    starts off the hour are exact.

    Raises:
        TraceError: when ``utc_offset_h`` has neither one entry nor one per hour of the window.
    """
    hours = -(-duration_ns // NS_PER_HOUR)
    if len(demand.utc_offset_h) not in (1, hours):
        raise TraceError(
            f"site `{demand.site}`: {len(demand.utc_offset_h)} UTC offsets for a window of "
            f"{hours} hours; give one, or one per hour"
        )
    begin_ns = np.arange(hours, dtype=np.int64) * NS_PER_HOUR
    offset_ns = np.rint(np.asarray(demand.utc_offset_h) * NS_PER_HOUR).astype(np.int64)
    local_ns = start_utc_ns + begin_ns + offset_ns
    turn_ns = begin_ns + (-local_ns) % NS_PER_HOUR
    starts_ns = np.column_stack([begin_ns, turn_ns]).ravel()
    hour = local_ns // NS_PER_HOUR
    turned = hour + (local_ns % NS_PER_HOUR > 0)
    local_hour = np.column_stack([hour, turned]).ravel() % 24
    return _pieces(demand, starts_ns, local_hour, duration_ns)


def _pieces(
    demand: Demand,
    starts_ns: NDArray[np.int64],
    local_hour: NDArray[np.int64],
    duration_ns: int,
) -> Rate:
    edges_ns = np.minimum(np.append(starts_ns, duration_ns), duration_ns)
    factors = np.asarray(demand.profile) / np.mean(demand.profile)
    width_ns = np.diff(edges_ns)
    kept = width_ns > 0
    per_ns = demand.jobs_per_day / NS_PER_DAY
    jobs = factors[local_hour[kept]] * width_ns[kept] * per_ns
    return Rate(np.append(edges_ns[:-1][kept], duration_ns), jobs)


def arrivals_ns(
    demand: Demand, *, start_utc_ns: int, duration_ns: int, seed: int
) -> NDArray[np.int64]:
    """Draw one home's arrival instants in [0, ``duration_ns``), ascending [ns]."""
    rate = diurnal_rate(demand, start_utc_ns, duration_ns)
    if isinstance(demand.process, Mmpp):
        switches = _spells(demand.process, duration_ns, stream(seed, "bursts", demand.site))
        rate = rate.modulated(*switches)
    for surge in demand.surges:
        rate = rate.modulated(*_surge(surge))
    expected = float(rate.jobs.sum())
    if expected > MOST_JOBS:
        raise TraceError(
            f"site `{demand.site}` expects {expected:.3g} jobs in the window, the most is "
            f"{MOST_JOBS:,}; lower jobs_per_day or use `scale` with `replicas`"
        )
    cv = demand.process.cv if isinstance(demand.process, Gamma) else 1.0
    return rate.instants(_renewals(expected, cv, stream(seed, "arrivals", demand.site)))


def _surge(surge: Surge) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """When the factor changes [ns] and to what."""
    switch_ns = np.array([0, surge.begin_ns, surge.end_ns], dtype=np.int64)
    return switch_ns, np.array([1.0, surge.factor, 1.0])


def _renewals(end: float, cv: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a stationary renewal sequence of mean gap 1 on [0, ``end``).

    The first gap is what an observer finds who comes at a random moment: a uniform part of a
    length-biased gap, which for gamma gaps of shape k is gamma of shape k + 1 (Cox 1962, §5.4).
    """
    shape = 1.0 / cv**2
    parts, reached = [], rng.random() * rng.gamma(shape + 1.0) / shape
    parts.append(np.array([reached]))
    while reached < end:
        n = 64 + int(1.05 * (end - reached))
        gaps = rng.standard_exponential(n) if cv == 1.0 else rng.gamma(shape, size=n) / shape
        parts.append(_running(gaps, reached))
        reached = float(parts[-1][-1])
    times = np.concatenate(parts)
    return times[: np.searchsorted(times, end, side="left")]


def _running(steps: NDArray[np.float64], reached: float) -> NDArray[np.float64]:
    """Add up from ``reached``; the same bits however a sequence is cut into chunks."""
    return np.cumsum(np.concatenate([[reached], steps]))[1:]


def _spells(
    process: Mmpp, duration_ns: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw when calm and burst spells begin [ns] and each one's rate factor."""
    starts_in_burst = bool(rng.random() < process.burst_share)
    means_s = np.array([process.mean_calm_s, process.mean_burst_s])
    means_s = means_s[::-1] if starts_in_burst else means_s
    starts, reached_s = [np.zeros(1)], 0.0
    while reached_s * NS_PER_S < duration_ns:
        pairs = 16 + int(1.05 * (duration_ns / NS_PER_S - reached_s) / means_s.sum())
        spells_s = (rng.standard_exponential((pairs, 2)) * means_s).ravel()
        starts.append(_running(spells_s, reached_s))
        reached_s = float(starts[-1][-1])
    switch_ns = np.floor(np.concatenate(starts) * NS_PER_S).astype(np.int64)
    in_burst = (np.arange(len(switch_ns)) % 2 == 0) == starts_in_burst
    return switch_ns, np.where(in_burst, process.factors[1], process.factors[0])


def generate(
    demands: Sequence[Demand],
    marks: Marks,
    *,
    start_utc_ns: int,
    duration_ns: int,
    seed: int,
    delay_edges_s: Sequence[float],
    image_edges: Sequence[int],
) -> JobSet:
    """Draw all jobs of a window.

    Args:
        demands: one per home site; a site's jobs depend on its own entry and name only.
        marks: how marks are distributed.
        start_utc_ns: Unix time of the window's start [ns].
        duration_ns: length of the window [ns].
        seed: the run's seed.
        delay_edges_s: edges of the delay classes [s], e.g. ``marks.delay_edges_s(4)``.
        image_edges: edges of the image classes, e.g. ``marks.image_edges()``.

    Raises:
        TraceError: when the window would hold more than ``MOST_JOBS`` jobs of one home.
    """
    if duration_ns <= 0 or not demands:
        return empty()
    window = {"start_utc_ns": start_utc_ns, "duration_ns": duration_ns, "seed": seed}
    instants = [arrivals_ns(d, **window) for d in demands]
    columns = [marks.draw(seed, d.site, len(t)) for d, t in zip(demands, instants, strict=True)]
    return assemble(
        np.concatenate(instants),
        np.repeat(np.array([d.home for d in demands], dtype=np.int32), [len(t) for t in instants]),
        join(columns),
        marks,
        delay_edges_s=delay_edges_s,
        image_edges=image_edges,
    )
