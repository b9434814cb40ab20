"""Key figures of a run, each a declared function of ledger and jobs (names: NOMENCLATURE)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.jobtable import JobTable
from cosim.ledger import ENERGY_COST, LOADS, SIGNS, SOURCES, Ledger
from cosim.physics.embodied import EmbodiedCarbon, embodied_kg
from cosim.physics.matching import SiteFlows, grid_cfe_share, matching
from cosim.quantities import NS_PER_HOUR, hours_from_ns
from cosim.world.kernel_state import GIVEN_UP, TURNED_AWAY


class Books(NamedTuple):
    """What key figures are computed from.

    Attributes:
        ledger: the ledger.
        jobs: the job table.
        quality: quality per image at each allowed step count, shape (services, steps).
        steps: the allowed step counts.
        replicas: what a simulated job stands for.
        decide_ns: time of each decision [ns].
        clipped: moved numbers.
        numbers: decided numbers.
        gpus: simulated GPUs per site.
        embodied: what making them emitted, per site; None where that is not counted.
        fossil_g_kwh: intensity of each site's fossil plants [g/kWh], None where unknown.
        absent: key figures of what the scenario does not model.
        overruns: decisions that came too late.
        place: site at whose meter each site stands; if left out, each has its own.
    """

    ledger: Ledger
    jobs: JobTable
    quality: NDArray[np.float64]
    steps: tuple[int, ...]
    replicas: int
    decide_ns: list[int]
    clipped: int
    numbers: int
    gpus: tuple[int, ...] = ()
    embodied: tuple[EmbodiedCarbon | None, ...] = ()
    fossil_g_kwh: tuple[float | None, ...] = ()
    absent: frozenset[str] = frozenset()
    overruns: int = 0
    place: tuple[int, ...] = ()


def _total(column: str) -> Callable[[Books], float]:
    return lambda books: books.ledger.total(column)


def _share(part: NDArray[np.bool_]) -> float:
    return float(part.mean()) if len(part) else 0.0


def _images(books: Books) -> float:
    return float(books.replicas * books.jobs.images[books.jobs.ran].sum())


def _energy_kwh(books: Books) -> float:
    return sum(books.ledger.total(f"{load}_kwh") for load in LOADS)


def _quality_mean(books: Books) -> float:
    jobs = books.jobs
    paid = ~jobs.late
    if not paid.any():
        return 0.0
    column = np.searchsorted(np.asarray(books.steps), jobs.steps[paid])
    values = books.quality[jobs.service[paid], column]
    return float(np.average(values, weights=jobs.images[paid]))


def _steps_mean(books: Books) -> float:
    ran = books.jobs.ran
    if not ran.any():
        return 0.0
    return float(np.average(books.jobs.steps[ran], weights=books.jobs.images[ran]))


def _moved_share(books: Books) -> float:
    """Jobs that ran away from home; the pools of a site are no journey apart."""
    ran = books.jobs.ran
    site, home = books.jobs.site[ran], books.jobs.home[ran]
    return _share((np.array(books.place)[site] if books.place else site) != home)


def _mean_s(span_ns: NDArray[np.int64]) -> float:
    return float(span_ns.mean() / 1e9) if len(span_ns) else 0.0


def _delay_p95_s(books: Books) -> float:
    jobs = books.jobs
    delay_ns = (jobs.delivered_ns - jobs.arrival_ns)[jobs.ran]
    return float(np.quantile(delay_ns, 0.95) / 1e9) if len(delay_ns) else 0.0


def _renewable_share(books: Books) -> float:
    """Sun and wind in the loads; the battery hands on the mix it was charged with in the run."""
    ledger = books.ledger
    used = _energy_kwh(books) - ledger.total("unserved_kwh")
    if used <= 0:
        return 0.0
    green = sum(float(ledger.flow(s, load).sum()) for s in ("solar", "wind") for load in LOADS)
    stored = {s: float(ledger.flow(s, "store").sum()) for s in ("grid", "solar", "wind")}
    mix = (stored["solar"] + stored["wind"]) / max(sum(stored.values()), 1e-12)
    through = sum(float(ledger.flow("battery", load).sum()) for load in LOADS)
    return (green + mix * through) / used


def _matched_share(books: Books) -> float:
    """Load of the window that was matched hour by hour by carbon-free energy (24/7 score)."""
    ledger = books.ledger
    per_hour = max(1, NS_PER_HOUR // ledger.slot_ns)
    found = [
        matching(site_flows(ledger, i), _grid_cfe(books, i), per_hour)
        for i in range(len(ledger.sites))
    ]
    load_kwh = sum(float(site.load_kwh.sum()) for site in found)
    matched_kwh = sum(float(site.matched_kwh.sum()) for site in found)
    return matched_kwh / load_kwh if load_kwh > 0.0 else 1.0


def _grid_cfe(books: Books, site: int) -> NDArray[np.float64]:
    intensity = books.ledger.data["carbon_g_kwh"][: books.ledger.slots, site]
    fossil = books.fossil_g_kwh[site] if books.fossil_g_kwh else None
    return np.zeros_like(intensity) if fossil is None else grid_cfe_share(intensity, fossil)


def site_flows(ledger: Ledger, site: int) -> SiteFlows:
    """Return the flows of a site over the slots of the window."""

    def flows(sources: Sequence[str], sinks: Sequence[str]) -> NDArray[np.float64]:
        parts = [ledger.flow(source, sink) for source in sources for sink in sinks]
        total: NDArray[np.float64] = np.sum(parts, axis=0)
        return total[: ledger.slots, site]

    green = ("solar", "wind")
    return SiteFlows(
        load_kwh=flows(SOURCES, LOADS),
        green_kwh=flows(green, (*LOADS, "export")),
        green_to_store_kwh=flows(green, ("store",)),
        grid_to_store_kwh=flows(("grid",), ("store",)),
        from_store_kwh=flows(("battery",), (*LOADS, "export")),
        import_kwh=flows(("grid",), LOADS),
        stored_kwh=ledger.data["stored_kwh"][: ledger.slots, site],
    )


def _embodied_kg(books: Books) -> float:
    """Carbon of making the GPUs that falls on the hours of the window."""
    ledger = books.ledger
    slot_h = hours_from_ns(ledger.slot_ns)
    busy_h = slot_h * ledger.data["busy_share"][: ledger.slots].sum(axis=0)
    total_kg = 0.0
    for gpus, made, in_use_h in zip(books.gpus, books.embodied, busy_h.tolist(), strict=True):
        if made is not None:
            hours = in_use_h if made.use_share < 1.0 else ledger.slots * slot_h
            total_kg += embodied_kg(made, books.replicas * gpus * hours)
    return total_kg


def _asleep_share(books: Books) -> float:
    ledger = books.ledger
    hours = hours_from_ns(ledger.slots * ledger.slot_ns) * books.replicas * sum(books.gpus)
    return ledger.total("gpu_asleep_h") / max(hours, 1e-12)


def _fade_percent(books: Books) -> float:
    """Capacity that age took in the window, relative to what there was when it began."""
    ledger = books.ledger
    faded_kwh = ledger.total("fade_kwh")
    left_kwh = float(ledger.data["battery_kwh"][ledger.slots - 1].sum())
    return 100.0 * faded_kwh / max(left_kwh + faded_kwh, 1e-12)


def _peak_kw(books: Books) -> float:
    return float(books.ledger.data["peak_import_kw"].sum(axis=1).max(initial=0.0))


def _decide_ms(quantile: float) -> Callable[[Books], float]:
    def figure(books: Books) -> float:
        return float(np.quantile(books.decide_ns, quantile) / 1e6) if books.decide_ns else 0.0

    return figure


KPIS: Mapping[str, Callable[[Books], float]] = {
    "utility_usd": lambda books: float(books.ledger.utility_usd().sum()),
    "revenue_usd": _total("revenue_usd"),
    "late_penalty_usd": _total("late_penalty_usd"),
    "transfer_usd": _total("transfer_usd"),
    "energy_cost_usd": lambda b: sum(-SIGNS[name] * b.ledger.total(name) for name in ENERGY_COST),
    "import_usd": _total("import_usd"),
    "export_usd": _total("export_usd"),
    "unserved_usd": _total("unserved_usd"),
    "carbon_usd": _total("carbon_usd"),
    "wear_usd": _total("wear_usd"),
    "demand_usd": _total("demand_usd"),
    "fixed_usd": _total("fixed_usd"),
    "true_up_usd": _total("true_up_usd"),
    "curtailment_usd": _total("curtailment_usd"),
    "backup_usd": _total("backup_usd"),
    "dr_usd": _total("dr_usd"),
    "settlement_usd": _total("settlement_usd"),
    "late_share": lambda books: _share(books.jobs.late),
    "dropped_share": lambda books: _share(~books.jobs.ran),
    "turned_away_share": lambda books: _share(books.jobs.gpu == TURNED_AWAY),
    "given_up_share": lambda books: _share(books.jobs.gpu == GIVEN_UP),
    "quality_mean": _quality_mean,
    "steps_mean": _steps_mean,
    "wait_s_mean": lambda b: _mean_s((b.jobs.start_ns - b.jobs.arrival_ns)[b.jobs.ran]),
    "delay_s_p95": _delay_p95_s,
    "moved_share": _moved_share,
    "carbon_kg": _total("carbon_kg"),
    "embodied_kg": _embodied_kg,
    "carbon_g_per_image": lambda b: 1000 * b.ledger.total("carbon_kg") / max(1.0, _images(b)),
    "energy_kwh": _energy_kwh,
    "energy_wh_per_image": lambda b: 1000 * _energy_kwh(b) / max(1.0, _images(b)),
    "gpu_kwh": lambda b: b.ledger.total("compute_kwh") + b.ledger.total("idle_kwh"),
    "cooling_kwh": _total("cooling_kwh"),
    "grid_import_kwh": _total("import_kwh"),
    "grid_export_kwh": _total("export_kwh"),
    "solar_kwh": _total("solar_kwh"),
    "wind_kwh": _total("wind_kwh"),
    "curtailed_kwh": _total("curtailed_kwh"),
    "battery_loss_kwh": _total("loss_kwh"),
    "unserved_kwh": _total("unserved_kwh"),
    "backup_kwh": _total("backup_kwh"),
    "backup_h": _total("backup_h"),
    "spilled_kwh": _total("spilled_kwh"),
    "fade_percent": _fade_percent,
    "over_temp_h": _total("over_temp_h"),
    "throttled_gpu_h": _total("throttled_gpu_h"),
    "renewable_share": _renewable_share,
    "matched_share": _matched_share,
    "asleep_share": _asleep_share,
    "peak_import_kw": _peak_kw,
    "decide_ms_p50": _decide_ms(0.5),
    "decide_ms_p99": _decide_ms(0.99),
    "decide_overruns": lambda books: float(books.overruns),
    "clipped_share": lambda books: books.clipped / max(1, books.numbers),
    "images": _images,
    "jobs": lambda books: float(len(books.jobs)),
}
UNSTABLE = frozenset({"decide_ms_p50", "decide_ms_p99", "decide_overruns"})
"""Key figures that are measured on the clock of the machine and differ from run to run."""


PARTS: Mapping[str, frozenset[str]] = {
    "tariff": frozenset({"fixed_usd", "true_up_usd"}),
    "curtailment": frozenset({"curtailment_usd"}),
    "backup": frozenset({"backup_usd", "backup_kwh", "backup_h", "spilled_kwh"}),
    "demand response": frozenset({"dr_usd"}),
}
"""Parts of a site's supply that a scenario may have, and the figures that only they move."""


def kpis(books: Books) -> dict[str, float]:
    """All key figures of a run; those of what a scenario does not count are left out."""
    absent = books.absent | (set() if any(books.embodied) else {"embodied_kg"})
    return {name: figure(books) for name, figure in KPIS.items() if name not in absent}
