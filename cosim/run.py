"""One run: a scenario, a policy and a seed become a ledger, a job table and key figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cosim.decision import Layered, Policy
from cosim.jobtable import JobTable, job_table
from cosim.ledger import Ledger
from cosim.metrics import PARTS, UNSTABLE, Books, kpis
from cosim.plugins import load_policy, parted
from cosim.prepare import Stage, stage
from cosim.prepare.embodied import embodied
from cosim.rng import stream
from cosim.scenario.load import Loaded
from cosim.scenario.model import Scenario
from cosim.scenario.pools import pool_sites
from cosim.settle import post_jobs, settle_storage
from cosim.traces.catalogue import bundled
from cosim.world.plan import Plan
from cosim.world.world import Outcome, World

if TYPE_CHECKING:
    from cosim.world.world import Progress, Watcher

FloatArray = NDArray[np.float64]
QUANTUM_KWH = 1e-6
QUANTUM_USD = 1e-6


@dataclass(frozen=True)
class RunResult:
    """Everything that a run leaves behind.

    Attributes:
        scenario: the scenario.
        scenario_yaml: its lock: the fully resolved YAML.
        policy: name of the scheduling policy.
        energy: name of the energy layer.
        seed: the seed.
        ledger: energy, money and state per slot and site.
        jobs: the fate of every job.
        bins: power per meter bin and site; column → (bins, sites).
        kpis: key figures by the names of the nomenclature.
        clips: numbers moved into their feasible range: field → site → count.
        digest: fingerprint over integers and rounded quanta; equal for equal runs anywhere.
        provenance: where each series came from.
        warnings: what a reader should know.
        versions: versions of cosim and what it stands on.
        wall_s: wall-clock time of the run [s].
        cpu_s: processor time of the run [s].
    """

    scenario: Scenario
    scenario_yaml: str
    policy: str
    energy: str
    seed: int
    ledger: Ledger
    jobs: JobTable
    bins: dict[str, FloatArray]
    kpis: dict[str, float]
    clips: dict[str, dict[str, int]]
    digest: str
    provenance: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    wall_s: float = 0.0
    cpu_s: float = 0.0


def make_policy(
    scenario: Scenario, policy: str | None, energy: str | None, base: Path | None = None
) -> Layered:
    """Build the two layers: a scheduling policy over an energy layer.

    Args:
        scenario: gives options of policies that it names, and the energy layer by default.
        policy: name of the scheduling policy; default: the first that the scenario compares. A
            pair ``SCHEDULER+LAYER`` brings its energy layer along.
        energy: name of the energy layer of policies that bring none; default: the scenario's.
        base: folder of the YAML; a checkpoint that the scenario names lies there.
    """
    name = policy or scenario.policy.compare[0].called
    chosen, inner = layers_of(scenario, name, energy)
    spec = scenario.policy.called(name) or scenario.policy.called(chosen)
    layer = scenario.policy.energy
    return Layered(
        load_policy(placed(chosen, scenario, base), spec.options if spec else {}, kind="schedule"),
        load_policy(inner, layer.options if layer.use == inner else {}, kind="energy"),
    )


def placed(name: str, scenario: Scenario, base: Path | None) -> str:
    """A policy's name, with the checkpoint that the scenario itself names found.

    As with traces, it lies beside the YAML, or among those that come with the package.
    """
    policy, at, checkpoint = name.partition("@")
    own = any(parted(spec.use)[0] == name for spec in scenario.policy.compare)
    if not checkpoint or not own or Path(checkpoint).is_absolute():
        return name
    beside, shipped = (base or Path()) / checkpoint, bundled("scenarios") / checkpoint
    return f"{policy}{at}{shipped if shipped.exists() and not beside.exists() else beside}"


def layers_of(scenario: Scenario, policy: str, energy: str | None) -> tuple[str, str]:
    """Names of the scheduler and of the energy layer under it, the nearest word holding.

    Args:
        scenario: its energy layer holds where nothing else is said.
        policy: a scheduler, or a pair, whose own layer holds always; or what the scenario calls
            one of these.
        energy: the energy layer of policies that bring none; None: the scenario's.
    """
    spec = scenario.policy.called(policy)
    schedule, own = parted(spec.use if spec else policy)
    return schedule, own or energy or scenario.policy.energy.use


def run(
    what: Loaded | Scenario | Stage,
    *,
    policy: str | None = None,
    energy: str | None = None,
    seed: int = 1,
    progress: Progress | None = None,
    watch: Watcher | None = None,
    make: Callable[[], Policy] | None = None,
    engine: str | None = None,
    plan: Plan | None = None,
    lock: str | None = None,
) -> RunResult:
    """Run a scenario once.

    Args:
        what: a loaded YAML, a scenario, or a stage that was prepared before.
        policy: name of the scheduling policy, or a pair ``SCHEDULER+LAYER``; default: the first
            that the scenario compares.
        energy: name of the energy layer of policies that bring none; default: the scenario's.
        seed: the seed.
        progress: called with (slots done, slots in all).
        watch: called with every observation and its feasible decision.
        make: builds the policy instead of loading it by name.
        engine: ``reference`` or ``fast``; default: the scenario's. Results are the same.
        plan: what the stage's ``plan(seed)`` gives, where it was made before.
        lock: what the result is to say in ``scenario_yaml``; default: the scenario's lock.

    Returns:
        The result; running the same again gives the same digest.

    Raises:
        CosimError: of the kind that tells what is wrong.
    """
    on = staged(what)
    wall, cpu = perf_counter(), process_time()
    scenario = on.scenario
    name = policy or scenario.policy.compare[0].called
    schedule, inner = layers_of(scenario, name, energy)
    layers = make() if make is not None else make_policy(scenario, policy, energy, on.base)
    ahead = on.plan(seed) if plan is None else plan
    foresee(layers, ahead)
    world = World(
        ahead,
        layers,
        stream(seed, "policy", schedule),
        name=name,
        watch=watch,
        progress=progress,
        engine=engine or scenario.engine,
        decide_limit_ms=scenario.policy.decide_limit_ms,
    )
    outcome = world.run()
    result = _result(on, outcome, name, inner, seed, wall, cpu)
    text = on.lock if lock is None else lock
    return replace(result, scenario_yaml=text, warnings=result.warnings + _remarks(layers))


def foresee(layers: Policy, plan: Plan) -> None:
    """Show a policy that replays the best course in hindsight what that is."""
    for layer in (layers, getattr(layers, "schedule", None), getattr(layers, "energy", None)):
        hook = getattr(layer, "foresee", None)
        if hook is not None:
            from cosim.hindsight import hindsight

            found = hindsight(plan)
            hook(found.plant, found.groups, found.outlook, found.course)


def _remarks(layers: Policy) -> list[str]:
    """What the layers say of the run, e.g. that a solver gave no answer."""
    both = (layers, getattr(layers, "schedule", None), getattr(layers, "energy", None))
    return [text for layer in both for text in getattr(layer, "remarks", list)()]


def staged(what: Loaded | Scenario | Stage) -> Stage:
    """Prepare what is not prepared yet."""
    if isinstance(what, Stage):
        return what
    if isinstance(what, Scenario):
        return stage(what)
    return stage(what.scenario, base=Path(what.folder))


def _result(
    on: Stage, outcome: Outcome, name: str, energy: str, seed: int, wall: float, cpu: float
) -> RunResult:
    plan = outcome.plan
    jobs = job_table(plan, outcome.state, outcome.ledger)
    ledger = settle_storage(post_jobs(outcome.ledger, jobs), plan)
    clips = {
        what: {site: int(n) for site, n in zip(plan.info.sites, per_site, strict=True) if n}
        for what, per_site in outcome.clips.items()
    }
    books = Books(
        ledger,
        jobs,
        plan.info.quality,
        plan.info.steps,
        plan.info.replicas,
        outcome.decide_ns,
        sum(sum(sites.values()) for sites in clips.values()),
        outcome.numbers,
        tuple(rack.count for rack in on.racks),
        tuple(embodied(on.scenario)[0]),
        tuple(site.grid.fossil_g_per_kwh for site in pool_sites(on.scenario).values()),
        absent(on.scenario, plan),
        outcome.overruns,
        tuple(plan.info.place.tolist()),
    )
    return RunResult(
        scenario=on.scenario,
        scenario_yaml="",
        policy=name,
        energy=energy,
        seed=seed,
        ledger=ledger,
        jobs=jobs,
        bins=outcome.bins,
        kpis=kpis(books),
        clips=clips,
        digest=digest(ledger, jobs),
        provenance=[record.row() for record in on.provenance],
        warnings=notes(on) + outcome.notes,
        versions=versions(),
        wall_s=perf_counter() - wall,
        cpu_s=process_time() - cpu,
    )


def absent(scenario: Scenario, plan: Plan) -> frozenset[str]:
    """Key figures of what the scenario does not have: supply parts, rooms, sleep and more."""
    rooms = any(site.room is not None for site in plan.sites)
    ages = any(site.ageing is not None for site in plan.sites)
    there = supply_parts(scenario)
    missing = [names for part, names in PARTS.items() if part not in there]
    missing += [] if rooms else [frozenset({"over_temp_h", "throttled_gpu_h"})]
    missing += [] if scenario.policy.decide_limit_ms else [frozenset({"decide_overruns"})]
    missing += [names for names, there in _service_figures(plan) if not there]
    return frozenset().union(*missing, () if ages else {"fade_percent"})


def _service_figures(plan: Plan) -> list[tuple[frozenset[str], bool]]:
    """Key figures of queues and of sleep, and whether a site of the plan has what they tell."""
    return [
        (frozenset({"turned_away_share"}), any(s.queue_limit is not None for s in plan.sites)),
        (frozenset({"given_up_share"}), any(s.gives_up for s in plan.sites)),
        (frozenset({"asleep_share"}), any(s.sleep is not None for s in plan.sites)),
    ]


def supply_parts(scenario: Scenario) -> frozenset[str]:
    """Optional parts of a site's supply that a scenario has (:data:`cosim.metrics.PARTS`)."""
    sites = scenario.sites.values()
    there = {
        "tariff": any(site.grid.tariff is not None for site in sites),
        "curtailment": any(site.grid.connection.curtailment_usd_per_kwh for site in sites),
        "backup": any(site.backup is not None for site in sites),
        "demand response": any(site.grid.demand_response is not None for site in sites),
    }
    return frozenset(part for part, has in there.items() if has)


def digest(ledger: Ledger, jobs: JobTable) -> str:
    """Fingerprint of a run over integers and rounded quanta (numpy's last bits differ by CPU)."""
    from cosim.ledger import FLOWS, METERS, MONEY

    seal = blake2b(digest_size=16)
    for name in (
        "service",
        "steps",
        "gpu",
        "decided_ns",
        "landed_ns",
        "start_ns",
        "finish_ns",
        "delivered_ns",
        "energy_pj",
    ):
        seal.update(np.ascontiguousarray(getattr(jobs, name), dtype="<i8").tobytes())
    if (jobs.dropped_ns >= 0).any():
        seal.update(np.ascontiguousarray(jobs.dropped_ns, dtype="<i8").tobytes())
    for columns, quantum in (((*METERS, *FLOWS), QUANTUM_KWH), (MONEY, QUANTUM_USD)):
        for name in columns:
            rounded = np.rint(ledger.data[name] / quantum)
            seal.update(np.ascontiguousarray(rounded, dtype="<i8").tobytes())
    return seal.hexdigest()


def notes(on: Stage) -> list[str]:
    """What a reader of the results should know."""
    moved = [
        f"mixed years: {r.used_for} uses `{r.ref}`, moved by {r.shift_days} days"
        for r in on.provenance
        if r.shift_days
    ]
    typical = [
        f"typical year: {r.used_for} uses `{r.ref}`, which belongs to no real year"
        for r in on.provenance
        if r.calendar == "nominal"
    ]
    assumed = [
        f"assumed: {r.assumed} ({r.used_for}, `{r.ref}`)" for r in on.provenance if r.assumed
    ]
    return moved + typical + assumed


def versions() -> dict[str, str]:
    """Versions of cosim and of the libraries that numbers depend on."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from cosim import __version__

    found = {"cosim": __version__, "python": platform.python_version()}
    for name in ("simpy", "numpy", "pandas", "pvlib", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


__all__ = ["UNSTABLE", "RunResult", "digest", "make_policy", "placed", "run", "staged", "versions"]
