"""Requests that really came: a recorded file played into the window, once or over and over.

Marks that the file lacks are drawn like those of generated jobs. A scale below 1 leaves jobs out,
one above 1 adds copies that arrive somewhere before the next recorded request, so that bursts stay
bursts. Which jobs stay is fixed by the seed: a larger scale only adds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.errors import TraceError
from cosim.quantities import NS_PER_S
from cosim.rng import stream
from cosim.traces.arrivals import MOST_JOBS
from cosim.traces.jobs import JobSet, assemble, empty, nearest_size_px
from cosim.traces.marks import Choice, MarkColumns, Marks, delay_ns_from_s, join
from cosim.traces.requests import Requests, read_requests


def read_jobs_csv(
    path: Path,
    *,
    name: str,
    sites: Sequence[str],
    models: Sequence[str] | None,
    marks: Marks,
    start_utc_ns: int,
    duration_ns: int,
    seed: int,
    delay_edges_s: Sequence[float],
    image_edges: Sequence[int],
    home_weights: Sequence[float] | None = None,
    scale: float = 1.0,
    repeat_ns: int | None = None,
) -> JobSet:
    """Replay a request file in a window.

    Args:
        path: the file, see ``cosim.traces.requests``.
        name: what messages call it.
        sites: names of all sites, in scenario order.
        models: names of all models; None leaves a recorded ``model`` unread.
        marks: distributions of the marks that the file lacks.
        start_utc_ns: Unix time of the window's start [ns]; places ``time_utc``.
        duration_ns: length of the window [ns].
        seed: the run's seed.
        delay_edges_s: edges of the delay classes [s].
        image_edges: edges of the image classes.
        home_weights: share of each site in requests without a home; default: equal.
        scale: jobs per recorded request, at least 0.
        repeat_ns: play the trace again with this period [ns]; None plays it once.

    Raises:
        TraceError: with every mistake in the file, or when nothing falls in the window.
    """
    sized = marks.sizes is not None
    requests = read_requests(path, name, sites=sites, models=models, sizes=sized)
    if scale == 0:
        return empty()
    requests = _in_window(requests, start_utc_ns, duration_ns, repeat_ns, scale)
    weights = (1.0,) * len(sites) if home_weights is None else tuple(home_weights)
    homes = Choice(tuple(range(len(sites))), weights)
    copies = [
        _copy(requests, k, scale - k, duration_ns, seed, sites, homes, marks)
        for k in range(math.ceil(scale))
    ]
    return assemble(
        np.concatenate([t for t, _, _ in copies]),
        np.concatenate([home for _, home, _ in copies]),
        join([columns for _, _, columns in copies]),
        marks,
        delay_edges_s=delay_edges_s,
        image_edges=image_edges,
    )


def _in_window(
    requests: Requests, start_utc_ns: int, duration_ns: int, repeat_ns: int | None, scale: float
) -> Requests:
    """Move the trace to the window's clock, repeat it and cut it to the window."""
    t_ns = requests.t_ns - start_utc_ns if requests.is_utc else requests.t_ns
    rows = np.flatnonzero((t_ns >= 0) & (t_ns < (repeat_ns or duration_ns)))
    rounds = 1 if repeat_ns is None else -(-duration_ns // repeat_ns)
    if not len(rows):
        raise TraceError(_nothing(requests.name, t_ns, repeat_ns or duration_ns))
    if len(rows) * rounds * scale > MOST_JOBS:
        raise TraceError(
            f"trace `{requests.name}` gives {len(rows) * rounds * scale:.3g} jobs in the window, "
            f"the most is {MOST_JOBS:,}; lower workload.scale"
        )
    shift_ns = np.repeat(np.arange(rounds) * (repeat_ns or 0), len(rows))
    every = np.tile(rows, rounds)
    placed_ns = t_ns[every] + shift_ns
    inside = placed_ns < duration_ns
    return _rows(requests, every[inside], placed_ns[inside])


def _nothing(name: str, t_ns: NDArray[np.int64], until_ns: int) -> str:
    first_h, last_h = t_ns[0] / NS_PER_S / 3600, t_ns[-1] / NS_PER_S / 3600
    return (
        f"trace `{name}`: no request falls in the window; it runs from hour {first_h:.2f} to "
        f"{last_h:.2f} after clock.start, the window is hour 0 to {until_ns / NS_PER_S / 3600:.2f}"
    )


def _rows(requests: Requests, rows: NDArray[np.int64], t_ns: NDArray[np.int64]) -> Requests:
    return replace(
        requests,
        t_ns=t_ns,
        home=requests.home[rows],
        images=requests.images[rows],
        steps=requests.steps[rows],
        tolerated_s=requests.tolerated_s[rows],
        transferable=requests.transferable[rows],
        model=requests.model[rows],
        px=requests.px[rows],
    )


def _copy(
    requests: Requests,
    k: int,
    share: float,
    duration_ns: int,
    seed: int,
    sites: Sequence[str],
    homes: Choice,
    marks: Marks,
) -> tuple[NDArray[np.int64], NDArray[np.int32], MarkColumns]:
    """Make the k-th copy of all requests and keep a share of it: instants, homes, marks."""
    n, copy = len(requests.t_ns), str(k)
    drawn = homes.draw(stream(seed, "replay", "home", copy), n)
    home = np.where(requests.home < 0, drawn, requests.home).astype(np.int32)
    columns = _with_recorded(requests, _drawn(home, seed, sites, marks, copy), marks)
    kept = stream(seed, "replay", "kept", copy).random(n) < share
    t_ns = requests.t_ns
    if k > 0:
        room_ns = np.diff(t_ns, append=duration_ns)
        t_ns = t_ns + (stream(seed, "replay", "place", copy).random(n) * room_ns).astype(np.int64)
    return t_ns[kept], home[kept], columns.pick(kept)


def _drawn(
    home: NDArray[np.int32], seed: int, sites: Sequence[str], marks: Marks, copy: str
) -> MarkColumns:
    """Draw all marks from the streams of each request's home."""
    by_home = [
        marks.draw(seed, site, int(np.count_nonzero(home == k)), "replay", copy)
        for k, site in enumerate(sites)
    ]
    place = np.argsort(np.argsort(home, kind="stable"), kind="stable")
    return join(by_home).pick(place)


def _with_recorded(requests: Requests, drawn: MarkColumns, marks: Marks) -> MarkColumns:
    """Let recorded marks overrule drawn ones; a recorded size counts as the nearest known."""
    delay_ns = drawn.delay_ns.copy()
    recorded = np.isfinite(requests.tolerated_s)
    delay_ns[recorded] = delay_ns_from_s(requests.tolerated_s[recorded])
    return MarkColumns(
        images=np.where(requests.images > 0, requests.images, drawn.images),
        steps_asked=np.where(requests.steps > 0, requests.steps, drawn.steps_asked),
        model_asked=np.where(requests.model >= 0, requests.model, drawn.model_asked),
        transferable=np.where(
            requests.transferable >= 0, requests.transferable == 1, drawn.transferable
        ),
        delay_ns=delay_ns,
        px=np.where(requests.px > 0, nearest_size_px(requests.px, marks.sizes_px()), drawn.px),
    )
