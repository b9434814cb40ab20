"""Names in a scenario that must exist elsewhere: traces with their columns and times, policies.

These checks read the resolved data rather than the validated tree, so that they also run on the
sound parts of a scenario that has other mistakes. They open no trace: the index says what each one
covers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosim.errors import TraceError, did_you_mean
from cosim.scenario.days import KEYS, windows_in
from cosim.scenario.resolved import Finding, mapping, sequence
from cosim.scenario.yaml12 import Loc

if TYPE_CHECKING:
    from cosim.plugins import Kind
    from cosim.traces.catalogue import Catalogue, Entry, Gap

MOVE = "move clock.start"


def findings(data: Any, folder: Path) -> Iterator[Finding]:
    """Yield every name that leads nowhere, with its location in the resolved data."""
    yield from _trace_findings(data, folder)
    yield from _policy_findings(data)


def model_and_site_findings(data: Any) -> Iterator[Finding]:
    """Yield model and site names that are not defined, for data that did not validate."""
    known_models = [str(name) for name in mapping(data, "models")]
    known_sites = [str(name) for name in mapping(data, "sites")]
    for site, part in mapping(data, "sites").items():
        places: list[tuple[Loc, Any]] = [(("sites", site), part)]
        places += [(("sites", site, "pools", k), p) for k, p in mapping(part, "pools").items()]
        for place, there in places:
            for i, name in enumerate(sequence(there, "models")):
                if isinstance(name, str) and name not in known_models:
                    hint = did_you_mean(name, known_models)
                    yield (*place, "models", i), f"no model `{name}`{hint}"
    for home in mapping(mapping(data, "workload"), "home"):
        if isinstance(home, str) and home not in known_sites:
            hint = did_you_mean(home, known_sites)
            yield ("workload", "home", home), f"no site `{home}`{hint}"


# --- traces ---------------------------------------------------------------------------------


def trace_refs(data: Any) -> Iterator[tuple[Loc, str, str]]:
    """Yield (location, kind of trace, reference) of every trace that a scenario names."""
    for site, part in mapping(data, "sites").items():
        if isinstance(part, dict) and isinstance(part.get("weather"), str):
            yield ("sites", site, "weather"), "weather", part["weather"]
        grid = mapping(part, "grid")
        for key, kind in (("price", "price"), ("sale", "price"), ("carbon", "carbon")):
            value, loc = grid.get(key), ("sites", site, "grid", key)
            if isinstance(value, str):
                yield loc, kind, value
            elif isinstance(value, dict) and isinstance(value.get("trace"), str):
                yield (*loc, "trace"), kind, value["trace"]
    arrivals = mapping(mapping(data, "workload"), "arrivals")
    if isinstance(arrivals.get("trace"), str):
        yield ("workload", "arrivals", "trace"), "jobs", arrivals["trace"]


def _trace_findings(data: Any, folder: Path) -> Iterator[Finding]:
    refs = list(trace_refs(data))
    if not refs:
        return
    from cosim.traces.catalogue import Catalogue

    catalogue = Catalogue.load()
    window = _window(data)
    named = [(kind, ref) for _, kind, ref in refs]
    for loc, kind, ref in refs:
        message = _trace_fault(catalogue, kind, ref, folder, window)
        if message:
            yield loc, message
            named.remove((kind, ref))
    if window:
        yield from _day_findings(data, window, lambda at: _faults(catalogue, named, folder, at))


def _faults(
    catalogue: Catalogue, named: Sequence[tuple[str, str]], folder: Path, window: Window
) -> Iterator[str]:
    """What is wrong with each trace in a window, where anything is."""
    faults = (_trace_fault(catalogue, kind, ref, folder, window) for kind, ref in named)
    return (message for message in dict.fromkeys(faults) if message)


def _day_findings(
    data: Any, window: Window, faults: Callable[[Window], Iterator[str]]
) -> Iterator[Finding]:
    """Yield the first window of each item of train_days and test_days that a trace lacks."""
    start, end, mixed = window
    days = (end - start) / timedelta(days=1)
    for key in KEYS:
        said: set[int] = set()
        for i, begin, close in windows_in(sequence(data, key), start, days):
            message = "" if i in said else next(faults((begin, close, mixed)), "")
            if message:
                said.add(i)
                mend = message.replace(MOVE, "name another date")
                yield (key, i), f"{begin.date()}: {mend}"


Window = tuple[datetime, datetime, bool]


def _window(data: Any) -> Window | None:
    """Return (start, end, mixed years declared), or None while the clock itself is wrong."""
    clock = mapping(data, "clock")
    try:
        start = datetime.fromisoformat(str(clock.get("start")))
        length = timedelta(days=float(clock.get("days", 1.0)))
        mixed = clock.get("mixed_years", False) is True
        return (start.astimezone(UTC), start.astimezone(UTC) + length, mixed)
    except (ValueError, TypeError, OverflowError):
        return None


def _trace_fault(
    catalogue: Catalogue, kind: str, ref: str, folder: Path, window: Window | None
) -> str:
    """Return what is wrong with a reference, empty when nothing is."""
    source, _, column = ref.rpartition(":") if kind in ("price", "carbon") else (ref, "", "")
    source = source or ref
    if source.lower().endswith((".csv", ".csv.gz")):
        return _file_fault(source, folder)
    ids = sorted(catalogue.entries)
    if source not in catalogue.entries:
        fitting = [i for i in ids if catalogue.entries[i].kind == kind]
        hint = did_you_mean(source, ids)
        hint = did_you_mean(source, fitting) if "known:" in hint else hint
        return f"no trace `{source}`{hint} (see `cosim traces list`)"
    entry = catalogue.entries[source]
    if entry.kind != kind:
        return f"`{source}` is a {entry.kind} trace; a {kind} trace is needed"
    if kind in ("price", "carbon"):
        named = _column_fault(entry, source, column if source != ref else "")
        if named:
            return named
    return _time_fault(entry, column, window) if window and entry.stamped else ""


def _file_fault(source: str, folder: Path) -> str:
    from cosim.traces.catalogue import inside

    try:
        inside(source, folder)
    except TraceError as error:
        return str(error)
    return ""


def _column_fault(entry: Entry, source: str, column: str) -> str:
    known = [name for name in entry.columns if not name.startswith(("filled", "vre"))]
    if column in entry.columns:
        return ""
    if not column:
        return f"name a column: `{source}:<column>`, one of {', '.join(known)}"
    return f"trace `{source}` has no column `{column}`{did_you_mean(column, known)}"


def _time_fault(entry: Entry, column: str, window: Window) -> str:
    start, end, mixed = window
    if mixed:
        return ""
    if entry.calendar == "nominal":
        return (
            f"`{entry.id}` is a typical year, not {start.year}; "
            "declare `clock: {mixed_years: true}` to use it"
        )
    first, last = map(datetime.fromisoformat, (entry.start_utc, entry.end_utc))
    if not first <= start < end <= last:
        return (
            f"`{entry.id}` covers {entry.start_utc} to {entry.end_utc}, the window is "
            f"{_text(start)} to {_text(end)}; {MOVE} or declare clock.mixed_years"
        )
    return _gap_fault(entry, column, start, end)


def _gap_fault(entry: Entry, column: str, start: datetime, end: datetime) -> str:
    for gap in entry.gaps:
        from_, to = _gap_span(gap, entry.step_s)
        if gap.column == column and from_ < end and to > start:
            return f"`{entry.id}:{column}` has a gap from {_text(from_)} to {_text(to)}"
    return ""


def _gap_span(gap: Gap, step_s: float) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(gap.start_utc)
    return start, start + timedelta(seconds=gap.steps * step_s)


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%MZ")


# --- policies -------------------------------------------------------------------------------


def _policy_findings(data: Any) -> Iterator[Finding]:
    policy = mapping(data, "policy")
    named: list[tuple[Loc, Kind, Any]] = [
        (("policy", "compare", i), "schedule", item)
        for i, item in enumerate(sequence(policy, "compare"))
    ]
    if "energy" in policy:
        named.append((("policy", "energy"), "energy", policy["energy"]))
    known: dict[Kind, list[str]] = {}
    for loc, kind, item in named:
        use, at = (item.get("use"), (*loc, "use")) if isinstance(item, dict) else (item, loc)
        if not isinstance(use, str):
            continue
        if kind not in known:
            known[kind] = registered(kind)
        if message := policy_fault(use, kind, known[kind]) or checkpoint_fault(use):
            yield at, message


def registered(kind: Kind) -> list[str]:
    """Return the names of a kind that can be used, in alphabetical order."""
    from cosim.plugins import names

    return names(kind)


def policy_fault(use: str, kind: Kind, known: Sequence[str]) -> str:
    """Return what is wrong with a policy's name, empty when it is known.

    Args:
        use: ``NAME``, ``NAME@CHECKPOINT`` or ``module:Class``, of a scheduling policy also a pair
            ``SCHEDULER+LAYER``; only names are checked here.
        kind: ``schedule`` or ``energy``.
        known: the registered names; where there are none, nothing can be said.
    """
    from cosim.plugins import parted

    schedule, energy = parted(use) if kind == "schedule" else (use, None)
    faults = [_fault(schedule, kind, known)]
    faults += [_fault(energy, "energy", registered("energy"))] if energy is not None else []
    return "; ".join(filter(None, faults))


def _fault(use: str, kind: Kind, known: Sequence[str]) -> str:
    name, at, _ = use.partition("@")
    if ":" in name or not known or name in known:
        return ""
    from cosim.plugins import available, needs_checkpoint

    learners = list(available("learner")) if kind == "schedule" else []
    if name in learners:
        return "" if at else needs_checkpoint(name)
    what = "energy layer" if kind == "energy" else "policy"
    return f"no {what} `{name}`{did_you_mean(name, [*known, *learners])} (see `cosim policies`)"


def checkpoint_fault(use: str) -> str:
    """Return what is wrong with the checkpoint that a scenario names, empty when nothing is.

    A scenario may come from anybody; it leads to no folder outside the one it is used in.
    """
    path = use.partition("@")[2]
    parts = path.replace("\\", "/").split("/")
    if path and (path.startswith(("/", "~")) or ".." in parts or ":" in parts[0]):
        return f"checkpoint `{path}` leads out of the folder; name one inside it, e.g. runs/mine"
    return ""
