"""``cosim show``: a scenario in words, and with ``--levers`` what is at stake in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cosim.cli import console, options
from cosim.errors import ScenarioError

if TYPE_CHECKING:
    from cosim.scenario.load import Loaded
    from cosim.scenario.model import Scenario, Site
    from cosim.study.levers import Lever, LeverTable

BAD_SCENARIO = ScenarioError.exit_code


@click.command("show")
@options.scenario_argument
@options.overrides_option
@click.option("--levers", is_flag=True, help="Measure what each lever is worth (takes minutes).")
@options.seeds_options
@options.jobs_option
@options.json_option
@options.quiet_option
def command(
    scenario: str,
    overrides: tuple[str, ...],
    levers: bool,
    seeds: tuple[int, ...] | None,
    seed: int | None,
    jobs: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what SCENARIO contains; --levers exits 3 when something in it does not matter."""
    loaded = options.load(scenario, overrides)
    if levers:
        chosen = options.chosen_seeds(seeds, seed)
        _levers(loaded, chosen, jobs, as_json=as_json, quiet=quiet)
    elif as_json:
        console.emit_json({"scenario": loaded.resolved, "traces": _traces(loaded)})
    else:
        _summary(loaded)
        console.next_step(f"cosim show {scenario} --levers")


# --- what it contains -----------------------------------------------------------------------


def _summary(loaded: Loaded) -> None:
    scenario = loaded.scenario
    clock = scenario.clock
    slots = round(clock.days * 1440 / clock.slot_minutes)
    console.say(f"{scenario.name}: {scenario.about}".rstrip(": "))
    console.say(
        f"  {clock.start:%Y-%m-%dT%H:%MZ}, {clock.days:g} days = {slots} slots of "
        f"{clock.slot_minutes:g} min; scale {scenario.scale:g}, replicas {scenario.replicas}"
    )
    console.say(f"  {_demand(scenario)}")
    compared = ", ".join(spec.called for spec in scenario.policy.compare)
    console.say(f"  compares {compared} over energy layer {scenario.policy.energy.use}")
    console.table(
        ("site", "GPUs", "models", "solar", "wind", "battery", "cooling", "price", "carbon"),
        [_site_row(name, site, scenario.scale) for name, site in scenario.sites.items()],
        title="sites, at this scale",
    )
    if traces := _traces(loaded):
        rows = [(t["at"], t["trace"], t["coverage"], t["owner"]) for t in traces]
        console.table(("used for", "trace", "coverage", "owner"), rows, title="traces")


def _demand(scenario: Scenario) -> str:
    workload = scenario.workload
    images, steps = _mean(workload.images), _mean(workload.steps_asked)
    marks = f"{images:.2f} images a job, {steps:.1f} steps asked, "
    marks += f"{100 * workload.transferable:g} % may leave home"
    arrivals = workload.arrivals
    if arrivals.kind == "replay":
        return f"jobs replayed from {arrivals.trace}: {marks}"
    a_day = arrivals.jobs_per_day * workload.scale * scenario.scale
    return f"{a_day:,.0f} jobs a day ({arrivals.process.kind}): {marks}"


def _mean(weights: dict[int, float]) -> float:
    return sum(k * w for k, w in weights.items()) / sum(weights.values())


def _site_row(name: str, site: Site, scale: float) -> tuple[str, ...]:
    from cosim.scenario.pools import deployed_models

    pools = (site.gpus, *site.pools.values())
    return (
        name,
        ", ".join(f"{round(pool.count * scale)} {pool.kind}" for pool in pools),
        ", ".join(deployed_models(site)),
        f"{site.pv.peak_kw * scale:,.0f} kW" if site.pv else "–",
        f"{site.wind.rated_kw * scale:,.0f} kW" if site.wind else "–",
        f"{site.battery.capacity_kwh * scale:,.1f} kWh" if site.battery else "–",
        site.cooling.kind if site.room is None else f"{site.cooling.kind}, room",
        site.grid.price.kind,
        site.grid.carbon.kind,
    )


def _traces(loaded: Loaded) -> list[dict[str, str]]:
    from cosim.scenario.names import trace_refs
    from cosim.traces.catalogue import Catalogue

    entries = Catalogue.load().entries
    rows = []
    for loc, _, ref in trace_refs(loaded.resolved):
        entry = entries.get(ref) or entries.get(ref.rpartition(":")[0])
        span = f"{entry.start_utc[:10]} – {entry.end_utc[:10]}" if entry else "beside the YAML"
        coverage = f"typical year ({span})" if entry and entry.calendar == "nominal" else span
        owner = entry.owner if entry else "yours"
        at = ".".join(map(str, loc)).removesuffix(".trace")
        rows.append({"at": at, "trace": ref, "coverage": coverage, "owner": owner})
    return rows


# --- what is at stake -----------------------------------------------------------------------


def _levers(
    loaded: Loaded, seeds: tuple[int, ...] | None, jobs: int, *, as_json: bool, quiet: bool
) -> None:
    from cosim.study.levers import levers

    console.tell_of_compiling(loaded.scenario.engine, quiet=quiet)
    with console.progress("levers", quiet=quiet) as advance:
        found = levers(loaded, seeds=seeds, jobs=jobs, progress=advance)
    if as_json:
        console.emit_json(found.to_json())
    if not quiet:
        _lever_table(found)
    again = f"retune {loaded.path} until every lever matters (keys: docs/scenario.md)"
    if not quiet:
        console.next_step(f"cosim compare {loaded.path}" if found.passed else again)
    if not found.passed:
        click.get_current_context().exit(BAD_SCENARIO)


def _lever_table(found: LeverTable) -> None:
    from cosim.report.words import percent

    console.table(
        ("site", "steps", "mean load", "fullest hour"),
        [(row.site, str(row.steps), percent(row.mean), percent(row.peak)) for row in found.loads],
        title="load if every job ran at its home with one step count",
    )
    console.table(
        ("lever", "effect", "95 % CI", "needed", "matters", "detail"),
        [_lever_row(row) for row in found.rows],
        title=f"what switching each lever off costs, under {found.policy} over {found.energy}",
    )


def _lever_row(row: Lever) -> tuple[str, ...]:
    from cosim.report.words import number, percent

    def amount(value: float) -> str:
        return percent(value, 2) if row.unit == "1" else f"{number(value, 2)} {row.unit}"

    interval = f"[{', '.join(map(amount, row.ci95))}]" if row.ci95 else ""
    matters = "yes" if row.passed else "NO"
    effects = (amount(row.effect), interval, amount(row.threshold))
    return (row.name, *effects, matters, row.detail)
