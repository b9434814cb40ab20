"""What is kept of a run for the paper's figures: a few numbers, in place of its whole books."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.decision import WorldInfo
from cosim.quantities import NS_PER_HOUR, NS_PER_S
from cosim.run import RunResult

FloatArray = NDArray[np.float64]
KPIS = (
    *("utility_usd", "revenue_usd", "energy_cost_usd", "late_share", "quality_mean"),
    *("steps_mean", "moved_share", "carbon_kg"),
)
POWERS = {
    "import_kw": "import_kwh",
    "export_kw": "export_kwh",
    "charge_kw": "charge_kwh",
    "discharge_kw": "discharge_kwh",
    "solar_kw": "solar_kwh",
    "wind_kw": "wind_kwh",
}
DOTS_MAX = 150
"""Jobs of the last hour that are drawn for each place."""
SAMPLES = (0.05, 0.5, 0.95)
"""Sample jobs stand at these places among those of an hour, sorted by tolerated delay."""


def facts(run: RunResult, info: WorldInfo) -> dict[str, Any]:
    """All that the figures need of a run, as plain data.

    Args:
        run: the run.
        info: what its policy knew of the world, for the models' curves of quality.
    """
    quality = predicted_quality(run, info)
    return {
        "digest": run.digest,
        "kpis": {name: run.kpis[name] for name in KPIS},
        "stored_kwh_mean": float(_window(run, "stored_kwh").sum(axis=1).mean()),
        "sites": list(run.ledger.sites),
        "trade": _trade(run),
        "steps": _steps(run),
        "hours": _hours(run),
        "last_hour": _last_hour(run),
        "in_time_quality": _in_time_quality(run, quality),
        "samples": _samples(run, quality),
    }


def _window(run: RunResult, column: str) -> FloatArray:
    return np.asarray(run.ledger.data[column][: run.ledger.slots], dtype=np.float64)


def _weighed(values: FloatArray, weights: FloatArray) -> list[float | None]:
    """Weighed means over slots, per site; None where nothing weighs."""
    whole = weights.sum(axis=0)
    return [
        float((values[:, k] * weights[:, k]).sum() / whole[k]) if whole[k] > 0.0 else None
        for k in range(len(whole))
    ]


def _trade(run: RunResult) -> dict[str, list[float | None]]:
    """Mean prices at which each site charges and discharges, buys and sells [USD/MWh].

    Sales are set against purchases at the price of purchase of the same slots, so that the fee of
    a sale does not hide when it is made.
    """
    price_usd_mwh = 1000.0 * _window(run, "price_usd_kwh")
    columns = ("charge_kwh", "discharge_kwh", "import_kwh", "export_kwh")
    return {name: _weighed(price_usd_mwh, _window(run, name)) for name in columns}


def _steps(run: RunResult) -> dict[str, Any]:
    """Steps per image at each site, and the mean prices at which steps are executed [USD/MWh].

    ``place`` counts each step at the mean price of its site's window, ``hour`` at what its slot is
    dearer than that: their sum is the price where and when the steps ran.
    """
    jobs, steps = run.jobs, _window(run, "steps")
    ran = jobs.ran
    means = [
        float(jobs.steps[ran & (jobs.site == k)].mean())
        if (ran & (jobs.site == k)).any()
        else None
        for k in range(len(run.ledger.sites))
    ]
    price_usd_mwh = 1000.0 * _window(run, "price_usd_kwh")
    site_usd_mwh = price_usd_mwh.mean(axis=0, keepdims=True)
    return {
        "per_image": means,
        "place_usd_mwh": float((steps * site_usd_mwh).sum() / steps.sum()),
        "hour_usd_mwh": float((steps * (price_usd_mwh - site_usd_mwh)).sum() / steps.sum()),
    }


def _hours(run: RunResult) -> dict[str, list[list[float]]]:
    """Means and sums of each hour of the window, name → [hour][site]."""
    each = max(1, NS_PER_HOUR // run.ledger.slot_ns)
    starts = np.arange(0, run.ledger.slots, each)
    hours = run.ledger.slot_ns / NS_PER_HOUR
    counts = np.diff(np.append(starts, run.ledger.slots))[:, None]
    sums = {
        "steps": _window(run, "steps"),
        **{name: _window(run, column) / hours for name, column in POWERS.items()},
        "price_usd_mwh": 1000.0 * _window(run, "price_usd_kwh"),
        "soc": _window(run, "soc"),
    }
    found = {name: np.add.reduceat(values, starts, axis=0) for name, values in sums.items()}
    return {
        name: [[float(f"{v:.6g}") for v in row] for row in (_mean(name, values, counts)).tolist()]
        for name, values in found.items()
    }


def _mean(name: str, sums: FloatArray, counts: NDArray[np.int64]) -> FloatArray:
    return np.asarray(sums if name == "steps" else sums / counts, dtype=np.float64)


def _last_hour(run: RunResult) -> dict[str, list[Any]]:
    """Jobs of the second site that arrived in the last hour and ran, by where they ran."""
    jobs, ledger = run.jobs, run.ledger
    begin_ns = max(0, ledger.slots * ledger.slot_ns - NS_PER_HOUR)
    home = min(1, len(ledger.sites) - 1)
    chosen = (jobs.arrival_ns >= begin_ns) & (jobs.home == home) & jobs.ran & jobs.transferable
    delay_s = (jobs.deadline_ns - jobs.arrival_ns) / NS_PER_S
    places = [np.flatnonzero(chosen & (jobs.site == k)) for k in range(len(ledger.sites))]
    picks = [place[:: max(1, -(-len(place) // DOTS_MAX))] for place in places]
    return {
        "jobs": [len(place) for place in places],
        "delay_s_mean": [float(delay_s[p].mean()) if len(p) else None for p in places],
        "delay_s": [np.round(delay_s[p], 1).tolist() for p in picks],
        "steps": [jobs.steps[p].tolist() for p in picks],
    }


def _in_time_quality(run: RunResult, quality: FloatArray) -> float:
    """Mean predicted quality over all images, where one that is late counts nothing."""
    jobs = run.jobs
    good = np.where(jobs.late, 0.0, quality)
    return float((good * jobs.images).sum() / jobs.images.sum())


def predicted_quality(run: RunResult, info: WorldInfo) -> FloatArray:
    """Quality of each job's images by the curve of the model that made them, 0 if none did."""
    jobs = run.jobs
    column = np.minimum(np.searchsorted(info.steps, jobs.steps), len(info.steps) - 1)
    values = info.quality[np.maximum(jobs.service, 0), column]
    return np.where(jobs.ran, values, 0.0)


def _samples(run: RunResult, quality: FloatArray) -> list[dict[str, Any]]:
    """What was decided for three jobs that may move, with short, middle and long delays."""
    jobs, ledger = run.jobs, run.ledger
    first_ns = ledger.slots * ledger.slot_ns * 2 // 3
    here = (jobs.arrival_ns >= first_ns) & (jobs.arrival_ns < first_ns + NS_PER_HOUR)
    found = np.flatnonzero(here & jobs.transferable)
    if not len(found):
        return []
    delay_ns = jobs.deadline_ns - jobs.arrival_ns
    ordered = found[np.argsort(delay_ns[found], kind="stable")]
    picks = [int(ordered[int(share * (len(ordered) - 1))]) for share in SAMPLES]
    return [_sample(run, job, float(quality[job])) for job in picks]


def _sample(run: RunResult, job: int, quality: float) -> dict[str, Any]:
    jobs, sites = run.jobs, run.ledger.sites
    delay_ns = int(jobs.deadline_ns[job] - jobs.arrival_ns[job])
    return {
        "job": job,
        "home": sites[int(jobs.home[job])],
        "tolerates_s": round(delay_ns / NS_PER_S, 1),
        "images": int(jobs.images[job]),
        "place": sites[int(jobs.site[job])] if jobs.ran[job] else "nowhere",
        "steps": int(jobs.steps[job]),
        "quality": round(quality, 4),
        "in_time": not bool(jobs.late[job]),
    }
