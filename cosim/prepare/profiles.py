"""What a model costs on a GPU kind: the scenario's own figures, or the tables' as far as they go.

Where a scenario asks for more than was measured (another size of image, a sampler known from its
paper), the figures are scaled from the nearest that was; each such step leaves a :class:`Claim`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cosim.errors import TraceError
from cosim.physics.batching import BatchLaw, Law, MeasuredLaw
from cosim.physics.cold_start import ColdStart, LoadQuantiles
from cosim.physics.gpu import ServiceTiming
from cosim.physics.resolution import scaled_batch, scaled_timing
from cosim.physics.sampler import Sampler, sampled_timing
from cosim.scenario import model as spec
from cosim.scenario.model import Model, Scenario, Site
from cosim.traces.profiles import load_seconds, service_profile, services
from cosim.traces.service_tables import (
    batch_curve,
    batch_curve_near,
    family_of,
    load_quantiles,
    pixel_law,
    sampler,
)
from cosim.world.loading import LUCKS


@dataclass(frozen=True)
class Claim:
    """A figure of a table that a run rests on beyond what was measured for it.

    Attributes:
        table: name of the table, e.g. ``profiles/samplers``.
        used_for: what it feeds, e.g. ``sdxl: sampler``.
        what: one line of description, the published source included.
        assumed: what in it is an assumption; empty where nothing is.
    """

    table: str
    used_for: str
    what: str
    assumed: str = ""


@dataclass
class Bench:
    """Where a model is looked up at a site, and what had to be claimed for it.

    Attributes:
        scenario: the scenario.
        site: the site.
        name: name of the model.
        idle_w: power of a waiting GPU [W], while loading too unless the model says otherwise.
        claims: what was claimed so far.
    """

    scenario: Scenario
    site: Site
    name: str
    idle_w: float
    claims: list[Claim] = field(default_factory=list)

    @property
    def model(self) -> Model:
        """The model in the scenario, with what an adapter takes from its base."""
        return as_run(self.scenario, self.name)

    @property
    def profile(self) -> str:
        """Name of the model in the tables."""
        return self.model.profile or self.name

    def timing(self) -> ServiceTiming:
        """Time and power of an image at full clock, with the model's sampler and image size."""
        found, _ = model_sampler(self.name, self.model)
        return sampled_timing(found, self._reference())

    def _reference(self) -> ServiceTiming:
        own = self.model.timing.get(self.site.gpus.kind)
        if own is not None:
            figures = (own.step_s, own.step_w, own.encode_s, own.decode_s, own.fixed_j)
            return ServiceTiming(*figures, *self._loading())
        row = service_profile(
            self.profile,
            self.site.gpus.kind,
            px=self.model.px,
            stack=self.model.stack,
            nearest_px=True,
        )
        figures = (row.step_s, row.step_w, row.encode_s, row.decode_s, row.fixed_j)
        timing = ServiceTiming(*figures, *self._loading())
        if self.model.px is None or self.model.px == row.px:
            return timing
        law = pixel_law(row.px, family_of(self.profile))
        self._claim_size("timing", row.px, self.model.px, law.source)
        return scaled_timing(law.value, timing, self.model.px)

    def _loading(self) -> tuple[float, float]:
        """Time [s] and power [W] of loading the base model."""
        return self._load(self.model.adapter_of or self.name, lora=False)

    def _load(self, name: str, *, lora: bool) -> tuple[float, float]:
        model = self.scenario.models[name]
        load_s = model.load_s
        drawn_s = self.loads_s(name, lora=lora)
        if drawn_s:
            load_s = sum(drawn_s) / len(drawn_s)
        if load_s is None:  # the published statistics do not tell models apart
            load_s = load_seconds(services()[0][0], lora=lora).median_s
        return load_s, self.idle_w if model.load_w is None else model.load_w

    def loads_s(self, name: str, *, lora: bool) -> list[float]:
        """Loading times of a model by luck [s]; empty where they are not drawn."""
        chosen = self.scenario.models[name].load_times
        if chosen is None:
            return []
        if chosen == "published":
            what = "lora" if lora else "base-model"
            found = load_quantiles(what)
            self.claims.append(
                Claim(
                    "profiles/load_quantiles",
                    f"{name}: loading",
                    found.source,
                    ", ".join(found.assumed),
                )
            )
            table = found.value
        else:
            table = LoadQuantiles(chosen.quantiles, chosen.seconds)
        return [table.at((luck + 0.5) / LUCKS) for luck in range(LUCKS)]

    def drawn_loads_s(self) -> tuple[list[float], list[float]]:
        """Loading times by luck of the base model with its adapter, and of the adapter [s].

        Both are empty where neither is drawn.
        """
        base = self.model.adapter_of
        if base is None:
            return self.loads_s(self.name, lora=False), []
        own_s, base_s = self.loads_s(self.name, lora=True), self.loads_s(base, lora=False)
        if not own_s and not base_s:
            return [], []
        own_s = own_s or [self._load(self.name, lora=True)[0]] * LUCKS
        base_s = base_s or [self._load(base, lora=False)[0]] * LUCKS
        return [one + other for one, other in zip(base_s, own_s, strict=True)], own_s

    def cold_start(self) -> ColdStart | None:
        """What loading takes where the model is an adapter; None where it is none."""
        if self.model.adapter_of is None:
            return None
        base_s, base_w = self._loading()
        adapter_s, adapter_w = self._load(self.name, lora=True)
        return ColdStart(base_s, adapter_s, base_w, adapter_w)

    def _claim_size(self, what: str, from_px: int, to_px: int, source: str) -> None:
        kind = self.site.gpus.kind
        assumed = f"{what} scaled from {from_px} to {to_px} px; no measurement at that edge"
        used_for = f"{self.name} on {kind}: {what}"
        self.claims.append(Claim("profiles/resolution", used_for, source, assumed))

    def law(self) -> Law | None:
        """How a step grows in a batch; None where images come one after another.

        Raises:
            TraceError: nothing is known of batches of this model that large.
        """
        most, kind = self.site.gpus.batch_max, self.site.gpus.kind
        if most == 1:
            return None
        own = self.model.timing.get(kind)
        if own is not None and own.batch is not None:
            return BatchLaw(own.batch.fixed_share, own.batch.power_ratio)
        said = f"batch_max is {most}, but how steps grow in a batch is not known: "
        fix = f"; give `models.{self.name}.timing.{kind}.batch: {{fixed_share: ...}}`"
        try:
            law = self._measured_law()
        except TraceError as problem:
            raise TraceError(f"{said}{problem}{fix}") from None
        if most > law.curve.batch_max:
            raise TraceError(f"{said}it was measured up to {law.curve.batch_max} images{fix}")
        return law

    def _measured_law(self) -> MeasuredLaw:
        kind, px = self.site.gpus.kind, self.model.px
        if px is None:
            return MeasuredLaw(batch_curve(self.profile, kind).value)
        curve, from_px = batch_curve_near(self.profile, kind, px)
        if px == from_px:
            return MeasuredLaw(curve.value)
        law = pixel_law(from_px, family_of(self.profile))
        self._claim_size("batching", from_px, px, law.source)
        return MeasuredLaw(scaled_batch(law.value, curve.value, px))


def as_run(scenario: Scenario, name: str) -> Model:
    """A model as it runs: an adapter with profile, size and timing of its base model."""
    model = scenario.models[name]
    if model.adapter_of is None:
        return model
    base, own = scenario.models[model.adapter_of], model.model_fields_set
    taken = ("stack",) if "px" in own else ("stack", "px", "timing")
    inherited = {key: getattr(base, key) for key in taken if key not in own}
    profile = model.profile or base.profile or model.adapter_of
    return model.model_copy(update={**inherited, "profile": profile})


def model_sampler(name: str, model: Model) -> tuple[Sampler, list[Claim]]:
    """Return the sampler of a model, the reference's where it names none, and what it claims.

    Raises:
        TraceError: for an unknown sampler, or one without a published score.
    """
    chosen = model.sampler
    if chosen is None:
        return Sampler(), []
    if isinstance(chosen, spec.OwnSampler):
        return Sampler(chosen.step_gain, chosen.time_factor, chosen.ceiling), []
    found = sampler(model.profile or name, chosen.name, steps=chosen.steps)
    assumed = ", ".join(found.assumed)
    what = f"sampler `{chosen.name}`: {found.source}"
    return found.value, [Claim("profiles/samplers", f"{name}: sampler", what, assumed)]
