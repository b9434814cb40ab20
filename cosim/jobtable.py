"""The fate of every job, with what it earned and what share of the site's energy it is given.

Declared rule of attribution: a job's GPU energy is spread evenly over its time on the GPU. What a
site uses, emits and pays in a slot (idle power, cooling and losses included) is shared among the
jobs in proportion to their GPU energy in that slot. What a slot without jobs uses is shared among
all jobs of the site in proportion to their GPU energy. So the shares sum to the meters.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from cosim.decision import WorldInfo
from cosim.ledger import Ledger
from cosim.quantities import INT64_MAX
from cosim.world.kernel_state import GIVEN_UP

if TYPE_CHECKING:
    import pandas as pd

    from cosim.traces.jobs import JobSet
    from cosim.world.jobstate import Fates
    from cosim.world.plan import Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
SmallArray = NDArray[np.int32]


@dataclass(frozen=True)
class JobTable:
    """One entry per job; money and attributed shares include the replicas.

    Attributes:
        home: site where it arrived.
        class_id: its class.
        images: images asked for.
        steps_asked: steps asked for.
        transferable: whether it may leave home.
        arrival_ns: arrival [ns].
        deadline_ns: deadline [ns].
        service: where it went, −2 if refused.
        site: the site of that service, −1 if refused.
        dropped_ns: when it was given up or turned away [ns], −1 if never.
        steps: denoising steps per image it was given.
        gpu: the GPU it ran on, −1 if refused, −2 if given up in a queue, −3 if turned away by one.
        decided_ns: when it was placed [ns].
        landed_ns: when it joined the queue [ns], −1 if never.
        start_ns: when its first image began [ns], −1 if never.
        finish_ns: when its last image ended [ns], −1 if never.
        delivered_ns: when its images were home [ns], −1 if never.
        energy_pj: GPU energy of the simulated job [pJ].
        late: ended after its deadline, or never.
        revenue_usd: earned [USD].
        penalty_usd: paid for being late or dropped [USD].
        transfer_usd: paid for moving it [USD].
        energy_wh: share of the site's energy [Wh].
        carbon_g: share of the carbon of the site's imports [g].
        cost_usd: share of the site's net energy cost [USD].
    """

    home: SmallArray
    class_id: SmallArray
    images: SmallArray
    steps_asked: SmallArray
    transferable: NDArray[np.bool_]
    arrival_ns: IntArray
    deadline_ns: IntArray
    service: SmallArray
    site: SmallArray
    steps: SmallArray
    gpu: SmallArray
    decided_ns: IntArray
    landed_ns: IntArray
    start_ns: IntArray
    finish_ns: IntArray
    delivered_ns: IntArray
    dropped_ns: IntArray
    energy_pj: IntArray
    late: NDArray[np.bool_]
    revenue_usd: FloatArray
    penalty_usd: FloatArray
    transfer_usd: FloatArray
    energy_wh: FloatArray
    carbon_g: FloatArray
    cost_usd: FloatArray

    def __len__(self) -> int:
        return len(self.home)

    @property
    def ran(self) -> NDArray[np.bool_]:
        """Jobs that ran to their end: neither refused nor turned away nor given up."""
        return self.finish_ns >= 0

    def columns(self) -> dict[str, NDArray[Any]]:
        """All columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def frame(self) -> pd.DataFrame:
        """The table as a pandas frame; the index is the job's number."""
        import pandas as pd

        return pd.DataFrame(self.columns())


_SMALL = ("service", "steps", "gpu")
_INSTANTS = ("decided_ns", "landed_ns", "start_ns", "finish_ns")


def job_table(plan: Plan, state: Fates, ledger: Ledger) -> JobTable:
    """Make the job table of a finished run and attribute the site's energy to its jobs."""
    jobs, info = plan.jobs, plan.info
    small = {name: np.asarray(getattr(state, name), dtype=np.int32) for name in _SMALL}
    instants = {name: np.asarray(getattr(state, name), dtype=np.int64) for name in _INSTANTS}
    fate: dict[str, NDArray[Any]] = small | instants
    dropped = fate["gpu"] <= GIVEN_UP
    dropped_ns = np.where(dropped, fate["finish_ns"], -1)
    ended_ns, fate["finish_ns"] = fate["finish_ns"], np.where(dropped, -1, fate["finish_ns"])
    ran = fate["finish_ns"] >= 0
    site_of = info.service_site.astype(np.int32)
    site = np.where(fate["service"] >= 0, site_of[np.maximum(fate["service"], 0)], np.int32(-1))
    delivered_ns = np.where(ran, _home_ns(plan, site, fate["finish_ns"], state), -1)
    late = ~ran | (delivered_ns > jobs.deadline_ns)
    energy_pj = np.asarray(state.energy_pj, dtype=np.int64)
    place = info.place.astype(np.int32)[np.maximum(site, 0)]
    begun = np.where(fate["start_ns"] >= 0, place, np.int32(-1))
    shares = _attribute(begun, fate["start_ns"], ended_ns, energy_pj, ledger)
    return JobTable(
        home=jobs.home,
        class_id=jobs.class_id,
        images=jobs.images,
        steps_asked=jobs.steps_asked,
        transferable=jobs.transferable,
        arrival_ns=jobs.arrival_ns,
        deadline_ns=jobs.deadline_ns,
        site=site,
        delivered_ns=delivered_ns,
        dropped_ns=dropped_ns,
        energy_pj=energy_pj,
        late=late,
        transfer_usd=info.replicas * np.asarray(state.transfer_usd, dtype=np.float64),
        **cast("dict[str, Any]", {**fate, **_money(jobs, fate, delivered_ns, info), **shares}),
    )


def _home_ns(plan: Plan, site: SmallArray, finish_ns: IntArray, state: Fates) -> IntArray:
    """When the images of each job are home; they wait while the network is cut."""
    left_ns = finish_ns
    if len(plan.cuts):
        from cosim.physics.network_scalar import all_leave_ns

        place, home = plan.info.place[np.maximum(site, 0)], plan.jobs.home
        moved = place != home
        found_ns = all_leave_ns(plan.cuts, place, home, finish_ns)
        left_ns = np.where(moved, found_ns, finish_ns)
    return np.asarray(left_ns + np.asarray(state.return_ns, dtype=np.int64))


def _money(
    jobs: JobSet,
    fate: dict[str, NDArray[Any]],
    delivered_ns: IntArray,
    info: WorldInfo,
) -> dict[str, FloatArray]:
    """v_i(c) per image on time, what it still earns when late; φ of the executing model.

    Who never ran earns nothing and costs the φ of the service that it was sent to, of the home's
    if it was refused.
    """
    from cosim.world.kernel_settle import pay

    ran = delivered_ns >= 0
    images = info.replicas * jobs.images.astype(np.float64)
    counts = np.asarray(info.steps)
    place = np.minimum(np.searchsorted(counts, np.arange(counts[-1] + 1)), len(counts) - 1)
    column = place[np.minimum(fate["steps"], counts[-1])]
    service = np.where(fate["service"] >= 0, fate["service"], info.home_service[jobs.home])
    late_ns = np.where(ran, delivered_ns - jobs.deadline_ns, INT64_MAX)
    revenue_usd, penalty_usd = np.zeros((2, len(images)))
    pay(
        late_ns,
        images,
        service,
        column,
        _plain(info.revenue_usd),
        _plain(info.late_penalty_usd),
        _plain(info.lateness_rows),
        revenue_usd,
        penalty_usd,
    )
    return {"revenue_usd": revenue_usd, "penalty_usd": penalty_usd}


def _plain(table: FloatArray) -> FloatArray:
    """A contiguous array that may be written: one type, so that code is compiled once."""
    return np.array(table, dtype=np.float64)


def _attribute(
    site: SmallArray, start_ns: IntArray, ended_ns: IntArray, energy_pj: IntArray, ledger: Ledger
) -> dict[str, FloatArray]:
    """Share out each site's energy, carbon and cost among its jobs (see the module's rule)."""
    from cosim.world.kernel_settle import share, weigh

    data = ledger.data
    load_wh = 1000.0 * (data["compute_kwh"] + data["idle_kwh"] + data["cooling_kwh"])
    cost_usd = data["import_usd"] - data["export_usd"]
    totals = np.stack([load_wh, 1000.0 * data["carbon_kg"], cost_usd], axis=2)
    in_slot, whole = np.zeros(load_wh.shape), np.zeros(load_wh.shape[1])
    jobs = (site, start_ns, ended_ns, energy_pj, ledger.slot_ns)
    weigh(*jobs, in_slot, whole)
    busy = in_slot > 0.0
    rates = np.divide(
        totals, in_slot[:, :, None], out=np.zeros_like(totals), where=busy[:, :, None]
    )
    idle = np.where(busy[:, :, None], 0.0, totals).sum(axis=0)
    rest = np.divide(idle, whole[:, None], out=np.zeros_like(idle), where=whole[:, None] > 0.0)
    shares = np.zeros((3, len(site)))
    share(*jobs, rates, rest, shares)
    return dict(zip(("energy_wh", "carbon_g", "cost_usd"), shares, strict=True))
