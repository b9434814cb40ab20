"""The frozen form of a scenario: everything written out, nothing inherited, one hash.

A lock loads to an equal scenario on its own, wherever its bases went; trace files of the user's
own are still looked up beside the YAML that holds it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import yaml

from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario

_HEAD = "# Resolved by cosim: defaults, bases and overrides are written out.\n"


def lock_text(source: Loaded | Scenario) -> str:
    """Return the fully resolved YAML of a scenario; loading it gives an equal scenario."""
    scenario = source.scenario if isinstance(source, Loaded) else source
    return _HEAD + as_yaml(_plain(scenario))


def as_yaml(plain: dict[str, Any]) -> str:
    """Write plain data as YAML that YAML 1.1 and 1.2 readers understand alike."""
    return yaml.dump(
        plain,
        Dumper=_Yaml12Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=99,
        default_flow_style=False,
    )


def scenario_hash(source: Loaded | Scenario) -> str:
    """Return the SHA-256 (hex) of what a scenario means, not of how it was written.

    Sites and models keep their order, which is part of the meaning; keys of a part do not.
    """
    scenario = source.scenario if isinstance(source, Loaded) else source
    order = [list(scenario.sites), list(scenario.models)]
    text = json.dumps([_plain(scenario), order], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def world_hash(source: Loaded | Scenario) -> str:
    """Return the SHA-256 (hex) of the worlds of a scenario, whoever acts in them and when.

    Who is compared, on which seeds and days, and what the scenario says of itself are left out: a
    training or study that lists its own dates and seeds stays the same when these change.
    """
    scenario = source.scenario if isinstance(source, Loaded) else source
    policy = scenario.policy.model_copy(update={"compare": ()})
    apart = {"policy": policy, "about": "", "seeds": (0,), "train_days": None, "test_days": None}
    return scenario_hash(scenario.model_copy(update=apart))


def _plain(scenario: Scenario) -> dict[str, Any]:
    plain: dict[str, Any] = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _whole_keys(plain, scenario)


def _whole_keys(plain: dict[str, Any], scenario: Scenario) -> dict[str, Any]:
    """JSON turns number keys into texts; YAML keeps them numbers."""
    for name in ("images", "steps_asked"):
        weights: dict[int, float] = getattr(scenario.workload, name)
        plain["workload"][name] = dict(weights)
    return plain


class _Yaml12Dumper(yaml.SafeDumper):
    """Writes texts so that both YAML 1.1 and YAML 1.2 readers take them for texts."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Yaml12Dumper, value: str) -> yaml.ScalarNode:
    from cosim.scenario.yaml12 import is_text

    style = None if is_text(value) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Yaml12Dumper.add_representer(str, _text)
