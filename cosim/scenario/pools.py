"""Pools of GPUs: a site has one, and as many more behind the same meter as its scenario says.

In a world every pool has a queue, clocks and services of its own, so each appears there as a site:
first the site itself, which is its first pool and has the meter, the battery, the cooling and the
customers, then its further pools, called ``SITE/NAME``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cosim.scenario.model import Scenario, Site


def pool_sites(scenario: Scenario) -> dict[str, Site]:
    """All pools in the order of a world, by name; a further pool as a site without a supply."""
    found: dict[str, Site] = {}
    for name, site in scenario.sites.items():
        found[name] = site
        for pool, gpus in site.pools.items():
            bare = {"pv": None, "wind": None, "battery": None, "backup": None, "room": None}
            own = {"gpus": gpus, "models": gpus.models or site.models, "pools": {}}
            found[f"{name}/{pool}"] = site.model_copy(update={**bare, **own})
    return found


def places(scenario: Scenario) -> list[int]:
    """For each pool the number of the site at whose meter it stands, among all pools."""
    found: list[int] = []
    for site in scenario.sites.values():
        found += [len(found)] * (1 + len(site.pools))
    return found


def deployed_models(site: Site) -> list[str]:
    """Models deployed at a site, in whatever pool; each once."""
    named = [site.models, *(pool.models for pool in site.pools.values())]
    return list(dict.fromkeys(model for models in named for model in models))
