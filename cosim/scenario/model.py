"""The scenario as a frozen tree: every key a user may write, with its unit, range and meaning.

The tree is filled from YAML by :mod:`cosim.scenario.load`. Keys carry units; ``kind:`` selects
a model; ``null`` means absent; nothing unknown is accepted. Sizes (GPUs, kW, kWh, jobs) are
given for ``scale: 1``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Efficiency = Annotated[float, Field(gt=0, le=1)]
TraceRef = Annotated[
    str,
    Field(
        min_length=3,
        description="A trace: `catalogue-id:column`, or `./file.csv:column` beside the YAML.",
        json_schema_extra={"examples": ["price/dayahead_de_fr_nl_be_2019:price_de_eur_mwh"]},
    ),
]


class Part(BaseModel):
    """Base of every part of a scenario: frozen, and nothing unknown is accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


# --- clock ----------------------------------------------------------------------------------


class Clock(Part):
    """The window that is simulated and how it is cut."""

    start: datetime = Field(description="First instant, ISO 8601 with Z or an offset.")
    days: Positive = Field(default=1.0, description="Length of the window [days].")
    slot_minutes: Positive = Field(default=5.0, description="Length of a decision slot [min].")
    meter_seconds: Positive = Field(default=60.0, description="Length of a meter bin [s].")
    mixed_years: bool = Field(
        default=False,
        description="Allow traces of other years or typical years; they are shifted and reported.",
    )

    @field_validator("start", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            message = "is a number; write an instant such as 2019-04-22T00:00:00Z"
            raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError only
        return value

    @field_validator("start")
    @classmethod
    def _anchored(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError(
                "has no time zone, so daylight saving is ambiguous; write it in UTC with a Z, "
                f"e.g. {value.isoformat()}Z"
            )
        return value.astimezone(UTC)

    @model_validator(mode="after")
    def _divides(self) -> Clock:
        slot_s, bin_s = self.slot_minutes * 60, self.meter_seconds
        if not _divides(bin_s, slot_s):
            raise ValueError(f"meter_seconds {bin_s:g} must divide the slot of {slot_s:g} s")
        if not _divides(slot_s, self.days * 86_400):
            raise ValueError(f"slot_minutes {self.slot_minutes:g} must divide {self.days:g} days")
        return self


def _divides(part: float, whole: float) -> bool:
    return whole >= part and abs(whole / part - round(whole / part)) < 1e-9


# --- models and money -----------------------------------------------------------------------


class SigmoidCurve(Part):
    """q(c) = 1 / (1 + exp(−a(c − c0))): JEMAS's fitted sigmoid of revenue against steps."""

    kind: Literal["sigmoid"] = "sigmoid"
    a: Positive = Field(description="Steepness [1/step].")
    c0: Positive = Field(description="Steps at which half of the revenue is reached.")


class SaturatingCurve(Part):
    """q(c) = 1 − exp(−k c)."""

    kind: Literal["saturating"]
    k: Positive = Field(description="Rate [1/step].")


class PowerCurve(Part):
    """q(c) = min(1, (c / steps_full)^exponent)."""

    kind: Literal["power"]
    exponent: Positive
    steps_full: Positive = Field(description="Steps at which quality is full.")


class TableCurve(Part):
    """Linear interpolation between measured points."""

    kind: Literal["table"]
    steps: tuple[float, ...] = Field(min_length=2, description="Ascending step counts.")
    values: tuple[Share, ...] = Field(min_length=2, description="Quality in [0, 1] at each.")

    @model_validator(mode="after")
    def _matching(self) -> TableCurve:
        if len(self.steps) != len(self.values):
            raise ValueError(f"{len(self.steps)} steps but {len(self.values)} values")
        if any(b <= a for a, b in pairwise(self.steps)):
            raise ValueError("steps must ascend")
        return self


Curve = Annotated[
    SigmoidCurve | SaturatingCurve | PowerCurve | TableCurve, Field(discriminator="kind")
]


class Timing(Part):
    """Time and energy of one image on one GPU, where the profile table does not have it."""

    step_s: Positive = Field(description="Time of a denoising step at full clock [s].")
    step_w: Positive = Field(description="Board power during a step at full clock [W].")
    encode_s: NotNegative = Field(default=0.0, description="Time before the steps [s].")
    decode_s: NotNegative = Field(default=0.0, description="Time after the steps [s].")
    fixed_j: NotNegative = Field(default=0.0, description="Energy of encode and decode [J].")


class Model(Part):
    """A diffusion model as users see it: what its images are worth and how it runs."""

    profile: str | None = Field(
        default=None, description="Name in the service profile table; default: the model's name."
    )
    px: int | None = Field(default=None, gt=0, description="Image edge [px] of the profile row.")
    stack: str | None = Field(default=None, description="Software stack of the profile row.")
    timing: dict[str, Timing] = Field(
        default_factory=dict, description="Own timing per GPU kind, instead of the table's."
    )
    quality: Curve = Field(description="Quality against denoising steps.")
    value_usd: Positive = Field(description="v^max: price of an image of full quality [USD].")
    load_s: NotNegative | None = Field(
        default=None, description="Cold start [s]; default: the cold start table."
    )
    load_w: NotNegative | None = Field(
        default=None, description="GPU power while loading [W]; default: its idle power."
    )
    input_mb: NotNegative = Field(default=0.01, description="Prompt and settings of a job [MB].")
    image_mb: NotNegative = Field(default=1.5, description="Size of a finished image [MB].")


class Money(Part):
    """Prices of the whole system; the preset `paper` puts energy near 20 % of revenue."""

    preset: Literal["paper", "market"] = Field(
        default="paper",
        description="`paper`: value_usd as given, scaled so that energy matters; `market`: "
        "`market_value_usd` prices, where energy is a tiny share.",
    )
    market_value_usd: dict[str, Positive] = Field(
        default_factory=dict, description="v^max per model under the preset `market` [USD/image]."
    )
    usd_per_eur: Positive = Field(default=1.12, description="Exchange rate (2019 mean: 1.12).")
    late_penalty: NotNegative = Field(default=1.0, description="φ as a multiple of v^max.")
    carbon_usd_per_t: NotNegative = Field(default=0.0, description="Carbon price [USD/t].")
    unserved_usd_per_kwh: NotNegative = Field(
        default=5.0, description="Price of energy that could not be supplied [USD/kWh]."
    )


# --- sites ----------------------------------------------------------------------------------


class Location(Part):
    """Where a site is."""

    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    lon_deg: Annotated[float, Field(ge=-180, le=180)]
    alt_m: Annotated[float, Field(ge=-430, le=9000)] = 0.0
    timezone: str = Field(default="UTC", description="IANA name, for local prices and demand.")

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, available_timezones

        from cosim.errors import did_you_mean

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            known = sorted(available_timezones())
            hint = did_you_mean(value, known)
            raise ValueError(f"no time zone `{value}`{hint if len(hint) < 60 else ''}") from None
        return value


class ClockTableSpec(Part):
    """A DVFS table: speed and power ratios, ascending, the last row full speed."""

    kind: Literal["table"] = "table"
    speed: tuple[Efficiency, ...] = Field(min_length=1)
    power: tuple[Efficiency, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _shape(self) -> ClockTableSpec:
        if len(self.speed) != len(self.power):
            raise ValueError(f"{len(self.speed)} speeds but {len(self.power)} powers")
        if any(b <= a for a, b in pairwise(self.speed)):
            raise ValueError("speed must ascend")
        if self.speed[-1] != 1 or self.power[-1] != 1:
            raise ValueError("the last row must be full speed: speed 1, power 1")
        return self


class ClockCubicSpec(Part):
    """The textbook cubic: power = idle + (1 − idle)·speed³."""

    kind: Literal["cubic"]
    idle_ratio: Share = 0.2
    speed: tuple[Efficiency, ...] = (0.6, 0.7, 0.8, 0.9, 1.0)


class Gpus(Part):
    """The pool of GPUs of a site."""

    kind: str = Field(description="GPU kind of the profile tables, e.g. `H100`.")
    count: int = Field(gt=0, description="GPUs at scale 1.")
    idle_w: NotNegative | None = Field(
        default=None, description="Power of a waiting GPU [W]; default: the GPU table."
    )
    server_w: NotNegative | None = Field(
        default=None, description="Share of server and network per GPU, always on [W]."
    )
    clock: ClockTableSpec | ClockCubicSpec | None = Field(
        default=None, discriminator="kind", description="DVFS levels; default: the DVFS table."
    )
    discipline: Literal["fcfs", "edf"] = Field(default="fcfs", description="Order of the queue.")
    preload: str | None = Field(
        default=None, description="Model in memory at the start; default: the site's first."
    )


class ConstantCooling(Part):
    """Facility overhead as a constant share of IT power."""

    kind: Literal["constant"]
    pue: Annotated[float, Field(ge=1, le=3)]


class EconomizerCooling(Part):
    """Outside air while it is cool, compressors as it gets hot: PUE rises with temperature."""

    kind: Literal["economizer"] = "economizer"
    fan_share: NotNegative = Field(default=0.04, description="Fans, share of IT power.")
    ups_share: NotNegative = Field(default=0.04, description="UPS and wiring, share of IT power.")
    misc_share: NotNegative = Field(default=0.02, description="Light and rest, share of IT.")
    free_below_c: float = Field(default=18.0, description="No compressor below this [°C].")
    full_above_c: float = Field(default=27.0, description="All heat by compressor above [°C].")


Cooling = Annotated[ConstantCooling | EconomizerCooling, Field(discriminator="kind")]


class Pv(Part):
    """A solar field."""

    peak_kw: Positive = Field(description="DC nameplate at standard test conditions [kW].")
    tilt_deg: Annotated[float, Field(ge=0, le=90)] = 30.0
    azimuth_deg: Annotated[float, Field(ge=0, lt=360)] = Field(
        default=180.0, description="180 faces south."
    )
    dc_ac_ratio: Annotated[float, Field(ge=0.5, le=3)] = 1.2
    losses: Annotated[float, Field(ge=0, lt=1)] = 0.1408
    mounting: Literal["rack", "roof"] = "rack"
    albedo: Share = 0.2


class Wind(Part):
    """Wind turbines."""

    rated_kw: Positive
    turbine: str = Field(default="nrel-5mw", description="Power curve of the turbine table.")
    hub_height_m: Positive | None = Field(
        default=None, description="Hub height [m]; default: the turbine table."
    )
    shear_exponent: Annotated[float, Field(ge=0, le=0.6)] = 1 / 7
    measured_height_m: Positive = Field(default=10.0, description="Height of the trace's wind.")


class _BatterySize(Part):
    capacity_kwh: Positive
    charge_kw_max: Positive
    discharge_kw_max: Positive
    soc: tuple[Share, Share] = Field(default=(0.1, 0.9), description="Allowed window.")
    soc_start: Share = 0.5
    wear_usd_per_kwh: NotNegative = Field(
        default=0.0, description="Wear booked per kWh discharged [USD/kWh]."
    )

    @model_validator(mode="after")
    def _window(self) -> _BatterySize:
        low, high = self.soc
        if not low < high:
            raise ValueError(f"soc window [{low}, {high}] is empty: give [low, high]")
        if not low <= self.soc_start <= high:
            raise ValueError(f"soc_start {self.soc_start} lies outside the window [{low}, {high}]")
        return self


class IdealBattery(_BatterySize):
    """The paper's lossless battery (JEMAS Eq. 9)."""

    kind: Literal["ideal"]


class LinearBattery(_BatterySize):
    """Constant efficiencies and self-discharge."""

    kind: Literal["linear"] = "linear"
    charge_efficiency: Efficiency = 0.938
    discharge_efficiency: Efficiency = 0.938
    self_discharge_per_day: Annotated[float, Field(ge=0, lt=1)] = 0.001


Battery = Annotated[IdealBattery | LinearBattery, Field(discriminator="kind")]


class TracePrice(Part):
    """Price from a trace."""

    kind: Literal["trace"] = "trace"
    trace: TraceRef
    day_ahead: bool = Field(default=True, description="Published a day ahead after gate closure.")
    adder_usd_per_kwh: NotNegative = Field(default=0.0, description="Fees and taxes on top.")


class FlatPrice(Part):
    """One price at all hours."""

    kind: Literal["flat"]
    usd_per_kwh: float


class TouPeriodSpec(Part):
    """A period of a time-of-use tariff, in local hours."""

    usd_per_kwh: float
    hours: tuple[Annotated[int, Field(ge=0, le=23)], ...] = tuple(range(24))
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(
        default=tuple(range(7)), description="0 is Monday."
    )
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = tuple(range(1, 13))


class TouPrice(Part):
    """A time-of-use tariff; its periods must cover every hour once."""

    kind: Literal["time-of-use"]
    periods: tuple[TouPeriodSpec, ...] = Field(min_length=1)


Price = Annotated[TracePrice | FlatPrice | TouPrice, Field(discriminator="kind")]


class TraceCarbon(Part):
    """Grid carbon intensity from a trace."""

    kind: Literal["trace"] = "trace"
    trace: TraceRef


class FlatCarbon(Part):
    """One carbon intensity at all hours."""

    kind: Literal["flat"]
    g_per_kwh: NotNegative


Carbon = Annotated[TraceCarbon | FlatCarbon, Field(discriminator="kind")]


class Grid(Part):
    """The connection to the grid. A string where a price or carbon is expected names a trace."""

    price: Price
    carbon: Carbon
    sale_share: Share = Field(
        default=0.9,
        description="Sale price = λ − (1 − share)·|λ|, never above the purchase price.",
    )
    sale: Price | None = Field(default=None, description="Own sale price instead of the share.")
    import_kw_max: Positive | None = Field(default=None, description="None: unlimited.")
    export_kw_max: NotNegative | None = Field(default=None, description="None: unlimited.")

    @field_validator("price", "sale", mode="before")
    @classmethod
    def _price_by_name(cls, value: Any) -> Any:
        return {"kind": "trace", "trace": value} if isinstance(value, str) else value

    @field_validator("carbon", mode="before")
    @classmethod
    def _carbon_by_name(cls, value: Any) -> Any:
        return {"kind": "trace", "trace": value} if isinstance(value, str) else value


class Site(Part):
    """A data centre of one AIGC service provider."""

    location: Location
    weather: str | None = Field(
        default=None, description="Weather trace id; needed by pv, wind and the economizer."
    )
    models: tuple[str, ...] = Field(min_length=1, description="Models deployed here.")
    gpus: Gpus
    cooling: Cooling = EconomizerCooling()
    pv: Pv | None = None
    wind: Wind | None = None
    battery: Battery | None = None
    grid: Grid

    @model_validator(mode="after")
    def _weather_known(self) -> Site:
        needs = [n for n, part in (("pv", self.pv), ("wind", self.wind)) if part is not None]
        if isinstance(self.cooling, EconomizerCooling):
            needs.append("cooling (economizer)")
        if needs and self.weather is None:
            raise ValueError(f"needs `weather:` for {', '.join(needs)}")
        if len(set(self.models)) != len(self.models):
            raise ValueError("models are named twice")
        if self.gpus.preload is not None and self.gpus.preload not in self.models:
            raise ValueError(f"gpus.preload `{self.gpus.preload}` is not among the site's models")
        return self


# --- workload -------------------------------------------------------------------------------


class PoissonProcess(Part):
    """Independent arrivals."""

    kind: Literal["poisson"] = "poisson"


class GammaProcess(Part):
    """Renewal arrivals with gamma gaps; cv above 1 is burstier than Poisson."""

    kind: Literal["gamma"]
    cv: Positive = Field(description="Coefficient of variation of the gaps.")


class MmppProcess(Part):
    """Two-state Markov-modulated Poisson: calm and bursts, same mean rate."""

    kind: Literal["mmpp"]
    burst_ratio: Annotated[float, Field(ge=1)] = Field(description="Burst rate over calm rate.")
    mean_burst_s: Annotated[float, Field(ge=1)] = Field(description="Mean burst [s].")
    mean_calm_s: Annotated[float, Field(ge=1)] = Field(description="Mean calm between [s].")


Process = Annotated[PoissonProcess | GammaProcess | MmppProcess, Field(discriminator="kind")]


class GeneratedArrivals(Part):
    """Arrivals drawn from a process on a daily profile, one named stream per home."""

    kind: Literal["generated"] = "generated"
    jobs_per_day: Positive = Field(description="All homes together, at scale 1.")
    profile: Literal["flat", "office", "gentd26-night"] | tuple[NotNegative, ...] = Field(
        default="office", description="24 hourly factors in the home's local time, or a preset."
    )
    process: Process = PoissonProcess()


class ReplayArrivals(Part):
    """Arrivals replayed from a CSV; missing marks are drawn."""

    kind: Literal["replay"]
    trace: str = Field(description="Catalogue id or path relative to the YAML.")
    repeat_hours: Positive | None = Field(
        default=None, description="Repeat the trace with this period [h]; default: play it once."
    )


Arrivals = Annotated[GeneratedArrivals | ReplayArrivals, Field(discriminator="kind")]


class UniformDelay(Part):
    """Tolerated delay uniform on mean·[low, high]."""

    kind: Literal["uniform"] = "uniform"
    mean_s: Positive = 125.0
    low: Positive = 0.5
    high: Positive = 1.5

    @model_validator(mode="after")
    def _ordered(self) -> UniformDelay:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}")
        return self


class LogNormalDelay(Part):
    """Tolerated delay lognormal with a median."""

    kind: Literal["lognormal"]
    median_s: Positive
    sigma: Positive


Delay = Annotated[UniformDelay | LogNormalDelay, Field(discriminator="kind")]


class Flexible(Part):
    """Part of the work that tolerates hours."""

    share: Share
    hours: tuple[Positive, Positive] = (1.0, 8.0)

    @model_validator(mode="after")
    def _ordered(self) -> Flexible:
        if not self.hours[0] < self.hours[1]:
            raise ValueError(f"hours {list(self.hours)} must be [shortest, longest]")
        return self


class Workload(Part):
    """Who asks for images, when, how many and how patiently."""

    arrivals: Arrivals
    scale: NotNegative = Field(default=1.0, description="Multiplies arrivals only.")
    home: dict[str, NotNegative] = Field(
        default_factory=dict, description="Share of the jobs at each home; default: equal."
    )
    delay: Delay = UniformDelay()
    flexible: Flexible | None = None
    transferable: Share = Field(default=0.6, description="Share of jobs that may leave home.")
    images: dict[int, NotNegative] = Field(
        default={1: 0.58, 2: 0.08, 4: 0.19, 8: 0.15},
        description="Images per job and their weights (GenTD26: 1/2/4/8 = 58/8/19/15 %).",
    )
    steps_asked: dict[int, NotNegative] = Field(
        default={20: 0.04, 30: 0.91, 40: 0.05},
        description="Steps users ask for and their weights (GenTD26: 30 in 91 %, 40 in 5 %).",
    )
    delay_bins: int = Field(default=4, ge=1, le=64, description="Classes of tolerated delay.")

    @field_validator("images", "steps_asked")
    @classmethod
    def _weights(cls, value: dict[int, float]) -> dict[int, float]:
        if not value or sum(value.values()) <= 0:
            raise ValueError("needs at least one positive weight")
        if min(value) < 1:
            raise ValueError(f"{min(value)} is not a positive whole number")
        return value


class Network(Part):
    """Links between sites, the same for every pair."""

    latency_ms: NotNegative = 20.0
    bandwidth_mbit_s: Positive = 1000.0
    usd_per_gb: NotNegative = Field(default=0.05, description="Price of moved data [USD/GB].")


# --- decisions and the rest -----------------------------------------------------------------


class PolicySpec(Part):
    """A policy or an energy layer with its options."""

    use: str = Field(min_length=1, description="Name, NAME@CHECKPOINT or module:Class.")
    options: dict[str, Any] = Field(default_factory=dict, alias="with")

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class PolicyChoice(Part):
    """Which policies are compared, and the energy layer under them."""

    compare: tuple[PolicySpec, ...] = Field(
        default=(PolicySpec(use="home"), PolicySpec(use="greedy-utility")),
        description="Policies of `cosim compare`; the first is the baseline.",
    )
    energy: PolicySpec = Field(default=PolicySpec(use="paper-inner"), description="Energy layer.")

    @field_validator("compare", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return tuple({"use": v} if isinstance(v, str) else v for v in value)
        return value

    @field_validator("energy", mode="before")
    @classmethod
    def _name(cls, value: Any) -> Any:
        return {"use": value} if isinstance(value, str) else value

    @field_validator("compare")
    @classmethod
    def _some(cls, value: tuple[PolicySpec, ...]) -> tuple[PolicySpec, ...]:
        names = [spec.use for spec in value]
        if not names:
            raise ValueError("needs at least one policy")
        if len(set(names)) != len(names):
            raise ValueError("a policy is named twice")
        return value


class Forecasting(Part):
    """What is foreseen. Day-ahead prices are known from gate closure on, in every kind."""

    kind: Literal["seasonal", "persistence", "perfect"] = Field(
        default="seasonal",
        description="`seasonal`: as the same hour yesterday; `persistence`: as now; `perfect`.",
    )
    horizon_hours: Positive = 24.0
    gate_hour: Annotated[float, Field(ge=0, le=24)] = Field(
        default=12.75, description="Local hour at which next day's prices are published."
    )


class Scenario(Part):
    """A whole scenario."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    about: str = Field(default="", description="The question it is meant to answer.")
    clock: Clock
    models: dict[str, Model] = Field(min_length=1)
    sites: dict[str, Site] = Field(min_length=1)
    workload: Workload
    network: Network = Network()
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

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        from cosim.scenario.consistency import check

        check(self)
        return self
