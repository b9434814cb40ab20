"""Compiling before others start: on a fresh machine every worker would compile the same kernels.

Compiled code is kept on disk. A parent that compiles first spends the minute once; workers that
start together would each spend it at the same time, on the same cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from cosim.cache import kernels_are_compiled
from cosim.decision import Decision, Observation, SplitRule, WorldInfo
from cosim.jobtable import job_table
from cosim.prepare import Stage
from cosim.rng import stream
from cosim.study.recipe import Recipe
from cosim.traces.jobs import DTYPES, JobSet
from cosim.world.world import World


def compile_once(
    stages: Iterable[Stage | Recipe],
    *,
    compiled: Callable[[], bool] = kernels_are_compiled,
    play: Callable[[Stage], None] | None = None,
) -> None:
    """Compile the fast engine in this process, unless it was compiled before or nobody uses it.

    Args:
        stages: what is about to be run elsewhere.
        compiled: whether this version's kernels are on disk.
        play: runs a stage; default: :func:`play_one_job`.
    """
    stage = next((one for one in stages if one.scenario.engine == "fast"), None)
    if stage is not None and not compiled():
        (play or play_one_job)(stage.prepared() if isinstance(stage, Recipe) else stage)


def play_one_job(stage: Stage) -> None:
    """Run a stage with one job: whatever a run calls is called, and hence compiled."""
    plan = stage.plan(0, _last_minute(stage.window.end_utc_ns - stage.window.start_utc_ns))
    outcome = World(plan, _AtHome(), stream(0, "warm"), name="warm", engine="fast").run()
    job_table(plan, outcome.state, outcome.ledger)


def _last_minute(window_ns: int) -> JobSet:
    """A job of one image that arrives with the window's last instant, so that work is left."""
    columns = {name: np.zeros(1, dtype=dtype) for name, dtype in DTYPES.items()}
    columns["images"][:] = 1
    columns["model_asked"][:] = -1
    columns["arrival_ns"][:] = window_ns - 1
    columns["deadline_ns"][:] = window_ns
    return JobSet(**columns)


class _AtHome:
    """Everything at home with the default steps."""

    def reset(self, world: WorldInfo, rng: np.random.Generator) -> None:
        """Lay out the rule."""
        sites, classes, services = world.n_sites, len(world.classes), world.n_services
        shares = np.zeros((sites, classes, services + 2))
        shares[np.arange(sites), :, world.home_service] = 1.0
        self._rule = SplitRule(shares, np.full((sites, classes, services), world.default_steps))

    def decide(self, observation: Observation) -> Decision:
        """Return the rule."""
        return Decision(self._rule)
