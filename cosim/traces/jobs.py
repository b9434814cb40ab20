"""The jobs of a run: who asked for what, when, and until when, as parallel arrays.

A job is a text-to-image request that arrives at its home site at one instant. ``JobSet`` holds all
jobs of the window in the order in which they arrive; a job class groups those that policies treat
alike (tolerated delay × transferable × images, as in JEMAS, × size where users ask for one).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain, pairwise, product, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.quantities import NS_PER_S
from cosim.traces.marks import MarkColumns, Marks

DTYPES: dict[str, type[np.generic]] = {
    "arrival_ns": np.int64,
    "deadline_ns": np.int64,
    "home": np.int32,
    "images": np.int32,
    "steps_asked": np.int32,
    "model_asked": np.int32,
    "transferable": np.bool_,
    "class_id": np.int32,
    "input_mb": np.float64,
    "output_mb": np.float64,
}


@dataclass(frozen=True)
class JobSet:
    """Jobs sorted by (arrival_ns, home, order of drawing); read-only arrays of shape (jobs,).

    Attributes:
        arrival_ns: instant of arrival since the scenario's start [ns].
        deadline_ns: arrival plus tolerated delay [ns].
        home: index of the site where the job arrives.
        images: images asked for.
        steps_asked: denoising steps per image asked for.
        model_asked: index into the scenario's models, −1 = whatever the executing site runs.
        transferable: whether the job may run away from home.
        class_id: index into the job classes; with it goes the size asked for.
        input_mb: size of the prompt to be moved out [MB].
        output_mb: size of all images to be moved back [MB].
    """

    arrival_ns: NDArray[np.int64]
    deadline_ns: NDArray[np.int64]
    home: NDArray[np.int32]
    images: NDArray[np.int32]
    steps_asked: NDArray[np.int32]
    model_asked: NDArray[np.int32]
    transferable: NDArray[np.bool_]
    class_id: NDArray[np.int32]
    input_mb: NDArray[np.float64]
    output_mb: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name, dtype in DTYPES.items():
            column: NDArray[Any] = getattr(self, name)
            if column.dtype != dtype or column.shape != (len(self.arrival_ns),):
                raise ValueError(
                    f"{name} must be {np.dtype(dtype)} of shape ({len(self.arrival_ns)},), "
                    f"not {column.dtype} of shape {column.shape}"
                )
            column.setflags(write=False)
        if np.any(np.diff(self.arrival_ns) < 0):
            raise ValueError("arrival_ns must not fall")

    def __len__(self) -> int:
        return len(self.arrival_ns)

    @property
    def delay_s(self) -> NDArray[np.float64]:
        """Tolerated delay of each job [s]."""
        return (self.deadline_ns - self.arrival_ns) / NS_PER_S

    def pick(self, rows: NDArray[np.bool_] | slice) -> JobSet:
        """Keep the jobs of a mask or slice."""
        return JobSet(**{f.name: getattr(self, f.name)[rows].copy() for f in fields(self)})


@dataclass(frozen=True)
class JobClass:
    """A class of jobs that policies treat alike.

    Attributes:
        name: e.g. ``delay 62-94 s, movable, 1 image``.
        delay_lo_s: shortest tolerated delay [s] of the class (inclusive).
        delay_hi_s: longest tolerated delay [s] of the class (exclusive), inf for the last.
        transferable: whether its jobs may run away from home.
        images_lo: fewest images of a job.
        images_hi: most images of a job (inclusive).
        priority: the higher, the more urgent under the discipline ``priority``.
        px: edge of the images that its jobs ask for [px]; 0: any.
    """

    name: str
    delay_lo_s: float
    delay_hi_s: float
    transferable: bool
    images_lo: int
    images_hi: int
    priority: int = 0
    px: int = 0


def classes(
    delay_edges_s: Sequence[float],
    image_edges: Sequence[int],
    priority: Sequence[int] = (0,),
    sizes_px: Sequence[int] = (0,),
) -> tuple[JobClass, ...]:
    """List the job classes: delay bin (slowest index) × transferable × image bin × size (fastest).

    Args:
        delay_edges_s: ascending edges [s]; bin k holds delays in [edge k, edge k+1).
        image_edges: ascending edges; bin k holds jobs of edge k to edge k+1 − 1 images.
        priority: of the delay bins from the shortest on; the last one counts for all that follow.
        sizes_px: sizes asked for, ascending [px]; ``(0,)``: none.
    """
    _check_edges("delay_edges_s", delay_edges_s)
    _check_edges("image_edges", image_edges)
    delays = zip(pairwise(delay_edges_s), chain(priority, repeat(priority[-1])), strict=False)
    bins = product(delays, (False, True), pairwise(image_edges), sizes_px)
    return tuple(
        _of_size(replace(_job_class(lo, hi, moves, a, b - 1), priority=rank), px)
        for ((lo, hi), rank), moves, (a, b), px in bins
    )


def _of_size(each: JobClass, px: int) -> JobClass:
    return replace(each, name=f"{each.name}, {px} px", px=px) if px else each


def _check_edges(name: str, edges: Sequence[float]) -> None:
    if len(edges) < 2 or any(not a < b for a, b in pairwise(edges)):
        raise ValueError(f"{name} must be at least two ascending numbers, not {tuple(edges)}")


def _job_class(lo_s: float, hi_s: float, movable: bool, fewest: int, most: int) -> JobClass:
    delay = f"{lo_s:.4g}-{hi_s:.4g} s" if math.isfinite(hi_s) else f"from {lo_s:.4g} s"
    count = f"{fewest}" if fewest == most else f"{fewest}-{most}"
    noun = "image" if most == 1 else "images"
    words = f"delay {delay}, {'movable' if movable else 'home only'}, {count} {noun}"
    return JobClass(words, lo_s, hi_s, movable, fewest, most)


def class_of(
    delay_s: NDArray[np.float64],
    transferable: NDArray[np.bool_],
    images: NDArray[np.int32],
    delay_edges_s: Sequence[float],
    image_edges: Sequence[int],
    px: NDArray[np.int32] | int = 0,
    sizes_px: Sequence[int] = (0,),
) -> NDArray[np.int32]:
    """Index each job's class in ``classes(delay_edges_s, image_edges, …)``, shape (jobs,).

    A job outside all bins belongs to the nearest one, so that a replayed trace always fits.

    Args:
        delay_s: tolerated delay of each job [s].
        transferable: whether each may leave home.
        images: images that each asks for.
        delay_edges_s: edges of the delay classes [s].
        image_edges: edges of the image classes.
        px: size that each asks for [px], one of ``sizes_px``.
        sizes_px: sizes asked for, ascending [px].
    """
    delay_bin = _bin_of(delay_s, delay_edges_s)
    image_bin = _bin_of(images, image_edges)
    index = (delay_bin * 2 + transferable) * (len(image_edges) - 1) + image_bin
    size = np.searchsorted(np.asarray(sizes_px), px)
    return (index * len(sizes_px) + size).astype(np.int32)


def nearest_size_px(px: NDArray[np.int32], sizes_px: Sequence[int]) -> NDArray[np.int32]:
    """Move each size to the nearest that is known, by the ratio of the edges [px].

    Args:
        px: edges, at least 1 [px].
        sizes_px: the known edges, ascending [px]; of two equally near the larger is taken.
    """
    between = [math.sqrt(a * b) for a, b in pairwise(sizes_px)]
    nearest = np.searchsorted(np.array(between), px, side="right")
    return np.asarray(sizes_px, dtype=np.int32)[nearest]


def _bin_of(values: NDArray[Any], edges: Sequence[float]) -> NDArray[np.int64]:
    inner = np.asarray(edges[1:-1], dtype=np.float64)
    return np.searchsorted(inner, values, side="right").astype(np.int64)


def assemble(
    arrival_ns: NDArray[np.int64],
    home: NDArray[np.int32],
    columns: MarkColumns,
    marks: Marks,
    *,
    delay_edges_s: Sequence[float],
    image_edges: Sequence[int],
) -> JobSet:
    """Sort arrivals with their marks into a ``JobSet``; ties keep (home, given order).

    Args:
        arrival_ns: instants since the scenario's start [ns], shape (jobs,), in any order.
        home: home of each, shape (jobs,).
        columns: marks of each, in the same order.
        marks: gives the sizes of prompts and images.
        delay_edges_s: edges of the delay classes [s].
        image_edges: edges of the image classes.
    """
    order = np.lexsort((home, arrival_ns))
    arrival_ns, home, columns = arrival_ns[order], home[order], columns.pick(order)
    return JobSet(
        arrival_ns=arrival_ns,
        deadline_ns=arrival_ns + columns.delay_ns,
        home=home,
        images=columns.images,
        steps_asked=columns.steps_asked,
        model_asked=columns.model_asked,
        transferable=columns.transferable,
        class_id=class_of(
            columns.delay_ns / NS_PER_S,
            columns.transferable,
            columns.images,
            delay_edges_s,
            image_edges,
            columns.px,
            marks.sizes_px(),
        ),
        input_mb=np.full(len(arrival_ns), marks.mb_per_prompt),
        output_mb=marks.image_mb(columns.images, columns.px),
    )


def empty() -> JobSet:
    """Return the jobs of a window in which nobody asks for anything."""
    return JobSet(**{name: np.empty(0, dtype=dtype) for name, dtype in DTYPES.items()})
