"""Closing the books of a run: money of the jobs is posted, stored energy is settled.

Revenue and penalties are posted to the site that ran the job, in the slot in which its images were
delivered; refused jobs to their home, when they were refused; jobs that a queue turned away or
gave up to its site, when it did; transfers to the site that the job was sent to, when it was sent.
What is in the battery at the end beyond the start is worth (E_T − E_0) · mean price of the window
· √η_rt, so that draining or filling it earns nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import BalanceError
from cosim.jobtable import JobTable
from cosim.ledger import Ledger
from cosim.world.plan import Plan

FloatArray = NDArray[np.float64]


def post_jobs(ledger: Ledger, jobs: JobTable) -> Ledger:
    """Return the ledger with revenue, penalties and transfers posted."""
    rows = len(ledger.data["revenue_usd"])
    where = np.where(jobs.site >= 0, jobs.site, jobs.home)
    left = np.where(jobs.dropped_ns >= 0, jobs.dropped_ns, jobs.decided_ns)
    ended = np.where(jobs.ran, jobs.delivered_ns, left)
    data = dict(ledger.data)
    for column, amount, at_ns in (
        ("revenue_usd", jobs.revenue_usd, ended),
        ("late_penalty_usd", jobs.penalty_usd, ended),
        ("transfer_usd", jobs.transfer_usd, jobs.decided_ns),
    ):
        slot = np.minimum(at_ns // ledger.slot_ns, rows - 1)
        cell = slot * len(ledger.sites) + where
        cells = rows * len(ledger.sites)
        posted: NDArray[Any] = np.bincount(cell, weights=amount, minlength=cells)
        data[column] = posted.astype(np.float64).reshape(rows, len(ledger.sites))
    settled = replace(ledger, data=data)
    _check_money(settled, jobs)
    return settled


def settle_storage(ledger: Ledger, plan: Plan) -> Ledger:
    """Return the ledger with the change of stored energy settled in the window's last slot."""
    data, last = dict(ledger.data), ledger.slots - 1
    price = data["price_usd_kwh"][: ledger.slots].mean(axis=0)
    start = np.array([site.stored_kwh for site in plan.sites])
    change_kwh = data["stored_kwh"][last] - start
    column = np.zeros_like(data["settlement_usd"])
    column[last] = change_kwh * price * np.sqrt(plan.info.battery_efficiency)
    data["settlement_usd"] = column
    return replace(ledger, data=data)


def _check_money(ledger: Ledger, jobs: JobTable) -> None:
    """Money of the ledger and of the jobs must be the same."""
    for column, amount in (
        ("revenue_usd", jobs.revenue_usd),
        ("late_penalty_usd", jobs.penalty_usd),
        ("transfer_usd", jobs.transfer_usd),
    ):
        booked, earned = ledger.total(column), float(amount.sum())
        if abs(booked - earned) > 1e-9 * max(1.0, abs(earned)):
            raise BalanceError(f"{column}: the ledger has {booked!r}, the jobs {earned!r}")
