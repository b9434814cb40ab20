"""The dispatcher's idea of each queue: when would a job that joined now begin?

Exact for a first-come, first-served pool at a constant clock without cold starts (the recursion of
Kiefer and Wolfowitz, 1955: a heap of the instants at which GPUs become free). It is rebuilt from
the pools at every slot edge, so that clock changes, other disciplines and GPUs that are down or
switched off are seen with a delay of at most one slot, as an operator's queue summary would have
it. Of a job that has run before, only what is left counts.
"""

from __future__ import annotations

from heapq import heapify, heapreplace

from cosim.world.jobstate import JobState
from cosim.world.kernel_state import MANY_WAIT
from cosim.world.plan import ServicePlan
from cosim.world.pool import Pool


class QueueEstimate:
    """Predicted instants at which the GPUs of one site become free."""

    def __init__(self, gpus: int) -> None:
        self._free_at_ns = [0] * gpus

    def wait_ns(self, landing_ns: int) -> int:
        """Estimated wait of a job that joins the queue at that instant [ns]."""
        return max(0, self._free_at_ns[0] - landing_ns)

    def commit(self, landing_ns: int, service_ns: int) -> None:
        """Count in a job that will join the queue at that instant."""
        start_ns = max(landing_ns, self._free_at_ns[0])
        heapreplace(self._free_at_ns, start_ns + service_ns)

    def backlog_ns(self, now_ns: int) -> int:
        """GPU time until everything accepted has ended [ns]."""
        return sum(max(0, free - now_ns) for free in self._free_at_ns)

    def rebuild(
        self,
        pool: Pool,
        level: int,
        in_flight: list[tuple[int, int]],
        state: JobState,
        services: tuple[ServicePlan, ...],
        slot_end_ns: int,
    ) -> None:
        """Start afresh from what the pool holds and what is on its way.

        Args:
            pool: the pool.
            level: its clock level from now on.
            in_flight: (landing instant, job) of jobs on their way, in order of landing.
            state: the jobs.
            services: the services, for service times.
            slot_end_ns: when the next look is possible; the guess if no GPU can run.
        """
        self._free_at_ns = pool.free_at_ns() or [slot_end_ns]
        heapify(self._free_at_ns)
        waiting = [state.rest_ns(job, services, level) for job in pool.queue()]
        if not self._level_out(waiting):
            for rest_ns in waiting:
                self.commit(0, rest_ns)
        for landing_ns, job in in_flight:
            self.commit(landing_ns, state.rest_ns(job, services, level))

    def _level_out(self, waiting_ns: list[int]) -> bool:
        """Where very many jobs wait, expect all GPUs to become free together."""
        size = len(self._free_at_ns)
        level_ns = (sum(waiting_ns) + sum(self._free_at_ns)) // size
        if len(waiting_ns) <= MANY_WAIT * size or level_ns < max(self._free_at_ns):
            return False
        self._free_at_ns = [level_ns] * size
        return True
