"""A scenario with one lever switched off: the same system, jobs and seeds without it.

A variant is the scenario's own data with a change, validated again; it knows nothing that a user
could not write into the YAML. A lever that the scenario does not have gives no variant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cosim.prepare import Stage, stage
from cosim.prepare.services import rack
from cosim.scenario.model import Scenario

Data = dict[str, Any]
Change = Callable[[Data], None]


@dataclass(frozen=True)
class Variant:
    """A stage and the policy to be run on it.

    Attributes:
        stage: the stage.
        policy: name of the scheduling policy.
    """

    stage: Stage
    policy: str


def changed(scenario: Scenario, *changes: Change) -> Scenario:
    """Return the scenario with changes made to its data, validated again.

    Args:
        scenario: the scenario, which stays as it is.
        changes: functions that change the data in place.
    """
    data = scenario.model_dump(by_alias=True)
    for change in changes:
        change(data)
    return Scenario.model_validate(data)


def without(part: str) -> Change:
    """Take a part (``battery``, ``pv``, ``wind``) away from every site."""

    def change(data: Data) -> None:
        for site in data["sites"].values():
            site[part] = None

    return change


def energy_layer(name: str, **options: Any) -> Change:
    """Use an energy layer; options that the scenario gives it stay unless they are given here."""

    def change(data: Data) -> None:
        own = data["policy"]["energy"]
        kept = own["with"] if own["use"] == name else {}
        data["policy"]["energy"] = {"use": name, "with": {**kept, **options}}

    return change


def one_step_count(data: Data) -> None:
    """Allow the default steps only; a model with a list of its own keeps its nearest to them."""
    default = data["default_steps"]
    data["steps"] = (default,)
    for model in data["models"].values():
        if model["steps"] is not None:
            model["steps"] = (min(model["steps"], key=lambda count: abs(count - default)),)


def no_transfer(data: Data) -> None:
    """No job may leave its home."""
    data["workload"]["transferable"] = 0.0


def no_dvfs(data: Data) -> None:
    """Let every GPU run at full speed only."""
    for site in data["sites"].values():
        site["gpus"]["clock"] = {"kind": "table", "speed": (1.0,), "power": (1.0,)}


def no_renewables(data: Data) -> None:
    """Take sun and wind away from every site."""
    for part in ("pv", "wind"):
        without(part)(data)


def perfect_forecast(data: Data) -> None:
    """Let everybody know the future."""
    data["forecast"]["kind"] = "perfect"


def variants(on: Stage, policy: str, energy: str) -> dict[str, Variant]:
    """The reference, the random policy, and one variant per lever that the scenario has.

    Args:
        on: the stage of the scenario.
        policy: the reference policy.
        energy: the energy layer, with an option ``clock`` that takes ``full``.
    """
    inner, full = energy_layer(energy), energy_layer(energy, clock="full")
    found = {
        "reference": Variant(_played(on, inner), policy),
        "sparsity": Variant(_played(on, full), "random"),
    }
    switches = {
        "steps": (inner, one_step_count),
        "transfer": (inner, no_transfer),
        "DVFS": (full,),
        "battery": (inner, without("battery")),
        "solar": (inner, without("pv")),
        "wind": (inner, without("wind")),
    }
    for name in present(on):
        found[name] = Variant(_played(on, *switches[name]), policy)
    return found


def present(on: Stage) -> list[str]:
    """The levers that a scenario has."""
    there = {
        "steps": chooses_steps,
        "transfer": moves,
        "DVFS": has_clocks,
        "battery": has("battery"),
        "solar": has("pv"),
        "wind": has("wind"),
    }
    return [name for name, asked in there.items() if asked(on.scenario)]


def has(*parts: str) -> Callable[[Scenario], bool]:
    """Asks whether any site of a scenario has one of these parts."""

    def asked(scenario: Scenario) -> bool:
        sites = scenario.sites.values()
        return any(getattr(site, part) is not None for site in sites for part in parts)

    return asked


def moves(scenario: Scenario) -> bool:
    """Whether a job can leave its home."""
    return scenario.workload.transferable > 0 and len(scenario.sites) > 1


def chooses_steps(scenario: Scenario) -> bool:
    """Whether there is more than one step count to choose from."""
    return any(len(model.steps or scenario.steps) > 1 for model in scenario.models.values())


def has_clocks(scenario: Scenario) -> bool:
    """Whether any GPU has more than one clock level."""
    racks = (rack(site, scenario.scale) for site in scenario.sites.values())
    return any(len(at.clock.speed) > 1 for at in racks)


def _played(on: Stage, *changes: Change) -> Stage:
    """The stage of a variant; traces are read again only where the surroundings change."""
    scenario = changed(on.scenario, *changes)
    if scenario.sites == on.scenario.sites:
        return replace(on, scenario=scenario)
    return stage(scenario, base=on.base)
