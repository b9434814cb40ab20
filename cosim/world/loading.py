"""What stands between a GPU and its next job: waking up, loading a base model, loading an adapter.

An adapter is small: a GPU that holds its base model, with another adapter or none, loads the
adapter alone, and takes one off in no time. A GPU that has slept gave its memory up: it wakes,
then loads everything. Durations and mean powers are rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cosim.world.plan import ServicePlan

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


def loading(
    services: Sequence[ServicePlan], sleep: SleepPlan | None, held: int, wanted: int
) -> Loading:
    """What it takes until a GPU can run a service that it does not hold.

    Args:
        services: all services.
        sleep: how its site's GPUs sleep.
        held: service in its memory, ASLEEP or NOTHING.
        wanted: the service.
    """
    plan = services[wanted]
    whole = Loading(plan.load_ns, plan.load_mw)
    if held == ASLEEP and sleep is not None:
        return one_after_another(sleep.waking, whole)
    if held >= 0 and plan.base != NOTHING and services[held].base == plan.base:
        return plan.adapter
    return whole
