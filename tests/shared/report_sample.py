"""A small comparison with books that add up, for the tests of the report.

Loads, sun, wind and battery are drawn at random; energy is posted by the ledger's declared rule,
money follows from energy and jobs, so that every identity the report audits really holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from types import SimpleNamespace
from typing import Any

import numpy as np

from cosim.ledger import COLUMNS, LOADS, Ledger
from cosim.quantities import NS_PER_MIN, NS_PER_S
from cosim.rng import stream
from cosim.scenario.model import Scenario

SLOTS, DRAIN = 288, 4
SLOT_NS = 5 * NS_PER_MIN
SITES = ("potsdam", "paris", "brussels")
GAIN = {"home": 1.0, "cheapest": 1.02, "greedy-utility": 1.08, "earliest-finish": 1.05}


@dataclass
class SampleRun:
    scenario: Scenario
    scenario_yaml: str
    policy: str
    seed: int
    ledger: Ledger
    jobs: Any
    kpis: dict[str, float]
    digest: str
    energy: str = "paper-inner"
    clips: dict[str, dict[str, int]] = field(default_factory=dict)
    provenance: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=lambda: {"cosim": "0.1.0", "numpy": "2"})
    wall_s: float = 12.5
    cpu_s: float = 11.0


@dataclass
class SampleComparison:
    seeds: list[int]
    baseline: str
    policies: list[str]
    results: dict[tuple[str, int], SampleRun]
    table: dict[str, dict[str, dict[str, Any]]]
    paired: dict[str, dict[str, dict[str, Any]]]
    days: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def scenario(
    sites: tuple[str, ...] = SITES, about: str = "What does moving jobs buy?"
) -> Scenario:
    places = {name: _site(i) for i, name in enumerate(sites)}
    curve = {"kind": "sigmoid", "a": 0.2, "c0": 14}
    models = {"sdxl": {"quality": curve, "value_usd": 0.02}}
    return Scenario.model_validate(
        {
            "name": "sample",
            "about": about,
            "clock": {"start": "2019-04-22T00:00:00Z", "mixed_years": True},
            "models": models,
            "sites": places,
            "workload": {"arrivals": {"kind": "generated", "jobs_per_day": 6000}},
        }
    )


def _site(i: int) -> dict[str, Any]:
    return {
        "location": {"lat_deg": 52.4 - i, "lon_deg": 13.1 - 5 * i},
        "weather": "weather/sample",
        "models": ["sdxl"],
        "gpus": {"kind": "H100", "count": 20 + 10 * i},
        "pv": {"peak_kw": 900},
        "wind": {"rated_kw": 500},
        "battery": {
            "kind": "linear",
            "capacity_kwh": 1000,
            "charge_kw_max": 500,
            "discharge_kw_max": 500,
        },
        "grid": {"price": {"kind": "flat", "usd_per_kwh": 0.05}, "carbon": "carbon/sample:g_kwh"},
    }


def run(policy: str, seed: int, *, world: Scenario | None = None, **more: Any) -> SampleRun:
    world = world or scenario()
    chance = stream(seed, "sample")
    jobs = _jobs(len(world.sites), chance, GAIN.get(policy, 1.0), policy)
    ledger = _ledger(tuple(world.sites), chance, jobs)
    spent = ledger.total("import_usd") - ledger.total("export_usd")
    kpis = {
        "utility_usd": float(ledger.utility_usd().sum()),
        "revenue_usd": ledger.total("revenue_usd"),
        "late_penalty_usd": ledger.total("late_penalty_usd"),
        "transfer_usd": ledger.total("transfer_usd"),
        "energy_cost_usd": spent,
        "late_share": float(jobs.late.mean()),
        "quality_mean": 0.81,
        "carbon_kg": 0.3 * ledger.total("import_kwh"),
        "energy_kwh": sum(ledger.total(f"{load}_kwh") for load in LOADS),
        "renewable_share": 0.4,
        "moved_share": float((jobs.site != jobs.home).mean()),
        "decide_ms_p99": 0.9,
        "images": float(jobs.images.sum()),
    }
    trace = {
        "ref": "carbon/sample:g_kwh",
        "what": "carbon intensity",
        "place": "Potsdam",
        "source": "https://example.org/data",
        "licence": "CC-BY-4.0",
        "owner": "Example",
        "sha256": "ab" * 32,
        "coverage": "2019-01-01 to 2019-12-31",
        "calendar": "2018",
        "shift_days": 365,
        "gaps": 2,
        "certificate_minutes": 1.5,
    }
    base: dict[str, Any] = {
        "scenario": world,
        "scenario_yaml": f"name: {world.name}\nseeds: [{seed}]\n",
        "policy": policy,
        "seed": seed,
        "ledger": ledger,
        "jobs": jobs,
        "kpis": kpis,
        "digest": blake2b(f"{policy}{seed}".encode(), digest_size=16).hexdigest(),
        "clips": {"battery_kw": dict.fromkeys(world.sites, 3)} if policy != "home" else {},
        "provenance": [trace],
        "warnings": ["PUE was extrapolated above 35 °C"],
    }
    return SampleRun(**{**base, **more})


def _jobs(sites: int, chance: np.random.Generator, gain: float, policy: str) -> Any:
    count = 4000
    arrival = np.sort(chance.integers(0, SLOTS * SLOT_NS, count))
    tolerated = (chance.uniform(60, 190, count) * NS_PER_S).astype(np.int64)
    images = chance.choice([1, 2, 4, 8], count, p=[0.58, 0.08, 0.19, 0.15])
    transferable = chance.random(count) < 0.6
    home = chance.integers(0, sites, count).astype(np.int32)
    draw = chance.integers(0, sites, count).astype(np.int32)
    site = np.where(transferable & (policy != "home"), draw, home).astype(np.int32)
    steps = chance.choice([14, 22, 30], count, p=[0.1, 0.2, 0.7]).astype(np.int32)
    landed = arrival + np.where(site != home, NS_PER_S // 2, 0)
    wait = (chance.exponential(20 / gain**12, count) * NS_PER_S).astype(np.int64)
    start = landed + wait
    finish = start + images * steps * (NS_PER_S // 2)
    dropped = chance.random(count) < 0.01
    site, service = np.where(dropped, -1, site), np.where(dropped, -2, site)
    never = np.int64(-1)
    start, finish = np.where(dropped, never, start), np.where(dropped, never, finish)
    late = dropped | (finish > arrival + tolerated)
    gpu = np.where(dropped, -1, np.arange(count) % 7).astype(np.int32)
    value = gain * images * 0.05
    return SimpleNamespace(
        home=home, class_id=(tolerated // (40 * NS_PER_S) * 2 + transferable).astype(np.int32),
        images=images, transferable=transferable, arrival_ns=arrival,
        px_asked=np.zeros(count, dtype=np.int32),
        deadline_ns=arrival + tolerated, service=service, site=site, steps=steps, gpu=gpu,
        decided_ns=arrival, landed_ns=landed, start_ns=start, finish_ns=finish,
        delivered_ns=finish, late=late,
        revenue_usd=np.where(late, 0.0, value), penalty_usd=np.where(late, 0.05 * images, 0.0),
        transfer_usd=np.where(site != home, 0.0005, 0.0),
    )  # fmt: skip


def _ledger(sites: tuple[str, ...], chance: np.random.Generator, jobs: Any) -> Ledger:
    rows, count = SLOTS + DRAIN, len(sites)
    data = {name: np.zeros((rows, count)) for name in COLUMNS}
    hour = (np.arange(rows) / 12.0)[:, None]
    shape = (rows, count)
    busy = np.clip(0.55 + 0.35 * np.sin((hour - 8) / 24 * 2 * np.pi) + _noise(chance, shape), 0, 1)
    data["compute_kwh"] = 50 * busy * (1 + 0.4 * np.arange(count))
    data["idle_kwh"] = 8 * (1 - busy) + 2
    data["cooling_kwh"] = 0.2 * (data["compute_kwh"] + data["idle_kwh"])
    sun = np.maximum(0, np.sin((hour - 6) / 12 * np.pi)) * ((hour > 6) & (hour < 18))
    data["solar_kwh"] = 75 * sun * np.clip(1 + _noise(chance, shape), 0, 1.2)
    data["wind_kwh"] = np.clip(14 + 60 * _noise(chance, shape), 0, 40)
    data["price_usd_kwh"] = (
        0.05 + 0.02 * np.sin((hour - 14) / 12 * np.pi) + 0.001 * np.arange(count)
    )
    data["sale_usd_kwh"] = 0.9 * data["price_usd_kwh"]
    data["busy_share"], data["queue_jobs"] = busy, np.round(80 * np.maximum(0, busy - 0.8))
    data["steps"] = np.round(3000 * busy)
    _post(data)
    _book(data, jobs, count)
    data["residual_kwh"] = chance.normal(0, 1e-13, shape)
    data["carbon_g_kwh"] = 250 + 80 * np.sin((hour - 3) / 12 * np.pi) - 60 * np.arange(count)
    data["decide_ms"][:, 0] = chance.lognormal(0.5, 0.8, rows)
    return Ledger(sites, SLOTS, SLOT_NS, data)


def _noise(chance: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    steps = chance.normal(0, 0.04, shape)
    for k in range(1, shape[0]):
        steps[k] += 0.93 * steps[k - 1]
    return steps


def _post(data: dict[str, np.ndarray]) -> None:
    load = sum(data[f"{name}_kwh"] for name in LOADS)
    made = data["solar_kwh"] + data["wind_kwh"]
    surplus, lack = np.maximum(made - load, 0), np.maximum(load - made, 0)
    stored = np.full(load.shape[1], 500.0)
    for k in range(len(load)):
        room, power = 900 - stored, 500 / 12
        charge = np.clip(surplus[k], 0, np.minimum(power, room / 0.938))
        give = np.clip(lack[k], 0, np.minimum(power, np.maximum(stored - 100, 0)))
        stored = stored + 0.938 * charge - give
        data["charge_kwh"][k], data["discharge_kwh"][k] = charge, give
        data["loss_kwh"][k], data["stored_kwh"][k] = 0.062 * charge, stored
        data["soc"][k] = stored / 1000
    sold = surplus - data["charge_kwh"]
    data["export_kwh"], data["curtailed_kwh"] = 0.8 * sold, 0.2 * sold
    data["import_kwh"] = lack - data["discharge_kwh"]
    used = {name: data[f"{name}_kwh"] / load for name in LOADS}
    for source in ("solar", "wind"):
        part = np.divide(data[f"{source}_kwh"], made, out=np.zeros_like(made), where=made > 0)
        for name, share in used.items():
            data[f"{source}_to_{name}_kwh"] = part * np.minimum(made, load) * share
        data[f"{source}_to_store_kwh"] = part * 0.938 * data["charge_kwh"]
        data[f"{source}_to_loss_kwh"] = part * data["loss_kwh"]
        for sink in ("export", "curtailed"):
            data[f"{source}_to_{sink}_kwh"] = part * data[f"{sink}_kwh"]
    for name, share in used.items():
        data[f"battery_to_{name}_kwh"] = data["discharge_kwh"] * share
        data[f"grid_to_{name}_kwh"] = data["import_kwh"] * share


def _book(data: dict[str, np.ndarray], jobs: Any, sites: int) -> None:
    end = np.where(jobs.finish_ns >= 0, jobs.finish_ns, jobs.arrival_ns)
    slot = np.minimum(end // SLOT_NS, SLOTS + DRAIN - 1)
    where = (slot, np.where(jobs.site >= 0, jobs.site, jobs.home))
    np.add.at(data["revenue_usd"], where, jobs.revenue_usd)
    np.add.at(data["late_penalty_usd"], where, jobs.penalty_usd)
    np.add.at(data["transfer_usd"], where, jobs.transfer_usd)
    data["import_usd"] = 0.1 * data["import_kwh"] * data["price_usd_kwh"]
    data["export_usd"] = 0.1 * data["export_kwh"] * data["sale_usd_kwh"]
    data["settlement_usd"][-1] = 0.05 * (data["stored_kwh"][-1] - 500)


def comparison(
    policies: tuple[str, ...] = tuple(GAIN), seeds: tuple[int, ...] = (1, 2, 3), **more: Any
) -> SampleComparison:
    results = {(p, s): run(p, s, **more) for p in policies for s in seeds}
    names = list(results[policies[0], seeds[0]].kpis)
    values = {p: {k: [results[p, s].kpis[k] for s in seeds] for k in names} for p in policies}
    base = values[policies[0]]
    table = {p: {k: _stat("mean", row[k]) for k in names} for p, row in values.items()}
    paired = {
        p: {k: _stat("diff", np.subtract(values[p][k], base[k])) for k in names}
        for p in policies[1:]
    }
    return SampleComparison(list(seeds), policies[0], list(policies), results, table, paired)


def _stat(key: str, sample: Any) -> dict[str, Any]:
    mean, spread = float(np.mean(sample)), float(np.std(sample))
    ends = None if len(sample) < 2 else [mean - spread, mean + spread]
    return {key: mean, "ci95": ends}
