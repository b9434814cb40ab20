"""Who asks for images, when, how many and how patiently; and the network between sites."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from cosim.scenario.outages import NetworkOutage
from cosim.scenario.parts import NotNegative, Part, Positive, Share
from cosim.scenario.spans import Span


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


class Surge(Span):
    """A time in which more or fewer people ask: a flash crowd, a campaign, a rival's failure."""

    factor: NotNegative = Field(description="Multiplies the rate of arrivals; surges multiply.")
    homes: tuple[str, ...] = Field(default=(), description="Sites concerned; default: all.")


class GeneratedArrivals(Part):
    """Arrivals drawn from a process on a daily profile, one named stream per home."""

    kind: Literal["generated"] = "generated"
    jobs_per_day: Positive = Field(description="All homes together, at scale 1.")
    profile: Literal["flat", "office", "gentd26-night"] | tuple[NotNegative, ...] = Field(
        default="office", description="24 hourly factors in the home's local time, or a preset."
    )
    process: Process = PoissonProcess()
    surges: tuple[Surge, ...] = Field(
        default=(), description="Times of more or less demand, on top of profile and process."
    )


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
    priority: tuple[Annotated[int, Field(ge=-1000, le=1000)], ...] = Field(
        default=(0,),
        min_length=1,
        max_length=65,
        description="Priority of the classes of tolerated delay, from the shortest on, for the "
        "discipline `priority`: higher goes first; the last one counts for all that follow.",
    )

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
    outages: tuple[NetworkOutage, ...] = Field(
        default=(), description="Times in which sites are cut off."
    )
