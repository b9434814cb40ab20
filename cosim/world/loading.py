"""What stands between a GPU and its next job: waking up, loading a base model, loading an adapter.

An adapter is small: a GPU that holds its base model, with another adapter or none, loads the
adapter alone, and takes one off in no time. A GPU that has slept gave its memory up: it wakes,
then loads everything. Durations and mean powers are rounded once.

Loading times may be drawn: each job draws a quantile, and its loads take what the tables of the
models have there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.rng import stream

if TYPE_CHECKING:
    from cosim.world.plan import Plan, ServicePlan

IntArray = NDArray[np.int64]
LUCKS = 64
"""Quantiles that a job may draw of a loading time, all equally likely."""

ASLEEP, NOTHING = -2, -1
"""What a GPU holds beside services: nothing because it sleeps, or nothing at all."""


class Loading(NamedTuple):
    """Bringing a model into memory.

    Attributes:
        ns: how long it takes [ns].
        mw: mean board power meanwhile [mW].
    """

    ns: int
    mw: int


FREE_OF_CHARGE = Loading(0, 0)


class SleepPlan(NamedTuple):
    """How the GPUs of a site sleep.

    Attributes:
        after_ns: time without a job after which a GPU goes to sleep [ns].
        mw: board power asleep [mW].
        waking: from the next job to a GPU that can load.
    """

    after_ns: int
    mw: int
    waking: Loading


def one_after_another(*parts: Loading) -> Loading:
    """All parts as one, of the same duration and, to the next mW, the same energy."""
    ns = sum(part.ns for part in parts)
    energy_pj = sum(part.ns * part.mw for part in parts)
    return Loading(ns, round(energy_pj / ns) if ns else 0)


def luck_of(plan: Plan) -> IntArray:
    """What each job draws of loading times, shape (jobs,): a quantile, from 0 to LUCKS − 1.

    It holds for every load that the job waits for; a lucky job finds a fast disk wherever it goes.
    """
    if plan.load_seed is None:
        return np.zeros(len(plan.jobs), dtype=np.int64)
    return stream(plan.load_seed, "loads").integers(0, LUCKS, len(plan.jobs))


def loading(
    services: Sequence[ServicePlan],
    sleep: SleepPlan | None,
    held: int,
    wanted: int,
    luck: int | None = None,
) -> Loading:
    """What it takes until a GPU can run a service that it does not hold.

    Args:
        services: all services.
        sleep: how its site's GPUs sleep.
        held: service in its memory, ASLEEP or NOTHING.
        wanted: the service.
        luck: the quantile that the job has drawn; None: what is expected.
    """
    plan = services[wanted]
    whole = Loading(_drawn(plan.load_ns, plan.loads_ns, luck), plan.load_mw)
    if held == ASLEEP and sleep is not None:
        return one_after_another(sleep.waking, whole)
    if held >= 0 and plan.base != NOTHING and services[held].base == plan.base:
        adapter_ns = _drawn(plan.adapter.ns, plan.adapter_loads_ns, luck)
        return Loading(adapter_ns, plan.adapter.mw)
    return whole


def _drawn(expected_ns: int, loads_ns: Sequence[int], luck: int | None) -> int:
    return loads_ns[luck] if loads_ns and luck is not None else expected_ns
