"""Trace files of the user's own travel with a study: a run folder is complete in itself.

A scenario names them relative to its YAML; they are kept under the same names beside the lock, so
that the study can be run again wherever its folder goes.
"""

from __future__ import annotations

from pathlib import Path

from cosim.errors import TraceError
from cosim.scenario.model import Scenario
from cosim.scenario.names import trace_refs
from cosim.store.atomic import write_with


def own_traces(scenario: Scenario, base: Path) -> dict[str, Path]:
    """Trace files beside a scenario: name in the scenario → file."""
    from cosim.traces.catalogue import Catalogue, inside

    known = Catalogue.load().entries
    found: dict[str, Path] = {}
    for _, _, ref in trace_refs(scenario.model_dump(mode="json")):
        for name in (ref, ref.rpartition(":")[0]):
            if name and name not in known and name not in found:
                try:
                    found[name] = inside(name, base)
                except TraceError:  # not a file; what is missing was told when it was prepared
                    continue
    return found


def keep_traces(folder: Path, scenario: Scenario, base: Path) -> None:
    """Copy the user's own trace files into the folder of a study."""
    for name, file in own_traces(scenario, base).items():
        content = file.read_bytes()

        def write(path: Path, content: bytes = content) -> None:
            path.write_bytes(content)

        write_with(folder / name, write)


def changed_traces(folder: Path, scenario: Scenario, base: Path) -> list[str]:
    """Names of own trace files that are no longer what the study was run on."""
    kept = own_traces(scenario, folder)
    return [
        name
        for name, file in own_traces(scenario, base).items()
        if name not in kept or kept[name].read_bytes() != file.read_bytes()
    ]
