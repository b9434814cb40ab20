"""Dispatch: a rule of :mod:`cosim.decision.rules`, run for one job after another.

This is the readable form; a compiled engine runs the same rules over arrays with the same order of
operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

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
from cosim.physics.network import Link, transfer_ns, transfer_usd
from cosim.physics.network_scalar import is_cut
from cosim.physics.service_scalar import settled_usd
from cosim.quantities import ns_from_s
from cosim.world.offers import Offers, best_from, best_until
from cosim.world.plan import Plan

Placer = Callable[[int, int], Placement]


class Estimate(Protocol):
    """What is believed of one site's queue (see :mod:`cosim.world.estimate`)."""

    def wait_ns(self, landing_ns: int) -> int:
        """Estimated wait of a job that joins the queue at that instant [ns]."""

    def commit(self, landing_ns: int, service_ns: int) -> None:
        """Count in a job that will join the queue at that instant."""

    def backlog_ns(self, now_ns: int) -> int:
        """GPU time until everything accepted has ended [ns]."""


class Trip(NamedTuple):
    """Moving one job from its home to a site and its images back.

    Attributes:
        there_ns: until the prompt lands [ns].
        back_ns: until the images are home [ns].
        usd: price of the data moved, of one simulated job [USD].
    """

    there_ns: int
    back_ns: int
    usd: float


HOME_TRIP = Trip(0, 0, 0.0)


def trip_of(link: Link, there_mb: float, back_mb: float) -> Trip:
    """What moving a job of these sizes over a link takes."""
    usd = transfer_usd(link, there_mb + back_mb)
    return Trip(transfer_ns(link, there_mb), transfer_ns(link, back_mb), usd)


def _listed(column: NDArray[Any]) -> list[Any]:
    values: list[Any] = column.tolist()
    return values


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
        self._credits: dict[tuple[int, int], list[float]] = {}
        self._place: Placer = self._nowhere

    @cached_property
    def offers(self) -> Offers:
        """What the services offer for an image."""
        return Offers(self.plan)

    # columns of the jobs as Python numbers, made when the first job is placed by this class

    @cached_property
    def _home(self) -> list[int]:
        return _listed(self.plan.jobs.home)

    @cached_property
    def _class(self) -> list[int]:
        return _listed(self.plan.jobs.class_id)

    @cached_property
    def _images(self) -> list[int]:
        return _listed(self.plan.jobs.images)

    @cached_property
    def _movable(self) -> list[bool]:
        return _listed(self.plan.jobs.transferable)

    @cached_property
    def _arrival_ns(self) -> list[int]:
        return _listed(self.plan.jobs.arrival_ns)

    @cached_property
    def _deadline_ns(self) -> list[int]:
        return _listed(self.plan.jobs.deadline_ns)

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
            work_ns = service.job_ns(self.levels[site], placement.steps, self._images[job])
            self.estimates[site].commit(landing_ns, work_ns)
        return placement

    def wish(self, job: int, now_ns: int) -> Placement:
        """What the rule says of a job, without counting it anywhere."""
        return self.reached(job, self._place(job, now_ns), now_ns)

    def reached(self, job: int, placement: Placement, now_ns: int) -> Placement:
        """Keep a job at home whose destination the network does not reach."""
        if placement.service < 0 or self.is_open(job, placement.service, now_ns):
            return placement
        return self._at_home(job)

    def is_open(self, job: int, service: int, now_ns: int) -> bool:
        """Whether the network lets a job get from its home to a service."""
        cuts, home, place = self.plan.cuts, self._home[job], self._at[self._site[service]]
        if home == place or not len(cuts):
            return True
        return not (is_cut(cuts, home, now_ns) or is_cut(cuts, place, now_ns))

    def within_reach(self, job: int, offered: list[Option], now_ns: int) -> list[Option]:
        """The offers of services that the network reaches."""
        if not len(self.plan.cuts):
            return offered
        return [option for option in offered if self.is_open(job, option.service, now_ns)]

    def trip(self, job: int, site: int) -> Trip:
        """What moving a job to a site takes."""
        return HOME_TRIP if self._at[site] == self._home[job] else self._trips[job]

    @cached_property
    def _trips(self) -> list[Trip]:
        """What moving each job away from home takes; few sizes occur, so each is computed once."""
        jobs = self.plan.jobs
        known: dict[tuple[float, float], Trip] = {}
        trips = []
        for sizes in zip(jobs.input_mb.tolist(), jobs.output_mb.tolist(), strict=True):
            if sizes not in known:
                known[sizes] = trip_of(self.plan.link, *sizes)
            trips.append(known[sizes])
        return trips

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
            home, kind = self._home[job], self._class[job]
            share = self._open_shares(job, shares[home][kind], now_ns)
            if not share:
                return self._at_home(job)
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
            return self._at_home(job)
        if service in (HOLD, DROP):
            return Placement(service, 0)
        if not 0 <= service < info.n_services:
            raise self._broken(f"job {job}: no service {service}; known: 0..{info.n_services - 1}")
        if steps not in info.allowed_steps[service]:
            allowed = ", ".join(map(str, info.allowed_steps[service]))
            raise self._broken(
                f"job {job}: {steps} steps at service {service}; allowed: {allowed}"
            )
        if not self._movable[job] and not info.at_home[self._home[job], service]:
            raise self._broken(f"job {job} may not leave home, but was sent to service {service}")
        return Placement(service, steps)

    def _at_home(self, job: int) -> Placement:
        """Where a job runs that may not wait any longer."""
        info = self.plan.info
        service = int(info.home_service[self._home[job]])
        return Placement(service, info.steps[int(info.default_column[service])])

    def _broken(self, message: str) -> PolicyError:
        return PolicyError(self.policy, message, slot=self.slot, field="dispatch")

    def _job_view(self, job: int) -> JobView:
        return JobView(
            job,
            self._home[job],
            self._class[job],
            self._images[job],
            int(self.plan.jobs.steps_asked[job]),
            self._movable[job],
            self._arrival_ns[job],
            self._deadline_ns[job],
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


Row = tuple[int, int, int, float, float, float, float, float]


class Option(NamedTuple):
    """What a service offers in a slot.

    Attributes:
        service: the service.
        site: its site.
        rows: (steps, ns per image, ns in all, score on time, score late, and for a service whose
            late images earn something: worth on time, penalty due, price) by rising steps.
        on_time: row of the best score on time among the first k + 1 rows, for each k.
        late: row of the best score late among the rows from k on, for each k.
        soft: whether late images may earn something.
    """

    service: int
    site: int
    rows: list[Row]
    on_time: list[int]
    late: list[int]
    soft: bool


class Scorer:
    """A :class:`ScoreRule` made ready for one slot: everything that does not depend on the job.

    Attributes:
        margin_ns: margin before the deadline [ns].
        floors: limits per class below which a job is held, and refused [USD].
        options: for each home the offers of every open service.
        stay: the same for jobs that may not leave home.
    """

    def __init__(self, owner: Dispatcher, rule: ScoreRule) -> None:
        self._owner, self._rule = owner, rule
        info = owner.plan.info
        self.margin_ns = ns_from_s(rule.margin_s)
        self.floors = floors(rule, len(info.classes)).tolist()
        self._scores, self._soft = owner.offers.of_slot(rule, owner.levels), info.soft.tolist()
        offers = [self._option(service) for service in range(info.n_services)]
        allowed, stay = open_services(rule, owner.plan)
        self.options = [[offers[service] for service in row] for row in allowed]
        self.stay = [[offers[service] for service in row] for row in stay]

    def _option(self, service: int) -> Option:
        """What one service offers per image."""
        info, scores = self._owner.plan.info, self._scores
        rows = [
            (
                info.steps[k],
                int(scores.course_ns[service, k, 0]),
                int(scores.course_ns[service, k, 1]),
                float(scores.on_time[service, k]),
                float(scores.late[service, k]),
                float(scores.worth[service, k]),
                float(scores.due[service, k]),
                float(scores.price[service, k]),
            )
            for k in np.flatnonzero(self._rule.steps_allowed[service]).tolist()
        ]
        on_time, late = best_until([r[3] for r in rows]), best_from([r[4] for r in rows])
        soft = self._soft[service]
        return Option(service, self._owner._site[service], rows, on_time, late, soft)

    def place(self, job: int, now_ns: int) -> Placement:
        """Return the (service, steps) pair of the highest score."""
        owner, rule = self._owner, self._rule
        home, images = owner._home[job], owner._images[job]
        last_ns = owner._deadline_ns[job] - self.margin_ns
        best, best_score = Placement(DROP, 0), -np.inf
        offered = (self.options if owner._movable[job] else self.stay)[home]
        within_reach = owner.within_reach(job, offered, now_ns)
        if offered and not within_reach:
            return owner._at_home(job)
        for option in within_reach:
            trip = owner.trip(job, option.site)
            landing_ns = now_ns + trip.there_ns
            wait_ns = owner.estimates[option.site].wait_ns(landing_ns)
            ready_ns = landing_ns + wait_ns + trip.back_ns
            fare = rule.transfer_weight * trip.usd
            for at in self._in_question(option, images, last_ns - ready_ns):
                steps, image_ns, batch_ns, *_ = row = option.rows[at]
                end_ns = ready_ns + images * image_ns + batch_ns
                score = images * self._image_usd(option, row, end_ns - last_ns) - fare
                if rule.delay_usd_s:
                    score -= rule.delay_usd_s * ((end_ns - owner._arrival_ns[job]) / 1e9)
                if score > best_score:
                    best, best_score = Placement(option.service, steps), score
        return self._or_wait(owner._class[job], best, best_score)

    def _image_usd(self, option: Option, row: Row, late_ns: int) -> float:
        """Score of an image that is so late, by the bargain of its service."""
        *_, on_time, late, worth, due, price = row
        if late_ns <= 0:
            return on_time
        if not option.soft:
            return late
        bargain = self._owner.plan.info.lateness_rows[option.service]
        earned_usd, due_usd = settled_usd(late_ns, worth, due, bargain)
        return earned_usd - due_usd - price

    def _in_question(self, option: Option, images: int, left_ns: int) -> list[int]:
        """Rows that can be best: all where time costs, else the best in time and the best late."""
        rows = option.rows
        if self._rule.delay_usd_s or option.soft:
            return list(range(len(rows)))
        in_time = 0
        while in_time < len(rows) and images * rows[in_time][1] + rows[in_time][2] <= left_ns:
            in_time += 1
        first = [option.on_time[in_time - 1]] if in_time else []
        return first + ([option.late[in_time]] if in_time < len(rows) else [])

    def _or_wait(self, kind: int, best: Placement, score: float) -> Placement:
        """Refuse or hold a job whose best score is too low."""
        hold, drop = self.floors
        if score < drop[kind]:
            return Placement(DROP, 0)
        return Placement(HOLD, 0) if score < hold[kind] else best


def floors(rule: ScoreRule, classes: int) -> NDArray[np.float64]:
    """Limits per class below which a job is held, and refused [USD], shape (2, classes)."""
    limits = (rule.hold_below_usd, rule.drop_below_usd)
    return np.array([np.full(classes, -np.inf) if row is None else row for row in limits])


def open_services(rule: ScoreRule, plan: Plan) -> tuple[list[list[int]], list[list[int]]]:
    """Services open to each home: to jobs that may leave it, and to jobs that may not."""
    info = plan.info
    at_home, homes = info.at_home.tolist(), info.home_service.tolist()
    allowed = [np.flatnonzero(row).tolist() for row in rule.allowed]
    stay = [
        [service for service in row if at_home[home][service]] or [homes[home]]
        for home, row in enumerate(allowed)
    ]
    return allowed, stay
