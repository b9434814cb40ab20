"""An hour of a run as a timeline for ui.perfetto.dev or chrome://tracing (Trace Event Format).

Each site is a process; each of its GPUs a thread with a bar per job, and a bar for each denoising
step where one image is made after another. Jobs that wait stand on a track of their own, transfers
between sites on another; queue, busy share, powers, charge and price are counters. Times are
microseconds of the simulation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cosim.ledger import Ledger
from cosim.quantities import NS_PER_HOUR
from cosim.report.hours import Hour
from cosim.report.inputs import Ints, Jobs, Run
from cosim.scenario.pools import pool_sites
from cosim.store.atomic import write_text

Event = dict[str, Any]
NS_PER_US = 1000
QUEUE, TRANSFER, FIRST_GPU = 1, 2, 10
_POWERS = ("compute_kwh", "cooling_kwh", "solar_kwh", "wind_kwh", "import_kwh", "export_kwh")


def write_timeline(run: Run, hour: Hour, path: Path, *, steps: bool = False) -> int:
    """Write an hour of a run.

    Args:
        run: the run.
        hour: jobs that waited, moved or ran in it are written whole.
        path: the JSON file; it appears complete or not at all.
        steps: write denoising steps too, where GPUs make one image after another.

    Returns:
        How many events were written.
    """
    events = list(timeline(run, hour, steps=steps))
    about = {"scenario": run.scenario.name, "policy": run.policy, "seed": run.seed}
    start = {"start": f"{hour.start:%Y-%m-%dT%H:%M:%SZ}", "digest": run.digest}
    head = {"displayTimeUnit": "ms", "otherData": {**about, **start}}
    text = json.dumps({**head, "traceEvents": events}, allow_nan=False, separators=(",", ":"))
    write_text(path, text)
    return len(events)


def timeline(run: Run, hour: Hour, *, steps: bool = False) -> Iterator[Event]:
    """Yield the events of an hour: names first, then jobs by number, then counters by slot."""
    jobs, sites = run.jobs, run.ledger.sites
    found = jobs_in(jobs, hour)
    yield from _names(jobs, found, sites)
    alone = [pool.gpus.batch_max == 1 for pool in pool_sites(run.scenario).values()]
    for job in found.tolist():
        yield from _job(jobs, job, sites, steps=steps and alone[int(jobs.site[job])])
    yield from _counters(run.ledger, hour)


def jobs_in(jobs: Jobs, hour: Hour) -> Ints:
    """Jobs that were placed somewhere and had arrived but not ended at some time of the hour."""
    ended_ns = np.where(jobs.delivered_ns >= 0, jobs.delivered_ns, jobs.landed_ns)
    placed = jobs.site >= 0
    return np.flatnonzero(placed & (jobs.arrival_ns < hour.end_ns) & (ended_ns >= hour.start_ns))


def _names(jobs: Jobs, found: Ints, sites: tuple[str, ...]) -> Iterator[Event]:
    for pid, site in enumerate(sites, start=1):
        yield _meta("process_name", pid, 0, name=site)
        tracks = [(QUEUE, "waiting"), (TRANSFER, "on the way here")]
        gpus = np.unique(jobs.gpu[found[(jobs.site[found] == pid - 1) & (jobs.gpu[found] >= 0)]])
        tracks += [(FIRST_GPU + gpu, f"GPU {gpu}") for gpu in gpus.tolist()]
        for tid, name in tracks:
            yield _meta("thread_name", pid, tid, name=name)
            yield _meta("thread_sort_index", pid, tid, sort_index=tid)


def _meta(kind: str, pid: int, tid: int, **args: Any) -> Event:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": args}


def _job(jobs: Jobs, job: int, sites: tuple[str, ...], *, steps: bool) -> Iterator[Event]:
    """What one job did: on the way, waiting, on a GPU, its denoising steps."""
    at = {name: int(getattr(jobs, f"{name}_ns")[job]) for name in _INSTANTS}
    pid, gpu = int(jobs.site[job]) + 1, FIRST_GPU + int(jobs.gpu[job])
    if at["landed"] > at["decided"]:
        yield from _spell("transfer", job, pid, TRANSFER, at["decided"], at["landed"])
    if at["start"] < 0:
        return
    if at["start"] > at["landed"]:
        yield from _spell("waiting", job, pid, QUEUE, at["landed"], at["start"])
    word = "late" if jobs.late[job] else "on time"
    told = {
        "home": sites[int(jobs.home[job])],
        "images": int(jobs.images[job]),
        "steps": int(jobs.steps[job]),
        "tolerated_s": (int(jobs.deadline_ns[job]) - at["arrival"]) / 1e9,
        "fate": word,
    }
    if at["finish"] < 0:
        return
    yield _bar(f"job {job}", word, pid, gpu, at["start"], at["finish"], told)
    if steps:
        yield from _steps(jobs, job, pid, gpu, at["start"], at["finish"])


_INSTANTS = ("arrival", "decided", "landed", "start", "finish")


def _steps(
    jobs: Jobs, job: int, pid: int, tid: int, start_ns: int, finish_ns: int
) -> Iterator[Event]:
    """The steps of all images, evenly over the job's time on the GPU."""
    per_image = int(jobs.steps[job])
    count = per_image * int(jobs.images[job])
    edges = (start_ns + (finish_ns - start_ns) * k // count for k in range(count + 1))
    for k, (begin, end) in enumerate(islice(pairwise(edges), count)):
        told = {"image": k // per_image + 1}
        yield _bar(f"step {k % per_image + 1}", "step", pid, tid, begin, end, told)


def _bar(
    name: str, kind: str, pid: int, tid: int, start_ns: int, end_ns: int, told: dict[str, Any]
) -> Event:
    return {
        "ph": "X", "name": name, "cat": kind, "pid": pid, "tid": tid, "ts": start_ns / NS_PER_US,
        "dur": (end_ns - start_ns) / NS_PER_US, "args": told,
    }  # fmt: skip


def _spell(name: str, job: int, pid: int, tid: int, start_ns: int, end_ns: int) -> Iterator[Event]:
    """A span that may overlap with others of its track: an asynchronous begin and end."""
    shared = {"cat": name, "name": f"job {job}", "id": f"{name}-{job}", "pid": pid, "tid": tid}
    yield {"ph": "b", **shared, "ts": start_ns / NS_PER_US}
    yield {"ph": "e", **shared, "ts": end_ns / NS_PER_US}


def _counters(ledger: Ledger, hour: Hour) -> Iterator[Event]:
    data, hours = ledger.data, ledger.slot_ns / NS_PER_HOUR
    first, last = hour.start_ns // ledger.slot_ns, -(-hour.end_ns // ledger.slot_ns)
    for slot in range(first, last):
        for site in range(len(ledger.sites)):
            powers = {f"{name[:-4]}_kw": float(data[name][slot, site]) / hours for name in _POWERS}
            counters = {
                "power": powers,
                "queue": {"jobs": float(data["queue_jobs"][slot, site])},
                "busy GPUs": {"percent": 100.0 * float(data["busy_share"][slot, site])},
                "charge": {"percent": 100.0 * float(data["soc"][slot, site])},
                "price": {"usd_mwh": 1000.0 * float(data["price_usd_kwh"][slot, site])},
            }
            when = slot * ledger.slot_ns / NS_PER_US
            for name, values in counters.items():
                if all(map(math.isfinite, values.values())):
                    shared = {"ph": "C", "pid": site + 1, "tid": 0, "ts": when}
                    yield {**shared, "name": name, "args": values}
