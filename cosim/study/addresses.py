"""What a run depends on, as one fingerprint: the name under which it is kept and found again.

Scenario, traces, code, versions, policy with its options and checkpoint, and seed. The list of
compared policies and the list of seeds are left out: a run knows of no other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from cosim.run import layers_of, placed, versions
from cosim.scenario.lock import scenario_hash
from cosim.scenario.model import PolicySpec, Scenario
from cosim.store.own_traces import own_traces
from cosim.study.code import code_seal, policy_seal
from cosim.study.recipe import Recipe
from cosim.traces.catalogue import bundled


class Addresses:
    """Fingerprints of the runs of one study.

    Attributes:
        shared: what all of its runs depend on.
    """

    def __init__(self) -> None:
        index = bundled("traces") / "INDEX.toml"
        self.shared: dict[str, Any] = {
            "code": code_seal(),
            "versions": versions(),
            "traces": sha256(index.read_bytes()).hexdigest(),
        }

    def of(self, recipe: Recipe, policy: str, seeds: Sequence[int]) -> dict[int, str]:
        """Fingerprints of the runs of one policy at one point, by seed.

        Args:
            recipe: the scenario.
            policy: a scheduling policy over the scenario's energy layer, or a pair of both.
            seeds: the seeds.

        Raises:
            UsageError: there is no such policy.
        """
        schedule, energy = layers_of(recipe.scenario, policy, None)
        own = placed(schedule, recipe.scenario, recipe.base)
        parts = {
            **self.shared,
            "scenario": scenario_hash(_alone(recipe.scenario, policy, schedule)),
            "own": _own(recipe),
            "policy": [policy, policy_seal(own, "schedule")],
            "energy": [energy, policy_seal(energy, "energy")],
        }
        text = json.dumps(parts, sort_keys=True)
        return {
            seed: blake2b(f"{text}\x1f{seed}".encode(), digest_size=16).hexdigest()
            for seed in seeds
        }


def _alone(scenario: Scenario, policy: str, schedule: str) -> Scenario:
    """The scenario as one run sees it: one policy with its options, no list of seeds or days."""
    own = tuple(spec for spec in scenario.policy.compare if spec.called in (policy, schedule))
    chosen = scenario.policy.model_copy(update={"compare": own or (PolicySpec(use=policy),)})
    lists = {"seeds": (), "about": "", "train_days": None, "test_days": None}
    return scenario.model_copy(update={"policy": chosen, **lists})


def _own(recipe: Recipe) -> dict[str, str]:
    """The user's own trace files with their hashes."""
    if recipe.base is None:
        return {}
    files = own_traces(recipe.scenario, recipe.base)
    return {name: _sha256(file, *_state(file)) for name, file in files.items()}


def _state(file: Path) -> tuple[int, int]:
    told = file.stat()
    return told.st_mtime_ns, told.st_size


@lru_cache(maxsize=64)
def _sha256(file: Path, changed_ns: int, size: int) -> str:
    del changed_ns, size
    return sha256(file.read_bytes()).hexdigest()
