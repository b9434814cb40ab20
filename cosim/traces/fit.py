"""From a file of requests to the numbers of a workload: its day, its bursts and its marks.

    cosim traces fit-workload my_requests.csv.gz

The daily profile is the rate in each hour of the day over the mean rate. Burstiness is measured
against that profile: the gaps are rescaled to operational time for the gamma process, and counts
are compared with their expectation for the two-state Markov-modulated process.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError
from cosim.quantities import NS_PER_DAY, NS_PER_HOUR, NS_PER_S
from cosim.traces.arrivals import Mmpp
from cosim.traces.marks import LogNormalDelay
from cosim.traces.requests import read_requests

COUNT_WINDOW_S = 300
_BURST_WINDOWS_S = (1800, 600, 300, 120, 60, 30, 10, 5, 2, 1)
_CALM_FLOOR = 0.02
_RAREST = 0.001
"""Values rarer than this are left out of fitted marks."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class WorkloadFit:
    """What a request file says about its workload.

    Attributes:
        name: the file.
        requests: rows.
        span_h: whole hours from the first request's hour to the last one's [h].
        jobs_per_day: mean of the profile [1/day].
        hour_share: share of the requests in each hour of the day, 24 numbers.
        profile: rate in each hour of the day over its mean, 24 numbers; all 1 under a day of data.
        gap_cv: coefficient of variation of the gaps as they are.
        gamma_cv: the same in operational time, after the daily profile is taken out.
        peak_over_mean: largest count of a 5-minute window over the mean count.
        dispersion: variance over mean of the counts of 5-minute windows.
        mmpp: two-state process with the same variance, decay and skewness of the rate; None when
            counts vary no more than a Poisson process's do.
        images: shares of the numbers of images asked for; empty where not recorded.
        steps_asked: shares of the numbers of steps asked for; empty where not recorded.
        delay: lognormal of the tolerated delays; None where not recorded.
    """

    name: str
    requests: int
    span_h: int
    jobs_per_day: float
    hour_share: tuple[float, ...]
    profile: tuple[float, ...]
    gap_cv: float
    gamma_cv: float
    peak_over_mean: float
    dispersion: float
    mmpp: Mmpp | None
    images: dict[int, float]
    steps_asked: dict[int, float]
    delay: LogNormalDelay | None

    def scenario(self) -> dict[str, Any]:
        """Return the ``workload`` part of a scenario that this fit stands for, rounded."""
        process: dict[str, Any] = {"kind": "gamma", "cv": max(0.01, round(self.gamma_cv, 2))}
        if self.mmpp is not None:
            process = {
                "kind": "mmpp",
                "burst_ratio": round(self.mmpp.rate_ratio, 2),
                "mean_burst_s": round(self.mmpp.mean_burst_s, 1),
                "mean_calm_s": round(self.mmpp.mean_calm_s, 1),
            }
        arrivals = {
            "kind": "generated",
            "jobs_per_day": round(self.jobs_per_day, 1),
            "profile": [round(factor, 3) for factor in self.profile],
            "process": process,
        }
        return {"arrivals": arrivals, **self._marks()}

    def _marks(self) -> dict[str, Any]:
        marks: dict[str, Any] = {"images": self.images, "steps_asked": self.steps_asked}
        known = {
            key: {value: round(share, 4) for value, share in shares.items()}
            for key, shares in marks.items()
            if shares
        }
        if self.delay is None:
            return known
        median_s, sigma = round(self.delay.median_s, 2), round(self.delay.sigma, 3)
        return {**known, "delay": {"kind": "lognormal", "median_s": median_s, "sigma": sigma}}


def fit_workload(path: Path, name: str | None = None, *, utc_offset_h: float = 0.0) -> WorkloadFit:
    """Fit profile, arrival process and marks to a request file.

    Args:
        path: the file, see ``cosim.traces.requests``.
        name: what messages call it; default: the file's name.
        utc_offset_h: local time minus the file's clock [h].

    Raises:
        TraceError: with every mistake in the file, or when it has fewer than 100 requests.
    """
    name = name or path.name
    rows = read_requests(path, name)
    if len(rows.t_ns) < 100:
        raise TraceError(f"trace `{name}`: {len(rows.t_ns)} requests; a fit needs at least 100")
    if rows.t_ns[0] == rows.t_ns[-1]:
        raise TraceError(f"trace `{name}`: all requests come at one instant; check its clock")
    t_ns = rows.t_ns + round(utc_offset_h * NS_PER_HOUR)
    first, last = int(t_ns[0] // NS_PER_HOUR), int(t_ns[-1] // NS_PER_HOUR)
    hours = np.arange(first, last + 1)
    profile = _profile(t_ns, hours)
    since_s = (t_ns - first * NS_PER_HOUR) / NS_PER_S
    jobs_per_hour = _level(profile, hours, len(t_ns))
    expected = profile[hours % 24] * jobs_per_hour
    counts = _counts(since_s, COUNT_WINDOW_S, len(hours))
    return WorkloadFit(
        name=name,
        requests=len(t_ns),
        span_h=len(hours),
        jobs_per_day=24 * jobs_per_hour,
        hour_share=tuple(map(float, _per_hour_of_day(t_ns) / len(t_ns))),
        profile=tuple(map(float, profile)),
        gap_cv=_cv(np.diff(since_s)),
        gamma_cv=_cv(np.diff(_operational(since_s, expected))),
        peak_over_mean=float(counts.max() / counts.mean()),
        dispersion=float(counts.var() / counts.mean()),
        mmpp=_fit_mmpp(since_s, expected),
        images=_shares(rows.images),
        steps_asked=_shares(rows.steps),
        delay=_fit_delay(rows.tolerated_s),
    )


def _per_hour_of_day(t_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.bincount((t_ns % NS_PER_DAY) // NS_PER_HOUR, minlength=24)


def _profile(t_ns: NDArray[np.int64], hours: NDArray[np.int64]) -> Floats:
    """Rate in each hour of the day over the mean of the 24 rates."""
    seen = np.bincount(hours % 24, minlength=24)
    if seen.min() == 0:
        return np.ones(24)
    rate = _per_hour_of_day(t_ns) / seen
    profile: Floats = rate / rate.mean()
    return profile


def _level(profile: Floats, hours: NDArray[np.int64], n: int) -> float:
    """Mean jobs per hour over a whole day that gives ``n`` jobs in these hours."""
    return float(n / profile[hours % 24].sum())


def _counts(since_s: Floats, window_s: int, hours: int) -> NDArray[np.int64]:
    return np.bincount((since_s // window_s).astype(np.int64), minlength=hours * 3600 // window_s)


def _operational(since_s: Floats, expected: Floats) -> Floats:
    """Rescale instants so that one job is expected per unit."""
    cumulative = np.concatenate([[0.0], np.cumsum(expected)])
    edges_s = np.arange(len(cumulative)) * 3600.0
    return np.asarray(np.interp(since_s, edges_s, cumulative), dtype=np.float64)


def _cv(gaps: Floats) -> float:
    return float(gaps.std() / gaps.mean())


def _shares(values: NDArray[np.int32]) -> dict[int, float]:
    recorded = values[values > 0]
    found, counts = np.unique(recorded, return_counts=True)
    share = counts / max(1, len(recorded))
    kept = share >= _RAREST
    total = float(share[kept].sum())
    return {int(v): float(s) / total for v, s in zip(found[kept], share[kept], strict=True)}


def _fit_delay(tolerated_s: Floats) -> LogNormalDelay | None:
    recorded = np.log(tolerated_s[np.isfinite(tolerated_s)])
    if len(recorded) < 2 or recorded.std() == 0:
        return None
    return LogNormalDelay(math.exp(float(recorded.mean())), float(recorded.std()))


def _fit_mmpp(since_s: Floats, expected: Floats) -> Mmpp | None:
    """Use the longest window that still shows three quarters of the rate's variance.

    Longer windows average bursts away; shorter ones hold too few requests to tell. In the window
    chosen the rate must also persist from one window to the next, else gaps, not rates, vary.
    """
    tables = {
        window_s: (
            _counts(since_s, window_s, len(expected)).astype(np.float64),
            np.repeat(expected, 3600 // window_s) * (window_s / 3600),
        )
        for window_s in _BURST_WINDOWS_S
        if float(expected.mean()) * window_s / 3600 >= 0.5
    }
    shown = {w: _second(counts, mean) - 1.0 for w, (counts, mean) in tables.items()}
    for window_s, (counts, mean) in tables.items():
        decay = _decay(counts, mean)
        if shown[window_s] >= 0.75 * max(shown.values()) and decay is not None and decay > 0.6:
            return _mmpp(counts, mean, -math.log(decay), window_s)
    return None


def _second(counts: Floats, mean: Floats) -> float:
    return float((counts * (counts - 1)).sum() / (mean**2).sum())


def _covariance(counts: Floats, mean: Floats, lag: int) -> float:
    """Covariance of the relative rate between windows ``lag`` apart."""
    pairs = float((mean[:-lag] * mean[lag:]).sum())
    return float((counts[:-lag] * counts[lag:]).sum()) / pairs - 1.0 if pairs > 0 else 0.0


def _decay(counts: Floats, mean: Floats) -> float | None:
    """Ratio of successive covariances, exp(−σw), from all lags above a fifth of the first."""
    if len(counts) < 20:
        return None
    cov = [_covariance(counts, mean, 1)]
    noise = 4.0 / math.sqrt(len(counts)) / max(1.0, float(mean.mean()))
    while cov[0] > noise and cov[-1] > 0.2 * cov[0] and len(cov) < len(counts) // 4:
        cov.append(_covariance(counts, mean, len(cov) + 1))
    if len(cov) < 2 or sum(cov[1:]) <= 0:
        return None
    return min(sum(cov[1:]) / sum(cov[:-1]), 0.999)


def _mmpp(counts: Floats, mean: Floats, x: float, window_s: int) -> Mmpp | None:
    """Match variance, decay rate and third moment of the rate to factorial moments of counts.

    With relative rate M of mean 1, variance V and third central moment κ, a two-state chain has
    E[M(t₁)M(t₂)] − 1 = V·e^(−σ(t₂−t₁)) and E[∏(M(tᵢ) − 1)] = κ·e^(−σ(t₃−t₁)); averaging both over
    windows of length w = x/σ gives the factors ``pair`` and ``triple``. Poisson noise drops out of
    the factorial moments E[N(N−1)] and E[N(N−1)(N−2)].
    """
    second = _second(counts, mean)
    third = float((counts * (counts - 1) * (counts - 2)).sum() / (mean**3).sum())
    pair = 2.0 / x * (1.0 + math.expm1(-x) / x)
    triple = 6.0 * ((x - 2.0) + (x + 2.0) * math.exp(-x)) / x**3 if x > 0.02 else 1.0
    variance = (second - 1.0) / pair
    kappa = (third - 3.0 * second + 2.0) / triple
    if variance <= 0:
        return None
    return _two_states(variance, kappa / variance**1.5, x / window_s)


def _two_states(variance: float, skewness: float, sigma_per_s: float) -> Mmpp | None:
    """Solve p(1−p)Δ² = V and (1−2p)/√(p(1−p)) = skewness for burst share p and rate step Δ.

    Where that would make the calm rate negative the skewness is given up and calm is held at 2 %
    of the mean rate.
    """
    p = 0.5 * (1.0 - skewness / math.sqrt(4.0 + skewness**2))
    calm = 1.0 - math.sqrt(variance * p / (1.0 - p))
    if calm < _CALM_FLOOR:
        calm = _CALM_FLOOR
        p = (1.0 - calm) ** 2 / (variance + (1.0 - calm) ** 2)
    burst = calm + (1.0 - calm) / p
    burst_s, calm_s = 1.0 / (sigma_per_s * (1.0 - p)), 1.0 / (sigma_per_s * p)
    return Mmpp(burst / calm, max(1.0, burst_s), max(1.0, calm_s))
