"""A slot's dispatch rule as the tables that compiled code reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cosim.decision import (
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
from cosim.quantities import ns_from_s
from cosim.world.dispatch import Dispatcher
from cosim.world.kernel_calls import rank_offers
from cosim.world.kernel_state import (
    ASK,
    ASK_PYTHON,
    COST,
    KIND,
    KNOWN,
    MARGIN_NS,
    ON_TIME,
    OWED,
    SCORE,
    SCORES,
    SPLIT,
    TOO_LATE,
    UNKNOWN,
    WORTH,
    Rules,
)
from cosim.world.plan import Plan
from cosim.world.scorer import floors, open_services

Placer = Callable[[JobView, QueueView], Placement]


class RuleTables:
    """The tables of the slot, laid out once and filled at every slot edge.

    Attributes:
        rules: the tables.
        asks: whether Python may have to be asked for a job in this slot.
        place: the function that is asked for every job, None under other rules.
    """

    def __init__(self, plan: Plan, dispatcher: Dispatcher) -> None:
        self._plan, self._dispatcher = plan, dispatcher
        self.asks = False
        self.place: Placer | None = None
        self._listed = np.zeros(0, dtype=np.int64)
        self._written: SplitRule | None = None
        self._opened = b""
        info = plan.info
        sites, kinds, services = info.n_sites, len(info.classes), info.n_services
        steps = len(info.steps)
        self.rules = Rules(
            meta=np.zeros(3, dtype=np.int64),
            shares=np.zeros((sites, kinds, services + 2)),
            split_steps=np.zeros((sites, kinds, services), dtype=np.int64),
            credits=np.zeros((sites, kinds, services + 2)),
            options=np.zeros((sites, 2 * len(info.sizes), services + 1), dtype=np.int64),
            counts=np.zeros(services, dtype=np.int64),
            choices=np.zeros((services, steps, 3), dtype=np.int64),
            scores=np.zeros((services, steps, SCORES)),
            best=np.zeros((services, steps, 2), dtype=np.int64),
            weights=np.zeros(2),
            floors=np.zeros((2, kinds)),
            known=np.zeros(0, dtype=np.int32),
            known_steps=np.zeros(0, dtype=np.int32),
        )

    def rewind(self) -> None:
        """Begin anew; a learner's seat may have written into the tables meanwhile."""
        self._forget()
        self._written, self._opened = None, b""

    def fill(self, rule: DispatchRule) -> None:
        """Take the rule of a new slot."""
        self._forget()
        self.place = rule.place if isinstance(rule, CallbackRule) else None
        self.asks = self.place is not None
        if isinstance(rule, PerJobRule):
            self._per_job(rule)
            rule = rule.otherwise
        if isinstance(rule, SplitRule):
            self._split(rule)
        elif isinstance(rule, ScoreRule):
            self._score(rule)
        else:
            self.rules.meta[KIND] = ASK

    def _split(self, rule: SplitRule) -> None:
        self.rules.meta[KIND] = SPLIT
        if rule is not self._written:  # what was projected is never written to
            self.rules.shares[:] = rule.shares
            self.rules.split_steps[:] = rule.steps
            self._written = rule

    def _score(self, rule: ScoreRule) -> None:
        """Write down what every service offers; compiled code finds the best of it."""
        rules, plan, owner = self.rules, self._plan, self._dispatcher
        rules.meta[KIND], rules.meta[MARGIN_NS] = SCORE, ns_from_s(rule.margin_s)
        rules.weights[:] = rule.transfer_weight, rule.delay_usd_s
        rules.floors[:] = floors(rule, len(plan.info.classes))
        if (opened := rule.allowed.tobytes()) != self._opened:  # most policies never change it
            self._open(rule)
            self._opened = opened
        scores, steps = owner.offers.of_slot(rule, owner.levels), np.asarray(plan.info.steps)
        for service, allowed in enumerate(rule.steps_allowed):
            count = rules.counts[service] = np.count_nonzero(allowed)
            rules.choices[service, :count, 0] = steps[allowed]
            rules.choices[service, :count, 1:] = scores.course_ns[service, allowed]
            rules.scores[service, :count, ON_TIME] = scores.on_time[service, allowed]
            rules.scores[service, :count, TOO_LATE] = scores.late[service, allowed]
            if plan.info.soft[service]:
                rules.scores[service, :count, WORTH] = scores.worth[service, allowed]
                rules.scores[service, :count, OWED] = scores.due[service, allowed]
                rules.scores[service, :count, COST] = scores.price[service, allowed]
        rank_offers(rules.counts, rules.scores, rules.best)

    def _open(self, rule: ScoreRule) -> None:
        """Write down which services are open to whom."""
        for home, doors in enumerate(open_services(rule, self._plan)):
            for door, services in enumerate(doors):
                self.rules.options[home, door, 0] = len(services)
                self.rules.options[home, door, 1 : len(services) + 1] = services

    # explicit placements ----------------------------------------------------------------

    def _forget(self) -> None:
        if len(self._listed):
            self.rules.known[self._listed] = UNKNOWN
        self._listed = np.zeros(0, dtype=np.int64)
        self.rules.meta[KNOWN] = 0

    def _per_job(self, rule: PerJobRule) -> None:
        """List explicit placements; a broken one is told when its job is placed."""
        count = len(self._plan.jobs)
        if not len(self.rules.known):
            known, steps = np.full(count, UNKNOWN, dtype=np.int32), np.zeros(count, dtype=np.int32)
            self.rules = self.rules._replace(known=known, known_steps=steps)
        real = (rule.jobs >= 0) & (rule.jobs < count)
        rows = zip(
            rule.jobs[real].tolist(),
            rule.services[real].tolist(),
            rule.steps[real].tolist(),
            strict=True,
        )
        for job, service, steps in rows:
            kept = self._kept(job, Placement(service, steps))
            self.rules.known[job], self.rules.known_steps[job] = kept
        self._listed = rule.jobs[real]
        self.rules.meta[KNOWN] = 1
        self.asks = bool((self.rules.known[self._listed] == ASK_PYTHON).any())

    def _kept(self, job: int, wish: Placement) -> Placement:
        try:
            return self._dispatcher.checked(job, wish)
        except PolicyError:
            return Placement(ASK_PYTHON, 0)
