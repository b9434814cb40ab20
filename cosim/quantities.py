"""The clock and the words: integer nanoseconds, and what every reported number means.

Time is an ``int`` of nanoseconds since the start of the scenario. Step durations are rounded once,
when a service profile meets a clock level; after that every time is an exact integer, so that two
engines can be compared bit for bit.

``NOMENCLATURE`` is the single source of units and meanings for tables, reports, JSON and docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NS_PER_S = 1_000_000_000
NS_PER_MIN = 60 * NS_PER_S
NS_PER_HOUR = 3600 * NS_PER_S
NS_PER_DAY = 24 * NS_PER_HOUR
KELVIN = 273.15
"""0 °C in kelvin."""
J_PER_KWH = 3_600_000.0
INT64_MAX = 2**63 - 1

Better = Literal["higher", "lower", "neutral"]


def ns_from_s(seconds: float) -> int:
    """Round seconds to integer nanoseconds (half to even)."""
    return round(seconds * NS_PER_S)


def s_from_ns(nanoseconds: int) -> float:
    """Convert nanoseconds to seconds [s]."""
    return nanoseconds / NS_PER_S


def hours_from_ns(nanoseconds: int) -> float:
    """Convert nanoseconds to hours [h]."""
    return nanoseconds / NS_PER_HOUR


@dataclass(frozen=True)
class Quantity:
    """One row of the nomenclature table.

    Attributes:
        name: the name used in ledgers, JSON and Python.
        unit: SI or commercial unit, ``1`` for a ratio.
        meaning: one sentence.
        better: which direction a user wants.
        label: words for a table head.
    """

    name: str
    unit: str
    meaning: str
    better: Better
    label: str


def _rows(*rows: tuple[str, str, str, Better, str]) -> dict[str, Quantity]:
    return {row[0]: Quantity(*row) for row in rows}


NOMENCLATURE: dict[str, Quantity] = _rows(
    (
        "utility_usd",
        "USD",
        "Revenue minus late penalties, transfers, net energy cost and the optional wear, carbon "
        "and unserved terms, plus the settlement of stored energy; what every policy is judged "
        "by.",
        "higher",
        "utility $",
    ),
    (
        "regret_to_bound_usd",
        "USD",
        "What the run earned less than its hindsight bound: the optimum of a fluid model with "
        "everything known in advance, which no policy can exceed nor be expected to reach.",
        "lower",
        "regret $",
    ),
    (
        "revenue_usd",
        "USD",
        "Paid for images: v_i(c) each by the deadline, after it what a softer bargain leaves.",
        "higher",
        "revenue $",
    ),
    (
        "late_penalty_usd",
        "USD",
        "Penalty φ for images finished after their deadline or dropped, less what a softer "
        "bargain remits.",
        "lower",
        "penalty $",
    ),
    (
        "transfer_usd",
        "USD",
        "Price of moving prompts and images between sites.",
        "lower",
        "transfer $",
    ),
    (
        "energy_cost_usd",
        "USD",
        "Grid imports at the purchase price minus exports at the sale price, drain included; with "
        "demand, fixed and true-up charges, curtailment, backup and demand response where the "
        "scenario has them.",
        "lower",
        "energy $",
    ),
    (
        "import_usd",
        "USD",
        "Grid imports at the purchase price, tiers of a tariff included.",
        "lower",
        "import $",
    ),
    ("export_usd", "USD", "Grid exports at the sale price.", "higher", "export $"),
    ("unserved_usd", "USD", "Unserved energy at its stated price.", "lower", "unserved $"),
    ("carbon_usd", "USD", "Carbon at the scenario's carbon price.", "lower", "carbon $"),
    (
        "wear_usd",
        "USD",
        "Battery wear at the scenario's price per kWh discharged, or as its ageing model has it.",
        "lower",
        "wear $",
    ),
    (
        "demand_usd",
        "USD",
        "Demand charges of the tariff, booked as the month's billed power rises.",
        "lower",
        "demand $",
    ),
    ("fixed_usd", "USD", "Fixed charges of the tariff.", "lower", "fixed $"),
    (
        "true_up_usd",
        "USD",
        "What net metering adds at a month's end to the imports and exports that were booked.",
        "lower",
        "true-up $",
    ),
    (
        "curtailment_usd",
        "USD",
        "Cost of curtailed sun and wind, lost support included.",
        "lower",
        "curtailment $",
    ),
    ("backup_usd", "USD", "Fuel and upkeep of backup generators.", "lower", "backup $"),
    (
        "dr_usd",
        "USD",
        "Payments less penalties of calls for demand response.",
        "higher",
        "calls $",
    ),
    (
        "settlement_usd",
        "USD",
        "Worth of the energy in the battery at the end minus that at the start.",
        "neutral",
        "stored $",
    ),
    (
        "late_share",
        "1",
        "Share of jobs that ended after their deadline or were dropped.",
        "lower",
        "late",
    ),
    (
        "dropped_share",
        "1",
        "Share of jobs that never ran to their end: refused by the policy, turned away by a full "
        "queue or given up in it.",
        "lower",
        "dropped",
    ),
    (
        "turned_away_share",
        "1",
        "Share of jobs that landed at a site where as many waited as may.",
        "lower",
        "turned away",
    ),
    (
        "given_up_share",
        "1",
        "Share of jobs dropped from a queue when their turn came too late to be paid.",
        "lower",
        "given up",
    ),
    (
        "quality_mean",
        "1",
        "Mean image quality of jobs finished on time, 0 to 1, from the revenue curve.",
        "higher",
        "quality",
    ),
    (
        "steps_mean",
        "1",
        "Mean denoising steps per image of all finished jobs.",
        "neutral",
        "steps",
    ),
    (
        "wait_s_mean",
        "s",
        "Mean time from arrival to the first step, transfer included.",
        "lower",
        "wait s",
    ),
    (
        "delay_s_p95",
        "s",
        "95th percentile of the time from arrival to the last image.",
        "lower",
        "delay p95 s",
    ),
    ("moved_share", "1", "Share of jobs that ran away from home.", "neutral", "moved"),
    (
        "carbon_kg",
        "kg",
        "Carbon of imported energy at the grid's intensity and of backup fuel; exports earn no "
        "credit.",
        "lower",
        "kg CO2",
    ),
    (
        "embodied_kg",
        "kg",
        "Carbon of making the GPUs and servers that falls on the window, at sites that count it; "
        "outside every balance and bill.",
        "lower",
        "embodied kg",
    ),
    ("carbon_g_per_image", "g", "carbon_kg per finished image.", "lower", "g/image"),
    ("energy_kwh", "kWh", "Energy used by GPUs, servers and cooling.", "lower", "kWh"),
    ("energy_wh_per_image", "Wh", "energy_kwh per finished image.", "lower", "Wh/image"),
    ("gpu_kwh", "kWh", "Energy of the IT equipment.", "lower", "IT kWh"),
    (
        "cooling_kwh",
        "kWh",
        "Energy of cooling and the facility's other overhead.",
        "lower",
        "cooling kWh",
    ),
    ("grid_import_kwh", "kWh", "Energy bought from the grid.", "lower", "import kWh"),
    ("grid_export_kwh", "kWh", "Energy sold to the grid.", "neutral", "export kWh"),
    ("solar_kwh", "kWh", "Solar energy produced.", "higher", "solar kWh"),
    ("wind_kwh", "kWh", "Wind energy produced.", "higher", "wind kWh"),
    (
        "curtailed_kwh",
        "kWh",
        "Renewable energy that was neither used, stored nor sold.",
        "lower",
        "curtailed kWh",
    ),
    ("battery_loss_kwh", "kWh", "Energy lost in and around the battery.", "lower", "loss kWh"),
    (
        "unserved_kwh",
        "kWh",
        "Demand that the import limit left without supply.",
        "lower",
        "unserved kWh",
    ),
    ("backup_kwh", "kWh", "Energy made by backup generators.", "lower", "backup kWh"),
    (
        "backup_h",
        "h",
        "Time for which backup generators delivered, summed over sites.",
        "lower",
        "backup h",
    ),
    (
        "spilled_kwh",
        "kWh",
        "Part of it that nobody needed, at minimum load.",
        "lower",
        "spilled kWh",
    ),
    (
        "fade_percent",
        "%",
        "Capacity that age took from the batteries in the window, of what they had at its start, "
        "by the ageing model that the scenario names.",
        "lower",
        "fade %",
    ),
    (
        "over_temp_h",
        "h",
        "Time that rooms spent above their band and its allowance, summed over sites.",
        "lower",
        "too warm h",
    ),
    (
        "throttled_gpu_h",
        "h",
        "GPU time worked at a clock that a too warm room lowered, replicas included.",
        "lower",
        "throttled GPU h",
    ),
    (
        "renewable_share",
        "1",
        "Share of the energy used that came from sun and wind, directly or through the battery.",
        "higher",
        "renewable",
    ),
    (
        "matched_share",
        "1",
        "Share of the load of the window matched hour by hour by carbon-free energy (24/7 score): "
        "own sun and wind, directly or through the battery, and, where the scenario tells the "
        "intensity of the zone's fossil plants, the grid's carbon-free part.",
        "higher",
        "24/7 matched",
    ),
    (
        "asleep_share",
        "1",
        "Share of the GPU time of the window, of all sites, that GPUs slept.",
        "neutral",
        "asleep",
    ),
    (
        "peak_import_kw",
        "kW",
        "Highest mean grid import of a meter bin, summed over sites.",
        "lower",
        "peak kW",
    ),
    (
        "decide_ms_p50",
        "ms",
        "Median time a policy takes to decide a slot.",
        "lower",
        "decide p50 ms",
    ),
    (
        "decide_ms_p99",
        "ms",
        "99th percentile of the time a policy takes to decide a slot.",
        "lower",
        "decide p99 ms",
    ),
    (
        "decide_overruns",
        "1",
        "Decisions that took longer than `policy.decide_limit_ms` and were not used.",
        "lower",
        "overruns",
    ),
    (
        "clipped_share",
        "1",
        "Share of decided numbers that had to be moved into their feasible range.",
        "lower",
        "clipped",
    ),
    ("images", "1", "Images finished, replicas included.", "higher", "images"),
    (
        "jobs",
        "1",
        "Jobs that arrived in the window (simulated; a replica stands for several).",
        "neutral",
        "jobs",
    ),
)
