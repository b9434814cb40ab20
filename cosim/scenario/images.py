"""What images are worth: quality curves, models and the prices of the whole system."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from cosim.scenario.lateness import HardLateness, LatenessSpec
from cosim.scenario.parts import NotNegative, Part, Positive, Share
from cosim.scenario.samplers import Sampler


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


class Batching(Part):
    """How a denoising step grows with the images that one GPU denoises at once."""

    fixed_share: Share = Field(
        description="Share s of the step that does not grow: X images take step_s·(s + (1 − s)·X)."
    )
    power_ratio: Annotated[float, Field(gt=0, le=5)] = Field(
        default=1.0,
        description="Board power r of a very large batch relative to one image: X images draw "
        "step_w·(1 + (r − 1)(1 − 1/X)).",
    )


class Timing(Part):
    """Time and energy of one image on one GPU, where the profile table does not have it."""

    step_s: Positive = Field(description="Time of a denoising step at full clock [s].")
    step_w: Positive = Field(description="Board power during a step at full clock [W].")
    encode_s: NotNegative = Field(default=0.0, description="Time before the steps [s].")
    decode_s: NotNegative = Field(default=0.0, description="Time after the steps [s].")
    fixed_j: NotNegative = Field(default=0.0, description="Energy of encode and decode [J].")
    batch: Batching | None = Field(
        default=None,
        description="For sites with `batch_max` above 1; default: the batching table.",
    )


class LoadTimes(Part):
    """Loading times at rising quantiles; linear between them, constant outside."""

    quantiles: tuple[Share, ...] = Field(min_length=1, description="Rising.")
    seconds: tuple[NotNegative, ...] = Field(min_length=1, description="Never falling [s].")

    @model_validator(mode="after")
    def _matching(self) -> LoadTimes:
        if len(self.quantiles) != len(self.seconds):
            raise ValueError(f"{len(self.quantiles)} quantiles but {len(self.seconds)} seconds")
        if any(b <= a for a, b in pairwise(self.quantiles)):
            raise ValueError("quantiles must rise")
        if any(b < a for a, b in pairwise(self.seconds)):
            raise ValueError("seconds must not fall")
        return self


class Model(Part):
    """A diffusion model as users see it: what its images are worth and how it runs."""

    profile: str | None = Field(
        default=None, description="Name in the service profile table; default: the model's name."
    )
    adapter_of: str | None = Field(
        default=None,
        description="Base model of the scenario on which this is an adapter (LoRA): profile, px, "
        "stack and own timing are the base's unless given here, and a GPU that holds the base "
        "loads the adapter alone.",
    )
    px: int | None = Field(
        default=None,
        ge=64,
        le=8192,
        description="Image edge [px]. Where the profile table has no row of it, time and energy "
        "are scaled from the nearest edge, which is an assumption; value_usd and image_mb are not "
        "scaled. Jobs that ask for a size (`workload.sizes`) go to models that make it.",
    )
    stack: str | None = Field(default=None, description="Software stack of the profile row.")
    timing: dict[str, Timing] = Field(
        default_factory=dict, description="Own timing per GPU kind, instead of the table's."
    )
    quality: Curve = Field(description="Quality against denoising steps.")
    sampler: Sampler | None = Field(
        default=None,
        description="Name of a published sampler, or own figures; changes what a step costs "
        "(own timing too) and is worth. Default: the profile's own.",
    )
    steps: tuple[Annotated[int, Field(ge=1, le=1000)], ...] | None = Field(
        default=None,
        min_length=1,
        description="Denoising steps allowed for this model; default: the scenario's `steps`.",
    )
    value_usd: Positive = Field(description="v^max: price of an image of full quality [USD].")
    lateness: LatenessSpec = Field(
        default=HardLateness(), description="What an image earns that comes after its deadline."
    )
    load_s: NotNegative | None = Field(
        default=None,
        description="Cold start [s], of an adapter its own part; default: the cold start table.",
    )
    load_times: Literal["published"] | LoadTimes | None = Field(
        default=None,
        description="Cold starts drawn by quantile, in place of load_s: each job draws one. "
        "`published`: the quantiles of GenTD26.",
    )
    load_w: NotNegative | None = Field(
        default=None, description="GPU power while loading [W]; default: its idle power."
    )
    input_mb: NotNegative = Field(default=0.01, description="Prompt and settings of a job [MB].")
    image_mb: NotNegative = Field(default=1.5, description="Size of a finished image [MB].")

    @model_validator(mode="after")
    def _one_load(self) -> Model:
        if self.load_s is not None and self.load_times is not None:
            raise ValueError("needs either `load_s:` or `load_times:`, not both")
        return self

    @field_validator("sampler", mode="before")
    @classmethod
    def _sampler_by_name(cls, value: Any) -> Any:
        return {"kind": "published", "name": value} if isinstance(value, str) else value


def edges_px(models: Mapping[str, Model]) -> dict[str, int | None]:
    """Edge of the images of each model [px], an adapter's from its base; None where not told."""
    bases = {name: models.get(model.adapter_of or name) for name, model in models.items()}
    return {
        name: model.px or (base.px if base is not None else None)
        for (name, model), base in zip(models.items(), bases.values(), strict=True)
    }


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
