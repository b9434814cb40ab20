"""What an operator knows at the beginning of a slot. Arrays are read-only and hold no future.

Measured quantities (loads, solar, wind) are those of the last closed meter bin or slot; the price
is the published one of the slot that begins; everything later is a :class:`Forecast`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cosim.decision.forecast import Forecasts
from cosim.decision.grid_view import GridView
from cosim.decision.info import BoolArray, FloatArray, IntArray


class HeldJob(NamedTuple):
    """A job that waits at home for a decision.

    Attributes:
        job: its number.
        home: its site.
        class_id: its class.
        images: images asked for.
        slack_s: time left until its deadline [s], negative when past.
    """

    job: int
    home: int
    class_id: int
    images: int
    slack_s: float


@dataclass(frozen=True)
class Observation:
    """The state of the world at a slot edge.

    Attributes:
        slot: number of the slot that begins.
        time_ns: simulated time of the edge [ns].
        utc_ns: the same instant in Unix time [ns].
        day_fraction: share of the UTC day that has passed, in [0, 1).
        queue_jobs: jobs waiting in each site's queue, shape (sites,).
        backlog_gpu_s: GPU-seconds of accepted, unfinished work at the current clock: on GPUs, in
            the queue and on its way, shape (sites,).
        busy_share: busy GPUs now, in [0, 1], shape (sites,).
        gpus_up: GPUs that are not down because of a failure, shape (sites,).
        oldest_slack_s: time left to the deadline of the job at the head of each queue [s], inf
            if none waits, shape (sites,).
        delay_p95_s: 95th percentile of delay over the tolerated delay of the jobs that ended in
            the last slot, as a ratio, 0 if none; shape (sites,).
        arrivals: jobs that arrived in the last slot, shape (sites, classes).
        held: jobs waiting for a decision, in order of arrival.
        clock_level: clock level now, shape (sites,).
        facility_kw: mean load of the facility over the last slot [kW], shape (sites,).
        it_kw: mean load of its IT over the last slot [kW], shape (sites,).
        stored_kwh: energy in the battery [kWh], shape (sites,).
        soc: the same as a share of capacity, 0 without a battery, shape (sites,).
        battery_low_kw: most negative (charging) power sustainable over the slot [kW], (sites,).
        battery_high_kw: highest discharging power sustainable over the slot [kW], (sites,).
        room_c: temperature of the machine room [°C], 0 where none is modelled, shape (sites,).
        price_usd_kwh: purchase price of the next kWh in this slot [USD/kWh], losses up to the
            site and the blocks of a tariff included, shape (sites,).
        sale_usd_kwh: sale price in this slot [USD/kWh], shape (sites,).
        carbon_g_kwh: last published grid intensity [g/kWh], shape (sites,).
        solar_kw: solar power in the last meter bin [kW], shape (sites,).
        wind_kw: wind power in the last meter bin [kW], shape (sites,).
        temp_out_c: outdoor temperature in the last meter bin [°C], shape (sites,).
        links_up: whether the network reaches each site now, shape (sites,). A job neither leaves
            nor reaches one that is cut off: destinations that are closed have no share and no
            score, and who has no other stays at home with the default steps.
        forecast: the forecasts issued at this edge.
        grid: limits in force, announced calls and outages, and the tariff's meter.
    """

    slot: int
    time_ns: int
    utc_ns: int
    day_fraction: float
    queue_jobs: IntArray
    backlog_gpu_s: FloatArray
    busy_share: FloatArray
    gpus_up: IntArray
    oldest_slack_s: FloatArray
    delay_p95_s: FloatArray
    arrivals: IntArray
    held: tuple[HeldJob, ...]
    clock_level: IntArray
    facility_kw: FloatArray
    it_kw: FloatArray
    stored_kwh: FloatArray
    soc: FloatArray
    battery_low_kw: FloatArray
    battery_high_kw: FloatArray
    room_c: FloatArray
    price_usd_kwh: FloatArray
    sale_usd_kwh: FloatArray
    carbon_g_kwh: FloatArray
    solar_kw: FloatArray
    wind_kw: FloatArray
    temp_out_c: FloatArray
    links_up: BoolArray
    forecast: Forecasts
    grid: GridView


@dataclass(frozen=True)
class SlotOutcome:
    """What a slot brought, told to policies that learn.

    Attributes:
        slot: number of the slot that ended.
        utility_usd: money of the slot, summed over sites.
        revenue_usd: revenue per site, shape (sites,).
        late_penalty_usd: penalties per site, shape (sites,).
        energy_cost_usd: net energy cost per site, all terms of the supply, shape (sites,).
        finished: jobs that ended in the slot, shape (sites,).
        late: those that ended late, shape (sites,).
        dropped: jobs that full queues turned away or that were given up in them, shape (sites,).
    """

    slot: int
    utility_usd: float
    revenue_usd: FloatArray
    late_penalty_usd: FloatArray
    energy_cost_usd: FloatArray
    finished: IntArray
    late: IntArray
    dropped: IntArray
