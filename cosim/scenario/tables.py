"""Names in a scenario that must stand in the profile tables: GPUs, profiles, samplers, turbines.

Like :mod:`cosim.scenario.names` this reads the resolved data, so that it also runs on the sound
parts of a scenario that has other mistakes, and needs no more than the tables' CSV files. What a
scenario gives by its own figures is not looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cosim.errors import TraceError, did_you_mean
from cosim.scenario.resolved import Finding, mapping, sequence, text, whole
from cosim.scenario.yaml12 import Loc


def findings(data: Any) -> Iterator[Finding]:
    """Yield every name that no profile table has, with its location in the resolved data."""
    models = _as_run(data)
    unknown = dict(reversed(list(_unknown_profiles(data))))  # the first site counts
    for name, model in models.items():
        if name in unknown:
            yield unknown[name]
        yield from _sampler(str(name), model)
    for name, site in mapping(data, "sites").items():
        place: Loc = ("sites", str(name))
        yield from _turbine(place, mapping(site, "wind"))
    known = {key: model for key, model in models.items() if key not in unknown}
    for pool in _pools(data):
        strange = list(_gpus(pool.place, pool.gpus))
        yield from strange or _services(pool, known)


class _Pool(NamedTuple):
    """A pool of GPUs as the data has it, and where it and its models stand there."""

    place: Loc
    gpus: dict[Any, Any]
    models_at: Loc
    models: list[Any]


def _pools(data: Any) -> Iterator[_Pool]:
    """Yield every pool of every site."""
    for name, site in mapping(data, "sites").items():
        place: Loc = ("sites", str(name))
        at_site = (*place, "models"), sequence(site, "models")
        yield _Pool((*place, "gpus"), mapping(site, "gpus"), *at_site)
        for key, pool in mapping(site, "pools").items():
            at = (*place, "pools", str(key))
            listed = sequence(pool, "models")
            own = ((*at, "models"), listed) if listed else at_site
            yield _Pool(at, pool if isinstance(pool, dict) else {}, *own)


def _names(table: str, column: str) -> list[str]:
    """Names of a column of a table, sorted."""
    from cosim.traces.profile_rows import rows_of

    return sorted({row.text(column) for row in rows_of(table, None)})


def _as_run(data: Any) -> dict[Any, Any]:
    """The models, adapters with what they take from their bases."""
    models, found = mapping(data, "models"), {}
    for name, model in models.items():
        base = text(model, "adapter_of")
        found[name] = model
        if base is not None and isinstance(models.get(base), dict):
            taken = ("stack",) if "px" in model else ("stack", "px", "timing")
            inherited = {key: models[base][key] for key in taken if key in models[base]}
            profile = text(models[base], "profile") or base
            found[name] = {"profile": profile, **inherited, **model}
    return found


# --- models ---------------------------------------------------------------------------------


def _own_timing(model: Any, kind: str) -> bool:
    return kind in mapping(model, "timing")


def _deployed(data: Any) -> Iterator[tuple[str, str]]:
    """Yield (model, GPU kind) of every pool that names both."""
    for pool in _pools(data):
        kind = text(pool.gpus, "kind")
        for name in pool.models:
            if kind is not None and isinstance(name, str):
                yield name, kind


def _unknown_profiles(data: Any) -> Iterator[tuple[str, Finding]]:
    """Yield models whose profile no row of the service table has, on any GPU."""
    models, known = _as_run(data), _names("services", "model")
    for name, kind in _deployed(data):
        model = models.get(name)
        if not isinstance(model, dict) or _own_timing(model, kind):
            continue
        profile = text(model, "profile")
        if (profile or name) not in known:
            loc: Loc = ("models", name, "profile") if profile else ("models", name)
            fix = f"; name a `profile:` of the table, or give timing.{kind}"
            said = f"no profile `{profile or name}`{did_you_mean(profile or name, known)}{fix}"
            yield name, (loc, said)


def _sampler(name: str, model: Any) -> Iterator[Finding]:
    """Find a sampler that was not published for the model, or without a score."""
    from cosim.traces.service_tables import sampler

    chosen = model.get("sampler") if isinstance(model, dict) else None
    loc: Loc = ("models", name, "sampler")
    if isinstance(chosen, dict) and chosen.get("kind", "published") == "published":
        chosen, steps, loc = chosen.get("name"), whole(chosen, "steps"), (*loc, "name")
    else:
        steps = None
    if isinstance(chosen, str):
        fix = "; or describe it: {kind: own, step_gain: ..., time_factor: ..., ceiling: ...}"
        fault = _fault(sampler, text(model, "profile") or name, chosen, steps=steps)
        if fault:
            yield loc, fault + fix


def _services(pool: _Pool, models: dict[Any, Any]) -> Iterator[Finding]:
    """Find models without figures for the GPUs of a pool."""
    from cosim.traces.profiles import service_profile

    kind = text(pool.gpus, "kind")
    for i, name in enumerate(pool.models):
        model = models.get(name) if isinstance(name, str) else None
        if kind is None or not isinstance(model, dict):
            continue
        batches = text(model, "profile") or name
        if not _own_timing(model, kind):
            asked = {"px": whole(model, "px"), "stack": text(model, "stack")}
            fault = _fault(service_profile, batches, kind, **asked, nearest_px=True)
            if fault:
                yield (*pool.models_at, i), f"{fault}; or give `models.{name}.timing.{kind}`"
                continue
        yield from _batches(pool.place, pool.gpus, name, model)


def _batches(place: Loc, gpus: Any, name: str, model: Any) -> Iterator[Finding]:
    """Find batches of which nothing is known."""
    from cosim.traces.service_tables import batch_curve

    kind = str(gpus["kind"])
    own = mapping(mapping(model, "timing"), kind).get("batch")
    if own is not None or (whole(gpus, "batch_max") or 1) == 1:
        return
    fault = _fault(batch_curve, text(model, "profile") or name, kind)
    if fault:
        fix = f"; give `models.{name}.timing.{kind}.batch: {{fixed_share: ...}}`"
        said = f"how steps of `{name}` grow in a batch is not known: {fault}{fix}"
        yield (*place, "batch_max"), said


# --- hardware -------------------------------------------------------------------------------


def _gpus(place: Loc, gpus: Any) -> Iterator[Finding]:
    """Find a GPU kind of which something is left to tables that do not have it."""
    kind = text(gpus, "kind")
    if kind is None:
        return
    known = _names("gpus", "kind")
    asked = {"gpus": ("idle_w", "server_w"), "dvfs": ("clock",)}
    missing = [
        key
        for table, column in (("gpus", "kind"), ("dvfs", "gpu"))
        if kind not in _names(table, column)
        for key in asked[table]
        if gpus.get(key) is None
    ]
    if missing:
        fix = f"; a kind of your own needs {', '.join(missing)}"
        yield (*place, "kind"), f"no GPU kind `{kind}`{did_you_mean(kind, known)}{fix}"
        return
    sleep = gpus.get("sleep")
    if isinstance(sleep, dict) and (sleep.get("sleep_w") is None or sleep.get("wake_s") is None):
        kinds = _names("sleep", "gpu")
        if kind not in kinds:
            said = f"no figures of the sleep of a `{kind}` (known: {', '.join(kinds)})"
            yield (*place, "sleep"), f"{said}; give sleep_w and wake_s"
    embodied = gpus.get("embodied")
    if isinstance(embodied, dict) and embodied.get("gpu_kg") is None:
        kinds = _names("embodied", "gpu")
        if kind not in kinds:
            said = f"no figure of making a `{kind}` (known: {', '.join(kinds)}); give gpu_kg"
            yield (*place, "embodied"), said


def _turbine(place: Loc, wind: Any) -> Iterator[Finding]:
    name = text(wind, "turbine")
    if name is not None:
        known = _names("wind_turbines", "turbine")
        if name not in known:
            said = f"no turbine `{name}`{did_you_mean(name, known)}"
            yield (*place, "wind", "turbine"), said


def _fault(read: Any, *names: Any, **asked: Any) -> str:
    """Return why a row cannot be had, without the name of the file."""
    try:
        read(*names, **asked)
    except TraceError as error:
        return str(error).partition(".csv")[2].partition(": ")[2] or str(error)
    return ""
