"""Who of those that a scenario compares can act in its world.

A scenario may name trained policies, and one that extends it may have other sites or other kinds
of jobs, for which they were not trained. They are then left out, and it is said why. A policy that
somebody asks for by name is never left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cosim.errors import OtherWorldError, UsageError
from cosim.prepare import Stage
from cosim.rng import stream
from cosim.run import layers_of, make_policy, staged
from cosim.scenario.load import Loaded


@dataclass(frozen=True)
class Cast:
    """Who acts.

    Attributes:
        names: the policies, the baseline first.
        left_out: policy → why it cannot act in this world.
    """

    names: tuple[str, ...]
    left_out: dict[str, str]


def cast_of(what: Loaded | Stage, asked: Sequence[str] | None = None) -> Cast:
    """Find who acts: those that are asked for, or all that the scenario compares and that can.

    Raises:
        UsageError: none can, or a checkpoint is missing or damaged.
    """
    if asked:
        return Cast(tuple(asked), {})
    scenario = what.scenario
    names = tuple(spec.called for spec in scenario.policy.compare)
    trained = [name for name in names if "@" in layers_of(scenario, name, None)[0]]
    left_out = _obstacles(staged(what), trained) if trained else {}
    fit = tuple(name for name in names if name not in left_out)
    if not fit:
        raise UsageError("no policy of the scenario fits it: " + "; ".join(left_out.values()))
    return Cast(fit, left_out)


def _obstacles(on: Stage, trained: Sequence[str]) -> dict[str, str]:
    """Why some of the trained policies cannot act here; who can is left out."""
    seed, found = on.scenario.seeds[0], {}
    world = on.plan(seed).info
    for name in trained:
        policy = make_policy(on.scenario, name, None, on.base)
        try:
            policy.reset(world, stream(seed, "policy", name))
        except OtherWorldError as problem:
            found[name] = str(problem)
        finally:
            policy.close()
    return found
