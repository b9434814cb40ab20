"""The paper, figure by figure: each has a file, a way to be made, and claims that are judged.

Figures about a day and figures over an axis are made from runs; learning curves and the table of
training times are read from trainings that are stored, since these take hours. A figure is kept
under a key of all that goes into it, and made anew only when the key changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path

from cosim.errors import UsageError, did_you_mean
from cosim.prepare import stage
from cosim.scenario.load import load_scenario
from cosim.scenario.lock import scenario_hash
from cosim.scenario.study_file import read_study
from cosim.study import paper_day, paper_learning, paper_revenue, paper_settings, paper_sweeps
from cosim.study.addresses import Addresses
from cosim.study.code import code_seal
from cosim.study.paper_finding import Finding, Found, read_finding
from cosim.study.paper_runs import FactStore, Runs, Task, play
from cosim.study.plan import Plan, study_plan
from cosim.study.recipe import Recipe
from cosim.study.shaping_verdict import read_studies

SCALES = {"small": (), "full": ("scale=1",)}
"""What is laid over every figure's scenario; theirs is a tenth of the paper's scale."""
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Terms:
    """How the figures are made.

    Attributes:
        scenarios: folder of their files.
        out: where findings go.
        work: where facts of runs are kept.
        ablation: folder of the shaping ablation.
        training: folder of the trained settings of figures 8 and 10.
        scale: of :data:`SCALES`.
        overrides: ``key=value`` texts over every scenario.
        seeds: instead of the files'.
        policies: besides the files', e.g. a learned one.
        jobs: processes side by side.
    """

    scenarios: Path
    out: Path
    work: Path
    ablation: Path
    training: Path
    scale: str = "small"
    overrides: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    policies: tuple[str, ...] = ()
    jobs: int = 1

    @property
    def laid(self) -> tuple[str, ...]:
        """All that is laid over a scenario."""
        return (*SCALES[self.scale], *self.overrides)

    def besides(self, policies: Sequence[str]) -> tuple[str, ...]:
        """A file's policies, and those that were asked for besides, each once."""
        return tuple(dict.fromkeys((*policies, *self.policies)))


@dataclass(frozen=True)
class Work:
    """A figure that is ready to be made.

    Attributes:
        about: what the paper's figure shows and claims.
        key: fingerprint of what goes into it.
        make: makes it; called with (runs done, of).
    """

    about: str
    key: str
    make: Callable[[Callable[[int, int], None]], Found]


@dataclass(frozen=True)
class Figure:
    """One figure or table of the paper.

    Attributes:
        name: short name, that of its file.
        title: as the paper numbers it, and what it is about.
        lay: reads its file and lays out the work.
    """

    name: str
    title: str
    lay: Callable[[Path, Terms], Work]


# --- kinds of figures -----------------------------------------------------------------------


def _day(make: Callable[[Runs], Found]) -> Callable[[Path, Terms], Work]:
    """From runs of one scenario."""

    def lay(path: Path, terms: Terms) -> Work:
        loaded = load_scenario(path, terms.laid)
        scenario = loaded.scenario
        recipe = Recipe(scenario_hash(scenario), scenario, loaded.folder, code_seal())
        policies = terms.besides([spec.called for spec in scenario.policy.compare])
        seeds = terms.seeds or scenario.seeds
        return _runs_work(scenario.about, [recipe], policies, seeds, terms, make)

    return lay


def _axis(make: Callable[[Plan, Runs], Found]) -> Callable[[Path, Terms], Work]:
    """From a study file."""

    def lay(path: Path, terms: Terms) -> Work:
        text = read_study(path)
        policies = terms.besides(text.study.policies)
        plan = study_plan(text, terms.laid, policies=policies, seeds=terms.seeds, days="window")
        recipes = [point.recipe for point in plan.points]
        drawn = partial(make, plan)
        return _runs_work(plan.about, recipes, plan.policies, plan.seeds, terms, drawn)

    return lay


def _runs_work(
    about: str,
    recipes: Sequence[Recipe],
    policies: tuple[str, ...],
    seeds: tuple[int, ...],
    terms: Terms,
    make: Callable[[Runs], Found],
) -> Work:
    tasks = _tasks(recipes, policies, seeds)
    store = FactStore(terms.work)

    def made(told: Callable[[int, int], None]) -> Found:
        store.begin()
        play(list(tasks.values()), store, terms.jobs, told)
        found = {run: store.get(task.address) for run, task in tasks.items()}
        return make(Runs(policies, seeds, found))

    return Work(about, _key(*(task.address for task in tasks.values())), made)


def _tasks(
    recipes: Sequence[Recipe], policies: Sequence[str], seeds: Sequence[int]
) -> dict[tuple[int, str, int], Task]:
    known, seal = Addresses(), _seal("paper_facts.py")
    return {
        (number, policy, seed): Task(_hash(seal, address), recipe, policy, seed)
        for number, recipe in enumerate(recipes)
        for policy in policies
        for seed, address in known.of(recipe, policy, seeds).items()
    }


def _ablation(make: Callable[..., Found]) -> Callable[[Path, Terms], Work]:
    """From the stored shaping ablation."""

    def lay(path: Path, terms: Terms) -> Work:
        logs = sorted(terms.ablation.glob("*/arms/*.parquet"))
        key = _key(*(_hash_file(log) for log in logs))
        return Work(_about(path), key, lambda told: make(read_studies(terms.ablation)))

    return lay


def _settings(name: str, make: Callable[..., Found]) -> Callable[[Path, Terms], Work]:
    """From the stored trainings of a figure's settings."""

    def lay(path: Path, terms: Terms) -> Work:
        logs = sorted((terms.training / name).glob("*/*/arms/*.parquet"))
        key = _key(*(_hash_file(log) for log in logs))
        read = partial(paper_settings.courses, terms.training, name)
        return Work(_about(path), key, lambda told: make(read()))

    return lay


def _put(path: Path, terms: Terms) -> Work:
    """From what a scenario says."""
    loaded = load_scenario(path, terms.laid)
    on = partial(stage, loaded.scenario, base=Path(loaded.folder))
    key = _key(scenario_hash(loaded.scenario), code_seal())
    return Work(loaded.scenario.about, key, lambda told: paper_revenue.revenue(on()))


def _about(path: Path) -> str:
    return load_scenario(path).scenario.about


FIGURES = (
    Figure("fig02", "Figure 2: earnings against steps", _put),
    Figure("fig04", "Figure 4: steps over the day", _day(paper_day.steps_over_the_day)),
    Figure("fig05", "Figure 5: energy over the day", _day(paper_day.energy_over_the_day)),
    Figure("fig06", "Figure 6: decisions of the last hour", _day(paper_day.last_hour)),
    Figure("fig07", "Figure 7: learning curves", _ablation(paper_learning.curves)),
    Figure("fig08", "Figure 8: weight of shaping", _settings("fig08", paper_learning.weights)),
    Figure("fig09", "Figure 9: other sources of shaping", _ablation(paper_learning.rivals)),
    Figure("fig10", "Figure 10: the shaping model", _settings("fig10", paper_learning.sizes)),
    Figure("fig11", "Figure 11: arrivals", _axis(paper_sweeps.legend)),
    Figure("fig12", "Figure 12: tolerated delay", _axis(paper_sweeps.patience)),
    Figure("fig15", "Figure 15: jobs that may move", _axis(paper_sweeps.mobility)),
    Figure("fig16", "Figure 16: batteries", _axis(paper_sweeps.storage)),
    Figure("fig16-sites", "Figure 16 as printed: number of sites", _axis(paper_sweeps.sites)),
    Figure("fig17", "Figure 17: decisions for sample jobs", _day(paper_day.sample_jobs)),
    Figure("table3", "Table III: training time", _ablation(paper_learning.training_time)),
)


def chosen(names: Sequence[str]) -> list[Figure]:
    """Figures by name; all where none is named.

    Raises:
        UsageError: there is no such figure.
    """
    known = {figure.name: figure for figure in FIGURES}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, list(known))
            raise UsageError(f"no figure is called `{name}`{hint}; all: {', '.join(known)}")
    return [figure for figure in FIGURES if not names or figure.name in names]


def make(figure: Figure, terms: Terms, told: Told) -> bool:
    """Make a figure, unless what is kept of it was made of the same.

    Args:
        figure: the figure.
        terms: how.
        told: called with (name, runs done, of).

    Returns:
        Whether it was made anew.

    Raises:
        CosimError: its file is wrong, or a run failed.
    """
    path = terms.scenarios / f"{figure.name}.yaml"
    work = figure.lay(path, terms)
    kept = read_finding(terms.out, figure.name)
    if kept is not None and kept.key == work.key:
        return False
    found = work.make(partial(told, figure.name))
    Finding(figure.name, work.key, work.about, (path.name,), found).write(terms.out)
    return True


def findings(out: Path) -> list[tuple[Figure, Finding | None]]:
    """What has been made so far, in the order of the paper."""
    return [(figure, read_finding(out, figure.name)) for figure in FIGURES]


# --- keys -----------------------------------------------------------------------------------


def _key(*parts: str) -> str:
    """A figure's key: what went into it, and the code that judges."""
    return _hash(_seal("paper*.py", "statistics.py", "interquartile.py"), *parts)


@cache
def _seal(*patterns: str) -> str:
    here = Path(__file__).parent
    files = [file for pattern in patterns for file in sorted(here.glob(pattern))]
    return _hash(*(f"{file.name} {_hash_file(file)}" for file in files))


def _hash_file(path: Path) -> str:
    return blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _hash(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
