"""Small plants for tests of the fluid model, and the expanded model by another program."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import linprog

from cosim.optimise import Groups, Outlook, Plant, Store


def store(sites: int, **changes: Any) -> Store:
    """No battery; fields are numbers, the same at every site."""
    none = {
        "low_kwh": 0.0, "high_kwh": 0.0, "charge_kw": 0.0, "give_kw": 0.0,
        "charge_efficiency": 1.0, "give_efficiency": 1.0, "wear_usd_kwh": 0.0,
    }  # fmt: skip
    return Store(**{name: np.full(sites, value) for name, value in {**none, **changes}.items()})


def plant(sites: int = 2, **changes: Any) -> Plant:
    """One service a site, two clock levels; times in hours, so that sums fit on paper."""
    services = np.arange(sites)
    fields: dict[str, Any] = {
        "gpus": np.full(sites, 2.0),
        "idle_kw": np.full(sites, 0.1),
        "busy_kw": np.full(sites, 2.0),
        "image_kwh_max": 10.0,
        "in_hand": np.full(sites, 2.0),
        "server_kw": np.full(sites, 0.3),
        "service_site": services,
        "steps": np.array([10.0, 30.0]),
        "revenue_usd": np.array([[0.4, 1.0], [0.7, 1.6], [0.5, 2.0]])[:sites],
        "image_h": np.array([[0.05, 0.15], [0.1, 0.3], [0.2, 0.6]])[:sites],
        "mode_service": np.repeat(services, 2),
        "mode_level": np.tile([0, 1], sites),
        "fixed_h": np.zeros(2 * sites),
        "fixed_kwh": np.zeros(2 * sites),
        "step_h": np.repeat([0.005, 0.01, 0.02][:sites], 2) * np.tile([1.25, 1.0], sites),
        "step_kwh": np.repeat([0.005, 0.01, 0.02][:sites], 2) * np.tile([0.7, 1.0], sites),
        "store": store(sites),
        "import_kw": np.full(sites, np.inf),
        "export_kw": np.full(sites, np.inf),
        "unserved_usd_kwh": 10.0,
    }
    return Plant(**{**fields, **changes})


def groups(homes: list[int], movable: list[bool], *, patient: bool, sites: int) -> Groups:
    """Groups without an allowance; moving an image costs a cent."""
    home = np.array(homes)
    return Groups(
        home=home,
        movable=np.array(movable),
        allowance_h=np.full(len(homes), np.inf),
        patient=np.full(len(homes), patient),
        fare_usd=0.01 * (np.arange(sites)[None, :] != home[:, None]),
        miss_usd=np.full(len(homes), 0.5),
    )


def outlook(at: Plant, price: Any, arriving: Any, due: Any = None, **changes: Any) -> Outlook:
    """Periods of an hour, nothing but the grid; price of shape (sites, periods)."""
    buy, coming = np.asarray(price, dtype=np.float64), np.asarray(arriving, dtype=np.float64)
    shape, hours = buy.shape, np.ones(buy.shape[1])
    gpu_h = at.gpus[:, None] * hours
    fields: dict[str, Any] = {
        "hours": hours,
        "buy_usd_kwh": buy,
        "sell_usd_kwh": buy - 0.1 * np.abs(buy),
        "green_kwh": np.zeros(shape),
        "green_most_kwh": np.zeros(shape),
        "green_least_kwh": np.zeros(shape),
        "pue_low": np.full(shape, 1.2),
        "pue_high": np.full(shape, 1.2),
        "gpu_h": gpu_h,
        "up_h": gpu_h,
        "arriving": coming,
        "due": np.cumsum(coming, axis=1) if due is None else np.asarray(due, dtype=np.float64),
        "stored_kwh": np.zeros(shape[0]),
        "kept_usd_kwh": np.zeros(shape[0]),
    }
    return replace(Outlook(**fields), **changes)


def waiting(arriving: Any, slots: int) -> np.ndarray:
    """Images due by the end of each period if all may wait that many periods."""
    arrived = np.cumsum(np.asarray(arriving, dtype=np.float64), axis=1)
    due = np.zeros_like(arrived)
    if slots < arrived.shape[1]:
        due[:, slots:] = arrived[:, : arrived.shape[1] - slots]
    due[:, -1] = arrived[:, -1]
    return due


def expanded(at: Plant, people: Groups, seen: Outlook, slots: int) -> float:
    """Optimum of the model with a column for each (group, arrival, wait, mode, steps), by SciPy.

    Without batteries, sun and wind, energy is a price per image; what is not served is missed.
    """
    periods, sites = seen.periods, at.n_sites
    gain, rows_gpu, rows_job = [], [], []
    for g, home in enumerate(people.home):
        for a in range(periods):
            gain.append(-people.miss_usd[g])
            rows_gpu.append(np.zeros((sites, periods)))
            rows_job.append((g, a))
            for t in range(a, min(a + slots, periods - 1) + 1):
                for m, service in enumerate(at.mode_service):
                    site = at.service_site[service]
                    if site != home and not people.movable[g]:
                        continue
                    for k, steps in enumerate(at.steps):
                        used = np.zeros((sites, periods))
                        used[site, t] = steps * at.step_h[m]
                        kwh = steps * (at.step_kwh[m] - at.idle_kw[site] * at.step_h[m])
                        cost = seen.buy_usd_kwh[site, t] * seen.pue_low[site, t] * kwh
                        gain.append(at.revenue_usd[service, k] - people.fare_usd[g, site] - cost)
                        rows_gpu.append(used)
                        rows_job.append((g, a))
    count = len(gain)
    who = np.zeros((len(people) * periods, count))
    for column, (g, a) in enumerate(rows_job):
        who[g * periods + a, column] = 1.0
    found = linprog(
        -np.array(gain),
        A_ub=np.array([used.ravel() for used in rows_gpu]).T,
        b_ub=seen.gpu_h.ravel(),
        A_eq=who,
        b_eq=seen.arriving.ravel(),
        method="highs",
    )
    base = at.idle_kw[:, None] * seen.up_h + at.server_kw[:, None] * seen.hours
    return float(-found.fun - (seen.buy_usd_kwh * seen.pue_low * base).sum())
