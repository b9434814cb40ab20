"""A study file: which scenario is varied how, under which policies, on which seeds.

    kind: sweep
    name: storage-and-load
    scenario: ../quickstart.yaml
    policies: [greedy-utility, price-aware]
    seeds: [1, 2, 3]
    axes:
      workload.scale: [0.5, 1, 2]
      sites.potsdam.battery.capacity_kwh: {from: 0, to: 8000}
    design: one-at-a-time

``kind: sweep`` varies keys; ``kind: study`` may combine that with named variants and ablations.
Values are read by the rules of the scenario file and checked by them, each at its line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from cosim.errors import Problem, ScenarioError
from cosim.scenario import locate
from cosim.scenario.merge import named_yaml
from cosim.scenario.overrides import is_key
from cosim.scenario.parts import Part
from cosim.scenario.yaml12 import Loc, Marks, Place, read_bytes

DesignName = Literal["grid", "one-at-a-time", "latin-hypercube", "sobol"]
AblationName = Literal[
    "no-transfer",
    "fixed-steps",
    "no-dvfs",
    "no-battery",
    "no-renewables",
    "perfect-forecast",
    "one-layer",
]
ABLATION_NAMES: tuple[AblationName, ...] = get_args(AblationName)
SAMPLED = ("latin-hypercube", "sobol")
Settings = dict[str, Any]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]
Seed = Annotated[int, Field(ge=0)]


class Span(Part):
    """A range of numbers that an axis covers."""

    from_: float = Field(alias="from", description="Its lower end.")
    to: float = Field(description="Its upper end.")
    scale: Literal["linear", "log"] = Field(default="linear", description="How it is covered.")

    @model_validator(mode="after")
    def _ascends(self) -> Span:
        if self.to <= self.from_:
            raise ValueError(
                f"leads from {self.from_:g} to {self.to:g}; `to` must be above `from`"
            )
        if self.scale == "log" and self.from_ <= 0:
            raise ValueError("has a logarithmic scale, so `from` must be above 0")
        return self


AxisValues = Annotated[tuple[Any, ...], Field(min_length=1)]


class StudyFile(Part):
    """What a study file says."""

    kind: Literal["sweep", "study"]
    name: Name
    about: str = Field(default="", description="The question that the study asks.")
    scenario: str = Field(description="A YAML file, relative to this one.")
    set: Settings = Field(default_factory=dict, description="Changes that all points share.")
    policies: tuple[str, ...] = Field(default=(), description="Default: the scenario's.")
    seeds: tuple[Seed, ...] = Field(default=(), description="Default: the scenario's.")
    days: Literal["test", "train", "window"] | None = Field(
        default=None,
        description="Days to play: the scenario's test_days or train_days, or its own window; "
        "default: test where it has test_days.",
    )
    design: DesignName = Field(default="grid", description="How points are laid over the axes.")
    samples: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Points of a Latin hypercube or a Sobol sequence."
    )
    axes: dict[str, AxisValues | Span] = Field(default_factory=dict)
    points: tuple[Settings, ...] = Field(default=(), description="Points one by one.")
    variants: dict[Name, Settings] = Field(
        default_factory=dict, description="Named changes, each met with every point."
    )
    ablations: tuple[AblationName, ...] = Field(
        default=(), description="Parts of the model to take away, one at a time."
    )

    @field_validator("policies", "seeds", "ablations")
    @classmethod
    def _once(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        twice = [str(one) for one in dict.fromkeys(value) if value.count(one) > 1]
        if twice:
            raise ValueError(f"names {', '.join(twice)} twice")
        return value

    @model_validator(mode="after")
    def _fits(self) -> StudyFile:
        if findings := [*self._design_findings(), *self._kind_findings(), *self._key_findings()]:
            text = "; ".join(message for _, message in findings)
            raise PydanticCustomError(
                "consistency", "{text}", {"text": text, "findings": findings}
            )
        return self

    def _design_findings(self) -> list[tuple[Loc, str]]:
        found: list[tuple[Loc, str]] = []
        if self.points and self.axes:
            found.append((("points",), "give either `axes` or `points`, not both"))
        if self.design in SAMPLED and self.samples is None:
            found.append((("design",), f"`{self.design}` needs `samples: N`"))
        if self.design not in SAMPLED and self.samples is not None:
            said = f"belongs to {' and '.join(SAMPLED)}, not to `{self.design}`"
            found.append((("samples",), said))
        if self.design != "grid" and not self.axes:
            found.append((("design",), f"`{self.design}` needs `axes`"))
        if not (self.axes or self.points or self.variants or self.ablations):
            found.append((("kind",), "nothing is varied: give `axes` or `points`"))
        return found

    def _kind_findings(self) -> list[tuple[Loc, str]]:
        if self.kind == "study":
            return []
        given = [name for name in ("variants", "ablations") if getattr(self, name)]
        return [((name,), "belongs to `kind: study`") for name in given]

    def _key_findings(self) -> list[tuple[Loc, str]]:
        said = "must be a key of the scenario, e.g. sites.dallas.gpus.count"
        places: list[tuple[Loc, Settings]] = [
            (("axes",), dict(self.axes)),
            (("set",), self.set),
            *((("points", i), point) for i, point in enumerate(self.points)),
            *((("variants", name), part) for name, part in self.variants.items()),
        ]
        return [((*at, key), said) for at, part in places for key in part if not is_key(key)]


@dataclass(frozen=True)
class StudyText:
    """A study file as it was read.

    Attributes:
        path: the file, as named.
        study: what it says.
        scenario: the scenario's file.
        marks: where each part was written.
    """

    path: Path
    study: StudyFile
    scenario: Path
    marks: Marks

    def place(self, *loc: str | int) -> Place:
        """Where something was written, or the nearest part around it."""
        return locate.place_of(self.marks, loc, key=False)


def is_study(path: Path) -> bool:
    """Whether a YAML file is a study file: it has a ``kind:`` on top, which no scenario has.

    Raises:
        ScenarioError: it is no YAML.
    """
    if not path.is_file():
        return False
    data = read_bytes(path.read_bytes(), str(path)).data
    return isinstance(data, dict) and "kind" in data


def read_study(path: Path) -> StudyText:
    """Read and check a study file; its scenario is found, not read.

    Raises:
        ScenarioError: with every problem, each at its place.
    """
    document = read_bytes(path.read_bytes(), str(path))
    data, marks = document.data, document.marks
    if not isinstance(data, dict):
        place = marks.values[()]
        message = "must be a mapping: `kind:`, `scenario:`, `axes:` …"
        raise ScenarioError([Problem(place.file, place.line, place.column, "", message)])
    try:
        study = StudyFile.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(locate.problems_of(error, data, marks, StudyFile)) from None
    named = named_yaml(path, study.scenario, marks.values["scenario",], "scenario")
    return StudyText(path, study, _beside(path, study.scenario, named), marks)


def _beside(path: Path, said: str, found: Path) -> Path:
    """The scenario's path as a user would write it, where that leads to the same file."""
    shown = path.parent / said
    return shown if shown.resolve() == found else found
