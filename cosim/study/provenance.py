"""Whether a learner is judged on days that it has seen: what its checkpoint says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from cosim.errors import UsageError
from cosim.gym.checkpoint import read_facts
from cosim.run import layers_of, placed
from cosim.scenario.model import Scenario


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
        acting = placed(layers_of(scenario, policy, None)[0], scenario, base)
        seen = [d for d in _dates(acting) if any(abs(d - other) < length for other in judged)]
        if seen:
            found[policy] = [day.isoformat() for day in seen]
    return found


def _dates(policy: str) -> list[date]:
    """Dates in a policy's checkpoint; none where it has no checkpoint or that tells none."""
    folder = policy.partition("@")[2]
    try:
        facts = read_facts(Path(folder)) if folder else {}
    except UsageError:
        return []
    trained = facts.get("trained")
    listed: list[Any] = []
    for key in ("dates", "held_out"):
        part = trained.get(key) if isinstance(trained, dict) else None
        listed += part if isinstance(part, list) else []
    return sorted({day for text in listed if (day := _date(text)) is not None})


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None
