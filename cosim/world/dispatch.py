"""Dispatch: a rule of :mod:`cosim.decision.rules`, run for one job after another.

This is the readable form; a compiled engine runs the same rules over arrays with the same order of
operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from cosim.decision import (
    DROP,
    HOLD,
    CallbackRule,
    DispatchRule,
    JobView,
    PerJobRule,
    Placement,
    QueueView,
    ScoreRule,
    SplitRule,
)
from cosim.errors import PolicyError
from cosim.physics.network_scalar import is_cut
from cosim.world.job_columns import HOME_TRIP, JobColumns, Trip
from cosim.world.offers import Offers
from cosim.world.plan import Plan
from cosim.world.scorer import Scorer

Placer = Callable[[int, int], Placement]


class Estimate(Protocol):
    """What is believed of one site's queue (see :mod:`cosim.world.estimate`)."""

    def wait_ns(self, landing_ns: int) -> int:
        """Estimated wait of a job that joins the queue at that instant [ns]."""

    def commit(self, landing_ns: int, service_ns: int) -> None:
        """Count in a job that will join the queue at that instant."""

    def backlog_ns(self, now_ns: int) -> int:
        """GPU time until everything accepted has ended [ns]."""


@dataclass
class Dispatcher:
    """Places jobs by the rule of the slot.

    Attributes:
        plan: the world's plan.
        estimates: what is believed of each site's queue.
        levels: clock level of each site in this slot.
        policy: the policy's name, for errors.
        slot: the slot, for errors.
        queues: tells waits and backlogs of all sites [ns], instead of ``estimates``.
    """

    plan: Plan
    estimates: Sequence[Estimate]
    levels: Sequence[int]
    policy: str
    slot: int = 0
    queues: Callable[[int], tuple[tuple[int, ...], tuple[int, ...]]] | None = None

    def __post_init__(self) -> None:
        self._site: list[int] = self.plan.info.service_site.tolist()
        self._at: list[int] = self.plan.info.place.tolist()
        self.jobs = JobColumns(self.plan.jobs, self.plan.link)
        self._credits: dict[tuple[int, int], list[float]] = {}
        self._place: Placer = self._nowhere

    @cached_property
    def offers(self) -> Offers:
        """What the services offer for an image."""
        return Offers(self.plan)

    def begin(self, slot: int, rule: DispatchRule, levels: Sequence[int]) -> None:
        """Take the rule of a new slot."""
        self.slot, self.levels = slot, levels
        self._place = self._placer(rule)

    def place(self, job: int, now_ns: int) -> Placement:
        """Decide where a job goes and count it into the estimate of that queue."""
        placement = self.wish(job, now_ns)
        if placement.service >= 0:
            site = self._site[placement.service]
            service = self.plan.services[placement.service]
            landing_ns = now_ns + self.trip(job, site).there_ns
            work_ns = service.job_ns(self.levels[site], placement.steps, self.jobs.images[job])
            self.estimates[site].commit(landing_ns, work_ns)
        return placement

    def wish(self, job: int, now_ns: int) -> Placement:
        """What the rule says of a job, without counting it anywhere."""
        return self.reached(job, self._place(job, now_ns), now_ns)

    def reached(self, job: int, placement: Placement, now_ns: int) -> Placement:
        """Keep a job at home whose destination the network does not reach."""
        if placement.service < 0 or self.is_open(job, placement.service, now_ns):
            return placement
        return self.at_home(job)

    def is_open(self, job: int, service: int, now_ns: int) -> bool:
        """Whether the network lets a job get from its home to a service."""
        cuts, home, place = self.plan.cuts, self.jobs.home[job], self._at[self._site[service]]
        if home == place or not len(cuts):
            return True
        return not (is_cut(cuts, home, now_ns) or is_cut(cuts, place, now_ns))

    def trip(self, job: int, site: int) -> Trip:
        """What moving a job to a site takes."""
        return HOME_TRIP if self._at[site] == self.jobs.home[job] else self.jobs.trips[job]

    # the kinds of rule ------------------------------------------------------------------

    def _placer(self, rule: DispatchRule) -> Placer:
        if isinstance(rule, SplitRule):
            return self._split(rule)
        if isinstance(rule, ScoreRule):
            return Scorer(self, rule).place
        if isinstance(rule, PerJobRule):
            return self._per_job(rule)
        return self._callback(rule)

    def _nowhere(self, job: int, now_ns: int) -> Placement:
        raise PolicyError(self.policy, f"job {job} arrived at {now_ns} ns before any decision")

    def _split(self, rule: SplitRule) -> Placer:
        shares, steps = rule.shares.tolist(), rule.steps.tolist()
        services = self.plan.info.n_services

        def place(job: int, now_ns: int) -> Placement:
            home, kind = self.jobs.home[job], self.jobs.class_id[job]
            share = self._open_shares(job, shares[home][kind], now_ns)
            if not share:
                return self.at_home(job)
            credits = self._credits.setdefault((home, kind), [0.0] * len(share))
            for d, part in enumerate(share):
                credits[d] += part
            chosen = _richest(credits, share)
            credits[chosen] -= 1.0
            if chosen >= services:
                return Placement(HOLD if chosen == services else DROP, 0)
            return Placement(chosen, steps[home][kind][chosen])

        return place

    def _open_shares(self, job: int, share: list[float], now_ns: int) -> list[float]:
        """Shares of what the network reaches, in proportion; empty if that is nothing."""
        if not len(self.plan.cuts):
            return share
        services = self.plan.info.n_services
        kept = [
            part if d >= services or self.is_open(job, d, now_ns) else 0.0
            for d, part in enumerate(share)
        ]
        if kept == share:
            return share
        total = 0.0
        for part in kept:  # one after another, as compiled code does; sum() compensates
            total += part
        return [part / total for part in kept] if total > 0.0 else []

    def _per_job(self, rule: PerJobRule) -> Placer:
        otherwise = self._placer(rule.otherwise)
        rows = zip(rule.jobs.tolist(), rule.services.tolist(), rule.steps.tolist(), strict=True)
        known = {job: Placement(service, steps) for job, service, steps in rows}

        def place(job: int, now_ns: int) -> Placement:
            placement = known.get(job)
            if placement is None:
                return otherwise(job, now_ns)
            return self.checked(job, placement)

        return place

    def _callback(self, rule: CallbackRule) -> Placer:
        def place(job: int, now_ns: int) -> Placement:
            answer = rule.place(self._job_view(job), self._queue_view(now_ns))
            return self.checked(job, answer)

        return place

    def checked(self, job: int, answer: Placement) -> Placement:
        """Hold an explicit placement to the contract."""
        info = self.plan.info
        try:
            service, steps = int(answer[0]), int(answer[1])
        except (TypeError, ValueError, IndexError):
            raise self._broken(f"job {job}: {answer!r} is no (service, steps)") from None
        if service == HOLD and self.slot >= info.slots:
            return self.at_home(job)
        if service in (HOLD, DROP):
            return Placement(service, 0)
        if not 0 <= service < info.n_services:
            raise self._broken(f"job {job}: no service {service}; known: 0..{info.n_services - 1}")
        if steps not in info.allowed_steps[service]:
            allowed = ", ".join(map(str, info.allowed_steps[service]))
            raise self._broken(
                f"job {job}: {steps} steps at service {service}; allowed: {allowed}"
            )
        if not self.jobs.movable[job] and not info.at_home[self.jobs.home[job], service]:
            raise self._broken(f"job {job} may not leave home, but was sent to service {service}")
        if not info.serves[self.jobs.class_id[job], service]:
            px, made = info.classes[self.jobs.class_id[job]].px, int(info.service_px[service])
            raise self._broken(
                f"job {job} asks for {px} px, but service {service} makes {made} px"
            )
        return Placement(service, steps)

    def at_home(self, job: int) -> Placement:
        """Where a job runs that may not wait any longer."""
        info = self.plan.info
        service = int(info.stay_service[self.jobs.home[job], self.jobs.class_id[job]])
        return Placement(service, info.steps[int(info.default_column[service])])

    def _broken(self, message: str) -> PolicyError:
        return PolicyError(self.policy, message, slot=self.slot, field="dispatch")

    def _job_view(self, job: int) -> JobView:
        return JobView(
            job,
            self.jobs.home[job],
            self.jobs.class_id[job],
            self.jobs.images[job],
            int(self.plan.jobs.steps_asked[job]),
            self.jobs.movable[job],
            self.jobs.arrival_ns[job],
            self.jobs.deadline_ns[job],
        )

    def _queue_view(self, now_ns: int) -> QueueView:
        if self.queues is not None:
            waits, backlogs = self.queues(now_ns)
        else:
            waits = tuple(estimate.wait_ns(now_ns) for estimate in self.estimates)
            backlogs = tuple(estimate.backlog_ns(now_ns) for estimate in self.estimates)
        return QueueView(now_ns, waits, backlogs, tuple(self.levels))


def _richest(credits: list[float], share: list[float]) -> int:
    """The destination with the most credit among those that have a share, first of equals."""
    best = -1
    for d, credit in enumerate(credits):
        if share[d] > 0.0 and (best < 0 or credit > credits[best]):
            best = d
    return best
