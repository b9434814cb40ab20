"""What stands at a site: its place, GPUs, solar field and turbines."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from cosim.scenario.gpu_clocks import Embodied, GpuClock
from cosim.scenario.outages import Failures
from cosim.scenario.parts import NotNegative, Part, Positive, Share
from cosim.scenario.sleep import Sleep


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


class Gpus(Part):
    """The pool of GPUs of a site."""

    kind: str = Field(description="GPU kind of the profile tables, e.g. `h100`.")
    count: int = Field(gt=0, description="GPUs at scale 1.")
    idle_w: NotNegative | None = Field(
        default=None, description="Power of a waiting GPU [W]; default: the GPU table."
    )
    server_w: NotNegative | None = Field(
        default=None, description="Share of server and network per GPU, always on [W]."
    )
    clock: GpuClock | None = Field(
        default=None, description="DVFS levels; default: the DVFS table."
    )
    cap_w: Positive | None = Field(
        default=None,
        description="Cap on the board's power while it works [W]. The site's hungriest model sets "
        "the highest clock level: the one at which it draws just this.",
    )
    embodied: Embodied | None = Field(
        default=None, description="Reports the carbon of making the GPUs; `{}` takes the table's."
    )
    discipline: Literal["fcfs", "edf", "srs", "priority"] = Field(
        default="fcfs",
        description="Order of the queue: of landing, earliest deadline, fewest denoising steps "
        "left, or highest priority first.",
    )
    preempt: bool = Field(
        default=False,
        description="A more urgent job takes a GPU over at its next step boundary; what it "
        "interrupts goes on later. Not with fcfs.",
    )
    failures: Failures | None = Field(default=None, description="Failures by chance.")
    queue_limit: Annotated[int, Field(ge=0, le=10**9)] | None = Field(
        default=None,
        description="Most jobs that may wait, at scale 1; who lands then is turned away, which "
        "counts as late. 0: only who finds a GPU free is let in. Default: no limit.",
    )
    drop_late: Literal["never", "after_deadline"] = Field(
        default="never",
        description="`after_deadline`: a job whose turn comes when it would earn nothing even if "
        "it ended at once is given up (with a soft `lateness` that is later than its deadline).",
    )
    sleep: Sleep | None = Field(
        default=None,
        description="GPUs without a job go to sleep; `{}` takes the table's. Default: they wait.",
    )
    preload: str | None = Field(
        default=None, description="Model in memory at the start; default: the site's first."
    )
    batch_max: Annotated[int, Field(ge=1, le=256)] = Field(
        default=1,
        description="Images that one GPU denoises at once, of jobs that come and go at the "
        "boundaries of steps; 1: one image after another.",
    )

    @model_validator(mode="after")
    def _sleep_saves(self) -> Gpus:
        sleep_w = self.sleep.sleep_w if self.sleep else None
        if sleep_w is not None and self.idle_w is not None and sleep_w > self.idle_w:
            raise ValueError(
                f"sleep.sleep_w {sleep_w:g} must be at most idle_w, which is {self.idle_w:g}"
            )
        return self

    @model_validator(mode="after")
    def _urgency_known(self) -> Gpus:
        if self.preempt and self.discipline == "fcfs":
            raise ValueError(
                "preempt: under `fcfs` no job is more urgent than another; "
                "choose `discipline: edf`, `srs` or `priority`"
            )
        return self


class Pool(Gpus):
    """A further pool of GPUs at a site, behind the site's meter."""

    models: tuple[str, ...] = Field(
        default=(), description="Models deployed on this pool; default: the site's."
    )


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
