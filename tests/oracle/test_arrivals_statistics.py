"""Do arrivals have the statistics that theory gives them, and does a fit find them again?

Seeds are fixed. Bounds are 4 standard errors where a formula is known (a fair draw fails one such
check in 16 000), and stated per cent elsewhere.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from cosim.quantities import NS_PER_DAY, NS_PER_HOUR, NS_PER_S
from cosim.traces.arrivals import PROFILES, Demand, Gamma, Mmpp, Poisson, Process, arrivals_ns
from cosim.traces.fit import fit_workload
from cosim.traces.marks import LogNormalDelay, Marks

SEEDS = (1, 2, 3)
FLAT = PROFILES["flat"]


def instants(
    process: Process, *, per_day: float, days: int, seed: int, profile: tuple[float, ...] = FLAT
) -> NDArray[np.int64]:
    demand = Demand("paris", 0, per_day, profile, process)
    return arrivals_ns(demand, start_utc_ns=0, duration_ns=days * NS_PER_DAY, seed=seed)


def dispersion(t_ns: NDArray[np.int64], window_s: int, days: int) -> float:
    counts = np.bincount(t_ns // (window_s * NS_PER_S), minlength=days * 86_400 // window_s)
    return float(counts.var(ddof=1) / counts.mean())


@pytest.mark.parametrize("seed", SEEDS)
def test_poisson_counts_have_dispersion_one(seed: int) -> None:
    """The index of dispersion of n Poisson counts has standard error √(2/(n − 1))."""
    days, window_s = 20, 300
    t_ns = instants(Poisson(), per_day=20_000, days=days, seed=seed)
    n = days * 86_400 // window_s
    assert dispersion(t_ns, window_s, days) == pytest.approx(1.0, abs=4 * math.sqrt(2 / (n - 1)))
    assert len(t_ns) == pytest.approx(20_000 * days, abs=4 * math.sqrt(20_000 * days))


@pytest.mark.parametrize("seed", SEEDS)
def test_poisson_gaps_are_exponential(seed: int) -> None:
    t_ns = instants(Poisson(), per_day=20_000, days=2, seed=seed)
    gaps_s = np.diff(t_ns) / NS_PER_S
    assert stats.kstest(gaps_s, "expon", args=(0, 86_400 / 20_000)).pvalue > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_poisson_on_a_profile_fills_each_hour_as_expected(seed: int) -> None:
    """Pearson's χ² over 24 hours against the profile itself."""
    office, days = PROFILES["office"], 10
    t_ns = instants(Poisson(), per_day=10_000, days=days, seed=seed, profile=office)
    per_hour = np.bincount(t_ns // NS_PER_HOUR % 24, minlength=24)
    expected = np.array(office) * 10_000 * days / 24
    chi2 = float(((per_hour - expected) ** 2 / expected).sum())
    assert stats.chi2.sf(chi2, 24) > 1e-3
    assert per_hour.max() / per_hour.mean() == pytest.approx(1.6, rel=0.05)


@pytest.mark.parametrize("cv", [0.3, 2.0, 5.0])
def test_gamma_gaps_follow_their_distribution(cv: float) -> None:
    """Only the fit of the whole distribution is asked: it holds mean, cv and shape."""
    t_ns = instants(Gamma(cv), per_day=20_000, days=2, seed=4)
    gaps = np.diff(t_ns) / NS_PER_DAY * 20_000
    shape = 1 / cv**2
    visible = 1e-6  # gaps below a few ns cannot be told apart on the integer clock
    above = gaps[gaps > visible]
    tail = stats.gamma.sf(visible, shape, scale=1 / shape)

    def cdf(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 - stats.gamma.sf(x, shape, scale=1 / shape) / tail

    assert stats.kstest(above, cdf).pvalue > 1e-3
    assert len(above) / len(gaps) == pytest.approx(tail, abs=4 * math.sqrt(0.25 / len(gaps)))
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.05)


def test_gamma_starts_in_equilibrium() -> None:
    """An ordinary renewal start would add (cv² − 1)/2 = 12 jobs to every short window."""
    counts = [len(instants(Gamma(5.0), per_day=50, days=1, seed=s)) for s in range(2000)]
    error = float(np.std(counts)) / math.sqrt(len(counts))
    assert np.mean(counts) == pytest.approx(50, abs=4 * error)
    assert 4 * error < 6


@pytest.mark.parametrize("window_s", [30, 300, 3600])
def test_mmpp_dispersion_is_its_closed_form(window_s: int) -> None:
    process, days, per_day = Mmpp(6.0, 120.0, 480.0), 120, 20_000.0
    t_ns = instants(process, per_day=per_day, days=days, seed=6)
    expected = process.dispersion(per_day / 86_400, window_s)
    assert expected > 2
    assert dispersion(t_ns, window_s, days) == pytest.approx(expected, rel=0.08)


def test_mmpp_keeps_the_mean_rate_and_equals_poisson_at_ratio_one() -> None:
    process = Mmpp(6.0, 120.0, 480.0)
    p = process.burst_share
    assert p * process.factors[1] + (1 - p) * process.factors[0] == pytest.approx(1.0, abs=1e-14)
    counts = [len(instants(process, per_day=2000, days=1, seed=s)) for s in range(300)]
    error = float(np.std(counts)) / math.sqrt(len(counts))
    assert np.mean(counts) == pytest.approx(2000, abs=4 * error)
    assert Mmpp(1.0, 50.0, 50.0).dispersion(1.0, 300.0) == pytest.approx(1.0)


def written(path: Path, t_ns: NDArray[np.int64], marks: Marks) -> Path:
    drawn = marks.draw(9, "paris", len(t_ns))
    rows = zip(t_ns, drawn.images, drawn.steps_asked, drawn.delay_ns, strict=True)
    body = "".join(f"{t / 1e9:.9f},{i},{s},{d / 1e9:.9f}\n" for t, i, s, d in rows)
    path.write_text("t_s,images,steps,tolerated_s\n" + body, encoding="utf-8")
    return path


def test_fit_recovers_profile_bursts_and_marks(tmp_path: Path) -> None:
    truth, marks = Mmpp(4.0, 60.0, 120.0), Marks(delay=LogNormalDelay(90.0, 0.5))
    office = PROFILES["office"]
    t_ns = instants(truth, per_day=20_000, days=7, seed=2, profile=office)
    fit = fit_workload(written(tmp_path / "mmpp.csv", t_ns, marks))
    assert fit.jobs_per_day == pytest.approx(20_000, rel=0.03)
    assert fit.profile == pytest.approx(office, abs=0.12)
    assert fit.mmpp is not None
    assert fit.mmpp.rate_ratio == pytest.approx(4.0, rel=0.15)
    assert fit.mmpp.mean_burst_s == pytest.approx(60.0, rel=0.15)
    assert fit.mmpp.mean_calm_s == pytest.approx(120.0, rel=0.15)
    shares = dict(zip(marks.images.values, marks.images.weights, strict=True))
    assert fit.images == pytest.approx(shares, abs=0.01)
    assert fit.steps_asked == pytest.approx({20: 0.04, 30: 0.91, 40: 0.05}, abs=0.01)
    assert fit.delay is not None
    assert (fit.delay.median_s, fit.delay.sigma) == pytest.approx((90.0, 0.5), rel=0.02)


def test_fit_takes_the_day_out_of_gamma_gaps_and_sees_no_bursts_in_poisson(
    tmp_path: Path,
) -> None:
    office = PROFILES["office"]
    t_ns = instants(Gamma(3.0), per_day=10_000, days=7, seed=2, profile=office)
    gamma = fit_workload(written(tmp_path / "gamma.csv", t_ns, Marks()))
    assert gamma.gamma_cv == pytest.approx(3.0, rel=0.04)
    assert gamma.gap_cv > 1.05 * gamma.gamma_cv
    assert gamma.mmpp is None
    t_ns = instants(Poisson(), per_day=10_000, days=7, seed=2, profile=office)
    poisson = fit_workload(written(tmp_path / "poisson.csv", t_ns, Marks()))
    assert poisson.gamma_cv == pytest.approx(1.0, rel=0.02)
    assert poisson.mmpp is None
