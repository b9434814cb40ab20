"""Whoever asks for a size is served at home too: each site needs a model of every such size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cosim.scenario.consistency_grid import Finding
from cosim.scenario.images import edges_px
from cosim.scenario.pools import deployed_models

if TYPE_CHECKING:
    from cosim.scenario.model import Scenario


def size_findings(scenario: Scenario) -> Iterator[Finding]:
    """Find models whose size is not told and sites that cannot make what is asked for.

    Args:
        scenario: a scenario whose names may still be wrong; unknown models are left alone.
    """
    asked = [px for px, weight in sorted((scenario.workload.sizes or {}).items()) if weight > 0]
    if not asked:
        return
    made = edges_px(scenario.models)
    deployed = {name: deployed_models(site) for name, site in scenario.sites.items()}
    names = dict.fromkeys(name for models in deployed.values() for name in models)
    untold = [name for name in names if name in made and made[name] is None]
    for name in untold:
        message = "jobs ask for sizes (`workload.sizes`); say which this model makes: `px: 512`"
        yield ("models", name), message
    for site, models in deployed.items():
        known = {name: px for name in models if (px := made.get(name)) is not None}
        if known and not set(models) & set(untold):
            yield from _lacking(site, known, asked)


def _lacking(site: str, known: dict[str, int], asked: list[int]) -> Iterator[Finding]:
    """Sizes that a site lacks, each with what is nearest to it."""
    has = ", ".join(f"{name} ({px} px)" for name, px in known.items())
    for px in asked:
        if px in known.values():
            continue
        near = min(known, key=lambda name: max(known[name] / px, px / known[name]))
        message = (
            f"no model at site `{site}` makes {px} px; it has {has}; ask for {known[near]} px "
            f"or give the site an adapter of `{near}` with px: {px} and load_s: 0"
        )
        yield ("workload", "sizes", px), message
