"""The paper-scale day: from a prepared plan to job table, ledger and bins on disk.

``scenarios/paper/base.yaml`` with the whole facility, under one policy that decides job by job in
the engine and one that leaves everything at home. Traces are read and the sun is computed before;
drawing the jobs is told apart. Both engines are compared on the same system at a small scale.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from cosim.bench.machine import peak_mb
from cosim.bench.measure import one_process, turns
from cosim.bench.sheet import (
    Row,
    Sheet,
    Terms,
    amount_column,
    number_column,
    spread,
    spread_column,
)
from cosim.prepare import Stage
from cosim.run import run, staged
from cosim.scenario.load import load_scenario
from cosim.store import save_run
from cosim.traces.catalogue import bundled

POLICIES = ("greedy-utility", "home")
SMALL_SCALE = 0.05
COLUMNS = (
    spread_column("CPU s", "cpu_s"),
    number_column("run s", "run_cpu_s", 3),
    number_column("files s", "files_cpu_s", 3),
    number_column("(drawing s)", "draw_cpu_s", 3),
    amount_column("jobs/s", "jobs_per_s"),
    amount_column("steps/s", "steps_per_s"),
    number_column("peak MB", "peak_mb"),
    number_column("files MB", "files_mb", 1),
)
_SEED = 1


@dataclass(frozen=True)
class Lap:
    """One day.

    Attributes:
        draw_s: processor time for drawing the jobs [s].
        run_s: for the run with job table, settlement and key figures [s].
        files_s: for writing what it leaves behind [s].
        jobs: jobs.
        steps: denoising steps of the simulated jobs.
        peak_mb: most memory of the process so far [MiB].
        files_mb: size of the files [MB].
        digest: the run's digest.
    """

    draw_s: float
    run_s: float
    files_s: float
    jobs: int
    steps: int
    peak_mb: float
    files_mb: float
    digest: str


def day(letter: str, terms: Terms) -> Sheet:
    """Time the paper-scale day under each policy, in a process of its own, in turns."""
    path = bundled("scenarios") / "paper" / "base.yaml"
    small = staged(load_scenario(path, [f"scale={SMALL_SCALE}"]))
    laps: dict[str, list[Lap]] = {policy: [] for policy in POLICIES}
    with ExitStack() as stack:
        processes = {policy: stack.enter_context(one_process()) for policy in POLICIES}
        terms.tell(f"both engines at scale {SMALL_SCALE:g}")
        same = [processes[policy].submit(agree, small, policy).result() for policy in POLICIES]
        whole = staged(load_scenario(path))
        for policy in turns(dict.fromkeys(POLICIES, terms.repeat)):
            terms.tell(f"whole day: {policy} {len(laps[policy]) + 1}/{terms.repeat}")
            laps[policy].append(processes[policy].submit(lap, whole, policy).result())
    rows = {policy: _row(found) for policy, found in laps.items()}
    steady = all(len({one.digest for one in found}) == 1 for found in laps.values())
    note = f"reference and fast were compared at scale {SMALL_SCALE:g}; the day is the fast engine"
    slots, sites = whole.window.slots, len(whole.scenario.sites)
    title = f"size {letter}: paper/base, {slots} slots, {sites} sites, to files on disk"
    return Sheet(letter, title, "policies", "policy", COLUMNS, rows, all(same) and steady, (note,))


def agree(small: Stage, policy: str) -> bool:
    """Whether both engines give the same run; compiles and imports what a day needs."""
    runs = [run(small, policy=policy, seed=_SEED, engine=name) for name in ("reference", "fast")]
    with TemporaryDirectory() as folder:
        save_run(Path(folder), runs[-1])
    return runs[0].digest == runs[1].digest


def lap(whole: Stage, policy: str) -> Lap:
    """One day in this process."""
    began = process_time()
    jobs = whole.jobs(_SEED)
    drawn = process_time()
    result = run(whole, policy=policy, seed=_SEED, engine="fast", plan=whole.plan(_SEED, jobs))
    ran = process_time()
    with TemporaryDirectory() as folder:
        save_run(Path(folder), result)
        written = process_time()
        files_mb = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
    steps = result.jobs.steps.astype("int64") * result.jobs.images
    return Lap(
        draw_s=drawn - began,
        run_s=ran - drawn,
        files_s=written - ran,
        jobs=len(jobs),
        steps=int(steps[result.jobs.ran].sum()),
        peak_mb=peak_mb(),
        files_mb=files_mb,
        digest=result.digest,
    )


def _row(laps: list[Lap]) -> Row:
    times = spread("cpu_s", [one.run_s + one.files_s for one in laps])
    first = laps[0]
    return {
        **times,
        "run_cpu_s": median(one.run_s for one in laps),
        "files_cpu_s": median(one.files_s for one in laps),
        "draw_cpu_s": median(one.draw_s for one in laps),
        "repeats": len(laps),
        "jobs": first.jobs,
        "steps": first.steps,
        "jobs_per_s": first.jobs / times["cpu_s"],
        "steps_per_s": first.steps / times["cpu_s"],
        "peak_mb": first.peak_mb,
        "files_mb": first.files_mb,
        "digest": first.digest,
    }
