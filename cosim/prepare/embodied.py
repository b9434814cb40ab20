"""What making the GPUs of each site emitted: the scenario's figures over those of the table."""

from __future__ import annotations

from dataclasses import replace

from cosim.physics.embodied import EmbodiedCarbon
from cosim.prepare.profiles import Claim
from cosim.scenario.model import Gpus, Scenario
from cosim.scenario.pools import pool_sites
from cosim.traces.service_tables import embodied_carbon

_KEYS = ("gpu_kg", "server_kg", "gpus_per_server", "life_years")


def embodied(scenario: Scenario) -> tuple[list[EmbodiedCarbon | None], list[Claim]]:
    """Return the hardware of each site, None where it is not counted, and what was claimed.

    Raises:
        TraceError: the scenario leaves the GPU's own figure to the table, which has none.
    """
    found: list[EmbodiedCarbon | None] = []
    claims: list[Claim] = []
    for name, site in pool_sites(scenario).items():
        made, claim = _of(name, site.gpus)
        found.append(made)
        claims += claim
    return found, claims


def _of(name: str, gpus: Gpus) -> tuple[EmbodiedCarbon | None, list[Claim]]:
    said = gpus.embodied
    if said is None:
        return None, []
    own = {key: value for key in _KEYS if (value := getattr(said, key)) is not None}
    if said.gpu_kg is not None:
        return EmbodiedCarbon(**{**own, "use_share": said.use_share}), []
    row = embodied_carbon(gpus.kind)
    assumed = ", ".join(key for key in row.assumed if key not in own)
    claim = Claim("profiles/embodied", f"{name}: embodied carbon", row.source, assumed)
    return replace(row.value, **own, use_share=said.use_share), [claim]
