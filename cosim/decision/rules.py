"""Dispatch rules: what happens in this slot to each job that arrives or waits.

Rules are data, not callbacks, so that an engine can run them compiled, replay them exactly and log
them. Where a rule does not fit a thought, :class:`CallbackRule` takes any Python function.

The score of a (service, steps) pair for a job of m images in :class:`ScoreRule` is

    on time:  m·(w·v_i(c) − p_i·t_i(c) − e_i·E_i(c)) − x·transfer − d·delay
    late:     m·(−y·φ_i   − p_i·t_i(c) − e_i·E_i(c)) − x·transfer − d·delay

with the weights of the rule, GPU time t and energy E (beyond idling) of an image at the slot's
clock, and the delay estimated from the queue as if it were served first come, first served at the
present clock. The best score wins; on ties the earlier service, then the fewer steps. Where a
service has a softer bargain, a late image earns its share of w·v_i(c) and owes the rest of y·φ_i
for the estimated delay beyond the deadline and the margin
(:func:`cosim.physics.service.settled_usd`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from cosim.decision.info import BoolArray, FloatArray, IntArray

HOLD = -1
DROP = -2


@dataclass(frozen=True)
class SplitRule:
    """Shares of each (home, class) over destinations, and the steps to run.

    Jobs are dealt out so that the counts stay as near to the shares as they can: each job adds
    its shares to the credits of its (home, class) and goes to the destination with the most
    credit, the first of equals, which pays one credit for it. Credits carry over from slot to
    slot; no dice are involved.

    Attributes:
        shares: shape (sites, classes, services + 2); the last two columns are HOLD (wait at home
            until the next slot) and DROP (refuse). Rows sum to 1.
        steps: denoising steps per image, shape (sites, classes, services).
    """

    shares: FloatArray
    steps: IntArray


@dataclass(frozen=True)
class ScoreRule:
    """Each arriving job takes the allowed (service, steps) pair of the highest score.

    Attributes:
        gpu_usd_s: price p of a GPU-second at each service, shape (services,).
        energy_usd_kwh: price e of IT energy at each service, shape (services,).
        allowed: services open to each home, shape (sites, services).
        steps_allowed: step counts open at each service, shape (services, steps); those that the
            service itself does not allow are closed.
        revenue_weight: w, weight of revenue.
        late_weight: y, weight of the late penalty.
        transfer_weight: x, weight of the transfer price.
        delay_usd_s: d, price of a second between arrival and estimated finish.
        margin_s: a job counts as late if it is estimated to finish less than this before its
            deadline [s].
        hold_below_usd: jobs whose best score is below this wait at home, shape (classes,).
        drop_below_usd: jobs whose best score is below this are refused, shape (classes,).
    """

    gpu_usd_s: FloatArray
    energy_usd_kwh: FloatArray
    allowed: BoolArray
    steps_allowed: BoolArray
    revenue_weight: float = 1.0
    late_weight: float = 1.0
    transfer_weight: float = 1.0
    delay_usd_s: float = 0.0
    margin_s: float = 0.0
    hold_below_usd: FloatArray | None = None
    drop_below_usd: FloatArray | None = None


@dataclass(frozen=True)
class PerJobRule:
    """Explicit placements of jobs that are already known; all others follow another rule.

    Attributes:
        jobs: numbers of held or announced jobs, shape (n,).
        services: destination of each, HOLD or DROP, shape (n,).
        steps: denoising steps per image of each, shape (n,).
        otherwise: the rule for every other job.
    """

    jobs: IntArray
    services: IntArray
    steps: IntArray
    otherwise: SplitRule | ScoreRule


class JobView(NamedTuple):
    """What a callback sees of a job (times in ns since the start of the window)."""

    job: int
    home: int
    class_id: int
    images: int
    steps_asked: int
    transferable: bool
    arrival_ns: int
    deadline_ns: int


class QueueView(NamedTuple):
    """What a callback sees of the queues at the instant of an arrival.

    Attributes:
        now_ns: the instant [ns].
        wait_ns: estimated wait of a job that joined each site's queue now [ns].
        backlog_ns: GPU time of each site's accepted, unfinished work [ns].
        clock_level: clock level per site.
    """

    now_ns: int
    wait_ns: tuple[int, ...]
    backlog_ns: tuple[int, ...]
    clock_level: tuple[int, ...]


class Placement(NamedTuple):
    """Where a job goes: a service, HOLD or DROP, and its denoising steps per image."""

    service: int
    steps: int


@dataclass(frozen=True)
class CallbackRule:
    """Any Python function of the arriving job and the queues: slow, fully general, same contract.

    Attributes:
        place: called once per arriving or held job.
    """

    place: Callable[[JobView, QueueView], Placement]


DispatchRule = SplitRule | ScoreRule | PerJobRule | CallbackRule
