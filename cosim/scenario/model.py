"""The scenario as a frozen tree: every key a user may write, with its unit, range and meaning.

The tree is filled from YAML by :mod:`cosim.scenario.load`. Keys carry units; ``kind:`` selects
a model; ``null`` means absent; nothing unknown is accepted. Sizes (GPUs, kW, kWh, jobs) are given
for ``scale: 1``. The parts live in modules of their own; all are reachable from here.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cosim.scenario.batteries import (
    AgeingSpec,
    Battery,
    ConstantCells,
    ConverterSpec,
    DeratingSpec,
    IdealBattery,
    LinearBattery,
    OutdoorCells,
    PcsOhmicBattery,
    TaperSpec,
)
from cosim.scenario.clock import Clock
from cosim.scenario.connection import (
    Backup,
    Connection,
    DemandResponseSpec,
    DieselBackup,
    GasBackup,
)
from cosim.scenario.cooling import (
    ChillerCooling,
    ConstantCooling,
    Cooling,
    EconomizerCooling,
    Room,
)
from cosim.scenario.days import DayList
from cosim.scenario.deciding import Forecasting, PolicyChoice, PolicySpec
from cosim.scenario.gpu_clocks import (
    ClockCubicSpec,
    ClockPowerLawSpec,
    ClockRooflineSpec,
    ClockTableSpec,
    Embodied,
)
from cosim.scenario.hardware import Gpus, Location, Pool, Pv, Wind
from cosim.scenario.images import (
    Batching,
    Curve,
    Model,
    Money,
    PowerCurve,
    SaturatingCurve,
    SigmoidCurve,
    TableCurve,
    Timing,
)
from cosim.scenario.lateness import (
    ExponentialLateness,
    HardLateness,
    LatenessSpec,
    LinearLateness,
    StepLateness,
)
from cosim.scenario.outages import Failures, Outage
from cosim.scenario.parts import Part, Positive
from cosim.scenario.samplers import OwnSampler, PublishedSampler
from cosim.scenario.sleep import Sleep
from cosim.scenario.supply import (
    Carbon,
    FlatCarbon,
    FlatPrice,
    Grid,
    Price,
    TouPeriodSpec,
    TouPrice,
    TraceCarbon,
    TracePrice,
)
from cosim.scenario.tariff import TariffSpec
from cosim.scenario.workload import (
    Arrivals,
    Delay,
    Flexible,
    GammaProcess,
    GeneratedArrivals,
    LogNormalDelay,
    MmppProcess,
    Network,
    PoissonProcess,
    Process,
    ReplayArrivals,
    Surge,
    UniformDelay,
    Workload,
)

__all__ = [
    "AgeingSpec",
    "Arrivals",
    "Backup",
    "Batching",
    "Battery",
    "Carbon",
    "ChillerCooling",
    "Clock",
    "ClockCubicSpec",
    "ClockPowerLawSpec",
    "ClockRooflineSpec",
    "ClockTableSpec",
    "Connection",
    "ConstantCells",
    "ConstantCooling",
    "ConverterSpec",
    "Cooling",
    "Curve",
    "Delay",
    "DemandResponseSpec",
    "DeratingSpec",
    "DieselBackup",
    "EconomizerCooling",
    "Embodied",
    "ExponentialLateness",
    "Failures",
    "FlatCarbon",
    "FlatPrice",
    "Flexible",
    "Forecasting",
    "GammaProcess",
    "GasBackup",
    "GeneratedArrivals",
    "Gpus",
    "Grid",
    "HardLateness",
    "IdealBattery",
    "LatenessSpec",
    "LinearBattery",
    "LinearLateness",
    "Location",
    "LogNormalDelay",
    "MmppProcess",
    "Model",
    "Money",
    "Network",
    "Outage",
    "OutdoorCells",
    "OwnSampler",
    "Part",
    "PcsOhmicBattery",
    "PoissonProcess",
    "PolicyChoice",
    "PolicySpec",
    "Pool",
    "PowerCurve",
    "Price",
    "Process",
    "PublishedSampler",
    "Pv",
    "ReplayArrivals",
    "Room",
    "SaturatingCurve",
    "Scenario",
    "SigmoidCurve",
    "Site",
    "Sleep",
    "StepLateness",
    "Surge",
    "TableCurve",
    "TaperSpec",
    "TariffSpec",
    "Timing",
    "TouPeriodSpec",
    "TouPrice",
    "TraceCarbon",
    "TracePrice",
    "UniformDelay",
    "Wind",
    "Workload",
]


_POOL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Site(Part):
    """A data centre of one AIGC service provider."""

    location: Location
    weather: str | None = Field(
        default=None,
        description="Weather trace id; needed by pv, wind, cooling by weather, a room and cells "
        "as warm as outdoors.",
    )
    models: tuple[str, ...] = Field(min_length=1, description="Models deployed here.")
    gpus: Gpus
    pools: dict[str, Pool] = Field(
        default_factory=dict,
        description="Further pools of GPUs behind the same meter, cooling and battery, by name; "
        "elsewhere each is called `SITE/NAME`.",
    )
    cooling: Cooling = EconomizerCooling()
    room: Room | None = Field(
        default=None, description="The machine room as a store of cold; `{}` takes the defaults."
    )
    design_it_kw: Positive | None = Field(
        default=None,
        description="IT power that cooling and room are built for [kW]; default: all GPUs at "
        "their hungriest.",
    )
    pv: Pv | None = None
    wind: Wind | None = None
    battery: Battery | None = None
    backup: Backup | None = None
    grid: Grid

    @model_validator(mode="after")
    def _weather_known(self) -> Site:
        needs = [n for n, part in (("pv", self.pv), ("wind", self.wind)) if part is not None]
        if not isinstance(self.cooling, ConstantCooling):
            needs.append(f"cooling ({self.cooling.kind})")
        if self.room is not None:
            needs.append("room")
        if self.battery and isinstance(self.battery.cell_temperature, OutdoorCells):
            needs.append("battery.cell_temperature (outdoor)")
        if needs and self.weather is None:
            raise ValueError(f"needs `weather:` for {', '.join(needs)}")
        self._check_pool("gpus", self.gpus, self.models)
        for name, pool in self.pools.items():
            if not _POOL_NAME.fullmatch(name):
                raise ValueError(
                    f"pools: `{name}` is no name; take letters, digits, `.`, `_`, `-`"
                )
            self._check_pool(f"pools.{name}", pool, pool.models or self.models)
        return self

    @staticmethod
    def _check_pool(place: str, gpus: Gpus, models: tuple[str, ...]) -> None:
        where = "" if place == "gpus" else f"{place}: "
        if len(set(models)) != len(models):
            raise ValueError(f"{where}models are named twice")
        if gpus.preload is not None and gpus.preload not in models:
            whose = "site" if place == "gpus" else "pool"
            raise ValueError(f"{place}.preload `{gpus.preload}` is not among the {whose}'s models")


class Scenario(Part):
    """A whole scenario."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    about: str = Field(default="", description="The question it is meant to answer.")
    clock: Clock
    models: dict[str, Model] = Field(min_length=1)
    sites: dict[str, Site] = Field(min_length=1)
    workload: Workload
    network: Network = Network()
    faults: tuple[Outage, ...] = Field(
        default=(), description="Planned outages; they add to `failures:` of the sites."
    )
    money: Money = Money()
    policy: PolicyChoice = PolicyChoice()
    forecast: Forecasting = Forecasting()
    steps: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        default=(6, 10, 14, 18, 22, 26, 30, 34, 38, 42), description="Allowed denoising steps."
    )
    default_steps: int = Field(default=30, description="Steps of policies that do not choose.")
    scale: Positive = Field(
        default=1.0, description="Shrinks the system: jobs, GPUs, kW and kWh together."
    )
    replicas: int = Field(
        default=1, ge=1, description="GPUs and jobs that each simulated one stands for."
    )
    engine: Literal["reference", "fast"] = Field(
        default="fast",
        description="How pools advance: step by step, or in compiled spans; same results.",
    )
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(default=(1, 2, 3), min_length=1)
    train_days: DayList | None = Field(
        default=None,
        description="Dates, or ranges `2019-04-01..2019-04-20`, at which windows begin that "
        "`cosim train` plays; it holds some of them out to judge and stop by.",
    )
    test_days: DayList | None = Field(
        default=None,
        description="Dates or ranges at which windows begin that `cosim compare`, `sweep` and "
        "`ablate` play in place of the scenario's own; no window may overlap another.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        from cosim.scenario.consistency import check

        check(self)
        return self
