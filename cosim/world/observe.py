"""Looking at the world at a slot edge: what an operator would know, nothing that is to come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.decision import GridView, HeldJob, Observation
from cosim.quantities import NS_PER_DAY
from cosim.world import kernel_contract
from cosim.world import kernel_grid as at
from cosim.world.books import Books
from cosim.world.engine import Engine
from cosim.world.foresight import Forecaster

FloatArray = NDArray[np.float64]


class Lookout:
    """Makes the observations of a run; what does not depend on the run is laid out once."""

    def __init__(self, books: Books) -> None:
        plan = books.plan
        outside, slots = plan.outside, plan.info.slots
        self._books, self._plan = books, plan
        window = slice(outside.history, outside.history + slots)
        self._sale = _fixed(outside.sale_usd_kwh[window])
        self._carbon = _measured(outside.carbon_g_kwh, outside.history, slots)
        self._solar = _measured(outside.solar_kw, outside.history, slots)
        self._wind = _measured(outside.wind_kw, outside.history, slots)
        self._temp = _measured(outside.temp_out_c, outside.history, slots)
        contracts = any(site.contract is not None for site in plan.sites)
        self._calm = self._grid_view(0, 0)
        self._all_up: NDArray[np.bool_] = _fixed(np.ones(len(plan.info.place), dtype=np.bool_))
        self._quiet = not (contracts or plan.notices or len(books.grid.import_kw) > 1)

    def observe(
        self, slot: int, now_ns: int, engine: Engine, forecaster: Forecaster
    ) -> Observation:
        """Make the observation of the slot that begins now; the engine has looked."""
        grid, info = self._books.grid, self._plan.info
        now, utc_ns = min(slot, info.slots - 1), info.start_utc_ns + now_ns
        seen = grid.seen.copy()
        if slot >= info.slots:  # the drain has no meters, and so no battery to order about
            seen[at.LOW_KW : at.HIGH_KW + 1] = 0.0
        seen.flags.writeable = False
        return Observation(
            slot=slot,
            time_ns=now_ns,
            utc_ns=utc_ns,
            day_fraction=utc_ns % NS_PER_DAY / NS_PER_DAY,
            queue_jobs=_fixed(grid.counts[at.WAITING]),
            backlog_gpu_s=seen[at.BACKLOG_S],
            busy_share=seen[at.BUSY_NOW],
            gpus_up=_fixed(grid.counts[at.UP]),
            oldest_slack_s=seen[at.SLACK_S],
            delay_p95_s=seen[at.DELAY_P95],
            arrivals=_fixed(engine.arrived()),
            held=tuple(self._held(job, now_ns) for job in engine.held()),
            clock_level=_fixed(grid.levels),
            facility_kw=seen[at.FACILITY_KW],
            it_kw=seen[at.IT_KW],
            stored_kwh=seen[at.STORED_KWH],
            soc=seen[at.SOC],
            battery_low_kw=seen[at.LOW_KW],
            battery_high_kw=seen[at.HIGH_KW],
            room_c=seen[at.ROOM_NOW],
            price_usd_kwh=seen[at.PRICE_NOW],
            sale_usd_kwh=self._sale[now],
            carbon_g_kwh=self._carbon[now],
            solar_kw=self._solar[now],
            wind_kw=self._wind[now],
            temp_out_c=self._temp[now],
            links_up=self._links_up(now_ns),
            forecast=forecaster.issue(slot, now_ns),
            grid=self._calm if self._quiet else self._grid_view(now, now_ns),
        )

    def _links_up(self, now_ns: int) -> NDArray[np.bool_]:
        """Whether the network reaches each site."""
        if not len(self._plan.cuts):
            return self._all_up
        site, begin_ns, end_ns = self._plan.cuts.T
        cut = site[(begin_ns <= now_ns) & (now_ns < end_ns)]
        up = ~np.isin(self._plan.info.place, cut)
        up.flags.writeable = False
        return up

    def _grid_view(self, slot: int, now_ns: int) -> GridView:
        """What the grid operator has said by now, and where the contract's meters stand."""
        grid, contract, plan = self._books.grid, self._books.contract, self._plan
        bin_no = min(slot * plan.bins_per_slot, len(grid.import_kw) - 1)
        return GridView(
            import_kw_max=_fixed(grid.import_kw[bin_no]),
            export_kw_max=_fixed(grid.export_kw[bin_no]),
            notices=tuple(n for n in plan.notices if n.public_ns <= now_ns < n.end_ns),
            block_left_kwh=_fixed(contract.margin[kernel_contract.LEFT_KWH]),
            demand_billed_kw=_fixed(contract.told[kernel_contract.BILLED_KW]),
            demand_usd_kw=_fixed(contract.told[kernel_contract.USD_KW]),
            metered_kwh=_fixed(self._metered_kwh(slot)),
        )

    def _metered_kwh(self, slot: int) -> FloatArray:
        """The month's energy by charge; a month that begins has metered nothing yet."""
        contract = self._books.contract
        month, metered = contract.month, contract.meter_kwh[:, :-1]
        if not len(month):
            return metered
        begun = month[slot] == month[max(0, slot - 1)]
        return np.asarray(metered * (begun if slot > 0 else np.zeros_like(begun))[:, None])

    def _held(self, job: int, now_ns: int) -> HeldJob:
        jobs = self._plan.jobs
        slack_s = (int(jobs.deadline_ns[job]) - now_ns) / 1e9
        return HeldJob(
            int(job), int(jobs.home[job]), int(jobs.class_id[job]), int(jobs.images[job]), slack_s
        )


def _fixed(values: NDArray[Any]) -> Any:
    """A read-only copy."""
    array = values.copy()
    array.flags.writeable = False
    return array


def _measured(series: FloatArray, history: int, slots: int) -> FloatArray:
    """The last measured slot before each slot; at the very beginning nothing is known but calm."""
    before = np.nan_to_num(series[max(0, history - 1) : history + slots - 1])
    if history == 0:
        before = np.concatenate([np.zeros((1, series.shape[1])), before[: slots - 1]])
    before.flags.writeable = False
    return before
