"""Where learners come from, as their checkpoints say.

Have they seen the days that they are judged on, and was it in this world that they learned?
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.gym.checkpoint import read_facts
from cosim.run import layers_of, placed
from cosim.scenario.lock import world_hash
from cosim.scenario.model import Scenario
from cosim.study.fitting import Cast
from cosim.study.verdict import absent, foreign, remembered

ENGINES = ("fast", "reference")
"""Engines agree, so that a world is the same under each."""


def cautions(
    scenarios: Sequence[Scenario], cast: Cast, days: Sequence[str], base: Path | None = None
) -> tuple[str, ...]:
    """What has to be known of the policies before their results are believed, in sentences.

    Args:
        scenarios: what they are judged on; one, or the points of a sweep.
        cast: who acts, and who cannot.
        days: dates of the runs in ISO 8601; none: the scenario's own.
        base: folder of the YAML; checkpoints that the scenario names may lie there.
    """
    return (
        *absent(cast.left_out),
        *remembered(trained_on(scenarios[0], cast.names, days, base)),
        *foreign(trained_in(scenarios, cast.names, base)),
    )


def trained_on(
    scenario: Scenario, policies: Sequence[str], days: Sequence[str], base: Path | None = None
) -> dict[str, list[str]]:
    """Dates that a policy learned from or was chosen by, and that it is judged on.

    Args:
        scenario: what it is judged on.
        policies: names; those with a checkpoint are asked for its dates.
        days: dates of the runs in ISO 8601; none: the scenario's own.
        base: folder of the YAML; checkpoints that the scenario names may lie there.

    Returns:
        policy → such dates, in ascending order; policies without any are left out.
    """
    length = timedelta(days=scenario.clock.days)
    judged = [date.fromisoformat(day) for day in days] or [scenario.clock.start.date()]
    found = {}
    for policy in policies:
        trained = _trained(scenario, policy, base)
        seen = [d for d in _dates(trained) if any(abs(d - other) < length for other in judged)]
        if seen:
            found[policy] = [day.isoformat() for day in seen]
    return found


def trained_in(
    scenarios: Sequence[Scenario], policies: Sequence[str], base: Path | None = None
) -> dict[str, str]:
    """Policies that are judged in another world than they learned in.

    Args:
        scenarios: what they are judged on.
        policies: names; those with a checkpoint are asked for its world.
        base: folder of the YAML; checkpoints that the scenario names may lie there.

    Returns:
        policy → name of the scenario that it learned in.
    """
    found = {}
    for policy in policies:
        trained = _trained(scenarios[0], policy, base)
        name, known = trained.get("scenario"), trained.get("world_hash")
        if isinstance(name, str) and any(known not in _hashes(here, name) for here in scenarios):
            found[policy] = name
    return found


def _hashes(scenario: Scenario, name: str) -> list[str]:
    """Hashes of this world under another name: what a world is called does not change it."""
    named = ({"name": name, "engine": engine} for engine in ENGINES)
    return [world_hash(scenario.model_copy(update=update)) for update in named]


def _trained(scenario: Scenario, policy: str, base: Path | None) -> dict[str, Any]:
    """What a policy's checkpoint says of its training; nothing where it has none or tells none."""
    folder = placed(layers_of(scenario, policy, None)[0], scenario, base).partition("@")[2]
    try:
        trained = read_facts(Path(folder)).get("trained") if folder else None
    except UsageError:
        return {}
    return trained if isinstance(trained, dict) else {}


def _dates(trained: dict[str, Any]) -> list[date]:
    listed: list[Any] = []
    for key in ("dates", "held_out"):
        part = trained.get(key)
        listed += part if isinstance(part, list) else []
    return sorted({day for text in listed if (day := _date(text)) is not None})


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None
