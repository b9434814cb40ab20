"""Checks that span several parts of a scenario: names that must exist, sizes that must fit.

Each finding names the key it belongs to, so that the loader can put it at its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from cosim.errors import did_you_mean
from cosim.scenario.consistency_grid import Finding, grid_findings, outside_window
from cosim.scenario.days import day_findings
from cosim.scenario.pools import pool_sites
from cosim.scenario.yaml12 import Loc

if TYPE_CHECKING:
    from cosim.scenario.hardware import Gpus
    from cosim.scenario.model import Scenario


def check(scenario: Scenario) -> None:
    """Raise one error that carries every inconsistency with its place.

    Raises:
        PydanticCustomError: of type ``consistency``; its context holds ``findings``, a list of
            (location, message) pairs.
    """
    findings = list(_findings(scenario))
    if findings:
        text = "; ".join(f"{'.'.join(map(str, loc))}: {message}" for loc, message in findings)
        raise PydanticCustomError("consistency", "{text}", {"text": text, "findings": findings})


def _findings(scenario: Scenario) -> Iterator[Finding]:
    yield from _adapter_findings(scenario)
    yield from _site_findings(scenario)
    yield from _wear_findings(scenario)
    yield from _batch_findings(scenario)
    yield from _workload_findings(scenario)
    yield from _outage_findings(scenario)
    yield from _network_findings(scenario)
    yield from _battery_findings(scenario)
    yield from grid_findings(scenario)
    yield from _step_findings(scenario)
    yield from day_findings(scenario)
    if scenario.money.preset == "market":
        for name in scenario.models:
            if name not in scenario.money.market_value_usd:
                message = f"preset `market` needs a price for model `{name}`"
                yield ("money", "market_value_usd"), message


def _pools(scenario: Scenario) -> Iterator[tuple[Loc, Gpus, tuple[str, ...]]]:
    """Every pool of GPUs: where it stands in the scenario, and the models that it names."""
    for name, site in scenario.sites.items():
        yield ("sites", name, "gpus"), site.gpus, site.models
        for pool, gpus in site.pools.items():
            yield ("sites", name, "pools", pool), gpus, gpus.models


def _adapter_findings(scenario: Scenario) -> Iterator[Finding]:
    known = scenario.models
    bases = [name for name, model in known.items() if model.adapter_of is None]
    for name, model in known.items():
        base, place = model.adapter_of, ("models", name, "adapter_of")
        if base is not None and base not in known:
            yield place, f"no model `{base}`{did_you_mean(base, bases)}"
        elif base is not None and base not in bases:
            yield place, f"`{base}` is an adapter itself; name its base model"


def _site_findings(scenario: Scenario) -> Iterator[Finding]:
    known = list(scenario.models)
    for place, gpus, models in _pools(scenario):
        for i, model in enumerate(models):
            if model not in known:
                hint = did_you_mean(model, known)
                above = place[:-1] if place[-1] == "gpus" else place
                yield (*above, "models", i), f"no model `{model}`{hint}"
        if round(gpus.count * scenario.scale) < 1:
            message = f"{gpus.count} GPUs at scale {scenario.scale:g} are less than one"
            yield (*place, "count"), message


def _wear_findings(scenario: Scenario) -> Iterator[Finding]:
    for name, site in scenario.sites.items():
        battery = site.battery
        if battery and battery.ageing is not None and battery.wear_usd_per_kwh > 0:
            place = ("sites", name, "battery", "wear_usd_per_kwh")
            yield place, "`ageing` books the wear; leave wear_usd_per_kwh out, or ageing"


def _batch_findings(scenario: Scenario) -> Iterator[Finding]:
    for place, gpus, _ in _pools(scenario):
        if gpus.batch_max > 1 and gpus.preempt:
            message = "GPUs that batch cannot be preempted; set batch_max: 1 or preempt: false"
            yield (*place, "batch_max"), message


def _workload_findings(scenario: Scenario) -> Iterator[Finding]:
    known = list(scenario.sites)
    for name in scenario.workload.home:
        if name not in known:
            yield ("workload", "home", name), f"no site `{name}`{did_you_mean(name, known)}"
    if scenario.workload.home and sum(scenario.workload.home.values()) <= 0:
        yield ("workload", "home"), "the shares are all zero"
    classes = scenario.workload.delay_bins + (scenario.workload.flexible is not None)
    if len(scenario.workload.priority) > classes:
        message = f"{len(scenario.workload.priority)} numbers for {classes} classes of delay"
        yield ("workload", "priority"), message
    arrivals = scenario.workload.arrivals
    profile = getattr(arrivals, "profile", None)
    if isinstance(profile, tuple) and (len(profile) != 24 or sum(profile) <= 0):
        message = f"needs 24 hourly factors with a positive sum, not {len(profile)}"
        yield ("workload", "arrivals", "profile"), message
    yield from _surge_findings(scenario)


def _surge_findings(scenario: Scenario) -> Iterator[Finding]:
    known = list(scenario.sites)
    for i, surge in enumerate(getattr(scenario.workload.arrivals, "surges", ())):
        place = ("workload", "arrivals", "surges", i)
        for k, home in enumerate(surge.homes):
            if home not in known:
                yield (*place, "homes", k), f"no site `{home}`{did_you_mean(home, known)}"
        yield from outside_window(scenario, place, surge)


def _outage_findings(scenario: Scenario) -> Iterator[Finding]:
    pools = pool_sites(scenario)
    known = list(pools)
    for i, outage in enumerate(scenario.faults):
        if outage.site not in known:
            hint = did_you_mean(outage.site, known)
            yield ("faults", i, "site"), f"no site `{outage.site}`{hint}"
        elif outage.gpus != "all" and outage.gpus > pools[outage.site].gpus.count:
            count = pools[outage.site].gpus.count
            message = f"{outage.gpus} GPUs; site `{outage.site}` has {count}; or write `all`"
            yield ("faults", i, "gpus"), message
        yield from outside_window(scenario, ("faults", i), outage)


def _network_findings(scenario: Scenario) -> Iterator[Finding]:
    known = list(scenario.sites)
    for i, outage in enumerate(scenario.network.outages):
        place = ("network", "outages", i)
        if outage.site not in known:
            yield (*place, "site"), f"no site `{outage.site}`{did_you_mean(outage.site, known)}"
        yield from outside_window(scenario, place, outage)


def _battery_findings(scenario: Scenario) -> Iterator[Finding]:
    for name, site in scenario.sites.items():
        for i, outage in enumerate(site.battery.outages if site.battery else ()):
            place = ("sites", name, "battery", "outages", i)
            yield from outside_window(scenario, place, outage)


def _step_findings(scenario: Scenario) -> Iterator[Finding]:
    steps = scenario.steps
    lists: dict[tuple[str | int, ...], tuple[int, ...]] = {("steps",): steps}
    for name, model in scenario.models.items():
        lists["models", name, "steps"] = model.steps or ()
    for place, counts in lists.items():
        if any(b <= a for a, b in pairwise(counts)):
            yield place, "must ascend without repeats"
    if scenario.default_steps not in steps:
        allowed = ", ".join(map(str, steps))
        yield ("default_steps",), f"{scenario.default_steps} is not allowed; allowed: {allowed}"
    if len(set(scenario.seeds)) != len(scenario.seeds):
        yield ("seeds",), "a seed is named twice"
