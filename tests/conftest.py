"""What all tests share: the checkout, and builders of small worlds and observations.

The base world has three sites in the manner of JEMAS: a light, a middle and a heavy model, with
2, 4 and 8 GPUs. Any field can be replaced by keyword.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.decision import ClassInfo, Forecast, Forecasts, GridView, Observation, WorldInfo
from cosim.physics.cooling import ConstantPue
from cosim.physics.thermal import row as cooling_row
from cosim.quantities import NS_PER_MIN

STEPS = tuple(range(6, 43, 4))


def _classes() -> tuple[ClassInfo, ...]:
    rows = [(62.5, 125.0), (125.0, 187.5)]
    return tuple(
        ClassInfo(f"delay {lo:g}-{hi:g} s, {word}", lo, hi, movable, 1, 8, 4.5)
        for lo, hi in rows
        for word, movable in (("home", False), ("movable", True))
    )


def build_world(**changes: Any) -> WorldInfo:
    """Three sites, one service each; SD 1.5, SDXL and SD 3.5 in speed, power and revenue."""
    steps = np.array(STEPS, dtype=np.float64)
    top = np.array([0.01, 0.02, 0.04])
    slope, middle = np.array([0.26, 0.20, 0.18]), np.array([10.0, 14.0, 16.0])
    quality = 1.0 / (1.0 + np.exp(-slope[:, None] * (steps - middle[:, None])))
    table = ((0.6, 0.75, 0.9, 1.0), (0.5, 0.62, 0.78, 1.0))
    fields: dict[str, Any] = {
        "sites": ("potsdam", "paris", "brussels"),
        "models": ("sd15", "sdxl", "sd35"),
        "service_site": np.arange(3),
        "service_model": np.arange(3),
        "classes": _classes(),
        "steps": STEPS,
        "steps_open": np.ones((3, len(STEPS)), dtype=np.bool_),
        "default_steps": 30,
        "slot_ns": 5 * NS_PER_MIN,
        "slots": 288,
        "start_utc_ns": 1_555_891_200_000_000_000,
        "gpus": np.array([2, 4, 8]),
        "clock_speed": (table[0],) * 3,
        "clock_power": (table[1],) * 3,
        "batch_max": np.ones(3, dtype=np.int64),
        "image_fixed_s": np.array([0.1, 0.2, 0.3]),
        "image_step_s": np.array([0.0277, 0.1, 0.234]),
        "image_fixed_j": np.array([20.0, 40.0, 100.0]),
        "step_w": np.array([400.0, 430.0, 674.0]),
        "idle_w": np.array([60.0, 80.0, 80.0]),
        "server_w": np.array([150.0, 180.0, 180.0]),
        "revenue_usd": top[:, None] * quality,
        "quality": quality,
        "late_penalty_usd": top,
        "transfer_s": np.array([[0.0, 0.2, 0.3], [0.2, 0.0, 0.2], [0.3, 0.2, 0.0]]),
        "transfer_usd": 1e-5 * (1.0 - np.eye(3)),
        "replicas": 40,
        "battery_kwh": np.array([100.0, 0.0, 400.0]),
        "battery_charge_kw": np.array([50.0, 0.0, 200.0]),
        "battery_discharge_kw": np.array([50.0, 0.0, 200.0]),
        "battery_efficiency": np.array([0.88, 1.0, 0.88]),
        "soc_min": np.array([0.1, 0.0, 0.1]),
        "soc_max": np.array([0.9, 0.0, 0.9]),
        "import_kw_max": np.array([200.0, np.inf, 400.0]),
        "export_kw_max": np.array([200.0, 0.0, 400.0]),
        "wear_usd_kwh": np.zeros(3),
        "room_kwh_k": np.zeros(3),
        "room_low_c": np.full(3, -np.inf),
        "room_high_c": np.full(3, np.inf),
        "heat_kw_max": np.full(3, np.inf),
        "cooling_row": np.stack([cooling_row(ConstantPue(1.2), None)] * 3),
        "carbon_usd_kg": 0.0,
        "backup_kw": np.zeros(3),
    }
    return WorldInfo(**{**fields, **changes})


def build_two_model_world() -> WorldInfo:
    """Two sites, the first of which runs two models; one class that may not move; no battery."""
    base = build_world()
    pick = [0, 1, 2]
    two = slice(0, 2)
    per_site = [
        "gpus", "batch_max", "idle_w", "server_w",
        "battery_kwh", "battery_charge_kw", "battery_discharge_kw",
        "battery_efficiency", "soc_min", "soc_max", "import_kw_max", "export_kw_max",
        "wear_usd_kwh", "backup_kw", "room_kwh_k", "room_low_c", "room_high_c", "heat_kw_max",
        "cooling_row", "place", "supply",
    ]  # fmt: skip
    return replace(
        base,
        sites=base.sites[:2],
        service_site=np.array([0, 0, 1]),
        service_model=np.array(pick),
        classes=base.classes[:2],
        clock_speed=base.clock_speed[:2],
        clock_power=base.clock_power[:2],
        transfer_s=base.transfer_s[two, two],
        transfer_usd=base.transfer_usd[two, two],
        **{name: getattr(base, name)[two] for name in per_site},
    )


def build_forecast(quantity: str, values: Any, world: WorldInfo, horizon: int = 288) -> Forecast:
    """A forecast by persistence of one number per site, or of a whole (sites, horizon) array."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < 2:
        array = np.repeat(np.broadcast_to(array, (world.n_sites,))[:, None], horizon, axis=1)
    return Forecast(quantity, "test", 0, array, np.zeros(array.shape, dtype=np.bool_))


def build_observation(world: WorldInfo, **changes: Any) -> Observation:
    """A calm slot in the middle of the day; ``forecast_price`` and the like replace a forecast."""
    sites = world.n_sites
    zeros, ones = np.zeros(sites), np.ones(sites)
    forecasts = {
        name: build_forecast(name, changes.pop(f"forecast_{name}", default), world)
        for name, default in {
            "price": 0.05, "sale": 0.045, "carbon": 300.0, "solar": 0.0, "wind": 0.0,
            "temperature": 12.0, "load": 100.0,
        }.items()
    }  # fmt: skip
    room = world.battery_kwh * (world.soc_max - 0.5) / world.slot_h
    held = world.battery_kwh * (0.5 - world.soc_min) / world.slot_h
    fields: dict[str, Any] = {
        "slot": 100,
        "time_ns": 100 * world.slot_ns,
        "utc_ns": world.start_utc_ns + 100 * world.slot_ns,
        "day_fraction": 100 / 288,
        "queue_jobs": np.zeros(sites, dtype=np.int64),
        "backlog_gpu_s": 5.0 * world.gpus,
        "busy_share": 0.5 * ones,
        "gpus_up": np.array(world.gpus),
        "oldest_slack_s": np.full(sites, np.inf),
        "delay_p95_s": 0.3 * ones,
        "arrivals": np.full((sites, len(world.classes)), 10, dtype=np.int64),
        "held": (),
        "clock_level": np.array([len(t) - 1 for t in world.clock_speed]),
        "facility_kw": 120.0 * ones,
        "it_kw": 100.0 * ones,
        "stored_kwh": 0.5 * world.battery_kwh,
        "soc": np.where(world.battery_kwh > 0, 0.5, 0.0),
        "battery_low_kw": -np.minimum(world.battery_charge_kw, np.maximum(room, 0.0)),
        "battery_high_kw": np.minimum(world.battery_discharge_kw, np.maximum(held, 0.0)),
        "room_c": np.where(world.room_kwh_k > 0, world.room_high_c, 0.0),
        "price_usd_kwh": 0.05 * ones,
        "sale_usd_kwh": 0.045 * ones,
        "carbon_g_kwh": 300.0 * ones,
        "solar_kw": zeros,
        "wind_kw": zeros,
        "temp_out_c": 12.0 * ones,
        "links_up": np.ones(sites, dtype=np.bool_),
        "forecast": Forecasts(**forecasts),
        "grid": GridView(
            import_kw_max=world.import_kw_max,
            export_kw_max=world.export_kw_max,
            notices=(),
            block_left_kwh=np.full(sites, np.inf),
            demand_billed_kw=np.zeros((sites, 0)),
            demand_usd_kw=np.zeros((sites, 0)),
        ),
    }
    fields.update(changes)
    return Observation(**fields)


@pytest.fixture
def make_world() -> Callable[..., WorldInfo]:
    return build_world


@pytest.fixture
def make_two_model_world() -> Callable[[], WorldInfo]:
    return build_two_model_world


@pytest.fixture
def make_observation() -> Callable[..., Observation]:
    return build_observation


@pytest.fixture
def world() -> WorldInfo:
    return build_world()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep computed series of tests out of the user's cache, in sub-processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def one_site() -> Any:
    """The module of a site's engine on its own."""
    return importlib.import_module("one_site")


@pytest.fixture(scope="session")
def repository_root() -> Path:
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def tiny(repository_root: Path) -> Path:
    """A scenario of two sites and ninety minutes that needs no trace."""
    return repository_root / "tests" / "data" / "tiny.yaml"
