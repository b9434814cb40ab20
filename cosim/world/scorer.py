"""A rule of scores, run for one job after another: the best of what the services offer it.

This is the readable form; :mod:`cosim.world.kernel_dispatch` does the same over arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.decision import DROP, HOLD, Placement, ScoreRule
from cosim.physics.service_scalar import settled_usd
from cosim.quantities import ns_from_s
from cosim.world.offers import best_from, best_until
from cosim.world.plan import Plan

if TYPE_CHECKING:
    from cosim.world.dispatch import Dispatcher

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
        options: for each home the offers of every open service, by size and by whether a job
            may leave home (see ``open_services``).
    """

    def __init__(self, owner: Dispatcher, rule: ScoreRule) -> None:
        self._owner, self._rule = owner, rule
        info = owner.plan.info
        self.margin_ns = ns_from_s(rule.margin_s)
        self.floors = floors(rule, len(info.classes)).tolist()
        self._scores, self._soft = owner.offers.of_slot(rule, owner.levels), info.soft.tolist()
        offers = [self._option(service) for service in range(info.n_services)]
        self._size: list[int] = info.class_size.tolist()
        self.options = [
            [[offers[service] for service in row] for row in rows]
            for rows in open_services(rule, owner.plan)
        ]

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
        site = int(info.service_site[service])
        return Option(service, site, rows, on_time, late, self._soft[service])

    def place(self, job: int, now_ns: int) -> Placement:
        """Return the (service, steps) pair of the highest score."""
        owner, jobs, rule = self._owner, self._owner.jobs, self._rule
        home, images = jobs.home[job], jobs.images[job]
        last_ns = jobs.deadline_ns[job] - self.margin_ns
        best, best_score = Placement(DROP, 0), -np.inf
        door = 2 * self._size[jobs.class_id[job]] + jobs.movable[job]
        offered = self.options[home][door]
        within_reach = self._within_reach(job, offered, now_ns)
        if offered and not within_reach:
            return owner.at_home(job)
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
                    score -= rule.delay_usd_s * ((end_ns - jobs.arrival_ns[job]) / 1e9)
                if score > best_score:
                    best, best_score = Placement(option.service, steps), score
        return self._or_wait(jobs.class_id[job], best, best_score)

    def _within_reach(self, job: int, offered: list[Option], now_ns: int) -> list[Option]:
        """The offers of services that the network reaches."""
        owner = self._owner
        if not len(owner.plan.cuts):
            return offered
        return [option for option in offered if owner.is_open(job, option.service, now_ns)]

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


def open_services(rule: ScoreRule, plan: Plan) -> list[list[list[int]]]:
    """Services open to each home, by row 2 · size + 1 if the job may leave home, else + 0.

    Where nothing is open to a home, jobs that may leave it are refused; whoever finds nothing
    open else, because of where the job may go or of what it asks for, is served at home.
    """
    info = plan.info
    return [
        [
            np.flatnonzero(found).tolist() or ([stay] if row.any() or not moves else [])
            for stay, served in zip(info.size_home[home].tolist(), info.size_served, strict=True)
            for moves, found in enumerate((row & served & info.at_home[home], row & served))
        ]
        for home, row in enumerate(rule.allowed)
    ]
